// SPDX-License-Identifier: MIT OR Apache-2.0
//! Receivers of our own, with a reader of frames that knows only RFC 6587.

use super::{Framing, Receiver, Stream};
use crate::sink::address::HostPort;
use crate::sink::transport::tests::messages;
use crate::sink::transport::tls::tests::Authority;
use crate::sink::transport::tls::{Credentials, Files};
use crate::sink::transport::{Failure, Transport as _};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

const TIMEOUT: Duration = Duration::from_secs(5);

fn listener() -> (TcpListener, HostPort) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, HostPort { host: "localhost".to_owned(), port })
}

/// Reads so many frames.
fn frames(stream: impl Read, count: usize) -> Vec<String> {
    let mut stream = BufReader::new(stream);
    let frame = |_| {
        let mut length = Vec::new();
        stream.read_until(b' ', &mut length).unwrap();
        let length = String::from_utf8(length).unwrap().trim_end().parse().unwrap();
        let mut message = vec![0; length];
        stream.read_exact(&mut message).unwrap();
        String::from_utf8(message).unwrap()
    };
    (0..count).map(frame).collect()
}

/// A server over TLS that takes one connection and two frames.
fn tls_server(listener: TcpListener, config: Arc<ServerConfig>) -> JoinHandle<Option<Vec<String>>> {
    thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        let mut session = ServerConnection::new(config).unwrap();
        session.complete_io(&mut socket).ok()?;
        Some(frames(StreamOwned::new(session, socket), 2))
    })
}

fn over_tls(host: HostPort, files: &Files) -> Stream {
    let config = Credentials::read(files).unwrap().for_streams().unwrap();
    Stream::new(Receiver::Tls(host, config), Framing::OctetCounted, TIMEOUT)
}

#[test]
fn tcp_counts_octets() {
    let (listener, host) = listener();
    let mut sink = Stream::new(Receiver::Tcp(host), Framing::OctetCounted, TIMEOUT);
    let server = thread::spawn(move || frames(listener.accept().unwrap().0, 3));
    sink.send(&messages(&["one", "grün\nzwei"])).unwrap();
    sink.send(&messages(&["three"])).unwrap();
    assert_eq!(server.join().unwrap(), ["one", "grün\nzwei", "three"]);
}

#[test]
fn lines_end_messages_on_a_socket_of_this_machine() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("collector");
    let listener = UnixListener::bind(&path).unwrap();
    let mut sink = Stream::new(Receiver::Unix(path), Framing::Lines, TIMEOUT);
    sink.send(&messages(&["one", "two"])).unwrap();
    let (stream, _) = listener.accept().unwrap();
    let lines: Vec<String> = BufReader::new(stream).lines().take(2).map(Result::unwrap).collect();
    assert_eq!(lines, ["one", "two"]);
}

#[test]
fn tls_is_spoken_to_the_host_that_is_meant() {
    let authority = Authority::new();
    let (listener, host) = listener();
    let server = tls_server(listener, authority.server("localhost", false));
    let mut sink = over_tls(host, &Files { ca: Some(authority.file("ca.pem")), own: None });
    sink.send(&messages(&["one", "two"])).unwrap();
    assert_eq!(server.join().unwrap().unwrap(), ["one", "two"]);
}

/// Whoever stands between a machine and its receiver gets nothing: neither with a certificate of their own making, nor with a
/// good one of another host.
#[test]
fn a_certificate_that_is_not_the_hosts_gets_nothing() {
    let (authority, other) = (Authority::new(), Authority::new());
    let cases = [
        (other.server("localhost", false), "BadSignature"),
        (authority.server("elsewhere", false), "not valid for name"),
    ];
    for (config, reason) in cases {
        let (listener, host) = listener();
        let server = tls_server(listener, config);
        let mut sink = over_tls(host, &Files { ca: Some(authority.file("ca.pem")), own: None });
        let failure = sink.send(&messages(&["secret"])).unwrap_err();
        assert!(failure.retry && failure.reason.contains(reason), "{failure:?}");
        assert_eq!(server.join().unwrap(), None);
    }
}

#[test]
fn a_receiver_may_want_to_know_who_sends() {
    let authority = Authority::new();
    let ca = Some(authority.file("ca.pem"));
    let (listener, host) = listener();
    let server = tls_server(listener, authority.server("localhost", true));
    let mut sink = over_tls(host, &Files { ca, own: Some(authority.issue("own", "client")) });
    sink.send(&messages(&["one", "two"])).unwrap();
    assert_eq!(server.join().unwrap().unwrap(), ["one", "two"]);
}

/// A receiver that reads nothing holds nobody up for longer than the timeout.
#[test]
fn a_receiver_that_does_not_read_costs_the_timeout() {
    let (listener, host) = listener();
    let timeout = Duration::from_millis(300);
    let mut sink = Stream::new(Receiver::Tcp(host), Framing::OctetCounted, timeout);
    let text = "x".repeat(32 << 20);
    let start = Instant::now();
    let failure = sink.send(&messages(&[&text])).unwrap_err();
    assert!(failure.retry && start.elapsed() < 10 * timeout, "{failure:?} after {:?}", start.elapsed());
    drop(listener);
}

/// One that reads a little now and then does not do so either: the timeout is for all of a batch.
#[test]
fn a_receiver_that_trickles_costs_the_timeout() {
    let (listener, host) = listener();
    let timeout = Duration::from_millis(500);
    let mut sink = Stream::new(Receiver::Tcp(host), Framing::OctetCounted, timeout);
    let server = thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        let mut buffer = [0; 65536];
        // For twice as long as it may take.
        for _ in 0..20 {
            let _read = socket.read(&mut buffer);
            thread::sleep(Duration::from_millis(50));
        }
    });
    let text = "x".repeat(32 << 20);
    let start = Instant::now();
    let failure = sink.send(&messages(&[&text])).unwrap_err();
    assert!(failure.retry && start.elapsed() < 6 * timeout, "{failure:?} after {:?}", start.elapsed());
    server.join().unwrap();
}

#[test]
fn nobody_there_is_a_failure_that_passes() {
    let (listener, host) = listener();
    drop(listener);
    let mut sink = Stream::new(Receiver::Tcp(host), Framing::OctetCounted, TIMEOUT);
    assert!(matches!(sink.send(&messages(&["x"])), Err(Failure { sent: 0, retry: true, .. })));
}

/// A connection that the receiver has closed is found without sending anything into it, also under TLS.
#[test]
fn a_closed_connection_is_found_by_looking() {
    let (listener, host) = listener();
    let mut sink = Stream::new(Receiver::Tcp(host), Framing::OctetCounted, TIMEOUT);
    sink.send(&messages(&["one"])).unwrap();
    let (mut socket, _) = listener.accept().unwrap();
    sink.check().unwrap();
    // What a receiver says is nobody's business.
    socket.write_all(b"hello").unwrap();
    drop(socket);
    assert!(until_found(&mut sink));

    let authority = Authority::new();
    let (listener, host) = self::listener();
    let server = tls_server(listener, authority.server("localhost", false));
    let mut sink = over_tls(host, &Files { ca: Some(authority.file("ca.pem")), own: None });
    sink.send(&messages(&["one", "two"])).unwrap();
    server.join().unwrap();
    assert!(until_found(&mut sink));
}

/// Looks until the connection is found to be broken: what the other side did takes a moment to get here.
fn until_found(sink: &mut Stream) -> bool {
    let deadline = Instant::now() + TIMEOUT;
    while Instant::now() < deadline {
        if sink.check().is_err() {
            return true;
        }
        thread::sleep(Duration::from_millis(5));
    }
    false
}
