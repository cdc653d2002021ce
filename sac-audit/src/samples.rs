// SPDX-License-Identifier: MIT OR Apache-2.0
//! One entry of each event, for tests. `docs/audit.md` shows the lines that the writer makes of them.

use crate::chain::{Now, Origin, Settings, Synchronise, Writer, Written};
use crate::record::*;
use crate::text::Text;
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::path::Path;

pub(crate) fn origin() -> Origin {
    Origin { host: "web1".into(), boot_id: "5f0c7ee5-1b5e-4c0e-9d3c-3d6f4b8f2a11".into() }
}

/// A moment, by its place in the samples.
pub(crate) fn now(second: u64) -> Now {
    let time = Timestamp::from_second(1_790_000_000 + i64::try_from(second).unwrap()).unwrap();
    Now { time, boot_ns: (100_000 + second) * 1_000_000_000 }
}

pub(crate) fn session(id: &str) -> Session {
    Session {
        id: id.into(),
        sequence: 0,
        user: "alice".into(),
        uid: 1001,
        service: "sshd".into(),
        from: "192.0.2.7".into(),
        login_uid: Some(1001),
        audit_session: Some(42),
    }
}

pub(crate) fn process(pid: u32, parent_pid: u32) -> Process {
    Process {
        pid,
        parent_pid,
        uid: 1001,
        euid: 1001,
        comm: "bash".into(),
        cwd: Some("/home/alice".into()),
        tty: Some("pts/3".into()),
    }
}

fn file(path: &str) -> File {
    File { path: path.into(), path_cut: false, inode: 131_077, device: "253:1".into() }
}

fn verdict(action: &str, rule: &str) -> Verdict {
    Verdict { action: action.into(), rule: rule.into(), policy: Some("contractors".into()) }
}

pub(crate) fn execution(pid: u32, parent_pid: u32, arguments: &[&str]) -> Execution {
    Execution {
        process: process(pid, parent_pid),
        file: file(&format!("/usr/bin/{}", arguments[0])),
        typed: format!("/usr/bin/{}", arguments[0]).as_str().into(),
        arguments: arguments.iter().map(|&argument| argument.into()).collect(),
        environment: BTreeMap::from([("LANG".to_owned(), Text::from("C.UTF-8"))]),
        verdict: verdict("allow", "contractors.yaml:12"),
        ..Execution::default()
    }
}

pub(crate) fn blocked(pid: u32, parent_pid: u32, arguments: &[&str]) -> Execution {
    Execution {
        verdict: verdict("deny", "contractors.yaml:9"),
        environment: BTreeMap::new(),
        arguments_of_caller: true,
        ..execution(pid, parent_pid, arguments)
    }
}

fn grant() -> Grant {
    Grant {
        grant: 3,
        user: "alice".into(),
        program: "/usr/bin/tcpdump".into(),
        for_s: 1800,
        reason: "incident 4711".into(),
        by: "root".into(),
    }
}

/// An entry at a second, in a session if it is in one.
pub(crate) fn entry(second: u64, id: Option<&str>, severity: Severity, event: Event) -> Entry {
    let Now { time, boot_ns } = now(second);
    Entry { time, boot_ns, severity, session: id.map(session), event }
}

