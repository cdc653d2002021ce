// SPDX-License-Identifier: MIT OR Apache-2.0
//! Whose rules a policy gets, in what order, and what cannot be inherited.

use crate::{Code, Colour, Fault, Faults, Loaded, PolicySet, Source, Subject};
use sac_abi::Action;
use std::fmt::Write;

fn load(texts: &[&str]) -> Result<Loaded, Faults> {
    let names = (0..).map(|number| format!("{number}.yaml"));
    PolicySet::from_sources(names.zip(texts).map(|(name, text)| Source::new(name, *text)).collect())
}

fn codes(texts: &[&str]) -> Vec<Code> {
    let faults = match load(texts) {
        Ok(loaded) => loaded.warnings,
        Err(faults) => faults,
    };
    faults.iter().map(Fault::code).collect()
}

const P: &str = "policy: p\napplies_to: everyone\n";

#[test]
fn inherited_rules_come_first_each_set_once_with_their_own_places() {
    let policy = format!("{P}action: deny\ninherits: [a, b]\nprograms: {{deny: [/own]}}\n");
    let texts = [
        policy.as_str(),
        "rule_set: a\ninherits: [c]\nprograms: {deny: [/a1, {path: /a2, action: audit}]}\n",
        "rule_set: b\ninherits: [c, a]\nprograms:\n  deny:\n    - /b\n",
        "rule_set: c\nprograms: {deny: [{path: /c, action: kill}]}\n",
    ];
    let loaded = load(&texts).unwrap_or_else(|faults| panic!("{}", faults.render(Colour::Never)));
    assert!(loaded.warnings.is_empty());
    let [policy] = loaded.set.policies() else { panic!() };
    let rules: Vec<_> = policy
        .rules
        .iter()
        .map(|rule| {
            (rule.number, rule.subject.to_string(), rule.action, rule.file().to_str().unwrap(), rule.line())
        })
        .collect();
    let rule = |number, path: &str, action, file, line| (number, path.to_owned(), action, file, line);
    let expected = [
        rule(1, "/c", Action::Kill, "3.yaml", 2),
        rule(2, "/a1", Action::Deny, "1.yaml", 3),
        rule(3, "/a2", Action::Audit, "1.yaml", 3),
        rule(4, "/b", Action::Deny, "2.yaml", 5),
        rule(5, "/own", Action::Deny, "0.yaml", 5),
    ];
    assert_eq!(rules, expected);
}

#[test]
fn each_policy_gives_a_shared_rule_its_own_action() {
    let q = "policy: q\napplies_to: {users: [bob]}\naction: audit\ninherits: [a]\n";
    let loaded = load(&[&format!("{P}inherits: [a]\n"), q, "rule_set: a\nprograms: {deny: [/a]}\n"]).unwrap();
    let action = |name: &str| loaded.set.get(name).unwrap().rules[0].action;
    assert_eq!((action("p"), action("q")), (Action::Kill, Action::Audit));
}

#[test]
fn what_is_said_about_origins_is_inherited_and_cannot_be_taken_back() {
    let p = format!("{P}action: deny\ninherits: [a]\nprograms: {{untrusted: allow, execmem: audit}}\n");
    let q = "policy: q\napplies_to: {users: [bob]}\ninherits: [a]\n";
    let a = "rule_set: a\nprograms:\n  execmem: audit\n  untrusted: deny\n";
    let loaded = load(&[&p, q, a]).unwrap_or_else(|faults| panic!("{}", faults.render(Colour::Never)));
    assert!(loaded.warnings.is_empty());
    let rules = |name: &str| {
        let rules = loaded.set.get(name).unwrap().rules.iter();
        rules.map(|rule| (rule.subject.clone(), rule.action, rule.line())).collect::<Vec<_>>()
    };
    let inherited = |action| [(Subject::ExecutableMemory, Action::Audit, 3), (Subject::Untrusted, action, 4)];
    assert_eq!(rules("q"), inherited(Action::Kill));
    assert_eq!(
        rules("p"),
        [&inherited(Action::Deny)[..], &[(Subject::ExecutableMemory, Action::Audit, 5)]].concat()
    );
}

#[test]
fn what_cannot_be_inherited() {
    let p = |name: &str| format!("{P}inherits: [{name}]\n");
    for (texts, expected) in [
        (vec![p("nowhere")], &[Code::UnknownRuleSet][..]),
        (vec![p("p")], &[Code::UnknownRuleSet]),
        (vec![p("a, a"), "rule_set: a".to_owned()], &[Code::RepeatedEntry]),
        (vec![p("A")], &[Code::InvalidPolicyName]),
        (vec![p("a"), "rule_set: a\ninherits: [a]".to_owned()], &[Code::RuleSetCycle]),
        (
            vec![p("a"), "rule_set: a\ninherits: [b]".to_owned(), "rule_set: b\ninherits: [a]".to_owned()],
            &[Code::RuleSetCycle],
        ),
        // Also one that nobody uses.
        (vec![P.to_owned(), "rule_set: a\ninherits: [a]".to_owned()], &[Code::RuleSetCycle]),
        (vec![P.to_owned(), "rule_set: a\ninherits: [b]".to_owned()], &[Code::UnknownRuleSet]),
        // Where a file cannot be read, what it was to bring is not missed.
        (vec![p("a"), "rule_set: [".to_owned()], &[Code::InvalidYaml]),
        (vec![p("a"), "rule_set: A".to_owned()], &[Code::InvalidPolicyName]),
        (vec![p("p"), "rule_set: p".to_owned()], &[]),
    ] {
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        assert_eq!(codes(&texts), expected, "{texts:?}");
    }
}

