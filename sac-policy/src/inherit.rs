// SPDX-License-Identifier: MIT OR Apache-2.0
//! How policies take over the rules of rule sets.
//!
//! What a rule set inherits comes before its own rules, and each set comes once, however many ways lead to it. Each rule keeps
//! the place where it is written, so that whatever is said about it later points there.

use crate::code::{Code, Severity};
use crate::fault::{Fault, Faults, Place, quoted};
use crate::policy::{Inherited, Policy, Rule};
use crate::read::{
    COMPARED_MAX, CONDITIONS_MAX, Draft, PolicyDraft, RULES_MAX, RuleSet, contradict, did_you_mean, meetings,
};
use crate::source::{Source, Span};
use sac_abi::Action;
use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Most rule sets that one policy takes rules from.
const SETS_MAX: usize = 256;

/// Most rules in all policies together, so that a few large rule sets and many policies do not fill the memory.
const RULES_IN_ALL_MAX: usize = 1_000_000;

/// Rule sets by name, and what was found while policies took rules from them.
pub(crate) struct RuleSets<'f> {
    sets: Vec<RuleSet>,
    by_name: HashMap<String, usize>,
    used: HashSet<usize>,
    /// Pairs of rules that were reported, by their places: several policies can inherit both.
    reported: HashSet<[(*const Source, Span); 2]>,
    rules_in_all: usize,
    faults: &'f mut Faults,
}

impl<'f> RuleSets<'f> {
    /// Checks rule sets among each other. `complete`: whether all files could be read, so that a name that is not here is
    /// nowhere.
    pub(crate) fn new(
        sets: Vec<RuleSet>,
        policies: &[PolicyDraft],
        complete: bool,
        faults: &'f mut Faults,
    ) -> Self {
        let mut by_name: HashMap<String, usize> = HashMap::new();
        for (index, set) in sets.iter().enumerate().filter(|(_, set)| !set.name.is_empty()) {
            match by_name.entry(set.name.clone()) {
                Entry::Vacant(vacant) => {
                    vacant.insert(index);
                }
                Entry::Occupied(first) => faults.push(same_name(&sets[*first.get()], set)),
            }
        }
        let mut rule_sets =
            Self { sets, by_name, used: HashSet::new(), reported: HashSet::new(), rules_in_all: 0, faults };
        if complete {
            rule_sets.check_names(policies);
        }
        rule_sets.check_cycles();
        rule_sets
    }

    /// Every rule set that is inherited must be there.
    fn check_names(&mut self, policies: &[PolicyDraft]) {
        let names: Vec<&str> = self.by_name.keys().map(String::as_str).collect();
        let of_policies = policies.iter().map(|draft| (&draft.policy.source, &draft.policy.inherits));
        let of_sets = self.sets.iter().map(|set| (&set.source, &set.inherits));
        for (source, inherits) in of_policies.chain(of_sets) {
            for inherited in inherits.iter().filter(|inherited| !self.by_name.contains_key(&inherited.name)) {
                let is_policy = || policies.iter().any(|draft| draft.policy.name == inherited.name);
                let help = did_you_mean(&inherited.name, &names).unwrap_or_else(|| {
                    if is_policy() {
                        "only rule sets can be inherited, not policies; move what is shared to a rule set"
                            .to_owned()
                    } else {
                        format!(
                            "write one that begins with `rule_set: {}`, or remove the entry",
                            inherited.name
                        )
                    }
                });
                let message = format!("there is no rule set {}", quoted(&inherited.name));
                let place = Place::at(source, inherited.span);
                self.faults.push(Fault::new(Code::UnknownRuleSet, place, message).help(help));
            }
        }
    }

