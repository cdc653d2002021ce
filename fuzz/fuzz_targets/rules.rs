// SPDX-License-Identifier: MIT OR Apache-2.0
//! The verdict over tables of any rules against a slow, obvious oracle: it never panics, and both say the same.
#![no_main]

use arbitrary::{Arbitrary, Unstructured};
use libfuzzer_sys::fuzz_target;
use sac_abi::decide::{
    Address, Argument, Arguments, Decision, DirectoryLookup, LEVELS_MAX, Matching, decide_address,
    decide_arguments,
};
use sac_abi::rule::{Contents, InodeId};
use sac_abi::{
    Action, HashKey, Object, Operation, RuleKey, RuleValue, Rules, TextHash, TextLookup, Verdict, decide,
};
use std::collections::HashMap;

/// Few of each, so that rules and files meet.
const TEXTS: [&str; 4] = ["/usr/bin/df", "df", "stop", ""];

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Subject {
    Inode(u8),
    Path(u8),
    Name(u8),
    Directory(u8),
    Tree(u8),
}

#[derive(Arbitrary, Debug)]
struct Rule {
    subject: Subject,
    exact: bool,
    action: u8,
    overrides: bool,
}

#[derive(Arbitrary, Debug)]
struct Case {
    default: u8,
    audited: bool,
    rules: Vec<Rule>,
    inode: u8,
    path: u8,
    name: u8,
    directories: Vec<u8>,
    /// Bits as nobody would write them, for what must only not panic.
    junk: Vec<(u8, u8, u64)>,
    arguments: Vec<u8>,
    address: (u64, u64, u16),
}

#[derive(Default)]
struct Table(HashMap<RuleKey, u64>);

impl Rules for Table {
    fn get(&self, key: &RuleKey) -> u64 {
        self.0.get(key).copied().unwrap_or(0)
    }
    fn now_boot_s(&self) -> u32 {
        1000
    }
}

struct File<'c> {
    case: &'c Case,
    next: usize,
}

impl Object for File<'_> {
    fn inode(&self) -> InodeId {
        inode(self.case.inode, true)
    }
    fn path(&mut self) -> TextLookup {
        text(self.case.path)
    }
    fn name(&mut self) -> TextLookup {
        text(self.case.name)
    }
    fn parent(&mut self) -> DirectoryLookup {
        let first = self.case.directories.first();
        first.map_or(DirectoryLookup::End, |number| DirectoryLookup::Known(inode(*number, true)))
    }
    fn next_directory(&mut self) -> DirectoryLookup {
        self.next += 1;
        let at = self.case.directories.get(self.next - 1);
        at.map_or(DirectoryLookup::End, |number| DirectoryLookup::Known(inode(*number, true)))
    }
}

struct Words<'c>(&'c [u8]);

impl Arguments for Words<'_> {
    fn count(&self) -> u32 {
        self.0.len() as u32
    }
    fn each(&mut self, rules: &impl Rules, matching: &mut Matching) {
        for word in self.0 {
            let argument = if word & 0x80 == 0 { Argument::Known(hash(*word)) } else { Argument::Unreadable };
            if !matching.add(rules, argument) {
                return;
            }
        }
    }
}

fn hash(index: u8) -> TextHash {
    let text = TEXTS[usize::from(index) % TEXTS.len()];
    TextHash::of_text(HashKey { k0: 1, k1: 2 }, text.as_bytes()).unwrap_or(TextHash::NONE)
}

fn text(index: u8) -> TextLookup {
    match index {
        255 => TextLookup::Unreadable,
        254 => TextLookup::TooLong,
        index => TextLookup::Known(hash(index)),
    }
}

fn inode(number: u8, exact: bool) -> InodeId {
    let generation = exact.then_some(u32::from(number >> 2) % 2);
    InodeId { generation, ..InodeId::new(8, 1, u64::from(number % 4)) }
}

fn action(byte: u8) -> Action {
    [Action::Allow, Action::Audit, Action::Deny, Action::Kill][usize::from(byte) % 4]
}

fn key(rule: &Rule) -> RuleKey {
    let operation = Operation::Execute;
    match rule.subject {
        Subject::Inode(number) => RuleKey::inode(operation, inode(number, rule.exact)),
        Subject::Path(index) => RuleKey::path(operation, hash(index)),
        Subject::Name(index) => RuleKey::name(operation, hash(index)),
        Subject::Directory(number) => RuleKey::directory(operation, inode(number, rule.exact)),
        Subject::Tree(number) => RuleKey::tree(operation, inode(number, rule.exact)),
    }
}

