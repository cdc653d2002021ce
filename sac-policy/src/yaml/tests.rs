// SPDX-License-Identifier: MIT OR Apache-2.0
//! What of YAML is read, and how.

use super::*;

fn parse(text: &str) -> Result<Node, Code> {
    Node::parse(&Arc::new(Source::new("p", text))).map_err(|fault| fault.code())
}

fn value(text: &str) -> Value {
    parse(text).unwrap().value
}

#[test]
fn words_and_numbers_are_what_they_look_like() {
    for text in ["no", "yes", "on", "007", "1_000", "'1'", "alice", "12:30", "\"true\""] {
        assert!(matches!(value(text), Value::Text(_)), "{text}");
    }
    assert_eq!(value("1000"), Value::Integer(1000));
    assert_eq!(value("-3"), Value::Integer(-3));
    assert_eq!(value("0x10"), Value::Integer(16));
    assert_eq!(value("true"), Value::Bool(true));
    assert_eq!(value("1.5"), Value::Float);
    assert_eq!(value(".nan"), Value::Float);
    assert_eq!(value("~"), Value::Null);
    assert_eq!(value("# nothing"), Value::Null);
}

#[test]
fn places_are_counted_in_bytes_and_shown_in_characters() {
    let Value::Mapping(entries) = value("äö: bär\n") else { panic!("no mapping") };
    assert_eq!(entries[0].0.span, Span { start: 0, end: 4, line: 1, column: 1 });
    assert_eq!(entries[0].1.span, Span { start: 6, end: 10, line: 1, column: 5 });
}

#[test]
fn what_hides_meaning_is_refused() {
    for text in ["a: &x b\nc: *x\n", "a: *x\n", "<<: {a: b}\n", "a: !foo b\n", "a: b\n---\nc: d\n"] {
        assert_eq!(parse(text), Err(Code::UnsupportedYaml), "{text}");
    }
}

#[test]
fn depth_and_number_of_values_are_limited() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(parse(&nested(DEPTH_MAX)).is_ok());
    assert!(parse(&nested(DEPTH_MAX + 1)).is_err());
    assert!(parse(&nested(100_000)).is_err());
    let block: String = (0..=DEPTH_MAX).map(|depth| format!("{}- \n", " ".repeat(depth))).collect();
    assert!(parse(&block.replace(" \n", "\n")).is_err());
    assert_eq!(parse(&format!("[{}]", "1,".repeat(NODES_MAX))), Err(Code::LimitExceeded));
}
