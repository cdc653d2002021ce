// SPDX-License-Identifier: MIT OR Apache-2.0
//! A report of a record of any length has an end, and says what is not in it.

use super::*;
use crate::report::{ROWS_MAX, SESSIONS_MAX};

fn executed(id: &str) -> Entry {
    entry(0, Some(id), Severity::Info, Event::Executed(execution(2, 1, &["true"])))
}

#[test]
fn who_does_much_that_is_allowed_does_not_hide_what_was_blocked() {
    let mut entries = vec![executed("a"); ROWS_MAX + 5];
    let ended = Event::Ended { pid: 2, code: Some(0), signal: None, run_time_ns: 1 };
    entries.push(entry(1, Some("a"), Severity::Info, ended));
    entries.push(entry(2, Some("a"), Severity::Medium, Event::Blocked(blocked(3, 2, &["wget"]))));
    let collected = collect(Filter::default(), entries);
    assert_eq!((collected.left_out, collected.sums.executed), (5, ROWS_MAX as u64 + 5));
    let page = render(&about(), &collected);
    let text = &elements(&page)[0].text;
    for part in [
        "This report is not complete: 5 records had no room",
        "/usr/bin/wget",
        "exit 0 after",
        "20\u{202f}005",
    ] {
        assert!(text.contains(part), "no {part}");
    }
}

#[test]
fn sessions_that_have_no_room_are_counted() {
    let entries = (0..SESSIONS_MAX + 3).map(|number| executed(&number.to_string())).collect();
    let page = render(&about(), &collect(Filter::default(), entries));
    let text = &elements(&page)[0].text;
    assert!(text.contains("3 sessions of these are not shown"));
    assert!(text.contains("1\u{202f}003 sessions from 192.0.2.7"));
    assert!(text.contains("960 sessions more are in the tables only"), "{}", &text[..4000]);
}

#[test]
fn numbers_are_grouped() {
    for (number, expected) in
        [(0, "0"), (999, "999"), (1000, "1\u{202f}000"), (1_234_567, "1\u{202f}234\u{202f}567")]
    {
        assert_eq!(grouped(number), expected);
    }
}
