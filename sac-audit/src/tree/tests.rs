// SPDX-License-Identifier: MIT OR Apache-2.0
//! Trees as they are shown, from records as they come.

use super::*;
use crate::record::{Event, Record, SCHEMA, Severity, Totals};
use crate::samples::{blocked, entry, execution, samples};
use jiff::tz::TimeZone;

fn record(second: u64, event: Event) -> Record {
    Record {
        schema: SCHEMA,
        number: second,
        previous: String::new(),
        host: String::new(),
        boot_id: String::new(),
        entry: entry(second, Some("7f3a"), Severity::Info, event),
    }
}

fn opened(second: u64, pid: u32) -> Record {
    let event = Event::SessionOpened {
        policies: vec![],
        tty: String::new(),
        groups: vec![],
        cgroup: String::new(),
        pid,
    };
    record(second, event)
}

fn closed(second: u64) -> Record {
    record(second, Event::SessionClosed { totals: Totals::default(), duration_ms: 1 })
}

fn forked(second: u64, parent_pid: u32, pid: u32) -> Record {
    record(second, Event::Forked { pid, parent_pid, comm: "bash".into() })
}

fn executed(second: u64, parent_pid: u32, pid: u32, arguments: &[&str]) -> Record {
    record(second, Event::Executed(execution(pid, parent_pid, arguments)))
}

fn ended(second: u64, pid: u32) -> Record {
    record(second, Event::Ended { pid, code: Some(0), signal: None, run_time_ns: 1_500_000_000 })
}

/// The tree without times and runs of blanks.
fn check(records: Vec<Record>, expected: &[&str]) {
    let rendered = Tree::of(records.clone()).render(&TimeZone::UTC);
    let lines: Vec<_> = rendered.lines().map(|line| line[20..].trim_start()).collect();
    assert_eq!(lines, expected, "\n{rendered}");
    let backwards = Tree::of(records.into_iter().rev()).render(&TimeZone::UTC);
    assert_eq!(backwards, rendered, "the order of records matters");
}

#[test]
fn a_session_is_shown_with_what_was_blocked_and_how_all_ended() {
    let records = vec![
        opened(0, 100),
        forked(1, 100, 101),
        executed(2, 100, 101, &["bash", "-l"]),
        forked(3, 101, 102),
        executed(4, 101, 102, &["ls", "-l", "a b"]),
        ended(5, 102),
        forked(6, 101, 103),
        record(7, Event::Blocked(blocked(103, 101, &["wget", "https://example.org/"]))),
        record(8, Event::Ended { pid: 103, code: Some(126), signal: None, run_time_ns: 2_000_000 }),
        executed(9, 100, 101, &["python3"]),
        record(10, Event::Ended { pid: 101, code: None, signal: Some(9), run_time_ns: 61_000_000_000 }),
    ];
    let tree = Tree::of(records.clone());
    assert_eq!(tree.processes.len(), 4);
    assert_eq!(tree.processes[1].acts.len(), 2);
    check(
        records,
        &[
            "100  (sshd)  [running]",
            "101  └─ /usr/bin/bash -l  [ended by signal 9 after 1m 1s]",
            "102     ├─ /usr/bin/ls -l 'a b'  [exit 0 after 1s 500ms]",
            "103     ├─ (bash)  [exit 126 after 2ms]",
            "103     │  └─ ✗ BLOCKED /usr/bin/wget https://example.org/  [contractors.yaml:9]",
            "101     └─ → /usr/bin/python3",
        ],
    );
}

#[test]
fn lines_begin_with_the_time_in_a_time_zone() {
    let tree = Tree::of(vec![opened(0, 100)]);
    assert_eq!(tree.render(&TimeZone::UTC), "2026-09-21 14:13:20     100  (sshd)  [running]\n");
    let zone = TimeZone::fixed(jiff::tz::offset(2));
    assert!(tree.render(&zone).starts_with("2026-09-21 16:13:20"));
}

#[test]
fn a_process_id_that_is_given_again_is_another_process() {
    let records = vec![
        forked(1, 10, 11),
        executed(2, 10, 11, &["ls"]),
        ended(3, 11),
        forked(4, 10, 11),
        executed(5, 10, 11, &["df"]),
        ended(6, 11),
        // Its fork was lost.
        executed(7, 10, 11, &["id"]),
    ];
    check(
        records,
        &[
            "10  (bash)  [running]",
            "11  ├─ /usr/bin/ls  [exit 0 after 1s 500ms]",
            "11  ├─ /usr/bin/df  [exit 0 after 1s 500ms]",
            "11  └─ /usr/bin/id  [running]",
        ],
    );
}

