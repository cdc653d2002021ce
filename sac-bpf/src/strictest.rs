// SPDX-License-Identifier: GPL-2.0-only OR MIT
//! One verdict where several policies hold: the strictest.

use crate::maps::{Policy, PolicyRules};
use sac_abi::{Action, Verdict, decide::Decision};

/// [`Decision::to_bits`] of what holds where nobody objects.
pub(crate) const ALLOWED: u64 = Decision { verdict: Verdict::new(Action::Allow, 0), group: 0 }.to_bits();

/// [`Decision::to_bits`] of what holds under a slot without a policy.
pub(crate) const NO_POLICY: u64 = Decision { verdict: Verdict::NO_POLICY, group: 0 }.to_bits();

/// [`Decision::to_bits`] of what holds where nothing may be executed that cannot be recorded.
pub(crate) const UNRECORDED: u64 = Decision { verdict: Verdict::UNRECORDED, group: 0 }.to_bits();

/// Whether a decision is stricter than another one, both as [`Decision::to_bits`].
#[inline(always)]
pub(crate) const fn is_stricter(decision: u64, than: u64) -> bool {
    Decision::from_bits(decision).verdict.action_byte() > Decision::from_bits(than).verdict.action_byte()
}

/// The strictest of what has been said, and whose it is. In numbers, see [`sac_abi::Rules::zero`].
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct Strictest {
    /// [`Decision::to_bits`].
    decision: u64,
    /// Which one of those that were asked, counted from 0.
    pub(crate) by: u32,
    /// The slot of its policy.
    pub(crate) slot: u32,
}

impl Strictest {
    /// Nobody has said anything.
    pub(crate) const NONE: Self = Self { decision: ALLOWED, by: 0, slot: 0 };

    /// Asks policies in turn, until there is no slot any more. `judge` gives [`Decision::to_bits`].
    #[inline(always)]
    pub(crate) fn of(
        count: usize,
        slot: impl Fn(usize) -> u32,
        mut judge: impl FnMut(&Policy) -> u64,
    ) -> Self {
        let mut strictest = Self::NONE;
        for index in 0..count {
            let slot = slot(index);
            if slot == 0 {
                break;
            }
            let decision = match PolicyRules::of_slot(slot) {
                Some(rules) => judge(rules.map()),
                None => NO_POLICY,
            };
            strictest.add(index as u32, slot, decision);
        }
        strictest
    }

    /// What one more says.
    #[inline(always)]
    pub(crate) fn add(&mut self, by: u32, slot: u32, decision: u64) {
        if is_stricter(decision, self.decision) {
            *self = Self { decision, by, slot };
        }
    }

    /// [`Decision::to_bits`] of it.
    #[inline(always)]
    pub(crate) const fn decision(&self) -> u64 {
        self.decision
    }

    #[inline(always)]
    pub(crate) const fn verdict(&self) -> Verdict {
        Decision::from_bits(self.decision).verdict
    }
}
