// SPDX-License-Identifier: MIT OR Apache-2.0
//! From what was found to what is shown.

use super::*;
use crate::control::ProcessInfo;
use sac_audit::text::Text;
use serde_json::{Value, json};

pub(in crate::cli::top) fn session(id: &str, user: &str, blocked: u64) -> SessionInfo {
    SessionInfo {
        id: id.to_owned(),
        user: user.to_owned(),
        uid: 1001,
        groups: vec![user.to_owned()],
        policy: "contractors".to_owned(),
        service: "sshd".to_owned(),
        from: "192.0.2.7".to_owned(),
        tty: "pts/0".to_owned(),
        since: at(0).to_string(),
        processes: 3,
        executed: 12,
        blocked,
        events_lost: 0,
        cgroup: String::new(),
        frozen: false,
    }
}

pub(in crate::cli::top) fn process(pid: i32, parent_pid: i32, depth: usize, command: &[&str]) -> ProcessInfo {
    ProcessInfo {
        pid,
        parent_pid,
        depth,
        uid: 1001,
        started: at(0).to_string(),
        name: "name".to_owned(),
        command: (!command.is_empty()).then(|| command.iter().copied().map(Text::from).collect()),
        command_cut: false,
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + second).unwrap()
}

/// A record of a session, or of none, from the event's fields as they stand in the record.
pub(in crate::cli::top) fn record(second: i64, session: Option<&str>, event: Value) -> Record {
    let mut record = json!({
        "schema": 1, "number": 1, "previous": "", "host": "web1", "boot_id": "b",
        "time": at(second), "boot_ns": 0, "severity": "info",
    });
    if let Some(id) = session {
        record["session"] = json!({"id": id, "sequence": 0, "user": "alice", "uid": 1001, "service": "sshd", "from": "192.0.2.7"});
    }
    for (name, value) in event.as_object().unwrap() {
        record[name] = value.clone();
    }
    serde_json::from_value(record).unwrap()
}

/// An execution by process 103, which its parent, 102, has forked.
pub(in crate::cli::top) fn execution(event: &str, action: &str, arguments: &[&str]) -> Value {
    json!({
        "event": event,
        "process": {"pid": 103, "parent_pid": 102, "uid": 1001, "euid": 1001, "comm": "bash"},
        "file": {"path": format!("/usr/bin/{}", arguments[0]), "inode": 1, "device": "8:1"},
        "typed": arguments[0], "arguments": arguments,
        "verdict": {"action": action, "rule": "contractors.yaml:9", "policy": "contractors"},
    })
}

pub(in crate::cli::top) fn look(sessions: Vec<SessionInfo>, records: Vec<Record>) -> Look {
    Look { time: at(60), sessions: Some(Ok(sessions)), processes: None, records, record_fault: None }
}

pub(in crate::cli::top) fn model() -> Model {
    Model::new(TimeZone::UTC, "web1".to_owned())
}

fn selected(model: &Model) -> Option<&str> {
    model.selected().map(|(_place, session)| session.id.as_str())
}

#[test]
fn the_selected_session_stays_selected_where_others_come_and_go() {
    let mut model = model();
    assert_eq!(model.wanted(), None);
    let all = |ids: &[&str]| look(ids.iter().map(|id| session(id, "alice", 0)).collect(), Vec::new());
    model.take(all(&["a", "b", "c"]));
    assert_eq!(selected(&model), Some("a"));
    model.press(Key::Up);
    assert_eq!(selected(&model), Some("a"));
    model.press(Key::Down);
    assert_eq!(selected(&model), Some("b"));
    model.take(all(&["b", "c"]));
    assert_eq!(selected(&model), Some("b"));
    // Where it goes itself, the one that comes into its place is selected.
    model.take(all(&["c", "d"]));
    assert_eq!(selected(&model), Some("c"));
    model.press(Key::Last);
    model.press(Key::Down);
    assert_eq!(selected(&model), Some("d"));
    assert_eq!(model.wanted(), Some(Wanted { session: "d".to_owned(), since: Some(at(0)) }));
    model.take(all(&[]));
    assert_eq!(selected(&model), None);
    assert_eq!(model.press(Key::Down), Pressed::Continue);
    assert_eq!(model.press(Key::Quit), Pressed::Quit);
}

#[test]
fn sessions_in_which_nothing_was_blocked_can_be_left_out() {
    let mut model = model();
    let sessions = [("a", 0), ("b", 1), ("c", 0), ("d", 2)];
    model.take(look(sessions.map(|(id, blocked)| session(id, "alice", blocked)).to_vec(), Vec::new()));
    model.press(Key::Filter);
    let shown: Vec<_> = model.sessions().iter().map(|session| session.id.clone()).collect();
    assert_eq!((shown, selected(&model)), (vec!["b".to_owned(), "d".to_owned()], Some("b")));
    assert_eq!(model.counts(), (4, 2));
    model.press(Key::Filter);
    assert_eq!((model.sessions().len(), selected(&model)), (4, Some("b")));
}

