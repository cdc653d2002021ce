// SPDX-License-Identifier: MIT OR Apache-2.0
//! What keeps a program that tries the same again and again from filling the log.
//!
//! Within a second the same line of a scope is logged ten times; what is beyond is counted, and the count is told when the second is
//! over. Bounded: of each scope 32 lines are kept, for a second.

use std::{
    collections::{BTreeMap, VecDeque},
    time::{Duration, Instant},
};

/// How often the same is logged within [`WINDOW`].
const LOGGED_MAX: u32 = 10;

/// How long things are counted together.
const WINDOW: Duration = Duration::from_secs(1);

/// How many different lines of a scope are told apart.
const LINES_MAX: usize = 32;

/// What was logged lately.
#[derive(Debug)]
pub(super) struct Flood<L> {
    of_scopes: BTreeMap<u64, VecDeque<Streak<L>>>,
    /// What gave way to other lines.
    pushed_out: Vec<More<L>>,
}

/// The same, several times.
#[derive(Debug)]
struct Streak<L> {
    line: L,
    begun: Instant,
    logged: u32,
    held_back: u64,
}

/// How often something was left out of the log.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct More<L> {
    /// What.
    pub(super) line: L,
    /// How often; never 0.
    pub(super) count: u64,
}

impl<L> Default for Flood<L> {
    fn default() -> Self {
        Self { of_scopes: BTreeMap::new(), pushed_out: Vec::new() }
    }
}

impl<L: PartialEq + Clone> Flood<L> {
    /// Whether this line of a scope is to be logged; otherwise it is counted.
    pub(super) fn lets_through(&mut self, scope: u64, line: &L, now: Instant) -> bool {
        let streaks = self.of_scopes.entry(scope).or_default();
        if let Some(streak) = streaks.iter_mut().find(|streak| !streak.is_over(now) && streak.line == *line) {
            let has_room = streak.logged < LOGGED_MAX;
            if has_room {
                streak.logged += 1;
            } else {
                streak.held_back += 1;
            }
            return has_room;
        }
        if streaks.len() >= LINES_MAX {
            self.pushed_out.extend(streaks.pop_front().and_then(Streak::more));
        }
        streaks.push_back(Streak { line: line.clone(), begun: now, logged: 1, held_back: 0 });
        true
    }

    /// What is to be told now.
    pub(super) fn take_due(&mut self, now: Instant) -> Vec<More<L>> {
        let mut due = std::mem::take(&mut self.pushed_out);
        self.of_scopes.retain(|_, streaks| {
            // The first has begun first.
            while streaks.front().is_some_and(|streak| streak.is_over(now)) {
                due.extend(streaks.pop_front().and_then(Streak::more));
            }
            !streaks.is_empty()
        });
        due
    }

    /// When there is something to be told next; `None` where nothing is held back.
    pub(super) fn next_due(&self) -> Option<Instant> {
        let held_back = self.of_scopes.values().flatten().filter(|streak| streak.held_back > 0);
        held_back.map(|streak| streak.begun + WINDOW).min()
    }
}

impl<L> Streak<L> {
    fn is_over(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.begun) >= WINDOW
    }

    fn more(self) -> Option<More<L>> {
        (self.held_back > 0).then_some(More { line: self.line, count: self.held_back })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lets the same line come so often; gives how often it was let through.
    fn repeat(flood: &mut Flood<&'static str>, scope: u64, line: &'static str, now: Instant) -> usize {
        (0..100).filter(|_| flood.lets_through(scope, &line, now)).count()
    }

    #[test]
    fn the_same_is_logged_ten_times_a_second_and_then_counted() {
        let (mut flood, begin) = (Flood::default(), Instant::now());
        assert_eq!(repeat(&mut flood, 1, "a", begin), 10);
        assert_eq!(flood.next_due(), Some(begin + WINDOW));
        assert_eq!(flood.take_due(begin + WINDOW / 2), []);
        let later = begin + WINDOW;
        assert_eq!(flood.take_due(later), [More { line: "a", count: 90 }]);
        assert_eq!(flood.take_due(later), []);
        assert_eq!(flood.next_due(), None);
        assert_eq!(repeat(&mut flood, 1, "a", later), 10);
    }

    #[test]
    fn a_second_begins_anew_even_where_nobody_has_asked_meanwhile() {
        let (mut flood, begin) = (Flood::default(), Instant::now());
        repeat(&mut flood, 1, "a", begin);
        assert_eq!(repeat(&mut flood, 1, "a", begin + WINDOW), 10);
        let due = flood.take_due(begin + WINDOW * 2);
        assert_eq!(due, [More { line: "a", count: 90 }, More { line: "a", count: 90 }]);
    }

    #[test]
    fn lines_in_turn_are_counted_each_for_itself() {
        let (mut flood, now) = (Flood::default(), Instant::now());
        for turn in 0..20 {
            assert_eq!(flood.lets_through(1, &"a", now), turn < 10);
            assert_eq!(flood.lets_through(1, &"b", now), turn < 10);
        }
        let due = flood.take_due(now + WINDOW);
        assert_eq!(due, [More { line: "a", count: 10 }, More { line: "b", count: 10 }]);
    }

    #[test]
    fn scopes_do_not_count_for_each_other() {
        let (mut flood, now) = (Flood::default(), Instant::now());
        assert_eq!(repeat(&mut flood, 1, "a", now), 10);
        assert_eq!(repeat(&mut flood, 2, "a", now), 10);
    }

    #[test]
    fn what_is_rare_is_never_told_as_more() {
        let (mut flood, now) = (Flood::default(), Instant::now());
        assert!(flood.lets_through(1, &"a", now));
        assert_eq!(flood.next_due(), None);
        assert_eq!(flood.take_due(now + WINDOW), []);
        assert!(flood.of_scopes.is_empty());
    }

    #[test]
    fn many_different_lines_take_bounded_room_and_lose_no_count() {
        let (mut flood, now) = (Flood::default(), Instant::now());
        for line in 0..1000 {
            for repetition in 0..12 {
                assert_eq!(flood.lets_through(1, &line, now), repetition < 10);
            }
            assert!(flood.of_scopes[&1].len() <= LINES_MAX);
        }
        let due = flood.take_due(now + WINDOW);
        assert_eq!(due.len(), 1000);
        assert!(due.iter().all(|more| more.count == 2));
    }
}
