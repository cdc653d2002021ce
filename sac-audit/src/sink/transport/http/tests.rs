// SPDX-License-Identifier: MIT OR Apache-2.0
//! A server on a plain socket that reads requests with `httparse`, and says what it is told to.

use super::{Endpoint, Http};
use crate::sink::format::{Message, webhook};
use crate::sink::transport::tests::messages;
use crate::sink::transport::tls::tests::Authority;
use crate::sink::transport::tls::{Credentials, Files};
use crate::sink::transport::{Sent, Transport as _};
use rustls::{ServerConnection, StreamOwned};
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

const TIMEOUT: Duration = Duration::from_secs(5);
const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";

/// A request as it came.
#[derive(Debug)]
struct Request {
    path: String,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

fn read_request(stream: &mut impl Read) -> Request {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let read = stream.read(&mut buffer).unwrap();
        assert!(read > 0, "the request ended in the middle");
        bytes.extend_from_slice(&buffer[..read]);
        let mut headers = [httparse::EMPTY_HEADER; 32];
        let mut parsed = httparse::Request::new(&mut headers);
        let httparse::Status::Complete(head) = parsed.parse(&bytes).unwrap() else { continue };
        assert_eq!(parsed.method, Some("POST"));
        let path = parsed.path.unwrap().to_owned();
        let text = |value: &[u8]| String::from_utf8(value.to_vec()).unwrap();
        let headers: BTreeMap<String, String> =
            parsed.headers.iter().map(|header| (header.name.to_lowercase(), text(header.value))).collect();
        let length: usize = headers["content-length"].parse().unwrap();
        if bytes.len() >= head + length {
            return Request { path, headers, body: bytes[head..head + length].to_vec() };
        }
    }
}

/// Takes one connection and gives these answers on it, one for each request.
fn server(answers: &[&str]) -> (String, JoinHandle<Vec<Request>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://127.0.0.1:{}/v1/logs", listener.local_addr().unwrap().port());
    let answers: Vec<String> = answers.iter().map(|answer| (*answer).to_owned()).collect();
    let serve = move || {
        let (mut socket, _) = listener.accept().unwrap();
        let answer = |answer: &String| {
            let request = read_request(&mut socket);
            socket.write_all(answer.as_bytes()).unwrap();
            request
        };
        answers.iter().map(answer).collect()
    };
    (url, thread::spawn(serve))
}

fn http(url: &str, secret: Option<&[u8]>) -> Http {
    let headers = vec![("Authorization".to_owned(), "Bearer token".to_owned())];
    let endpoint = Endpoint { url: url.to_owned(), headers, secret: secret.map(<[u8]>::to_vec) };
    Http::new(endpoint, None, TIMEOUT)
}

#[test]
fn a_request_has_body_headers_and_signature() {
    let (url, server) = server(&[OK, OK]);
    assert_eq!(http(&url, Some(b"secret")).send(&messages(&["{\"a\":1}", "{}"])), Ok(Sent::default()));
    let requests = server.join().unwrap();
    assert_eq!(requests.len(), 2, "over one connection");
    let Request { path, headers, body } = &requests[0];
    assert_eq!((path.as_str(), body.as_slice()), ("/v1/logs", &b"{\"a\":1}"[..]));
    assert_eq!(headers["content-type"], "application/json");
    assert_eq!(headers["authorization"], "Bearer token");
    let timestamp: i64 = headers["x-sac-timestamp"].parse().unwrap();
    assert!((jiff::Timestamp::now().as_second() - timestamp).abs() < 60);
    assert_eq!(headers["x-sac-signature"], webhook::signature(b"secret", timestamp, body));
}

#[test]
fn without_a_secret_there_is_no_signature() {
    let (url, server) = server(&[OK]);
    http(&url, None).send(&messages(&["{}"])).unwrap();
    assert!(!server.join().unwrap()[0].headers.contains_key("x-sac-signature"));
}

