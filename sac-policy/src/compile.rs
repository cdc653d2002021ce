// SPDX-License-Identifier: MIT OR Apache-2.0
//! From a policy to the entries of its map.
//!
//! A denied program is held by what it is and by where it is: its inode, the path as it was written, and the path that
//! the kernel resolves that to. So it stays denied under another name, and also after an upgrade put another file in its
//! place. An allowed program is held by its inode alone; [`sac_abi::decide()`] says why. Where something else is done with a
//! file no path can be asked for, so there a file is held by its inode and by its name in its directory, whether it is allowed
//! or denied. Directories are held by what they are, whether they allow or deny. Where entries meet, an allow rule that overrides
//! wins, then the strictest that denies, then one that allows; of equal ones the first.
//!
//! A rule that holds only at certain times is in the map only then: [`Compiled::next_change`] says when to compile again.

mod addresses;
mod arguments;
mod confined_root;
mod subjects;
mod warnings;

use crate::code::Code;
use crate::fault::{Fault, Faults, Place, quoted_path};
use crate::files::Files;
use crate::policy::{Mode, Policy, Rule, Subject};
use jiff::Timestamp;
use sac_abi::rule::{Contents, InodeId};
use sac_abi::{Action, HashKey, Operation, RuleKey, RuleValue, Rules, TextHash};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

pub(crate) use confined_root::CLOSED;
pub use confined_root::sockets_of_services;

/// What a compiled policy depends on beside the policy and the file system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Situation {
    /// The moment that it is for.
    pub at: Timestamp,
    /// The key that the kernel half hashes texts with.
    pub key: HashKey,
    /// What is granted to those whom the policy holds for.
    pub grants: Vec<Grant>,
}

/// A program that may be executed for a while, whatever the rules say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Its number, which records tell.
    pub number: u32,
    /// The program.
    pub path: PathBuf,
    /// When it ends, in seconds of `CLOCK_BOOTTIME`.
    pub until_boot_s: u32,
}

/// A policy as the kernel half looks it up.
#[derive(Clone, Debug)]
pub struct Compiled {
    entries: HashMap<RuleKey, u64>,
    /// What somebody should look at. With an error among it the policy cannot be put into force as it is meant: what could not
    /// be entered is denied.
    pub warnings: Faults,
    /// The first moment at which the policy may have to be compiled again, because a rule begins or ceases to hold.
    pub next_change: Option<Timestamp>,
}

impl Compiled {
    /// The entries of the policy's map, each key once, in no order.
    pub fn entries(&self) -> impl ExactSizeIterator<Item = (RuleKey, u64)> {
        self.entries.iter().map(|(key, bits)| (*key, *bits))
    }
}

impl Rules for Compiled {
    fn get(&self, key: &RuleKey) -> u64 {
        self.entries.get(key).copied().unwrap_or(0)
    }

    /// Grants that have ended are not given to the compiler, so on the host all of them hold.
    fn now_boot_s(&self) -> u32 {
        0
    }
}

/// Looks up the paths of a policy and writes its entries.
///
/// A path that leads nowhere is a warning, not an error: the program may be installed later.
#[must_use]
pub fn compile(policy: &Policy, files: &impl Files, situation: &Situation) -> Compiled {
    let mut compiler = Compiler {
        policy,
        files,
        key: situation.key,
        confines_root: policy.rules.iter().any(confined_root::confines_root),
        held: HashMap::new(),
        contents: HashMap::new(),
        conditions: arguments::Conditions::default(),
        addresses: addresses::Addresses::default(),
        same_file: HashMap::new(),
        entries: HashMap::new(),
        warnings: Faults::default(),
    };
    let mut next_change = None;
    for rule in &policy.rules {
        let holds = rule.when.as_ref().is_none_or(|when| when.holds(situation.at));
        let change = rule.when.as_ref().and_then(|when| when.next_change(situation.at));
        next_change = [next_change, change].into_iter().flatten().min();
        compiler.rule(rule, holds);
    }
    situation.grants.iter().for_each(|grant| compiler.grant(grant));
    compiler.finish(next_change)
}

/// Whether a rule is one that denies, in whatever way.
fn denies(rule: &Rule) -> bool {
    rule.action != Action::Allow
}

/// The first half of a digest as the kernel half has it: two numbers whose bytes in the memory are its bytes.
pub(crate) fn content(digest: &[u8; 32]) -> (u64, u64) {
    let [first, second, ..] = *digest.as_chunks::<8>().0 else { return (0, 0) };
    (u64::from_ne_bytes(first), u64::from_ne_bytes(second))
}

/// Which of two rules wins where they meet: the one with the greater rank.
fn rank(rule: &Rule) -> (bool, Action) {
    (rule.overrides && !denies(rule), rule.action)
}

struct Compiler<'p, F> {
    policy: &'p Policy,
    files: &'p F,
    key: HashKey,
    /// Whether there is a rule for root.
    confines_root: bool,
    /// The rule that wins, for each file, directory, text and address.
    held: HashMap<RuleKey, &'p Rule>,
    /// What there is for each operation.
    contents: HashMap<Operation, Contents>,
    conditions: arguments::Conditions<'p>,
    addresses: addresses::Addresses<'p>,
    /// The strictest rule so far for each program that is named by its path, to warn of two names.
    same_file: HashMap<InodeId, &'p Rule>,
    /// Finished entries.
    entries: HashMap<RuleKey, u64>,
    warnings: Faults,
}

