// SPDX-License-Identifier: MIT OR Apache-2.0
//! Who gets which policy, and why the others lost.

use super::*;
use crate::{PolicySet, Source};

fn set(policies: &[(&str, &str, i32)]) -> PolicySet {
    let source = |&(name, applies_to, priority): &(&str, &str, i32)| {
        Source::new(
            format!("{name}.yaml"),
            format!("policy: {name}\napplies_to: {applies_to}\npriority: {priority}\n"),
        )
    };
    PolicySet::from_sources(policies.iter().map(source).collect()).unwrap().set
}

fn alice() -> Person {
    let group = |gid, name: &str| Group { gid, name: name.to_owned() };
    Person {
        name: "alice".to_owned(),
        uid: 1000,
        groups: vec![group(1000, "alice"), group(50, "developers")],
    }
}

fn root() -> Person {
    Person { name: "root".to_owned(), uid: 0, groups: vec![Group { gid: 0, name: "root".to_owned() }] }
}

/// A login over the network, with a terminal.
fn ssh(address: &str) -> Login {
    let from = RemoteHost::Address(address.parse().unwrap());
    Login { service: "sshd".to_owned(), from, terminal: true }
}

/// A Monday.
fn noon() -> Timestamp {
    "2026-06-01T12:00:00Z".parse().unwrap()
}

/// The winner's name, and the losers with what they lost by.
fn chosen(set: &PolicySet, person: &Person) -> (Option<String>, Vec<(String, LostBy)>) {
    let Choice { winner, losers, .. } = set.choose(person, &ssh("192.0.2.7"), noon());
    let losers = losers.iter().map(|loser| (loser.matched.policy.name.clone(), loser.because));
    (winner.map(|winner| winner.policy.name.clone()), losers.collect())
}

fn check(policies: &[(&str, &str, i32)], winner: Option<&str>, losers: &[(&str, LostBy)]) {
    let (actual, actual_losers) = chosen(&set(policies), &alice());
    assert_eq!(actual.as_deref(), winner);
    let actual_losers: Vec<_> =
        actual_losers.iter().map(|(name, because)| (name.as_str(), *because)).collect();
    assert_eq!(actual_losers, losers);
}

#[test]
fn people_are_known_by_name_and_by_number() {
    for applies_to in
        ["{users: [alice]}", "{users: [1000]}", "{groups: [developers]}", "{groups: [50]}", "everyone"]
    {
        check(&[("p", applies_to, 0)], Some("p"), &[]);
    }
    for applies_to in
        ["{users: [bob]}", "{users: [50]}", "{groups: [dba]}", "{groups: [51]}", "{users: [developers]}"]
    {
        check(&[("p", applies_to, 0)], None, &[]);
    }
}

#[test]
fn priority_then_specificity_then_name() {
    check(
        &[
            ("a-user", "{users: [alice]}", 0),
            ("b-group", "{groups: [developers]}", 0),
            ("c-all", "everyone", 0),
            ("d-group", "{groups: [50]}", 0),
            ("e-first", "{groups: [alice]}", 5),
        ],
        Some("e-first"),
        &[
            ("a-user", LostBy::Priority),
            ("b-group", LostBy::Priority),
            ("d-group", LostBy::Priority),
            ("c-all", LostBy::Priority),
        ],
    );
    check(
        &[("z", "{users: [alice]}", 0), ("a", "{groups: [developers]}", 0), ("b", "everyone", 0)],
        Some("z"),
        &[("a", LostBy::Specificity), ("b", LostBy::Specificity)],
    );
    check(
        &[("b", "{groups: [developers]}", -1), ("a", "{groups: [50]}", -1)],
        Some("a"),
        &[("b", LostBy::Name)],
    );
    check(
        &[("all", "everyone", 1), ("mine", "{users: [alice]}", 0)],
        Some("all"),
        &[("mine", LostBy::Priority)],
    );
}

#[test]
fn the_closest_way_of_naming_counts() {
    let set = set(&[("both", "{users: [alice], groups: [developers]}", 0)]);
    let user = AccountId::Name("alice".to_owned());
    assert_eq!(set.choose(&alice(), &ssh("192.0.2.7"), noon()).winner.unwrap().by, MatchedBy::User(&user));
}