fn of_session() -> Vec<(Severity, Event)> {
    let policies = || vec!["contractors".to_owned()];
    let operation = Operation {
        process: process(4713, 4711),
        operation: "delete".into(),
        file: Some(file("/srv/www/index.html")),
        address: None,
        act: None,
        count: 3,
        verdict: verdict("deny", "contractors.yaml:20"),
    };
    let opened = Event::SessionOpened {
        policies: policies(),
        tty: "ssh".into(),
        groups: vec!["alice".into(), "contractors".into()],
        cgroup: "/sys/fs/cgroup/user.slice/user-1001.slice/session-7.scope/sac-7f3a".into(),
        pid: 4700,
    };
    let identity = Event::IdentityChanged { by: "sudo".into(), to_user: "root".into(), to_uid: 0, pid: 4720 };
    let controlled = Event::SessionControlled {
        action: Control::Frozen,
        by: "root".into(),
        reason: "incident 4711".into(),
    };
    let changed = Event::PolicyChanged { from_policies: policies(), to_policies: vec!["night".into()] };
    let totals = Totals { executed: 1, blocked: 4, events_lost: 0 };
    vec![
        (Severity::Info, opened),
        (Severity::Info, Event::SessionAdopted { policies: policies() }),
        (Severity::Info, Event::Forked { pid: 4711, parent_pid: 4700, comm: "sshd".into() }),
        (Severity::Info, Event::Executed(execution(4711, 4700, &["ls", "-l", "/srv/www"]))),
        (Severity::Medium, Event::Blocked(blocked(4712, 4711, &["wget", "https://example.org/"]))),
        (Severity::High, Event::Operation(operation)),
        (Severity::Low, identity),
        (Severity::Medium, controlled),
        (Severity::Info, Event::Ended { pid: 4711, code: Some(0), signal: None, run_time_ns: 2_416_308 }),
        (Severity::Low, changed),
        (Severity::High, Event::EventsLost { count: 12, by: "kernel".into() }),
        (Severity::Info, Event::SessionClosed { totals, duration_ms: 61_402 }),
    ]
}

fn of_machine() -> Vec<(Severity, Event)> {
    let refused = Event::SessionRefused {
        user: "bob".into(),
        service: "sshd".into(),
        from: "198.51.100.9".into(),
        reason: "policy contractors allows 2 sessions, and 2 are open".into(),
    };
    let removed = Event::RecordsRemoved {
        files: vec!["record-000000000001.jsonl".into()],
        from_number: 1,
        to_number: 81_920,
    };
    let repaired = Event::ChainRepaired {
        file: "record-000000081921.jsonl".into(),
        moved_to: "record-000000090011.torn".into(),
        bytes: 512,
        digest: "a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a".into(),
    };
    let loaded = Event::PolicyLoaded {
        policies: vec!["contractors".into(), "night".into()],
        digest: "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824".into(),
    };
    let applied = Event::PolicyApplied {
        step: Step::RolledBack,
        by: "sac".into(),
        digest: "60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752".into(),
        confirm_s: Some(60),
        reason: Some("nobody confirmed them in time".into()),
    };
    let unlabelled = Event::Unlabelled { user: "carol".into(), pid: 5120, outcome: "reported".into() };
    vec![
        (Severity::Info, Event::LoaderStarted { version: "0.1.0".into(), sessions: 1 }),
        (Severity::Info, loaded),
        (Severity::High, Event::PolicyRefused { reason: "night.yaml:4: `hour` is not a key".into() }),
        (Severity::Medium, refused),
        (Severity::Low, Event::Granted(grant())),
        (Severity::Low, Event::GrantEnded { grant: grant(), revoked: true }),
        (Severity::Critical, Event::Tamper { what: "a policy file was changed by uid 1001".into() }),
        (Severity::High, unlabelled),
        (Severity::High, repaired),
        (Severity::Info, removed),
        (Severity::Info, Event::Checkpoint {}),
        (Severity::Info, Event::LoaderStopped {}),
        (Severity::Medium, applied),
    ]
}

/// One of each event.
pub(crate) fn samples() -> Vec<Entry> {
    let of_machine = of_machine().into_iter().map(|(severity, event)| (None, severity, event));
    let of_session = of_session().into_iter().map(|(severity, event)| (Some("7f3a"), severity, event));
    let all = of_machine.take(2).collect::<Vec<_>>().into_iter().chain(of_session);
    let rest = self::of_machine().into_iter().skip(2).map(|(severity, event)| (None, severity, event));
    all.chain(rest)
        .zip(0..)
        .map(|((id, severity, event), second)| entry(second, id, severity, event))
        .collect()
}

/// Settings for a test's own directory, which need not outlive the machine.
pub(crate) fn settings(directory: &Path) -> Settings {
    Settings { directory: directory.join("sac"), synchronise: Synchronise::Never, ..Settings::default() }
}

/// Writes entries, and returns what was written.
pub(crate) fn write(settings: &Settings, entries: Vec<Entry>) -> Vec<Written> {
    let mut writer = Writer::new(settings.clone(), origin());
    entries.into_iter().for_each(|entry| writer.append(entry));
    let (written, status) = writer.close(now(60));
    assert_eq!(status.state, crate::chain::State::Writing);
    written
}
