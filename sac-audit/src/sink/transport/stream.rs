// SPDX-License-Identifier: MIT OR Apache-2.0
//! Streams: TCP, TLS and sockets of this machine.
//!
//! Syslog has no acknowledgement. What a connection that breaks had taken may not have arrived, so it says how long it is in doubt, and
//! whoever drives it sends that again. TCP gives a connection up whose data are not acknowledged within
//! [`UNACKNOWLEDGED_MAX`](super::bounded::UNACKNOWLEDGED_MAX); twice that long after it was sent, data on a connection that stands have arrived.

use super::bounded::{Bounded, UNACKNOWLEDGED_MAX};
use super::{Failure, Sent, Transport};
use crate::sink::address::HostPort;
use crate::sink::format::{Message, syslog};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use std::io::{self, Read as _, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Whom a stream goes to.
#[derive(Clone, Debug)]
pub enum Receiver {
    /// A socket of this machine.
    Unix(PathBuf),
    /// A port, as it is.
    Tcp(HostPort),
    /// A port, encrypted; the certificate must be the host's.
    Tls(HostPort, Arc<ClientConfig>),
}

/// How messages follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// Each with its length before it.
    OctetCounted,
    /// Each in a line of its own.
    Lines,
}

/// Sends messages over a stream; connects when there is something to send.
#[derive(Debug)]
pub struct Stream {
    receiver: Receiver,
    framing: Framing,
    timeout: Duration,
    connection: Option<Connection>,
}

#[derive(Debug)]
enum Connection {
    Plain(Bounded),
    Tls(Box<StreamOwned<ClientConnection, Bounded>>),
}

impl Stream {
    /// A stream to this receiver. To connect takes `timeout` at most, and so does a batch.
    #[must_use]
    pub const fn new(receiver: Receiver, framing: Framing, timeout: Duration) -> Self {
        Self { receiver, framing, timeout, connection: None }
    }

    fn connected(&mut self) -> io::Result<&mut Connection> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => Connection::open(&self.receiver, self.timeout)?,
        };
        Ok(self.connection.insert(connection))
    }

    fn write(&mut self, batch: &[Message]) -> Result<(), Failure> {
        let (timeout, framing) = (self.timeout, self.framing);
        let connection = self.connected().map_err(|error| Failure::passing(0, error))?;
        connection.within(timeout);
        for (sent, message) in batch.iter().enumerate() {
            let framed = framing.around(&message.bytes);
            connection.write_all(&framed).map_err(|error| Failure::passing(sent, error))?;
        }
        connection.flush().map_err(|error| Failure::passing(0, error))
    }
}

impl Framing {
    fn around(self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::OctetCounted => syslog::octet_counted(message),
            Self::Lines => [message, b"\n"].concat(),
        }
    }
}

impl Transport for Stream {
    fn send(&mut self, batch: &[Message]) -> Result<Sent, Failure> {
        let written = self.check().and_then(|()| self.write(batch));
        if let Err(failure) = written {
            // Half of a message may have been written: nothing that follows would be understood.
            self.connection = None;
            return Err(failure);
        }
        Ok(Sent::default())
    }

    fn check(&mut self) -> Result<(), Failure> {
        let Some(connection) = &mut self.connection else {
            return Ok(());
        };
        let checked = connection.check();
        checked.map_err(|error| {
            self.connection = None;
            Failure::passing(0, error)
        })
    }

    fn doubt(&self) -> Duration {
        2 * UNACKNOWLEDGED_MAX
    }
}

impl Connection {
    fn open(receiver: &Receiver, timeout: Duration) -> io::Result<Self> {
        let (host, config) = match receiver {
            Receiver::Unix(path) => return Bounded::unix(path, timeout).map(Self::Plain),
            Receiver::Tcp(host) => return Bounded::tcp(host, timeout).map(Self::Plain),
            Receiver::Tls(host, config) => (host, config),
        };
        let name = ServerName::try_from(host.host.clone()).map_err(io::Error::other)?;
        let session = ClientConnection::new(Arc::clone(config), name).map_err(io::Error::other)?;
        let mut stream = StreamOwned::new(session, Bounded::tcp(host, timeout)?);
        // Now rather than with the first message, so that a wrong certificate is found before there is anything in doubt.
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock)?;
        }
        Ok(Self::Tls(Box::new(stream)))
    }

    fn within(&mut self, timeout: Duration) {
        match self {
            Self::Plain(socket) => socket.within(timeout),
            Self::Tls(stream) => stream.sock.within(timeout),
        }
    }

    /// Whether the other side has closed or the network has given up. What the other side says is thrown away: syslog has no answers.
    fn check(&mut self) -> io::Result<()> {
        let mut buffer = [0; ANSWER_BYTES_MAX];
        for _ in 0..ANSWERS_MAX {
            let socket = match self {
                Self::Plain(socket) => &*socket,
                Self::Tls(stream) => &stream.sock,
            };
            match socket.read_now(&mut buffer) {
                Ok(0) => return Err(closed()),
                Ok(bytes) => self.hear(&buffer[..bytes])?,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Under TLS the other side says new keys, and that it closes.
    fn hear(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        let Self::Tls(stream) = self else {
            return Ok(());
        };
        let session = &mut stream.conn;
        while !bytes.is_empty() {
            if session.read_tls(&mut bytes)? == 0 {
                return Err(closed());
            }
            let state = session.process_new_packets().map_err(io::Error::other)?;
            if state.peer_has_closed() {
                return Err(closed());
            }
            let mut answer = session.reader().take(state.plaintext_bytes_to_read() as u64);
            io::copy(&mut answer, &mut io::sink())?;
        }
        Ok(())
    }
}

/// Most that is read of what a receiver says, in one check: it may say anything, and for ever.
const ANSWERS_MAX: usize = 16;
const ANSWER_BYTES_MAX: usize = 4096;

fn closed() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the receiver has closed the connection")
}

impl Write for Connection {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.write(bytes),
            Self::Tls(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(socket) => socket.flush(),
            Self::Tls(stream) => stream.flush(),
        }
    }
}

#[cfg(test)]
mod tests;
