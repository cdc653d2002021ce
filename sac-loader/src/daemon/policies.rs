// SPDX-License-Identifier: MIT OR Apache-2.0
//! The policies in force, and where each one is in the kernel.
//!
//! A policy goes to the kernel when somebody is under it, in a slot of its own that never holds another one. Whatever changes
//! (a new set, a program that was upgraded, an hour that strikes, a grant) is published beside what is there, into new slots. Only when
//! all of it is in the kernel does any session move; where anything is wrong everything stays as it was.

use super::memory::Memory;
use crate::bpf::{Enforcement, EnforcementError, slots::Slot};
use jiff::Timestamp;
use sac_abi::{HashKey, RuleKey};
use sac_policy::{
    Colour, Compiled, Fault, Faults, Grant, HostFiles, Loaded, Policy, PolicySet, Severity, Situation,
    compile,
};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

/// Why a set of policies is not in force.
#[derive(Debug, thiserror::Error)]
pub(super) enum PoliciesError {
    /// The set is faulty.
    #[error("{0}\n{text}", text = .0.render(Colour::Never))]
    Faults(Faults),
    /// This kernel cannot do what a policy wants.
    #[error("policy {policy} cannot be enforced: {source}")]
    Refused {
        /// Its name.
        policy: String,
        /// What it cannot do.
        source: Box<EnforcementError>,
    },
    /// Others are being tried.
    #[error(
        "other policies are on trial for {left_s} s yet; `sac-loader policy confirm` keeps them, `sac-loader policy rollback` takes them back"
    )]
    OnTrial {
        /// For how many seconds yet.
        left_s: u64,
    },
    /// The kernel did not take it.
    #[error(transparent)]
    Enforcement(#[from] EnforcementError),
}

impl PoliciesError {
    /// The first things that are wrong, on one line.
    pub(super) fn first_faults(&self) -> String {
        /// More are for `sac-loader policy check`.
        const FAULTS_MAX: usize = 3;
        let Self::Faults(faults) = self else { return self.to_string() };
        let errors = faults.iter().filter(|fault| fault.code().severity() == Severity::Error);
        let first = errors
            .take(FAULTS_MAX)
            .map(|fault| format!("{}: {}: {}", fault.place(), fault.code().as_str(), fault.message()));
        format!("{faults}: {}; see `sac-loader policy check`", first.collect::<Vec<_>>().join("; "))
    }
}

/// A policy as it holds for somebody.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Variant {
    /// The policy's name.
    pub(super) policy: String,
    /// The user whose grants come with it, if that user has any.
    pub(super) grants_of: Option<u32>,
}

/// A set of policies that can be shared with whoever still needs an older one.
pub(super) type SharedSet = Arc<PolicySet>;

/// Policies, and what of them is in the kernel.
#[derive(Default)]
pub(super) struct Policies {
    set: Option<SharedSet>,
    current: BTreeMap<Variant, u32>,
    in_kernel: BTreeMap<u32, InKernel>,
    /// The latest first.
    emptied: VecDeque<Emptied>,
    /// The warnings about this set that were logged.
    warned: BTreeSet<String>,
    /// What has stood at its denied paths.
    pub(super) memory: Memory,
}

/// What a slot holds.
#[derive(Clone)]
struct InKernel {
    set: SharedSet,
    policy: String,
    entries: Arc<[(RuleKey, u64)]>,
    next_change: Option<Timestamp>,
}

/// A slot that was emptied lately: its last events may still be on the way.
struct Emptied {
    slot: u32,
    set: SharedSet,
    policy: String,
    at: Instant,
}

/// How many emptied slots are remembered, and for how long: each may hold a whole set of policies.
const EMPTIED_MAX: usize = 64;
const EMPTIED_FOR: Duration = Duration::from_secs(60);

/// What the daemon knows at a moment, besides the policies.
pub(super) struct Now<'n> {
    pub(super) at: Timestamp,
    /// What stands at the policies' paths.
    pub(super) files: &'n HostFiles,
    /// The grants of a user.
    pub(super) grants_of: &'n dyn Fn(u32) -> Vec<Grant>,
}

