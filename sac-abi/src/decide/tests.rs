// SPDX-License-Identifier: MIT OR Apache-2.0
//! The verdict against a slow, obvious oracle.

use super::*;
use crate::rule::PathRules;
use proptest::prelude::*;
use std::collections::HashMap;
use std::vec::Vec;

struct Table(HashMap<RuleKey, RuleValue>);

impl Rules for Table {
    fn get(&self, key: &RuleKey) -> Option<RuleValue> {
        self.0.get(key).copied()
    }
}

struct File {
    inode: InodeId,
    path: PathLookup,
    path_asked: u32,
}

impl Executable for File {
    fn inode(&self) -> InodeId {
        self.inode
    }
    fn path(&mut self) -> PathLookup {
        self.path_asked += 1;
        self.path
    }
}

fn inode(ino: u64) -> InodeId {
    InodeId::new(8, 1, ino)
}

/// The file with this number that the kernel sees: it knows the generation.
fn seen(ino: u64, generation: u32) -> InodeId {
    InodeId { generation: Some(generation), ..inode(ino) }
}

fn hash(path: &str) -> PathHash {
    PathHash::of_path(path.as_bytes()).unwrap()
}

fn table(rules: &[(RuleKey, RuleValue)]) -> Table {
    Table(rules.iter().copied().collect())
}

fn verdict(rules: &Table, ino: u64, path: PathLookup) -> (Action, u32) {
    let verdict = decide(rules, &mut File { inode: seen(ino, 1), path, path_asked: 0 });
    (verdict.action, verdict.rule)
}

const DF: &str = "/usr/bin/df";

fn deny_df() -> Table {
    table(&[
        (RuleKey::POLICY, RuleValue::policy(Action::Allow, PathRules::Some)),
        (RuleKey::inode(inode(7)), RuleValue::rule(1, Action::Kill)),
        (RuleKey::path(hash(DF)), RuleValue::rule(1, Action::Kill)),
    ])
}

#[test]
fn without_a_policy_nothing_is_allowed() {
    let known = PathLookup::Known(hash(DF));
    assert_eq!(verdict(&table(&[]), 7, known), (Action::Deny, Verdict::RULE_NO_POLICY));
}

#[test]
fn a_file_is_known_by_its_inode_wherever_it_is() {
    for path in [PathLookup::Known(hash("/home/alice/hello")), PathLookup::TooLong] {
        assert_eq!(verdict(&deny_df(), 7, path), (Action::Kill, 1));
    }
}

#[test]
fn a_file_is_known_by_its_path_whatever_it_is() {
    assert_eq!(verdict(&deny_df(), 8, PathLookup::Known(hash(DF))), (Action::Kill, 1));
}

#[test]
fn a_new_file_with_the_number_of_a_removed_one_is_another_file() {
    let rules = table(&[
        (RuleKey::POLICY, RuleValue::policy(Action::Deny, PathRules::None)),
        (RuleKey::inode(seen(7, 1)), RuleValue::rule(1, Action::Allow)),
        (RuleKey::inode(inode(8)), RuleValue::rule(2, Action::Allow)),
    ]);
    let action = |inode| decide(&rules, &mut File { inode, path: PathLookup::TooLong, path_asked: 0 }).action;
    assert_eq!(action(seen(7, 1)), Action::Allow);
    assert_eq!(action(seen(7, 2)), Action::Deny);
    // Where nobody could tell the generation, the number has to do.
    assert_eq!(action(seen(8, 1)), Action::Allow);
    assert_eq!(action(seen(8, 2)), Action::Allow);
}

#[test]
fn other_files_get_the_default() {
    assert_eq!(verdict(&deny_df(), 8, PathLookup::Known(hash("/usr/bin/free"))), (Action::Allow, 0));
    assert_eq!(verdict(&deny_df(), 8, PathLookup::TooLong), (Action::Allow, 0));
}

#[test]
fn a_path_that_cannot_be_read_is_denied() {
    assert_eq!(verdict(&deny_df(), 8, PathLookup::Unreadable), (Action::Deny, Verdict::RULE_UNREADABLE_PATH));
}

#[test]
fn a_path_never_allows() {
    let rules = table(&[
        (RuleKey::POLICY, RuleValue::policy(Action::Kill, PathRules::Some)),
        (RuleKey::path(hash(DF)), RuleValue::rule(1, Action::Allow)),
    ]);
    assert_eq!(verdict(&rules, 8, PathLookup::Known(hash(DF))), (Action::Kill, 0));
}

#[test]
fn without_path_rules_no_path_is_resolved() {
    let rules = table(&[(RuleKey::POLICY, RuleValue::policy(Action::Allow, PathRules::None))]);
    let mut file = File { inode: seen(7, 1), path: PathLookup::Unreadable, path_asked: 0 };
    assert_eq!(decide(&rules, &mut file).action, Action::Allow);
    assert_eq!(file.path_asked, 0);
}

fn any_action() -> impl Strategy<Value = Action> {
    prop::sample::select(&[Action::Allow, Action::Audit, Action::Deny, Action::Kill][..])
}

/// A rule of the oracle: what it names, and what it does.
#[derive(Clone, Debug)]
enum Named {
    Inode(u64),
    Path(usize),
}

const PATHS: [&str; 3] = [DF, "/usr/bin/free", "/home/alice/x"];

proptest! {
    #[test]
    fn agrees_with_walking_the_list(
        default in any_action(),
        rules in prop::collection::vec((prop_oneof![(0..3_u64).prop_map(Named::Inode), (0..3_usize).prop_map(Named::Path)], any_action()), 0..6),
        ino in 0..4_u64,
        place in 0..4_usize,
    ) {
        let mut map = HashMap::new();
        let mut kept: Vec<(Named, Action)> = Vec::new();
        for (named, action) in rules {
            let key = match named {
                Named::Inode(ino) => RuleKey::inode(inode(ino)),
                Named::Path(index) => RuleKey::path(hash(PATHS[index])),
            };
            if map.insert(key, RuleValue::rule(1, action)).is_none() {
                kept.push((named, action));
            } else {
                kept.retain(|(other, _)| !matches!((other, &named), (Named::Inode(a), Named::Inode(b)) if a == b)
                    && !matches!((other, &named), (Named::Path(a), Named::Path(b)) if a == b));
                kept.push((named, action));
            }
        }
        map.insert(RuleKey::POLICY, RuleValue::policy(default, PathRules::Some));
        let path = PATHS.get(place).map_or(PathLookup::TooLong, |path| PathLookup::Known(hash(path)));
        let got = decide(&Table(map), &mut File { inode: seen(ino, 1), path, path_asked: 0 });

        // The oracle: everything that matches and may count, the strictest of it, else the default.
        let expected = kept.iter().filter_map(|(named, action)| match named {
            Named::Inode(named) => (*named == ino).then_some(*action),
            Named::Path(index) => (*index == place && *action != Action::Allow).then_some(*action),
        }).max().unwrap_or(default);
        prop_assert_eq!(got.action, expected);
    }
}
