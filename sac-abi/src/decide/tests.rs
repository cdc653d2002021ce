// SPDX-License-Identifier: MIT OR Apache-2.0
//! The verdict on files against a slow, obvious oracle.

use super::*;
use crate::hash::HashKey;
use proptest::prelude::*;
use std::collections::{BTreeMap, HashMap};
use std::vec;
use std::vec::Vec;

/// A policy in memory.
#[derive(Default)]
pub(super) struct Table {
    pub(super) entries: HashMap<RuleKey, u64>,
    now_boot_s: u32,
}

impl Rules for Table {
    fn get(&self, key: &RuleKey) -> u64 {
        self.entries.get(key).copied().unwrap_or(0)
    }
    fn now_boot_s(&self) -> u32 {
        self.now_boot_s
    }
}

struct File {
    inode: InodeId,
    path: TextLookup,
    name: TextLookup,
    directories: Vec<InodeId>,
    untrusted: bool,
    paths_asked: u32,
    names_asked: u32,
    directories_asked: u32,
}

impl Object for File {
    fn inode(&self) -> InodeId {
        self.inode
    }
    fn path(&mut self) -> TextLookup {
        self.paths_asked += 1;
        self.path
    }
    fn name(&mut self) -> TextLookup {
        self.names_asked += 1;
        self.name
    }
    fn parent(&mut self) -> DirectoryLookup {
        self.directories.first().map_or(DirectoryLookup::End, |inode| DirectoryLookup::Known(*inode))
    }
    fn is_untrusted(&mut self) -> bool {
        self.untrusted
    }
    fn next_directory(&mut self) -> DirectoryLookup {
        let index = self.directories_asked as usize;
        self.directories_asked += 1;
        self.directories.get(index).map_or(DirectoryLookup::End, |inode| DirectoryLookup::Known(*inode))
    }
}

pub(super) fn hash(text: &str) -> TextHash {
    TextHash::of_text(HashKey { k0: 1, k1: 2 }, text.as_bytes()).unwrap()
}

fn numbered(ino: u64) -> InodeId {
    InodeId::new(8, 1, ino)
}

/// The file with this number that the kernel sees: it knows the generation.
fn seen(ino: u64, generation: u32) -> InodeId {
    InodeId { generation: Some(generation), ..numbered(ino) }
}

fn file(ino: u64, path: &str) -> File {
    File {
        inode: seen(ino, 1),
        path: TextLookup::Known(hash(path)),
        name: TextLookup::Known(hash(path.rsplit('/').next().unwrap())),
        directories: vec![seen(100, 1), seen(101, 1), seen(102, 1)],
        untrusted: false,
        paths_asked: 0,
        names_asked: 0,
        directories_asked: 0,
    }
}

const EXECUTE: Operation = Operation::Execute;
const DF: &str = "/usr/bin/df";

fn table(default: Action, contents: Contents, rules: &[(RuleKey, RuleValue)]) -> Table {
    let policy = (RuleKey::policy(EXECUTE), RuleValue::policy(default, contents));
    let entries = rules.iter().chain([&policy]).map(|(key, value)| (*key, value.to_bits())).collect();
    Table { entries, now_boot_s: 1000 }
}

fn verdict(rules: &Table, mut file: File) -> (Action, u32) {
    let verdict = decide(rules, EXECUTE, &mut file).verdict;
    let (action, rule) = (verdict.action(), verdict.rule);
    (action, rule)
}

fn deny_df() -> Table {
    table(
        Action::Allow,
        Contents::PATHS,
        &[
            (RuleKey::inode(EXECUTE, numbered(7)), RuleValue::rule(1, Action::Kill)),
            (RuleKey::path(EXECUTE, hash(DF)), RuleValue::rule(1, Action::Kill)),
        ],
    )
}

