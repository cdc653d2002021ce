// SPDX-License-Identifier: MIT OR Apache-2.0
//! A file that was at a denied path is held after it went, and only so many are.

use super::*;
use sac_abi::{HashKey, RuleValue, Rules as _};
use sac_policy::{PolicySet, Situation, Source, compile};

const PATH: &str = "/nonexistent/tool";

fn inode(ino: u64) -> InodeId {
    InodeId { generation: Some(1), ..InodeId::new(8, 1, ino) }
}

fn entries(memory: &Memory) -> Vec<(RuleKey, u64)> {
    let text = format!("policy: p\napplies_to: everyone\nprograms:\n  deny:\n    - {PATH}\n");
    let set = PolicySet::from_sources(vec![Source::new("p.yaml", text)]).unwrap().set;
    let policy = &set.policies()[0];
    let situation =
        Situation { at: jiff::Timestamp::UNIX_EPOCH, key: HashKey::default(), grants: Vec::new() };
    let compiled = compile(policy, &HostFiles::new(|_file| None), &situation);
    assert_ne!(compiled.get(&RuleKey::policy(Operation::Execute)), 0);
    memory.entries(policy, &compiled, HashKey::default())
}

#[test]
fn a_file_that_went_from_its_path_is_held_as_what_comes_there() {
    let mut memory = Memory::default();
    assert_eq!(entries(&memory), []);
    memory.remember(Path::new(PATH), Some(inode(7)));
    memory.remember(Path::new(PATH), Some(inode(7)));
    memory.remember(Path::new("/nonexistent/other"), Some(inode(8)));
    let [(key, bits)] = entries(&memory)[..] else { panic!("{:?}", entries(&memory)) };
    assert_eq!(key, RuleKey::inode(Operation::Execute, inode(7)));
    assert_eq!((RuleValue::from_bits(bits).action(), RuleValue::from_bits(bits).number()), (Action::Kill, 1));
}

#[test]
fn only_the_latest_files_are_remembered() {
    let mut memory = Memory::default();
    (1..=20).for_each(|ino| memory.remember(Path::new(PATH), Some(inode(ino))));
    let held: Vec<_> = entries(&memory).into_iter().map(|(key, _)| key).collect();
    let mut wanted: Vec<_> = (13..=20).map(|ino| RuleKey::inode(Operation::Execute, inode(ino))).collect();
    wanted.sort_unstable();
    assert_eq!(held, wanted);
}
