// SPDX-License-Identifier: MIT OR Apache-2.0
//! Notices as a terminal gets them.

use super::{
    attempt::tests::{about, address, administration, event, execution, mapped},
    *,
};
use sac_abi::{
    Operation,
    event::{Act, Form},
};

fn shows(bytes: &[u8], expected: &str) {
    assert_eq!(shown(EventPath { bytes, cut: false }), expected);
}

/// Checks the notice about an event.
#[track_caller]
fn tells(event: &Event, expected: &str) {
    assert_eq!(blocked(event, &Attempt::of(event, &mut Mounts::default())), expected);
}

#[test]
fn a_notice_says_who_tried_what() {
    tells(&execution(), "[12:./df] ./df blocked!");
    let delete = event(Operation::Delete);
    tells(&about(&delete, Form::Path, b"/srv/a\x07\0"), "[12:rm] delete of /srv/a\\u{7} blocked!");
    let connect = about(&event(Operation::Connect), Form::Address, &address());
    tells(&connect, "[12:rm] connection to 192.0.2.7:443 blocked!");
    let mapping = mapped(about(&event(Operation::Execute), Form::Path, b"/usr/bin/df\0"));
    tells(&mapping, "[12:rm] mapping of /usr/bin/df blocked!");
    tells(&administration(Act::Bpf as u8), "[12:rm] using BPF blocked!");
    tells(&mapped(event(Operation::Execute)), "[12:rm] executable memory blocked!");
}

#[test]
fn an_ordinary_path_is_shown_as_it_is() {
    shows(b"./hello", "./hello");
    shows("/opt/größe/東京".as_bytes(), "/opt/größe/東京");
}

#[test]
fn nothing_of_a_path_reaches_the_terminal_as_a_command() {
    shows(b"./a\x1b[2Jb", "./a\\u{1b}[2Jb");
    shows(b"./a\r\nroot logged in", "./a\\r\\nroot logged in");
    shows("./\u{9b}31m".as_bytes(), "./\\u{9b}31m");
    shows("./\u{202e}fdp".as_bytes(), "./\\u{202e}fdp");
    shows(b"./\xff\x9b", "./\\xff\\x9b");
    shows(b"./\\n", "./\\\\n");
}

#[test]
fn a_long_path_is_cut_and_says_so() {
    let text = shown(EventPath { bytes: &[b'a'; 1023], cut: false });
    assert!(text.ends_with("a…") && text.len() < 600, "{text}");
    assert_eq!(shown(EventPath { bytes: b"", cut: true }), "…");
}
