// SPDX-License-Identifier: MIT OR Apache-2.0
//! Records for tests: one of each event, and some that are meant to break a format.

use super::facts::EVENT_NAMES;
use super::format::Identity;
use crate::record::{Record, Session};
use serde_json::{Value as Json, json};

/// Who sends, in tests.
pub(crate) fn identity() -> Identity {
    Identity { version: "0.1.0".to_owned(), pid: 321 }
}

/// A record with this number of an event as in the record's JSON.
pub(crate) fn record(number: u64, severity: &str, event: Json) -> Record {
    let mut record = json!({
        "schema": 1,
        "number": number,
        "previous": "0".repeat(64),
        "host": "web1",
        "boot_id": "5c1f0e2a-8d5b-4f0f-9a54-0f4f4a2d1c11",
        "time": "2026-11-26T15:04:05.123456789Z",
        "boot_ns": 77_000_000_000 + number,
        "severity": severity,
    });
    for (name, value) in event.as_object().unwrap() {
        record[name] = value.clone();
    }
    serde_json::from_value(record).unwrap()
}

pub(crate) fn session(sequence: u64) -> Session {
    Session {
        id: "3f9a2c".to_owned(),
        sequence,
        user: "alice".to_owned(),
        uid: 1000,
        service: "sshd".to_owned(),
        from: "192.0.2.7".to_owned(),
        login_uid: Some(1000),
        audit_session: Some(7),
    }
}

fn process() -> Json {
    json!({"pid": 4711, "parent_pid": 4700, "uid": 1000, "euid": 1000, "comm": "bash", "cwd": "/home/alice", "tty": "pts/0"})
}

fn file(path: &str) -> Json {
    json!({"path": path, "inode": 1234, "device": "8:1"})
}

fn verdict(action: &str) -> Json {
    json!({"action": action, "rule": "contractors.yaml:12", "policy": "contractors"})
}

/// An execution with this verdict and these arguments.
pub(crate) fn execution(event: &str, action: &str, arguments: Json) -> Json {
    json!({
        "event": event, "process": process(), "file": file("/usr/bin/wget"), "typed": "wget",
        "arguments": arguments, "environment": {"LD_PRELOAD": "/tmp/x.so"}, "verdict": verdict(action),
    })
}

pub(crate) fn operation(operation: &str, object: (&str, Json)) -> Json {
    let mut event = json!({"event": "operation", "process": process(), "operation": operation, "count": 3, "verdict": verdict("deny")});
    event[object.0] = object.1;
    event
}

/// Arguments with all that a format could take for its own.
pub(crate) fn hostile() -> Json {
    json!([
        "wget",
        "a b",
        "it's",
        "x=\"y\"]",
        "back\\slash",
        "pipe|d",
        "line\nbreak\r",
        "\u{1b}[31mred",
        "\u{202e}turned",
        "grün",
        "",
        [255, 254, 10, 65]
    ])
}

