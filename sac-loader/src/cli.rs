// SPDX-License-Identifier: MIT OR Apache-2.0
//! The command line: one file for each command, and here only what chooses between them.

mod audit;
mod cleanup;
mod daemon;
mod doctor;
mod events;
#[cfg(fuzzing)]
pub(crate) mod fuzzing;
mod grant;
mod intervene;
mod list_sessions;
mod look;
mod paint;
mod policy;
mod reference;
mod reload;
mod report;
mod run;
mod sessions;
mod top;
mod tree;

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
    /// Look at open sessions
    #[command(subcommand)]
    Sessions(sessions::SessionsCommand),
    /// Watch sessions, their processes and what was just blocked, on a terminal
    Top(top::TopArguments),
    /// Show what happened, from the record: the last 20 records, or those that fit
    Events(Box<events::EventsArguments>),
    /// Show the processes of a session, open or closed, as a tree, from the record
    Tree(tree::TreeArguments),
    /// Make a page for a browser of what happened in sessions, from the record
    Report(Box<report::ReportArguments>),
    /// Work with the record as a whole
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// Tell a session's user why, and kill all of its processes
    KillSession(intervene::InterveneArguments),
    /// Tell a session's user why, and stop all of its processes where they are
    Freeze(intervene::InterveneArguments),
    /// Let a session go on that an administrator or strikes have frozen
    Thaw(intervene::ThawArguments),
    /// Load the policies anew, for all sessions at once
    Reload,
    /// Let a user execute a program for a while, whatever the user's policy says
    Grant(grant::GrantArguments),
    /// List the grants that hold
    Grants(grant::GrantsArguments),
    /// Take a grant back
    Revoke(grant::RevokeArguments),
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
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let result = match arguments.command {
        Command::ListSessions(list) => list_sessions::run(&list),
        Command::Sessions(sessions) => sessions::run(&sessions),
        Command::Top(top) => top::run(&top),
        Command::Events(events) => events::run(*events),
        Command::Tree(tree) => tree::run(&tree),
        Command::Report(report) => report::run(&report),
        Command::Audit(audit) => audit::run(&audit),
        Command::KillSession(kill) => intervene::kill(kill),
        Command::Freeze(freeze) => intervene::freeze(freeze),
        Command::Thaw(thaw) => intervene::thaw(thaw),
        Command::Reload => reload::run(),
        Command::Grant(grant) => grant::grant(grant),
        Command::Grants(grants) => grant::list(&grants),
        Command::Revoke(revoke) => grant::revoke(&revoke),
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

/// Exit code of a command that was called in a way that it cannot work, as clap has it.
const MISUSED: u8 = 2;