/// What is wrong with a message stays wrong; what is wrong with the receiver may be put right.
#[test]
fn answers_say_whether_to_try_again() {
    for (status, retry) in [
        ("400 Bad Request", false),
        ("413 Payload Too Large", false),
        ("422 Unprocessable Content", false),
        ("301 Moved Permanently\r\nLocation: http://127.0.0.1:1/", true),
        ("401 Unauthorized", true),
        ("404 Not Found", true),
        ("429 Too Many Requests", true),
        ("500 Internal Server Error", true),
        ("503 Service Unavailable", true),
    ] {
        let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
        let (url, server) = server(&[OK, &answer]);
        let failure = http(&url, None).send(&messages(&["1", "2", "3"])).unwrap_err();
        assert_eq!((failure.sent, failure.retry), (1, retry), "{status}: {failure:?}");
        assert!(failure.reason.contains(&status[..3]), "{failure:?}");
        server.join().unwrap();
    }
}

#[test]
fn a_receiver_says_when_it_wants_to_be_asked_again() {
    for (after, expected) in [("7", Some(7)), ("999999", Some(600)), ("tomorrow", None)] {
        let answer =
            format!("HTTP/1.1 503 Service Unavailable\r\nRetry-After: {after}\r\nContent-Length: 0\r\n\r\n");
        let (url, server) = server(&[&answer]);
        let failure = http(&url, None).send(&messages(&["1"])).unwrap_err();
        assert_eq!(failure.retry_after, expected.map(Duration::from_secs), "{after}");
        server.join().unwrap();
    }
}

/// OTLP receivers may take some records of a request and not others: those are lost, and counted.
#[test]
fn what_a_receiver_rejects_is_counted() {
    let body = r#"{"partialSuccess":{"rejectedLogRecords":"3","errorMessage":"too old"}}"#;
    let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    let (url, server) = server(&[&answer]);
    let batch = [Message { bytes: b"{}".to_vec(), records: 10 }];
    assert_eq!(http(&url, None).send(&batch), Ok(Sent { refused: 3, reason: Some("too old".to_owned()) }));
    server.join().unwrap();
}

/// A receiver that takes the request and says nothing costs the timeout, and no more.
#[test]
fn silence_costs_the_timeout() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://127.0.0.1:{}/", listener.local_addr().unwrap().port());
    let endpoint = Endpoint { url, headers: Vec::new(), secret: None };
    let mut sink = Http::new(endpoint, None, Duration::from_millis(300));
    let start = Instant::now();
    let failure = sink.send(&messages(&["1", "2"])).unwrap_err();
    assert!(
        failure.retry && start.elapsed() < Duration::from_secs(3),
        "{failure:?} after {:?}",
        start.elapsed()
    );
}

/// An answer without end is not waited for, and not kept.
#[test]
fn an_endless_answer_costs_the_timeout() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://127.0.0.1:{}/", listener.local_addr().unwrap().port());
    let server = thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        read_request(&mut socket);
        socket.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n").unwrap();
        while socket.write_all(&[b' '; 65536]).is_ok() {}
    });
    let endpoint = Endpoint { url, headers: Vec::new(), secret: None };
    let mut sink = Http::new(endpoint, None, Duration::from_millis(500));
    let start = Instant::now();
    let _either = sink.send(&messages(&["1"]));
    assert!(start.elapsed() < Duration::from_secs(3));
    drop(sink);
    server.join().unwrap();
}

#[test]
fn https_is_verified() {
    let (authority, other) = (Authority::new(), Authority::new());
    for (config, is_taken) in [
        (authority.server("localhost", true), true),
        (authority.server("elsewhere", false), false),
        (other.server("localhost", false), false),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("https://localhost:{}/", listener.local_addr().unwrap().port());
        let server = thread::spawn(move || {
            let (mut socket, _) = listener.accept().unwrap();
            let mut session = ServerConnection::new(config).unwrap();
            session.complete_io(&mut socket).ok()?;
            let mut stream = StreamOwned::new(session, socket);
            let request = read_request(&mut stream);
            stream.write_all(OK.as_bytes()).unwrap();
            Some(request.body)
        });
        let files = Files { ca: Some(authority.file("ca.pem")), own: Some(authority.issue("own", "client")) };
        let credentials = Credentials::read(&files).unwrap();
        let endpoint = Endpoint { url, headers: Vec::new(), secret: None };
        let sent = Http::new(endpoint, Some(&credentials), TIMEOUT).send(&messages(&["secret"]));
        assert_eq!(sent.is_ok(), is_taken, "{sent:?}");
        assert_eq!(server.join().unwrap(), is_taken.then(|| b"secret".to_vec()));
    }
}
