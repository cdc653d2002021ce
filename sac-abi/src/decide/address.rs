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
    /// An IPv4 address. The unspecified one is the machine itself, because that is where the kernel connects then.
    #[must_use]
    #[inline(always)]
    pub const fn v4(address: u32, port: u16) -> Self {
        const LOOPBACK: u32 = 0x7f00_0001;
        let address = if address == 0 { LOOPBACK } else { address };
        Self { family: Family::V4, bits: AddressBits::v4(address), port }
    }

    /// An IPv6 address by its two halves; one that only wraps an IPv4 address is that one, because it leads to the same host.
    /// The unspecified one is the machine itself here, too.
    #[must_use]
    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "the lower half is the wrapped address")]
    pub const fn v6(high: u64, low: u64, port: u16) -> Self {
        if high == 0 && low >> 32 == 0xffff {
            return Self::v4(low as u32, port);
        }
        let low = if high == 0 && low == 0 { 1 } else { low };
        Self { family: Family::V6, bits: AddressBits { high, low }, port }
    }

    /// As an IPv6 address by its two halves, in which an IPv4 address is mapped.
    #[must_use]
    #[inline(always)]
    pub const fn to_v6(&self) -> (u64, u64) {
        match self.family {
            Family::V4 => (0, 0xffff << 32 | self.bits.high >> 32),
            Family::V6 => (self.bits.high, self.bits.low),
        }
    }

    /// The port.
    #[must_use]
    #[inline(always)]
    pub const fn port(&self) -> u16 {
        self.port
    }
}

/// Decides whether somebody may connect to an address.
///
/// One look-up for each shape that the policy's rules have, however many rules there are. Of the rules that hold, one that
/// overrides comes first, then the strictest that denies, then one that allows, and without any the policy's default.
#[must_use]
#[inline(always)]
pub fn decide_address(rules: &impl Rules, address: Address) -> Verdict {
    let mut search = AddressSearch::new(rules);
    for index in 0..Shape::COUNT_MAX {
        if !search.add_shape(rules, address, index) {
            break;
        }
    }
    search.verdict()
}

/// The search for the rules that hold for an address, and what it has found: step by step, because a plain loop over shapes is too
/// much for the verifier.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct AddressSearch {
    /// The value of [`RuleKey::policy`]; 0 where there is no policy.
    policy: u64,
    restriction: u64,
    permission: u64,
    override_: u64,
}

impl AddressSearch {
    /// Begins; see [`Rules::zero`] for how.
    #[must_use]
    #[inline(always)]
    pub fn new(rules: &impl Rules) -> Self {
        let zero = rules.zero();
        let policy = rules.get(&RuleKey::policy(Operation::Connect)).wrapping_add(zero);
        Self { policy, restriction: zero, permission: zero, override_: zero }
    }

    /// Takes the rules of the `index`th shape into account; `false` where there are no more.
    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "a shape has 32 bits, and the map a value of 64")]
    pub fn add_shape(&mut self, rules: &impl Rules, address: Address, index: u32) -> bool {
        let Some(shape) = Shape::from_bits(rules.get(&RuleKey::shape(index)) as u32) else { return false };
        if shape.family() as u8 != address.family as u8 {
            return true;
        }
        let zero = rules.zero();
        let bits = rules.get(&RuleKey::address(shape, address.bits, address.port));
        let value = RuleValue::from_bits(bits);
        if value.action_byte() == Action::Allow as u8 {
            self.permission = bits;
            if value.overrides() {
                self.override_ = bits;
            }
        } else if value.action_byte() > RuleValue::from_bits(self.restriction).action_byte() {
            self.restriction = bits;
        }
        self.permission = self.permission.wrapping_add(zero);
        self.override_ = self.override_.wrapping_add(zero);
        self.restriction = self.restriction.wrapping_add(zero);
        true
    }

    /// What holds.
    #[must_use]
    #[inline(always)]
    pub fn verdict(&self) -> Verdict {
        if !RuleValue::from_bits(self.policy).is_some() {
            return Verdict::NO_POLICY;
        }
        let found = [self.override_, self.restriction, self.permission].into_iter().find(|bits| *bits != 0);
        RuleValue::from_bits(found.unwrap_or(self.policy)).into()
    }
}

#[cfg(test)]
mod tests;