fn contents(case: &Case) -> Contents {
    let mut contents = if case.audited { Contents::AUDITED } else { Contents::NONE };
    for rule in &case.rules {
        contents = contents.and(match rule.subject {
            Subject::Inode(_) => Contents::NONE,
            Subject::Path(_) => Contents::PATHS,
            Subject::Name(_) => Contents::NAMES,
            Subject::Directory(_) => Contents::DIRECTORIES.and(Contents::NUMBERED_DIRECTORIES),
            Subject::Tree(_) => Contents::TREES.and(Contents::NUMBERED_DIRECTORIES),
        });
    }
    contents
}

fn table(case: &Case) -> Table {
    let mut table = Table::default();
    let policy = RuleValue::policy(action(case.default), contents(case));
    table.0.insert(RuleKey::policy(Operation::Execute), policy.to_bits());
    for (number, rule) in (1..).zip(&case.rules) {
        let value = RuleValue::rule(number, action(rule.action));
        let value =
            if rule.overrides && value.action() == Action::Allow { value.overriding() } else { value };
        table.0.entry(key(rule)).or_insert(value.to_bits());
    }
    table
}

/// The action of the verdict, from the description of `decide` and by looking at every key that could hold.
fn oracle(case: &Case, table: &Table) -> Action {
    let cannot_tell = if case.audited { Action::Audit } else { Action::Deny };
    let contents = contents(case);
    if contents.has(Contents::PATHS) && case.path == 255 || contents.has(Contents::NAMES) && case.name == 255
    {
        return cannot_tell;
    }
    if contents.has(Contents::TREES) && case.directories.len() > LEVELS_MAX as usize {
        return cannot_tell;
    }
    let of_file = |key: fn(Operation, InodeId) -> RuleKey, number: u8| {
        let exact = table.get(&key(Operation::Execute, inode(number, true)));
        if exact == 0 { table.get(&key(Operation::Execute, inode(number, false))) } else { exact }
    };
    let mut files = vec![of_file(RuleKey::inode, case.inode)];
    files.extend(case.directories.first().map(|first| of_file(RuleKey::directory, *first)));
    files.extend(case.directories.iter().map(|directory| of_file(RuleKey::tree, *directory)));
    let of_text = |key: fn(Operation, TextHash) -> RuleKey, index: u8| match text(index) {
        TextLookup::Known(hash) => table.get(&key(Operation::Execute, hash)),
        _ => 0,
    };
    // A tree is in itself, as a text is about a file: it can restrict.
    let own = of_file(RuleKey::tree, case.inode);
    let texts = [of_text(RuleKey::path, case.path), of_text(RuleKey::name, case.name), own];
    let held = |bits: &u64| Some(RuleValue::from_bits(*bits)).filter(|value| value.is_some());
    let files: Vec<RuleValue> = files.iter().filter_map(held).collect();
    if files.iter().any(|value| value.overrides()) {
        return Action::Allow;
    }
    let all = files.iter().copied().chain(texts.iter().filter_map(held));
    let strictest = all.map(RuleValue::action).filter(|action| *action != Action::Allow).max();
    let allowed = files.iter().any(|value| value.action() == Action::Allow).then_some(Action::Allow);
    strictest.or(allowed).unwrap_or(action(case.default))
}

/// Values that no compiler writes, for the functions that go on from what they find.
fn spoil(case: &Case, table: &mut Table) {
    for (kind, index, bits) in &case.junk {
        let index = u32::from(*index) % 8;
        let text = hash(*kind);
        let key = match kind % 10 {
            0 => RuleKey::policy(Operation::Execute),
            1 => RuleKey::policy(Operation::Connect),
            2 => RuleKey::shape(index),
            3 => RuleKey::argument_at(index, index, text),
            4 => RuleKey::argument_anywhere(index, text),
            5 => RuleKey::any_argument_at(index, index),
            6 => RuleKey::argument_count(index, case.arguments.len() as u32),
            7 => RuleKey::condition(index, index),
            8 => RuleKey::inode(Operation::Execute, inode(index as u8, true)),
            _ => RuleKey::grant(inode(index as u8, true)),
        };
        table.0.insert(key, *bits);
    }
}

fuzz_target!(|bytes: &[u8]| {
    let Ok(case) = Case::arbitrary(&mut Unstructured::new(bytes)) else { return };
    let mut table = table(&case);
    let decision = decide(&table, Operation::Execute, &mut File { case: &case, next: 0 });
    assert_eq!(decision.verdict.action(), oracle(&case, &table), "{case:?}");
    assert_eq!(Decision::from_bits(decision.to_bits()), decision);
    spoil(&case, &mut table);
    let spoilt = decide(&table, Operation::Execute, &mut File { case: &case, next: 0 });
    let verdict = decide_arguments(&table, spoilt.group, spoilt.verdict, &mut Words(&case.arguments));
    assert!(verdict.action() != Action::Deny, "what is decided by arguments kills, and does not deny");
    let (high, low, port) = case.address;
    let _: Verdict = decide_address(&table, Address::v6(high, low, port));
    let _: Verdict = decide_address(&table, Address::v4(low as u32, port));
});