impl Policies {
    /// Reads and checks the policies in `directory`, with what `files` says of their programs.
    ///
    /// # Errors
    ///
    /// All that is wrong with them, and what this kernel cannot do.
    pub(super) fn read(
        directory: &Path,
        files: &HostFiles,
        enforcement: &mut Enforcement,
    ) -> Result<(SharedSet, Memory), PoliciesError> {
        let Loaded { set, warnings } = PolicySet::load_dir(directory).map_err(PoliciesError::Faults)?;
        let situation = Situation { at: Timestamp::now(), key: enforcement.hash_key(), grants: Vec::new() };
        let mut errors = Faults::default();
        let mut memory = Memory::default();
        let mut refused = None;
        for policy in set.policies() {
            memory.look(policy, files);
            let compiled = compile(policy, files, &situation);
            let is_error = |fault: &&Fault| fault.code().severity() == Severity::Error;
            errors.extend(compiled.warnings.iter().filter(is_error).cloned());
            // Also where nobody is under it yet: a login is no time to find that out.
            if let Err(source) = enforcement.slots().check(compiled.entries()) {
                refused = refused
                    .or(Some(PoliciesError::Refused { policy: policy.name.clone(), source: source.into() }));
            }
        }
        if !errors.is_empty() {
            return Err(PoliciesError::Faults(errors));
        }
        if let Some(refused) = refused {
            return Err(refused);
        }
        for warning in warnings.iter() {
            tracing::warn!("{}: {}", warning.code().as_str(), warning.message());
        }
        Ok((Arc::new(set), memory))
    }

    /// The set in force.
    pub(super) fn set(&self) -> Option<&SharedSet> {
        self.set.as_ref()
    }

    /// How many policies are in force.
    pub(super) fn count(&self) -> usize {
        self.set.as_ref().map_or(0, |set| set.policies().len())
    }

    /// The slot of a variant, published if it is not there yet.
    ///
    /// # Errors
    ///
    /// Where the kernel has no memory for it.
    pub(super) fn ensure(
        &mut self,
        variant: &Variant,
        now: &Now<'_>,
        enforcement: &mut Enforcement,
    ) -> Result<Option<Slot>, EnforcementError> {
        if let Some(slot) = self.current.get(variant) {
            return Ok(Some(Slot::from_number(*slot)));
        }
        let Some(set) = self.set.clone() else { return Ok(None) };
        let key = enforcement.hash_key();
        let compiled = compile_variant(&set, variant, now, key, &mut self.memory, &mut self.warned);
        let Some(compiled) = compiled else { return Ok(None) };
        let slot = enforcement.slots().reserve();
        enforcement.slots().publish(&[(slot, &compiled.entries)])?;
        self.take_in(slot, variant.clone(), compiled);
        Ok(Some(slot))
    }

    /// Puts `set` in force with these variants, each as it is now. Slots whose policy has not changed stay.
    ///
    /// # Errors
    ///
    /// Where the kernel has no memory for it; nothing has changed then.
    pub(super) fn replace(
        &mut self,
        set: &SharedSet,
        variants: &BTreeSet<Variant>,
        now: &Now<'_>,
        enforcement: &mut Enforcement,
    ) -> Result<(), EnforcementError> {
        let is_new = self.set.as_ref().is_none_or(|present| !Arc::ptr_eq(present, set));
        let mut warned = if is_new { BTreeSet::new() } else { self.warned.clone() };
        let key = enforcement.hash_key();
        let mut kept = BTreeMap::new();
        let mut new = Vec::new();
        for variant in variants {
            let compiled = compile_variant(set, variant, now, key, &mut self.memory, &mut warned);
            let Some(compiled) = compiled else { continue };
            let unchanged = self.current.get(variant).filter(|slot| {
                self.in_kernel.get(slot).is_some_and(|present| present.entries == compiled.entries)
            });
            match unchanged {
                Some(slot) => {
                    kept.insert(*slot, (variant.clone(), compiled));
                }
                None => new.push((enforcement.slots().reserve(), variant.clone(), compiled)),
            }
        }
        let to_publish: Vec<_> = new.iter().map(|(slot, _, compiled)| (*slot, &*compiled.entries)).collect();
        enforcement.slots().publish(&to_publish)?;
        self.set = Some(Arc::clone(set));
        self.warned = warned;
        self.current.clear();
        for (slot, (variant, compiled)) in kept {
            self.take_in(Slot::from_number(slot), variant, compiled);
        }
        for (slot, variant, compiled) in new {
            self.take_in(slot, variant, compiled);
        }
        Ok(())
    }

    fn take_in(&mut self, slot: Slot, variant: Variant, compiled: InKernel) {
        self.current.insert(variant, slot.number());
        self.in_kernel.insert(slot.number(), compiled);
    }

    /// The slot of a variant, where it is in the kernel.
    pub(super) fn slot(&self, variant: &Variant) -> Option<u32> {
        self.current.get(variant).copied()
    }

    /// The policy in a slot, also in one that was emptied lately.
    pub(super) fn in_slot(&self, slot: u32) -> Option<&Policy> {
        let present = self.in_kernel.get(&slot).map(|found| (&found.set, &found.policy));
        let emptied = || self.emptied.iter().find(|was| was.slot == slot).map(|was| (&was.set, &was.policy));
        let (set, policy) = present.or_else(emptied)?;
        set.get(policy)
    }

