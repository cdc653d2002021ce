// SPDX-License-Identifier: MIT OR Apache-2.0
//! Serving connections so that none of them can keep another one waiting.
//!
//! Each has a thread of its own for as long as it takes, which is bounded: a request has to be there, and its answer taken, within a
//! time that starts once and is not extended by what trickles in. Connections are bounded as well, of each user and of all
//! together, with some that are root's alone. Whoever finds no room, or may not ask, is told so at once by the thread that
//! accepts, which waits for nobody.

use super::{access::Peer, error};
use crate::control::{READERS, REQUEST_BYTES_MAX};
use std::{
    collections::BTreeMap,
    io::{self, Read as _, Write as _},
    net::Shutdown,
    os::unix::net::{UnixListener, UnixStream},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

/// What is bounded.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// Connections at a time.
    pub(super) connections: usize,
    /// How many of these only root gets.
    pub(super) for_root: usize,
    /// How many of these one user gets who is not root.
    pub(super) of_one_user: usize,
    /// How long a peer may take to ask, and then to take the answer.
    pub(super) patience: Duration,
}

/// Few people look at the same time, and what they do takes milliseconds.
pub(super) const BOUNDS: Bounds =
    Bounds { connections: 16, for_root: 4, of_one_user: 4, patience: Duration::from_secs(5) };

/// What is asked, and by whom.
pub(super) trait Service: Send + Sync + 'static {
    /// Who is at the other end.
    fn peer(&self, connection: &UnixStream) -> io::Result<Peer>;

    /// The answer to one line, a line as well.
    fn answer(&self, peer: &Peer, line: &[u8]) -> io::Result<Vec<u8>>;
}

/// Serves connections, for as long as the daemon runs.
pub(super) fn serve(service: &Arc<impl Service>, socket: &UnixListener, bounds: Bounds) -> io::Result<()> {
    let places = Arc::new(Places { bounds, taken: Mutex::default() });
    loop {
        let accepted = socket.accept().and_then(|(connection, _)| admit(service, &places, connection));
        if let Err(error) = accepted {
            tracing::debug!(%error, "a control connection was not served");
            // Where descriptors are exhausted this must not become a busy loop.
            thread::sleep(Duration::from_millis(10));
        }
    }
}

/// Starts a thread for a connection, or turns it away.
fn admit(service: &Arc<impl Service>, places: &Arc<Places>, connection: UnixStream) -> io::Result<()> {
    let peer = service.peer(&connection)?;
    if peer.may.is_none() {
        return turn_away(&connection, &format!("only root and members of the group {READERS} may ask"));
    }
    let Some(place) = Place::take(places, peer.uid) else {
        return turn_away(&connection, "too many are asking at the moment; try again");
    };
    let (service, patience) = (Arc::clone(service), places.bounds.patience);
    let run = move || {
        let _place = place;
        if let Err(error) = serve_one(&*service, &peer, &connection, patience) {
            tracing::debug!(%error, uid = peer.uid, "a control request was not answered");
        }
    };
    thread::Builder::new().name("command".to_owned()).spawn(run).map(drop)
}

/// Says why not, without waiting: an answer so short has room in any socket.
fn turn_away(connection: &UnixStream, reason: &str) -> io::Result<()> {
    connection.set_nonblocking(true)?;
    let mut writer = connection;
    writer.write_all(&error(reason)?)?;
    finish(connection)
}

pub(super) fn serve_one(
    service: &impl Service,
    peer: &Peer,
    connection: &UnixStream,
    patience: Duration,
) -> io::Result<()> {
    let answer = match read_line(connection, Deadline::after(patience)) {
        Ok(line) if line.is_empty() => return Ok(()),
        Ok(line) => service.answer(peer, &line)?,
        Err(refused) if refused.kind() == io::ErrorKind::InvalidInput => error(&refused.to_string())?,
        Err(late) if late.kind() == io::ErrorKind::TimedOut => {
            error(&format!("the request was not there within {} s", patience.as_secs_f64()))?
        }
        Err(failed) => return Err(failed),
    };
    write_all(connection, &answer, Deadline::after(patience))?;
    connection.set_nonblocking(true)?;
    finish(connection)
}

