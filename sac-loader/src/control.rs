// SPDX-License-Identifier: MIT OR Apache-2.0
//! The control socket's language: one JSON request, one JSON answer.
//!
//! `sac-loader`'s commands speak it to the daemon, and `socat` can: `{"command":"list-sessions"}`. What each request needs is in
//! [`permission`], what comes back in [`answers`].

mod answers;
mod permission;

pub(crate) use answers::{
    Applied, Controlled, FileChanges, GrantInfo, Holds, LimitsInfo, PendingInfo, PolicyInfo, PolicyStatus,
    ProcessInfo, Reloaded, SessionDetails, SessionInfo, StrikesInfo,
};
pub(crate) use permission::{Permission, READERS};

use anyhow::{Context as _, anyhow, bail};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{
    io::{self, BufRead as _, BufReader, Write as _},
    os::unix::net::UnixStream,
    path::PathBuf,
    time::Duration,
};

/// Where the daemon listens for commands; only root and members of [`READERS`] can connect.
pub(crate) const SOCKET_PATH: &str = "/run/sac/control.sock";

/// Longest request in bytes, the end of its line included.
pub(crate) const REQUEST_BYTES_MAX: usize = 4096;

/// How long a command waits for the daemon.
const TIMEOUT: Duration = Duration::from_secs(30);

/// What can be asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Request {
    /// The open sessions: a list of [`SessionInfo`].
    ListSessions {},
    /// All that is known of an open session: its [`SessionDetails`].
    ShowSession {
        /// Session id.
        session: String,
    },
    /// Load the policies anew: [`Reloaded`].
    Reload {},
    /// Which policies are in force, and whether they stay: a [`PolicyStatus`].
    PolicyStatus {},
    /// Put the policies of a directory in the place of those in force: [`Applied`].
    ApplyPolicies {
        /// Absolute path of the directory, which is root's alone, as its files are.
        directory: PathBuf,
        /// Take them back after so many seconds, unless somebody confirms them.
        #[serde(default)]
        confirm_s: Option<u32>,
    },
    /// Keep policies that are on trial: [`Reloaded`].
    ConfirmPolicies {},
    /// Take policies back that are on trial: [`Reloaded`].
    RollBackPolicies {},
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
    /// Tell a session's user why, and kill all of its processes: [`Controlled`].
    KillSession {
        /// Session id.
        session: String,
        /// Why.
        reason: String,
    },
    /// Tell a session's user why, and stop its processes where they are: [`Controlled`].
    Freeze {
        /// Session id.
        session: String,
        /// Why.
        reason: String,
    },
    /// Let the processes of a frozen session go on: [`Controlled`].
    Thaw {
        /// Session id.
        session: String,
        /// Why.
        #[serde(default)]
        reason: Option<String>,
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

/// Asks the daemon.
///
/// # Errors
///
/// Where the daemon is not there, or answers that it could not.
pub(crate) fn ask<T: DeserializeOwned>(request: Request) -> anyhow::Result<T> {
    let mut stream = UnixStream::connect(SOCKET_PATH).map_err(|error| no_daemon(&error))?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    let mut line = serde_json::to_vec(&request)?;
    line.push(b'\n');
    match stream.write_all(&line) {
        // A daemon that will not hear us has said so before it was asked.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            return Err(error).context("asking the daemon");
        }
        _ => {}
    }
    let mut answer = Vec::new();
    BufReader::new(stream).read_until(b'\n', &mut answer).map_err(|error| no_answer(&error))?;
    match serde_json::from_slice(&answer).context("reading the daemon's answer")? {
        Answer::Ok(found) => Ok(found),
        Answer::Error(reason) => bail!(reason),
    }
}

/// Why there is no answer, and what to do about it.
fn no_answer(error: &io::Error) -> anyhow::Error {
    match error.kind() {
        // What the kernel calls a read that took longer than it may.
        io::ErrorKind::WouldBlock => anyhow!(
            "the daemon gave no answer within {} s, and may still do what it was asked for; `journalctl -u sac-loader` says what it is at",
            TIMEOUT.as_secs()
        ),
        _ => anyhow!("waiting for the daemon's answer: {error}"),
    }
}

/// Why the daemon cannot be asked, and what to do about it.
fn no_daemon(error: &io::Error) -> anyhow::Error {
    let help = match error.kind() {
        io::ErrorKind::PermissionDenied => format!("only root and members of the group {READERS} may ask it"),
        _ => "try `systemctl status sac-loader`".to_owned(),
    };
    anyhow!("cannot reach the daemon at {SOCKET_PATH}; {help}: {error}")
}

#[cfg(test)]
mod tests;
