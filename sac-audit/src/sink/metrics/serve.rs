// SPDX-License-Identifier: MIT OR Apache-2.0
//! The answer to `GET /metrics`: one request of HTTP/1.1 on a stream that somebody accepted.
//!
//! The request is bounded in bytes, and the stream's own timeouts bound each read. What is asked for is bounded, too, so that who
//! connects and says nothing keeps nothing but this one connection waiting.

use super::text::CONTENT_TYPE;
use std::io::{self, Read, Write};
use std::time::{Duration, Instant};

/// Longest request, in bytes: Prometheus sends about 300.
const REQUEST_BYTES_MAX: usize = 8192;

/// Most headers of a request.
const HEADERS_MAX: usize = 64;

/// A stream whose waits can be limited.
pub trait Timed: Read + Write {
    /// Limits each read and write from here on.
    ///
    /// # Errors
    ///
    /// The socket does not take it.
    fn set_timeout(&mut self, timeout: Duration) -> io::Result<()>;
}

impl Timed for std::net::TcpStream {
    fn set_timeout(&mut self, timeout: Duration) -> io::Result<()> {
        self.set_read_timeout(Some(timeout))?;
        self.set_write_timeout(Some(timeout))
    }
}

impl Timed for std::os::unix::net::UnixStream {
    fn set_timeout(&mut self, timeout: Duration) -> io::Result<()> {
        self.set_read_timeout(Some(timeout))?;
        self.set_write_timeout(Some(timeout))
    }
}

/// Reads one request within `timeout` and answers it. `text` is asked for what is counted only if that is what is wanted.
///
/// # Errors
///
/// The other side was too slow, or has gone.
pub fn serve(stream: &mut impl Timed, timeout: Duration, text: impl FnOnce() -> String) -> io::Result<()> {
    let deadline = Instant::now() + timeout;
    let answer = match read(stream, deadline)? {
        Asked::Metrics { with_body } => {
            let text = text();
            answer("200 OK", CONTENT_TYPE, &text, with_body)
        }
        Asked::Other => answer("404 Not Found", "text/plain", "metrics are at /metrics\n", true),
        Asked::OtherMethod => {
            answer("405 Method Not Allowed\r\nAllow: GET, HEAD", "text/plain", "use GET\n", true)
        }
        Asked::Nonsense => answer("400 Bad Request", "text/plain", "this is no request\n", true),
        Asked::TooMuch => {
            answer("431 Request Header Fields Too Large", "text/plain", "the request is too long\n", true)
        }
    };
    write_all(stream, answer.as_bytes(), deadline)
}

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Metrics { with_body: bool },
    Other,
    OtherMethod,
    Nonsense,
    TooMuch,
}

fn read(stream: &mut impl Timed, deadline: Instant) -> io::Result<Asked> {
    let mut request = Vec::new();
    let mut buffer = [0; 1024];
    while request.len() < REQUEST_BYTES_MAX {
        stream.set_timeout(remaining(deadline)?)?;
        let bytes = match stream.read(&mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            bytes => bytes?,
        };
        if bytes == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        request.extend_from_slice(&buffer[..bytes]);
        if let Some(asked) = asked(&request) {
            return Ok(asked);
        }
    }
    Ok(Asked::TooMuch)
}

/// What is asked for, once the request is whole.
fn asked(request: &[u8]) -> Option<Asked> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut parsed = httparse::Request::new(&mut headers);
    match parsed.parse(request) {
        Ok(httparse::Status::Partial) => return None,
        Ok(httparse::Status::Complete(_)) => {}
        Err(httparse::Error::TooManyHeaders) => return Some(Asked::TooMuch),
        Err(_nonsense) => return Some(Asked::Nonsense),
    }
    let with_body = match parsed.method {
        Some("GET") => true,
        Some("HEAD") => false,
        _ => return Some(Asked::OtherMethod),
    };
    let path = parsed.path.unwrap_or_default().split('?').next().unwrap_or_default();
    Some(if path == "/metrics" { Asked::Metrics { with_body } } else { Asked::Other })
}

fn answer(status: &str, content_type: &str, body: &str, with_body: bool) -> String {
    let length = body.len();
    let body = if with_body { body } else { "" };
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
}

fn write_all(stream: &mut impl Timed, mut bytes: &[u8], deadline: Instant) -> io::Result<()> {
    while !bytes.is_empty() {
        stream.set_timeout(remaining(deadline)?)?;
        match stream.write(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    stream.flush()
}

fn remaining(deadline: Instant) -> io::Result<Duration> {
    let remaining = deadline.saturating_duration_since(Instant::now());
    if remaining.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(remaining) }
}

#[cfg(test)]
mod tests;
