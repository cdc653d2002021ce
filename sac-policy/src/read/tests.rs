// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the language means, where its edges are, and that no text is too strange for it. An example of each fault is
//! with the codes.

use crate::policy::{Account, AccountId, Policy, Who};
use crate::{Code, Colour, Fault, Faults, Loaded, PolicySet, Source};
use proptest::prelude::*;
use sac_abi::Action;

fn load(text: impl Into<String>) -> Result<Loaded, Faults> {
    PolicySet::from_sources(vec![Source::new("p.yaml", text)])
}

fn policy(text: &str) -> Policy {
    load(text).unwrap_or_else(|faults| panic!("{}", faults.render(Colour::Never))).set.policies()[0].clone()
}

/// The codes that a policy with these further lines gets, warnings included.
fn codes(lines: &str) -> Vec<Code> {
    let faults = match load(format!("policy: p\napplies_to: everyone\n{lines}")) {
        Ok(loaded) => loaded.warnings,
        Err(faults) => faults,
    };
    faults.iter().map(Fault::code).collect()
}

fn check(cases: &[(&str, &[Code])]) {
    for (lines, expected) in cases {
        assert_eq!(codes(lines), *expected, "{lines}");
    }
}

const WHOLE: &str = "
policy: developers
description: Developers may not look at disks
applies_to:
  users: [alice, 1001]
  groups: [developers]
priority: 10
action: deny
programs:
  default: deny
  allow:
    - /usr/bin/ls
    - path: /usr/bin/cat
  deny:
    - /usr/bin/df
    - path: /usr/bin/wget
      action: kill
";

#[test]
fn every_key_has_its_meaning() {
    let policy = policy(WHOLE);
    assert_eq!(policy.name, "developers");
    assert_eq!(policy.description.as_deref(), Some("Developers may not look at disks"));
    assert_eq!((policy.priority, policy.action, policy.default), (10, Action::Deny, Action::Deny));
    let Who::Accounts { users, groups } = &policy.applies_to else { panic!("{:?}", policy.applies_to) };
    let ids = |accounts: &[Account]| accounts.iter().map(|account| account.id.clone()).collect::<Vec<_>>();
    assert_eq!(ids(users), [AccountId::Name("alice".to_owned()), AccountId::Id(1001)]);
    assert_eq!(ids(groups), [AccountId::Name("developers".to_owned())]);
    let rules: Vec<_> = policy
        .rules
        .iter()
        .map(|rule| (rule.number, rule.path.to_str().unwrap(), rule.action, rule.line()))
        .collect();
    let expected = [
        (1, "/usr/bin/ls", Action::Allow, 12),
        (2, "/usr/bin/cat", Action::Allow, 13),
        (3, "/usr/bin/df", Action::Deny, 15),
        (4, "/usr/bin/wget", Action::Kill, 16),
    ];
    assert_eq!(rules, expected);
    assert_eq!(policy.rule(4).unwrap().path.to_str(), Some("/usr/bin/wget"));
    assert_eq!((policy.rule(0), policy.rule(5), policy.rule(u32::MAX)), (None, None, None));
}

#[test]
fn what_is_not_said_is_harmless() {
    let policy = policy("policy: p\napplies_to: everyone\n");
    assert_eq!((policy.priority, policy.action, policy.default), (0, Action::Kill, Action::Allow));
    assert_eq!((policy.rules, policy.description), (vec![], None));
}

#[test]
fn lists_can_be_commented_out() {
    check(&[("programs:", &[]), ("programs:\n  deny:\n  # - /usr/bin/df\n", &[])]);
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
fn names_of_people() {
    let codes = |name: &str| match load(format!("policy: p\napplies_to: {{users: [{name}]}}\n")) {
        Ok(_) => vec![],
        Err(faults) => faults.iter().map(Fault::code).collect(),
    };
    for name in [
        "alice",
        "no",
        "www-data",
        "'DOMAIN\\alice'",
        "alice@example.org",
        "'domain users'",
        "machine$",
        "4294967294",
    ] {
        assert_eq!(codes(name), [], "{name}");
    }
    for name in [
        "''",
        "'1000'",
        "007",
        "-1",
        "4294967295",
        "99999999999",
        "a:b",
        "'-x'",
        "' a'",
        "'%wheel'",
        "'@wheel'",
    ] {
        assert_eq!(codes(name), [Code::InvalidAccount], "{name}");
    }
    for name in ["root", "0", "0x0"] {
        assert_eq!(codes(name), [Code::RootConfined], "{name}");
    }
    for name in ["[a]", "{a: b}", "1.5", "true", "~"] {
        assert_eq!(codes(name), [Code::WrongType], "{name}");
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

#[test]
fn there_is_a_greatest_number_of_rules() {
    let rules = super::programs::RULES_MAX;
    let paths: String = (0..=rules).map(|number| format!("/{number:x},")).collect();
    let codes = codes(&format!("programs: {{deny: [{paths}]}}"));
    assert_eq!(codes, [Code::LimitExceeded]);
}

/// Reads whatever it is given and shows what is wrong with it; that it comes back is the test.
fn survive(bytes: Vec<u8>) {
    let faults = match Source::from_bytes("p.yaml", bytes).map(|source| PolicySet::from_sources(vec![source]))
    {
        Ok(Ok(loaded)) => loaded.warnings.render(Colour::Always),
        Ok(Err(faults)) => faults.render(Colour::Never),
        Err(fault) => fault.message().to_owned(),
    };
    std::hint::black_box(faults);
}

/// Pieces that mean something to YAML or to the language.
const PIECES: &[&str] = &[
    "policy",
    "applies_to",
    "everyone",
    "users",
    "programs",
    "deny",
    "allow",
    "path",
    "action",
    "kill",
    "/usr/bin/df",
    "root",
    ": ",
    ":",
    "- ",
    "-",
    "\n",
    "\r\n",
    "  ",
    "\t",
    "[",
    "]",
    "{",
    "}",
    ",",
    "'",
    "\"",
    "|",
    ">",
    "&a",
    "*a",
    "!t",
    "!!binary",
    "#",
    "%YAML",
    "---",
    "...",
    "? ",
    "<<",
    "~",
    "0x",
    "1e9",
    "ä",
    "\u{feff}",
    "\u{0}",
    "\u{9b}",
    "\u{2028}",
    "\\x00",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        survive(bytes);
    }

    #[test]
    fn any_pieces_of_yaml_are_survived(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..60)) {
        survive(pieces.concat().into_bytes());
    }

    #[test]
    fn any_mutation_of_a_policy_is_survived(
        mutations in prop::collection::vec(
            (any::<prop::sample::Index>(), 0_usize..12, prop::sample::select(PIECES)),
            1..6,
        ),
    ) {
        let mut bytes = WHOLE.as_bytes().to_vec();
        for (index, removed, piece) in mutations {
            let start = index.index(bytes.len() + 1);
            let end = (start + removed).min(bytes.len());
            bytes.splice(start..end, piece.bytes());
        }
        survive(bytes);
    }
}
