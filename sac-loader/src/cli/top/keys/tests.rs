// SPDX-License-Identifier: MIT OR Apache-2.0
//! What terminals send.

use super::*;

fn keys(bytes: &[u8]) -> Vec<Key> {
    let mut keys = Keys::default();
    bytes.iter().filter_map(|byte| keys.take(*byte)).collect()
}

#[test]
fn arrows_come_in_two_forms_and_there_are_letters_for_them() {
    for (up, down) in [(b"\x1b[A".as_slice(), b"\x1b[B".as_slice()), (b"\x1bOA", b"\x1bOB"), (b"k", b"j")] {
        assert_eq!((keys(up), keys(down)), (vec![Key::Up], vec![Key::Down]));
    }
    assert_eq!(keys(b"\x1b[H\x1b[FgG"), [Key::First, Key::Last, Key::First, Key::Last]);
    assert_eq!(keys(b"\x1b[1;5A"), [Key::Up]);
}

#[test]
fn what_is_no_key_here_swallows_nothing_that_comes_after_it() {
    assert_eq!(keys(b"\x1b[5~q"), [Key::Quit]);
    assert_eq!(keys(b"\x1bq"), [Key::Quit]);
    assert_eq!(keys(b"\x1b\x1b[Af"), [Key::Up, Key::Filter]);
    assert_eq!(keys("xyz ü\r".as_bytes()), []);
}

#[test]
fn control_c_is_heard_in_the_middle_of_anything() {
    for before in [b"".as_slice(), b"\x1b", b"\x1b[1;"] {
        assert_eq!(keys(&[before, b"\x03"].concat()), [Key::Quit]);
    }
}