    /// The policies that somebody is under, or can come to be under.
    pub(super) fn in_kernel(&self) -> impl Iterator<Item = &Policy> {
        self.in_kernel.values().filter_map(|found| found.set.get(&found.policy))
    }

    /// The policy of this name that is in force.
    pub(super) fn get(&self, name: &str) -> Option<&Policy> {
        self.set.as_ref()?.get(name)
    }

    /// When a policy that is in the kernel next changes by itself.
    pub(super) fn next_change(&self) -> Option<Timestamp> {
        let current = self.current.values().filter_map(|slot| self.in_kernel.get(slot));
        current.filter_map(|policy| policy.next_change).min()
    }

    /// Empties the slots that are not among `used`, and that nobody can come to be under.
    pub(super) fn withdraw_unused(&mut self, used: &BTreeSet<u32>, enforcement: &mut Enforcement) {
        let filled = match enforcement.slots().used() {
            Ok(filled) => filled,
            Err(error) => {
                tracing::warn!(%error, "cannot see which policies are unused");
                return;
            }
        };
        let keep = |slot: &Slot| {
            used.contains(&slot.number()) || self.current.values().any(|of| *of == slot.number())
        };
        let unused: Vec<Slot> = filled.into_iter().filter(|slot| !keep(slot)).collect();
        // That a slot stays full costs memory and nothing else.
        if let Err(error) = enforcement.slots().withdraw(&unused) {
            tracing::warn!(%error, "unused policies stay in the kernel");
        }
        for slot in unused {
            if let Some(InKernel { set, policy, .. }) = self.in_kernel.remove(&slot.number()) {
                self.emptied.truncate(EMPTIED_MAX - 1);
                self.emptied.push_front(Emptied { slot: slot.number(), set, policy, at: Instant::now() });
            }
        }
    }

    /// Forgets slots that were emptied so long ago that no event of theirs comes any more.
    pub(super) fn forget_emptied(&mut self, now: Instant) {
        let is_lately = |was: &Emptied| now.saturating_duration_since(was.at) < EMPTIED_FOR;
        self.emptied.truncate(self.emptied.partition_point(is_lately));
    }
}

/// A variant as it goes to the kernel; `None` where the set has no such policy.
fn compile_variant(
    set: &SharedSet,
    variant: &Variant,
    now: &Now<'_>,
    key: HashKey,
    memory: &mut Memory,
    warned: &mut BTreeSet<String>,
) -> Option<InKernel> {
    let policy = set.get(&variant.policy)?;
    let grants = variant.grants_of.map(now.grants_of).unwrap_or_default();
    let situation = Situation { at: now.at, key, grants };
    memory.look(policy, now.files);
    let compiled = compile(policy, now.files, &situation);
    warn(&compiled.warnings, warned);
    let next_change = compiled.next_change;
    Some(InKernel {
        set: Arc::clone(set),
        policy: policy.name.clone(),
        entries: entries(&compiled, memory.entries(policy, &compiled, key)),
        next_change,
    })
}

fn entries(compiled: &Compiled, remembered: Vec<(RuleKey, u64)>) -> Arc<[(RuleKey, u64)]> {
    let mut entries: Vec<_> = compiled.entries().chain(remembered).collect();
    entries.sort_unstable();
    entries.into()
}

/// Logs what was not logged of this set before.
fn warn(warnings: &Faults, warned: &mut BTreeSet<String>) {
    for warning in warnings.iter() {
        let text = format!("{}: {}", warning.code().as_str(), warning.message());
        if warned.insert(text.clone()) {
            tracing::warn!("{text}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sac_policy::Source;

    #[test]
    fn emptied_slots_are_known_for_a_while() {
        let source = Source::new("p.yaml", "policy: p\napplies_to: everyone\n");
        let set = Arc::new(PolicySet::from_sources(vec![source]).unwrap().set);
        let at = Instant::now();
        let emptied = |slot, at| Emptied { slot, set: Arc::clone(&set), policy: "p".to_owned(), at };
        let mut policies = Policies::default();
        policies.emptied.push_front(emptied(3, at));
        policies.emptied.push_front(emptied(4, at + Duration::from_secs(1)));
        let known = |policies: &Policies| [3, 4].map(|slot| policies.in_slot(slot).is_some());
        policies.forget_emptied(at + Duration::from_secs(59));
        assert_eq!(known(&policies), [true, true]);
        policies.forget_emptied(at + EMPTIED_FOR);
        assert_eq!(known(&policies), [false, true]);
    }
}
