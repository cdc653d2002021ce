// SPDX-License-Identifier: MIT OR Apache-2.0
//! Rules with conditions on arguments.
//!
//! All conditions on one program form a group, and the program's entry tells the group. The entries for its paths, which hold
//! for whatever file stands there later, tell a group of only those that deny and that name the path: a path is no proof.

use super::{Compiler, denies, rank};
use crate::code::Code;
use crate::fault::{Fault, quoted_path};
use crate::files::Files;
use crate::policy::{ArgumentPattern, ArgumentsCondition, Rule};
use sac_abi::decide::{ARGUMENTS_MAX, CONDITIONS_MAX};
use sac_abi::rule::{Contents, InodeId};
use sac_abi::{Operation, RuleKey, TextHash};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};

/// Most conditions on one program, as a number of things in memory.
const GROUP_MAX: usize = CONDITIONS_MAX as usize;

/// What a group of conditions is for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Program {
    /// This file.
    File(InodeId),
    /// Whatever will stand there; at the moment nothing does.
    Path(PathBuf),
}

/// The conditions on one program.
#[derive(Clone, Debug, Default)]
struct Group<'p> {
    rules: Vec<&'p Rule>,
    /// Its paths, each with a rule that holds there.
    paths: Vec<(TextHash, &'p Rule)>,
}

/// All conditions of a policy, in the order in which their programs are first named.
#[derive(Clone, Debug, Default)]
pub(super) struct Conditions<'p> {
    groups: Vec<(Program, Group<'p>)>,
    index_of: HashMap<Program, usize>,
}

impl<'p> Conditions<'p> {
    fn of(&mut self, program: Program) -> Option<&mut Group<'p>> {
        let groups = &mut self.groups;
        let index = *self.index_of.entry(program.clone()).or_insert_with(|| {
            groups.push((program, Group::default()));
            groups.len() - 1
        });
        groups.get_mut(index).map(|(_, group)| group)
    }
}

impl<'p, F: Files> Compiler<'p, F> {
    /// A rule for a program with certain arguments.
    pub(super) fn conditional(&mut self, rule: &'p Rule, path: &Path, holds: bool) {
        let resolved = self.files.resolve(path);
        let mut paths = vec![path.to_owned()];
        let program = match resolved {
            Ok(resolved) => {
                self.warn_of_file(rule, path, &resolved);
                if holds && denies(rule) && self.path_hash(&resolved.canonical).is_none() {
                    self.warn_of_long_path(rule, path, &resolved);
                }
                paths.push(resolved.canonical);
                Program::File(resolved.inode)
            }
            Err(error) => {
                self.warn_of_unresolved(rule, path, &error);
                if !denies(rule) {
                    return;
                }
                Program::Path(path.to_owned())
            }
        };
        if !holds {
            return;
        }
        paths.dedup();
        let hashes = paths.iter().filter(|_| denies(rule)).filter_map(|path| self.path_hash(path));
        let hashes: Vec<_> = hashes.map(|hash| (hash, rule)).collect();
        if denies(rule) {
            paths.iter().for_each(|path| self.hold_name_of_path(Operation::Execute, rule, path));
        }
        if let Some(group) = self.conditions.of(program) {
            group.rules.push(rule);
            group.paths.extend(hashes);
        }
    }

    /// Writes the groups' own entries; gives back which group each program and path belongs to.
    pub(super) fn groups(&mut self) -> Vec<(RuleKey, u32)> {
        let mut members = Vec::new();
        let mut last = 0;
        for (program, mut group) in std::mem::take(&mut self.conditions).groups {
            self.note(Operation::Execute, Contents::ARGUMENTS);
            let rules = self.group_that_fits(&program, group.rules, &group.paths);
            let kept: HashSet<u32> = rules.iter().map(|rule| rule.number).collect();
            group.paths.retain(|(_, rule)| kept.contains(&rule.number));
            let mut number_of: HashMap<Vec<u32>, u32> = HashMap::new();
            let mut number = |compiler: &mut Self, rules: &[&'p Rule]| {
                let key = rules.iter().map(|rule| rule.number).collect();
                *number_of.entry(key).or_insert_with(|| {
                    last += 1;
                    compiler.group(last, rules);
                    last
                })
            };
            if let Program::File(inode) = program {
                members.push((RuleKey::inode(Operation::Execute, inode), number(self, &rules)));
            }
            for (path, _) in &group.paths {
                let here =
                    |rule: &&Rule| group.paths.iter().any(|(at, of)| at == path && of.number == rule.number);
                let rules: Vec<&Rule> = rules.iter().copied().filter(here).collect();
                members.push((RuleKey::path(Operation::Execute, *path), number(self, &rules)));
                self.note(Operation::Execute, Contents::PATHS);
            }
        }
        members
    }

