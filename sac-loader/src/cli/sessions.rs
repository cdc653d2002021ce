// SPDX-License-Identifier: MIT OR Apache-2.0
//! `sac-loader sessions`: who is in, and all that is known of one of them.

mod show;

pub(super) use show::{command, processes};

use super::list_sessions::{self, ListArguments};
use std::process::ExitCode;

/// What `sessions` can do.
#[derive(clap::Subcommand)]
pub(super) enum SessionsCommand {
    /// List who is in and under what, as `list-sessions` does
    List(ListArguments),
    /// Show all that is known of a session: its processes, policies, limits and grants
    Show(show::ShowArguments),
}

/// Does it.
pub(super) fn run(command: &SessionsCommand) -> anyhow::Result<ExitCode> {
    match command {
        SessionsCommand::List(list) => list_sessions::run(list),
        SessionsCommand::Show(show) => show::run(show),
    }
}
