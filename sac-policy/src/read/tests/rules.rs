// SPDX-License-Identifier: MIT OR Apache-2.0
//! The edges of what is said about programs, files and addresses.

use super::*;

#[test]
fn subjects_of_rules_are_one_thing() {
    let deny = |entry: &str| codes(&format!("programs: {{deny: [{{{entry}}}]}}"));
    for (entry, expected) in [
        ("name: nmap", &[][..]),
        ("name: '*'", &[]),
        ("name: ..", &[Code::InvalidFileName]),
        ("name: ''", &[Code::InvalidFileName]),
        ("name: a/b", &[Code::InvalidFileName]),
        ("tree: /", &[Code::PathNotNormal]),
        ("directory: opt", &[Code::RelativePath]),
        ("action: deny", &[Code::MissingKey]),
        ("path: /bin/a, name: b", &[Code::ConflictingKeys]),
        ("path: /bin/a, args: [a], args_any: [b]", &[Code::ConflictingKeys]),
        ("tree: /opt, args: [a]", &[Code::ConflictingKeys]),
        ("name: nmap, args_any: [a]", &[Code::ConflictingKeys]),
        (&format!("sha256: {}", "0a".repeat(32)), &[]),
        (&format!("sha256: {}", "FE".repeat(32)), &[]),
        (&format!("sha256: {}, action: deny, when: {{days: [mon]}}", "fe".repeat(32)), &[]),
        (&format!("sha256: {}", "fe".repeat(31)), &[Code::InvalidDigest]),
        (&format!("sha256: {}", "fe".repeat(33)), &[Code::InvalidDigest]),
        (&format!("sha256: {}f", "fe".repeat(32)), &[Code::InvalidDigest]),
        (&format!("sha256: {}", "fg".repeat(32)), &[Code::InvalidDigest]),
        (&format!("sha256: {}", "+f".repeat(32)), &[Code::InvalidDigest]),
        ("sha256: 7", &[Code::WrongType]),
        (&format!("sha256: {}, name: a", "fe".repeat(32)), &[Code::ConflictingKeys]),
        (&format!("sha256: {}, args: [a]", "fe".repeat(32)), &[Code::ConflictingKeys]),
        (&format!("sha256: {}, args_any: [a]", "fe".repeat(32)), &[Code::ConflictingKeys]),
        ("path: /bin/a, override: true", &[Code::UnknownKey]),
        ("path: /bin/a, operations: [read]", &[Code::UnknownKey]),
        ("path: /bin/a, message: ''", &[]),
        ("path: /bin/a, severity: grave", &[Code::UnknownWord]),
    ] {
        assert_eq!(deny(entry), expected, "{entry}");
    }
    check(&[
        ("programs: {default: deny, allow: [{name: a}, {path: /bin/b}]}", &[Code::NameProvesNothing]),
        ("programs: {default: deny, allow: [{path: /bin/b, override: 1}]}", &[Code::WrongType]),
        ("programs: {allow: [/bin/a, {path: /bin/b, override: true}]}", &[Code::RuleWithoutEffect]),
    ]);
    let digest = "fe".repeat(32);
    let allow = codes(&format!("programs: {{default: deny, allow: [/bin/a, {{sha256: {digest}}}]}}"));
    assert_eq!(allow, [Code::MissingKey, Code::UnknownKey]);
    // Lower and upper case are one digest.
    let twice =
        codes(&format!("programs: {{deny: [{{sha256: {digest}}}, {{sha256: {}}}]}}", "FE".repeat(32)));
    assert_eq!(twice, [Code::RepeatedEntry]);
}

#[test]
fn confined_root_is_a_flag_of_policies() {
    check(&[
        ("confined_root: true", &[]),
        ("confined_root: false", &[]),
        ("confined_root: deny", &[Code::WrongType]),
        ("confined_root:", &[Code::WrongType]),
        ("programs: {confined_root: true}", &[Code::UnknownKey]),
        ("confined_root: true\nconfined_root: true", &[Code::DuplicateKey]),
    ]);
    let rules =
        |flag: &str| policy(&format!("policy: p\napplies_to: everyone\nconfined_root: {flag}\n")).rules;
    assert!(rules("false").is_empty());
    let [rule] = &rules("true")[..] else { panic!("one rule") };
    assert_eq!(
        (&rule.subject, rule.operations.as_slice()),
        (&Subject::Administration, &[sac_abi::Operation::Administer][..])
    );
    let source = Source::new("set.yaml", "rule_set: s\nconfined_root: true\n");
    let faults = PolicySet::from_sources(vec![source]).unwrap_err();
    assert!(faults.iter().any(|fault| fault.code() == Code::UnknownKey));
}

