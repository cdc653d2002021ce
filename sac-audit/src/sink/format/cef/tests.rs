// SPDX-License-Identifier: MIT OR Apache-2.0

use super::event;
use crate::record::Severity;
use crate::sink::samples::{identity, sample, samples};
use std::collections::BTreeMap;

/// Reads a header and an extension as the standard says it: `\\` and `\|` in the one, `\\`, `\=`, `\n` and `\r` in the other.
fn parsed(cef: &str) -> (Vec<String>, BTreeMap<String, String>) {
    let mut header = vec![String::new()];
    let mut characters = cef.chars();
    while header.len() < 8 {
        match characters.next().unwrap() {
            '\\' => header.last_mut().unwrap().push(characters.next().unwrap()),
            '|' => header.push(String::new()),
            character => header.last_mut().unwrap().push(character),
        }
    }
    header.pop();
    (header, extension(characters.as_str()))
}

fn extension(text: &str) -> BTreeMap<String, String> {
    // Places of equal signs without a backslash before them; a key is the word before.
    let mut is_escaped = false;
    let mut equals = Vec::new();
    for (index, character) in text.char_indices() {
        match character {
            '\\' => is_escaped = !is_escaped,
            '=' if !is_escaped => equals.push(index),
            _ => is_escaped = false,
        }
    }
    let key_start = |equal: usize| text[..equal].rfind(' ').map_or(0, |space| space + 1);
    let mut values = BTreeMap::new();
    for (index, equal) in equals.iter().enumerate() {
        let end = equals.get(index + 1).map_or(text.len(), |next| key_start(*next) - 1);
        let value = text[equal + 1..end].replace(r"\\", "\u{0}").replace(r"\=", "=").replace(r"\n", "\n");
        let key = text[key_start(*equal)..*equal].to_owned();
        assert!(values.insert(key.clone(), value.replace('\u{0}', "\\")).is_none(), "{key} twice in {text}");
    }
    values
}

fn value(values: &BTreeMap<String, String>, key: &str) -> String {
    values.get(key).unwrap_or_else(|| panic!("{key} in {values:?}")).clone()
}

#[test]
fn an_execution_is_read_back() {
    let cef = event(&sample("blocked"), &identity());
    let (header, values) = parsed(&cef);
    assert_eq!(header, ["CEF:0", "SAC", "Server Access Control", "0.1.0", "blocked", "blocked", "5"]);
    for (key, expected) in [
        ("rt", "1795705445123"),
        ("suser", "alice"),
        ("suid", "1000"),
        ("src", "192.0.2.7"),
        ("dproc", "/usr/bin/wget"),
        ("fname", "wget"),
        ("filePath", "/usr/bin/wget"),
        ("act", "deny"),
        ("outcome", "failure"),
        ("cs1Label", "session"),
        ("cs1", "3f9a2c"),
        ("cs2", "contractors"),
        ("cs3", "contractors.yaml:12"),
        ("cs4Label", "arguments"),
        ("cs5", "/home/alice"),
        ("cs6", "pts/0"),
        ("cn1Label", "sequence"),
        ("cn1", "8"),
        ("externalId", "8"),
    ] {
        assert_eq!(value(&values, key), expected, "{key}");
    }
    assert!(value(&values, "cs4").contains(r#"'x="y"]' 'back\slash' 'pipe|d'"#), "{values:?}");
    assert!(!cef.contains('\n'));
}

/// No key is there twice, and each custom one has its label.
#[test]
fn each_event_has_each_key_once() {
    for record in samples() {
        let (_, values) = parsed(&event(&record, &identity()));
        for key in values.keys().filter(|key| key.starts_with("cs") || key.starts_with("cn")) {
            let is_custom = key.len() == 3 && key.ends_with(|end: char| end.is_ascii_digit());
            assert!(!is_custom || values.contains_key(&format!("{key}Label")), "{key} in {values:?}");
        }
        assert_eq!(value(&values, "externalId"), record.number.to_string());
    }
}

#[test]
fn a_refused_login_says_who_from_where_and_why() {
    let (_, values) = parsed(&event(&sample("session-refused"), &identity()));
    assert_eq!(value(&values, "suser"), "eve\\n", "as it is shown: the backslash is text");
    assert_eq!(value(&values, "shost"), "evil.example");
    assert_eq!(value(&values, "reason"), "no policy");
    assert_eq!(value(&values, "outcome"), "failure");
}

#[test]
fn the_header_is_escaped() {
    let mut identity = identity();
    identity.version = r"1|0\".to_owned();
    assert!(
        event(&sample("tamper"), &identity)
            .starts_with(r"CEF:0|SAC|Server Access Control|1\|0\\|tamper|tamper|10|")
    );
}

#[test]
fn severities_are_from_1_to_10() {
    let mut record = sample("tamper");
    let severities = [Severity::Info, Severity::Low, Severity::Medium, Severity::High, Severity::Critical];
    let numbers = severities.map(|severity| {
        record.entry.severity = severity;
        parsed(&event(&record, &identity())).0[6].clone()
    });
    assert_eq!(numbers, ["1", "3", "5", "8", "10"]);
}

/// Longest values are the standard's, and what is cut ends with a mark.
#[test]
fn long_values_are_cut() {
    let mut record = sample("blocked");
    let crate::record::Event::Blocked(execution) = &mut record.entry.event else { panic!() };
    execution.arguments = vec!["ü".repeat(3000).as_str().into()];
    execution.file.path = format!("/{}", "ö".repeat(2000)).as_str().into();
    let (_, values) = parsed(&event(&record, &identity()));
    for (key, bytes_max) in [("cs4", 4000), ("filePath", 1023), ("msg", 1023)] {
        let value = value(&values, key);
        assert!(value.len() <= bytes_max && value.ends_with('…'), "{key}: {} bytes", value.len());
    }
}