    /// As many conditions as a group can have. What is too much is an error, and denied whatever the arguments are.
    fn group_that_fits(
        &mut self,
        program: &Program,
        mut rules: Vec<&'p Rule>,
        paths: &[(TextHash, &'p Rule)],
    ) -> Vec<&'p Rule> {
        // The first of equal rules is the one that is told.
        rules.sort_by_key(|rule| std::cmp::Reverse(rank(rule)));
        let Some(first_left_off) = rules.get(GROUP_MAX).copied() else {
            return rules;
        };
        let path = first_left_off.subject.path().unwrap_or(Path::new("/"));
        let message = format!("there are {} rules with arguments for {}", rules.len(), quoted_path(path));
        let help =
            format!("a program can have {GROUP_MAX}; put some of them into one, with `*` or `args_any`");
        self.warnings.push(Fault::new(Code::TooManyConditions, first_left_off.place(), message).help(help));
        let left_off = rules.split_off(GROUP_MAX);
        let left_off: BTreeMap<u32, &'p Rule> =
            left_off.into_iter().filter(|rule| denies(rule)).map(|rule| (rule.number, rule)).collect();
        if let Program::File(inode) = program {
            for rule in left_off.values() {
                self.hold(RuleKey::inode(Operation::Execute, *inode), rule);
            }
        }
        for (path, rule) in paths.iter().filter(|(_, rule)| left_off.contains_key(&rule.number)) {
            self.hold(RuleKey::path(Operation::Execute, *path), rule);
            self.note(Operation::Execute, Contents::PATHS);
        }
        rules
    }

    fn group(&mut self, group: u32, rules: &[&'p Rule]) {
        for (index, rule) in (0..CONDITIONS_MAX).zip(rules) {
            self.entries.insert(RuleKey::condition(group, index), self.value(rule).to_bits());
            match &rule.arguments {
                Some(ArgumentsCondition::All { patterns, more }) => self.all(group, index, patterns, *more),
                Some(ArgumentsCondition::Any(texts)) => {
                    for text in texts {
                        // A program with an argument that is too long for a hash is blocked anyway.
                        if let Some(hash) = TextHash::of_text(self.key, text.as_bytes()) {
                            self.mark(RuleKey::argument_anywhere(group, hash), index);
                        }
                    }
                }
                None => {}
            }
        }
    }

    fn all(&mut self, group: u32, index: u32, patterns: &[ArgumentPattern], more: bool) {
        let count = u32::try_from(patterns.len()).unwrap_or(u32::MAX);
        if count > ARGUMENTS_MAX {
            // A program with so many arguments is blocked anyway.
            return;
        }
        let mut keys = Vec::new();
        for (position, pattern) in (1..).zip(patterns) {
            keys.push(match pattern {
                ArgumentPattern::Anything => RuleKey::any_argument_at(group, position),
                ArgumentPattern::Exactly(text) => match TextHash::of_text(self.key, text.as_bytes()) {
                    Some(hash) => RuleKey::argument_at(group, position, hash),
                    None => return,
                },
            });
        }
        let last = if more { ARGUMENTS_MAX } else { count };
        keys.extend((count + 1..=last).map(|position| RuleKey::any_argument_at(group, position)));
        keys.extend((count..=last).map(|count| RuleKey::argument_count(group, count)));
        keys.into_iter().for_each(|key| self.mark(key, index));
    }

    /// Adds a condition's bit.
    fn mark(&mut self, key: RuleKey, index: u32) {
        *self.entries.entry(key).or_insert(0) |= 1 << index;
    }
}
