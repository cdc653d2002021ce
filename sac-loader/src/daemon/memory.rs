// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which files have stood at denied paths since the policies were loaded.
//!
//! A denied program that is renamed stays denied, although its path leads nowhere any more when the policies are next looked
//! at. Only files that can be told from later ones with the same inode number are remembered.

use sac_abi::{Action, Operation, RuleKey, TextHash, rule::InodeId};
use sac_policy::{Compiled, Files, HostFiles, Policy, Subject};
use std::{
    collections::BTreeMap,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
};

/// How many files are remembered for one path; of more the earliest is forgotten.
const FILES_MAX: usize = 8;

/// Files by the path that they stood at.
#[derive(Clone, Debug, Default)]
pub(super) struct Memory(BTreeMap<PathBuf, Vec<InodeId>>);

impl Memory {
    /// Remembers what stands at the denied paths of a policy now.
    pub(super) fn look(&mut self, policy: &Policy, files: &HostFiles) {
        for path in denied_paths(policy) {
            let found = files.resolve(path).ok().map(|found| found.inode);
            self.remember(path, found.filter(|inode| inode.generation.is_some()));
        }
    }

    fn remember(&mut self, path: &Path, inode: Option<InodeId>) {
        let Some(inode) = inode else { return };
        let known = self.0.entry(path.to_owned()).or_default();
        if known.contains(&inode) {
            return;
        }
        if known.len() == FILES_MAX {
            known.remove(0);
        }
        known.push(inode);
    }

    /// The entries that hold remembered files as what stands at their path is held.
    pub(super) fn entries(
        &self,
        policy: &Policy,
        compiled: &Compiled,
        key: sac_abi::HashKey,
    ) -> Vec<(RuleKey, u64)> {
        let present: BTreeMap<RuleKey, u64> = compiled.entries().collect();
        let mut entries = Vec::new();
        for path in denied_paths(policy) {
            let Some(hash) = TextHash::of_text(key, path.as_os_str().as_bytes()) else { continue };
            let Some(held) = present.get(&RuleKey::path(Operation::Execute, hash)) else { continue };
            for inode in self.0.get(path).into_iter().flatten() {
                let key = RuleKey::inode(Operation::Execute, *inode);
                if !present.contains_key(&key) {
                    entries.push((key, *held));
                }
            }
        }
        entries.sort_unstable();
        // Two paths may have had one file; the first of them is as good as the second.
        entries.dedup_by_key(|(key, _)| *key);
        entries
    }
}

/// The paths of programs that a policy denies, now or at another time.
fn denied_paths(policy: &Policy) -> impl Iterator<Item = &Path> {
    let denied = policy.rules.iter().filter(|rule| rule.action != Action::Allow);
    denied.filter_map(|rule| match &rule.subject {
        Subject::Path(path) if rule.operations.contains(&Operation::Execute) => Some(path.as_path()),
        _ => None,
    })
}

#[cfg(test)]
mod tests;
