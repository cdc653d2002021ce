// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is doubtful about what a rule's path leads to.

use super::{Compiler, denies};
use crate::code::Code;
use crate::fault::{Fault, quoted_path};
use crate::files::{FileKind, Files, NameKind, ResolveError, Resolved};
use crate::policy::{Rule, Subject};
use sac_abi::Operation;
use sac_abi::rule::InodeId;
use std::collections::hash_map::Entry;
use std::error::Error;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Permission bits that let somebody execute a file.
const EXECUTE_BY_ANYONE: u32 = 0o111;

const NO_DIRECTORY: &str = "correct the path, or create the directory; until then the rule holds for nothing";

/// Whether a rule is about executing.
pub(super) fn executes(rule: &Rule) -> bool {
    rule.operations.contains(&Operation::Execute)
}

impl<'p, F: Files> Compiler<'p, F> {
    /// Warns of what is no program, and of symbolic links.
    pub(super) fn warn_of_file(&mut self, rule: &Rule, path: &Path, resolved: &Resolved) {
        // Quoted only where it is needed: for 10,000 rules it is a fifth of all the work.
        let path = || quoted_path(path);
        if executes(rule) && resolved.kind != FileKind::Regular {
            let (what, help) = match resolved.kind {
                FileKind::Directory => (
                    "a directory",
                    "write `directory:` for what is directly in it, or `tree:` for all below it",
                ),
                _ => ("not a regular file", "name the program itself"),
            };
            self.warn(Code::NotRegularFile, rule, format!("{} is {what}", path()), help);
        } else if executes(rule) && resolved.mode & EXECUTE_BY_ANYONE == 0 {
            let help = "name the program itself; libraries and data are not executed";
            self.warn(Code::NotExecutable, rule, format!("{} is not executable", path()), help);
        }
        if denies(rule) && resolved.name == NameKind::SymbolicLink {
            let canonical = quoted_path(&resolved.canonical);
            let message = format!("{} is a symbolic link to {canonical}", path());
            let help = if executes(rule) {
                format!("the rule holds for {canonical} under each of its names; name it if that is meant")
            } else {
                format!(
                    "the rule holds for the link, and for {canonical} under each of its names; name what is meant"
                )
            };
            self.warn(Code::SymbolicLink, rule, message, &help);
        }
    }

    /// Warns of rules that say different things about one program under different names.
    pub(super) fn warn_of_same_file(&mut self, rule: &'p Rule, path: &Path, inode: InodeId) {
        if !executes(rule) || rule.overrides {
            return;
        }
        let strictest = match self.same_file.entry(inode) {
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
        let other_path = other.subject.path().unwrap_or(path);
        // One path twice was reported when the policy was read.
        if rule.action == other.action || other_path == path {
            return;
        }
        let stricter = rule.action.max(other.action).as_str();
        let message = format!("{} and {} are the same file", quoted_path(path), quoted_path(other_path));
        let fault = Fault::new(Code::SharedInode, rule.place(), message)
            .label(rule.action.as_str())
            .related(other.place(), other.action.as_str())
            .help(format!("`{stricter}` holds for both names; give both rules one action"));
        self.warnings.push(fault);
    }

    /// Warns of a path that cannot be looked up.
    pub(super) fn warn_of_unresolved(&mut self, rule: &Rule, path: &Path, error: &ResolveError) {
        let shown = quoted_path(path);
        let ResolveError::NotFound = error else {
            let reason = error.source().map(|source| format!(": {source}")).unwrap_or_default();
            let help = "see that the path can be looked up, and load the policies again";
            self.warn(Code::PathUnreachable, rule, format!("{shown}: {error}{reason}"), help);
            return;
        };
        let is_file = matches!(rule.subject, Subject::Path(_));
        if is_file && rule.operations.contains(&Operation::Create) {
            // What is to be created is not there yet.
            return;
        }
        let pattern = path.as_os_str().as_bytes().iter().any(|byte| b"*?[".contains(byte));
        let help = match (is_file, denies(rule) || !executes(rule)) {
            _ if pattern => {
                "patterns are not understood; write `directory:` or `tree:`, or name programs one by one"
            }
            (false, _) => NO_DIRECTORY,
            (true, true) => "correct the path, or remove the rule; until then only this path itself is held",
            (true, false) => "correct the path, or remove the rule; it allows nothing",
        };
        self.warn(Code::PathNotFound, rule, format!("{shown} does not exist"), help);
    }

    /// Warns of a file whose directory cannot be looked up, so that not even its name there can be held.
    pub(super) fn warn_of_no_place(&mut self, rule: &Rule, path: &Path, error: &ResolveError) {
        match error {
            ResolveError::NotFound => {
                let message = format!("{} and its directory do not exist", quoted_path(path));
                self.warn(Code::PathNotFound, rule, message, NO_DIRECTORY);
            }
            _ => self.warn_of_unresolved(rule, path, error),
        }
    }

    /// Warns of a path that leads to one that no entry can hold.
    pub(super) fn warn_of_long_path(&mut self, rule: &Rule, path: &Path, resolved: &Resolved) {
        let bytes = resolved.canonical.as_os_str().len();
        let message = format!("{} leads to a path of {bytes} bytes", quoted_path(path));
        let help =
            "a rule can name 255 bytes, so only the file that is there now is held, not one that replaces it";
        self.warn(Code::ResolvedPathTooLong, rule, message, help);
    }

    /// Warns of a directory or tree that is something else.
    pub(super) fn warn_of_no_directory(&mut self, rule: &Rule, path: &Path) {
        let help = "name a directory, or write `path:`; until then the rule holds for nothing";
        self.warn(Code::NotDirectory, rule, format!("{} is not a directory", quoted_path(path)), help);
    }

    fn warn(&mut self, code: Code, rule: &Rule, message: String, help: &str) {
        self.warnings.push(Fault::new(code, rule.place(), message).help(help));
    }
}
