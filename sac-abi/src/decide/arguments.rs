// SPDX-License-Identifier: MIT OR Apache-2.0
//! Conditions on a program's arguments.
//!
//! They are looked at when the new program's memory is in place and nothing of it has run: the caller has no way left to
//! change them. The price is that the calling program has gone by then, so whatever blocks there kills.
//!
//! All conditions on one file are a group. Each of them has a bit; going through the arguments once, bits of those that an
//! argument contradicts are cleared, and what is left at the end holds.

use super::{Rules, Verdict};
use crate::hash::{TEXT_BYTES_MAX, TextHash};
use crate::rule::{Action, Operation, RuleKey, RuleValue};

/// How many arguments are looked at, the program's name not counted. A program with more is blocked where there is a condition.
pub const ARGUMENTS_MAX: u32 = 64;

/// Longest argument in bytes that is looked at. One byte less than a text: one that fills the kernel half's buffer cannot be told
/// from one that was cut.
pub const ARGUMENT_BYTES_MAX: usize = TEXT_BYTES_MAX - 1;

/// Most conditions in one group.
pub const CONDITIONS_MAX: u32 = 32;

/// One argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Argument {
    /// Its hash.
    Known(TextHash),
    /// Longer than [`crate::hash::TEXT_BYTES_MAX`], or the kernel would not say.
    Unreadable,
}

/// A program's arguments.
pub trait Arguments {
    /// How many there are, the program's name not counted.
    fn count(&self) -> u32;
    /// Looks at each of the first [`ARGUMENTS_MAX`] arguments in turn, until [`Matching::add`] says that there is no use in going on.
    fn each(&mut self, rules: &impl Rules, matching: &mut Matching);
}

/// Which conditions can still hold.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Matching {
    /// Conditions on all arguments that no argument has contradicted.
    possible: u64,
    /// Conditions on any argument that one has met; [`UNREADABLE`] where an argument could not be looked at.
    met: u64,
    /// The group.
    group: u32,
    /// How many arguments were looked at.
    position: u32,
}

impl Matching {
    /// Notes that the arguments cannot be looked at, so that nothing is allowed.
    #[inline(always)]
    pub fn give_up(&mut self) {
        self.met = UNREADABLE;
    }

    /// Takes the next argument into account; `false` where the rest does not matter any more.
    #[inline(always)]
    pub fn add(&mut self, rules: &impl Rules, argument: Argument) -> bool {
        let Argument::Known(text) = argument else {
            self.give_up();
            return false;
        };
        self.position = self.position.wrapping_add(1);
        let here = rules.get(&RuleKey::argument_at(self.group, self.position, text));
        let any = rules.get(&RuleKey::any_argument_at(self.group, self.position));
        self.possible &= here | any;
        self.met |= rules.get(&RuleKey::argument_anywhere(self.group, text));
        true
    }
}

/// Stands in the result of [`matching_conditions`] where not all arguments could be looked at.
const UNREADABLE: u64 = 1 << 63;

/// Decides about a program for whose file [`super::decide`] gave `otherwise` and the conditions of `group`.
///
/// Of the conditions that hold, one that overrides comes first, then the strictest that denies, then one that allows, and
/// without any `otherwise` holds. A rule that audits the file under any arguments also comes before what allows. An action of
/// [`Action::Deny`] becomes [`Action::Kill`].
#[must_use]
#[inline(always)]
pub fn decide_arguments(
    rules: &impl Rules,
    group: u32,
    otherwise: Verdict,
    arguments: &mut impl Arguments,
) -> Verdict {
    let possible = possible_conditions(rules, group, arguments.count());
    let matching = matching_conditions(rules, group, possible, arguments);
    decide_conditions(rules, group, otherwise, matching)
}

// The three steps of `decide_arguments`, each on its own for the kernel half's stack.

/// The conditions of a group that take `count` arguments, a bit for each.
#[must_use]
#[inline(always)]
pub fn possible_conditions(rules: &impl Rules, group: u32, count: u32) -> u64 {
    if count > ARGUMENTS_MAX { UNREADABLE } else { rules.get(&RuleKey::argument_count(group, count)) }
}

/// The conditions that hold, a bit for each; `possible` is what [`possible_conditions`] gave.
#[must_use]
#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "it is 0")]
pub fn matching_conditions(
    rules: &impl Rules,
    group: u32,
    possible: u64,
    arguments: &mut impl Arguments,
) -> u64 {
    if possible & UNREADABLE != 0 {
        return UNREADABLE;
    }
    // See `Search::new` for why nothing here may be a number that the verifier knows.
    let mut matching = Matching { possible, met: rules.zero(), group, position: rules.zero() as u32 };
    arguments.each(rules, &mut matching);
    matching.possible | matching.met
}

/// What the conditions in `matching` amount to.
#[must_use]
#[inline(always)]
pub fn decide_conditions(rules: &impl Rules, group: u32, otherwise: Verdict, matching: u64) -> Verdict {
    if matching & UNREADABLE != 0 {
        return unreadable(rules);
    }
    let mut override_ = rules.zero();
    let mut restriction = rules.zero();
    let mut permission = rules.zero();
    for index in 0..CONDITIONS_MAX {
        // Where the condition does not hold, what is found is multiplied away. A `continue` here would lay the loop out in a way that the
        // verifier of 6.1 takes for endless.
        let holds = matching >> index & 1;
        let bits = rules.get(&RuleKey::condition(group, index)).wrapping_mul(holds);
        let value = RuleValue::from_bits(bits);
        if value.action_byte() == Action::Allow as u8 {
            permission = bits;
            if value.overrides() {
                override_ = bits;
            }
        }
        if value.action_byte() > Action::Allow as u8
            && value.action_byte() > RuleValue::from_bits(restriction).action_byte()
        {
            restriction = bits;
        }
        let zero = rules.zero();
        override_ = override_.wrapping_add(zero);
        restriction = restriction.wrapping_add(zero);
        permission = permission.wrapping_add(zero);
    }
    // With number 0 it is the policy's default, which gives way to every rule.
    let otherwise_restricts = otherwise.rule != 0 && otherwise.action_byte > Action::Allow as u8;
    let verdict = if override_ != 0 {
        RuleValue::from_bits(override_).into()
    } else if restriction != 0 {
        RuleValue::from_bits(restriction).into()
    } else if permission != 0 && !otherwise_restricts {
        RuleValue::from_bits(permission).into()
    } else {
        otherwise
    };
    // Whatever is stricter than to audit.
    let action_byte =
        if verdict.action_byte > Action::Audit as u8 { Action::Kill as u8 } else { verdict.action_byte };
    Verdict { action_byte, ..verdict }
}

/// The verdict where not all arguments can be known.
#[inline(always)]
fn unreadable(rules: &impl Rules) -> Verdict {
    let policy = RuleValue::from_bits(rules.get(&RuleKey::policy(Operation::Execute)));
    Verdict::ARGUMENTS_UNREADABLE.under(policy.contents())
}

#[cfg(test)]
mod tests;
