// SPDX-License-Identifier: MIT OR Apache-2.0
//! A stream socket of which all reading and writing ends at a deadline, however slowly the other side takes or gives.

use crate::sink::address::HostPort;
use rustix::net::{RecvFlags, sockopt};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

/// A connected socket.
#[derive(Debug)]
enum Socket {
    Tcp(TcpStream),
    Unix(UnixStream),
}

/// A socket with a deadline.
#[derive(Debug)]
pub(super) struct Bounded {
    socket: Socket,
    deadline: Instant,
}

/// For how long data may be on the way until TCP gives the connection up (`TCP_USER_TIMEOUT`, tcp(7)).
pub(super) const UNACKNOWLEDGED_MAX: Duration = Duration::from_secs(10);

impl Bounded {
    /// Connects to one of the host's addresses, all of them within `timeout`.
    pub(super) fn tcp(host: &HostPort, timeout: Duration) -> io::Result<Self> {
        let deadline = Instant::now() + timeout;
        let addresses: Vec<SocketAddr> = (host.host.as_str(), host.port).to_socket_addrs()?.collect();
        let mut failed = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
        for (index, address) in addresses.iter().enumerate() {
            // Each address gets its share, so that a dead first one leaves time for the second.
            let share = u32::try_from(addresses.len() - index).unwrap_or(1);
            let timeout = remaining(deadline)? / share;
            match TcpStream::connect_timeout(address, timeout) {
                Ok(socket) => return Self::over_tcp(socket, deadline),
                Err(error) => failed = error,
            }
        }
        Err(failed)
    }

    fn over_tcp(socket: TcpStream, deadline: Instant) -> io::Result<Self> {
        socket.set_nodelay(true)?;
        sockopt::set_socket_keepalive(&socket, true)?;
        let unacknowledged_ms = u32::try_from(UNACKNOWLEDGED_MAX.as_millis()).unwrap_or(u32::MAX);
        sockopt::set_tcp_user_timeout(&socket, unacknowledged_ms)?;
        Ok(Self { socket: Socket::Tcp(socket), deadline })
    }

    pub(super) fn unix(path: &Path, timeout: Duration) -> io::Result<Self> {
        use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};
        let deadline = Instant::now() + timeout;
        // With std, a socket whose queue is full would be waited for without limit. Non-blocking, that is `EAGAIN`.
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
        connect(&socket, &SocketAddrUnix::new(path)?)?;
        let socket = UnixStream::from(socket);
        socket.set_nonblocking(false)?;
        Ok(Self { socket: Socket::Unix(socket), deadline })
    }

    /// Sets the deadline of everything that follows.
    pub(super) fn within(&mut self, timeout: Duration) {
        self.deadline = Instant::now() + timeout;
    }

    fn set_timeouts(&self) -> io::Result<()> {
        let timeout = Some(remaining(self.deadline)?);
        match &self.socket {
            Socket::Tcp(socket) => {
                socket.set_read_timeout(timeout).and_then(|()| socket.set_write_timeout(timeout))
            }
            Socket::Unix(socket) => {
                socket.set_read_timeout(timeout).and_then(|()| socket.set_write_timeout(timeout))
            }
        }
    }

    /// Reads what is there, without waiting: `WouldBlock` where nothing is, 0 where the other side has closed.
    pub(super) fn read_now(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let (_, bytes) = rustix::net::recv(self, buffer, RecvFlags::DONTWAIT)?;
        Ok(bytes)
    }
}

/// What is left until the deadline; never nothing, which would mean no limit.
fn remaining(deadline: Instant) -> io::Result<Duration> {
    let remaining = deadline.saturating_duration_since(Instant::now());
    if remaining.is_zero() {
        return Err(io::Error::new(io::ErrorKind::TimedOut, "the receiver is too slow"));
    }
    Ok(remaining)
}

/// A timeout of the socket says `WouldBlock`, which callers take for something to try again at once.
fn timed_out(error: io::Error) -> io::Error {
    if error.kind() == io::ErrorKind::WouldBlock {
        return io::Error::new(io::ErrorKind::TimedOut, "the receiver is too slow");
    }
    error
}

impl Read for Bounded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.set_timeouts()?;
        let read = match &mut self.socket {
            Socket::Tcp(socket) => socket.read(buffer),
            Socket::Unix(socket) => socket.read(buffer),
        };
        read.map_err(timed_out)
    }
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.set_timeouts()?;
        let written = match &mut self.socket {
            Socket::Tcp(socket) => socket.write(bytes),
            Socket::Unix(socket) => socket.write(bytes),
        };
        written.map_err(timed_out)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsFd for Bounded {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match &self.socket {
            Socket::Tcp(socket) => socket.as_fd(),
            Socket::Unix(socket) => socket.as_fd(),
        }
    }
}
