// SPDX-License-Identifier: MIT OR Apache-2.0
//! What `doctor` prints.

use super::*;
use std::collections::BTreeMap;

fn check(name: &str, status: Status, found: &str, help: Option<&str>) -> Check {
    Check {
        check: name.to_owned(),
        status,
        found: found.to_owned(),
        help: help.map(str::to_owned),
        verified_instructions: BTreeMap::new(),
    }
}

/// The text, and whether anything failed.
fn rendered(paint: Paint, checks: &[Check]) -> (String, bool) {
    let mut out = Vec::new();
    let mut report = Report::new(&mut out, paint);
    for check in checks {
        report.check(check).unwrap();
    }
    let has_failed = report.finish().unwrap();
    (String::from_utf8(out).unwrap(), has_failed)
}

#[test]
fn names_and_findings_stand_in_columns() {
    let checks = [
        check("kernel", Status::Ok, "6.1.0", None),
        check("PAM systemd-user", Status::Advice, "no line", Some("enable it")),
        check("bpffs", Status::Fail, "not mounted", Some("mount it\nand look again")),
        check("daemon", Status::Ok, "answers", None),
    ];
    let expected = "\
✓ kernel            6.1.0
! PAM systemd-user  no line
                    enable it
✗ bpffs             not mounted
                    mount it
                    and look again
✓ daemon            answers
Confinement cannot be relied on: 1 check failed, with 1 piece of advice
";
    assert_eq!(rendered(Paint::Plain, &checks), (expected.to_owned(), true));
}

#[test]
fn neighbours_share_their_help() {
    let checks = [
        check("a", Status::Advice, "x", Some("same")),
        check("b", Status::Advice, "y", Some("same")),
        check("c", Status::Advice, "z", Some("other")),
    ];
    let expected = "\
! a                 x
! b                 y
                    same
! c                 z
                    other
Confinement can work here, with 3 pieces of advice
";
    assert_eq!(rendered(Paint::Plain, &checks), (expected.to_owned(), false));
}

#[test]
fn colour_is_only_in_the_mark() {
    let (text, _) = rendered(Paint::Colour, &[check("a", Status::Ok, "x", None)]);
    assert!(text.starts_with("\x1b[32m✓\x1b[0m a  "), "{text:?}");
    assert_eq!(text.matches('\x1b').count(), 2);
}

#[test]
fn json_says_the_same() {
    let check = check("bpffs", Status::Fail, "not mounted", Some("mount it"));
    assert_eq!(
        serde_json::to_string(&check).unwrap(),
        r#"{"check":"bpffs","status":"fail","found":"not mounted","help":"mount it"}"#
    );
}