#[test]
fn conditions_on_arguments_can_be_decided() {
    let deny = |entry: &str| codes(&format!("programs: {{deny: [{{path: /bin/a, {entry}}}]}}"));
    let long = |count: usize| format!("args: [{}]", "x,".repeat(count));
    for (entry, expected) in [
        ("args: []", &[][..]),
        ("args: ['*', '**']", &[]),
        ("args: ['**', '**']", &[Code::InvalidArguments]),
        ("args: ['**', a]", &[Code::InvalidArguments]),
        ("args: [1]", &[Code::WrongType]),
        ("args: ['a*']", &[Code::PatternInArgument]),
        ("args_any: ['*']", &[Code::PatternInArgument]),
        ("args_any: []", &[Code::SaysNothing]),
        ("args: stop", &[Code::WrongType]),
        (&long(64), &[]),
        (&long(65), &[Code::InvalidArguments]),
        (&format!("args: [{}]", "x".repeat(254)), &[]),
        (&format!("args: [{}]", "x".repeat(256)), &[Code::InvalidArguments]),
        ("args: [\"a\\0\"]", &[Code::InvalidArguments]),
    ] {
        assert_eq!(deny(entry), expected, "{entry}");
    }
    let conditions = |count: usize| -> String {
        (0..count).map(|number| format!("{{path: /bin/a, args: ['{number}']}},")).collect()
    };
    assert_eq!(codes(&format!("programs: {{deny: [{}]}}", conditions(32))), []);
    assert_eq!(codes(&format!("programs: {{deny: [{}]}}", conditions(33))), [Code::InvalidArguments]);
}

#[test]
fn what_becomes_of_code_by_its_origin_is_a_word() {
    check(&[
        ("programs: {untrusted: deny, execmem: deny}", &[]),
        ("programs: {untrusted: allow, execmem: audit}", &[]),
        ("programs: {default: deny, untrusted: deny}", &[Code::EmptyAllowList]),
        ("programs: {untrusted: kill}", &[Code::UnknownWord]),
        ("programs: {execmem: true}", &[Code::WrongType]),
        ("programs: {execmem: deny, execmem: deny}", &[Code::DuplicateKey]),
    ]);
}

#[test]
fn files_and_connections() {
    use Code::{InvalidAddress, MissingKey, RuleWithoutEffect, SaysNothing, UnknownWord, WrongType};
    check(&[
        ("files:", &[]),
        ("files: {deny: [/etc/shadow]}", &[WrongType]),
        ("files: {deny: [{path: /etc/shadow}]}", &[MissingKey]),
        ("files: {deny: [{path: /etc/shadow, operations: []}]}", &[SaysNothing]),
        ("files: {deny: [{path: /etc/shadow, operations: [execute]}]}", &[UnknownWord]),
        ("files: {deny: [{name: core, operations: [create, create]}]}", &[]),
        ("files: {default: deny}", &[Code::UnknownKey]),
        ("files: {allow: [{tree: /srv, operations: [read]}]}", &[RuleWithoutEffect]),
        ("files: {allow: [{name: a, operations: [read], override: true}]}", &[Code::NameProvesNothing]),
        ("connections: {default: deny}", &[]),
        ("connections: {default: deny, allow: [10.0.0.1]}", &[]),
        ("connections: {allow: [10.0.0.1]}", &[RuleWithoutEffect]),
        ("connections: {deny: [{ports: [22]}]}", &[MissingKey]),
        ("connections: {deny: [{to: 10.0.0.1, ports: [0]}]}", &[InvalidAddress]),
        ("connections: {deny: [{to: 10.0.0.1, ports: [65536]}]}", &[InvalidAddress]),
        ("connections: {deny: [{to: 10.0.0.1, ports: [9-8]}]}", &[InvalidAddress]),
        ("connections: {deny: [{to: 10.0.0.1, ports: [+1-2]}]}", &[InvalidAddress]),
        ("connections: {deny: [{to: 10.0.0.1, ports: []}]}", &[SaysNothing]),
        ("connections: {deny: [localhost]}", &[InvalidAddress]),
    ]);
}

