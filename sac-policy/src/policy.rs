// SPDX-License-Identifier: MIT OR Apache-2.0
//! A policy as it was checked: who it is for, what it says, and where each of its parts stands.
//!
//! What is here has passed every check that needs no file system. It is made by [`crate::PolicySet`] only.

use crate::fault::Place;
use crate::source::{Source, Span};
use sac_abi::Action;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// One policy.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Policy {
    /// Its name, unique in its set.
    pub name: String,
    /// What it is for, in the administrator's words.
    pub description: Option<String>,
    /// Whom it is for.
    pub applies_to: Who,
    /// Which policy wins where several are for one person: the one with the greater number.
    pub priority: i32,
    /// What a blocked program gets unless its rule says otherwise; never [`Action::Allow`].
    pub action: Action,
    /// What a program gets that no rule names: [`Action::Allow`], or the policy's own action.
    pub default: Action,
    /// The rules, in the order of the file.
    pub rules: Vec<Rule>,
    pub(crate) source: Arc<Source>,
    /// Where the name stands.
    pub(crate) name_span: Span,
}

impl Policy {
    /// The file that the policy was read from.
    #[must_use]
    pub fn file(&self) -> &Path {
        self.source.path()
    }

    /// The rule with this number, which counts from 1 as in [`sac_abi::Verdict::rule`].
    #[must_use]
    pub fn rule(&self, number: u32) -> Option<&Rule> {
        self.rules.get(usize::try_from(number).ok()?.checked_sub(1)?)
    }

    pub(crate) fn place(&self, span: Span) -> Place {
        Place::at(&self.source, span)
    }
}

/// Whom a policy is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// Everyone for whom there is no other policy, except root.
    Everyone {
        /// Where this is said.
        span: Span,
    },
    /// These users, and the members of these groups.
    Accounts {
        /// Users.
        users: Vec<Account>,
        /// Groups, primary or supplementary.
        groups: Vec<Account>,
    },
}

/// A user or a group that a policy names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// How it is named.
    pub id: AccountId,
    /// Where it is named.
    pub span: Span,
}

/// A user or a group, by name or by number.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum AccountId {
    /// The name in the system's user database.
    Name(String),
    /// The numeric user or group id.
    Id(u32),
}

impl AccountId {
    /// Whether this is the account with this name and number.
    #[must_use]
    pub fn matches(&self, name: &str, id: u32) -> bool {
        match self {
            Self::Name(own) => own == name,
            Self::Id(own) => *own == id,
        }
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Id(id) => write!(f, "{id}"),
        }
    }
}

/// One program that a policy allows or denies.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rule {
    /// Its number in the policy, from 1, in the order of the file.
    pub number: u32,
    /// The program, as it was written: absolute and without `.`, `..` or empty parts.
    pub path: PathBuf,
    /// What the program gets.
    pub action: Action,
    /// Where the path stands.
    pub span: Span,
}

impl Rule {
    /// The line of the file, from 1.
    #[must_use]
    pub fn line(&self) -> u32 {
        self.span.line
    }
}
