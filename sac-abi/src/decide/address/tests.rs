// SPDX-License-Identifier: MIT OR Apache-2.0
//! The verdict on addresses against a slow, obvious oracle.

use super::super::tests::{Table, any_action};
use super::*;
use crate::rule::Contents;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::vec::Vec;

fn halves(bits: u128) -> (u64, u64) {
    let half = |bits: u128| u64::try_from(bits & u128::from(u64::MAX)).unwrap();
    (half(bits >> 64), half(bits))
}

fn of(address: IpAddr, port: u16) -> Address {
    match address {
        IpAddr::V4(address) => Address::v4(address.to_bits(), port),
        IpAddr::V6(address) => {
            let (high, low) = halves(address.to_bits());
            Address::v6(high, low, port)
        }
    }
}

fn key(shape: Shape, address: IpAddr, port: u16) -> RuleKey {
    let address = of(address, port);
    RuleKey::address(shape, address.bits, port)
}

fn v4(a: u8, b: u8) -> IpAddr {
    Ipv4Addr::new(10, 0, a, b).into()
}

fn table(default: Action, rules: &[(Shape, IpAddr, u16, RuleValue)]) -> Table {
    let mut table = Table::default();
    let policy = RuleValue::policy(default, Contents::NONE);
    table.entries.insert(RuleKey::policy(Operation::Connect), policy.to_bits());
    let mut shapes: Vec<Shape> = rules.iter().map(|(shape, ..)| *shape).collect();
    shapes.sort();
    shapes.dedup();
    for (index, shape) in (0..).zip(shapes) {
        table.entries.insert(RuleKey::shape(index), shape.to_bits().into());
    }
    for (shape, address, port, value) in rules {
        table.entries.insert(key(*shape, *address, *port), value.to_bits());
    }
    table
}

#[test]
fn without_a_policy_nothing_is_allowed() {
    assert_eq!(decide_address(&Table::default(), of(v4(0, 1), 22)), Verdict::NO_POLICY);
}

#[test]
fn an_address_that_wraps_another_is_that_one() {
    let shape = Shape::new(Family::V4, 32, 16).unwrap();
    let rules = table(Action::Allow, &[(shape, v4(0, 1), 22, RuleValue::rule(1, Action::Deny))]);
    let mapped = IpAddr::V6(Ipv4Addr::new(10, 0, 0, 1).to_ipv6_mapped());
    assert_eq!(decide_address(&rules, of(mapped, 22)), Verdict::new(Action::Deny, 1));
    // This one only looks like it.
    let compatible = IpAddr::V6(Ipv6Addr::from_bits(0x0a00_0001));
    assert_eq!(decide_address(&rules, of(compatible, 22)).action(), Action::Allow);
}

#[test]
fn the_last_shape_is_looked_at() {
    let shape = |bits: u8| Shape::new(Family::V6, bits, 0).unwrap();
    let loopback = IpAddr::V6(Ipv6Addr::LOCALHOST);
    let last = u8::try_from(Shape::COUNT_MAX).unwrap() - 1;
    let elsewhere = IpAddr::V6(Ipv6Addr::from_bits(u128::MAX));
    let mut rules: Vec<_> =
        (1..last).map(|bits| (shape(bits), elsewhere, 0, RuleValue::rule(1, Action::Audit))).collect();
    rules.push((shape(127), elsewhere, 0, RuleValue::rule(1, Action::Audit)));
    rules.push((shape(128), loopback, 0, RuleValue::rule(2, Action::Kill)));
    assert_eq!(rules.len(), Shape::COUNT_MAX as usize);
    assert_eq!(decide_address(&table(Action::Allow, &rules), of(loopback, 80)).rule, 2);
}

#[test]
fn families_are_apart() {
    let all = Shape::new(Family::V4, 0, 0).unwrap();
    let rules = table(Action::Allow, &[(all, v4(0, 0), 0, RuleValue::rule(1, Action::Deny))]);
    assert_eq!(decide_address(&rules, of(v4(9, 9), 1)).action(), Action::Deny);
    assert_eq!(decide_address(&rules, of(IpAddr::V6(Ipv6Addr::UNSPECIFIED), 1)).action(), Action::Allow);
}

fn any_address() -> impl Strategy<Value = IpAddr> {
    let v6 = (prop::sample::select(&[0_u128, 1 << 127, 1 << 64, 1 << 63][..]), 0..4_u128);
    prop_oneof![
        (0..2_u8, 0..4_u8).prop_map(|(a, b)| v4(a, b)),
        v6.prop_map(|(high, low)| Ipv6Addr::from_bits(high | low).into()),
    ]
}

fn any_port() -> impl Strategy<Value = u16> {
    prop_oneof![Just(0), Just(u16::MAX), 20..24_u16]
}

fn prefix(address: IpAddr, bits: u8) -> Vec<bool> {
    let bytes = match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    };
    let bit = |index: usize| bytes[index / 8] >> (7 - index % 8) & 1 == 1;
    (0..usize::from(bits)).map(bit).collect()
}

/// Whether an address and port are among those of a rule.
fn holds(shape: (u8, u8), rule: (IpAddr, u16), address: (IpAddr, u16)) -> bool {
    let port = |port: u16| port.checked_shr(16 - u32::from(shape.1)).unwrap_or(0);
    rule.0.is_ipv4() == address.0.is_ipv4()
        && prefix(rule.0, shape.0) == prefix(address.0, shape.0)
        && port(rule.1) == port(address.1)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn agrees_with_walking_the_list(
        default in any_action(),
        rules in prop::collection::vec((any_address(), any_port(), 0..=128_u8, 0..=16_u8, any_action(), any::<bool>()), 0..8),
        address in any_address(),
        port in any_port(),
    ) {
        // Of rules with one key only the last is in the table, so also in the oracle's list.
        let mut kept = BTreeMap::new();
        for (number, (base, base_port, bits, port_bits, action, overrides)) in (1..).zip(rules) {
            let family = if base.is_ipv4() { Family::V4 } else { Family::V6 };
            let bits = bits % (family.bits() + 1);
            let shape = Shape::new(family, bits, port_bits).unwrap();
            let value = RuleValue::rule(number, action);
            let value = if overrides { value.overriding() } else { value };
            let rule = (shape, base, base_port, value);
            kept.insert(key(shape, base, base_port), (rule, (bits, port_bits), action, overrides));
        }
        let entered: Vec<_> = kept.values().map(|(rule, ..)| *rule).collect();
        let verdict = decide_address(&table(default, &entered), of(address, port));

        // Where nothing is said the kernel connects to the machine itself.
        let reached = if address == Ipv6Addr::UNSPECIFIED { Ipv6Addr::LOCALHOST.into() } else { address };
        let holding: Vec<_> = kept.values()
            .filter(|((_, base, base_port, _), shape, ..)| holds(*shape, (*base, *base_port), (reached, port)))
            .map(|(_, _, action, overrides)| (*action, *overrides))
            .collect();
        let strictest = holding.iter().map(|(action, _)| *action).filter(|action| *action > Action::Allow).max();
        let expected = if holding.contains(&(Action::Allow, true)) {
            Action::Allow
        } else if let Some(strictest) = strictest {
            strictest
        } else if holding.is_empty() {
            default
        } else {
            Action::Allow
        };
        prop_assert_eq!(verdict.action(), expected);
    }
}

#[test]
fn the_default_holds_for_what_no_rule_names() {
    let rules = table(Action::Audit, &[]);
    assert_eq!(decide_address(&rules, of(v4(0, 0), 1)), Verdict::new(Action::Audit, 0));
}
