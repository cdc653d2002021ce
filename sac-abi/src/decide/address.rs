// SPDX-License-Identifier: MIT OR Apache-2.0
//! Addresses that somebody wants to connect to.

use super::{Rules, Verdict};
use crate::rule::{Action, AddressBits, Family, Operation, RuleKey, RuleValue, Shape};

/// An address and a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address {
    family: Family,
    bits: AddressBits,
    port: u16,
}

impl Address {
    /// An IPv4 address.
    #[must_use]
    #[inline(always)]
    pub const fn v4(address: u32, port: u16) -> Self {
        Self { family: Family::V4, bits: AddressBits::v4(address), port }
    }

    /// An IPv6 address by its two halves; one that only wraps an IPv4 address is that one, because it leads to the same host.
    #[must_use]
    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "the lower half is the wrapped address")]
    pub const fn v6(high: u64, low: u64, port: u16) -> Self {
        if high == 0 && low >> 32 == 0xffff {
            return Self::v4(low as u32, port);
        }
        Self { family: Family::V6, bits: AddressBits { high, low }, port }
    }
}

/// Decides whether somebody may connect to an address.
///
/// One look-up for each shape that the policy's rules have, however many rules there are. Of the rules that hold, one that
/// overrides comes first, then the strictest that denies, then one that allows, and without any the policy's default.
#[must_use]
#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "a shape has 32 bits, and the map a value of 64")]
pub fn decide_address(rules: &impl Rules, address: Address) -> Verdict {
    let policy = RuleValue::from_bits(rules.get(&RuleKey::policy(Operation::Connect)));
    if !policy.is_some() {
        return Verdict::NO_POLICY;
    }
    let mut restriction = rules.zero();
    let mut permission = rules.zero();
    let mut override_ = rules.zero();
    for index in 0..Shape::COUNT_MAX {
        let Some(shape) = Shape::from_bits(rules.get(&RuleKey::shape(index)) as u32) else { break };
        if shape.family() as u8 != address.family as u8 {
            continue;
        }
        let bits = rules.get(&RuleKey::address(shape, address.bits, address.port));
        let value = RuleValue::from_bits(bits);
        if value.action_byte() == Action::Allow as u8 {
            permission = bits;
            if value.overrides() {
                override_ = bits;
            }
        } else if value.action_byte() > RuleValue::from_bits(restriction).action_byte() {
            restriction = bits;
        }
    }
    let decisive = [override_, restriction, permission].into_iter().find(|bits| *bits != 0);
    decisive.map_or(policy, RuleValue::from_bits).into()
}

#[cfg(test)]
mod tests;
