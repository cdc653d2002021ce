// SPDX-License-Identifier: MIT OR Apache-2.0
//! Bytes as records of the kernel half's ring buffers: what is told of them is harmless and bounded, and can be read again. The first byte
//! says of which kind.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| sac_loader::fuzzing::events(bytes));
