// SPDX-License-Identifier: MIT OR Apache-2.0
//! `cargo deny`: licences, banned and doubled crates, sources; and known vulnerabilities where their database can be reached.

use std::process::Command;

use anyhow::Result;

use crate::setup::Tool;
use crate::{process, workspace};

/// How long the advisory database may take, in seconds: where packets vanish, git would wait for minutes.
const FETCH_TIMEOUT_S: &str = "60";

/// Checks the dependencies.
pub(super) fn run() -> Result<()> {
    process::run("cargo deny", deny()?.args(["check", "licenses", "bans", "sources"]))?;
    // The database is a git repository on the network: not reaching it is told from finding something in it.
    let mut fetch = Command::new("timeout");
    fetch
        .arg(FETCH_TIMEOUT_S)
        .arg(Tool::CargoDeny.path()?)
        .args(["fetch", "db"])
        .current_dir(workspace::root());
    let fetch = process::run("fetch the advisory database", &mut fetch);
    if let Err(error) = fetch {
        process::note("the advisory database cannot be reached: known vulnerabilities are NOT checked");
        process::note(error.to_string().lines().next().unwrap_or_default());
        return Ok(());
    }
    process::run("cargo deny advisories", deny()?.args(["--offline", "check", "advisories"]))
}

fn deny() -> Result<Command> {
    let mut command = Command::new(Tool::CargoDeny.path()?);
    command.current_dir(workspace::root());
    Ok(command)
}
