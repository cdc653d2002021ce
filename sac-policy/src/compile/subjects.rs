// SPDX-License-Identifier: MIT OR Apache-2.0
//! Rules for paths, names, directories and trees.

use super::confined_root::confines_root;
use super::warnings::executes;
use super::{Compiler, denies};
use crate::files::{FileKind, Files, Resolved};
use crate::policy::Rule;
use sac_abi::rule::{Contents, InodeId};
use sac_abi::sieve::NameStart;
use sac_abi::{Operation, RuleKey, TextHash};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// What there is for a directory: also one that is known by its number alone, if it is.
fn numbered(contents: Contents, directory: InodeId) -> Contents {
    match directory.generation {
        Some(_) => contents,
        None => contents.and(Contents::NUMBERED_DIRECTORIES),
    }
}

impl<'p, F: Files> Compiler<'p, F> {
    /// A rule for one file: a program, or a file that something else is done with.
    pub(super) fn path(&mut self, rule: &'p Rule, path: &Path, holds: bool) {
        if executes(rule) {
            self.program(rule, path, holds);
        } else {
            self.file(rule, path, holds);
        }
    }

    fn program(&mut self, rule: &'p Rule, path: &Path, holds: bool) {
        if holds && denies(rule) {
            // That the path is short enough was checked when the policy was read.
            let _entered = self.hold_path(rule, path);
        }
        match self.files.resolve(path) {
            Ok(resolved) => {
                self.warn_of_file(rule, path, &resolved);
                self.warn_of_same_file(rule, path, resolved.inode);
                if holds {
                    self.hold_inode(rule, &rule.operations, resolved.inode);
                    if denies(rule) && self.hold_path(rule, &resolved.canonical).is_none() {
                        self.warn_of_long_path(rule, path, &resolved);
                    }
                }
            }
            Err(error) => self.warn_of_unresolved(rule, path, &error),
        }
    }

    /// A file is held by what it is, and by its name in its directory: the one that is written, which may be that of a
    /// symbolic link, and the one that it leads to.
    fn file(&mut self, rule: &'p Rule, path: &Path, holds: bool) {
        let resolved = self.files.resolve(path);
        let place = path.parent().map(|directory| self.files.resolve(directory));
        match (&resolved, &place) {
            (Ok(resolved), _) => self.warn_of_file(rule, path, resolved),
            (Err(_nowhere), Some(Err(error))) => self.warn_of_no_place(rule, path, error),
            (Err(error), _) => self.warn_of_unresolved(rule, path, error),
        }
        if !holds {
            return;
        }
        self.hold_file(rule, &self.held_for(rule), path, resolved.ok().as_ref());
    }

    /// Holds what a path leads to, if anything, and both names.
    pub(super) fn hold_file(
        &mut self,
        rule: &'p Rule,
        operations: &[Operation],
        path: &Path,
        resolved: Option<&Resolved>,
    ) {
        let canonical = resolved.map(|resolved| resolved.canonical.as_path());
        for path in [Some(path), canonical].into_iter().flatten() {
            if let Some(Ok(directory)) = path.parent().map(|directory| self.files.resolve(directory)) {
                self.hold_entry(rule, operations, &directory, path);
            }
        }
        if let Some(resolved) = resolved {
            self.hold_inode(rule, operations, resolved.inode);
        }
    }

    fn hold_inode(&mut self, rule: &'p Rule, operations: &[Operation], inode: InodeId) {
        for &operation in operations {
            self.hold(RuleKey::inode(operation, inode), rule);
        }
    }

    /// Holds the last part of a path as a name in a directory.
    fn hold_entry(&mut self, rule: &'p Rule, operations: &[Operation], directory: &Resolved, path: &Path) {
        let name = path.file_name().and_then(|name| TextHash::of_text(self.key, name.as_bytes()));
        let Some(name) = name.filter(|_| directory.kind == FileKind::Directory) else {
            return;
        };
        let contents = numbered(Contents::ENTRIES, directory.inode);
        for &operation in operations {
            self.hold(RuleKey::entry(operation, directory.inode, name), rule);
            self.hold(RuleKey::directory_of_entries(operation, directory.inode), rule);
            self.note(operation, contents);
        }
        self.hold_way(rule, &directory.canonical);
    }

    /// Keeps a directory and those that it is in from being moved away, as far as a rule for files denies something below:
    /// otherwise its path would lead nowhere when the policy is compiled again. Where root is confined they are kept from privileged
    /// processes alone, as all of it is, which then can change nothing else about these directories either.
    fn hold_way(&mut self, rule: &'p Rule, directory: &Path) {
        if !denies(rule) || executes(rule) {
            return;
        }
        let operation = if confines_root(rule) { Operation::Administer } else { Operation::Rename };
        for part in directory.ancestors().filter(|part| part.parent().is_some()) {
            if let Ok(found) = self.files.resolve(part) {
                self.hold(RuleKey::inode(operation, found.inode), rule);
                self.note(operation, Contents::RULES);
            }
        }
    }

    /// `None` where the path is too long for an entry.
    fn hold_path(&mut self, rule: &'p Rule, path: &Path) -> Option<()> {
        let hash = self.path_hash(path)?;
        for &operation in &rule.operations {
            self.hold(RuleKey::path(operation, hash), rule);
            self.hold_name_of_path(operation, rule, path);
            self.note(operation, Contents::PATHS);
        }
        Some(())
    }

    /// Holds the name that a path ends with, without which the path itself is not looked up.
    pub(super) fn hold_name_of_path(&mut self, operation: Operation, rule: &'p Rule, path: &Path) {
        let path = path.as_os_str().as_bytes();
        let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        self.hold(RuleKey::name_of_path(operation, NameStart::of(name)), rule);
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
            let key = RuleKey::directory;
            let operations = self.held_for(rule);
            self.hold_directory(rule, &operations, directory.inode, key, Contents::DIRECTORIES);
            self.hold_way(rule, &directory.canonical);
        }
    }

    /// A rule for all that is below a directory.
    pub(super) fn tree(&mut self, rule: &'p Rule, path: &Path, holds: bool) {
        let Some(directory) = self.resolved_directory(rule, path).filter(|_| holds) else {
            return;
        };
        self.hold_tree(rule, &self.held_for(rule), &directory);
    }

    /// Holds a directory with all that is below it; what is no directory is no tree.
    pub(super) fn hold_tree(&mut self, rule: &'p Rule, operations: &[Operation], directory: &Resolved) {
        if directory.kind != FileKind::Directory {
            return;
        }
        self.hold_directory(rule, operations, directory.inode, RuleKey::tree, Contents::TREES);
        self.hold_way(rule, &directory.canonical);
        for root in self.files.mounts_below(&directory.canonical) {
            self.hold_directory(rule, operations, root, RuleKey::tree, Contents::TREES);
        }
    }

    fn hold_directory(
        &mut self,
        rule: &'p Rule,
        operations: &[Operation],
        directory: InodeId,
        key: fn(Operation, InodeId) -> RuleKey,
        contents: Contents,
    ) {
        let contents = numbered(contents, directory);
        for &operation in operations {
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