    /// No rule set may come to itself again. Without recursion: a chain can be as long as there are rule sets.
    fn check_cycles(&mut self) {
        let mut is_done = vec![false; self.sets.len()];
        let mut is_open = vec![false; self.sets.len()];
        for start in 0..self.sets.len() {
            if is_done[start] {
                continue;
            }
            // Each rule set on the way, and how many of those that it inherits were looked at.
            let mut way = vec![(start, 0)];
            is_open[start] = true;
            while let Some((index, looked_at)) = way.last_mut() {
                let index = *index;
                let Some(inherited) = self.sets[index].inherits.get(*looked_at) else {
                    is_done[index] = true;
                    is_open[index] = false;
                    way.pop();
                    continue;
                };
                *looked_at += 1;
                let Some(&next) = self.by_name.get(&inherited.name) else { continue };
                if is_open[next] {
                    let fault = cycle(&self.sets[index], inherited, &self.sets[next]);
                    self.faults.push(fault);
                } else if !is_done[next] {
                    is_open[next] = true;
                    way.push((next, 0));
                }
            }
        }
    }

    /// The rule sets that a policy takes rules from, in the order of their rules; `None` where there are too many.
    fn order(&self, inherits: &[Inherited]) -> Option<Vec<usize>> {
        let mut order = Vec::new();
        let mut seen = HashSet::new();
        for inherited in inherits {
            let Some(&first) = self.by_name.get(&inherited.name) else { continue };
            if !seen.insert(first) {
                continue;
            }
            let mut way = vec![(first, 0)];
            while let Some((index, looked_at)) = way.last_mut() {
                let index = *index;
                let Some(inherited) = self.sets[index].inherits.get(*looked_at) else {
                    order.push(index);
                    way.pop();
                    continue;
                };
                *looked_at += 1;
                if let Some(&next) = self.by_name.get(&inherited.name)
                    && seen.insert(next)
                {
                    way.push((next, 0));
                }
                if seen.len() > SETS_MAX {
                    return None;
                }
            }
        }
        Some(order)
    }

    /// The policy with all its rules, inherited ones first, in numbers from 1.
    pub(crate) fn complete(&mut self, draft: PolicyDraft) -> Policy {
        let PolicyDraft { mut policy, rules: own, denies_by_default } = draft;
        let order = self.order(&policy.inherits).unwrap_or_else(|| {
            self.too_many(&policy, format!("the policy inherits more than {SETS_MAX} rule sets"));
            Vec::new()
        });
        self.used.extend(&order);
        let count = order.iter().map(|&index| self.sets[index].rules.len()).sum::<usize>() + own.len();
        self.rules_in_all = self.rules_in_all.saturating_add(count);
        if count > RULES_MAX {
            self.too_many(
                &policy,
                format!("with what it inherits the policy has {count} rules, more than {RULES_MAX}"),
            );
            return policy;
        }
        if self.rules_in_all > RULES_IN_ALL_MAX {
            self.too_many(&policy, format!("all policies together have more than {RULES_IN_ALL_MAX} rules"));
            return policy;
        }
        let inherited = order.iter().flat_map(|&index| &self.sets[index].rules).cloned();
        policy.rules = (1..)
            .zip(inherited.chain(own))
            .map(|(number, Draft { rule, has_action })| {
                let action = if has_action { rule.action } else { policy.action };
                Rule { number, action, ..rule }
            })
            .collect();
        if !order.is_empty() {
            self.lint_contradictions(&policy);
            self.lint_empty(&policy, denies_by_default);
        }
        self.check_conditions(&policy);
        policy
    }

    fn too_many(&mut self, policy: &Policy, message: String) {
        let span = policy.inherits.first().map_or(policy.name_span, |inherited| inherited.span);
        let fault = Fault::new(Code::LimitExceeded, policy.place(span), message)
            .help("inherit fewer or smaller rule sets, or name directories instead of single files");
        self.faults.push(fault);
    }

