// SPDX-License-Identifier: MIT OR Apache-2.0
//! How far a sink is, in numbers of records.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Three numbers: what was handed over, what has arrived, and up to where it was counted what is missing.
#[derive(Debug)]
pub(super) struct Progress {
    /// Everything up to here was handed over, or was not for this sink.
    position: u64,
    /// Everything up to here has arrived.
    certain: u64,
    /// When something was handed over, and the position after it.
    doubtful: VecDeque<(Instant, u64)>,
    /// What is missing up to here was counted, so that going back does not count it again.
    counted: u64,
}

impl Progress {
    pub(super) const fn at(position: u64) -> Self {
        Self { position, certain: position, doubtful: VecDeque::new(), counted: position }
    }

    pub(super) const fn position(&self) -> u64 {
        self.position
    }

    pub(super) const fn certain(&self) -> u64 {
        self.certain
    }

    /// Everything up to this number is handed over.
    pub(super) fn advance(&mut self, number: u64, now: Instant) {
        if number > self.position {
            self.position = number;
            self.doubtful.push_back((now, number));
        }
    }

    /// What was handed over so long ago has arrived.
    pub(super) fn settle(&mut self, doubt: Duration, now: Instant) {
        while let Some((handed_over, number)) = self.doubtful.front().copied() {
            if now.saturating_duration_since(handed_over) < doubt {
                break;
            }
            self.certain = number;
            self.doubtful.pop_front();
        }
    }

    /// The connection broke: what is in doubt is handed over again.
    pub(super) fn back(&mut self) {
        self.position = self.certain;
        self.doubtful.clear();
    }

    /// Goes on after this number, whatever was before.
    pub(super) fn jump(&mut self, number: u64) {
        *self = Self::at(number);
    }

    /// How many numbers are not there between `from` and the position, of which these are read; each is counted once, however often
    /// it is come by.
    pub(super) fn gaps(&mut self, from: u64, numbers: &[u64]) -> u64 {
        let mut before = from.max(self.counted);
        let mut gaps = 0;
        for number in numbers {
            if (before + 1..=self.position).contains(number) {
                gaps += number - before - 1;
                before = *number;
            }
        }
        self.counted = before;
        gaps
    }
}
