// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sinks as they are configured, with receivers on real sockets.

mod rsyslog;

use super::open;
use crate::config::{Config, SinkConfig};
use crate::sink::delivery::tests::Files;
use crate::sink::samples::identity;
use crate::sink::{Delivery, Source};
use std::fs::{self, Permissions};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::time::{Duration, Instant};
use syslog_loose::{Variant, parse_message};

fn sinks(text: &str) -> Vec<SinkConfig> {
    Config::parse(Path::new("audit.yaml"), text).unwrap().sinks
}

fn opened(text: &str, cursors: &Path) -> Delivery {
    open(&sinks(text)[0], &identity(), cursors, &Files::up_to(0)).unwrap()
}

/// Steps as a loader does, with the clock on the wall, until all records are handed over.
fn deliver(delivery: &mut Delivery, files: &mut impl Source) {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let outcome = delivery.step(files, Instant::now());
        if outcome.queue == 0 && outcome.fault.is_none() {
            return;
        }
        assert!(Instant::now() < deadline, "{outcome:?}");
        std::thread::sleep(outcome.next_try.saturating_duration_since(Instant::now()));
    }
}

/// Reads whole frames from a connection until nothing more comes, and returns the records' numbers.
fn numbers(socket: &mut TcpStream) -> Vec<u64> {
    socket.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    let mut bytes = Vec::new();
    let mut buffer = [0; 65536];
    while let Ok(read @ 1..) = socket.read(&mut buffer) {
        bytes.extend_from_slice(&buffer[..read]);
    }
    let mut numbers = Vec::new();
    while let Some(space) = bytes.iter().position(|byte| *byte == b' ') {
        let length: usize = std::str::from_utf8(&bytes[..space]).unwrap().parse().unwrap();
        let rest = bytes.split_off(space + 1);
        if rest.len() < length {
            break;
        }
        let message = std::str::from_utf8(&rest[..length]).unwrap();
        let parsed = parse_message(message, Variant::RFC5424);
        let params = &parsed.structured_data[0].params;
        numbers.push(params.iter().find(|(name, _)| *name == "number").unwrap().1.parse().unwrap());
        bytes = rest[length..].to_vec();
    }
    numbers
}

/// Listens at an address that was listened at just before: std sets `SO_REUSEADDR`.
fn listen_again(address: SocketAddr) -> TcpListener {
    TcpListener::bind(address).unwrap()
}

/// A receiver goes away and takes with it what it had not read; another one comes up in its place. Every record arrives, in order,
/// and what comes twice are those that were in doubt.
#[test]
fn a_receiver_that_dies_and_comes_back_gets_everything() {
    let directory = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let text = format!("sinks: [{{name: siem, type: syslog, address: 'tcp://{address}', timeout_s: 2}}]");
    let mut delivery = opened(&text, directory.path());
    let mut files = Files::up_to(50);
    deliver(&mut delivery, &mut files);
    let (mut socket, _) = listener.accept().unwrap();
    assert_eq!(numbers(&mut socket), (1..=50).collect::<Vec<_>>());
    // These are sent, and nobody ever reads them.
    files.last = 60;
    deliver(&mut delivery, &mut files);
    drop((socket, listener));
    files.last = 70;
    let outcome = delivery.step(&mut files, Instant::now());
    assert!(outcome.fault.is_some() && outcome.lost == 0, "{outcome:?}");
    let listener = listen_again(address);
    deliver(&mut delivery, &mut files);
    let (mut socket, _) = listener.accept().unwrap();
    assert_eq!(
        numbers(&mut socket),
        (1..=70).collect::<Vec<_>>(),
        "from what is certain on, which is nothing yet"
    );
}

#[test]
fn the_journals_socket_gets_entries() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("socket");
    let journal = UnixDatagram::bind(&path).unwrap();
    let text = format!("sinks: [{{name: j, type: journald, address: 'unix:{}'}}]", path.display());
    deliver(&mut opened(&text, &directory.path().join("cursors")), &mut Files::up_to(1));
    let mut buffer = [0; 65536];
    let bytes = journal.recv(&mut buffer).unwrap();
    let entry = std::str::from_utf8(&buffer[..bytes]).unwrap();
    assert!(
        entry.lines().any(|line| line == "SAC_EVENT=tamper")
            && entry.lines().any(|line| line == "SAC_NUMBER=1")
    );
}

#[test]
fn cef_travels_in_syslog() {
    let directory = tempfile::tempdir().unwrap();
    let receiver = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = receiver.local_addr().unwrap();
    let text = format!("sinks: [{{name: c, type: cef, address: 'udp://{address}', facility: local0}}]");
    deliver(&mut opened(&text, directory.path()), &mut Files::up_to(1));
    let mut buffer = [0; 65536];
    let bytes = receiver.recv(&mut buffer).unwrap();
    let message = std::str::from_utf8(&buffer[..bytes]).unwrap();
    let parsed = parse_message(message, Variant::RFC5424);
    assert!(parsed.msg.starts_with("CEF:0|SAC|Server Access Control|0.1.0|tamper|tamper|"), "{message}");
    assert_eq!(parsed.facility, Some(syslog_loose::SyslogFacility::LOG_LOCAL0));
}

