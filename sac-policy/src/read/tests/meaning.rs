// SPDX-License-Identifier: MIT OR Apache-2.0
//! What each part of the language means.

use super::*;

pub(super) const WHOLE: &str = "
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
    assert_eq!([0, 5, u32::MAX].map(|number| policy.rule(number).is_none()), [true; 3]);
}

/// The policy with every part of the language that needs no rule set.
pub(super) const MORE: &str = "
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
    - sha256: 000102030405060708090a0b0c0d0e0f101112131415161718191A1B1C1D1E1F
      action: audit
    - path: /usr/bin/systemctl
      args: [stop, \"*\"]
    - path: /usr/bin/find
      args_any: [-exec, -delete]
  allow:
    - path: /usr/bin/systemctl
      args: [status, \"**\"]
      override: true
  untrusted: deny
  execmem: audit
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
confined_root: true
limits: {processes: 200, sessions: 3, session_length: 8h, idle: 30m, warning: 1m30s}
strikes: {blocked: 5, within: 10m, then: freeze}
unlabelled: deny
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
    assert_eq!(policy.unlabelled, Unlabelled::Deny);
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
    let digest = core::array::from_fn(|at| u8::try_from(at).unwrap());
    use sac_abi::Operation::{Administer, Connect, Create, Delete, Execute, Rename, Write};
    let expected = [
        (path("/usr/bin/wget"), vec![Execute], Action::Deny, None),
        (Subject::Directory("/opt/tools".into()), vec![Execute], Action::Kill, None),
        (Subject::Tree("/srv/games".into()), vec![Execute], Action::Kill, None),
        (Subject::Name("nmap".to_owned()), vec![Execute], Action::Kill, None),
        (Subject::Content(digest), vec![Execute], Action::Audit, None),
        (path("/usr/bin/systemctl"), vec![Execute], Action::Kill, Some(stop)),
        (path("/usr/bin/find"), vec![Execute], Action::Kill, Some(exec)),
        (path("/usr/bin/systemctl"), vec![Execute], Action::Allow, Some(status)),
        (Subject::Untrusted, vec![Execute], Action::Kill, None),
        (Subject::ExecutableMemory, vec![Execute], Action::Audit, None),
        (Subject::Tree("/srv/records".into()), vec![Delete, Rename, Write, Create], Action::Kill, None),
        (Subject::Tree("/srv/records/tmp".into()), vec![Delete], Action::Allow, None),
        (address("10.0.0.0/8", &[]), vec![Connect], Action::Kill, None),
        (address("192.0.2.0/24", &[(22, 22), (8000, 8999)]), vec![Connect], Action::Kill, None),
        (address("10.1.2.3", &[(443, 443)]), vec![Connect], Action::Allow, None),
        (Subject::Administration, vec![Administer], Action::Kill, None),
    ];
    let rules: Vec<_> = policy
        .rules
        .iter()
        .map(|rule| (rule.subject.clone(), rule.operations.clone(), rule.action, rule.arguments.clone()))
        .collect();
    assert_eq!(rules, expected);
    let overriding: Vec<_> =
        policy.rules.iter().filter(|rule| rule.overrides).map(|rule| rule.number).collect();
    assert_eq!(overriding, [8, 12, 15]);
    assert_eq!((policy.rules[8].number, policy.rules[8].line(), policy.rules[9].line()), (9, 33, 34));
    assert_eq!(policy.rules[4].subject.to_string().get(..8), Some("00010203"));
    assert_eq!(policy.rules[4].subject.to_string().get(56..), Some("1c1d1e1f"));
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
fn what_is_not_said_is_harmless() {
    let policy = policy("policy: p\napplies_to: everyone\n");
    assert_eq!((policy.priority, policy.action, policy.default), (0, Action::Kill, Action::Allow));
    assert_eq!((policy.rules.len(), policy.description), (0, None));
}

#[test]
fn lists_can_be_commented_out() {
    check(&[("programs:", &[]), ("programs:\n  deny:\n  # - /usr/bin/df\n", &[])]);
}
