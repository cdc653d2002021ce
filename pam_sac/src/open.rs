// SPDX-License-Identifier: MIT OR Apache-2.0
//! What opening a session does, on plain types.
//!
//! Nothing here knows libpam; what it needs of the machine is passed in, so that tests can pass something else.
#![forbid(unsafe_code)]

use crate::args::Options;
use crate::cause::Cause;
use crate::cgroup::{self, Hierarchy, PlaceError, UNIFIED};
use crate::client::{self, AskError, Loader};
use crate::deadline::Deadline;
use crate::identity::{self, Names, Standing};
use crate::sys::names::NameService;
use sac_abi::pam::{FRAME_BYTES_MAX, OpenReply, OpenRequest};
use std::ffi::CString;

/// Who logs in and how, as libpam tells it. What is unset there is empty here.
#[derive(Clone, Debug, Default)]
pub(crate) struct Login {
    pub(crate) user: CString,
    pub(crate) service: Vec<u8>,
    pub(crate) tty: Vec<u8>,
    pub(crate) rhost: Vec<u8>,
    pub(crate) xdg_session_id: Vec<u8>,
}

/// The parts of the machine that a login meets.
pub(crate) struct Machine<'a> {
    pub(crate) names: &'a dyn Names,
    pub(crate) hierarchy: Hierarchy<'a>,
    /// The user that the loader must run as.
    pub(crate) loader_uid: u32,
}

/// This machine.
pub(crate) const MACHINE: Machine<'static> =
    Machine { names: &NameService, hierarchy: UNIFIED, loader_uid: 0 };

/// Opens a session, or finds out that none is needed or possible.
pub(crate) fn open(
    machine: &Machine<'_>,
    options: &Options,
    login: &Login,
    warnings: &mut Vec<String>,
) -> Cause {
    if login.user.is_empty() {
        return Cause::NoUser;
    }
    match identity::standing(machine.names, &login.user, &options.exempt, warnings) {
        Standing::Root => Cause::Root,
        Standing::Exempt(entry) => Cause::Exempt(entry.clone()),
        Standing::Ordinary => ask(machine, options, login),
    }
}

fn ask(machine: &Machine<'_>, options: &Options, login: &Login) -> Cause {
    let request = OpenRequest {
        user: login.user.as_bytes(),
        service: &login.service,
        tty: &login.tty,
        rhost: &login.rhost,
        xdg_session_id: &login.xdg_session_id,
    };
    let loader = Loader { socket: &options.socket, uid: machine.loader_uid };
    let deadline = Deadline::after(options.timeout);
    let mut buffer = [0; FRAME_BYTES_MAX];
    let answer = match client::ask(loader, &request, &deadline, &mut buffer) {
        Ok(answer) => answer,
        // A name beyond its limit is the login's doing; as a fault it would be a way in where fail=open.
        Err(error @ AskError::Request(_)) => return Cause::Oversized(error),
        Err(error) => return Cause::NoReply(options.socket.clone(), error),
    };
    let cause = match answer.reply {
        OpenReply::Enter { session, cgroup } => match cgroup::enter(machine.hierarchy, cgroup) {
            Ok(()) => Cause::Entered(session),
            Err(error @ (PlaceError::Unproven(_) | PlaceError::Astray(_))) => {
                Cause::Misplaced(cgroup.to_vec(), error)
            }
            Err(error) => Cause::NotPlaced(cgroup.to_vec(), error),
        },
        OpenReply::Nested { session } => Cause::Nested(session),
        OpenReply::Covered => Cause::Covered,
        OpenReply::Exempt => Cause::Unpoliced,
        OpenReply::Refused { reason } => Cause::Refused(reason.to_vec()),
    };
    // Not before the process is placed: the loader takes the end of the connection as the end of the placement.
    drop(answer.connection);
    cause
}

#[cfg(test)]
mod tests;