#[test]
fn requests_reach_their_receiver() {
    let directory = tempfile::tempdir().unwrap();
    for (name, keys, path, body) in [
        ("otlp", "type: otlp, url: 'http://ADDRESS/v1/logs'", "/v1/logs", "{\"resourceLogs\":["),
        ("ocsf", "type: ocsf, url: 'http://ADDRESS/ocsf', headers: {X-Token: t}", "/ocsf", "[{"),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let text = format!("sinks: [{{name: {name}, {}}}]", keys.replace("ADDRESS", &address));
        let server = std::thread::spawn(move || {
            let (mut socket, _) = listener.accept().unwrap();
            socket.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
            let mut request = Vec::new();
            let mut buffer = [0; 65536];
            while let Ok(read @ 1..) = socket.read(&mut buffer) {
                request.extend_from_slice(&buffer[..read]);
            }
            socket.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").unwrap();
            String::from_utf8(request).unwrap()
        });
        deliver(&mut opened(&text, directory.path()), &mut Files::up_to(3));
        let request = server.join().unwrap();
        assert!(request.starts_with(&format!("POST {path} HTTP/1.1\r\n")), "{request}");
        assert!(request.split("\r\n\r\n").nth(1).unwrap().starts_with(body), "{request}");
    }
}

/// A webhook gets alerts only: of ten records one is grave.
#[test]
fn a_webhook_gets_signed_alerts_only() {
    let directory = tempfile::tempdir().unwrap();
    let secret = directory.path().join("secret");
    fs::write(&secret, "hush\n").unwrap();
    fs::set_permissions(&secret, Permissions::from_mode(0o600)).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let text = format!(
        "sinks: [{{name: hook, type: webhook, url: 'http://{address}/', secret_file: '{}'}}]",
        secret.display()
    );
    let server = std::thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
        let mut request = Vec::new();
        let mut buffer = [0; 65536];
        while let Ok(read @ 1..) = socket.read(&mut buffer) {
            request.extend_from_slice(&buffer[..read]);
        }
        socket.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap();
        String::from_utf8(request).unwrap()
    });
    deliver(&mut opened(&text, &directory.path().join("cursors")), &mut Files::up_to(10));
    let request = server.join().unwrap();
    assert_eq!(request.matches("POST / HTTP/1.1").count(), 1, "{request}");
    assert!(
        request.to_lowercase().contains("x-sac-signature: sha256=") && request.contains("\"number\":10"),
        "{request}"
    );
}

#[test]
fn a_secret_that_others_can_read_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let secret = directory.path().join("secret");
    let text = format!(
        "sinks: [{{name: hook, type: webhook, url: 'http://x/', secret_file: '{}'}}]",
        secret.display()
    );
    let error = || {
        open(&sinks(&text)[0], &identity(), directory.path(), &Files::up_to(0))
            .err()
            .map(|error| error.to_string())
    };
    assert!(error().unwrap().contains("No such file"));
    for (content, mode, reason) in [
        (&b"hush"[..], 0o644, Some("others than its owner")),
        (b"hush", 0o640, Some("others than its owner")),
        (b"\n", 0o600, Some("it is empty")),
        (&[b'x'; 5000], 0o600, Some("too long")),
        (b"hush", 0o600, None),
    ] {
        fs::write(&secret, content).unwrap();
        fs::set_permissions(&secret, Permissions::from_mode(mode)).unwrap();
        let error = error();
        assert_eq!(error.is_some(), reason.is_some(), "{error:?}");
        assert!(reason.is_none_or(|reason| error.as_ref().unwrap().contains(reason)), "{error:?}");
    }
}

#[test]
fn a_missing_certificate_is_said_with_the_sinks_name() {
    let directory = tempfile::tempdir().unwrap();
    let text = "sinks: [{name: siem, type: syslog, address: 'tls://x:6514', ca: /nonexistent/ca.pem}]";
    let error =
        open(&sinks(text)[0], &identity(), directory.path(), &Files::up_to(0)).err().unwrap().to_string();
    assert!(error.starts_with("sink siem: /nonexistent/ca.pem: "), "{error}");
}

#[test]
fn a_new_sink_begins_where_the_record_is() {
    let directory = tempfile::tempdir().unwrap();
    let text = "sinks: [{name: siem, type: syslog, address: 'unix:/nonexistent'}]";
    let files = Files::up_to(7);
    let mut delivery = open(&sinks(text)[0], &identity(), directory.path(), &files).unwrap();
    assert_eq!(fs::read_to_string(directory.path().join("siem")).unwrap(), "7\n");
    assert_eq!(delivery.step(&mut Files::up_to(files.last()), Instant::now()).queue, 0);
}