#[test]
fn without_a_policy_nothing_is_allowed() {
    assert_eq!(verdict(&Table::default(), file(7, DF)), (Action::Deny, Verdict::RULE_NO_POLICY));
    let other = decide(&deny_df(), Operation::Delete, &mut file(8, "/tmp/x"));
    assert_eq!(other, Decision { verdict: Verdict::NO_POLICY, group: 0 });
}

#[test]
fn a_file_is_known_by_its_inode_wherever_it_is() {
    assert_eq!(verdict(&deny_df(), file(7, "/home/alice/hello")), (Action::Kill, 1));
    assert_eq!(verdict(&deny_df(), File { path: TextLookup::TooLong, ..file(7, DF) }), (Action::Kill, 1));
}

#[test]
fn a_file_is_known_by_its_path_whatever_it_is() {
    assert_eq!(verdict(&deny_df(), file(8, DF)), (Action::Kill, 1));
}

#[test]
fn a_new_file_with_the_number_of_a_removed_one_is_another_file() {
    let rules = table(
        Action::Deny,
        Contents::NONE,
        &[
            (RuleKey::inode(EXECUTE, seen(7, 1)), RuleValue::rule(1, Action::Allow)),
            (RuleKey::inode(EXECUTE, numbered(8)), RuleValue::rule(2, Action::Allow)),
        ],
    );
    let action = |inode| verdict(&rules, File { inode, ..file(0, DF) }).0;
    assert_eq!(action(seen(7, 1)), Action::Allow);
    assert_eq!(action(seen(7, 2)), Action::Deny);
    // Where nobody could tell the generation, the number has to do.
    assert_eq!(action(seen(8, 1)), Action::Allow);
    assert_eq!(action(seen(8, 2)), Action::Allow);
}

#[test]
fn what_cannot_be_read_is_denied_unless_nothing_is_blocked() {
    let unreadable = || File { path: TextLookup::Unreadable, ..file(8, DF) };
    assert_eq!(verdict(&deny_df(), unreadable()), (Action::Deny, Verdict::RULE_UNREADABLE_PATH));
    let nameless = || File { name: TextLookup::Unreadable, ..file(8, DF) };
    let names = |more| table(Action::Allow, Contents::NAMES.and(more), &[]);
    assert_eq!(verdict(&names(Contents::NONE), nameless()), (Action::Deny, Verdict::RULE_UNREADABLE_PATH));
    assert_eq!(verdict(&names(Contents::AUDITED), nameless()).0, Action::Audit);
    let audited = table(Action::Allow, Contents::PATHS.and(Contents::AUDITED), &[]);
    assert_eq!(verdict(&audited, unreadable()), (Action::Audit, Verdict::RULE_UNREADABLE_PATH));
}

#[test]
fn neither_a_path_nor_a_name_ever_allows() {
    let rules = table(
        Action::Kill,
        Contents::PATHS.and(Contents::NAMES),
        &[
            (RuleKey::path(EXECUTE, hash(DF)), RuleValue::rule(1, Action::Allow).overriding()),
            (RuleKey::name(EXECUTE, hash("df")), RuleValue::rule(2, Action::Allow).overriding()),
        ],
    );
    assert_eq!(verdict(&rules, file(8, DF)), (Action::Kill, 0));
}

#[test]
fn what_no_rule_needs_is_not_resolved() {
    let mut object = file(7, DF);
    let _decision = decide(&table(Action::Allow, Contents::NONE, &[]), EXECUTE, &mut object);
    assert_eq!((object.paths_asked, object.names_asked, object.directories_asked), (0, 0, 0));
    let mut object = file(7, DF);
    let _decision = decide(&table(Action::Allow, Contents::DIRECTORIES, &[]), EXECUTE, &mut object);
    assert_eq!((object.paths_asked, object.names_asked, object.directories_asked), (0, 0, 1));
}

