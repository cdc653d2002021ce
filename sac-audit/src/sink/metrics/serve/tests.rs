// SPDX-License-Identifier: MIT OR Apache-2.0

use super::{REQUEST_BYTES_MAX, serve};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

const TIMEOUT: Duration = Duration::from_secs(5);

fn answer(request: &[u8]) -> String {
    let (mut client, mut server) = UnixStream::pair().unwrap();
    client.write_all(request).unwrap();
    serve(&mut server, TIMEOUT, || "sac_sessions 3\n".to_owned()).unwrap();
    drop(server);
    let mut answer = Vec::new();
    // What was not read of a request that is too long makes the end a reset.
    let _end = client.read_to_end(&mut answer);
    String::from_utf8(answer).unwrap()
}

#[test]
fn metrics_are_served() {
    let answer = answer(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4"), "{answer}");
    assert!(
        answer.contains("Content-Length: 15\r\n") && answer.ends_with("\r\n\r\nsac_sessions 3\n"),
        "{answer}"
    );
}

#[test]
fn nothing_else_is() {
    for (request, status) in [
        (&b"GET / HTTP/1.1\r\n\r\n"[..], "404"),
        (b"GET /metrics/../etc HTTP/1.1\r\n\r\n", "404"),
        (b"POST /metrics HTTP/1.1\r\n\r\n", "405"),
        (b"\x16\x03\x01\x02\x00 nonsense\r\n\r\n", "400"),
    ] {
        let answer = answer(request);
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")) && !answer.contains("sac_sessions"),
            "{answer}"
        );
    }
}

#[test]
fn head_has_no_body() {
    let answer = answer(b"HEAD /metrics?x=1 HTTP/1.1\r\n\r\n");
    assert!(answer.contains("Content-Length: 15\r\n") && answer.ends_with("\r\n\r\n"), "{answer}");
}

#[test]
fn a_request_that_is_too_long_is_refused() {
    let mut request = b"GET /metrics HTTP/1.1\r\nX: ".to_vec();
    request.resize(2 * REQUEST_BYTES_MAX, b'x');
    assert!(answer(&request).starts_with("HTTP/1.1 431 "));
    let many = format!("GET /metrics HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(100));
    assert!(answer(many.as_bytes()).starts_with("HTTP/1.1 431 "));
}

/// Somebody who sends a byte now and then does not keep the loader for longer than the timeout.
#[test]
fn who_says_nothing_is_left() {
    let (mut client, mut server) = UnixStream::pair().unwrap();
    let start = Instant::now();
    let drip = std::thread::spawn(move || {
        while client.write_all(b"G").is_ok() {
            std::thread::sleep(Duration::from_millis(50));
        }
    });
    let error = serve(&mut server, Duration::from_millis(300), String::new).unwrap_err();
    drop(server);
    assert!(matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock), "{error}");
    assert!(start.elapsed() < Duration::from_secs(2));
    drip.join().unwrap();
}