impl<'p, F: Files> Compiler<'p, F> {
    /// Enters a rule if it holds now; what is doubtful about it is told at any time.
    fn rule(&mut self, rule: &'p Rule, holds: bool) {
        // Arguments are conditions on one program. The language has no others; if it had, nothing may be allowed without them.
        let holds =
            holds && (rule.arguments.is_none() || denies(rule) || matches!(rule.subject, Subject::Path(_)));
        if holds {
            rule.operations.iter().for_each(|operation| self.note(*operation, Contents::RULES));
        }
        match &rule.subject {
            Subject::Path(path) if rule.arguments.is_some() => self.conditional(rule, path, holds),
            Subject::Path(path) => self.path(rule, path, holds),
            Subject::Directory(directory) => self.directory(rule, directory, holds),
            Subject::Tree(tree) => self.tree(rule, tree, holds),
            Subject::Name(name) if holds => self.name(rule, name),
            Subject::Address { network, ports } if holds => self.address(rule, *network, ports),
            Subject::Untrusted if holds => {
                self.hold(RuleKey::untrusted(), rule);
                self.note(Operation::Execute, Contents::UNTRUSTED);
            }
            Subject::ExecutableMemory if holds => {
                self.hold(RuleKey::executable_memory(), rule);
                self.note(Operation::Execute, Contents::EXECUTABLE_MEMORY);
            }
            Subject::Administration if holds => self.administration(rule),
            Subject::Content(digest) if holds => {
                let (first, second) = content(digest);
                self.hold(RuleKey::content(first, second), rule);
                self.note(Operation::Execute, Contents::CONTENTS);
            }
            Subject::Name(_)
            | Subject::Untrusted
            | Subject::ExecutableMemory
            | Subject::Administration
            | Subject::Content(_)
            | Subject::Address { .. } => {}
        }
    }

    /// Enters a rule under a key; the rule that wins there stays.
    fn hold(&mut self, key: RuleKey, rule: &'p Rule) {
        match self.held.entry(key) {
            Entry::Vacant(vacant) => {
                vacant.insert(rule);
            }
            Entry::Occupied(mut present) => {
                if rank(rule) > rank(present.get()) {
                    present.insert(rule);
                }
            }
        }
    }

    /// Notes that a policy has something for an operation.
    fn note(&mut self, operation: Operation, contents: Contents) {
        let noted = self.contents.entry(operation).or_default();
        *noted = noted.and(contents);
    }

    /// The hash of a path; `None` where it is too long to be compared.
    fn path_hash(&self, path: &Path) -> Option<TextHash> {
        TextHash::of_text(self.key, path.as_os_str().as_bytes())
    }

    fn grant(&mut self, grant: &Grant) {
        let inode = match self.files.resolve(&grant.path) {
            Ok(resolved) => resolved.inode,
            Err(_nowhere) => {
                let message = format!("{} is granted and cannot be looked up", quoted_path(&grant.path));
                let help = "grant it again once the program is there";
                self.warnings
                    .push(Fault::new(Code::PathNotFound, Place::file(&grant.path), message).help(help));
                return;
            }
        };
        self.note(Operation::Execute, Contents::GRANTS);
        let entry = self.entries.entry(RuleKey::grant(inode)).or_insert(0);
        if grant.until_boot_s > RuleValue::from_bits(*entry).until_boot_s() {
            *entry = RuleValue::grant(grant.number, grant.until_boot_s).to_bits();
        }
    }

    /// The value of a rule, as far as the policy is enforced.
    fn value(&self, rule: &Rule) -> RuleValue {
        let value = RuleValue::rule(rule.number, self.policy.in_force(rule.action));
        if rule.overrides && !denies(rule) { value.overriding() } else { value }
    }

    fn finish(mut self, next_change: Option<Timestamp>) -> Compiled {
        let groups = self.groups();
        for (key, rule) in &self.held {
            let value = self.value(rule);
            self.entries.insert(*key, value.to_bits());
        }
        for (key, group) in groups {
            let bits = self.entries.entry(key).or_insert(0);
            *bits = match RuleValue::from_bits(*bits) {
                RuleValue::NONE => RuleValue::only_conditions(group),
                value => value.with_conditions(group),
            }
            .to_bits();
        }
        let all_shapes = self.shapes();
        for operation in Operation::ALL {
            let default = match operation {
                Operation::Execute => self.policy.default,
                Operation::Connect if !all_shapes => Action::Deny,
                Operation::Connect => self.policy.connections_default,
                _ => Action::Allow,
            };
            let contents = self.contents.get(&operation).copied().unwrap_or_default();
            let contents = match self.policy.mode {
                Mode::Audit => contents.and(Contents::AUDITED),
                Mode::Enforce => contents,
            };
            let value = RuleValue::policy(self.policy.in_force(default), contents);
            self.entries.insert(RuleKey::policy(operation), value.to_bits());
        }
        self.warnings.sort();
        Compiled { entries: self.entries, warnings: self.warnings, next_change }
    }
}

#[cfg(test)]
mod tests;
