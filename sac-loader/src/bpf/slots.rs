// SPDX-License-Identifier: MIT OR Apache-2.0
//! Policies in the kernel: each in a slot of its own.
//!
//! A policy is published whole: its map is filled before the slot points to it, so that no look-up sees half of it.

use super::{
    enforcement::{EnforcementError, map_error},
    pod,
};
use aya::maps::{HashMap, HashOfMaps, Map, MapData};
use sac_abi::{RuleKey, RuleValue};

/// `BPF_F_NO_PREALLOC`: the flags of an inner map must be those of the definition in sac-bpf.
const NO_PREALLOC: u32 = 1;

type Rules = HashMap<MapData, pod::Key, u64>;

/// The number of a policy's place in the kernel. 0 is none: a scope that was never filled in has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Slot(u32);

impl Slot {
    pub(crate) const fn number(self) -> u32 {
        self.0
    }
}

/// The map of policies.
pub(crate) struct PolicySlots {
    policies: HashOfMaps<MapData, u32, Rules>,
    last: u32,
}

impl PolicySlots {
    /// Takes over the map, with the slots that an earlier loader has filled.
    pub(super) fn new(map: Map) -> Result<Self, EnforcementError> {
        let policies: HashOfMaps<_, u32, Rules> = map.try_into().map_err(map_error("open", "POLICIES"))?;
        let mut last = 0;
        for slot in policies.keys() {
            last = last.max(slot.map_err(map_error("read", "POLICIES"))?);
        }
        Ok(Self { policies, last })
    }

    /// A slot that has never been used.
    pub(crate) fn reserve(&mut self) -> Slot {
        self.last += 1;
        Slot(self.last)
    }

    /// Publishes a policy, in place of the one that the slot had.
    ///
    /// # Errors
    ///
    /// Where the kernel has no memory for it; the slot keeps what it had.
    pub(crate) fn publish(
        &mut self,
        slot: Slot,
        rules: &[(RuleKey, RuleValue)],
    ) -> Result<(), EnforcementError> {
        let write = map_error("fill", "POLICIES");
        let room = u32::try_from(rules.len()).unwrap_or(u32::MAX).max(1);
        let mut map = Rules::create(room, NO_PREALLOC).map_err(&write)?;
        for (key, value) in rules {
            map.insert(pod::Key(*key), value.to_bits(), 0).map_err(&write)?;
        }
        self.policies.insert(slot.0, &map, 0).map_err(write)
    }

    /// The slots that hold a policy.
    ///
    /// # Errors
    ///
    /// Where the map cannot be read.
    pub(crate) fn used(&self) -> Result<Vec<Slot>, EnforcementError> {
        self.policies.keys().map(|slot| slot.map(Slot).map_err(map_error("read", "POLICIES"))).collect()
    }

    /// Empties a slot that no scope names any more.
    ///
    /// # Errors
    ///
    /// Where the kernel refuses.
    pub(crate) fn withdraw(&mut self, slot: Slot) -> Result<(), EnforcementError> {
        self.policies.remove(&slot.0).map_err(map_error("delete from", "POLICIES"))
    }
}
