// SPDX-License-Identifier: MIT OR Apache-2.0
//! `sac-loader reload`: the policies anew, for all sessions at once.

use crate::control::{Reloaded, Request, ask};
use std::{
    io::{self, Write as _},
    process::ExitCode,
};

/// Tells the daemon to load its policies, and what came of it.
pub(super) fn run() -> anyhow::Result<ExitCode> {
    let reloaded: Reloaded = ask(Request::Reload {})?;
    let plural = if reloaded.policies == 1 { "policy is" } else { "policies are" };
    writeln!(io::stdout(), "{} {plural} in force", reloaded.policies)?;
    Ok(ExitCode::SUCCESS)
}
