// SPDX-License-Identifier: MIT OR Apache-2.0
//! All policies of a machine, and what can be wrong between them.

use crate::choose::{self, Choice, Login, Match, Person};
use crate::code::{Code, Severity};
use crate::fault::{Fault, Faults, Place, quoted};
use crate::inherit::RuleSets;
use crate::policy::{Account, AccountId, AppliesTo, Policy, Who};
use crate::read::{self, Document};
use crate::source::{SOURCE_BYTES_MAX, Source};
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::Path;
use std::sync::Arc;

/// Most policies and rule sets in one set.
pub const POLICIES_MAX: usize = 4096;

/// Most text of all files in one set, in bytes.
pub(crate) const SOURCES_BYTES_MAX: usize = 64 << 20;

/// Policies that were checked together. It has at least one, and no two of the same name.
#[derive(Clone, Debug)]
pub struct PolicySet {
    policies: Vec<Policy>,
    digest: String,
}

/// All that policies are comes from their files. To compare rule by rule would compare each one's file with it, ten thousand times.
impl PartialEq for PolicySet {
    fn eq(&self, other: &Self) -> bool {
        self.digest == other.digest
    }
}

impl Eq for PolicySet {}

/// A set that can be used, and what somebody should look at.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The policies.
    pub set: PolicySet,
    /// Warnings only.
    pub warnings: Faults,
}

/// The digest of sources: lengths stand before paths and texts, so that nothing can pass for something else.
fn digest(sources: &[Source]) -> String {
    let mut sorted: Vec<_> = sources.iter().collect();
    sorted.sort_by(|one, other| one.path().cmp(other.path()));
    let mut hash = Sha256::new();
    for source in sorted {
        for part in [source.path().as_os_str().as_encoded_bytes(), source.text().as_bytes()] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

impl PolicySet {
    /// Checks policies that are in memory.
    ///
    /// # Errors
    ///
    /// All errors and warnings of all files, if there is at least one error.
    pub fn from_sources(sources: Vec<Source>) -> Result<Loaded, Faults> {
        Self::check(sources, Faults::default(), None)
    }

    /// Checks policies; `faults` is what was found while they were read from `directory`.
    pub(crate) fn check(
        sources: Vec<Source>,
        mut faults: Faults,
        directory: Option<&Path>,
    ) -> Result<Loaded, Faults> {
        if sources.is_empty() && faults.count(Severity::Error) == 0 {
            faults.push(no_policy_file(directory));
        }
        if sources.len() > POLICIES_MAX {
            faults.push(too_many_files(directory));
            return Err(faults);
        }
        if sources.iter().map(|source| source.text().len()).sum::<usize>() > SOURCES_BYTES_MAX {
            faults.push(too_much_text(directory));
            return Err(faults);
        }
        let digest = digest(&sources);
        let (mut drafts, mut sets) = (Vec::new(), Vec::new());
        let mut complete = faults.count(Severity::Error) == 0;
        for source in sources {
            let source = Arc::new(source);
            if source.text().len() > SOURCE_BYTES_MAX {
                faults.push(file_too_large(source.path()));
                complete = false;
                continue;
            }
            match read::read(&source, &mut faults) {
                Some(Document::Policy(draft)) => drafts.push(*draft),
                Some(Document::RuleSet(set)) => {
                    complete &= !set.name.is_empty();
                    sets.push(set);
                }
                None => complete = false,
            }
        }
        if drafts.is_empty() && !sets.is_empty() && faults.count(Severity::Error) == 0 {
            faults.push(no_policy_file(directory));
        }
        let mut rule_sets = RuleSets::new(sets, &drafts, complete, &mut faults);
        let policies: Vec<Policy> = drafts.into_iter().map(|draft| rule_sets.complete(draft)).collect();
        rule_sets.lint_unused();
        check_names(&policies, &mut faults);
        check_everyone(&policies, &mut faults);
        lint_accounts(&policies, &mut faults);
        faults.sort();
        if faults.count(Severity::Error) > 0 {
            return Err(faults);
        }
        Ok(Loaded { set: Self { policies, digest }, warnings: faults })
    }

    /// SHA-256 of all files, their paths included, in hexadecimal: the same files give the same.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The policies, in the order of their files.
    #[must_use]
    pub fn policies(&self) -> &[Policy] {
        &self.policies
    }

    /// The policy with this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Policy> {
        self.policies.iter().find(|policy| policy.name == name)
    }

    /// The policy that holds for a person who logs in like this at a moment, and what became of the others.
    #[must_use]
    pub fn choose(&self, person: &Person, login: &Login, at: Timestamp) -> Choice<'_> {
        choose::choose(&self.policies, person, login, at)
    }

    /// The policies that are for a person, whatever the login, in the order in which they would win.
    #[must_use]
    pub fn matches(&self, person: &Person) -> Vec<Match<'_>> {
        choose::matches(&self.policies, person)
    }
}

