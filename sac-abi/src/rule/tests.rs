// SPDX-License-Identifier: MIT OR Apache-2.0
//! Rules' keys and values.

use super::*;
use crate::hash::HashKey;
use proptest::prelude::*;
use std::collections::HashSet;
use std::vec::Vec;

fn hash(text: &str) -> TextHash {
    TextHash::of_text(HashKey::default(), text.as_bytes()).unwrap()
}

#[test]
fn a_damaged_action_denies() {
    for byte in 0..=u8::MAX {
        let known = [Action::Allow, Action::Audit, Action::Deny, Action::Kill]
            .into_iter()
            .find(|&action| action as u8 == byte);
        assert_eq!(Action::from_byte(byte), known.unwrap_or(Action::Deny), "byte {byte}");
    }
}

#[test]
fn the_stricter_action_is_greater() {
    assert!(Action::Kill > Action::Deny && Action::Deny > Action::Audit && Action::Audit > Action::Allow);
}

#[test]
fn devices_are_numbered_as_in_the_kernel() {
    assert_eq!(InodeId::new(8, 1, 7), InodeId { dev: 0x0080_0001, ino: 7, generation: None });
    assert_eq!(InodeId::new(0, 0xf_ffff, 7).dev, 0xf_ffff);
}

#[test]
fn keys_of_different_things_differ() {
    let any = InodeId::new(8, 1, 7);
    let exact = InodeId { generation: Some(0), ..any };
    let text = hash("/bin/df");
    let mut keys = Vec::new();
    for operation in Operation::ALL {
        keys.extend([
            RuleKey::policy(operation),
            RuleKey::path(operation, text),
            RuleKey::name(operation, text),
        ]);
        for inode in [any, exact] {
            keys.extend([RuleKey::inode(operation, inode), RuleKey::directory(operation, inode)]);
            keys.push(RuleKey::tree(operation, inode));
        }
    }
    keys.extend([RuleKey::grant(any), RuleKey::grant(exact)]);
    for group in [1, 2] {
        keys.extend([RuleKey::argument_at(group, 1, text), RuleKey::argument_at(group, 2, text)]);
        keys.extend([RuleKey::argument_anywhere(group, text), RuleKey::any_argument_at(group, 1)]);
        keys.extend([RuleKey::argument_count(group, 1), RuleKey::condition(group, 1)]);
    }
    keys.extend([RuleKey::shape(0), RuleKey::shape(1)]);
    let distinct: HashSet<_> = keys.iter().collect();
    assert_eq!(distinct.len(), keys.len());
}

#[test]
fn contents_are_told_apart() {
    let all = [
        Contents::PATHS,
        Contents::NAMES,
        Contents::DIRECTORIES,
        Contents::TREES,
        Contents::NUMBERED_DIRECTORIES,
        Contents::GRANTS,
        Contents::ARGUMENTS,
        Contents::AUDITED,
    ];
    for (index, one) in all.into_iter().enumerate() {
        assert!(!Contents::NONE.has(one));
        for (other_index, other) in all.into_iter().enumerate() {
            assert_eq!(one.has(other), index == other_index);
            assert!(one.and(other).has(one) && one.and(other).has(other));
        }
        assert_eq!(RuleValue::policy(Action::Allow, one).contents(), one);
    }
}

fn any_action() -> impl Strategy<Value = Action> {
    prop::sample::select(&[Action::Allow, Action::Audit, Action::Deny, Action::Kill][..])
}

fn any_family() -> impl Strategy<Value = Family> {
    prop::sample::select(&[Family::V4, Family::V6][..])
}

#[test]
fn no_value_is_no_rule() {
    assert_eq!(RuleValue::NONE.to_bits(), 0);
    assert!(!RuleValue::NONE.is_some());
    assert_eq!(RuleValue::NONE.action(), Action::Deny);
    assert!(!RuleValue::only_conditions(7).is_some());
    assert_eq!(RuleValue::only_conditions(7).group(), 7);
}

proptest! {
    #[test]
    fn a_value_reads_back(number in 0..=RuleValue::RULE_MAX, action in any_action(), group: u32) {
        let plain = RuleValue::rule(number, action);
        for value in [plain, plain.with_conditions(group), plain.overriding().with_conditions(group)] {
            let value = RuleValue::from_bits(value.to_bits());
            prop_assert_eq!((value.number(), value.action(), value.is_some()), (number, action, true));
        }
        prop_assert_eq!((plain.group(), plain.overrides()), (0, false));
        prop_assert_eq!(plain.overriding().with_conditions(group).group(), group);
        prop_assert!(plain.overriding().with_conditions(group).overrides());
        let grant = RuleValue::grant(number, group);
        prop_assert_eq!((grant.number(), grant.until_boot_s(), grant.action()), (number, group, Action::Allow));
    }

    #[test]
    fn a_number_that_is_too_great_changes_nothing_else(number: u32, action in any_action()) {
        let value = RuleValue::rule(number, action);
        prop_assert_eq!((value.action(), value.overrides(), value.group()), (action, false, 0));
    }

    #[test]
    fn a_shape_reads_back(family in any_family(), address_bits: u8, port_bits in 0..20_u8) {
        match Shape::new(family, address_bits, port_bits) {
            Some(shape) => {
                prop_assert!(address_bits <= family.bits() && port_bits <= 16);
                prop_assert_ne!(shape.to_bits(), 0);
                prop_assert_eq!(Shape::from_bits(shape.to_bits()), Some(shape));
            }
            None => prop_assert!(address_bits > family.bits() || port_bits > 16),
        }
    }

    #[test]
    fn bits_that_are_no_shape_are_none(bits: u32) {
        if let Some(shape) = Shape::from_bits(bits) {
            prop_assert_eq!(shape.to_bits(), bits);
        }
    }

    /// Two addresses have one key if and only if the shape's bits of them are the same.
    #[test]
    fn keys_of_addresses_are_masked(
        a: u128, b: u128, same in 0..=128_u32, bits in 0..=128_u8, ports: (u16, u16), port_bits in 0..=16_u8,
    ) {
        let keep = if same == 0 { 0 } else { u128::MAX << (128 - same) };
        let b = a & keep | b & !keep;
        let shape = Shape::new(Family::V6, bits, port_bits).unwrap();
        let half = |bits: u128| u64::try_from(bits & u128::from(u64::MAX)).unwrap();
        let halves = |address: u128| AddressBits { high: half(address >> 64), low: half(address) };
        let prefix = |address: u128| address.checked_shr(128 - u32::from(bits)).unwrap_or(0);
        let port_prefix = |port: u16| port.checked_shr(16 - u32::from(port_bits)).unwrap_or(0);
        let equal = prefix(a) == prefix(b) && port_prefix(ports.0) == port_prefix(ports.1);
        let keys = (RuleKey::address(shape, halves(a), ports.0), RuleKey::address(shape, halves(b), ports.1));
        prop_assert_eq!(keys.0 == keys.1, equal);
    }
}
