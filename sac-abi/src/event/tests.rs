// SPDX-License-Identifier: MIT OR Apache-2.0
//! Records as the kernel half writes them.

use super::*;
use proptest::prelude::*;
use std::vec;

fn record(executed: &[u8], len: i32) -> std::vec::Vec<u8> {
    let mut bytes = vec![0xee; size_of::<ExecEvent>()];
    bytes[..2].copy_from_slice(&EVENT_VERSION.to_ne_bytes());
    let at = core::mem::offset_of!(ExecEvent, executed_len);
    bytes[at..at + 4].copy_from_slice(&len.to_ne_bytes());
    let at = core::mem::offset_of!(ExecEvent, executed);
    bytes[at..at + executed.len()].copy_from_slice(executed);
    bytes
}

#[test]
fn a_string_ends_at_its_nul() {
    let event = ExecEvent::from_bytes(&record(b"./hello\0", 8)).unwrap();
    assert_eq!(event.executed(), EventPath { bytes: b"./hello", cut: false });
}

#[test]
fn a_cut_string_says_so() {
    let mut long = [b'a'; EVENT_PATH_BYTES];
    long[EVENT_PATH_BYTES - 1] = 0;
    let event = ExecEvent::from_bytes(&record(&long, 1024)).unwrap();
    assert_eq!(event.executed(), EventPath { bytes: &long[..EVENT_PATH_BYTES - 1], cut: true });
}

#[test]
fn an_unreadable_string_is_empty_and_cut() {
    for len in [-14, 0] {
        let event = ExecEvent::from_bytes(&record(b"left over", len)).unwrap();
        assert_eq!(event.executed(), EventPath { bytes: b"", cut: true });
    }
}

#[test]
fn another_version_or_length_is_refused() {
    let mut bytes = record(b"x\0", 2);
    assert!(ExecEvent::from_bytes(&bytes[1..]).is_none());
    bytes[0] ^= 1;
    assert!(ExecEvent::from_bytes(&bytes).is_none());
}

proptest! {
    #[test]
    fn no_record_breaks_the_reader(bytes in prop::collection::vec(any::<u8>(), size_of::<ExecEvent>())) {
        let mut bytes = bytes;
        bytes[..2].copy_from_slice(&EVENT_VERSION.to_ne_bytes());
        let event = ExecEvent::from_bytes(&bytes).unwrap();
        prop_assert!(!event.executed().bytes.contains(&0));
        prop_assert!(event.resolved().bytes.len() <= EVENT_PATH_BYTES);
    }
}
