// SPDX-License-Identifier: MIT OR Apache-2.0
//! The exchange with the loader: connect, look who answers, ask once, take one reply.
//!
//! Every wait ends at the same deadline. Only the first packet is read: one request has one reply, and whatever follows
//! goes down with the connection. The connection is handed to the caller and stays open until the process is in its
//! cgroup, because its end makes the loader look whether the cgroup is populated; so a login that died half-way is
//! cleaned up.
#![forbid(unsafe_code)]

use crate::deadline::Deadline;
use crate::sys::socket::{self, Readiness};
use sac_abi::pam::{FRAME_BYTES_MAX, FrameError, OpenReply, OpenRequest};
use std::fmt;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::thread;
use std::time::Duration;

/// Pause before connecting again where the loader's backlog is full: nothing announces that there is room.
const BACKLOG_PAUSE: Duration = Duration::from_millis(10);

/// The loader as it must be found.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Loader<'a> {
    pub(crate) socket: &'a Path,
    /// The user that must be listening: root, so that nobody else's socket is believed, whatever `socket=` names.
    pub(crate) uid: u32,
}

/// A reply, and the connection that it came by.
#[derive(Debug)]
pub(crate) struct Answer<'b> {
    /// To be closed once the reply is acted on.
    pub(crate) connection: OwnedFd,
    pub(crate) reply: OpenReply<'b>,
}

/// What the exchange was waiting for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    Connect,
    Send,
    Reply,
}

/// Why there is no reply.
#[derive(Debug)]
pub(crate) enum AskError {
    /// The request has no frame. It comes from the login, not from the loader.
    Request(FrameError),
    /// A system call on our own socket failed.
    Socket(&'static str, io::Error),
    /// Nobody listens, or we may not connect.
    Connect(io::Error),
    /// Somebody else than root listens.
    Peer { uid: u32 },
    /// The deadline passed.
    Timeout(Wait),
    /// The loader ended the connection without a reply.
    Closed,
    /// The reply is longer than a frame can be, in bytes.
    TooLong(usize),
    /// The reply is none.
    Reply(FrameError),
}

impl fmt::Display for AskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request(error) => write!(f, "cannot write the request: {error}"),
            Self::Socket(call, error) => write!(f, "{call} failed: {error}"),
            Self::Connect(error) => write!(f, "cannot connect: {error}; is sac-loader.service running?"),
            Self::Peer { uid } => write!(f, "uid {uid} listens there instead of root"),
            Self::Timeout(Wait::Connect) => f.write_str("it accepted no connection in time"),
            Self::Timeout(Wait::Send) => f.write_str("it took no request in time"),
            Self::Timeout(Wait::Reply) => f.write_str("it gave no answer in time"),
            Self::Closed => f.write_str("it closed the connection without an answer"),
            Self::TooLong(bytes) => {
                write!(f, "its answer has {bytes} bytes, more than the {FRAME_BYTES_MAX} of a frame")
            }
            Self::Reply(error) => write!(f, "its answer makes no sense: {error}"),
        }
    }
}

/// Asks the loader.
///
/// # Errors
///
/// Any [`AskError`]; by then the connection is closed.
pub(crate) fn ask<'b>(
    loader: Loader<'_>,
    request: &OpenRequest<'_>,
    deadline: &Deadline,
    buffer: &'b mut [u8; FRAME_BYTES_MAX],
) -> Result<Answer<'b>, AskError> {
    let frame = request.encode(buffer).map_err(AskError::Request)?;
    let connection = connect(loader.socket, deadline)?;
    let uid = socket::peer_uid(connection.as_fd()).map_err(|error| AskError::Socket("SO_PEERCRED", error))?;
    if uid != loader.uid {
        return Err(AskError::Peer { uid });
    }
    send(&connection, frame, deadline)?;
    let bytes = receive(&connection, buffer, deadline)?;
    let frame = buffer.get(..bytes).ok_or(AskError::TooLong(bytes))?;
    let reply = OpenReply::decode(frame).map_err(AskError::Reply)?;
    Ok(Answer { connection, reply })
}

fn connect(path: &Path, deadline: &Deadline) -> Result<OwnedFd, AskError> {
    let connection = socket::seqpacket().map_err(|error| AskError::Socket("socket", error))?;
    loop {
        match socket::connect(connection.as_fd(), path) {
            Ok(()) => return Ok(connection),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                let left = deadline.remaining().ok_or(AskError::Timeout(Wait::Connect))?;
                thread::sleep(BACKLOG_PAUSE.min(left));
            }
            Err(error) => return Err(AskError::Connect(error)),
        }
    }
}

fn send(connection: &OwnedFd, frame: &[u8], deadline: &Deadline) -> Result<(), AskError> {
    loop {
        match socket::send(connection.as_fd(), frame) {
            Ok(()) => return Ok(()),
            Err(error) => ready(connection, error, Readiness::Writable, Wait::Send, deadline)?,
        }
    }
}

fn receive(connection: &OwnedFd, buffer: &mut [u8], deadline: &Deadline) -> Result<usize, AskError> {
    loop {
        match socket::receive(connection.as_fd(), buffer) {
            Ok(0) => return Err(AskError::Closed),
            Ok(bytes) => return Ok(bytes),
            Err(error) => ready(connection, error, Readiness::Readable, Wait::Reply, deadline)?,
        }
    }
}

/// Waits where a call would have blocked, and gives every other failure its name.
fn ready(
    connection: &OwnedFd,
    error: io::Error,
    readiness: Readiness,
    wait: Wait,
    deadline: &Deadline,
) -> Result<(), AskError> {
    match error.kind() {
        io::ErrorKind::WouldBlock => {
            let left = deadline.remaining().ok_or(AskError::Timeout(wait))?;
            socket::wait(connection.as_fd(), readiness, left).map_err(|error| AskError::Socket("poll", error))
        }
        // The loader went away with our request unread.
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => Err(AskError::Closed),
        _ => Err(AskError::Socket(if wait == Wait::Send { "send" } else { "recv" }, error)),
    }
}

#[cfg(test)]
mod tests;