#[test]
fn rule_sets_have_fewer_keys_and_are_no_policies() {
    assert_eq!(codes(&["rule_set: a\n"]), [Code::NoPolicyFile]);
    let p = format!("{P}inherits: [a]\n");
    for lines in
        ["priority: 1", "applies_to: everyone", "programs: {default: deny}", "connections: {default: deny}"]
    {
        assert_eq!(codes(&[&p, &format!("rule_set: a\n{lines}\n")]), [Code::UnknownKey], "{lines}");
    }
    assert_eq!(codes(&[P, "policy: a\nrule_set: a\n"]), [Code::ConflictingKeys]);
    assert_eq!(codes(&[P, "rule_set: a\n"]), [Code::UnusedRuleSet]);
}

#[test]
fn contradictions_between_files_are_told_once() {
    let p = format!(
        "{P}inherits: [a]\nprograms: {{default: deny, allow: [/x, /y, {{path: /z, override: true}}]}}\n"
    );
    let q = "policy: q\napplies_to: {users: [bob]}\ninherits: [a, b]\n";
    let a = "rule_set: a\nprograms: {deny: [/x, /z, {path: /y, when: {days: [sun], timezone: UTC}}]}\n";
    let b = "rule_set: b\nprograms: {allow: [/x]}\n";
    let r = "policy: r\napplies_to: {users: [eve]}\ninherits: [a, b]\n";
    assert_eq!(codes(&[&p, q, a, b, r]), [Code::InheritedContradiction; 2]);
}

#[test]
fn an_allow_list_can_be_inherited() {
    let p = format!("{P}inherits: [a]\nprograms: {{default: deny}}\n");
    assert_eq!(codes(&[&p, "rule_set: a\nprograms: {allow: [/usr/bin/bash]}\n"]), []);
    assert_eq!(codes(&[&p, "rule_set: a\nprograms: {deny: [/usr/bin/bash]}\n"]), [Code::EmptyAllowList]);
}

/// A rule set with so many rules of its own.
fn large(name: &str, rules: usize) -> String {
    let mut text = format!("rule_set: {name}\nprograms:\n  deny: [");
    for number in 0..rules {
        write!(text, "/{name}{number:x},").unwrap();
    }
    text + "]\n"
}

#[test]
fn rules_are_counted_after_inheritance() {
    let sets = [large("a", 50_000), large("b", 50_000)];
    let p = |own: &str| format!("{P}inherits: [a, b]\nprograms: {{deny: [{own}]}}\n");
    assert_eq!(codes(&[&p(""), &sets[0], &sets[1]]), []);
    assert_eq!(codes(&[&p("/x"), &sets[0], &sets[1]]), [Code::LimitExceeded]);
}

#[test]
fn conditions_on_arguments_are_counted_after_inheritance() {
    let conditions = |from: usize, to: usize| -> String {
        (from..to).map(|number| format!("{{path: /bin/a, args: ['{number}']}},")).collect()
    };
    let a = format!("rule_set: a\nprograms: {{deny: [{}]}}\n", conditions(0, 20));
    let p = |own: usize| format!("{P}inherits: [a]\nprograms: {{deny: [{}]}}\n", conditions(20, 20 + own));
    assert_eq!(codes(&[&p(12), &a]), []);
    assert_eq!(codes(&[&p(13), &a]), [Code::InvalidArguments]);
}

#[test]
fn many_policies_with_many_rules_do_not_fill_the_memory() {
    let mut texts = vec![large("a", 50_000)];
    texts.extend(
        (0..40)
            .map(|number| format!("policy: p{number}\napplies_to: {{users: [u{number}]}}\ninherits: [a]\n")),
    );
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    assert_eq!(codes(&texts), [Code::LimitExceeded; 20]);
}

#[test]
fn a_long_chain_of_rule_sets_is_walked_and_not_recursed() {
    let mut texts: Vec<String> =
        (0..3000).map(|number| format!("rule_set: s{number}\ninherits: [s{}]\n", number + 1)).collect();
    texts.push("rule_set: s3000\n".to_owned());
    texts.push(format!("{P}inherits: [s0]\n"));
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    assert_eq!(codes(&texts), [Code::LimitExceeded]);
}
