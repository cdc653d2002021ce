// SPDX-License-Identifier: MIT OR Apache-2.0

use super::{Field, Value, fields, words};
use crate::sink::samples::{sample, samples};
use crate::text::Text;

fn value(fields: &[Field], path: &str) -> Value {
    fields.iter().find(|field| field.path == path).unwrap_or_else(|| panic!("{path}")).value.clone()
}

#[test]
fn every_kind_of_value_is_kept() {
    let fields = fields(&sample("blocked"));
    assert_eq!(value(&fields, "number"), Value::Number(8));
    assert_eq!(value(&fields, "session.user"), Value::Text("alice".into()));
    assert_eq!(value(&fields, "environment.LD_PRELOAD"), Value::Text("/tmp/x.so".into()));
    let Value::List(arguments) = value(&fields, "arguments") else { panic!() };
    assert_eq!(arguments[11], Text::Bytes(vec![255, 254, 10, 65]));
    assert!(fields.iter().all(|field| field.path != "previous" && field.path != "schema"));
}

#[test]
fn bytes_that_are_no_text_are_bytes() {
    let mut record = sample("session-refused");
    let crate::record::Event::SessionRefused { user, .. } = &mut record.entry.event else { panic!() };
    *user = Text::from_bytes(b"\xffx");
    assert_eq!(value(&fields(&record), "user"), Value::Text(Text::Bytes(b"\xffx".to_vec())));
}

#[test]
fn names_are_short_for_sessions_and_verdicts() {
    let named = |path: &str| Field { path: path.to_owned(), value: Value::Flag(true) }.name();
    assert_eq!(named("session.id"), "session");
    assert_eq!(named("session.user"), "user");
    assert_eq!(named("verdict.rule"), "rule");
    assert_eq!(named("process.pid"), "process_pid");
    assert_eq!(named("number"), "number");
}

/// The journal takes a name more than once, OpenTelemetry does not.
#[test]
fn paths_are_there_once() {
    for record in samples() {
        let mut paths: Vec<String> = fields(&record).into_iter().map(|field| field.path).collect();
        let all = paths.len();
        paths.sort();
        paths.dedup();
        assert_eq!(paths.len(), all, "{record:?}");
    }
}

#[test]
fn words_are_as_a_shell_takes_them() {
    let text = |text: &str| Text::from(text);
    assert_eq!(
        words(&[text("ls"), text("-l"), text("a b"), text(""), text("it's")]),
        r"ls -l 'a b' '' 'it'\''s'"
    );
    assert_eq!(words(&[text("a\n;")]), r"'a\n;'");
}