    /// Rules from different files that allow and deny the same. Those of one file were compared when it was read.
    fn lint_contradictions(&mut self, policy: &Policy) {
        let mut met: HashMap<_, Vec<&Rule>> = HashMap::new();
        for rule in &policy.rules {
            for meeting in meetings(rule) {
                let others = met.entry(meeting).or_default();
                let contradicts =
                    |first: &&&Rule| !Arc::ptr_eq(&first.source, &rule.source) && contradict(first, rule);
                if let Some(first) = others.iter().find(contradicts) {
                    let place = |rule: &Rule| (Arc::as_ptr(&rule.source), rule.span);
                    if self.reported.insert([place(first), place(rule)]) {
                        self.faults.push(inherited_contradiction(policy, first, rule));
                    }
                }
                if others.len() < COMPARED_MAX {
                    others.push(rule);
                }
            }
        }
    }

    /// What [`crate::read`] says of a policy that inherits nothing.
    fn lint_empty(&mut self, policy: &Policy, denies_by_default: Option<Span>) {
        let Some(span) = denies_by_default else { return };
        let allows = |rule: &Rule| {
            rule.action == Action::Allow && rule.operations.contains(&sac_abi::Operation::Execute)
        };
        if !policy.rules.iter().any(allows) {
            let message = "nothing is allowed, not even the login shell";
            let fault = Fault::new(Code::EmptyAllowList, policy.place(span), message)
                .help("list under `allow` what may run, or write `default: allow`");
            self.faults.push(fault);
        }
    }

    /// The kernel half has room for so many conditions on the arguments of one program.
    fn check_conditions(&mut self, policy: &Policy) {
        let mut counts = HashMap::new();
        for rule in policy.rules.iter().filter(|rule| rule.arguments.is_some()) {
            let count: &mut usize = counts.entry(&rule.subject).or_default();
            *count += 1;
            if *count == CONDITIONS_MAX + 1 {
                let program = quoted(rule.subject.to_string());
                let message =
                    format!("there are more than {CONDITIONS_MAX} conditions on the arguments of {program}");
                let fault = Fault::new(Code::InvalidArguments, rule.place(), message)
                    .label("the first one too many")
                    .help("put several arguments into one `args_any`, or end some conditions with `**`");
                self.faults.push(fault);
            }
        }
    }

    /// Warns of rule sets that nobody uses. After an error it may be that one was meant.
    pub(crate) fn lint_unused(self) {
        if self.faults.count(Severity::Error) > 0 {
            return;
        }
        for (_, set) in self.sets.iter().enumerate().filter(|(index, _)| !self.used.contains(index)) {
            let message = format!("no policy inherits the rule set {}", quoted(&set.name));
            let fault = Fault::new(Code::UnusedRuleSet, Place::at(&set.source, set.name_span), message)
                .help("name it under `inherits` in a policy, or remove the file");
            self.faults.push(fault);
        }
    }
}

fn same_name(first: &RuleSet, second: &RuleSet) -> Fault {
    let message = format!("there are two rule sets {}", quoted(&second.name));
    Fault::new(Code::DuplicateRuleSetName, Place::at(&second.source, second.name_span), message)
        .related(Place::at(&first.source, first.name_span), "first here")
        .help("rename or remove one of them")
}

fn cycle(set: &RuleSet, inherited: &Inherited, again: &RuleSet) -> Fault {
    let message = if std::ptr::eq(set, again) {
        format!("the rule set {} inherits itself", quoted(&set.name))
    } else {
        format!("the rule set {} inherits itself by way of {}", quoted(&again.name), quoted(&set.name))
    };
    Fault::new(Code::RuleSetCycle, Place::at(&set.source, inherited.span), message)
        .related(Place::at(&again.source, again.name_span), "this rule set")
        .help("remove this entry, or move what both need to a third rule set")
}

fn inherited_contradiction(policy: &Policy, first: &Rule, second: &Rule) -> Fault {
    let subject = quoted(second.subject.to_string());
    let word = |rule: &Rule| if rule.action == Action::Allow { "allowed here" } else { "denied here" };
    let message =
        format!("in policy {} one rule allows {subject} and another one denies it", quoted(&policy.name));
    Fault::new(Code::InheritedContradiction, second.place(), message)
        .label(word(second))
        .related(first.place(), word(first))
        .help("the denying rule holds; remove one of the two, or give the allowing one `override: true`")
}

#[cfg(test)]
mod tests;