#[test]
fn a_directory_holds_for_what_is_directly_in_it_and_a_tree_for_all_below() {
    let contents = Contents::DIRECTORIES.and(Contents::TREES).and(Contents::NUMBERED_DIRECTORIES);
    let rule = RuleValue::rule(1, Action::Kill);
    let of = |key: RuleKey| verdict(&table(Action::Allow, contents, &[(key, rule)]), file(7, DF)).0;
    assert_eq!(of(RuleKey::directory(EXECUTE, numbered(100))), Action::Kill);
    assert_eq!(of(RuleKey::directory(EXECUTE, numbered(101))), Action::Allow);
    for ino in [100, 101, 102] {
        assert_eq!(of(RuleKey::tree(EXECUTE, numbered(ino))), Action::Kill);
    }
    // The directory itself is not in itself.
    assert_eq!(of(RuleKey::tree(EXECUTE, numbered(7))), Action::Kill);
}

#[test]
fn what_lies_too_deep_is_denied() {
    let rules = table(Action::Allow, Contents::TREES, &[]);
    let at = |levels: u32| File { directories: vec![seen(1, 1); levels as usize], ..file(7, DF) };
    assert_eq!(verdict(&rules, at(LEVELS_MAX)), (Action::Allow, 0));
    assert_eq!(verdict(&rules, at(LEVELS_MAX + 1)), (Action::Deny, Verdict::RULE_TOO_DEEP));
    let audited = table(Action::Allow, Contents::TREES.and(Contents::AUDITED), &[]);
    assert_eq!(verdict(&audited, at(LEVELS_MAX + 1)), (Action::Audit, Verdict::RULE_TOO_DEEP));
}

#[test]
fn a_grant_holds_until_it_ends() {
    for (until, expected) in [(1000, Action::Kill), (1001, Action::Allow)] {
        for inode in [numbered(7), seen(7, 1)] {
            let mut rules = deny_df();
            let policy = RuleValue::policy(Action::Allow, Contents::PATHS.and(Contents::GRANTS));
            rules.entries.insert(RuleKey::policy(EXECUTE), policy.to_bits());
            rules.entries.insert(RuleKey::grant(inode), RuleValue::grant(3, until).to_bits());
            assert_eq!(verdict(&rules, file(7, DF)).0, expected);
            // It is for one file, not for what takes its place.
            assert_eq!(verdict(&rules, file(8, DF)).0, Action::Kill);
        }
    }
}

#[test]
fn conditions_are_asked_for_unless_the_program_is_blocked_anyway() {
    let key = RuleKey::inode(EXECUTE, numbered(7));
    let group = |value: RuleValue| {
        decide(&table(Action::Deny, Contents::NONE, &[(key, value)]), EXECUTE, &mut file(7, DF)).group
    };
    assert_eq!(group(RuleValue::only_conditions(5)), 5);
    assert_eq!(group(RuleValue::rule(1, Action::Allow).with_conditions(5)), 5);
    assert_eq!(group(RuleValue::rule(1, Action::Audit).with_conditions(5)), 5);
    assert_eq!(group(RuleValue::rule(1, Action::Deny).with_conditions(5)), 0);
    assert_eq!(group(RuleValue::rule(1, Action::Allow).overriding().with_conditions(5)), 0);
    let by_path = [(RuleKey::path(EXECUTE, hash(DF)), RuleValue::only_conditions(6))];
    let rules = table(Action::Allow, Contents::PATHS, &by_path);
    assert_eq!(decide(&rules, EXECUTE, &mut file(8, DF)).group, 6);
}

