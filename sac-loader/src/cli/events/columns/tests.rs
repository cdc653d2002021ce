// SPDX-License-Identifier: MIT OR Apache-2.0
//! Lines as people see them, on terminals of some widths and on none.

use super::*;
use serde_json::{Value, json};

/// A record at a second of an event as in the record's JSON.
fn record(second: u8, user: &str, event: Value) -> Record {
    let mut record = json!({
        "schema": 1, "number": 1, "previous": "", "host": "web1", "boot_id": "", "boot_ns": 0, "severity": "info",
        "time": format!("2026-11-24T09:35:{second:02}.25Z"),
        "session": {"id": "3b0kmxp000", "sequence": 1, "user": user, "uid": 1000, "service": "sshd"},
    });
    for (name, value) in event.as_object().unwrap() {
        record[name] = value.clone();
    }
    serde_json::from_value(record).unwrap()
}

fn execution(event: &str, action: &str, arguments: &[&str]) -> Value {
    json!({
        "event": event,
        "process": {"pid": 7, "parent_pid": 1, "uid": 1000, "euid": 1000, "comm": "bash"},
        "file": {"path": arguments[0], "inode": 1, "device": "8:1"},
        "typed": arguments[0], "arguments": arguments,
        "verdict": {"action": action, "rule": "contractors.yaml:9", "policy": "contractors"},
    })
}

fn records() -> Vec<Record> {
    let url = "https://example.org/releases/a-rather-long-name-of-an-archive.tar.gz";
    vec![
        record(1, "alice", json!({"event": "session-adopted", "policies": ["contractors"]})),
        record(2, "alice", execution("executed", "allow", &["/usr/bin/ls", "-l"])),
        record(3, "alice", execution("blocked", "kill", &["/usr/bin/wget", "-q", "--continue", url])),
        record(4, "christopher", execution("blocked", "audit", &["/usr/bin/id"])),
        record(5, "alice", json!({"event": "tamper", "what": "x", "session": null})),
    ]
}

fn lines(paint: Paint, width: Option<usize>, records: &[Record]) -> String {
    let mut columns = Columns::new(TimeZone::UTC, paint, width);
    records.iter().map(|record| columns.lines(record)).collect()
}

fn check(width: Option<usize>, expected: &str) {
    let text = lines(Paint::Plain, width, &records());
    assert_eq!(text, expected, "\n{text}");
    for line in text.lines().filter(|_line| width.is_some()) {
        assert!(line.width() <= width.unwrap(), "{line}");
    }
}

#[test]
fn at_120_columns_what_is_longer_goes_on_below() {
    check(
        Some(120),
        "\
2026-11-24 09:35:01.250  3b0kmxp000  alice   ADOPTED        under contractors
2026-11-24 09:35:02.250  3b0kmxp000  alice   EXECUTED       /usr/bin/ls -l
2026-11-24 09:35:03.250  3b0kmxp000  alice   BLOCKED        /usr/bin/wget -q --continue
                                                            https://example.org/releases/a-rather-long-name-of-an-archiv
                                                            e.tar.gz (contractors.yaml:9, killed)
2026-11-24 09:35:04.250  3b0kmxp000  christopher  WOULD BLOCK    /usr/bin/id (contractors.yaml:9)
2026-11-24 09:35:05.250  -           -            TAMPER         x
",
    );
}

#[test]
fn at_80_columns_the_date_has_a_line_of_its_own() {
    check(
        Some(80),
        "\
── 2026-11-24 ──
09:35:01.250  3b0kmxp000  alice   ADOPTED        under contractors
09:35:02.250  3b0kmxp000  alice   EXECUTED       /usr/bin/ls -l
09:35:03.250  3b0kmxp000  alice   BLOCKED        /usr/bin/wget -q --continue
                                                 https://example.org/releases/a-
                                                 rather-long-name-of-an-archive.
                                                 tar.gz (contractors.yaml:9,
                                                 killed)
09:35:04.250  3b0kmxp000  christopher  WOULD BLOCK    /usr/bin/id
                                                      (contractors.yaml:9)
09:35:05.250  -           -            TAMPER         x
",
    );
}

#[test]
fn where_there_is_no_terminal_a_record_is_a_line() {
    let text = lines(Paint::Plain, None, &records());
    assert_eq!(text.lines().count(), records().len());
    assert!(text.contains("archive.tar.gz (contractors.yaml:9, killed)\n"), "{text}");
}

#[test]
fn a_terminal_of_any_width_gets_all_of_it() {
    let whole: String = lines(Paint::Plain, None, &records()).split_whitespace().skip(1).collect();
    for width in 1..60 {
        let text = lines(Paint::Plain, Some(width), &records());
        let text: String = text.split_whitespace().collect();
        assert!(text.contains("archive.tar.gz(contractors.yaml:9,killed)"), "{width}: {text}");
        assert!(whole.contains("archive.tar.gz(contractors.yaml:9,killed)"));
    }
}

#[test]
fn colour_is_all_that_colour_changes() {
    let coloured = lines(Paint::Colour, Some(120), &records());
    let mut plain = coloured.clone();
    for colour in ["1;31", "1;35", "33", "2", "0"] {
        assert!(plain.contains(&format!("\x1b[{colour}m")), "{colour}");
        plain = plain.replace(&format!("\x1b[{colour}m"), "");
    }
    assert_eq!(plain, lines(Paint::Plain, Some(120), &records()));
    assert!(coloured.contains("\x1b[1;31mBLOCKED\x1b[0m"), "{coloured}");
}

#[test]
fn what_users_chose_does_not_reach_the_terminal() {
    let hostile = record(
        1,
        "al\u{1b}[2Jice",
        execution("executed", "allow", &["/tmp/\u{202e}", "\u{9b}31m", "a\r\nb"]),
    );
    for width in [None, Some(120)] {
        let text = lines(Paint::Plain, width, std::slice::from_ref(&hostile));
        let is_bad = |c: char| c.is_control() && c != '\n' || c == '\u{202e}';
        assert!(!text.contains(is_bad), "{text:?}");
        assert!(text.contains(r"al\u{1b}[2Jice") && text.contains(r"a\r\nb"), "{text}");
    }
}

#[test]
fn letters_that_are_wide_or_have_no_width_stand_in_columns() {
    assert_eq!(wrap("漢字漢字", 4), ["漢字", "漢字"]);
    assert_eq!(wrap("a\u{301}b\u{301}c", 2), ["a\u{301}b\u{301}", "c"]);
    assert_eq!(wrap("", 4), [""]);
    assert_eq!(wrap("one two three", 8), ["one two", "three"]);
}
