// SPDX-License-Identifier: MIT OR Apache-2.0
//! Putting in order what comes from several sources, each in its own.

use std::{cmp::Reverse, collections::VecDeque};

/// For how many there is room afterwards: a burst is a hundred times as many.
const ROOM_KEPT: usize = 1024;

/// What has come, by its time.
#[derive(Debug)]
pub(super) struct Order<T> {
    /// In order, to be handed out.
    ready: VecDeque<T>,
    /// Something older than these may still come.
    waiting: Vec<(u64, T)>,
}

impl<T> Default for Order<T> {
    fn default() -> Self {
        Self { ready: VecDeque::new(), waiting: Vec::new() }
    }
}

impl<T> Order<T> {
    /// Something has come that happened then.
    pub(super) fn push(&mut self, at_ns: u64, item: T) {
        self.waiting.push((at_ns, item));
    }

    /// Nothing more comes that happened until then.
    pub(super) fn release(&mut self, until_ns: u64) {
        // Stable: what happened at the same time stays as it came. The youngest stand first, so that the others can be taken off.
        self.waiting.reverse();
        self.waiting.sort_by_key(|(at_ns, _)| Reverse(*at_ns));
        let kept = self.waiting.partition_point(|(at_ns, _)| *at_ns > until_ns);
        self.ready.extend(self.waiting.drain(kept..).rev().map(|(_, item)| item));
        self.waiting.reverse();
        self.waiting.shrink_to(ROOM_KEPT);
    }

    /// The next one.
    pub(super) fn next(&mut self) -> Option<T> {
        let next = self.ready.pop_front();
        if next.is_none() {
            self.ready.shrink_to(ROOM_KEPT);
        }
        next
    }

    /// Whether there is one.
    pub(super) fn has_next(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Whether nothing is there, waiting or not.
    pub(super) fn is_empty(&self) -> bool {
        self.ready.is_empty() && self.waiting.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(order: &mut Order<&'static str>) -> Vec<&'static str> {
        std::iter::from_fn(|| order.next()).collect()
    }

    #[test]
    fn what_comes_from_two_sources_is_put_in_order() {
        let mut order = Order::default();
        for (at_ns, item) in [(1, "a"), (4, "d"), (2, "b"), (3, "c")] {
            order.push(at_ns, item);
        }
        assert!(!order.has_next());
        order.release(4);
        assert_eq!(taken(&mut order), ["a", "b", "c", "d"]);
        assert!(order.is_empty());
    }

    #[test]
    fn what_is_younger_waits_for_what_is_older() {
        let mut order = Order::default();
        order.push(9, "young");
        order.push(5, "old");
        order.release(5);
        assert_eq!(taken(&mut order), ["old"]);
        assert!(!order.is_empty());
        order.push(7, "came later");
        order.release(9);
        assert_eq!(taken(&mut order), ["came later", "young"]);
    }

    #[test]
    fn a_burst_keeps_no_room() {
        let mut order = Order::default();
        (0..100_000).for_each(|at_ns| order.push(at_ns, "a"));
        order.release(100_000);
        assert_eq!(taken(&mut order).len(), 100_000);
        assert!(order.ready.capacity() + order.waiting.capacity() <= 4 * ROOM_KEPT);
    }

    #[test]
    fn what_happened_at_the_same_time_stays_as_it_came() {
        let mut order = Order::default();
        for item in ["a", "b", "c"] {
            order.push(1, item);
        }
        order.push(2, "kept");
        order.push(2, "kept too");
        order.release(1);
        assert_eq!(taken(&mut order), ["a", "b", "c"]);
        order.release(2);
        assert_eq!(taken(&mut order), ["kept", "kept too"]);
    }
}
