// SPDX-License-Identifier: MIT OR Apache-2.0
//! Policies in the kernel: each in a slot of its own.
//!
//! A policy is published whole: its map is filled before the slot points to it, so that no look-up sees half of it. A slot never
//! comes to hold another policy.

use super::{
    enforcement::{EnforcementError, map_error},
    pod,
    sieve::SharedSieve,
};
use aya::maps::{HashMap, HashOfMaps, Map, MapData};
use sac_abi::{
    Action, Operation, RuleKey, RuleValue,
    rule::{Contents, Operations},
    sieve::Grain,
};
use sac_failpoint::{Failpoint, reach};
use std::collections::BTreeMap;

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
    sieve: SharedSieve,
    /// Whether programs can be judged by their content.
    tells_contents: bool,
    last: u32,
    /// What this loader has published.
    published: BTreeMap<u32, Published>,
}

/// What this loader knows of a policy that it has published.
#[derive(Debug)]
struct Published {
    about: About,
    /// What has to be in the sieve for as long as somebody may be under the policy.
    sifted: Vec<Grain>,
    /// Whether there are rules by content, which the sieve says as well.
    has_contents: bool,
}

/// What has to be known of policies to judge under them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct About {
    /// Whether there are conditions on arguments.
    pub(super) has_conditions: bool,
    /// What may be restricted.
    pub(super) operations: Operations,
    /// About what the sieve tells which files no rule is about; see [`sac_abi::sieve`].
    pub(super) sifted: Operations,
    /// Whether files that are opened are judged.
    pub(super) judges_opens: bool,
}

impl About {
    /// Of no policy.
    const NOTHING: Self = Self {
        has_conditions: false,
        operations: Operations::NONE,
        sifted: Operations::ALL,
        judges_opens: false,
    };
    /// Of a policy that blocks everything.
    const CLOSED: Self = Self {
        has_conditions: false,
        operations: Operations::ALL,
        sifted: Operations::NONE,
        judges_opens: true,
    };
    /// Of a policy that may hold anything.
    const UNKNOWN: Self = Self { has_conditions: true, ..Self::CLOSED };

    /// What is asked when a file is opened.
    const OPENING: Operations =
        Operations::NONE.with(Operation::Read).with(Operation::Write).with(Operation::Administer);

    /// Of a policy with these rules. One that says nothing about an operation, not even whether it is allowed, blocks it.
    pub(super) fn policy(rules: &[(RuleKey, u64)]) -> Self {
        let keys = Operation::ALL.map(RuleKey::policy);
        let values: Vec<_> = rules.iter().filter(|(key, _)| keys.contains(key)).collect();
        let value = |operation| {
            let found = values.iter().find(|(key, _)| *key == RuleKey::policy(operation));
            found.map_or(RuleValue::NONE, |(_, bits)| RuleValue::from_bits(*bits))
        };
        let is_judged = |operation: &Operation| {
            let value = value(*operation);
            value.contents().has(Contents::RULES) || value.action() != Action::Allow
        };
        let is_sifted = |operation: &Operation| {
            let value = value(*operation);
            // What is opened is then not asked about at all. A policy that is silent about programs blocks them, and what is mapped.
            let by_default = match operation {
                Operation::Execute => value.is_some(),
                _ => value.action() == Action::Allow,
            };
            !is_judged(operation) || by_default && value.contents().is_sifted(*operation)
        };
        let of_those = |which: &dyn Fn(&Operation) -> bool| {
            Operation::ALL.into_iter().filter(which).fold(Operations::NONE, Operations::with)
        };
        let operations = of_those(&is_judged);
        let programs = value(Operation::Execute).contents();
        Self {
            has_conditions: programs.has(Contents::ARGUMENTS),
            operations,
            sifted: of_those(&is_sifted),
            // A program's code can also be written by `/proc/PID/mem`.
            judges_opens: operations.has_any(Self::OPENING) || programs.has(Contents::EXECUTABLE_MEMORY),
        }
    }

    /// Of both at once.
    const fn and(self, other: Self) -> Self {
        Self {
            has_conditions: self.has_conditions || other.has_conditions,
            operations: self.operations.and(other.operations),
            sifted: self.sifted.in_common(other.sifted),
            judges_opens: self.judges_opens || other.judges_opens,
        }
    }

    /// Of the policies in `slots`, of which those in `published` are known.
    fn slots(published: &BTreeMap<u32, Published>, slots: &[u32]) -> Self {
        let of_slot = |slot: &u32| match *slot {
            0 => Self::NOTHING,
            slot if slot == Slot::CLOSED.0 => Self::CLOSED,
            slot => published.get(&slot).map_or(Self::UNKNOWN, |published| published.about),
        };
        slots.iter().map(of_slot).fold(Self::NOTHING, Self::and)
    }
}

