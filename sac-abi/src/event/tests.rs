// SPDX-License-Identifier: MIT OR Apache-2.0
//! Records as the kernel half writes them.

use super::*;
use proptest::prelude::*;
use std::string::ToString as _;
use std::vec;
use std::vec::Vec;

fn record(executed: &[u8], len: i32) -> std::vec::Vec<u8> {
    let mut bytes = vec![0xee; size_of::<Event>()];
    bytes[..2].copy_from_slice(&EVENT_VERSION.to_ne_bytes());
    let at = core::mem::offset_of!(Event, executed_len);
    bytes[at..at + 4].copy_from_slice(&len.to_ne_bytes());
    let at = core::mem::offset_of!(Event, executed);
    bytes[at..at + executed.len()].copy_from_slice(executed);
    bytes[core::mem::offset_of!(Event, form)] = Form::Path as u8;
    bytes
}

#[test]
fn a_string_ends_at_its_nul() {
    let event = Event::from_bytes(&record(b"./hello\0", 8)).unwrap();
    assert_eq!(event.executed(), EventPath { bytes: b"./hello", cut: false });
}

#[test]
fn a_cut_string_says_so() {
    let mut long = [b'a'; EVENT_PATH_BYTES];
    long[EVENT_PATH_BYTES - 1] = 0;
    let event = Event::from_bytes(&record(&long, 1024)).unwrap();
    assert_eq!(event.executed(), EventPath { bytes: &long[..EVENT_PATH_BYTES - 1], cut: true });
}

#[test]
fn an_unreadable_string_is_empty_and_cut() {
    for len in [-14, 0] {
        let event = Event::from_bytes(&record(b"left over", len)).unwrap();
        assert_eq!(event.executed(), EventPath { bytes: b"", cut: true });
    }
}

/// A record with these bytes as its last string.
fn about(form: Form, resolved: &[u8], len: i32) -> Event {
    let mut event = Event::from_bytes(&record(b"\0", 0)).unwrap();
    event.form = form as u8;
    event.resolved_len = len;
    event.resolved[..resolved.len()].copy_from_slice(resolved);
    event
}

#[test]
fn names_go_up() {
    let event = about(Form::Names, b"a\0dir\0srv\0left over", 10);
    assert_eq!(event.names().collect::<Vec<_>>(), [&b"a"[..], b"dir", b"srv"]);
    assert!(!event.names_are_cut());
    assert_eq!(event.resolved(), EventPath { bytes: b"", cut: true });
    assert_eq!(about(Form::Path, b"a\0", 2).names().count(), 0);
    assert_eq!(about(Form::Names, b"a\0unfinished", 5).names().count(), 1);
}

#[test]
fn an_address_is_shown_as_its_own_kind() {
    let mapped = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 7];
    let bytes = [&mapped[..], &443_u16.to_ne_bytes()].concat();
    let event = about(Form::Address, &bytes, 18);
    assert_eq!(event.address().unwrap().to_string(), "192.0.2.7:443");
    assert_eq!(about(Form::Names, &bytes, 18).address(), None);
}

#[test]
fn an_act_is_one_of_administering_only() {
    let mut event = about(Form::Act, b"", 0);
    event.mapped = Act::Trace as u8;
    assert_eq!(event.act(), None);
    event.operation = Operation::Administer as u16;
    assert_eq!(event.act(), Some(Act::Trace));
    event.mapped = 0;
    assert_eq!(event.act(), None);
}

#[test]
fn the_working_directory_has_two_forms() {
    let mut event = Event::from_bytes(&record(b"\0", 0)).unwrap();
    event.cwd[..6].copy_from_slice(b"b\0dir\0");
    event.cwd_len = 6;
    event.cwd_form = Form::Names as u8;
    assert_eq!(event.cwd_names().collect::<Vec<_>>(), [&b"b"[..], b"dir"]);
    assert_eq!(event.cwd(), EventPath { bytes: b"", cut: true });
    event.cwd[..6].copy_from_slice(b"/root\0");
    event.cwd_form = Form::Path as u8;
    assert_eq!(event.cwd(), EventPath { bytes: b"/root", cut: false });
    assert_eq!(event.cwd_names().count(), 0);
}

#[test]
fn arguments_end_where_they_were_read_to() {
    let mut event = Event::from_bytes(&record(b"\0", 0)).unwrap();
    let mut arguments = |text: &[u8], len| {
        event.arguments[..text.len()].copy_from_slice(text);
        event.arguments_len = len;
        event.arguments().map(<[u8]>::to_vec).collect::<Vec<_>>()
    };
    assert_eq!(arguments(b"df\0\0-h\0left over", 7), [&b"df"[..], b"", b"-h"]);
    assert_eq!(arguments(b"df\0cut off", 6), [&b"df"[..], b"cut"]);
    assert!(arguments(b"", 0).is_empty());
    assert_eq!(arguments(&[b'a'; EVENT_ARGUMENT_BYTES], u32::MAX), [[b'a'; EVENT_ARGUMENT_BYTES]]);
}

#[test]
fn nobodys_login_is_none() {
    let mut caller = Caller { login_uid: u32::MAX, audit_session: u32::MAX, ..Caller::default() };
    assert_eq!((caller.login_uid(), caller.audit_session()), (None, None));
    (caller.login_uid, caller.audit_session) = (0, 7);
    assert_eq!((caller.login_uid(), caller.audit_session()), (Some(0), Some(7)));
}

#[test]
fn another_version_or_length_is_refused() {
    let mut bytes = record(b"x\0", 2);
    assert!(Event::from_bytes(&bytes[1..]).is_none());
    bytes[0] ^= 1;
    assert!(Event::from_bytes(&bytes).is_none());
}

proptest! {
    #[test]
    fn no_record_breaks_the_reader(bytes in prop::collection::vec(any::<u8>(), size_of::<Event>())) {
        let mut bytes = bytes;
        bytes[..2].copy_from_slice(&EVENT_VERSION.to_ne_bytes());
        let event = Event::from_bytes(&bytes).unwrap();
        prop_assert!(!event.executed().bytes.contains(&0));
        prop_assert!(event.resolved().bytes.len() <= EVENT_PATH_BYTES);
    }
}
