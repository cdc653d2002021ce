// SPDX-License-Identifier: MIT OR Apache-2.0
//! The edges of names, words and types.

use super::*;

#[test]
fn words_that_resemble_are_proposed() {
    for (lines, help) in [
        ("mode: audt", "did you mean `audit`?"),
        ("logins: deny", "use one of `allow`, `refuse`"),
        ("severity: Critical", "did you mean `critical`?"),
        ("conections: {}", "did you mean `connections`?"),
        ("programs: {default: allo}", "did you mean `allow`?"),
        ("connections: {deny: [10.1.0.0/8]}", "did you mean `10.0.0.0/8`?"),
    ] {
        let faults = load(format!("policy: p\napplies_to: everyone\n{lines}\n")).unwrap_err();
        assert_eq!(faults.iter().next().unwrap().help_text(), help, "{lines}");
    }
}

#[test]
fn texts_for_people_are_short_and_plain() {
    let message = |text: &str| codes(&format!("message: {text}"));
    assert_eq!(message(&"x".repeat(255)), []);
    for text in [&"x".repeat(256), "\"a\\nb\"", "\"a\\e[2J\"", "\"\\x9b\""] {
        assert_eq!(message(text), [Code::InvalidText], "{text}");
    }
    assert_eq!(codes("description: |\n  Two\n  lines\n"), []);
    assert_eq!(codes(&format!("description: {}", "x".repeat(1025))), [Code::InvalidText]);
}

#[test]
fn names_of_policies() {
    for name in ["a", "0", "a-b_c9", &"a".repeat(63)] {
        assert!(load(format!("policy: {name:?}\napplies_to: everyone\n")).is_ok(), "{name}");
    }
    for name in ["", "-a", "_a", "A", "a b", "ä", "a.b", "a/b", &"a".repeat(64)] {
        let faults = load(format!("policy: {name:?}\napplies_to: everyone\n")).unwrap_err();
        assert_eq!(faults.iter().next().unwrap().code(), Code::InvalidPolicyName, "{name}");
    }
}

#[test]
fn types_are_not_guessed() {
    check(&[
        ("priority: '5'", &[Code::WrongType]),
        ("priority: 5.0", &[Code::WrongType]),
        ("description: 5", &[Code::WrongType]),
        ("description:", &[Code::WrongType]),
        ("action: [kill]", &[Code::WrongType]),
        ("programs: []", &[Code::WrongType]),
        ("programs: {deny: /bin/a}", &[Code::WrongType]),
        ("programs: {deny: [7]}", &[Code::WrongType]),
        ("programs: {deny: [{path: }]}", &[Code::WrongType]),
        ("programs: {allow: [{path: /bin/a, action: deny}], default: deny}", &[Code::UnknownKey]),
        ("programs: {deny: [{}]}", &[Code::MissingKey]),
        ("[a]: b", &[Code::WrongType]),
        ("Action: deny", &[Code::UnknownKey]),
        ("action: Kill", &[Code::UnknownWord]),
    ]);
}
