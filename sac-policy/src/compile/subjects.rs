// SPDX-License-Identifier: MIT OR Apache-2.0
//! Rules for paths, names, directories and trees.

use super::{Compiler, denies};
use crate::files::{FileKind, Files, Resolved};
use crate::policy::Rule;
use sac_abi::rule::{Contents, InodeId};
use sac_abi::{Operation, RuleKey, TextHash};
use std::path::Path;

impl<'p, F: Files> Compiler<'p, F> {
    /// A rule for one file.
    pub(super) fn path(&mut self, rule: &'p Rule, path: &Path, holds: bool) {
        if holds && denies(rule) {
            // That the path is short enough was checked when the policy was read.
            let _entered = self.hold_path(rule, path);
        }
        match self.files.resolve(path) {
            Ok(resolved) => {
                self.warn_of_file(rule, path, &resolved);
                self.warn_of_same_file(rule, path, resolved.inode);
                if holds {
                    for &operation in &rule.operations {
                        self.hold(RuleKey::inode(operation, resolved.inode), rule);
                    }
                    if denies(rule) && self.hold_path(rule, &resolved.canonical).is_none() {
                        self.warn_of_long_path(rule, path, &resolved);
                    }
                }
            }
            Err(error) => self.warn_of_unresolved(rule, path, &error),
        }
    }

    /// `None` where the path is too long for an entry.
    fn hold_path(&mut self, rule: &'p Rule, path: &Path) -> Option<()> {
        let hash = self.path_hash(path)?;
        for &operation in &rule.operations {
            self.hold(RuleKey::path(operation, hash), rule);
            self.note(operation, Contents::PATHS);
        }
        Some(())
    }

    /// A rule for whatever has a name, which is never one that allows.
    pub(super) fn name(&mut self, rule: &'p Rule, name: &str) {
        let Some(hash) = TextHash::of_text(self.key, name.as_bytes()).filter(|_| denies(rule)) else {
            return;
        };
        for &operation in &rule.operations {
            self.hold(RuleKey::name(operation, hash), rule);
            self.note(operation, Contents::NAMES);
        }
    }

    /// A rule for what is directly in a directory.
    pub(super) fn directory(&mut self, rule: &'p Rule, path: &Path, holds: bool) {
        if let Some(directory) = self.resolved_directory(rule, path)
            && holds
        {
            self.hold_directory(rule, directory.inode, RuleKey::directory, Contents::DIRECTORIES);
        }
    }

    /// A rule for all that is below a directory.
    pub(super) fn tree(&mut self, rule: &'p Rule, path: &Path, holds: bool) {
        let Some(directory) = self.resolved_directory(rule, path).filter(|_| holds) else {
            return;
        };
        self.hold_directory(rule, directory.inode, RuleKey::tree, Contents::TREES);
        for root in self.files.mounts_below(&directory.canonical) {
            self.hold_directory(rule, root, RuleKey::tree, Contents::TREES);
        }
    }

    fn hold_directory(
        &mut self,
        rule: &'p Rule,
        directory: InodeId,
        key: fn(Operation, InodeId) -> RuleKey,
        contents: Contents,
    ) {
        let contents = match directory.generation {
            Some(_) => contents,
            None => contents.and(Contents::NUMBERED_DIRECTORIES),
        };
        for &operation in &rule.operations {
            self.hold(key(operation, directory), rule);
            self.note(operation, contents);
        }
    }

    fn resolved_directory(&mut self, rule: &Rule, path: &Path) -> Option<Resolved> {
        match self.files.resolve(path) {
            Ok(resolved) if resolved.kind == FileKind::Directory => Some(resolved),
            Ok(_) => {
                self.warn_of_no_directory(rule, path);
                None
            }
            Err(error) => {
                self.warn_of_unresolved(rule, path, &error);
                None
            }
        }
    }
}
