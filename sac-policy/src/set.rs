// SPDX-License-Identifier: MIT OR Apache-2.0
//! All policies of a machine, and what can be wrong between them.

use crate::choose::{self, Choice, Person};
use crate::code::{Code, Severity};
use crate::fault::{Fault, Faults, Place, quoted};
use crate::policy::{Account, AccountId, Policy, Who};
use crate::read;
use crate::source::{SOURCE_BYTES_MAX, Source};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::Path;
use std::sync::Arc;

/// Most policies in one set.
pub const POLICIES_MAX: usize = 4096;

/// Policies that were checked together. It has at least one, and no two of the same name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicySet {
    policies: Vec<Policy>,
}

/// A set that can be used, and what somebody should look at.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The policies.
    pub set: PolicySet,
    /// Warnings only.
    pub warnings: Faults,
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
        let mut policies = Vec::new();
        for source in sources {
            let source = Arc::new(source);
            if source.text().len() > SOURCE_BYTES_MAX {
                faults.push(file_too_large(source.path()));
            } else {
                policies.extend(read::read(&source, &mut faults));
            }
        }
        check_names(&policies, &mut faults);
        check_everyone(&policies, &mut faults);
        lint_accounts(&policies, &mut faults);
        faults.sort();
        if faults.count(Severity::Error) > 0 {
            return Err(faults);
        }
        Ok(Loaded { set: Self { policies }, warnings: faults })
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

    /// The policy that holds for a person, and those that would have, had it not been there.
    #[must_use]
    pub fn choose(&self, person: &Person) -> Choice<'_> {
        choose::choose(&self.policies, person)
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

fn check_everyone(policies: &[Policy], faults: &mut Faults) {
    let mut everyone = policies.iter().filter_map(|policy| match &policy.applies_to {
        Who::Everyone { span } => Some(policy.place(*span)),
        Who::Accounts { .. } => None,
    });
    let Some(first) = everyone.next() else {
        return;
    };
    for place in everyone {
        let fault = Fault::new(Code::SecondEveryone, place, "a second policy applies to everyone")
            .related(first.clone(), "first here")
            .help("keep one of them; the other can name the users and groups that it is for");
        faults.push(fault);
    }
}

/// Warns of users and groups that are named twice where only the names of the policies decide.
fn lint_accounts(policies: &[Policy], faults: &mut Faults) {
    let mut first_of: HashMap<(&str, &AccountId, i32), (&Policy, &Account)> = HashMap::new();
    for policy in policies {
        let Who::Accounts { users, groups } = &policy.applies_to else {
            continue;
        };
        let accounts =
            users.iter().map(|user| ("user", user)).chain(groups.iter().map(|group| ("group", group)));
        for (noun, account) in accounts {
            match first_of.entry((noun, &account.id, policy.priority)) {
                Entry::Vacant(vacant) => {
                    vacant.insert((policy, account));
                }
                Entry::Occupied(first) => faults.push(named_twice(noun, *first.get(), (policy, account))),
            }
        }
    }
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

/// A file that is larger than [`SOURCE_BYTES_MAX`].
pub(crate) fn file_too_large(path: &Path) -> Fault {
    Fault::new(Code::LimitExceeded, Place::file(path), "the policy file is too large")
        .help(format!("a policy has at most {} KiB; split it", SOURCE_BYTES_MAX / 1024))
}