fn check_names(policies: &[Policy], faults: &mut Faults) {
    let mut first_of = HashMap::new();
    // A policy without a name was reported when it was read.
    for policy in policies.iter().filter(|policy| !policy.name.is_empty()) {
        match first_of.entry(policy.name.as_str()) {
            Entry::Vacant(vacant) => {
                vacant.insert(policy);
            }
            Entry::Occupied(first) => {
                let first: &Policy = first.get();
                let message = format!("there are two policies {}", quoted(&policy.name));
                let place = policy.place(policy.name_span);
                let fault = Fault::new(Code::DuplicatePolicyName, place, message)
                    .related(first.place(first.name_span), "first here")
                    .help("rename or remove one of them");
                faults.push(fault);
            }
        }
    }
}

/// Of two policies for everyone, at all times and from everywhere, only the priority can say which one is meant.
fn check_everyone(policies: &[Policy], faults: &mut Faults) {
    let mut first_of = HashMap::new();
    for policy in policies.iter().filter(|policy| policy.applies_to.conditions() == 0) {
        let Who::Everyone { span } = &policy.applies_to.who else {
            continue;
        };
        let place = policy.place(*span);
        match first_of.entry(policy.priority) {
            Entry::Vacant(vacant) => {
                vacant.insert(place);
            }
            Entry::Occupied(first) => {
                let fault = Fault::new(Code::SecondEveryone, place, "a second policy applies to everyone")
                    .related(first.get().clone(), "first here")
                    .help("keep one of them; the other can name the users and groups that it is for");
                faults.push(fault);
            }
        }
    }
}

/// Warns of users and groups that are named twice where only the names of the policies decide.
fn lint_accounts(policies: &[Policy], faults: &mut Faults) {
    let mut first_of: HashMap<(&str, &AccountId, i32, usize), (&Policy, &Account)> = HashMap::new();
    for policy in policies {
        let applies_to = &policy.applies_to;
        let Who::Accounts { users, groups } = &applies_to.who else {
            continue;
        };
        let accounts =
            users.iter().map(|user| ("user", user)).chain(groups.iter().map(|group| ("group", group)));
        for (noun, account) in accounts {
            match first_of.entry((noun, &account.id, policy.priority, applies_to.conditions())) {
                Entry::Vacant(vacant) => {
                    vacant.insert((policy, account));
                }
                Entry::Occupied(first) => {
                    if same_conditions(&first.get().0.applies_to, applies_to) {
                        faults.push(named_twice(noun, *first.get(), (policy, account)));
                    }
                }
            }
        }
    }
}

/// Whether two policies are for the same logins. Others may be, too; that cannot be told from conditions that differ.
fn same_conditions(one: &AppliesTo, other: &AppliesTo) -> bool {
    one.services == other.services
        && one.from == other.from
        && one.terminal == other.terminal
        && one.when == other.when
}

fn named_twice(noun: &str, first: (&Policy, &Account), second: (&Policy, &Account)) -> Fault {
    let id = quoted(second.1.id.to_string());
    let place = second.0.place(second.1.span);
    let fault = if std::ptr::eq(first.0, second.0) {
        Fault::new(Code::RepeatedEntry, place, format!("{noun} {id} is listed twice"))
            .help("remove one of the two")
    } else {
        let priority = second.0.priority;
        let message = format!("two policies of priority {priority} name {noun} {id}");
        let winner = first.0.name.as_str().min(&second.0.name);
        let help =
            format!("give one of them a greater `priority`; until then {} wins by its name", quoted(winner));
        Fault::new(Code::EqualPriority, place, message).help(help)
    };
    fault.related(first.0.place(first.1.span), "first here")
}

fn no_policy_file(directory: Option<&Path>) -> Fault {
    let place = Place::file(directory.unwrap_or(Path::new("policies")));
    Fault::new(Code::NoPolicyFile, place, "there is no policy file").help(
        "write one with a name that ends in `.yaml`; `policy: default` and `applies_to: everyone` are enough",
    )
}

fn too_many_files(directory: Option<&Path>) -> Fault {
    let place = Place::file(directory.unwrap_or(Path::new("policies")));
    Fault::new(Code::LimitExceeded, place, format!("there are more than {POLICIES_MAX} policy files"))
        .help("merge some of them; one policy can name many users and groups")
}

fn too_much_text(directory: Option<&Path>) -> Fault {
    let place = Place::file(directory.unwrap_or(Path::new("policies")));
    let message = format!("the policy files have more than {} MiB together", SOURCES_BYTES_MAX >> 20);
    Fault::new(Code::LimitExceeded, place, message)
        .help("move what policies share to rule sets, and inherit those")
}

/// A file that is larger than [`SOURCE_BYTES_MAX`].
pub(crate) fn file_too_large(path: &Path) -> Fault {
    Fault::new(Code::LimitExceeded, Place::file(path), "the policy file is too large")
        .help(format!("a policy has at most {} MiB; split it", SOURCE_BYTES_MAX >> 20))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_files_are_the_same_set() {
        let set = |path: &str, text: &str| {
            let text = format!("policy: p\napplies_to: everyone\n{text}");
            PolicySet::from_sources(vec![Source::new(path, text)]).unwrap().set
        };
        assert_eq!(set("a.yaml", ""), set("a.yaml", ""));
        // Rules say where they stand.
        for other in [set("b.yaml", ""), set("a.yaml", "\n"), set("a.yaml", "priority: 1\n")] {
            assert_ne!(set("a.yaml", ""), other);
        }
    }
}
