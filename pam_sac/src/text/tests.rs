// SPDX-License-Identifier: MIT OR Apache-2.0
//! No byte gets out of a log line.

use super::*;
use proptest::prelude::*;

#[test]
fn plain_text_stays_as_it_is() {
    assert_eq!(printable(b"no policy for group dba"), "no policy for group dba");
    assert_eq!(quoted(b"alice"), r#""alice""#);
}

#[test]
fn control_characters_quotation_marks_and_other_alphabets_are_escaped() {
    let cases: [(&[u8], &str); 5] = [
        (b"a\nb", r"a\x0ab"),
        (b"\x1b[2J", r"\x1b[2J"),
        (b"back\\slash", r"back\x5cslash"),
        ("ü\u{202e}".as_bytes(), r"\xc3\xbc\xe2\x80\xae"),
        (b"\0\x7f\xff", r"\x00\x7f\xff"),
    ];
    for (bytes, text) in cases {
        assert_eq!(printable(bytes), text);
        assert_eq!(quoted(bytes), format!("\"{text}\""));
    }
    assert_eq!(quoted(br#"a" refused: "b"#), r#""a\x22 refused: \x22b""#);
}

#[test]
fn a_long_line_is_cut_and_says_so() {
    let long = line(&"x".repeat(LINE_BYTES_MAX + 1));
    assert_eq!(long.len(), LINE_BYTES_MAX);
    assert!(long.ends_with("x..."));
    let fits = "x".repeat(LINE_BYTES_MAX);
    assert_eq!(line(&fits), fits);
}

#[test]
fn a_line_does_not_escape_twice() {
    assert_eq!(line(&printable(b"a\nb")), r"a\x0ab");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn every_line_is_short_printable_ascii(bytes: Vec<u8>, text: String) {
        for message in [printable(&bytes), quoted(&bytes), text] {
            let line = line(&message);
            prop_assert!(line.len() <= LINE_BYTES_MAX);
            prop_assert!(line.bytes().all(|byte| (0x20..0x7f).contains(&byte)));
        }
    }
}
