// SPDX-License-Identifier: MIT OR Apache-2.0
//! `cargo xtask VERB`: everything that is done with this source tree, from set-up to tests in guests.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    match xtask::cli::Cli::parse().run() {
        Ok(code) => code,
        Err(error) => {
            xtask::process::note(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}
