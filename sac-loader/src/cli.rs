// SPDX-License-Identifier: MIT OR Apache-2.0
//! The command line: one file for each command, and here only what chooses between them.

mod run;

use clap::{Parser, Subcommand};
use std::{io::Write as _, path::PathBuf, process::ExitCode};

/// Per-session command control for Linux
#[derive(Parser)]
#[command(version, about, max_term_width = 100)]
struct Arguments {
    /// Read the kernel's struct layouts from this file
    #[arg(long, global = true, hide = true, default_value = crate::bpf::VMLINUX)]
    btf: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run one command under a policy, without PAM and without the daemon
    Run(run::RunArguments),
}

/// Runs the command that was asked for; errors go to standard error as one line with their causes.
pub(crate) fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let result = match arguments.command {
        Command::Run(run) => run::run(&run, &arguments.btf),
    };
    result.unwrap_or_else(|error| {
        // If standard error is gone, there is nobody to tell.
        let _nobody_listens = writeln!(std::io::stderr(), "sac-loader: {error:#}");
        ExitCode::from(FAILED)
    })
}

/// Exit code of a command that could not do its work.
const FAILED: u8 = 1;
