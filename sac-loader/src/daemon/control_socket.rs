// SPDX-License-Identifier: MIT OR Apache-2.0
//! The socket that the command line asks at.
//!
//! [`access`] says who may, [`serve`] keeps connections from getting in each other's way. Here requests meet what does them.

mod access;
#[cfg(fuzzing)]
pub(super) mod fuzzing;
mod serve;

pub(super) use access::Access;

use super::{
    Shared,
    apply::Asker,
    give, intervene, lock,
    show::{self, CommandLines},
};
use crate::{
    control::{Answer, Permission, READERS, Reloaded, Request, SOCKET_PATH},
    notice::Deliverer,
};
use access::Peer;
use anyhow::Context as _;
use serde::Serialize;
use std::{
    fs,
    io::{self, ErrorKind},
    os::unix::net::{UnixListener, UnixStream},
    sync::Arc,
};

/// Makes the socket, in place of one that an earlier daemon left. It is root's alone until [`Access`] opens it to others.
pub(super) fn bind() -> anyhow::Result<UnixListener> {
    match fs::remove_file(SOCKET_PATH) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error).context(SOCKET_PATH),
        _ => {}
    }
    UnixListener::bind(SOCKET_PATH).context(SOCKET_PATH)
}

/// What answers.
pub(super) struct Control {
    pub(super) state: Shared,
    pub(super) notices: Deliverer,
    pub(super) access: Arc<Access>,
    pub(super) command_lines: CommandLines,
}

/// Serves connections, for as long as the daemon runs.
pub(super) fn serve(control: Control, socket: &UnixListener) -> io::Result<()> {
    serve::serve(&Arc::new(control), socket, serve::BOUNDS)
}

impl serve::Service for Control {
    fn peer(&self, connection: &UnixStream) -> io::Result<Peer> {
        self.access.peer(connection)
    }

    fn answer(&self, peer: &Peer, line: &[u8]) -> io::Result<Vec<u8>> {
        match permitted(peer, line) {
            Ok(request) => self.respond(peer, request),
            Err(reason) => error(&reason),
        }
    }
}

/// The request in a line, if the peer may ask for it.
fn permitted(peer: &Peer, line: &[u8]) -> Result<Request, String> {
    let request: Request = serde_json::from_slice(line).map_err(|error| format!("not a request: {error}"))?;
    match (peer.may, request.needs()) {
        (Some(may), needed) if may >= needed => Ok(request),
        (Some(Permission::Look), _) => {
            Err(format!("only root may do that; members of the group {READERS} may look and change nothing"))
        }
        _ => Err(format!("only root and members of the group {READERS} may ask")),
    }
}

impl Control {
    fn respond(&self, peer: &Peer, request: Request) -> io::Result<Vec<u8>> {
        let state = &self.state;
        let by = || give::asker(peer.pid);
        match request {
            Request::ListSessions {} => json(&Answer::Ok(show::list(state))),
            Request::ShowSession { session } => result(show::one(state, &self.command_lines, &session)),
            Request::Reload {} => result(self.reload()),
            Request::PolicyStatus {} => json(&Answer::Ok(lock(state).policy_status())),
            Request::ApplyPolicies { directory, confirm_s } => {
                let by = by();
                result(lock(state).apply_policies(&directory, confirm_s, &by).map_err(Into::into))
            }
            Request::ConfirmPolicies {} => {
                let (by, asker) = (by(), Asker::of(peer.pid));
                let confirmed = lock(state).confirm_policies(&asker, &by);
                result(confirmed.map(|policies| Reloaded { policies }).map_err(Into::into))
            }
            Request::RollBackPolicies {} => {
                let by = by();
                let taken_back = lock(state).roll_back_policies(&by, "somebody asked for it");
                result(taken_back.map(|policies| Reloaded { policies }).map_err(Into::into))
            }
            Request::Grant { user, exec, for_s, reason } => {
                result(give::grant(state, &by(), &user, exec, for_s, reason))
            }
            Request::Grants {} => json(&Answer::Ok(give::grants(state))),
            Request::Revoke { number } => result(give::revoke(state, &by(), number)),
            Request::KillSession { session, reason } => {
                result(intervene::kill(state, &self.notices, by(), &session, reason))
            }
            Request::Freeze { session, reason } => {
                result(intervene::freeze(state, &self.notices, by(), &session, reason))
            }
            Request::Thaw { session, reason } => {
                result(intervene::thaw(state, &self.notices, by(), &session, reason.unwrap_or_default()))
            }
        }
    }

    fn reload(&self) -> anyhow::Result<Reloaded> {
        self.access.look_again();
        let reloaded = lock(&self.state).reload();
        match reloaded {
            Ok(policies) => Ok(Reloaded { policies }),
            Err(error) => {
                tracing::error!("the policies were refused: {}", error.first_faults());
                anyhow::bail!("the policies were refused, nothing changed: {error:#}")
            }
        }
    }
}

fn result<T: Serialize>(result: anyhow::Result<T>) -> io::Result<Vec<u8>> {
    json(&result.map_or_else(|error| Answer::Error(format!("{error:#}")), Answer::Ok))
}

fn error(reason: &str) -> io::Result<Vec<u8>> {
    json(&Answer::<()>::Error(reason.to_owned()))
}

fn json(answer: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut text = serde_json::to_vec(answer)?;
    text.push(b'\n');
    Ok(text)
}

#[cfg(test)]
mod tests;
