// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the language means, where its edges are, and that no text is too strange for it. An example of each fault is
//! with the codes.

use crate::network::PortRange;
use crate::policy::{
    Account, AccountId, AppliesTo, ArgumentPattern, ArgumentsCondition, Gravity, Limits, Logins, Mode,
    Origin, Policy, Request, StrikeAction, Strikes, Subject, Who,
};
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
    let Who::Accounts { users, groups } = &policy.applies_to.who else { panic!("{:?}", policy.applies_to) };
    let ids = |accounts: &[Account]| accounts.iter().map(|account| account.id.clone()).collect::<Vec<_>>();
    assert_eq!(ids(users), [AccountId::Name("alice".to_owned()), AccountId::Id(1001)]);
    assert_eq!(ids(groups), [AccountId::Name("developers".to_owned())]);
    let rules: Vec<_> = policy
        .rules
        .iter()
        .map(|rule| (rule.number, rule.subject.to_string(), rule.action, rule.line()))
        .collect();
    let expected = [
        (1, "/usr/bin/ls".to_owned(), Action::Allow, 12),
        (2, "/usr/bin/cat".to_owned(), Action::Allow, 13),
        (3, "/usr/bin/df".to_owned(), Action::Deny, 15),
        (4, "/usr/bin/wget".to_owned(), Action::Kill, 16),
    ];
    assert_eq!(rules, expected);
    assert_eq!(
        policy.rule(4).unwrap().subject.path().and_then(std::path::Path::to_str),
        Some("/usr/bin/wget")
    );
    assert_eq!((policy.rule(0), policy.rule(5), policy.rule(u32::MAX)), (None, None, None));
}

/// The policy with every part of the language that needs no rule set.
const MORE: &str = "
policy: contractors
applies_to:
  groups: [contractors]
  services: [sshd, login]
  from: [10.0.0.0/8, 2001:db8::/32, local]
  terminal: true
  when: {days: [sat-mon, wed], hours: 09:00-18:00, from: 2026-01-01, until: 2026-12-31, timezone: Asia/Seoul}
