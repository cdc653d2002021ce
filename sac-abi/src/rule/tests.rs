// SPDX-License-Identifier: MIT OR Apache-2.0
//! Rules' keys and values.

use super::*;

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
fn a_path_is_hashed_up_to_its_nul() {
    let mut buffer = [0xff; PATH_BUFFER_BYTES];
    buffer[..8].copy_from_slice(b"/bin/df\0");
    assert_eq!(Some(PathHash::of_buffer(&buffer)), PathHash::of_path(b"/bin/df"));
    assert_ne!(PathHash::of_path(b"/bin/df"), PathHash::of_path(b"/bin/dg"));
    assert_ne!(PathHash::of_path(b""), PathHash::of_path(b"/"));
}

#[test]
fn a_path_that_no_rule_can_name_has_no_hash() {
    assert!(PathHash::of_path(&[b'a'; PATH_BYTES_MAX]).is_some());
    assert_eq!(PathHash::of_path(&[b'a'; PATH_BYTES_MAX + 1]), None);
    assert_eq!(PathHash::of_path(b"/bin/\0df"), None);
}

#[test]
fn devices_are_numbered_as_in_the_kernel() {
    assert_eq!(InodeId::new(8, 1, 7), InodeId { dev: 0x0080_0001, ino: 7, generation: None });
    assert_eq!(InodeId::new(0, 0xf_ffff, 7).dev, 0xf_ffff);
}

#[test]
fn a_value_reads_back_from_its_bits() {
    for value in [RuleValue::rule(u32::MAX, Action::Kill), RuleValue::policy(Action::Audit, PathRules::Some)]
    {
        assert_eq!(RuleValue::from_bits(value.to_bits()), value);
    }
    assert_eq!(RuleValue::from_bits(0).action(), Action::Deny);
}