#[test]
fn a_name_in_a_directory_is_a_place() {
    let key = RuleKey::entry(EXECUTE, seen(100, 1), hash("df"));
    let rules = table(Action::Allow, Contents::ENTRIES, &[(key, RuleValue::rule(1, Action::Deny))]);
    assert_eq!(verdict(&rules, file(8, DF)), (Action::Deny, 1));
    assert_eq!(verdict(&rules, file(8, "/usr/bin/free")).0, Action::Allow);
    let elsewhere = File { directories: vec![seen(101, 1), seen(100, 1)], ..file(8, DF) };
    assert_eq!(verdict(&rules, elsewhere).0, Action::Allow);
    let renumbered = File { directories: vec![seen(100, 2)], ..file(8, DF) };
    assert_eq!(verdict(&rules, renumbered).0, Action::Allow);
    // The root of a file system is in no directory.
    assert_eq!(verdict(&rules, File { directories: Vec::new(), ..file(8, DF) }).0, Action::Allow);
}

#[test]
fn a_tree_that_may_not_be_touched_includes_its_directory() {
    let with = |action| {
        let rule = (RuleKey::tree(EXECUTE, seen(7, 1)), RuleValue::rule(1, action));
        table(Action::Allow, Contents::TREES, &[rule])
    };
    assert_eq!(verdict(&with(Action::Deny), file(7, "/srv/records")), (Action::Deny, 1));
    assert_eq!(verdict(&with(Action::Allow), file(7, "/srv/records")), (Action::Allow, 0));
}

#[test]
fn what_is_untrusted_is_denied_unless_a_rule_comes_before() {
    let untrusted = (RuleKey::untrusted(), RuleValue::rule(1, Action::Deny));
    let own = || File { untrusted: true, ..file(7, "/home/alice/x") };
    let rules = table(Action::Allow, Contents::UNTRUSTED, &[untrusted]);
    assert_eq!(verdict(&rules, own()), (Action::Deny, 1));
    assert_eq!(verdict(&rules, file(7, DF)).0, Action::Allow);
    let key = RuleKey::inode(EXECUTE, numbered(7));
    let with = |value| table(Action::Allow, Contents::UNTRUSTED, &[untrusted, (key, value)]);
    assert_eq!(verdict(&with(RuleValue::rule(2, Action::Allow)), own()), (Action::Deny, 1));
    assert_eq!(verdict(&with(RuleValue::rule(2, Action::Allow).overriding()), own()), (Action::Allow, 2));
    assert_eq!(verdict(&with(RuleValue::rule(2, Action::Kill)), own()), (Action::Kill, 2));
}

#[test]
fn executable_memory_has_a_rule_of_its_own() {
    assert_eq!(decide_executable_memory(&Table::default()).action(), Action::Deny);
    let allow_list = table(Action::Kill, Contents::NONE, &[]);
    assert_eq!(decide_executable_memory(&allow_list).action(), Action::Allow);
    let rule = (RuleKey::executable_memory(), RuleValue::rule(3, Action::Audit));
    let verdict = decide_executable_memory(&table(Action::Allow, Contents::EXECUTABLE_MEMORY, &[rule]));
    assert_eq!((verdict.action(), verdict.rule), (Action::Audit, 3));
}

#[test]
fn what_root_may_not_do_has_rules_of_its_own() {
    let rule = |number| RuleValue::rule(number, Action::Deny).to_bits();
    let mut rules = Table::default();
    assert_eq!(decide_administration(&rules).action(), Action::Deny);
    assert_eq!(decide_socket(&rules, seen(7, 1)).action(), Action::Deny);
    let policy = RuleValue::policy(Action::Allow, Contents::NONE);
    rules.entries.insert(RuleKey::policy(Operation::Administer), policy.to_bits());
    assert_eq!(decide_administration(&rules).action(), Action::Allow);
    rules.entries.insert(RuleKey::administration(), rule(4));
    rules.entries.insert(RuleKey::inode(Operation::Administer, numbered(7)), rule(5));
    assert_eq!(decide_administration(&rules), Verdict::new(Action::Deny, 4));
    // A socket is held by its number alone, whatever generation the kernel sees.
    assert_eq!(decide_socket(&rules, seen(7, 1)), Verdict::new(Action::Deny, 5));
    assert_eq!(decide_socket(&rules, seen(8, 1)).action(), Action::Allow);
}