mode: audit
logins: refuse
message: Ask ops@example.org
severity: high
programs:
  deny:
    - path: /usr/bin/wget
      action: deny
      message: Use the proxy
      severity: critical
      when: {hours: 22:00-24:00, timezone: UTC}
    - directory: /opt/tools
    - tree: /srv/games
    - name: nmap
    - path: /usr/bin/systemctl
      args: [stop, \"*\"]
    - path: /usr/bin/find
      args_any: [-exec, -delete]
  allow:
    - path: /usr/bin/systemctl
      args: [status, \"**\"]
      override: true
files:
  deny:
    - tree: /srv/records
      operations: [delete, rename, write, create]
  allow:
    - tree: /srv/records/tmp
      operations: [delete]
      override: true
connections:
  default: deny
  deny:
    - 10.0.0.0/8
    - to: 192.0.2.0/24
      ports: [22, 8000-8999]
  allow:
    - to: 10.1.2.3
      ports: [443]
      override: true
limits: {processes: 200, sessions: 3, session_length: 8h, idle: 30m, warning: 1m30s}
strikes: {blocked: 5, within: 10m, then: freeze}
tests:
  allowed:
    - /usr/bin/ls
    - {exec: /usr/bin/systemctl, args: [status, nginx]}
    - {connect: 10.1.2.3:443}
  denied:
    - {delete: /srv/records/a}
";

#[test]
fn whom_and_how() {
    let policy = policy(MORE);
    let AppliesTo { services, from, terminal, when, .. } = &policy.applies_to;
    assert_eq!(services.as_slice(), ["sshd", "login"]);
    let origins: Vec<_> = ["10.0.0.0/8", "2001:db8::/32"].iter().map(|text| text.parse().unwrap()).collect();
    assert_eq!(from.as_slice(), [Origin::Network(origins[0]), Origin::Network(origins[1]), Origin::Local]);
    assert_eq!((*terminal, policy.applies_to.conditions()), (Some(true), 4));
    let when = when.as_ref().unwrap();
    use jiff::civil::Weekday::{Monday, Saturday, Sunday, Wednesday};
    assert_eq!(when.days, [Saturday, Sunday, Monday, Wednesday]);
    let (start, end) = when.hours.unwrap();
    assert_eq!((start.hour(), end.hour()), (9, 18));
    assert_eq!(
        (when.from.unwrap().to_string(), when.until.unwrap().to_string()),
        ("2026-01-01".to_owned(), "2026-12-31".to_owned())
    );
    assert_eq!(when.zone, jiff::tz::TimeZone::get("Asia/Seoul").unwrap());
    assert_eq!((policy.mode, policy.logins, policy.severity), (Mode::Audit, Logins::Refuse, Gravity::High));
    assert_eq!(policy.message.as_deref(), Some("Ask ops@example.org"));
    assert_eq!((policy.default, policy.connections_default), (Action::Allow, Action::Kill));
    let seconds = std::time::Duration::from_secs;
    let limits = Limits {
        processes: Some(200),
        sessions: Some(3),
        session_length: Some(seconds(8 * 3600)),
        idle: Some(seconds(1800)),
        warning: seconds(90),
    };
    assert_eq!(policy.limits, limits);
    let strikes = Strikes { blocked: 5, within: seconds(600), then: StrikeAction::Freeze };
    assert_eq!(policy.strikes, Some(strikes));
}

#[test]
fn what_rules_are_about() {
    let policy = policy(MORE);
    let exactly = |text: &str| ArgumentPattern::Exactly(text.to_owned());
    let path = |text: &str| Subject::Path(text.into());
    let stop =
        ArgumentsCondition::All { patterns: vec![exactly("stop"), ArgumentPattern::Anything], more: false };
    let status = ArgumentsCondition::All { patterns: vec![exactly("status")], more: true };
    let exec = ArgumentsCondition::Any(vec!["-exec".to_owned(), "-delete".to_owned()]);
    let address = |network: &str, ports: &[(u16, u16)]| Subject::Address {
        network: network.parse().unwrap(),
        ports: ports.iter().map(|&(first, last)| PortRange { first, last }).collect(),
    };
    use sac_abi::Operation::{Connect, Create, Delete, Execute, Rename, Write};
    let expected = [
        (path("/usr/bin/wget"), vec![Execute], Action::Deny, None),
        (Subject::Directory("/opt/tools".into()), vec![Execute], Action::Kill, None),
        (Subject::Tree("/srv/games".into()), vec![Execute], Action::Kill, None),
        (Subject::Name("nmap".to_owned()), vec![Execute], Action::Kill, None),
        (path("/usr/bin/systemctl"), vec![Execute], Action::Kill, Some(stop)),
        (path("/usr/bin/find"), vec![Execute], Action::Kill, Some(exec)),
        (path("/usr/bin/systemctl"), vec![Execute], Action::Allow, Some(status)),
        (Subject::Tree("/srv/records".into()), vec![Delete, Rename, Write, Create], Action::Kill, None),
        (Subject::Tree("/srv/records/tmp".into()), vec![Delete], Action::Allow, None),
        (address("10.0.0.0/8", &[]), vec![Connect], Action::Kill, None),
        (address("192.0.2.0/24", &[(22, 22), (8000, 8999)]), vec![Connect], Action::Kill, None),
        (address("10.1.2.3", &[(443, 443)]), vec![Connect], Action::Allow, None),
    ];
    let rules: Vec<_> = policy
        .rules
        .iter()
        .map(|rule| (rule.subject.clone(), rule.operations.clone(), rule.action, rule.arguments.clone()))
        .collect();
    assert_eq!(rules, expected);
    let overriding: Vec<_> =
        policy.rules.iter().filter(|rule| rule.overrides).map(|rule| rule.number).collect();
    assert_eq!(overriding, [7, 9, 12]);
    let wget = policy.rule(1).unwrap();
    assert_eq!((wget.message.as_deref(), wget.severity), (Some("Use the proxy"), Some(Gravity::Critical)));
    assert!(wget.when.is_some() && policy.rule(2).unwrap().when.is_none());
}

#[test]
fn what_is_tested() {
    let request = |index: usize| policy(MORE).tests[index].request.clone();
    let execute = |path: &str, arguments: Option<&[&str]>| Request::Execute {
        path: path.into(),
        arguments: arguments.map(|texts| texts.iter().map(|text| (*text).to_owned()).collect()),
    };
    assert_eq!(request(0), execute("/usr/bin/ls", None));
    assert_eq!(request(1), execute("/usr/bin/systemctl", Some(&["status", "nginx"])));
    assert_eq!(request(2), Request::Connect { address: "10.1.2.3:443".parse().unwrap() });
    let delete = Request::File { operation: sac_abi::Operation::Delete, path: "/srv/records/a".into() };
    assert_eq!(request(3), delete);
    let allowed: Vec<_> = policy(MORE).tests.iter().map(|test| test.allowed).collect();
    assert_eq!(allowed, [true, true, true, false]);
}

#[test]
fn conditions_on_logins_say_something() {
    let codes = |conditions: &str| match load(format!("policy: p\napplies_to: {{{conditions}}}\n")) {
        Ok(_) => vec![],
        Err(faults) => faults.iter().map(Fault::code).collect(),
    };
    for (conditions, expected) in [
        ("everyone: true", &[][..]),
        ("everyone: true, terminal: false", &[]),
        ("everyone: false", &[Code::UnknownWord]),
        ("everyone: yes", &[Code::WrongType]),
        ("everyone: true, users: [bob]", &[Code::ConflictingKeys]),
        ("terminal: true", &[Code::AppliesToNobody]),
        ("users: [bob], services: ", &[Code::SaysNothing]),
        ("users: [bob], from: []", &[Code::SaysNothing]),
        ("users: [bob], when: {}", &[Code::SaysNothing]),
        ("users: [bob], when: {timezone: UTC}", &[Code::SaysNothing]),
        ("users: [bob], services: ['']", &[Code::InvalidService]),
        ("users: [bob], services: [a b]", &[Code::InvalidService]),
        ("users: [bob], from: [example.org]", &[Code::InvalidAddress]),
        ("users: [bob], from: [10.0.0.0/33]", &[Code::InvalidAddress]),
        ("users: [bob], terminal: on", &[Code::WrongType]),
    ] {
        assert_eq!(codes(conditions), expected, "{conditions}");
    }
}

#[test]
fn times_are_written_in_one_way() {
    let when = |text: &str| codes(&format!("programs: {{deny: [{{path: /bin/a, when: {{{text}}}}}]}}"));
    for text in [
        "days: [mon]",
        "days: [sun-sat]",
        "hours: 00:00-24:00, days: [mon]",
        "hours: 23:59-00:00",
        "hours: 22:00-06:00, timezone: America/New_York",
        "from: 2028-02-29",
        "from: 2026-01-01, until: 2026-01-01",
    ] {
        let expected = if text.starts_with("hours: 00:00-24:00") { vec![Code::InvalidTime] } else { vec![] };
        assert_eq!(when(text), expected, "{text}");
    }
    for (text, code) in [
        ("days: [Mon]", Code::UnknownWord),
        ("days: [mon-]", Code::UnknownWord),
        ("days: [mon-tue-wed]", Code::UnknownWord),
        ("days: mon", Code::WrongType),
        ("days: []", Code::SaysNothing),
        ("hours: 9:00-18:00", Code::InvalidTime),
        ("hours: 09:00", Code::InvalidTime),
        ("hours: 09:00-18:60", Code::InvalidTime),
        ("hours: 24:00-06:00", Code::InvalidTime),
        ("hours: +9:00-18:00", Code::InvalidTime),
        ("hours: 09:00-09:00", Code::InvalidTime),
        ("from: 2027-02-29", Code::InvalidTime),
        ("from: 2027-2-9", Code::InvalidTime),
        ("from: 2027-02-01T00", Code::InvalidTime),
        ("until: 2027", Code::WrongType),
        ("from: 2026-02-01, until: 2026-01-31", Code::InvalidTime),
        ("days: [mon], timezone: Europe/Atlantis", Code::UnknownTimeZone),
        ("days: [mon], timezone: ../../../etc/passwd", Code::UnknownTimeZone),
        ("days: [mon], timezone: /etc/localtime", Code::UnknownTimeZone),
        ("days: [mon], timezone: ''", Code::UnknownTimeZone),
    ] {
        assert_eq!(when(text), [code], "{text}");
    }
}

#[test]
fn lengths_of_time_have_units() {
    let idle = |text: &str| match load(format!("policy: p\napplies_to: everyone\nlimits: {{idle: {text}}}\n"))
    {
        Ok(loaded) => loaded.set.policies()[0].limits.idle.map(|idle| idle.as_secs()),
        Err(faults) => {
            let codes: Vec<_> = faults.iter().map(Fault::code).collect();
            assert!(codes == [Code::InvalidTime] || codes == [Code::WrongType], "{text} {codes:?}");
            None
        }
    };
    for (text, expected) in [
        ("1s", Some(1)),
        ("90m", Some(5400)),
        ("1h30m", Some(5400)),
        ("2d", Some(172_800)),
        ("1d1h1m1s", Some(90_061)),
        ("366d", Some(31_622_400)),
        ("366d1s", None),
        ("0s", None),
        ("30", None),
        ("''", None),
        ("m", None),
        ("1.5h", None),
        ("-1h", None),
        ("1h 30m", None),
        ("30m1h", None),
        ("1h1h", None),
        ("1ä", None),
        ("1H", None),
        ("99999999999999999999d", None),
    ] {
        assert_eq!(idle(text), expected, "{text}");
    }
}

#[test]
fn limits_and_strikes_have_bounds() {
    check(&[
        ("limits:", &[]),
        ("limits: {processes: 4194304, sessions: 65535}", &[]),
        ("limits: {processes: 0}", &[Code::NumberOutOfRange]),
        ("limits: {processes: 4194305}", &[Code::NumberOutOfRange]),
        ("limits: {sessions: -1}", &[Code::NumberOutOfRange]),
        ("limits: {sessions: many}", &[Code::WrongType]),
        ("limits: {session_length: 1h, warning: 1h}", &[Code::InvalidTime]),
        ("limits: {session_length: 1h, warning: 59m}", &[]),
        ("limits: {session_length: 1m}", &[]),
        ("strikes: {}", &[Code::MissingKey, Code::MissingKey, Code::MissingKey]),
        ("strikes: {blocked: 5, within: 10m}", &[Code::MissingKey]),
        ("strikes: {blocked: 0, within: 10m, then: end}", &[Code::NumberOutOfRange]),
        ("strikes: {blocked: 5, within: 10m, then: kill}", &[Code::UnknownWord]),
    ]);
}

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
fn files_and_connections() {
    use Code::{
        InvalidAddress, MissingKey, NotEnforced, RuleWithoutEffect, SaysNothing, UnknownWord, WrongType,
    };
    check(&[
        ("files:", &[]),
        ("files: {deny: [/etc/shadow]}", &[WrongType]),
        ("files: {deny: [{path: /etc/shadow}]}", &[MissingKey, NotEnforced]),
        ("files: {deny: [{path: /etc/shadow, operations: []}]}", &[NotEnforced, SaysNothing]),
        ("files: {deny: [{path: /etc/shadow, operations: [execute]}]}", &[NotEnforced, UnknownWord]),
        ("files: {deny: [{name: core, operations: [create, create]}]}", &[NotEnforced]),
        ("files: {default: deny}", &[Code::UnknownKey]),
        ("files: {allow: [{tree: /srv, operations: [read]}]}", &[RuleWithoutEffect, NotEnforced]),
        ("files: {allow: [{name: a, operations: [read], override: true}]}", &[Code::NameProvesNothing]),
        ("connections: {default: deny}", &[NotEnforced]),
        ("connections: {default: deny, allow: [10.0.0.1]}", &[NotEnforced]),
        ("connections: {allow: [10.0.0.1]}", &[RuleWithoutEffect, NotEnforced]),
        ("connections: {deny: [{ports: [22]}]}", &[MissingKey]),
        ("connections: {deny: [{to: 10.0.0.1, ports: [0]}]}", &[NotEnforced, InvalidAddress]),
        ("connections: {deny: [{to: 10.0.0.1, ports: [65536]}]}", &[NotEnforced, InvalidAddress]),
        ("connections: {deny: [{to: 10.0.0.1, ports: [9-8]}]}", &[NotEnforced, InvalidAddress]),
        ("connections: {deny: [{to: 10.0.0.1, ports: [+1-2]}]}", &[NotEnforced, InvalidAddress]),
        ("connections: {deny: [{to: 10.0.0.1, ports: []}]}", &[NotEnforced, SaysNothing]),
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
    let rules = super::RULES_MAX;
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
    "rule_set",
    "inherits",
    "when",
    "hours",
    "09:00-18:00",
    "args",
    "10.0.0.0/8",
    "1h30m",
    "true",
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
        which in 0_usize..2,
    ) {
        let mut bytes = [WHOLE, MORE][which].as_bytes().to_vec();
        for (index, removed, piece) in mutations {
            let start = index.index(bytes.len() + 1);
            let end = (start + removed).min(bytes.len());
            bytes.splice(start..end, piece.bytes());
        }
        survive(bytes);
    }
}
