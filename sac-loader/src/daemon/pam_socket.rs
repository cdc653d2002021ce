// SPDX-License-Identifier: MIT OR Apache-2.0
//! The socket that the PAM module asks at.
//!
//! Only root may connect, and the process that is asked for is the one the kernel names as the peer. A connection has a
//! thread of its own, because the name service may hang; how many there can be is bounded.

use super::{
    Shared, lock,
    open::{Opened, open},
    registry::Owner,
};
use anyhow::Context as _;
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
    net::{
        AddressFamily, RecvFlags, SendFlags, SocketAddrUnix, SocketFlags, SocketType, accept_with,
        bind as bind_to, listen, recv, send, socket_with,
        sockopt::{Timeout, set_socket_timeout, socket_peercred},
    },
};
use sac_abi::pam::{FRAME_BYTES_MAX, OpenReply, OpenRequest, SOCKET_PATH};
use sac_audit::{
    record::{Event, Severity},
    text::Text,
};
use sac_failpoint::{Failpoint, reach};
use std::{
    error::Error,
    fs, io,
    os::{fd::OwnedFd, unix::ffi::OsStrExt as _},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

/// Connections that are served at a time; the next one waits in the socket's queue, and its client for its own time-out.
const CONNECTIONS_MAX: usize = 64;

/// How long a client may take to ask. The module asks as soon as it is connected; whoever does not keeps a place from others.
const ASKING_TIMEOUT: Duration = Duration::from_secs(1);

/// How long a client may take to enter its cgroup after the answer. The module itself allows 60 s at most.
const CLIENT_TIMEOUT: Duration = Duration::from_secs(60);

/// Makes the socket, in place of one that an earlier daemon left.
pub(super) fn bind() -> anyhow::Result<OwnedFd> {
    let path = Path::new(SOCKET_PATH);
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error).context(SOCKET_PATH),
        _ => {}
    }
    let socket = socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
    bind_to(&socket, &SocketAddrUnix::new(path)?).context(SOCKET_PATH)?;
    listen(&socket, 128).context(SOCKET_PATH)?;
    Ok(socket)
}

