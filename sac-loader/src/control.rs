// SPDX-License-Identifier: MIT OR Apache-2.0
//! The control socket's language: one JSON request, one JSON answer.
//!
//! `sac-loader`'s commands speak it to the daemon, and `socat` can: `{"command":"list-sessions"}`.

use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{
    io::{Read as _, Write as _},
    os::unix::net::UnixStream,
    path::PathBuf,
    time::Duration,
};

/// Where the daemon listens for commands; only root may connect.
pub(crate) const SOCKET_PATH: &str = "/run/sac/control.sock";

/// Longest request in bytes.
pub(crate) const REQUEST_BYTES_MAX: usize = 4096;

/// How long either side waits for the other.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(30);

/// What can be asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Request {
    /// The open sessions: a list of [`SessionInfo`].
    ListSessions {},
    /// Load the policies anew: [`Reloaded`].
    Reload {},
    /// Let a user execute a program for a while: a [`GrantInfo`].
    Grant {
        /// User name.
        user: String,
        /// Absolute path of the program.
        exec: PathBuf,
        /// For how long, in seconds.
        for_s: u32,
        /// Why.
        reason: String,
    },
    /// The grants that hold: a list of [`GrantInfo`].
    Grants {},
    /// Take a grant back: its [`GrantInfo`].
    Revoke {
        /// The grant's number.
        number: u32,
    },
    /// Let the processes of a frozen session go on: `null`.
    Thaw {
        /// Session id.
        session: String,
    },
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Answer<T> {
    /// What was asked for.
    Ok(T),
    /// Why not.
    Error(String),
}

/// What the daemon says of a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SessionInfo {
    /// Session id.
    pub(crate) id: String,
    /// User name.
    pub(crate) user: String,
    /// User id.
    pub(crate) uid: u32,
    /// Names of the user's groups.
    pub(crate) groups: Vec<String>,
    /// The policy that holds.
    pub(crate) policy: String,
    /// PAM service that opened the session.
    pub(crate) service: String,
    /// Remote host, empty for a local login.
    pub(crate) from: String,
    /// Terminal, empty where there is none.
    pub(crate) tty: String,
    /// When it was opened, RFC 3339, UTC.
    pub(crate) since: String,
    /// Processes in it now.
    pub(crate) processes: usize,
    /// Executions that went ahead.
    pub(crate) executed: u64,
    /// Executions that were blocked.
    pub(crate) blocked: u64,
    /// Events that found no room.
    pub(crate) events_lost: u64,
    /// Directory of its cgroup.
    pub(crate) cgroup: String,
    /// Whether its processes are stopped.
    #[serde(default)]
    pub(crate) frozen: bool,
}

/// What the daemon says of a grant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct GrantInfo {
    /// Its number.
    pub(crate) number: u32,
    /// User name.
    pub(crate) user: String,
    /// User id.
    pub(crate) uid: u32,
    /// The program.
    pub(crate) exec: String,
    /// How long it was for, in seconds.
    pub(crate) for_s: u32,
    /// How much of that is left, in seconds.
    pub(crate) left_s: u32,
    /// When it ends, RFC 3339, UTC, as the clock goes now.
    pub(crate) until: String,
    /// Why it was given.
    pub(crate) reason: String,
    /// Who gave it.
    pub(crate) by: String,
}

/// What a reload did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Reloaded {
    /// Policies in force now.
    pub(crate) policies: usize,
}

/// Asks the daemon.
///
/// # Errors
///
/// Where the daemon is not there, or answers that it could not.
pub(crate) fn ask<T: DeserializeOwned>(request: Request) -> anyhow::Result<T> {
    let connected = UnixStream::connect(SOCKET_PATH);
    let mut stream = connected.with_context(|| {
        format!("cannot reach the daemon at {SOCKET_PATH}; try `systemctl status sac-loader`")
    })?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    let mut line = serde_json::to_vec(&request)?;
    line.push(b'\n');
    stream.write_all(&line).context("asking the daemon")?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).context("waiting for the daemon's answer")?;
    match serde_json::from_slice(&answer).context("reading the daemon's answer")? {
        Answer::Ok(found) => Ok(found),
        Answer::Error(reason) => bail!(reason),
    }
}

#[cfg(test)]
mod tests;