impl PolicySlots {
    /// Takes over the map, with the slots that an earlier loader has filled.
    pub(super) fn new(map: Map, sieve: SharedSieve, tells_contents: bool) -> Result<Self, EnforcementError> {
        let policies: HashOfMaps<_, u32, Rules> = map.try_into().map_err(map_error("open", "POLICIES"))?;
        let mut last = 0;
        for slot in policies.keys() {
            last = last.max(slot.map_err(map_error("read", "POLICIES"))?);
        }
        Ok(Self { policies, sieve, tells_contents, last, published: BTreeMap::new() })
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
    /// Where the kernel has no memory for them, or cannot do what they want.
    pub(crate) fn publish(&mut self, policies: &[(Slot, &[(RuleKey, u64)])]) -> Result<(), EnforcementError> {
        policies.iter().try_for_each(|(_, rules)| self.check(rules.iter().copied()))?;
        let maps = policies.iter().map(|(_, rules)| filled(rules)).collect::<Result<Vec<_>, _>>()?;
        let published =
            policies.iter().map(|(slot, rules)| (slot.0, Published::of(rules))).collect::<Vec<_>>();
        // Before anybody is under them. What is too much in it where the rest fails goes with the next withdrawal.
        let has_contents = published.iter().any(|(_, published)| published.has_contents);
        self.sieve.add(published.iter().flat_map(|(_, published)| &published.sifted), has_contents)?;
        reach(Failpoint::PolicyFilled);
        for (index, ((slot, _), map)) in policies.iter().zip(&maps).enumerate() {
            if let Err(error) = self.policies.insert(slot.0, map, 0) {
                for (slot, _) in policies.iter().take(index) {
                    self.policies.remove(&slot.0).map_err(map_error("delete from", "POLICIES"))?;
                }
                return Err(map_error("fill", "POLICIES")(error));
            }
        }
        reach(Failpoint::PolicyPublished);
        self.published.extend(published);
        Ok(())
    }

    /// Whether this kernel can do what a policy with these rules wants.
    ///
    /// # Errors
    ///
    /// [`EnforcementError::NoContents`].
    pub(crate) fn check(
        &self,
        rules: impl IntoIterator<Item = (RuleKey, u64)>,
    ) -> Result<(), EnforcementError> {
        if self.tells_contents || !names_contents(rules) { Ok(()) } else { Err(EnforcementError::NoContents) }
    }

    /// What may be in the policies in these slots. What an earlier loader has filled may hold anything.
    pub(super) fn about(&self, slots: &[u32]) -> About {
        About::slots(&self.published, slots)
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
            self.published.remove(&slot.0);
            reach(Failpoint::PolicyWithdrawn);
        }
        // What is of an earlier loader's policies stays for as long as one of them does.
        if self.used()?.iter().all(|slot| self.published.contains_key(&slot.0)) {
            let has_contents = self.published.values().any(|published| published.has_contents);
            self.sieve
                .retain(self.published.values().flat_map(|published| &published.sifted), has_contents)?;
        }
        Ok(())
    }
}

impl Published {
    fn of(rules: &[(RuleKey, u64)]) -> Self {
        let mut sifted: Vec<_> = rules.iter().filter_map(|(key, _)| key.sifted()).collect();
        sifted.sort_unstable();
        sifted.dedup();
        sifted.shrink_to_fit();
        Self { about: About::policy(rules), sifted, has_contents: names_contents(rules.iter().copied()) }
    }
}

