// SPDX-License-Identifier: MIT OR Apache-2.0
//! Checkpoints that were kept somewhere else, compared with what is there.

use super::Wrong;
use crate::chain::{Checkpoint, Digest};
use std::collections::BTreeMap;

/// Those that have not been met yet, by number. There may be two of one number, if a chain was made anew.
#[derive(Clone, Debug)]
pub(super) struct Checkpoints(BTreeMap<u64, Vec<Digest>>);

impl Checkpoints {
    pub(super) fn new(checkpoints: &[Checkpoint]) -> Self {
        let mut by_number: BTreeMap<u64, Vec<Digest>> = BTreeMap::new();
        for checkpoint in checkpoints {
            let digests = by_number.entry(checkpoint.number).or_default();
            if !digests.contains(&checkpoint.digest) {
                digests.push(checkpoint.digest);
            }
        }
        Self(by_number)
    }

    /// Compares a line with those of its number: how many fit, and what is wrong with the others.
    pub(super) fn compare(&mut self, number: u64, is: Digest) -> (usize, Vec<Wrong>) {
        let digests = self.0.remove(&number).unwrap_or_default();
        let wrong = digests.iter().filter(|digest| **digest != is).map(|digest| Wrong::Checkpoint {
            number,
            is: is.to_string(),
            checkpoint: digest.to_string(),
        });
        let wrong: Vec<_> = wrong.collect();
        (digests.len() - wrong.len(), wrong)
    }

    /// What was not met in a chain with these ends: how many are from before, and what is wrong with the others.
    pub(super) fn rest(self, first: Option<u64>, last: u64) -> (usize, Vec<Wrong>) {
        let mut removed = 0;
        let mut wrong = Vec::new();
        for number in self.0.into_keys() {
            if first.is_some_and(|first| number < first) {
                removed += 1;
            } else if number > last {
                wrong.push(Wrong::Tail { last, number });
            } else {
                wrong.push(Wrong::CheckpointMissing { number });
            }
        }
        (removed, wrong)
    }
}
