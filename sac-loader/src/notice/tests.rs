// SPDX-License-Identifier: MIT OR Apache-2.0
//! Notices as a terminal gets them.

use super::*;

fn shows(bytes: &[u8], expected: &str) {
    assert_eq!(shown(EventPath { bytes, cut: false }), expected);
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
