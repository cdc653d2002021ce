// SPDX-License-Identifier: MIT OR Apache-2.0
//! `sac-loader report`. What is in a page, sac-audit's tests say.

use super::*;
use std::os::unix::fs::PermissionsExt as _;

#[test]
fn a_report_is_one_file_for_its_owner() {
    let mut fixture = Fixture::usual();
    fixture.checkpoint();
    let path = fixture.settings.directory.join("../report.html");
    let name = path.to_str().unwrap();
    let ran = fixture.run(&["report", "--session", "s1", "-o", name]);
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (Some(0), "", ""));
    let page = fs::read_to_string(&path).unwrap();
    for part in [
        "<h1>Session s1 of alice</h1>",
        "BLOCKED",
        "contractors.yaml<span class=\"whole\">:9</span>",
        "The record is sound",
        "&lt;script&gt;",
    ] {
        holds(&page, part);
    }
    assert!(!page.contains("<script") && !page.contains("\u{1b}") && !page.contains("session-1"));
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    // Again, and of more.
    assert_eq!(fixture.run(&["report", "--user", "alice", "-o", name]).code, Some(0));
    let page = fs::read_to_string(&path).unwrap();
    holds(&page, "<h1>Sessions of alice</h1>");
    assert!(page.contains("session-1") && page.contains("In force since"));
}

#[test]
fn policies_that_were_in_force_before_are_in_it() {
    let fixture = Fixture::usual();
    let since = now(20).time.to_string();
    let ran = fixture.run(&["report", "--since", &since, "-o", "-"]);
    assert_eq!(ran.code, Some(0));
    assert!(ran.out.starts_with(sac_audit::report::BEGINNING));
    holds(&ran.out, "<h1>Sessions on web1</h1>");
    holds(&ran.out, &"ab".repeat(32));
    assert!(!ran.out.contains(">s1<"));
}

#[test]
fn a_record_that_is_not_sound_is_said_twice() {
    let fixture = Fixture::usual();
    let first = fixture.files().remove(0);
    fs::write(&first, fs::read_to_string(&first).unwrap().replacen("web1", "web2", 1)).unwrap();
    let ran = fixture.run(&["report", "--session", "s2", "-o", "-"]);
    assert_eq!(ran.code, Some(0));
    holds(&ran.out, "The record is not sound");
    holds(&ran.err, "the record is not sound; the report says what is wrong");
}

#[test]
fn what_cannot_be_made_is_said() {
    let fixture = Fixture::usual();
    let other = fixture.settings.directory.join("../other");
    fs::write(&other, "mine").unwrap();
    let other_name = other.to_str().unwrap();
    let ran = fixture.run(&["report", "--session", "s1", "-o", other_name]);
    assert_eq!(ran.code, Some(1));
    holds(&ran.err, "is there already and is not a report");
    assert_eq!(fs::read_to_string(&other).unwrap(), "mine");
    assert_eq!(fixture.run(&["report", "--session", "s1", "-o", other_name, "--force"]).code, Some(0));
    let nothing = fixture.run(&["report", "--session", "s3", "-o", "-"]);
    assert_eq!((nothing.code, nothing.out.as_str()), (Some(1), ""));
    holds(&nothing.err, "so there is nothing to report");
    // Of everything that there is, by mistake, would be a long one.
    assert_eq!(fixture.run(&["report", "-o", "-"]).code, Some(2));
}
