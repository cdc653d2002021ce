// SPDX-License-Identifier: MIT OR Apache-2.0
//! The verdict: one pure function, written once, compiled for the kernel and for the host.
//!
//! It sees a policy through [`Rules`] and a file through [`Executable`], so that the same code runs over a BPF map and
//! over a table in a test. It never allocates, loops or panics, and whatever it cannot know it denies.

use crate::rule::{Action, InodeId, PathHash, RuleKey, RuleValue};

/// Look-ups in one policy.
pub trait Rules {
    /// The value of `key`, if the policy has one.
    fn get(&self, key: &RuleKey) -> Option<RuleValue>;
}

/// The file that somebody wants to execute.
pub trait Executable {
    /// What the file is.
    fn inode(&self) -> InodeId;
    /// Where the file is. Asked for at most once, and only if a rule could match, because resolving costs.
    fn path(&mut self) -> PathLookup;
}

/// Where a file is, as far as that could be found out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathLookup {
    /// The resolved path.
    Known(PathHash),
    /// Longer than [`crate::rule::PATH_BYTES_MAX`], so that no path rule can name it.
    TooLong,
    /// The kernel would not say.
    Unreadable,
}

/// What is done about a request, and which rule says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// What is done.
    pub action: Action,
    /// Number of the rule in its policy; 0 where none matched and the default holds; otherwise one of the constants here.
    pub rule: u32,
}

impl Verdict {
    /// In place of a rule number: there is no policy yet, or no more.
    pub const RULE_NO_POLICY: u32 = u32::MAX;
    /// In place of a rule number: the file's path could not be read although the policy has path rules.
    pub const RULE_UNREADABLE_PATH: u32 = u32::MAX - 1;

    /// Where no policy can be found, nothing is allowed.
    pub const NO_POLICY: Self = Self { action: Action::Deny, rule: Self::RULE_NO_POLICY };
    /// Where a rule may match and it cannot be told, nothing is allowed.
    pub const UNREADABLE_PATH: Self = Self { action: Action::Deny, rule: Self::RULE_UNREADABLE_PATH };
}

impl From<RuleValue> for Verdict {
    fn from(value: RuleValue) -> Self {
        Self { action: value.action(), rule: value.rule }
    }
}

/// Decides whether a file may be executed.
///
/// A file is known by what it is and by where it is: of the rule for its inode and the rule for its path the stricter
/// one holds, and without either the policy's default. Only the inode can allow. In a mount namespace of their own users
/// choose what stands at a path, so a path is no proof that a program is the one that was meant.
#[must_use]
pub fn decide(rules: &impl Rules, file: &mut impl Executable) -> Verdict {
    let Some(policy) = rules.get(&RuleKey::POLICY) else {
        return Verdict::NO_POLICY;
    };
    let by_inode = by_inode(rules, file.inode(), policy);
    let by_path = if policy.has_path_rules() {
        match file.path() {
            PathLookup::Known(path) => restriction(rules.get(&RuleKey::path(path))),
            PathLookup::TooLong => None,
            PathLookup::Unreadable => return Verdict::UNREADABLE_PATH,
        }
    } else {
        None
    };
    match by_path {
        Some(path) if path.action() > by_inode.strictness => path.into(),
        _ => by_inode.verdict,
    }
}

/// What holds for a file as long as no path rule is stricter.
struct ByInode {
    verdict: Verdict,
    /// The action that a path rule has to exceed. Without a rule for the inode that is none at all: any path rule comes
    /// before the default.
    strictness: Action,
}

/// Looks for that very file, then for whichever file has its number. Not an `Option`: the compiler would carry the undefined
/// half of a `None` over the next look-up, and the verifier reads that as a register that was never written.
fn by_inode(rules: &impl Rules, inode: InodeId, policy: RuleValue) -> ByInode {
    let found = |rule: RuleValue| ByInode { verdict: rule.into(), strictness: rule.action() };
    match rules.get(&RuleKey::inode(inode)) {
        Some(rule) => found(rule),
        None => match rules.get(&RuleKey::inode(inode.of_any_generation())) {
            Some(rule) => found(rule),
            None => ByInode { verdict: policy.into(), strictness: Action::Allow },
        },
    }
}

/// A rule, unless it allows.
fn restriction(rule: Option<RuleValue>) -> Option<RuleValue> {
    rule.filter(|rule| rule.action() > Action::Allow)
}

#[cfg(test)]
mod tests;