#[test]
fn a_content_is_one_whatever_it_is_called() {
    let rule = (RuleKey::content(1, 2), RuleValue::rule(6, Action::Kill));
    let rules = table(Action::Allow, Contents::CONTENTS, &[rule]);
    assert_eq!(decide_content(&rules, 1, 2), Verdict::new(Action::Kill, 6));
    assert_eq!(decide_content(&rules, 2, 1).action(), Action::Allow);
    assert_eq!(decide_content(&Table::default(), 1, 2).action(), Action::Deny);
}

#[test]
fn a_mapped_program_needs_no_rule_that_allows_it() {
    let mapping = |rules: &Table, file: &mut File| decide(rules, EXECUTE, file).of_mapping(Contents::NONE);
    assert_eq!(mapping(&deny_df(), &mut file(7, DF)).action(), Action::Kill);
    let nothing_allowed = table(Action::Kill, Contents::NONE, &[]);
    assert_eq!(mapping(&nothing_allowed, &mut file(8, "/lib/libc.so.6")).action(), Action::Allow);
    assert_eq!(mapping(&Table::default(), &mut file(7, DF)).action(), Action::Deny);
    let key = RuleKey::inode(EXECUTE, numbered(7));
    let conditional = table(Action::Allow, Contents::NONE, &[(key, RuleValue::only_conditions(5))]);
    let verdict = mapping(&conditional, &mut file(7, DF));
    assert_eq!((verdict.action(), verdict.rule), (Action::Deny, Verdict::RULE_ARGUMENTS_OF_MAPPING));
}

pub(super) fn any_action() -> impl Strategy<Value = Action> {
    prop::sample::select(&[Action::Allow, Action::Audit, Action::Deny, Action::Kill][..])
}

/// What a rule of the oracle names: files and directories by number and perhaps generation, texts by their index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Named {
    Inode(u64, Option<u32>),
    Path(usize),
    Name(usize),
    Directory(u64, Option<u32>),
    Tree(u64, Option<u32>),
    Entry(u64, Option<u32>, usize),
}

const TEXTS: [&str; 3] = [DF, "/usr/bin/free", "x"];

impl Named {
    fn key(self, operation: Operation) -> RuleKey {
        let inode = |ino, generation| InodeId { generation, ..numbered(ino) };
        match self {
            Self::Inode(ino, generation) => RuleKey::inode(operation, inode(ino, generation)),
            Self::Path(index) => RuleKey::path(operation, hash(TEXTS[index])),
            Self::Name(index) => RuleKey::name(operation, hash(TEXTS[index])),
            Self::Directory(ino, generation) => RuleKey::directory(operation, inode(ino, generation)),
            Self::Tree(ino, generation) => RuleKey::tree(operation, inode(ino, generation)),
            Self::Entry(ino, generation, name) => {
                RuleKey::entry(operation, inode(ino, generation), hash(TEXTS[name]))
            }
        }
    }

    fn contents(self) -> Contents {
        let of_generation = |contents: Contents, generation: Option<u32>| match generation {
            Some(_) => contents,
            None => contents.and(Contents::NUMBERED_DIRECTORIES),
        };
        match self {
            Self::Inode(..) => Contents::NONE,
            Self::Path(_) => Contents::PATHS,
            Self::Name(_) => Contents::NAMES,
            Self::Directory(_, generation) => of_generation(Contents::DIRECTORIES, generation),
            Self::Tree(_, generation) => of_generation(Contents::TREES, generation),
            Self::Entry(_, generation, _) => of_generation(Contents::ENTRIES, generation),
        }
    }
}