#[test]
fn a_fork_that_never_executes_and_one_of_a_fork_are_there() {
    let records =
        vec![executed(1, 1, 10, &["bash"]), forked(2, 10, 11), forked(3, 11, 12), ended(4, 12), closed(5)];
    check(
        records,
        &[
            "10  /usr/bin/bash  [its end is not in the record]",
            "11  └─ (bash)  [its end is not in the record]",
            "12     └─ (bash)  [exit 0 after 1s 500ms]",
        ],
    );
}

#[test]
fn an_orphan_stays_where_it_was_forked_and_says_whose_it_is_now() {
    let records = vec![
        executed(1, 1, 10, &["bash"]),
        forked(2, 10, 11),
        forked(3, 11, 12),
        ended(4, 11),
        executed(5, 1, 12, &["sleep", "99"]),
    ];
    check(
        records,
        &[
            "10  /usr/bin/bash  [running]",
            "11  └─ (bash)  [exit 0 after 1s 500ms]",
            "12     └─ /usr/bin/sleep 99  [running, now below 1]",
        ],
    );
}

#[test]
fn what_users_chose_does_not_reach_the_terminal_and_no_argument_hides() {
    let records = vec![executed(1, 1, 10, &["printf", "\u{1b}[2J\n", "", "it's", "\u{202e}x"])];
    check(records, &[r"10  /usr/bin/printf \u{1b}[2J\n '' 'it'\''s' \u{202e}x  [running]"]);
}

#[test]
fn operations_and_what_would_be_blocked_are_marked() {
    let operation = samples().into_iter().find_map(|entry| match entry.event {
        Event::Operation(operation) => Some(operation),
        _ => None,
    });
    let mut audited = blocked(10, 1, &["wget"]);
    audited.verdict.action = "audit".into();
    let records = vec![
        record(1, Event::Blocked(audited)),
        record(
            2,
            Event::Operation(crate::record::Operation {
                process: crate::samples::process(10, 1),
                ..operation.unwrap()
            }),
        ),
    ];
    check(
        records,
        &[
            "10  (bash)  [running]",
            "10  ├─ ✗ would be blocked /usr/bin/wget  [contractors.yaml:9]",
            "10  └─ ✗ BLOCKED delete /srv/www/index.html (3 times)  [contractors.yaml:20]",
        ],
    );
}

#[test]
fn who_forks_without_end_makes_neither_long_lines_nor_a_deep_stack() {
    let count = 20_000;
    let records = (1..=count).map(|pid| forked(u64::from(pid), pid, pid + 1));
    let tree = Tree::of(records);
    let rows = tree.rows();
    assert_eq!(rows.len(), count as usize + 1);
    assert!(rows.iter().all(|row| row.branch.chars().count() < 200));
}

#[test]
fn what_does_not_fit_is_counted() {
    let records = (0..STEPS_MAX as u64 + 3).map(|second| ended(second, 1));
    let tree = Tree::of(records);
    assert_eq!(tree.left_out, 3);
    assert!(tree.render(&TimeZone::UTC).ends_with("and 3 more records, which do not fit here\n"));
}

#[test]
fn as_json_each_process_has_the_place_of_its_parent_and_what_users_chose_as_it_is() {
    let records = vec![
        executed(1, 1, 10, &["sh", "\u{1b}"]),
        forked(2, 10, 11),
        record(3, Event::Blocked(blocked(11, 10, &["wget"]))),
        ended(4, 11),
    ];
    let json = serde_json::to_value(Tree::of(records)).unwrap();
    let [first, second] = json["processes"].as_array().unwrap().as_slice() else { panic!("{json}") };
    assert_eq!(first["acts"][0]["what"]["executed"]["arguments"][1], "\u{1b}");
    assert_eq!(
        (&second["parent"], &second["pid"], &second["end"]["code"]),
        (&0.into(), &11.into(), &0.into())
    );
    let blocked = &second["acts"][0]["what"]["blocked"];
    assert_eq!(blocked["path"], "/usr/bin/wget");
    assert_eq!(blocked["verdict"]["rule"], "contractors.yaml:9");
}