#[test]
fn no_policy_is_for_root() {
    let set = set(&[
        ("all", "everyone", 9),
        ("by-group", "{groups: [root, 0]}", 9),
        ("by-other-name", "{users: [toor]}", 9),
    ]);
    assert_eq!(chosen(&set, &root()), (None, vec![]));
    let toor = Person { name: "toor".to_owned(), ..root() };
    assert_eq!(chosen(&set, &toor), (None, vec![]));
}

/// Why a policy with these conditions does not hold for alice's login.
fn unmet_of(conditions: &str, login: &Login, at: Timestamp) -> Option<Unmet> {
    let set = set(&[("p", &format!("{{users: [alice], {conditions}}}"), 0)]);
    let choice = set.choose(&alice(), login, at);
    assert_eq!(choice.winner.is_none(), choice.excluded.len() == 1);
    choice.excluded.first().map(|excluded| excluded.because)
}

#[test]
fn conditions_are_met_by_the_login() {
    let cron = Login { service: "cron".to_owned(), from: RemoteHost::Local, terminal: false };
    let named = Login { from: RemoteHost::Name("192.0.2.7".to_owned()), ..ssh("192.0.2.7") };
    let mapped = ssh("::ffff:192.0.2.7");
    let ssh = ssh("192.0.2.7");
    for (conditions, login, expected) in [
        ("services: [sshd, login]", &ssh, None),
        ("services: [sshd, login]", &cron, Some(Unmet::Service)),
        ("from: [192.0.2.0/24]", &ssh, None),
        ("from: [192.0.2.0/24]", &mapped, None),
        ("from: [10.0.0.0/8, '2001:db8::/32']", &ssh, Some(Unmet::Origin)),
        ("from: [192.0.2.0/24]", &named, Some(Unmet::Origin)),
        ("from: [0.0.0.0/0]", &cron, Some(Unmet::Origin)),
        ("from: [local]", &cron, None),
        ("from: [local]", &ssh, Some(Unmet::Origin)),
        ("terminal: true", &ssh, None),
        ("terminal: false", &ssh, Some(Unmet::Terminal)),
        ("terminal: true", &cron, Some(Unmet::Terminal)),
        ("when: {days: [mon], timezone: UTC}", &ssh, None),
        ("when: {days: [tue-sun], timezone: UTC}", &ssh, Some(Unmet::Time)),
        // The first condition that is not met is told.
        ("services: [su], terminal: false", &ssh, Some(Unmet::Service)),
    ] {
        assert_eq!(unmet_of(conditions, login, noon()), expected, "{conditions} {login:?}");
    }
}

#[test]
fn the_policy_with_more_conditions_comes_first() {
    check(
        &[
            ("a", "{users: [alice]}", 0),
            ("b", "{users: [alice], terminal: true}", 0),
            ("c", "{users: [alice], terminal: true, services: [sshd]}", 0),
            ("d", "{everyone: true, terminal: true, services: [sshd], from: [192.0.2.7]}", 0),
        ],
        Some("c"),
        &[("b", LostBy::Conditions), ("a", LostBy::Conditions), ("d", LostBy::Specificity)],
    );
}

#[test]
fn who_is_excluded_is_told_in_order_and_does_not_win() {
    let set = set(&[
        ("day", "{everyone: true, when: {hours: 06:00-22:00, timezone: UTC}}", 5),
        ("night", "{everyone: true, when: {hours: 22:00-06:00, timezone: UTC}}", 5),
        ("rest", "everyone", 0),
    ]);
    let choice = set.choose(&alice(), &ssh("192.0.2.7"), noon());
    assert_eq!(choice.winner.unwrap().policy.name, "day");
    let excluded: Vec<_> =
        choice.excluded.iter().map(|out| (out.matched.policy.name.as_str(), out.because)).collect();
    assert_eq!(excluded, [("night", Unmet::Time)]);
    assert_eq!(choice.losers.len(), 1);
}
