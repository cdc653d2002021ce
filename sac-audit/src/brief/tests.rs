// SPDX-License-Identifier: MIT OR Apache-2.0
//! Each event in a few words, and what users chose in them.

use super::*;
use crate::record::SCHEMA;
use crate::record::{Entry, Severity};
use crate::samples::{blocked, entry, execution, samples};

fn record(entry: Entry) -> Record {
    Record {
        schema: SCHEMA,
        number: 1,
        previous: String::new(),
        host: String::new(),
        boot_id: String::new(),
        entry,
    }
}

fn of(event: Event) -> String {
    brief(&record(entry(0, Some("7f3a"), Severity::Info, event)))
}

#[test]
fn each_event_has_its_words() {
    let lines: Vec<_> = samples()
        .into_iter()
        .map(|entry| format!("{} {}", what(&entry.event), brief(&record(entry))))
        .collect();
    let expected = [
        "SAC STARTED SAC 0.1.0 started and found 1 sessions",
        "POLICY LOADED contractors, night",
        "OPENED by sshd from 192.0.2.7 on ssh, under contractors",
        "ADOPTED under contractors",
        "FORKED sshd [4700] forked 4711",
        "EXECUTED /usr/bin/ls -l /srv/www",
        "BLOCKED /usr/bin/wget https://example.org/ (contractors.yaml:9)",
        "BLOCKED delete /srv/www/index.html, 3 times (contractors.yaml:20)",
        "BECAME root (uid 0) by sudo",
        "FROZEN by root: incident 4711",
        "ENDED 4711 with 0 after 2ms",
        "POLICY CHANGED from contractors to night",
        "LOST 12 by kernel",
        "CLOSED after 1m 1s 402ms: 1 executed, 4 blocked, 0 lost",
        "POLICY REFUSED night.yaml:4: `hour` is not a key",
        "REFUSED The login of bob by sshd from 198.51.100.9 was refused: policy contractors allows 2 sessions, and 2 are open",
        "GRANTED root granted alice /usr/bin/tcpdump for 1800 s (grant 3): incident 4711",
        "GRANT ENDED The grant of /usr/bin/tcpdump to alice was taken back (grant 3)",
        "TAMPER a policy file was changed by uid 1001",
        "UNLABELLED carol is logged in past SAC (process 5120), reported",
        "REPAIRED The last line of record-000000081921.jsonl had no end, and is in record-000000090011.torn now",
        "REMOVED Records 1 to 81920 are removed, because there are as many as are kept",
        "CHECKPOINT The record is whole up to here",
        "SAC STOPPED SAC was told to stop",
        "ROLLED BACK The new policies were taken back by sac: nobody confirmed them in time",
    ];
    assert_eq!(lines, expected, "\n{lines:#?}");
}

#[test]
fn what_would_be_blocked_and_what_killed_say_so() {
    let with = |action: &str| {
        let mut execution = blocked(2, 1, &["wget"]);
        execution.verdict.action = action.into();
        Event::Blocked(execution)
    };
    assert_eq!((what(&with("audit")), tone(&with("audit"))), ("WOULD BLOCK", Tone::WouldBlock));
    assert_eq!((what(&with("kill")), tone(&with("kill"))), ("BLOCKED", Tone::Blocked));
    assert_eq!(of(with("kill")), "/usr/bin/wget (contractors.yaml:9, killed)");
}

#[test]
fn another_name_shows_and_another_directory_does_not() {
    let typed =
        |typed: &str| of(Event::Executed(Execution { typed: typed.into(), ..execution(2, 1, &["df"]) }));
    assert_eq!(typed("./hello"), "/usr/bin/df, typed as ./hello");
    assert_eq!(typed("/bin/df"), "/usr/bin/df");
}

#[test]
fn what_users_chose_is_escaped() {
    let mut hostile = execution(2, 1, &["x", "\u{1b}[2J", "a\nb", "\u{202e}"]);
    hostile.arguments.push(Text::from_bytes(b"\xff"));
    hostile.file.path = "/tmp/\u{7}".into();
    hostile.typed = "/tmp/\u{7}".into();
    assert_eq!(of(Event::Executed(hostile)), r"/tmp/\u{7} '\u{1b}[2J' 'a\nb' '\u{202e}' '\xff'");
    let reason = "\u{9b}2J".to_owned();
    let controlled = Event::SessionControlled { action: Control::Killed, by: "root".into(), reason };
    assert_eq!(of(controlled), r"by root: \u{9b}2J");
}
