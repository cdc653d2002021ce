// SPDX-License-Identifier: MIT OR Apache-2.0
//! Places in a text.

use super::*;

fn check(span: Span, expected: (u32, u32, u32, u32)) {
    assert_eq!((span.start, span.end, span.line, span.column), expected);
}

#[test]
fn spans_count_bytes_lines_and_characters() {
    let source = Source::new("p", "äb\r\ncö\n");
    check(source.span(0..2), (0, 2, 1, 1));
    check(source.span(2..3), (2, 3, 1, 2));
    check(source.span(5..8), (5, 8, 2, 1));
    check(source.span(6..99), (6, 9, 2, 2));
    // In the middle of a character, and behind the end.
    check(source.span(1..1), (0, 0, 1, 1));
    check(source.span(99..100), (9, 9, 3, 1));
}

#[test]
fn lines_and_columns_become_offsets() {
    let source = Source::new("p", "äb\r\ncö\n");
    check(source.span_at(1, 2), (2, 2, 1, 2));
    check(source.span_at(2, 2), (6, 6, 2, 2));
    check(source.span_at(1, 99), (3, 3, 1, 3));
    check(source.span_at(3, 1), (9, 9, 3, 1));
    check(source.span_at(99, 99), (9, 9, 3, 1));
    check(source.span_at(0, 0), (0, 0, 1, 1));
}

#[test]
fn bytes_that_are_not_text_are_pointed_at() {
    let fault = Source::from_bytes("p", b"policy: a\nd: \xff\xfe".to_vec()).unwrap_err();
    assert_eq!(fault.code(), Code::InvalidYaml);
    let span = fault.place().span.unwrap();
    assert_eq!((span.line, span.column), (2, 4));
}
