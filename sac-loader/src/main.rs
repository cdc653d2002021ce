// SPDX-License-Identifier: MIT OR Apache-2.0
//! The program; the library of the same name says what it is made of.

use std::process::ExitCode;

fn main() -> ExitCode {
    sac_loader::main()
}