/// Serves connections, until accepting them fails.
pub(super) fn serve(state: &Shared, socket: &OwnedFd) -> io::Result<()> {
    let open_connections = Arc::new(AtomicUsize::new(0));
    loop {
        while open_connections.load(Ordering::Acquire) >= CONNECTIONS_MAX {
            thread::sleep(Duration::from_millis(10));
        }
        let connection = match accept_with(socket, SocketFlags::CLOEXEC) {
            Ok(connection) => connection,
            Err(Errno::INTR | Errno::CONNABORTED) => continue,
            Err(Errno::MFILE | Errno::NFILE | Errno::NOMEM | Errno::NOBUFS) => {
                tracing::error!("no descriptors or memory for a login; trying again");
                thread::sleep(Duration::from_millis(100));
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        let slot = ConnectionSlot::take(&open_connections);
        let state = Arc::clone(state);
        let run = move || {
            let _slot = slot;
            if let Err(error) = answer(&state, &connection) {
                tracing::warn!("a PAM request was not answered: {error:#}");
            }
        };
        if let Err(error) = thread::Builder::new().name("login".to_owned()).spawn(run) {
            tracing::error!(%error, "no thread for a login; it is refused by its own time-out");
        }
    }
}

/// One of [`CONNECTIONS_MAX`], given back however its thread ends.
struct ConnectionSlot(Arc<AtomicUsize>);

impl ConnectionSlot {
    fn take(of: &Arc<AtomicUsize>) -> Self {
        of.fetch_add(1, Ordering::AcqRel);
        Self(Arc::clone(of))
    }
}

impl Drop for ConnectionSlot {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

fn answer(state: &Shared, connection: &OwnedFd) -> anyhow::Result<()> {
    for timeout in [Timeout::Recv, Timeout::Send] {
        set_socket_timeout(connection, timeout, Some(ASKING_TIMEOUT))?;
    }
    let peer = socket_peercred(connection).context("asking who the peer is")?;
    if peer.uid.as_raw() != 0 {
        anyhow::bail!("the peer has uid {}, not 0", peer.uid.as_raw());
    }
    let mut frame = [0; FRAME_BYTES_MAX + 1];
    let (len, _) = recv(connection, &mut frame, RecvFlags::empty()).context("receiving")?;
    if len == 0 {
        // Somebody looked whether anybody listens; `doctor` does.
        return Ok(());
    }
    let request = OpenRequest::decode(frame.get(..len).unwrap_or_default())?;
    reach(Failpoint::LoginAsked);
    let is_wanted = || !has_hung_up(connection);
    let opened = open(state, peer.pid.as_raw_nonzero().get(), &request, is_wanted);
    if let Err(refusal) = &opened {
        let text = |bytes: &[u8]| Text::from_bytes(bytes);
        let event = Event::SessionRefused {
            user: text(request.user),
            service: text(request.service),
            from: text(request.rhost),
            reason: with_causes(refusal),
        };
        lock(state).recorder.tell(None, Severity::Medium, event);
    }
    let sent = reply(connection, &request, &opened);
    if let Ok(Opened::Session { id, .. }) = opened {
        reach(Failpoint::SessionAnswered);
        if sent.is_ok() && set_socket_timeout(connection, Timeout::Recv, Some(CLIENT_TIMEOUT)).is_ok() {
            wait_for_close(connection);
        }
        // A client that did not enter leaves an empty cgroup behind, of which the kernel has nothing to tell.
        let mut state = lock(state);
        state.entering.remove(&id);
        state.settle(Owner::Session(id));
    }
    sent
}

fn reply(
    connection: &OwnedFd,
    request: &OpenRequest<'_>,
    opened: &Result<Opened, super::open::Refusal>,
) -> anyhow::Result<()> {
    let reason;
    let reply = match opened {
        Ok(Opened::Session { id, directory }) => {
            OpenReply::Enter { session: *id, cgroup: directory.as_os_str().as_bytes() }
        }
        Ok(Opened::Nested(session)) => OpenReply::Nested { session: *session },
        Ok(Opened::Covered) => OpenReply::Covered,
        Ok(Opened::Exempt) => OpenReply::Exempt,
        Err(refusal) => {
            reason = with_causes(refusal);
            let (user, service) = (request.user.escape_ascii(), request.service.escape_ascii());
            tracing::error!(%user, %service, reason, "login of {user} by {service} refused: {reason}");
            OpenReply::Refused { reason: reason.as_bytes() }
        }
    };
    let mut buffer = [0; FRAME_BYTES_MAX];
    send(connection, reply.encode(&mut buffer)?, SendFlags::NOSIGNAL).context("sending the answer")?;
    Ok(())
}

/// An error and what led to it, on one line.
fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// Whether a client has given up.
fn has_hung_up(connection: &OwnedFd) -> bool {
    let mut sources = [PollFd::new(connection, PollFlags::RDHUP)];
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    let is_over = |flags: PollFlags| flags.intersects(PollFlags::RDHUP | PollFlags::HUP | PollFlags::ERR);
    poll(&mut sources, Some(&now)).is_ok() && sources.iter().any(|source| is_over(source.revents()))
}

/// The client keeps the connection until it is in its cgroup, or is gone.
fn wait_for_close(connection: &OwnedFd) {
    let mut byte = [0];
    loop {
        match recv(connection, &mut byte, RecvFlags::empty()) {
            Err(Errno::INTR) => {}
            _ => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::net::socketpair;

    #[test]
    fn a_client_that_has_given_up_is_told_from_one_that_waits() {
        let (ours, theirs) =
            socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None).unwrap();
        assert!(!has_hung_up(&ours));
        send(&theirs, b"a request", SendFlags::NOSIGNAL).unwrap();
        assert!(!has_hung_up(&ours));
        drop(theirs);
        assert!(has_hung_up(&ours));
    }
}