#[test]
fn what_was_blocked_is_kept_the_newest_first_and_not_without_end() {
    let mut model = model();
    let records = vec![
        record(1, Some("a"), execution("executed", "allow", &["ls"])),
        record(2, Some("a"), execution("blocked", "kill", &["wget", "\u{1b}[2J"])),
        record(3, Some("a"), execution("blocked", "audit", &["nc"])),
        record(
            4,
            None,
            json!({"event": "session-refused", "user": "bob\u{7}", "service": "sshd", "from": "", "reason": "no policy"}),
        ),
    ];
    model.take(look(Vec::new(), records));
    let found: Vec<_> = model
        .attempts
        .iter()
        .map(|one| (one.user.as_str(), one.what, one.rule.as_str(), one.text.as_str()))
        .collect();
    assert_eq!(found.len(), 3, "{found:?}");
    assert_eq!((found[0].0, found[0].1, found[0].2), ("bob\\u{7}", "REFUSED", ""));
    assert!(found[0].3.contains("no policy"), "{found:?}");
    assert_eq!(found[1], ("alice", "WOULD BLOCK", "contractors.yaml:9", "/usr/bin/nc"));
    assert_eq!(found[2], ("alice", "BLOCKED", "contractors.yaml:9", "/usr/bin/wget '\\u{1b}[2J'"));
    let long = "x".repeat(4000);
    let many =
        (0..1000).map(|second| record(second, Some("a"), execution("blocked", "deny", &["df", &long])));
    model.take(look(Vec::new(), many.collect()));
    assert_eq!((model.attempts.len(), model.attempts[0].text.len()), (ATTEMPTS_MAX, TEXT_LENGTH_MAX));
}

#[test]
fn without_the_daemon_sessions_are_those_of_the_record() {
    let mut model = model();
    let opened = json!({
        "event": "session-opened", "policies": ["contractors"], "groups": ["alice"], "cgroup": "/x", "pid": 100, "tty": "ssh",
    });
    let records = vec![
        record(1, Some("a"), opened.clone()),
        record(2, Some("a"), json!({"event": "forked", "pid": 103, "parent_pid": 100, "comm": "sshd"})),
        record(3, Some("a"), execution("executed", "allow", &["bash"])),
        record(4, Some("a"), execution("blocked", "kill", &["df"])),
        record(4, Some("a"), execution("blocked", "audit", &["df"])),
        record(5, Some("a"), json!({"event": "ended", "pid": 103, "signal": 9, "run_time_ns": 1})),
        record(6, Some("b"), opened),
        record(
            7,
            Some("b"),
            json!({
                "event": "session-closed", "totals": {"executed": 0, "blocked": 0, "events_lost": 0}, "duration_ms": 1,
            }),
        ),
        record(8, Some("c"), execution("executed", "allow", &["ls"])),
    ];
    let mut first = look(Vec::new(), records);
    first.sessions = Some(Err("cannot reach it\u{1b}".to_owned()));
    model.take(first);
    let shown: Vec<_> = model
        .sessions()
        .iter()
        .map(|one| (one.id.as_str(), one.policy.as_str(), one.processes, one.executed, one.blocked))
        .collect();
    assert_eq!(shown, [("a", "contractors", 1, 1, 1), ("c", "", 1, 1, 0)]);
    assert_eq!(model.sessions()[0].tty, "");
    let fault = "The daemon does not answer; this is what the record says: cannot reach it\\u{1b}";
    assert_eq!(model.faults(), [fault]);
    // What it says when it is there again holds.
    model.take(look(vec![session("z", "bob", 0)], Vec::new()));
    assert_eq!((model.sessions().len(), model.faults().len()), (1, 0));
}

#[test]
fn what_a_process_tried_last_stands_below_it_or_its_parent() {
    let mut model = model();
    let blocked = |name: &str| record(1, Some("a"), execution("blocked", "kill", &[name]));
    let mut found = look(
        vec![session("a", "alice", 1), session("b", "bob", 0)],
        ["df", "wget", "nc", "curl"].map(blocked).to_vec(),
    );
    let processes =
        vec![process(100, 1, 0, &[]), process(102, 100, 1, &["-bash"]), process(104, 102, 2, &["top"])];
    found.processes = Some(("a".to_owned(), Processes::Present(processes)));
    model.take(found);
    let Some(ProcessList::Present(rows, 0)) = model.processes() else { panic!("{model:?}") };
    let shown: Vec<_> = rows.iter().map(|row| (row.pid.as_str(), row.text.as_str())).collect();
    let expected = [
        ("100", "(name)"),
        ("102", "  -bash"),
        ("103", "    ✗ BLOCKED /usr/bin/wget"),
        ("103", "    ✗ BLOCKED /usr/bin/nc"),
        ("103", "    ✗ BLOCKED /usr/bin/curl"),
        ("104", "    top"),
    ];
    assert_eq!(shown, expected);
    // They are not another session's.
    model.press(Key::Down);
    assert_eq!(model.processes(), None);
}

#[test]
fn a_time_of_another_day_has_its_day() {
    let mut model = model();
    model.take(look(Vec::new(), Vec::new()));
    assert_eq!(model.time(), "14:14:20");
    assert_eq!(model.moment(at(-86_400)), "09-20 14:13");
}