/// Takes in what was sent beyond the request: to a peer whose words were not read the kernel says that the connection broke.
fn finish(connection: &UnixStream) -> io::Result<()> {
    const ROUNDS: usize = 16;
    // A peer that has gone already needs no farewell.
    let _gone = connection.shutdown(Shutdown::Write);
    let mut connection = connection;
    let mut buffer = [0; 4096];
    for _ in 0..ROUNDS {
        match connection.read(&mut buffer) {
            Ok(1..) => {}
            Ok(0) | Err(_) => break,
        }
    }
    Ok(())
}

/// A moment that nothing extends.
#[derive(Clone, Copy, Debug)]
struct Deadline(Instant);

impl Deadline {
    fn after(patience: Duration) -> Self {
        Self(Instant::now() + patience)
    }

    /// How much time is left.
    fn left(self) -> io::Result<Duration> {
        let left = self.0.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
    }
}

/// A time-out of a socket is "try again" to the kernel.
fn or_late(error: io::Error) -> io::Error {
    if error.kind() == io::ErrorKind::WouldBlock { io::ErrorKind::TimedOut.into() } else { error }
}

/// Reads one line, without its end, which may also be the end of what the peer has to say.
fn read_line(mut connection: &UnixStream, deadline: Deadline) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    let mut buffer = [0; REQUEST_BYTES_MAX];
    loop {
        connection.set_read_timeout(Some(deadline.left()?))?;
        let room = buffer.get_mut(line.len()..).unwrap_or_default();
        let new = match connection.read(room) {
            Ok(0) => return Ok(line),
            Ok(count) => room.get(..count).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(or_late(error)),
        };
        if let Some(end) = new.iter().position(|byte| *byte == b'\n') {
            line.extend_from_slice(new.get(..end).unwrap_or_default());
            return Ok(line);
        }
        line.extend_from_slice(new);
        if line.len() >= REQUEST_BYTES_MAX {
            let reason = format!("a request is one line of at most {REQUEST_BYTES_MAX} bytes");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, reason));
        }
    }
}

/// Writes the answer. The kernel counts a time-out anew for each of the buffers that it divides a long one into, so none is longer than one.
fn write_all(mut connection: &UnixStream, answer: &[u8], deadline: Deadline) -> io::Result<()> {
    const CHUNK: usize = 16 << 10;
    for chunk in answer.chunks(CHUNK) {
        let mut rest = chunk;
        while !rest.is_empty() {
            connection.set_write_timeout(Some(deadline.left()?))?;
            match connection.write(rest) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => rest = rest.get(count..).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(or_late(error)),
            }
        }
    }
    Ok(())
}

/// How many connections are served, by user.
#[derive(Debug)]
pub(super) struct Places {
    pub(super) bounds: Bounds,
    pub(super) taken: Mutex<BTreeMap<u32, usize>>,
}

/// A place, given back however its thread ends.
#[derive(Debug)]
pub(super) struct Place {
    of: Arc<Places>,
    uid: u32,
}

impl Place {
    /// A place for a user; `None` where there is none.
    pub(super) fn take(places: &Arc<Places>, uid: u32) -> Option<Self> {
        let Bounds { connections, for_root, of_one_user, .. } = places.bounds;
        let mut taken = places.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let all: usize = taken.values().sum();
        let roots = taken.get(&0).copied().unwrap_or(0);
        let own = taken.get(&uid).copied().unwrap_or(0);
        let has_room = uid == 0 || (own < of_one_user && all - roots < connections.saturating_sub(for_root));
        if all >= connections || !has_room {
            return None;
        }
        *taken.entry(uid).or_default() += 1;
        Some(Self { of: Arc::clone(places), uid })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.of.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = taken.get_mut(&self.uid) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.uid);
            }
        }
    }
}
