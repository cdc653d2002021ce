// SPDX-License-Identifier: MIT OR Apache-2.0
//! Any bytes as what somebody sends to the socket for commands, over a real one.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a fuzz target fails by panicking")]

use super::{
    access::Peer,
    error, json, permitted,
    serve::{Service, serve_one},
};
use crate::control::{Answer, Permission, REQUEST_BYTES_MAX, Request};
use std::{
    io::{self, Read as _, Write as _},
    net::Shutdown,
    os::unix::net::UnixStream,
    time::Duration,
};

/// More than a request may have and less than a socket takes without somebody to read it.
const SENT_BYTES_MAX: usize = 32 << 10;

/// Longest answer to what is refused: what was sent, each byte of it escaped in six, and some words.
const REFUSAL_BYTES_MAX: usize = 6 * REQUEST_BYTES_MAX + 1024;

/// Does nothing but to look whether the request may be made, as the daemon does.
struct Rehearsal;

impl Service for Rehearsal {
    fn peer(&self, _connection: &UnixStream) -> io::Result<Peer> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn answer(&self, peer: &Peer, line: &[u8]) -> io::Result<Vec<u8>> {
        assert!(line.len() < REQUEST_BYTES_MAX && !line.contains(&b'\n'));
        match permitted(peer, line) {
            Ok(request) => {
                assert!(peer.may >= Some(request.needs()), "{:?} may {request:?}", peer.may);
                json(&Answer::Ok(request))
            }
            Err(reason) => error(&reason),
        }
    }
}

/// Sends `input` but for its first byte, which says who sends it, and takes the answer.
pub fn control(input: &[u8]) {
    let Some((who, sent)) = input.split_first() else { return };
    let sent = sent.get(..SENT_BYTES_MAX).unwrap_or(sent);
    let (uid, may) = match who % 3 {
        0 => (0, Some(Permission::Change)),
        1 => (1000, Some(Permission::Look)),
        _ => (1000, None),
    };
    let (mut asker, daemon) = UnixStream::pair().unwrap();
    asker.write_all(sent).unwrap();
    asker.shutdown(Shutdown::Write).unwrap();
    // Nothing is left to wait for, so this is never over.
    serve_one(&Rehearsal, &Peer { pid: 1, uid, may }, &daemon, Duration::from_secs(60)).unwrap();
    drop(daemon);
    let mut answer = Vec::new();
    asker.read_to_end(&mut answer).unwrap();
    check(sent.split(|byte| *byte == b'\n').next().unwrap_or_default(), may, &answer);
}

/// The answer to a line is a line, and what it says fits.
fn check(line: &[u8], may: Option<Permission>, answer: &[u8]) {
    if line.is_empty() {
        assert!(answer.is_empty(), "somebody who asks nothing is answered");
        return;
    }
    let text = answer.strip_suffix(b"\n").unwrap();
    assert!(!text.contains(&b'\n') && answer.len() <= REFUSAL_BYTES_MAX, "{} bytes", answer.len());
    let answer: Answer<Request> = serde_json::from_slice(text).unwrap();
    match answer {
        Answer::Ok(request) => {
            assert_eq!(serde_json::from_slice::<Request>(line).ok(), Some(request));
            assert!(may.is_some() && line.len() < REQUEST_BYTES_MAX);
        }
        Answer::Error(reason) if line.len() >= REQUEST_BYTES_MAX => {
            assert!(reason.contains("one line of at most"), "{reason}");
        }
        Answer::Error(reason) => assert!(!reason.is_empty()),
    }
}
