// SPDX-License-Identifier: MIT OR Apache-2.0
//! The policies in force, and where each one is in the kernel.
//!
//! A new set is published beside the old one, into slots of its own. Only when all of it is in the kernel does any
//! session move; where anything is wrong the old set stays.

use crate::bpf::{Enforcement, EnforcementError, slots::Slot};
use sac_policy::{Colour, Faults, HostFiles, Loaded, Person, Policy, PolicySet, compile};
use std::{collections::BTreeMap, path::Path};

/// Why a set of policies is not in force.
#[derive(Debug, thiserror::Error)]
pub(super) enum PoliciesError {
    /// The set is faulty.
    #[error("{0}\n{text}", text = .0.render(Colour::Never))]
    Faults(Faults),
    /// The kernel did not take it.
    #[error(transparent)]
    Enforcement(#[from] EnforcementError),
}

/// Policies that are in the kernel.
pub(super) struct Published {
    set: PolicySet,
    slots: BTreeMap<String, Slot>,
}

/// A policy and its slot.
#[derive(Clone, Copy)]
pub(super) struct InForce<'p> {
    pub(super) policy: &'p Policy,
    pub(super) slot: Slot,
}

impl Published {
    /// Checks the policies in `directory` and publishes them.
    pub(super) fn load(directory: &Path, enforcement: &mut Enforcement) -> Result<Self, PoliciesError> {
        let Loaded { set, warnings } = PolicySet::load_dir(directory).map_err(PoliciesError::Faults)?;
        warn(&warnings);
        let files = HostFiles::new(crate::sys::file_generation);
        let mut slots = BTreeMap::new();
        for policy in set.policies() {
            let compiled = compile(policy, &files);
            warn(&compiled.warnings);
            let slot = enforcement.slots().reserve();
            let entries: Vec<_> = compiled.entries().collect();
            if let Err(error) = enforcement.slots().publish(slot, &entries) {
                withdraw(enforcement, slots.values().copied());
                return Err(error.into());
            }
            slots.insert(policy.name.clone(), slot);
        }
        Ok(Self { set, slots })
    }

    /// The policy for a person.
    pub(super) fn choose(&self, person: &Person) -> Option<InForce<'_>> {
        let policy = self.set.choose(person).winner?.policy;
        Some(InForce { policy, slot: *self.slots.get(&policy.name)? })
    }

    /// The policy in a slot.
    pub(super) fn in_slot(&self, slot: u32) -> Option<&Policy> {
        let (name, _) = self.slots.iter().find(|(_, of)| of.number() == slot)?;
        self.set.get(name)
    }

    /// The slots of the set.
    pub(super) fn slots(&self) -> impl Iterator<Item = u32> + '_ {
        self.slots.values().map(|slot| slot.number())
    }

    /// How many policies there are.
    pub(super) fn count(&self) -> usize {
        self.slots.len()
    }
}

/// Empties slots that nobody uses. That one stays full costs memory and nothing else.
pub(super) fn withdraw(enforcement: &mut Enforcement, slots: impl Iterator<Item = Slot>) {
    for slot in slots {
        if let Err(error) = enforcement.slots().withdraw(slot) {
            tracing::warn!(slot = slot.number(), %error, "an unused policy stays in the kernel");
        }
    }
}

fn warn(warnings: &Faults) {
    for warning in warnings.iter() {
        tracing::warn!("{}: {}", warning.code().as_str(), warning.message());
    }
}
