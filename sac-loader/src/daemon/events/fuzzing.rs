// SPDX-License-Identifier: MIT OR Apache-2.0
//! Any bytes as records of the kernel half's ring buffers: what becomes of them in the record, the log and the user's notice.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a fuzz target fails by panicking")]

use super::{Line, Subject};
use crate::{
    bpf::Reported,
    daemon::audit,
    notice::{self, Attempt, Mounts},
};
use sac_abi::{
    Action, SessionId,
    activity::{ACTIVITY_VERSION, Ended, Forked, Kind, Room},
    event::{EVENT_VERSION, Event},
};
use sac_audit::{
    chain::LINE_BYTES_MAX,
    record::{Entry, Record, SCHEMA},
};
use sac_policy::policy::Gravity;
use std::path::PathBuf;

/// Bytes of a record's line for each byte that the kernel half told: the most is one that JSON escapes as `\u0000`.
const LINE_BYTES_EACH: usize = 6;

/// Bytes of a record's line beside that: names of fields, numbers, and mount points of this machine.
const LINE_BYTES_MORE: usize = 16 << 10;

/// Longest notice or line of the log: two paths of 512 bytes, each of which is escaped, and some words.
const SHOWN_BYTES_MAX: usize = 2 * 512 * 6 + 512;

/// Reads `input` as a record. Its first byte says of which kind; for most of them the length and the version are made right, because
/// nothing is read of what has others, and what is missing is filled up with what is there, as old records lie behind new ones.
pub fn events(input: &[u8]) {
    let Some((kind, told)) = input.split_first() else { return };
    let event = |record: &[u8]| Reported::of_event(record);
    let activity = |record: &[u8]| Reported::of_activity(record);
    let of_kind = |kind: Kind, bytes: usize| {
        activity(&made(told, bytes, &[&ACTIVITY_VERSION.to_ne_bytes()[..], &[kind as u8]].concat()))
    };
    let reported = match kind % 8 {
        0 | 1 => event(&made(told, size_of::<Event>(), &EVENT_VERSION.to_ne_bytes())),
        2 => of_kind(Kind::Executed, Room::SMALL.record_bytes()),
        3 => of_kind(Kind::Executed, Room::LARGE.record_bytes()),
        4 => of_kind(Kind::Ended, size_of::<Ended>()),
        5 => of_kind(Kind::Forked, size_of::<Forked>()),
        6 => event(told),
        _ => activity(told),
    };
    let subject = (kind & 0x80 == 0).then(alice);
    let subject = subject.as_ref();
    let _time = reported.boot_ns();
    match &reported {
        Reported::Blocked(event) => {
            show(event, subject);
            write(size_of::<Event>(), audit::blocked(event, subject, &mut Mounts::default()));
        }
        Reported::Executed(executed) => write(Room::LARGE.record_bytes(), audit::executed(executed, subject)),
        Reported::Ended(ended) => write(size_of::<Ended>(), audit::ended(ended, subject)),
        Reported::Forked(forked) => write(size_of::<Forked>(), audit::forked(forked, subject)),
        Reported::Unknown => assert!(kind % 8 >= 6, "a record of the right length and version is not read"),
    }
}

/// A record that begins with `head`, goes on with `told`, again and again, and is so long.
fn made(told: &[u8], bytes: usize, head: &[u8]) -> Vec<u8> {
    let filling: &[u8] = if told.is_empty() { &[0] } else { told };
    let mut record: Vec<u8> = filling.iter().copied().cycle().take(bytes).collect();
    record.splice(..head.len(), head.iter().copied());
    record
}

/// Whoever looks at a notice or the log sees what happened, on one line, and nothing else happens to their terminal.
fn show(event: &Event, subject: Option<&Subject>) {
    let mut mounts = Mounts::default();
    let attempt = Attempt::of(event, &mut mounts);
    let line = Line::new(event, Action::from_byte(event.action), subject, &mut mounts);
    for shown in [notice::blocked(event, &attempt), line.text(event), line.text_of_more(3)] {
        assert!(shown.chars().all(|letter| letter == '\\' || notice::is_harmless(letter)), "{shown:?}");
        assert!(shown.len() <= SHOWN_BYTES_MAX, "{} bytes", shown.len());
    }
}

/// What is written of it is one line of bounded length, of which the same can be read.
fn write(told_bytes: usize, entry: Entry) {
    let [previous, host, boot_id] = ["0".repeat(64), "web1".to_owned(), "b".to_owned()];
    let record = Record { schema: SCHEMA, number: 1, previous, host, boot_id, entry };
    let line = serde_json::to_string(&record).unwrap();
    assert!(!line.contains('\n'));
    assert!(
        line.len() <= (LINE_BYTES_EACH * told_bytes + LINE_BYTES_MORE).min(LINE_BYTES_MAX),
        "{}",
        line.len()
    );
    assert_eq!(serde_json::from_str::<Record>(&line).unwrap(), record);
}

fn alice() -> Subject {
    let record = sac_audit::record::Session {
        id: "7".to_owned(),
        sequence: 1,
        user: "alice".to_owned(),
        uid: 1000,
        service: "sshd".to_owned(),
        from: "192.0.2.7".to_owned(),
        login_uid: Some(1000),
        audit_session: None,
    };
    Subject {
        user: "alice".to_owned(),
        uid: 1000,
        session: SessionId::from_number(7),
        directory: PathBuf::new(),
        rule: "/p.yaml:6".to_owned(),
        policy: Some("developers".to_owned()),
        environment: vec!["LANG".to_owned(), "PATH".to_owned()],
        record,
        messages: Vec::new(),
        severity: Gravity::High,
        strikes: None,
    }
}
