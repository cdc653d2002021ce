// SPDX-License-Identifier: MIT OR Apache-2.0
//! Counting, limits and the harmlessness of what is shown. How each fault looks is in the snapshots of the codes.

use super::*;
use crate::PolicySet;

fn check(text: impl Into<String>) -> Faults {
    PolicySet::from_sources(vec![Source::new("/etc/sac/policies/p.yaml", text)]).unwrap_err()
}

#[test]
fn the_summary_counts() {
    assert_eq!(check("policy: p\napplies_to: x\n").to_string(), "1 fault in 1 file");
    assert_eq!(check("policy: P\napplies_to: x\n").to_string(), "2 faults in 1 file");
    let with_warning = check("policy: P\napplies_to: everyone\nprograms: {allow: []}\n");
    assert_eq!(with_warning.to_string(), "1 fault and 1 warning in 1 file");
}

#[test]
fn no_control_character_of_a_policy_reaches_the_terminal() {
    let hostile = "policy: \"\\e[2J\\x07\\x9b\"\n\"\\e]0;x\\x07\": 1\napplies_to: {users: [\"\\e[0m:\"]}\n# \u{1b}[31m\n";
    let raw = "policy: [\u{7f}, \u{9b}31m\u{202e}\n";
    for text in [hostile, raw] {
        let rendered = check(text).render(Colour::Never);
        let unsafe_character = |c: char| c != '\n' && (c.is_control() || c == '\u{202e}');
        assert!(!rendered.contains(unsafe_character), "{rendered:?}");
    }
}

#[test]
fn colours_only_when_asked_for() {
    let faults = check("policy: P\napplies_to: everyone\n");
    assert!(!faults.render(Colour::Never).contains('\u{1b}'));
    assert!(faults.render(Colour::Always).contains('\u{1b}'));
}

#[test]
fn a_flood_of_faults_is_counted_and_cut_off() {
    let keys: String = (0..1000).map(|number| format!("key{number}: x\n")).collect();
    let faults = check(format!("policy: p\napplies_to: everyone\n{keys}"));
    assert_eq!(faults.count(Severity::Error), 1000);
    assert_eq!(faults.iter().len(), KEPT_MAX);
    assert!(faults.render(Colour::Never).ends_with(&format!("\n\nand {} more\n", 1000 - KEPT_MAX)));
}

#[test]
fn warnings_crowd_out_no_error() {
    let paths = "/bin/a, ".repeat(10 * KEPT_MAX);
    let faults =
        check(format!("policy: p\napplies_to: everyone\nprograms: {{deny: [{paths}]}}\npriority: x\n"));
    assert!(faults.iter().any(|fault| fault.code() == Code::WrongType));
}

#[test]
fn a_line_without_end_is_not_shown() {
    let path = "/x".repeat(100_000);
    let rendered = check(format!("policy: p\napplies_to: everyone\nprograms: {{deny: [{path}]}}\n"))
        .render(Colour::Never);
    assert!(rendered.len() < 1000, "{} bytes", rendered.len());
    assert!(rendered.contains("p.yaml:3:19"), "{rendered}");
}

#[test]
fn places_far_apart_get_an_excerpt_each() {
    let filler = "# filler\n".repeat(1000);
    let rendered =
        check(format!("policy: p\napplies_to: everyone\n{filler}policy: p\n")).render(Colour::Never);
    assert!(rendered.contains("1 | policy: p") && rendered.contains("1003 | policy: p"), "{rendered}");
}
