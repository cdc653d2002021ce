// SPDX-License-Identifier: MIT OR Apache-2.0
//! The policies that are shipped, and the language's description, against the code.

use crate::{Code, Colour, PolicySet, Severity, Source, Who};
use std::fs;
use std::path::{Path, PathBuf};

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

fn yaml_files(directory: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(repository(directory)).unwrap();
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    files.sort();
    files
}

/// Loads policies, in which nothing may be wrong or doubtful.
fn load(files: &[PathBuf]) -> PolicySet {
    let loaded =
        PolicySet::load_files(files).unwrap_or_else(|faults| panic!("{}", faults.render(Colour::Never)));
    assert!(loaded.warnings.is_empty(), "{}", loaded.warnings.render(Colour::Never));
    loaded.set
}

#[test]
fn the_policy_that_is_installed_forbids_nothing() {
    let set = load(&yaml_files("policies"));
    let [policy] = set.policies() else { panic!("{} policies are installed", set.policies().len()) };
    assert!(matches!(policy.applies_to.who, Who::Everyone { .. }));
    assert_eq!((policy.default, policy.rules.len()), (sac_abi::Action::Allow, 0));
}

#[test]
fn each_example_is_sound_beside_the_one_that_is_installed() {
    let examples = yaml_files("policies/examples");
    assert!(!examples.is_empty());
    let set = load(&[yaml_files("policies"), examples].concat());
    for policy in set.policies() {
        assert!(policy.file().ends_with(format!("{}.yaml", policy.name)), "{}", policy.file().display());
        assert!(policy.description.is_some(), "{} has no description", policy.name);
    }
}

fn documentation() -> String {
    fs::read_to_string(repository("docs/policy.md")).unwrap()
}

#[test]
fn the_documentation_lists_exactly_the_codes() {
    let severity = |code: &Code| match code.severity() {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let expected: Vec<_> = Code::ALL
        .iter()
        .map(|code| format!("| {} | {} | {} |", code.as_str(), code.summary(), severity(code)))
        .collect();
    let documentation = documentation();
    let listed: Vec<_> = documentation.lines().filter(|line| line.starts_with("| SAC")).collect();
    assert_eq!(listed, expected, "the table must be:\n{}", expected.join("\n"));
}

/// The examples of the documentation.
fn blocks(documentation: &str) -> Vec<&str> {
    let blocks: Vec<_> =
        documentation.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(!blocks.is_empty());
    blocks
}

#[test]
fn each_policy_in_the_documentation_is_sound() {
    let documentation = documentation();
    let source = |text: &&str| Source::new("docs/policy.md", *text);
    let is_rule_set = |text: &&str| text.starts_with("rule_set:");
    let blocks = blocks(&documentation);
    let sets: Vec<_> = blocks.iter().filter(|text| is_rule_set(text)).map(source).collect();
    assert!(!sets.is_empty());
    for block in blocks.iter().filter(|text| !is_rule_set(text)) {
        let loaded = PolicySet::from_sources([vec![source(block)], sets.clone()].concat());
        let warnings = loaded.unwrap_or_else(|faults| panic!("{}", faults.render(Colour::Never))).warnings;
        // That most policies inherit nothing is no fault of theirs.
        let is_expected = warnings.iter().all(|fault| fault.code() == Code::UnusedRuleSet);
        assert!(is_expected, "{}", warnings.render(Colour::Never));
    }
}

/// Paths of all keys in a value, in the form of [`crate::read::keys`].
fn used_keys(value: &serde_json::Value, path: &str, into: &mut Vec<String>) {
    for entry in value.as_array().into_iter().flatten() {
        used_keys(entry, &format!("{path}[]"), into);
    }
    for (name, below) in value.as_object().into_iter().flatten() {
        let parent = if path.ends_with("when") { "when" } else { path };
        let key = if parent.is_empty() { name.clone() } else { format!("{parent}.{name}") };
        used_keys(below, &key, into);
        into.push(key);
    }
}

#[test]
fn each_key_has_an_example_in_the_documentation() {
    let documentation = documentation();
    let mut used = Vec::new();
    for block in blocks(&documentation) {
        used_keys(&serde_yaml::from_str(block).unwrap(), "", &mut used);
    }
    let keys = crate::read::keys();
    // Both lists of tests take the same; one example is enough.
    let has_example = |key: &&String| {
        let other = key.replace("tests.allowed", "tests.denied");
        used.contains(key) || used.contains(&other)
    };
    let missing: Vec<_> = keys.iter().filter(|key| !has_example(key)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn each_key_is_in_the_documentation() {
    let documentation = documentation();
    for key in crate::read::keys() {
        assert!(documentation.contains(&format!("| `{key}` |")), "the table of keys has no `{key}`");
    }
}
