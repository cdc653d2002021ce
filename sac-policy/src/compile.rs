// SPDX-License-Identifier: MIT OR Apache-2.0
//! From a policy to the entries of its map.
//!
//! A denied program is held by what it is and by where it is: its inode, the path as it was written, and the path that
//! the kernel resolves that to. So it stays denied under another name, and also after an upgrade put another file in its
//! place. An allowed program is held by its inode alone; [`sac_abi::decide()`] says why. Where entries meet, the
//! stricter action wins.

use crate::code::Code;
use crate::fault::{Fault, Faults, quoted_path};
use crate::files::{FileKind, Files, NameKind, ResolveError, Resolved};
use crate::policy::{Policy, Rule};
use sac_abi::rule::{InodeId, PathHash, PathRules};
use sac_abi::{Action, RuleKey, RuleValue, Rules};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::error::Error;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Permission bits that let somebody execute a file.
const EXECUTE_BY_ANYONE: u32 = 0o111;

/// A policy as the kernel half looks it up.
#[derive(Clone, Debug)]
pub struct Compiled {
    entries: HashMap<RuleKey, RuleValue>,
    /// What the paths of the policy lead to that somebody should look at.
    pub warnings: Faults,
}

impl Compiled {
    /// The entries of the policy's map, each key once, in no order.
    pub fn entries(&self) -> impl ExactSizeIterator<Item = (RuleKey, RuleValue)> {
        self.entries.iter().map(|(key, value)| (*key, *value))
    }
}

impl Rules for Compiled {
    fn get(&self, key: &RuleKey) -> Option<RuleValue> {
        self.entries.get(key).copied()
    }
}

/// Looks up the paths of a policy and writes its entries.
///
/// A path that leads nowhere is a warning, not an error: the program may be installed later.
#[must_use]
pub fn compile(policy: &Policy, files: &impl Files) -> Compiled {
    let mut compiler =
        Compiler { policy, entries: HashMap::new(), inodes: HashMap::new(), warnings: Faults::default() };
    for rule in &policy.rules {
        compiler.rule(rule, files);
    }
    let path_rules = if policy.rules.iter().any(denies) { PathRules::Some } else { PathRules::None };
    compiler.entries.insert(RuleKey::POLICY, RuleValue::policy(policy.default, path_rules));
    compiler.warnings.sort();
    Compiled { entries: compiler.entries, warnings: compiler.warnings }
}

fn denies(rule: &Rule) -> bool {
    rule.action != Action::Allow
}

struct Compiler<'p> {
    policy: &'p Policy,
    entries: HashMap<RuleKey, RuleValue>,
    /// The strictest rule so far for each file.
    inodes: HashMap<InodeId, &'p Rule>,
    warnings: Faults,
}

impl<'p> Compiler<'p> {
    fn rule(&mut self, rule: &'p Rule, files: &impl Files) {
        if denies(rule) {
            // That the path is short enough was checked when the policy was read.
            self.path_entry(rule, &rule.path);
        }
        match files.resolve(&rule.path) {
            Ok(resolved) => {
                self.lint_file(rule, &resolved);
                self.inode_entry(rule, resolved.inode);
                if denies(rule) {
                    self.canonical_entry(rule, &resolved);
                }
            }
            Err(error) => self.lint_unresolved(rule, &error),
        }
    }

    fn inode_entry(&mut self, rule: &'p Rule, inode: InodeId) {
        self.insert(RuleKey::inode(inode), rule);
        let strictest = match self.inodes.entry(inode) {
            Entry::Vacant(vacant) => {
                vacant.insert(rule);
                return;
            }
            Entry::Occupied(occupied) => occupied.into_mut(),
        };
        let other = *strictest;
        if rule.action > other.action {
            *strictest = rule;
        }
        // One path twice was reported when the policy was read.
        if rule.action != other.action && rule.path != other.path {
            self.lint_shared(rule, other);
        }
    }