#[test]
fn tests_are_about_one_thing() {
    check(&[
        ("tests: {denied: [{}]}", &[Code::MissingKey]),
        ("tests: {denied: [df]}", &[Code::RelativePath]),
        ("tests: {denied: [{exec: /bin/a, read: /b}]}", &[Code::ConflictingKeys]),
        ("tests: {denied: [{read: /b, args: [a]}]}", &[Code::ConflictingKeys]),
        ("tests: {denied: [{connect: '10.0.0.1'}]}", &[Code::InvalidAddress]),
        ("tests: {denied: [{connect: '10.0.0.1:0'}]}", &[Code::InvalidAddress]),
        ("tests: {denied: [{connect: '[2001:db8::1]:443'}]}", &[]),
        ("tests: {denied: [{exec: /bin/a, args: ['*', 'b*']}]}", &[]),
    ]);
}

#[test]
fn rules_that_differ_in_time_or_arguments_do_not_contradict() {
    let rules = |allow: &str, deny: &str| {
        codes(&format!(
            "programs: {{default: deny, allow: [{{path: /bin/a{allow}}}], deny: [{{path: /bin/a{deny}}}]}}"
        ))
    };
    let night = ", when: {hours: 22:00-06:00, timezone: UTC}";
    for (allow, deny, expected) in [
        ("", "", &[Code::Contradiction][..]),
        ("", night, &[]),
        (night, "", &[Code::Contradiction]),
        (night, night, &[Code::Contradiction]),
        (", override: true", "", &[]),
        (", args: [a]", "", &[]),
        (", args: [a]", ", args: [b]", &[]),
        (", args: [a]", ", args: [a]", &[Code::Contradiction]),
    ] {
        assert_eq!(rules(allow, deny), expected, "{allow} {deny}");
    }
}

#[test]
fn paths_are_written_as_the_kernel_writes_them() {
    let deny = |path: &str| codes(&format!("programs: {{deny: [{path:?}]}}"));
    let longest = format!("/{}", "x".repeat(254));
    for path in ["/usr/bin/df", "/a b", "/ä", "/...", "/.hidden", "/a..b", "/*", &longest] {
        assert_eq!(deny(path), [], "{path}");
    }
    for (path, code) in [
        ("df", Code::RelativePath),
        ("", Code::RelativePath),
        ("~/bin/df", Code::RelativePath),
        ("/", Code::PathNotNormal),
        ("//usr/bin/df", Code::PathNotNormal),
        ("/usr/./bin/df", Code::PathNotNormal),
        ("/usr/bin/..", Code::PathNotNormal),
        ("/usr/bin/", Code::PathNotNormal),
        ("/usr/bin/d\nf", Code::PathControlCharacter),
        ("/usr/bin/df\0", Code::PathControlCharacter),
        (&format!("{longest}x"), Code::PathTooLong),
    ] {
        assert_eq!(deny(path), [code], "{path}");
    }
}

#[test]
fn allow_lists_that_do_nothing_are_noticed() {
    check(&[
        ("programs: {default: deny}", &[Code::EmptyAllowList]),
        ("programs: {default: deny, allow: []}", &[Code::EmptyAllowList]),
        ("programs: {allow: []}", &[Code::EmptyAllowList]),
        ("programs: {allow: [/bin/a]}", &[Code::RuleWithoutEffect]),
        ("programs: {default: deny, allow: [/bin/a]}", &[]),
        ("programs: {default: allow, deny: [/bin/a]}", &[]),
        // A default that cannot be read gives no ground to judge the list.
        ("programs: {default: x, allow: [/bin/a]}", &[Code::UnknownWord]),
    ]);
}

#[test]
fn there_is_a_greatest_number_of_rules() {
    let rules = crate::read::RULES_MAX;
    let paths: String = (0..=rules).map(|number| format!("/{number:x},")).collect();
    let codes = codes(&format!("programs: {{deny: [{paths}]}}"));
    assert_eq!(codes, [Code::LimitExceeded]);
}
