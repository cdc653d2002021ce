// SPDX-License-Identifier: MIT OR Apache-2.0

use super::message;
use crate::record::{Event, Record};
use crate::sink::samples::{sample, samples};

fn nth(number: u64) -> Record {
    samples().into_iter().find(|record| record.number == number).unwrap()
}

#[test]
fn each_event_reads_as_a_sentence() {
    let lines: Vec<String> = samples().iter().map(message).collect();
    let expected = [
        "alice logged in by sshd from 192.0.2.7, under policy contractors",
        "alice logged out after 61 s: 3 executed, 1 blocked, 0 lost",
        "The session of alice was taken over, under policy contractors",
        "alice became root by sudo",
        "The session of alice was killed by root: too much",
        "The session of alice was stopped by root: a look",
        "alice executed /usr/bin/wget: wget -q https://example.org/",
    ];
    assert_eq!(&lines[..expected.len()], expected);
    assert_eq!(lines[8], "alice may not execute /usr/bin/wget (contractors.yaml:12, killed)");
    assert_eq!(lines[9], "alice would not have been let execute /usr/bin/wget: wget (contractors.yaml:12)");
    assert_eq!(lines[13], "alice may not delete /etc/passwd, 3 times (contractors.yaml:12)");
    assert_eq!(lines[22], "alice may not administer load a kernel module, 3 times (contractors.yaml:12)");
    assert_eq!(lines[24], "The login of eve\\n by sshd from evil.example was refused: no policy");
    assert_eq!(lines[33], "12 events were lost by kernel");
    assert_eq!(lines[37], "bob applied new policies, to be confirmed within 60 s");
    assert_eq!(lines[38], "The new policies were taken back by sac: late");
}

/// A user chooses arguments: none of them may end a line, colour a terminal or turn text around.
#[test]
fn nothing_of_a_users_acts_upon_a_terminal() {
    let line = message(&nth(8));
    assert!(!line.chars().any(char::is_control), "{line}");
    assert!(!line.contains('\u{202e}'), "{line}");
    assert!(line.contains(r"line\nbreak") && line.contains(r"\xff\xfe"), "{line}");
}

/// Reasons and names are strings, and administrators' tools write them: they are escaped all the same.
#[test]
fn plain_strings_are_escaped_as_well() {
    let mut record = sample("tamper");
    record.entry.event = Event::Tamper { what: "a\nb\u{1b}".to_owned() };
    assert_eq!(message(&record), "Tampering: a\\nb\\u{1b}");
}

#[test]
fn root_in_a_users_session_shows() {
    let mut record = sample("executed");
    let Event::Executed(execution) = &mut record.entry.event else { panic!() };
    execution.process.euid = 0;
    assert!(message(&record).starts_with("alice (as root) executed"));
}
