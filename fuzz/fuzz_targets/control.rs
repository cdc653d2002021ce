// SPDX-License-Identifier: MIT OR Apache-2.0
//! Bytes as what somebody sends to the socket for commands: the answer is one line of bounded length, and nobody gets what they may not
//! have. The first byte says who it is.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| sac_loader::fuzzing::control(bytes));
