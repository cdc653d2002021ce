// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which policies operations are measured under.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::Operation;
use crate::bench::grouped;
use crate::bench::policies::{self, Kind, PROGRAMS};

/// How many trees rules for files can be about.
pub(super) const TREES: usize = 100;

/// How many addresses are denied.
const ADDRESSES: usize = 10;

/// What operations are measured under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::bench) enum Under {
    /// Without SAC.
    Nothing,
    /// A policy with no rule.
    Empty,
    /// Rules for so many other files by their paths, each for all operations on files.
    Files(usize),
    /// The same for so many trees.
    Trees(usize),
    /// Rules for other addresses.
    Addresses,
    /// Rules for so many other programs by their paths.
    Programs(usize),
    /// Programs that are not certain to be an administrator's are denied.
    Untrusted,
    /// Nothing, while somebody else is confined.
    Outside,
    /// Rules for so many other programs and as many other files by their paths, and for other addresses. It is no row of its own in the
    /// table of operations: it is what much else is measured under.
    EveryKind,
}

impl Under {
    /// All, in the order of the table. What nothing is attached for comes first.
    pub(in crate::bench) const ALL: [Self; 11] = [
        Self::Nothing,
        Self::Empty,
        Self::Files(10),
        Self::Files(PROGRAMS),
        Self::Trees(1),
        Self::Trees(TREES),
        Self::Addresses,
        Self::Programs(10),
        Self::Programs(PROGRAMS),
        Self::Untrusted,
        Self::Outside,
    ];

    /// What the table says.
    pub(in crate::bench) fn title(self) -> String {
        let number = |rules: usize| grouped(rules as u64);
        match self {
            Self::Nothing => "nothing attached".to_owned(),
            Self::Empty => Kind::Empty.title(),
            Self::Files(rules) => format!("{} file paths denied", number(rules)),
            Self::Trees(1) => "1 file tree denied".to_owned(),
            Self::Trees(rules) => format!("{} file trees denied", number(rules)),
            Self::Addresses => format!("{ADDRESSES} addresses denied"),
            Self::Programs(rules) => format!("{} program paths denied", number(rules)),
            Self::Untrusted => "untrusted programs denied".to_owned(),
            Self::Outside => "outside, while others are confined".to_owned(),
            Self::EveryKind => format!("{} rules of every kind", number(PROGRAMS)),
        }
    }

    /// The operations that its rules are of the kind for.
    pub(in crate::bench) fn operations(self) -> &'static [Operation] {
        use Operation::{Connect, Create, Map, Read, Rename, Send, Unlink, Write};
        match self {
            Self::Nothing | Self::Empty | Self::Outside => &Operation::ALL,
            Self::Files(_) | Self::Trees(_) => &[Read, Write, Create, Unlink, Rename],
            Self::EveryKind => &[Read, Unlink, Connect],
            Self::Addresses => &[Connect, Send],
            Self::Programs(_) | Self::Untrusted => &[Map],
        }
    }

    /// Whether SAC is there and nobody has a rule about the operation.
    pub(in crate::bench) fn has_no_rule(self) -> bool {
        matches!(self, Self::Empty | Self::Outside)
    }

    /// Whether somebody else is confined.
    pub(super) fn is_outside(self) -> bool {
        self == Self::Outside
    }

    /// Where its policy lies.
    pub(in crate::bench) fn file(self, dir: &Path) -> Option<PathBuf> {
        let name = match self {
            Self::Nothing | Self::Outside => return None,
            Self::Empty => return Some(Kind::Empty.file(dir)),
            Self::Programs(rules) => return Some(Kind::Paths(rules).file(dir)),
            Self::Files(rules) => format!("files-{rules}"),
            Self::Trees(rules) => format!("file-trees-{rules}"),
            Self::Addresses => "addresses".to_owned(),
            Self::Untrusted => "untrusted".to_owned(),
            Self::EveryKind => "every-kind".to_owned(),
        };
        Some(dir.join("single").join(format!("{name}.yaml")))
    }

    /// The arguments that say what must be denied under it.
    pub(in crate::bench) fn denied(self, dir: &Path) -> String {
        let (option, path) = match self {
            Self::Nothing | Self::Empty | Self::Outside => return String::new(),
            Self::EveryKind => {
                let denied = policies::denied(dir, 0);
                let denied = denied.display();
                return format!("--blocked {denied} --closed {denied} --unreachable {}", address(0));
            }
            Self::Addresses => return format!("--unreachable {}", address(0)),
            Self::Files(_) => ("closed", policies::denied(dir, 0)),
            Self::Trees(_) => ("closed", tree(dir, 0)),
            Self::Programs(_) => ("blocked", policies::denied(dir, 0)),
            Self::Untrusted => ("blocked", super::untrusted(dir)),
        };
        format!("--{option} {}", path.display())
    }

    /// Its policy's text, if it is not one of those that executions are measured under.
    fn text(self, dir: &Path) -> Option<String> {
        let mut text = "policy: bench\napplies_to: everyone\naction: deny\n".to_owned();
        match self {
            Self::Nothing | Self::Outside | Self::Empty | Self::Programs(_) => return None,
            Self::Files(rules) => {
                add_files(&mut text, (0..rules).map(|number| ("path", policies::denied(dir, number))));
            }
            Self::Trees(rules) => {
                add_files(&mut text, (0..rules).map(|number| ("tree", tree(dir, number))));
            }
            Self::Addresses => add_addresses(&mut text),
            Self::EveryKind => {
                let programs = (0..PROGRAMS).map(|number| policies::path_rule(dir, number));
                policies::add_programs(&mut text, "deny", programs);
                add_files(&mut text, (0..PROGRAMS).map(|number| ("path", policies::denied(dir, number))));
                add_addresses(&mut text);
            }
            Self::Untrusted => text.push_str("programs:\n  untrusted: deny\n"),
        }
        Some(text)
    }

    /// The path and text of each policy that only operations are measured under.
    pub(in crate::bench) fn policies(dir: &Path) -> impl Iterator<Item = (PathBuf, String)> {
        Self::ALL.into_iter().filter_map(move |under| under.policy(dir))
    }

    /// Its path and text, if it is not one of those that executions are measured under.
    pub(in crate::bench) fn policy(self, dir: &Path) -> Option<(PathBuf, String)> {
        self.file(dir).zip(self.text(dir))
    }
}

/// A directory that a tree rule can be about.
pub(super) fn tree(dir: &Path, number: usize) -> PathBuf {
    dir.join(format!("file-trees/tree-{number:02}"))
}

/// An address that no machine has (RFC 5737).
fn address(number: usize) -> String {
    format!("192.0.2.{}", number + 1)
}

fn add_addresses(text: &mut String) {
    text.push_str("connections:\n  deny:\n");
    for number in 0..ADDRESSES {
        // Writing to a string cannot fail.
        writeln!(text, "    - {}", address(number)).ok();
    }
}

fn add_files(text: &mut String, subjects: impl Iterator<Item = (&'static str, PathBuf)>) {
    text.push_str("files:\n  deny:\n");
    for (key, subject) in subjects {
        let subject = subject.display();
        // Writing to a string cannot fail.
        writeln!(text, "    - {{{key}: {subject}, operations: [read, write, create, delete, rename]}}").ok();
    }
}