fn any_named() -> impl Strategy<Value = Named> {
    let file = || (0..4_u64, prop::option::of(0..2_u32));
    prop_oneof![
        file().prop_map(|(ino, generation)| Named::Inode(ino, generation)),
        (0..TEXTS.len()).prop_map(Named::Path),
        (0..TEXTS.len()).prop_map(Named::Name),
        file().prop_map(|(ino, generation)| Named::Directory(ino, generation)),
        file().prop_map(|(ino, generation)| Named::Tree(ino, generation)),
        (file(), 0..TEXTS.len()).prop_map(|((ino, generation), name)| Named::Entry(ino, generation, name)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn agrees_with_walking_the_list(
        default in any_action(),
        operation in prop::sample::select(&Operation::ALL[..]),
        rules in prop::collection::btree_map(any_named(), (any_action(), any::<bool>()), 0..10),
        other in prop::sample::select(&Operation::ALL[..]),
        others in prop::collection::btree_map(any_named(), any_action(), 0..4),
        at in (0..4_u64, 0..2_u32),
        path in 0..4_usize,
        name in 0..4_usize,
        directories in prop::collection::vec((0..4_u64, 0..2_u32), 0..5),
    ) {
        let mut table = Table::default();
        let mut contents = Contents::NONE;
        // What is there for another operation must not matter.
        if other != operation {
            for (named, action) in others {
                table.entries.insert(named.key(other), RuleValue::rule(99, action).to_bits());
            }
        }
        for (number, (named, (action, overrides))) in (1..).zip(&rules) {
            let value = RuleValue::rule(number, *action);
            let value = if *overrides && *action == Action::Allow { value.overriding() } else { value };
            table.entries.insert(named.key(operation), value.to_bits());
            contents = contents.and(named.contents());
        }
        table.entries.insert(RuleKey::policy(operation), RuleValue::policy(default, contents).to_bits());
        let text = |index: usize| TEXTS.get(index).map_or(TextLookup::TooLong, |text| TextLookup::Known(hash(text)));
        let mut object = File {
            inode: seen(at.0, at.1),
            path: text(path),
            name: text(name),
            directories: directories.iter().map(|(ino, generation)| seen(*ino, *generation)).collect(),
            ..file(0, DF)
        };
        let decision = decide(&table, operation, &mut object);

        // The oracle: whatever names the object, where one that names a very file hides the one that names its number.
        let of_file = |named: fn(u64, Option<u32>) -> Named, (ino, generation): (u64, u32)| {
            [named(ino, Some(generation)), named(ino, None)].into_iter().find(|named| rules.contains_key(named))
        };
        let mut naming: Vec<Named> = Vec::new();
        naming.extend(of_file(Named::Inode, at));
        naming.extend(directories.first().and_then(|directory| of_file(Named::Directory, *directory)));
        naming.extend(directories.iter().filter_map(|directory| of_file(Named::Tree, *directory)));
        if let Some((ino, generation)) = directories.first().copied() {
            let entries = [Named::Entry(ino, Some(generation), name), Named::Entry(ino, None, name)];
            naming.extend(entries.into_iter().find(|named| rules.contains_key(named)));
        }
        let held: Vec<_> = naming.iter().map(|named| rules[named]).collect();
        let by_text = [Named::Path(path), Named::Name(name)].into_iter().filter_map(|named| rules.get(&named));
        // A tree that somebody may not touch.
        let itself = of_file(Named::Tree, at).map(|named| &rules[&named]);
        let restricting = held.iter().chain(by_text).chain(itself).map(|(action, _)| *action).filter(|action| *action > Action::Allow);
        let expected = if held.contains(&(Action::Allow, true)) {
            Action::Allow
        } else if let Some(strictest) = restricting.max() {
            strictest
        } else if held.is_empty() {
            default
        } else {
            Action::Allow
        };
        prop_assert_eq!(decision.verdict.action(), expected);
        prop_assert_eq!(decision.group, 0);
        let by_number: BTreeMap<u32, Action> = (1..).zip(rules.values().map(|(action, _)| *action)).collect();
        match decision.verdict.rule {
            0 => prop_assert!(expected == default),
            rule => prop_assert_eq!(by_number[&rule], expected),
        }
    }
}
