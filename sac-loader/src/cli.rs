// SPDX-License-Identifier: MIT OR Apache-2.0
//! The command line: one file for each command, and here only what chooses between them.

mod cleanup;
mod daemon;
mod doctor;
mod grant;
mod list_sessions;
mod policy;
mod reference;
mod reload;
mod run;

use clap::{CommandFactory as _, Parser, Subcommand};
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
    /// List who is in and under what
    ListSessions(list_sessions::ListArguments),
    /// Load the policies anew, for all sessions at once
    Reload,
    /// Let a user execute a program for a while, whatever the user's policy says
    Grant(grant::GrantArguments),
    /// List the grants that hold
    Grants(grant::GrantsArguments),
    /// Take a grant back
    Revoke(grant::RevokeArguments),
    /// Let a session go on that strikes have frozen
    Thaw(grant::ThawArguments),
    /// Work with policies
    #[command(subcommand)]
    Policy(policy::PolicyCommand),
    /// Open and end sessions; the service runs this
    Daemon(daemon::DaemonArguments),
    /// Look whether this machine can confine sessions, and say what to do where it cannot
    Doctor(doctor::DoctorArguments),
    /// Take everything of SAC out of the kernel; sessions lose their policies
    Cleanup,
    /// Run one command under a policy, without PAM and without the daemon
    Run(run::RunArguments),
    /// Print all commands and options as Markdown, of which the page of the manual is made
    #[command(hide = true)]
    Reference,
}

/// Runs the command that was asked for; errors go to standard error as one line with their causes.
pub(crate) fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let result = match arguments.command {
        Command::ListSessions(list) => list_sessions::run(&list),
        Command::Reload => reload::run(),
        Command::Grant(grant) => grant::grant(grant),
        Command::Grants(grants) => grant::list(&grants),
        Command::Revoke(revoke) => grant::revoke(&revoke),
        Command::Thaw(thaw) => grant::thaw(thaw),
        Command::Policy(policy) => policy::run(&policy),
        Command::Daemon(daemon) => daemon::run(daemon, &arguments.btf),
        Command::Doctor(doctor) => doctor::run(&doctor, &arguments.btf),
        Command::Cleanup => cleanup::run(),
        Command::Run(run) => run::run(&run, &arguments.btf),
        Command::Reference => reference::run(Arguments::command()),
    };
    result.unwrap_or_else(|error| {
        // If standard error is gone, there is nobody to tell.
        let _nobody_listens = writeln!(std::io::stderr(), "sac-loader: {error:#}");
        ExitCode::from(FAILED)
    })
}

/// Where the daemon's policies are.
const POLICIES: &str = "/etc/sac/policies";

/// Exit code of a command that could not do its work.
const FAILED: u8 = 1;
