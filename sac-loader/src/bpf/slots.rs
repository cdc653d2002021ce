// SPDX-License-Identifier: MIT OR Apache-2.0
//! Policies in the kernel: each in a slot of its own.
//!
//! A policy is published whole: its map is filled before the slot points to it, so that no look-up sees half of it. A slot never
//! comes to hold another policy.

use super::{
    enforcement::{EnforcementError, map_error},
    pod,
};
use aya::maps::{HashMap, HashOfMaps, Map, MapData};
use sac_abi::{Operation, RuleKey, RuleValue, rule::Contents};
use std::collections::BTreeSet;

/// `BPF_F_NO_PREALLOC`: the flags of an inner map must be those of the definition in sac-bpf.
const NO_PREALLOC: u32 = 1;

type Rules = HashMap<MapData, pod::Key, u64>;

/// The number of a policy's place in the kernel. 0 is none: a scope that was never filled in has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Slot(u32);

impl Slot {
    /// A slot that never holds a policy: whoever has it may do nothing.
    pub(crate) const CLOSED: Self = Self(u32::MAX);

    pub(crate) const fn number(self) -> u32 {
        self.0
    }

    /// The slot of this number, which came from [`Slot::number`].
    pub(crate) const fn from_number(number: u32) -> Self {
        Self(number)
    }
}

/// The map of policies.
pub(crate) struct PolicySlots {
    policies: HashOfMaps<MapData, u32, Rules>,
    last: u32,
    /// Slots whose policy has no conditions on arguments.
    unconditional: BTreeSet<u32>,
}

impl PolicySlots {
    /// Takes over the map, with the slots that an earlier loader has filled.
    pub(super) fn new(map: Map) -> Result<Self, EnforcementError> {
        let policies: HashOfMaps<_, u32, Rules> = map.try_into().map_err(map_error("open", "POLICIES"))?;
        let mut last = 0;
        for slot in policies.keys() {
            last = last.max(slot.map_err(map_error("read", "POLICIES"))?);
        }
        Ok(Self { policies, last, unconditional: BTreeSet::new() })
    }

    /// A slot that has never been used.
    pub(crate) fn reserve(&mut self) -> Slot {
        self.last += 1;
        Slot(self.last)
    }

    /// Sees to it that slots up to this one are never given out again: somebody may still be under one that was emptied.
    pub(crate) fn skip(&mut self, slot: u32) {
        if slot != Slot::CLOSED.0 {
            self.last = self.last.max(slot);
        }
    }

    /// Publishes policies into slots that are empty: all of them, or none.
    ///
    /// # Errors
    ///
    /// Where the kernel has no memory for them.
    pub(crate) fn publish(&mut self, policies: &[(Slot, &[(RuleKey, u64)])]) -> Result<(), EnforcementError> {
        let maps = policies.iter().map(|(_, rules)| filled(rules)).collect::<Result<Vec<_>, _>>()?;
        for (index, ((slot, _), map)) in policies.iter().zip(&maps).enumerate() {
            if let Err(error) = self.policies.insert(slot.0, map, 0) {
                for (slot, _) in policies.iter().take(index) {
                    self.policies.remove(&slot.0).map_err(map_error("delete from", "POLICIES"))?;
                }
                return Err(map_error("fill", "POLICIES")(error));
            }
        }
        let unconditional = policies.iter().filter(|(_, rules)| !has_conditions(rules));
        self.unconditional.extend(unconditional.map(|(slot, _)| slot.0));
        Ok(())
    }

    /// Whether any of these may hold a policy with conditions on arguments. What an earlier loader filled may.
    pub(super) fn may_have_conditions(&self, slots: &[u32]) -> bool {
        slots.iter().any(|slot| ![0, Slot::CLOSED.0].contains(slot) && !self.unconditional.contains(slot))
    }

    /// The slots that hold a policy.
    ///
    /// # Errors
    ///
    /// Where the map cannot be read.
    pub(crate) fn used(&self) -> Result<Vec<Slot>, EnforcementError> {
        let slots = self.policies.keys().map(|slot| slot.map(Slot).map_err(map_error("read", "POLICIES")));
        // Slot 0 is filled only in passing, see `withdraw`.
        slots.filter(|slot| !matches!(slot, Ok(Slot(0)))).collect()
    }

    /// Empties slots that no scope names any more. A program that read one of them from its scope before that has gone through with it
    /// when this begins: exchanging an inner map, as the first of these steps does, waits for all running programs.
    ///
    /// # Errors
    ///
    /// Where the kernel refuses.
    pub(crate) fn withdraw(&mut self, slots: &[Slot]) -> Result<(), EnforcementError> {
        if slots.is_empty() {
            return Ok(());
        }
        // `maybe_wait_bpf_programs` of kernel/bpf/syscall.c. Slot 0 is nobody's, and an empty policy allows nothing.
        self.policies.insert(0, &filled(&[])?, 0).map_err(map_error("fill", "POLICIES"))?;
        for slot in [&Slot(0)].into_iter().chain(slots) {
            self.policies.remove(&slot.0).map_err(map_error("delete from", "POLICIES"))?;
            self.unconditional.remove(&slot.0);
        }
        Ok(())
    }
}

/// Whether a policy has conditions on arguments.
fn has_conditions(rules: &[(RuleKey, u64)]) -> bool {
    let key = RuleKey::policy(Operation::Execute);
    let of_policy = rules.iter().find(|(of, _)| *of == key);
    of_policy.is_some_and(|(_, value)| RuleValue::from_bits(*value).contents().has(Contents::ARGUMENTS))
}

/// A policy's map.
fn filled(rules: &[(RuleKey, u64)]) -> Result<Rules, EnforcementError> {
    let write = map_error("fill", "POLICIES");
    let room = u32::try_from(rules.len()).unwrap_or(u32::MAX).max(1);
    let mut map = Rules::create(room, NO_PREALLOC).map_err(&write)?;
    for (key, value) in rules {
        map.insert(pod::Key(*key), value, 0).map_err(&write)?;
    }
    Ok(map)
}
