// SPDX-License-Identifier: MIT OR Apache-2.0
//! A sequenced-packet socket that never blocks, never raises SIGPIPE and is closed on exec.
//!
//! The standard library has stream and datagram sockets of AF_UNIX only.

use std::io;
use std::mem;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

/// What [`wait`] waits for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Readiness {
    Readable,
    Writable,
}

/// Makes the socket.
pub(crate) fn seqpacket() -> io::Result<OwnedFd> {
    let kind = libc::SOCK_SEQPACKET | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
    // SAFETY: socket(2) takes three numbers.
    let fd = check(unsafe { libc::socket(libc::AF_UNIX, kind, 0) })?;
    // SAFETY: the descriptor is new, so nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Connects to `path`. A full backlog is `WouldBlock`, and nothing announces its end: try again.
pub(crate) fn connect(socket: BorrowedFd<'_>, path: &Path) -> io::Result<()> {
    let (address, address_bytes) = address(path)?;
    repeat(|| {
        // SAFETY: the pointer and the length describe `address`, which is initialised and outlives the call.
        check(unsafe { libc::connect(socket.as_raw_fd(), (&raw const address).cast(), address_bytes) })
    })?;
    Ok(())
}

/// The address of the socket at `path` and its length; also what a listener binds to.
pub(crate) fn address(path: &Path) -> io::Result<(libc::sockaddr_un, libc::socklen_t)> {
    // SAFETY: sockaddr_un is numbers and an array of numbers, for which zero is a value.
    let mut address: libc::sockaddr_un = unsafe { mem::zeroed() };
    let family = u16::try_from(libc::AF_UNIX).map_err(io::Error::other)?;
    address.sun_family = family;
    let bytes = path.as_os_str().as_bytes();
    // One byte stays for the NUL; a NUL inside or at the beginning would name another socket.
    if bytes.len() >= address.sun_path.len() || bytes.is_empty() || bytes.contains(&0) {
        return Err(io::Error::from_raw_os_error(libc::ENAMETOOLONG));
    }
    for (to, from) in address.sun_path.iter_mut().zip(bytes) {
        *to = from.cast_signed();
    }
    let address_bytes = libc::socklen_t::try_from(mem::size_of_val(&address)).map_err(io::Error::other)?;
    Ok((address, address_bytes))
}

/// The user that the process on the other end had when it began to listen (`SO_PEERCRED`, unix(7)).
pub(crate) fn peer_uid(socket: BorrowedFd<'_>) -> io::Result<u32> {
    let mut peer = libc::ucred { pid: 0, uid: u32::MAX, gid: u32::MAX };
    let mut bytes = libc::socklen_t::try_from(mem::size_of_val(&peer)).map_err(io::Error::other)?;
    let (level, option) = (libc::SOL_SOCKET, libc::SO_PEERCRED);
    // SAFETY: the pointer and the length describe `peer`, which the kernel fills with plain numbers.
    check(unsafe {
        libc::getsockopt(socket.as_raw_fd(), level, option, (&raw mut peer).cast(), &raw mut bytes)
    })?;
    Ok(peer.uid)
}

/// Sends one packet.
pub(crate) fn send(socket: BorrowedFd<'_>, packet: &[u8]) -> io::Result<()> {
    let flags = libc::MSG_NOSIGNAL | libc::MSG_DONTWAIT;
    let sent = repeat(|| {
        // SAFETY: the pointer and the length describe `packet`.
        check_size(unsafe { libc::send(socket.as_raw_fd(), packet.as_ptr().cast(), packet.len(), flags) })
    })?;
    // A packet goes out whole or not at all (unix(7)).
    if sent == packet.len() { Ok(()) } else { Err(io::ErrorKind::WriteZero.into()) }
}

/// Receives one packet and returns its length, which is greater than `buffer` where the packet did not fit.
///
/// Zero is the end of the connection (or an empty packet). Descriptors that come along are closed by the kernel, because
/// nothing is offered to receive them.
pub(crate) fn receive(socket: BorrowedFd<'_>, buffer: &mut [u8]) -> io::Result<usize> {
    let flags = libc::MSG_TRUNC | libc::MSG_DONTWAIT;
    repeat(|| {
        // SAFETY: the pointer and the length describe `buffer`.
        check_size(unsafe { libc::recv(socket.as_raw_fd(), buffer.as_mut_ptr().cast(), buffer.len(), flags) })
    })
}

/// Waits at most `limit`, rounded up to milliseconds, and returns early on a signal. What is the case then, the next
/// call on the socket tells.
pub(crate) fn wait(socket: BorrowedFd<'_>, readiness: Readiness, limit: Duration) -> io::Result<()> {
    let events = match readiness {
        Readiness::Readable => libc::POLLIN,
        Readiness::Writable => libc::POLLOUT,
    };
    let mut poll = libc::pollfd { fd: socket.as_raw_fd(), events, revents: 0 };
    let limit_ms = limit.as_micros().div_ceil(1000);
    let limit_ms = libc::c_int::try_from(limit_ms).unwrap_or(libc::c_int::MAX);
    // SAFETY: the pointer describes one pollfd, which outlives the call.
    match check(unsafe { libc::poll(&raw mut poll, 1, limit_ms) }) {
        Err(error) if error.kind() != io::ErrorKind::Interrupted => Err(error),
        _ => Ok(()),
    }
}

fn repeat<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

fn check_size(result: libc::ssize_t) -> io::Result<usize> {
    // Negative alone does not fit.
    usize::try_from(result).map_err(|_negative| io::Error::last_os_error())
}
