// SPDX-License-Identifier: MIT OR Apache-2.0
//! Bytes as a command line of `sac-loader`, a word in each line, and as moments for `--since`: they are taken or refused with a reason.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| sac_loader::fuzzing::command_line(bytes));
