// SPDX-License-Identifier: MIT OR Apache-2.0
//! Rules that never decide anything.

use super::allows;
use crate::code::Code;
use crate::fault::{Fault, Faults};
use crate::files::Files;
use crate::policy::{Policy, Rule, Subject};
use sac_abi::{Action, Operation};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Rules that hold always and whatever the arguments are, by what they are about.
type Broad<'p> = HashMap<&'p Subject, Vec<&'p Rule>>;

pub(super) fn lint(policy: &Policy, files: &impl Files, faults: &mut Faults) {
    let mut broad: Broad<'_> = HashMap::new();
    for rule in policy.rules.iter().filter(|rule| rule.when.is_none() && rule.arguments.is_none()) {
        broad.entry(&rule.subject).or_default().push(rule);
    }
    let trees = trees(&broad, files);
    for rule in &policy.rules {
        if allows(rule) {
            let changes_nothing =
                rule.operations.iter().all(|operation| default(policy, *operation) == Action::Allow);
            // Of the policy's own rules the reader says so.
            if !rule.overrides && changes_nothing && rule.file() != policy.file() {
                let message = "this changes nothing: what no rule denies is allowed anyway";
                let help = "remove it, or write `override: true` if it is an exception from rules that deny";
                faults.push(Fault::new(Code::NeverDecides, rule.place(), message).help(help));
            }
            continue;
        }
        let same = broad.get(&rule.subject).into_iter().flatten().copied();
        let around = around(rule, files, &trees);
        let mut others = same.chain(around);
        if let Some(other) = others.find(|other| hides(other, rule)) {
            let (message, label) = if allows(other) {
                ("this denies nothing: another rule allows it with `override`", "this comes first")
            } else {
                ("this denies nothing more: another rule denies all of it", "this is as strict")
            };
            let fault = Fault::new(Code::NeverDecides, rule.place(), message).related(other.place(), label);
            faults.push(fault.help("remove it, or the other one"));
        }
    }
}

fn default(policy: &Policy, operation: Operation) -> Action {
    match operation {
        Operation::Execute => policy.default,
        Operation::Connect => policy.connections_default,
        _ => Action::Allow,
    }
}

/// Rules for trees, by the trees' paths without symbolic links.
fn trees<'p>(broad: &Broad<'p>, files: &impl Files) -> HashMap<PathBuf, Vec<&'p Rule>> {
    let mut trees: HashMap<PathBuf, Vec<&Rule>> = HashMap::new();
    for (subject, rules) in broad {
        if let Subject::Tree(path) = subject
            && let Ok(found) = files.resolve(path)
        {
            trees.entry(found.canonical).or_default().extend(rules);
        }
    }
    trees
}

/// Rules for the trees that a rule's path is in.
fn around<'p>(rule: &Rule, files: &impl Files, trees: &HashMap<PathBuf, Vec<&'p Rule>>) -> Vec<&'p Rule> {
    let (Subject::Path(path) | Subject::Directory(path) | Subject::Tree(path)) = &rule.subject else {
        return Vec::new();
    };
    if trees.is_empty() {
        return Vec::new();
    }
    // What is not there yet will be where it is written.
    let path = files.resolve(path).map_or_else(|_| path.clone(), |found| found.canonical);
    let above = match rule.subject {
        Subject::Path(_) => path.parent(),
        // What is in a directory is also in the tree that begins there.
        _ => Some(path.as_path()),
    };
    above
        .into_iter()
        .flat_map(Path::ancestors)
        .filter_map(|part| trees.get(part))
        .flatten()
        .copied()
        .collect()
}

/// Whether `other`, which holds for all that `rule` is about, leaves nothing to it.
fn hides(other: &Rule, rule: &Rule) -> bool {
    let all_operations = rule.operations.iter().all(|operation| other.operations.contains(operation));
    if other.number == rule.number || !all_operations {
        return false;
    }
    if allows(other) {
        return other.overrides;
    }
    let says_the_same = other.message == rule.message && other.severity == rule.severity;
    // Of two for the same the first stays; one thing listed twice in one file was reported when it was read.
    let same_subject = other.subject == rule.subject && rule.arguments.is_none();
    let wider = !same_subject || other.number < rule.number && other.file() != rule.file();
    wider && (other.action > rule.action || other.action == rule.action && says_the_same)
}