/// One record of each event, and of each kind of operation; numbered from 1, in a session where there is one.
pub(crate) fn samples() -> Vec<Record> {
    let grant = json!({"grant": 5, "user": "bob", "program": "/usr/bin/apt", "for_s": 600, "reason": "update", "by": "root"});
    let mut ended = grant.clone();
    ended["event"] = json!("grant-ended");
    ended["revoked"] = json!(true);
    let mut granted = grant;
    granted["event"] = json!("granted");
    let in_session = vec![
        (
            "info",
            json!({"event": "session-opened", "policies": ["contractors"], "tty": "pts/0", "groups": ["dev"], "cgroup": "/a", "pid": 9}),
        ),
        (
            "info",
            json!({"event": "session-closed", "totals": {"executed": 3, "blocked": 1, "events_lost": 0}, "duration_ms": 61_000}),
        ),
        ("info", json!({"event": "session-adopted", "policies": ["contractors"]})),
        (
            "low",
            json!({"event": "identity-changed", "by": "sudo", "to_user": "root", "to_uid": 0, "pid": 77}),
        ),
        (
            "high",
            json!({"event": "session-controlled", "action": "killed", "by": "root", "reason": "too much"}),
        ),
        (
            "high",
            json!({"event": "session-controlled", "action": "frozen", "by": "root", "reason": "a look"}),
        ),
        ("info", execution("executed", "allow", json!(["wget", "-q", "https://example.org/"]))),
        ("medium", execution("blocked", "deny", hostile())),
        ("critical", execution("blocked", "kill", json!([]))),
        ("medium", execution("blocked", "audit", json!(["wget"]))),
        ("info", json!({"event": "forked", "pid": 2, "parent_pid": 1, "comm": "bash"})),
        ("info", json!({"event": "ended", "pid": 2, "code": 1, "run_time_ns": 5})),
        ("info", json!({"event": "ended", "pid": 2, "signal": 9, "run_time_ns": 5})),
        ("medium", operation("delete", ("file", file("/etc/passwd")))),
        ("medium", operation("create", ("file", file("/etc/new")))),
        ("medium", operation("read", ("file", file("/")))),
        ("medium", operation("write", ("file", json!({"path": null, "inode": 0, "device": ""})))),
        ("medium", operation("rename", ("file", file("/etc/x")))),
        ("medium", operation("link", ("file", file("/etc/x")))),
        ("medium", operation("map", ("file", file("/tmp/x.so")))),
        ("medium", operation("connect", ("address", json!("[2001:db8::1]:443")))),
        ("medium", operation("connect", ("address", json!("unix:/run/x")))),
        ("high", operation("administer", ("act", json!("load a kernel module")))),
        ("info", json!({"event": "policy-changed", "from_policies": ["contractors"], "to_policies": []})),
    ];
    let outside = vec![
        (
            "high",
            json!({"event": "session-refused", "user": "eve\n", "service": "sshd", "from": "evil.example", "reason": "no policy"}),
        ),
        (
            "info",
            json!({"event": "policy-loaded", "policies": ["contractors", "developers"], "digest": "ab"}),
        ),
        ("high", json!({"event": "policy-refused", "reason": "contractors.yaml:3: no"})),
        ("info", granted),
        ("info", ended),
        ("critical", json!({"event": "tamper", "what": "a program was detached"})),
        ("high", json!({"event": "unlabelled", "user": "mallory", "pid": 99, "outcome": "killed"})),
        ("info", json!({"event": "loader-started", "version": "0.1.0", "sessions": 2})),
        ("info", json!({"event": "loader-stopped"})),
        ("high", json!({"event": "events-lost", "count": 12, "by": "kernel"})),
        ("info", json!({"event": "checkpoint"})),
        (
            "medium",
            json!({"event": "chain-repaired", "file": "record-000000000001.jsonl", "moved_to": "record-000000000001.torn", "bytes": 12, "digest": "ab"}),
        ),
        (
            "info",
            json!({"event": "records-removed", "files": ["record-000000000001.jsonl"], "from_number": 1, "to_number": 9}),
        ),
        (
            "low",
            json!({"event": "policy-applied", "step": "tried", "by": "bob", "digest": "ab", "confirm_s": 60}),
        ),
        (
            "medium",
            json!({"event": "policy-applied", "step": "rolled-back", "by": "sac", "digest": "ab", "reason": "late"}),
        ),
    ];
    let in_session_count = in_session.len();
    let mut records: Vec<Record> = (1..)
        .zip(in_session.into_iter().chain(outside))
        .map(|(number, (severity, event))| record(number, severity, event))
        .collect();
    for (record, sequence) in records.iter_mut().take(in_session_count).zip(1..) {
        record.entry.session = Some(session(sequence));
    }
    records
}

/// The sample of the event with this name; the first, if there are several.
pub(crate) fn sample(name: &str) -> Record {
    samples().into_iter().find(|record| record.entry.event.name() == name).unwrap()
}

#[test]
fn there_is_a_sample_of_each_event_and_names_are_those_of_the_record() {
    let samples = samples();
    for name in EVENT_NAMES {
        assert!(samples.iter().any(|record| record.entry.event.name() == name), "{name}");
    }
    for record in samples {
        let json = serde_json::to_value(&record).unwrap();
        assert_eq!(json["event"], record.entry.event.name());
    }
}
