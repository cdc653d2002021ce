// SPDX-License-Identifier: MIT OR Apache-2.0
//! The one table from what happened to the PAM code and the log line.
//!
//! A *fault* is anything that keeps the loader's decision from being known or carried out while the process is still
//! where it was; `fail=` decides about faults, and about nothing else. A login that the loader refuses, that has no
//! usable name, or whose process landed in a cgroup that it was not told is refused with `fail=open` too: the first
//! is a decision, the second could be brought about by whoever logs in, and in the third the process may be held by
//! somebody else's policy, or look confined and not be.
//!
//! `PAM_SESSION_ERR` would be the obvious code, but sudo goes on after it ("Treat PAM_SESSION_ERR as a non-fatal
//! error", `plugins/sudoers/auth/pam.c`), so it is never returned.
#![forbid(unsafe_code)]

use crate::args::{Exempt, FailMode};
use crate::cgroup::PlaceError;
use crate::client::AskError;
use crate::ffi::Priority;
use crate::text::{printable, quoted};
use pam::constants::PamResultCode;
use sac_abi::session::SessionId;
use std::path::PathBuf;

/// What came of a request to open a session.
#[derive(Debug)]
pub(crate) enum Cause {
    /// The process is in its session's cgroup.
    Entered(SessionId),
    /// The process was in a session already (su, sudo) and stays there.
    Nested(SessionId),
    /// The policy on the user's slice holds the process where it is.
    Covered,
    /// The loader's own rules exempt the user.
    Unpoliced,
    /// The user has uid 0.
    Root,
    /// `exempt=` names the user.
    Exempt(Exempt),
    /// libpam has no user.
    NoUser,
    /// libpam did not give this item.
    NoItem(&'static str),
    /// A name of the login is longer than a request can hold.
    Oversized(AskError),
    /// The loader refused, for this reason.
    Refused(Vec<u8>),
    /// The loader at this socket gave no usable reply.
    NoReply(PathBuf, AskError),
    /// The process could not enter this cgroup and is where it was.
    NotPlaced(Vec<u8>, PlaceError),
    /// The process was moved and is not proven to be in this cgroup.
    Misplaced(Vec<u8>, PlaceError),
}

/// What PAM and the log get.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) code: PamResultCode,
    pub(crate) priority: Priority,
    /// What becomes of the session, for the log line.
    outcome: &'static str,
}

const GOES_ON: &str = "goes on";
const WITHOUT_POLICY: &str = "goes on without a policy of its own";
const REFUSED: &str = "refused";

impl Cause {
    /// The code and the log level.
    pub(crate) fn verdict(&self, fail: FailMode) -> Verdict {
        use PamResultCode::{PAM_PERM_DENIED, PAM_SUCCESS, PAM_SYSTEM_ERR};
        let (code, priority, outcome) = match self {
            Self::Entered(_) | Self::Nested(_) | Self::Covered => (PAM_SUCCESS, Priority::Debug, GOES_ON),
            Self::Unpoliced | Self::Root => (PAM_SUCCESS, Priority::Debug, GOES_ON),
            Self::Exempt(_) => (PAM_SUCCESS, Priority::Notice, WITHOUT_POLICY),
            Self::Refused(_) => (PAM_PERM_DENIED, Priority::Warning, REFUSED),
            Self::NoUser | Self::NoItem(_) | Self::Oversized(_) => (PAM_SYSTEM_ERR, Priority::Error, REFUSED),
            Self::Misplaced(..) => (PAM_SYSTEM_ERR, Priority::Error, REFUSED),
            Self::NoReply(..) | Self::NotPlaced(..) => match fail {
                FailMode::Closed => (PAM_SYSTEM_ERR, Priority::Error, REFUSED),
                FailMode::Open => (PAM_SUCCESS, Priority::Error, WITHOUT_POLICY),
            },
        };
        Verdict { code, priority, outcome }
    }

    /// The log line: whose session, what becomes of it, why.
    pub(crate) fn line(&self, user: &[u8], fail: FailMode) -> String {
        let outcome = self.verdict(fail).outcome;
        format!("session of user {} {outcome}: {}", quoted(user), self.explanation(fail))
    }

    fn explanation(&self, fail: FailMode) -> String {
        let mode = match fail {
            FailMode::Closed => "fail=closed",
            FailMode::Open => "fail=open",
        };
        match self {
            Self::Entered(session) => format!("in session {session}"),
            Self::Nested(session) => format!("stays in session {session}"),
            Self::Covered => "held by the policy on the user's slice".to_owned(),
            Self::Unpoliced => "sac-loader has no policy for this user".to_owned(),
            Self::Root => "root is under no policy".to_owned(),
            Self::Exempt(entry) => format!("exempt={}", printable(&entry.spelling())),
            Self::NoUser => "PAM_USER is not set".to_owned(),
            Self::NoItem(item) => format!("libpam does not give {item}"),
            Self::Oversized(error) => error.to_string(),
            Self::Refused(reason) => format!("sac-loader says: {}", printable(reason)),
            Self::NoReply(socket, error) => {
                let socket = quoted(socket.as_os_str().as_encoded_bytes());
                format!("sac-loader at {socket}: {error} ({mode})")
            }
            Self::NotPlaced(cgroup, error) => format!("cgroup {}: {error} ({mode})", quoted(cgroup)),
            Self::Misplaced(cgroup, error) => format!("cgroup {}: {error}", quoted(cgroup)),
        }
    }
}

#[cfg(test)]
mod tests;
