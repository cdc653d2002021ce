// SPDX-License-Identifier: MIT OR Apache-2.0

use super::{Datagrams, Receiver};
use crate::sink::address::HostPort;
use crate::sink::transport::Transport as _;
use crate::sink::transport::tests::messages;
use std::net::UdpSocket;
use std::os::unix::net::UnixDatagram;
use std::time::{Duration, Instant};

const TIMEOUT: Duration = Duration::from_millis(300);

#[test]
fn a_socket_that_is_made_anew_is_found_again() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log");
    let mut sink = Datagrams::new(Receiver::Unix(path.clone()), TIMEOUT);
    let failure = sink.send(&messages(&["a"])).unwrap_err();
    assert!(failure.retry && failure.sent == 0, "{failure:?}");
    for text in ["a", "b"] {
        let receiver = UnixDatagram::bind(&path).unwrap();
        // The first try after a restart finds the old socket dead.
        let _first = sink.send(&messages(&[text])).or_else(|_| sink.send(&messages(&[text]))).unwrap();
        let mut buffer = [0; 10];
        assert_eq!(receiver.recv(&mut buffer).unwrap(), 1);
        assert_eq!(&buffer[..1], text.as_bytes());
        drop(receiver);
        std::fs::remove_file(&path).unwrap();
    }
}

#[test]
fn a_full_queue_is_waited_for_and_no_longer_than_the_timeout() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log");
    let receiver = UnixDatagram::bind(&path).unwrap();
    let mut sink = Datagrams::new(Receiver::Unix(path), TIMEOUT);
    let texts: Vec<String> = (0..5000).map(|number| number.to_string()).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let start = Instant::now();
    let failure = sink.send(&messages(&texts)).unwrap_err();
    assert!(start.elapsed() >= TIMEOUT && start.elapsed() < 10 * TIMEOUT, "{:?}", start.elapsed());
    assert!(failure.retry && failure.sent > 0 && failure.sent < 5000, "{failure:?}");
    // As many as it says were taken.
    receiver.set_nonblocking(true).unwrap();
    let mut buffer = [0; 10];
    let received = std::iter::from_fn(|| receiver.recv(&mut buffer).ok()).count();
    assert_eq!(received, failure.sent);
}

#[test]
fn what_is_too_long_is_refused_for_good() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log");
    let _receiver = UnixDatagram::bind(&path).unwrap();
    let mut sink = Datagrams::new(Receiver::Unix(path), TIMEOUT);
    let failure = sink.send(&messages(&["a", &"x".repeat(10 << 20)])).unwrap_err();
    assert!(!failure.retry && failure.sent == 1, "{failure:?}");
}

#[test]
fn udp_carries_a_message_each() {
    let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
    let host = HostPort { host: "127.0.0.1".to_owned(), port: receiver.local_addr().unwrap().port() };
    let mut sink = Datagrams::new(Receiver::Udp(host), TIMEOUT);
    sink.send(&messages(&["one", "two"])).unwrap();
    let mut buffer = [0; 10];
    for text in ["one", "two"] {
        let bytes = receiver.recv(&mut buffer).unwrap();
        assert_eq!(&buffer[..bytes], text.as_bytes());
    }
}
