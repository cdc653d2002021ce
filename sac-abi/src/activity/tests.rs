// SPDX-License-Identifier: MIT OR Apache-2.0
//! Records as the kernel half writes them.

use super::*;
use proptest::prelude::*;
use std::vec;
use std::vec::Vec;

fn put(bytes: &mut [u8], at: usize, what: &[u8]) {
    bytes[at..at + what.len()].copy_from_slice(what);
}

/// A record of this kind and length, in memory that nobody has cleared.
fn record(kind: Kind, len: usize) -> Vec<u8> {
    let mut bytes = vec![0xee; len];
    put(&mut bytes, offset_of!(Head, version), &ACTIVITY_VERSION.to_ne_bytes());
    bytes[offset_of!(Head, kind)] = kind as u8;
    put(&mut bytes, offset_of!(Head, boot_ns), &5_u64.to_ne_bytes());
    bytes
}

fn execution(room: &Room) -> Vec<u8> {
    let mut bytes = record(Kind::Executed, room.record_bytes());
    let texts = size_of::<Execution>();
    let mut text = |at: usize, len_at: usize, text: &[u8]| {
        put(&mut bytes, texts + at, text);
        put(&mut bytes, len_at, &u32::try_from(text.len()).unwrap().to_ne_bytes());
    };
    text(0, offset_of!(Execution, arguments_len), b"sh\0\0-c\0");
    text(room.path_at(), offset_of!(Execution, path_len), b"/usr/bin/dash\0");
    text(room.typed_at(), offset_of!(Execution, typed_len), b"./script\0");
    text(room.interpreter_at(), offset_of!(Execution, interpreter_len), b"/bin/sh\0");
    text(room.cwd_at(), offset_of!(Execution, cwd_len), b"/root\0");
    text(
        room.environment_at(),
        offset_of!(Execution, environment_len),
        if room.environment > 0 { b"A=1\0B=\0" } else { b"" },
    );
    put(&mut bytes, offset_of!(Execution, arguments_cut), &[0; 4]);
    put(&mut bytes, offset_of!(Execution, caller) + offset_of!(Caller, euid), &7_u32.to_ne_bytes());
    bytes
}

fn executed(bytes: &[u8]) -> Executed<'_> {
    match Activity::from_bytes(bytes) {
        Some(Activity::Executed(executed)) => executed,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_execution_is_read_in_both_lengths() {
    for room in [&Room::SMALL, &Room::LARGE] {
        let bytes = execution(room);
        let executed = executed(&bytes);
        assert_eq!(executed.execution.head.boot_ns, 5);
        assert_eq!(executed.execution.caller.euid, 7);
        let whole = |bytes| EventPath { bytes, cut: false };
        assert_eq!(executed.path(), whole(b"/usr/bin/dash"));
        assert_eq!(executed.typed(), whole(b"./script"));
        assert_eq!(executed.interpreter(), Some(whole(b"/bin/sh")));
        assert_eq!(executed.cwd(), whole(b"/root"));
        assert_eq!(executed.arguments().collect::<Vec<_>>(), [&b"sh"[..], b"", b"-c"]);
        assert!(!executed.arguments_are_cut());
        let environment: Vec<_> = executed.environment().collect();
        if room.environment > 0 {
            assert_eq!(environment, [b"A=1", &b"B="[..]]);
        } else {
            assert!(environment.is_empty());
        }
    }
}

#[test]
fn what_could_not_be_read_is_cut() {
    let mut bytes = execution(&Room::SMALL);
    put(&mut bytes, offset_of!(Execution, cwd_len), &(-36_i32).to_ne_bytes());
    put(&mut bytes, offset_of!(Execution, interpreter_len), &0_i32.to_ne_bytes());
    put(&mut bytes, offset_of!(Execution, arguments_len), &5_u32.to_ne_bytes());
    put(&mut bytes, offset_of!(Execution, arguments_cut), &1_u16.to_ne_bytes());
    let executed = executed(&bytes);
    assert_eq!(executed.cwd(), EventPath { bytes: b"", cut: true });
    assert_eq!(executed.interpreter(), None);
    // The last one lost its end.
    assert_eq!(executed.arguments().collect::<Vec<_>>(), [&b"sh"[..], b"", b"-"]);
    assert!(executed.arguments_are_cut());
}

#[test]
fn an_end_is_a_code_or_a_signal() {
    let end = |status: u32| {
        let mut bytes = record(Kind::Ended, size_of::<Ended>());
        put(&mut bytes, offset_of!(Ended, status), &status.to_ne_bytes());
        match Activity::from_bytes(&bytes) {
            Some(Activity::Ended(ended)) => (ended.code(), ended.signal()),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(end(0), (Some(0), None));
    assert_eq!(end(7 << 8), (Some(7), None));
    assert_eq!(end(255 << 8), (Some(255), None));
    assert_eq!(end(9), (None, Some(9)));
    // With a core dump.
    assert_eq!(end(11 | 0x80), (None, Some(11)));
}

#[test]
fn a_fork_is_read() {
    let mut bytes = record(Kind::Forked, size_of::<Forked>());
    put(&mut bytes, offset_of!(Forked, tgid), &9_u32.to_ne_bytes());
    put(&mut bytes, offset_of!(Forked, parent_tgid), &8_u32.to_ne_bytes());
    let Some(Activity::Forked(forked)) = Activity::from_bytes(&bytes) else { panic!("it is one") };
    assert_eq!((forked.tgid, forked.parent_tgid), (9, 8));
}

#[test]
fn another_version_kind_or_length_is_refused() {
    for (kind, len) in [
        (Kind::Executed, Room::SMALL.record_bytes()),
        (Kind::Executed, Room::LARGE.record_bytes()),
        (Kind::Ended, size_of::<Ended>()),
        (Kind::Forked, size_of::<Forked>()),
    ] {
        assert!(Activity::from_bytes(&record(kind, len)).is_some());
        assert!(Activity::from_bytes(&record(kind, len - 1)).is_none());
        assert!(Activity::from_bytes(&record(kind, len + 8)).is_none());
        let mut other = record(kind, len);
        other[offset_of!(Head, version)] ^= 1;
        assert!(Activity::from_bytes(&other).is_none());
        let mut other = record(kind, len);
        other[offset_of!(Head, kind)] = 0;
        assert!(Activity::from_bytes(&other).is_none());
    }
}

proptest! {
    #[test]
    fn no_record_breaks_the_reader(
        mut bytes in prop::collection::vec(any::<u8>(), Room::SMALL.record_bytes()),
        kind in 0_u8..5,
        len in 0_usize..Room::SMALL.record_bytes(),
    ) {
        put(&mut bytes, offset_of!(Head, version), &ACTIVITY_VERSION.to_ne_bytes());
        bytes[offset_of!(Head, kind)] = kind;
        if kind == Kind::Executed as u8 {
            let executed = executed(&bytes);
            for text in [executed.path(), executed.typed(), executed.cwd()] {
                prop_assert!(!text.bytes.contains(&0));
            }
            prop_assert!(executed.arguments().count() <= Room::SMALL.arguments);
            prop_assert_eq!(executed.environment().count(), 0);
        }
        let _any_of_them = Activity::from_bytes(&bytes[..len]);
    }
}
