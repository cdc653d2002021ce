// SPDX-License-Identifier: MIT OR Apache-2.0
//! Datagrams: a message each.
//!
//! Over a socket of this machine, what is sent is in the receiver's queue. Over UDP it has left, and nobody says more than that.

use super::{Failure, Sent, Transport};
use crate::sink::address::HostPort;
use crate::sink::format::Message;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SendFlags, SocketAddrUnix, SocketFlags, SocketType};
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs, UdpSocket};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Whom datagrams go to.
#[derive(Clone, Debug)]
pub enum Receiver {
    /// A socket of this machine.
    Unix(PathBuf),
    /// Another machine's port.
    Udp(HostPort),
}

/// Sends datagrams; connects when there is something to send.
#[derive(Debug)]
pub struct Datagrams {
    receiver: Receiver,
    timeout: Duration,
    socket: Option<OwnedFd>,
}

impl Datagrams {
    /// Datagrams to this receiver. A batch takes `timeout` at most.
    #[must_use]
    pub const fn new(receiver: Receiver, timeout: Duration) -> Self {
        Self { receiver, timeout, socket: None }
    }

    fn connected(&mut self) -> io::Result<&OwnedFd> {
        let socket = match self.socket.take() {
            Some(socket) => socket,
            None => connect(&self.receiver)?,
        };
        Ok(self.socket.insert(socket))
    }
}

fn connect(receiver: &Receiver) -> io::Result<OwnedFd> {
    match receiver {
        Receiver::Unix(path) => {
            let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
            let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::DGRAM, flags, None)?;
            rustix::net::connect(&socket, &SocketAddrUnix::new(path.as_path())?)?;
            Ok(socket)
        }
        Receiver::Udp(host) => {
            let mut addresses = (host.host.as_str(), host.port).to_socket_addrs()?;
            let address = addresses
                .next()
                .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "the host has no address"))?;
            let own: SocketAddr = match address {
                SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
                SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
            };
            let socket = UdpSocket::bind(own)?;
            socket.set_nonblocking(true)?;
            socket.connect(address)?;
            Ok(socket.into())
        }
    }
}

/// Sends one datagram, and waits for room in the receiver's queue until the deadline.
fn send(socket: &OwnedFd, bytes: &[u8], deadline: Instant) -> Result<(), Errno> {
    loop {
        match rustix::net::send(socket, bytes, SendFlags::NOSIGNAL) {
            Ok(_) => return Ok(()),
            Err(Errno::AGAIN | Errno::NOBUFS) => {}
            Err(Errno::INTR) => continue,
            Err(errno) => return Err(errno),
        }
        let remaining = deadline.saturating_duration_since(Instant::now());
        if remaining.is_zero() {
            return Err(Errno::TIMEDOUT);
        }
        let timeout = Timespec::try_from(remaining).map_err(|_too_long| Errno::INVAL)?;
        match poll(&mut [PollFd::new(socket, PollFlags::OUT)], Some(&timeout)) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
}

impl Transport for Datagrams {
    fn send(&mut self, batch: &[Message]) -> Result<Sent, Failure> {
        let deadline = Instant::now() + self.timeout;
        for (sent, message) in batch.iter().enumerate() {
            let socket = self.connected().map_err(|error| Failure::passing(sent, error))?;
            match send(socket, &message.bytes, deadline) {
                Ok(()) => {}
                Err(Errno::MSGSIZE) => {
                    let reason =
                        format!("a message of {} bytes is too long for a datagram", message.bytes.len());
                    return Err(Failure::lasting(sent, reason));
                }
                Err(errno) => {
                    // The receiver may have a new socket at the same path by the next time.
                    self.socket = None;
                    return Err(Failure::passing(sent, errno));
                }
            }
        }
        Ok(Sent::default())
    }
}

#[cfg(test)]
mod tests;
