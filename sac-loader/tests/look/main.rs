// SPDX-License-Identifier: MIT OR Apache-2.0
//! Commands that look at the record, run as an auditor runs them, over a record in a temporary directory.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test")]

mod browser;
mod documentation;
mod events;
mod page;
mod record;
mod report;
mod sample;
mod top;

use jiff::Timestamp;
use sac_audit::chain::{Now, Origin, Settings, Synchronise, Writer};
use sac_audit::record::Entry;
use serde_json::{Value, json};
use std::{
    fs,
    path::PathBuf,
    process::{Command, Output},
};
use tempfile::TempDir;

/// A record in a directory of its own, and a writer that goes on with it.
struct Fixture {
    _temporary: TempDir,
    settings: Settings,
    writer: Option<Writer>,
}

/// What a command came to.
struct Ran {
    code: Option<i32>,
    out: String,
    err: String,
}

fn now(second: u64) -> Now {
    let time = Timestamp::from_second(1_790_000_000 + i64::try_from(second).unwrap()).unwrap();
    Now { time, boot_ns: second * 1_000_000_000 }
}

/// An entry of a session, or of none, from the event's fields as they stand in the record.
fn entry(second: u64, session: Option<&str>, event: Value) -> Entry {
    let mut entry = json!({"time": now(second).time, "boot_ns": now(second).boot_ns, "severity": "info"});
    if let Some(id) = session {
        entry["session"] = json!({"id": id, "sequence": 0, "user": "alice", "uid": 1001, "service": "sshd", "from": "192.0.2.7"});
    }
    for (name, value) in event.as_object().unwrap() {
        entry[name] = value.clone();
    }
    serde_json::from_value(entry).unwrap()
}

fn execution(event: &str, action: &str, pid: u32, parent_pid: u32, arguments: &[&str]) -> Value {
    json!({
        "event": event,
        "process": {"pid": pid, "parent_pid": parent_pid, "uid": 1001, "euid": 1001, "comm": "bash"},
        "file": {"path": format!("/usr/bin/{}", arguments[0]), "inode": 1, "device": "8:1"},
        "typed": arguments[0], "arguments": arguments,
        "verdict": {"action": action, "rule": "contractors.yaml:9", "policy": "contractors"},
    })
}

/// A session with something that was blocked.
fn session(id: &str, from: u64) -> Vec<Entry> {
    let opened = json!({
        "event": "session-opened", "policies": ["contractors"], "groups": ["alice"], "cgroup": "/x", "pid": 100,
    });
    let events = [
        opened,
        json!({"event": "forked", "pid": 101, "parent_pid": 100, "comm": "sshd"}),
        execution("executed", "allow", 101, 100, &["bash", "-l"]),
        json!({"event": "forked", "pid": 102, "parent_pid": 101, "comm": "bash"}),
        execution("blocked", "kill", 102, 101, &["wget", "https://example.org/<script>", "\u{1b}[2J"]),
        json!({"event": "ended", "pid": 102, "signal": 9, "run_time_ns": 2_000_000}),
    ];
    (from..).zip(events).map(|(second, event)| entry(second, Some(id), event)).collect()
}

fn closed(id: &str, second: u64) -> Entry {
    let totals = json!({"executed": 1, "blocked": 1, "events_lost": 0});
    entry(second, Some(id), json!({"event": "session-closed", "totals": totals, "duration_ms": 7000}))
}

impl Fixture {
    fn of(entries: Vec<Entry>) -> Self {
        Self::in_files_of(4000, entries)
    }

    /// Of these entries, in files that have at least so many bytes when they are finished.
    fn in_files_of(file_bytes_max: u64, entries: Vec<Entry>) -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let directory = temporary.path().join("sac");
        let settings =
            Settings { directory, synchronise: Synchronise::Never, file_bytes_max, ..Settings::default() };
        let origin = Origin { host: "web1".into(), boot_id: "b".into() };
        let mut fixture =
            Self { _temporary: temporary, writer: Some(Writer::new(settings.clone(), origin)), settings };
        fixture.append(entries);
        fixture
    }

    /// The usual one: policies, a session that ended, one that is open.
    fn usual() -> Self {
        let loaded =
            json!({"event": "policy-loaded", "policies": ["contractors"], "digest": "ab".repeat(32)});
        let mut entries = vec![entry(0, None, loaded)];
        entries.extend(session("s1", 10));
        entries.push(closed("s1", 17));
        entries.extend(session("s2", 20));
        Self::of(entries)
    }

    fn append(&mut self, entries: Vec<Entry>) {
        let writer = self.writer.as_mut().unwrap();
        entries.into_iter().for_each(|entry| writer.append(entry));
        writer.flush(now(60));
    }

    /// Lets nobody write any more, and gives the end as a checkpoint.
    fn checkpoint(&mut self) -> String {
        let mut writer = self.writer.take().unwrap();
        let checkpoint = writer.checkpoint(now(61)).checkpoint.unwrap();
        writer.close(now(62));
        checkpoint.to_string()
    }

    fn files(&self) -> Vec<PathBuf> {
        sac_audit::chain::list(&self.settings.directory).unwrap().into_iter().map(|file| file.path).collect()
    }

    /// All lines as they stand in the files.
    fn lines(&self) -> String {
        self.files().iter().map(|path| fs::read_to_string(path).unwrap()).collect()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sac-loader"));
        command.env("TZ", "UTC").args(arguments).arg("--directory").arg(&self.settings.directory);
        command
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        ran(self.command(arguments))
    }
}

fn ran(mut command: Command) -> Ran {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ran { code: status.code(), out: text(stdout), err: text(stderr) }
}

fn holds(text: &str, wanted: &str) {
    assert!(text.contains(wanted), "no {wanted:?} in\n{text}");
}
