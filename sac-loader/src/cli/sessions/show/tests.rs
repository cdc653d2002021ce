// SPDX-License-Identifier: MIT OR Apache-2.0
//! A session as people see it.

use super::*;
use crate::control::{LimitsInfo, StrikesInfo};

fn process(pid: i32, parent_pid: i32, depth: usize, command: Option<&[&[u8]]>) -> ProcessInfo {
    let command = command.map(|arguments| arguments.iter().map(|bytes| Text::from_bytes(bytes)).collect());
    let [started, name] = ["not a time", "sshd-session"].map(str::to_owned);
    ProcessInfo { pid, parent_pid, depth, uid: 1000, started, name, command, command_cut: false }
}

fn details() -> SessionDetails {
    let [id, user, policy, service, from, tty] =
        ["3b0kq7e000", "alice", "developers", "sshd", "192.0.2.7", "pts/0"].map(str::to_owned);
    let session = SessionInfo {
        id,
        user,
        uid: 1000,
        groups: vec!["alice".to_owned(), "developers".to_owned()],
        policy: policy.clone(),
        service,
        from,
        tty,
        since: "not a time".to_owned(),
        processes: 2,
        executed: 12,
        blocked: 1,
        events_lost: 0,
        cgroup: "/sys/fs/cgroup/x".to_owned(),
        frozen: false,
    };
    let file = "/etc/sac/policies/developers.yaml".to_owned();
    let limits = LimitsInfo { session_length_s: Some(28_800), idle_s: Some(1800), ..LimitsInfo::default() };
    let strikes = StrikesInfo { count: 2, blocked: 5, within_s: 60, then: "freeze".to_owned() };
    let (name, holds) = (policy, Holds::Everywhere);
    SessionDetails {
        session,
        age_s: 3785,
        login_uid: Some(1000),
        audit_session: None,
        policies: vec![PolicyInfo { name, file, holds, limits, strikes: Some(strikes) }],
        grants: Vec::new(),
        tree: Vec::new(),
    }
}

#[test]
fn facts_are_a_line_each() {
    let expected = "\
Session   3b0kq7e000, open since not a time (1h 3m 5s)
User      alice (uid 1000), groups alice, developers
Login     by sshd from 192.0.2.7, on pts/0
Audit     login uid 1000, audit session none
Policy    developers (/etc/sac/policies/developers.yaml)
Limits    ends after 8h, ends when idle for 30m
Strikes   2 of 5 within 1m, then freeze
Grants    none
Frozen    no
Counted   12 executed, 1 blocked, 0 events lost
Cgroup    /sys/fs/cgroup/x
";
    assert_eq!(facts(&details()), expected, "\n{}", facts(&details()));
}

#[test]
fn several_grants_stand_below_each_other() {
    let [user, exec, until, reason, by] =
        ["alice", "/usr/bin/df", "soon", "disk is full", "bob"].map(str::to_owned);
    let one = GrantInfo { number: 7, user, uid: 1000, exec, for_s: 60, left_s: 60, until, reason, by };
    let two = GrantInfo { number: 8, ..one.clone() };
    let text = facts(&SessionDetails { grants: vec![one, two], ..details() });
    let expected = "
Grants    7: /usr/bin/df until soon, by bob: disk is full
          8: /usr/bin/df until soon, by bob: disk is full
";
    assert!(text.contains(expected), "{text}");
}

#[test]
fn processes_are_a_tree_whose_words_do_nothing_to_a_terminal() {
    let tree = [
        process(70, 1, 0, None),
        process(71, 70, 1, Some(&[b"-bash"])),
        process(
            123,
            71,
            2,
            Some(&[b"sh", b"-c", b"a 'b'", b"", b"\x1b]0;x\x07", b"\xff", "\u{202e}".as_bytes()]),
        ),
    ];
    let expected = r"PID  PPID   UID  STARTED     COMMAND
 70     1  1000  not a time  (sshd-session)
 71    70  1000  not a time    -bash
123    71  1000  not a time      sh -c 'a '\''b'\''' '' '\u{1b}]0;x\u{7}' '\xff' '\u{202e}'
";
    assert_eq!(processes(&tree), expected, "\n{}", processes(&tree));
}

#[test]
fn what_is_cut_says_so() {
    let cut = ProcessInfo { command_cut: true, ..process(1, 0, 0, Some(&[b"long"])) };
    assert_eq!(command(&cut), "long …");
}