    fn canonical_entry(&mut self, rule: &Rule, resolved: &Resolved) {
        if self.path_entry(rule, &resolved.canonical).is_none() {
            let message = format!(
                "{} leads to a path of {} bytes",
                quoted_path(&rule.path),
                resolved.canonical.as_os_str().len()
            );
            let help = "a rule can name 255 bytes, so only the file that is there now is held, not one that replaces it";
            self.warn(Code::ResolvedPathTooLong, rule, message, help);
        }
    }

    /// `None` where the path is too long for an entry.
    fn path_entry(&mut self, rule: &Rule, path: &Path) -> Option<()> {
        let hash = PathHash::of_path(path.as_os_str().as_bytes())?;
        self.insert(RuleKey::path(hash), rule);
        Some(())
    }

    /// The stricter action wins; of equally strict rules, the first.
    fn insert(&mut self, key: RuleKey, rule: &Rule) {
        let value = RuleValue::rule(rule.number, rule.action);
        self.entries
            .entry(key)
            .and_modify(|present| {
                if value.action() > present.action() {
                    *present = value;
                }
            })
            .or_insert(value);
    }

    fn lint_file(&mut self, rule: &Rule, resolved: &Resolved) {
        let path = quoted_path(&rule.path);
        let canonical = quoted_path(&resolved.canonical);
        if resolved.kind != FileKind::Regular {
            let what =
                if resolved.kind == FileKind::Directory { "a directory" } else { "not a regular file" };
            let help = "name programs one by one; a rule for a directory does not hold for what is in it";
            self.warn(Code::NotRegularFile, rule, format!("{path} is {what}"), help);
        } else if resolved.mode & EXECUTE_BY_ANYONE == 0 {
            let help = "name the program itself; libraries and data are not executed";
            self.warn(Code::NotExecutable, rule, format!("{path} is not executable"), help);
        }
        if denies(rule) && resolved.name == NameKind::SymbolicLink {
            let message = format!("{path} is a symbolic link to {canonical}");
            let help =
                format!("the rule holds for {canonical} under each of its names; name it if that is meant");
            self.warn(Code::SymbolicLink, rule, message, &help);
        }
    }

    fn lint_unresolved(&mut self, rule: &Rule, error: &ResolveError) {
        let path = quoted_path(&rule.path);
        match error {
            ResolveError::NotFound => {
                let help = match (
                    rule.path.as_os_str().as_bytes().iter().any(|byte| b"*?[".contains(byte)),
                    denies(rule),
                ) {
                    (true, _) => "patterns are not understood; name programs one by one",
                    (false, true) => {
                        "correct the path, or remove the rule; until then only this path itself is held"
                    }
                    (false, false) => "correct the path, or remove the rule; it allows nothing",
                };
                self.warn(Code::PathNotFound, rule, format!("{path} does not exist"), help);
            }
            error => {
                let reason = error.source().map(|source| format!(": {source}")).unwrap_or_default();
                let help = "see that the path can be looked up, and load the policies again";
                self.warn(Code::PathUnreachable, rule, format!("{path}: {error}{reason}"), help);
            }
        }
    }

    fn lint_shared(&mut self, rule: &Rule, other: &Rule) {
        let (path, other_path) = (quoted_path(&rule.path), quoted_path(&other.path));
        let stricter = rule.action.max(other.action).as_str();
        let fault = Fault::new(
            Code::SharedInode,
            self.policy.place(rule.span),
            format!("{path} and {other_path} are the same file"),
        )
        .label(rule.action.as_str())
        .related(self.policy.place(other.span), other.action.as_str())
        .help(format!("`{stricter}` holds for both names; give both rules one action"));
        self.warnings.push(fault);
    }

    fn warn(&mut self, code: Code, rule: &Rule, message: String, help: &str) {
        self.warnings.push(Fault::new(code, self.policy.place(rule.span), message).help(help));
    }
}

#[cfg(test)]
mod tests;
