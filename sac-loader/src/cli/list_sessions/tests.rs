// SPDX-License-Identifier: MIT OR Apache-2.0
//! The table as people see it.

use super::*;

fn session(user: &str, from: &str) -> SessionInfo {
    SessionInfo {
        id: "3b0kq7e000".to_owned(),
        user: user.to_owned(),
        uid: 1000,
        groups: vec![user.to_owned(), "developers".to_owned()],
        policy: "developers".to_owned(),
        service: "sshd".to_owned(),
        from: from.to_owned(),
        tty: String::new(),
        since: "not a time".to_owned(),
        processes: 3,
        executed: 1200,
        blocked: 0,
        events_lost: 0,
        cgroup: String::new(),
        frozen: false,
    }
}

#[test]
fn columns_are_aligned_and_what_is_missing_is_a_dash() {
    let text = table(&[session("al", "192.0.2.7"), session("christopher", "")]).trim_fmt();
    let expected = "\
SESSION     USER         GROUPS                  POLICY      SERVICE  FROM       TTY  SINCE       PROCS  EXECUTED  BLOCKED
3b0kq7e000  al           al,developers           developers  sshd     192.0.2.7  -    not a time      3      1200        0
3b0kq7e000  christopher  christopher,developers  developers  sshd     -          -    not a time      3      1200        0";
    assert_eq!(text, expected, "\n{text}");
}

#[test]
fn without_sessions_there_is_still_a_header() {
    assert!(table(&[]).trim_fmt().starts_with("SESSION"));
}