/// Whether there are rules for programs by their content.
fn names_contents(rules: impl IntoIterator<Item = (RuleKey, u64)>) -> bool {
    let value = rules.into_iter().find(|(key, _)| *key == RuleKey::policy(Operation::Execute));
    value.is_some_and(|(_, bits)| RuleValue::from_bits(bits).contents().has(Contents::CONTENTS))
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

#[cfg(test)]
mod tests {
    use super::*;
    use Operation::{Administer, Connect, Create, Delete, Execute, Read, Rename, Write};

    /// What is known of a policy that allows everything by default, with these contents for some operations.
    fn about(values: &[(Operation, Action, Contents)]) -> About {
        let allowed =
            |operation| (RuleKey::policy(operation), RuleValue::policy(Action::Allow, Contents::NONE));
        let mut rules: BTreeMap<_, _> = Operation::ALL.map(allowed).into();
        rules.extend(values.iter().map(|(operation, action, contents)| {
            (RuleKey::policy(*operation), RuleValue::policy(*action, *contents))
        }));
        let rules: Vec<_> = rules.into_iter().map(|(key, value)| (key, value.to_bits())).collect();
        About::policy(&rules)
    }

    fn operations(these: &[Operation]) -> Operations {
        these.iter().copied().fold(Operations::NONE, Operations::with)
    }

    #[test]
    fn only_what_a_policy_may_restrict_is_judged() {
        assert_eq!(about(&[]).operations, Operations::NONE);
        let of_rules = about(&[(Delete, Action::Allow, Contents::RULES)]);
        assert_eq!(of_rules.operations, operations(&[Delete]));
        assert!(!of_rules.has_conditions && !of_rules.judges_opens);
        let of_defaults =
            about(&[(Execute, Action::Audit, Contents::NONE), (Connect, Action::Kill, Contents::NONE)]);
        assert_eq!(of_defaults.operations, operations(&[Execute, Connect]));
    }

    #[test]
    fn what_a_policy_is_silent_about_is_judged() {
        let all = Operation::ALL.into_iter().fold(Operations::NONE, Operations::with);
        let silent = About::policy(&[]);
        assert!(silent.operations == all && silent.judges_opens && !silent.has_conditions);
        assert!(Operation::ALL.iter().all(|operation| !silent.sifted.has_any(operations(&[*operation]))));
    }

    #[test]
    fn what_is_opened_is_judged_where_that_can_matter() {
        for operation in [Read, Write, Administer] {
            assert!(about(&[(operation, Action::Allow, Contents::RULES)]).judges_opens);
        }
        for operation in [Execute, Delete, Rename, Create, Connect] {
            assert!(!about(&[(operation, Action::Allow, Contents::RULES)]).judges_opens);
        }
        let of_memory = Contents::RULES.and(Contents::EXECUTABLE_MEMORY);
        assert!(about(&[(Execute, Action::Allow, of_memory)]).judges_opens);
    }

    #[test]
    fn only_rules_for_single_files_and_their_directories_are_sifted() {
        let sifts = |operation, action, contents| {
            about(&[(operation, action, contents)]).sifted.has_any(operations(&[operation]))
        };
        let of_files = Contents::RULES.and(Contents::ENTRIES).and(Contents::AUDITED);
        for operation in [Read, Write] {
            assert!(sifts(operation, Action::Allow, of_files));
            assert!(sifts(operation, Action::Allow, Contents::NONE));
            assert!(sifts(operation, Action::Allow, Contents::RULES.and(Contents::DIRECTORIES)));
            assert!(!sifts(operation, Action::Deny, of_files));
            for other in [Contents::TREES, Contents::NAMES, Contents::PATHS, Contents::GRANTS] {
                assert!(!sifts(operation, Action::Allow, of_files.and(other)));
            }
        }
        let of_programs =
            Contents::RULES.and(Contents::PATHS).and(Contents::ARGUMENTS).and(Contents::CONTENTS);
        for action in [Action::Allow, Action::Deny] {
            assert!(sifts(Execute, action, of_programs.and(Contents::AUDITED)));
            for other in [
                Contents::TREES,
                Contents::DIRECTORIES,
                Contents::NAMES,
                Contents::ENTRIES,
                Contents::GRANTS,
                Contents::UNTRUSTED,
            ] {
                assert!(!sifts(Execute, action, of_programs.and(other)));
            }
        }
        assert!(!sifts(Administer, Action::Allow, Contents::RULES));
        assert!(sifts(Administer, Action::Allow, Contents::NONE));
    }

    #[test]
    fn conditions_on_arguments_are_seen() {
        let contents = Contents::RULES.and(Contents::ARGUMENTS);
        assert!(about(&[(Execute, Action::Allow, contents)]).has_conditions);
        assert!(!about(&[(Execute, Action::Allow, Contents::RULES)]).has_conditions);
    }

    #[test]
    fn rules_by_content_are_seen() {
        let policy = |operation, contents| {
            (RuleKey::policy(operation), RuleValue::policy(Action::Allow, contents).to_bits())
        };
        let contents = Contents::RULES.and(Contents::CONTENTS);
        assert!(names_contents([policy(Delete, Contents::RULES), policy(Execute, contents)]));
        assert!(!names_contents([policy(Delete, contents), policy(Execute, Contents::RULES)]));
        assert!(!names_contents([]));
    }

    #[test]
    fn slots_of_a_scope_count_together() {
        let contents = Contents::RULES.and(Contents::ARGUMENTS);
        let published = |about| Published { about, sifted: Vec::new(), has_contents: false };
        let published = BTreeMap::from([
            (3, published(about(&[(Delete, Action::Allow, Contents::RULES)]))),
            (4, published(about(&[(Execute, Action::Allow, contents)]))),
            (6, published(about(&[(Read, Action::Allow, Contents::RULES.and(Contents::TREES))]))),
        ]);
        assert_eq!(About::slots(&published, &[3, 0]).operations, operations(&[Delete]));
        let both = About::slots(&published, &[3, 4]);
        assert!(
            both.has_conditions && !both.judges_opens && both.operations == operations(&[Delete, Execute])
        );
        assert!(both.sifted.has_all(operations(&[Read])));
        for slots in [[3, 6], [6, 3]] {
            let with_trees = About::slots(&published, &slots);
            assert!(with_trees.judges_opens && !with_trees.sifted.has_any(operations(&[Read])));
            assert!(with_trees.sifted.has_all(operations(&[Write])));
        }
        // Of an earlier loader, and of nobody.
        assert_eq!(About::slots(&published, &[3, 5]), About::UNKNOWN);
        let closed = About::slots(&published, &[Slot::CLOSED.number(), 0]);
        assert_eq!(closed, About::CLOSED);
    }
}
