// SPDX-License-Identifier: MIT OR Apache-2.0
//! A limit on messages per minute, and what it held back.

use std::time::{Duration, Instant};

/// What a limit held back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeldBack {
    /// How many records.
    pub count: u64,
    /// Number of the first one.
    pub first: u64,
    /// Number of the last one.
    pub last: u64,
}

/// Parts of a message: a microsecond adds as many as there may be messages in a minute, so that nothing is rounded.
const PARTS: u64 = 60_000_000;

/// A bucket that fills up evenly, to as many messages as a minute may have.
#[derive(Debug)]
pub struct Throttle {
    per_minute: u32,
    /// Messages that may be sent now, in parts.
    available: u64,
    filled: Option<Instant>,
    held: Option<HeldBack>,
    said_at: Option<Instant>,
}

/// How often it is said what was held back.
const SAID_EVERY: Duration = Duration::from_secs(60);

impl Throttle {
    /// A full bucket.
    #[must_use]
    pub fn new(per_minute: u32) -> Self {
        Self { per_minute, available: u64::from(per_minute) * PARTS, filled: None, held: None, said_at: None }
    }

    /// How many messages may be sent now.
    pub fn available(&mut self, now: Instant) -> usize {
        let elapsed = self.filled.map_or(Duration::ZERO, |filled| now.saturating_duration_since(filled));
        self.filled = Some(now);
        let elapsed_us = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX);
        let per_minute = u64::from(self.per_minute);
        let more = elapsed_us.saturating_mul(per_minute);
        self.available = self.available.saturating_add(more).min(per_minute * PARTS);
        usize::try_from(self.available / PARTS).unwrap_or(usize::MAX)
    }

    /// So many were sent.
    pub fn take(&mut self, messages: usize) {
        let messages = u64::try_from(messages).unwrap_or(u64::MAX);
        self.available = self.available.saturating_sub(messages.saturating_mul(PARTS));
    }

    /// The record with this number is held back.
    pub fn hold(&mut self, number: u64) {
        let held = self.held.get_or_insert(HeldBack { count: 0, first: number, last: number });
        held.count += 1;
        held.last = number;
    }

    /// What was held back and has not been said yet.
    #[must_use]
    pub const fn held(&self) -> Option<HeldBack> {
        self.held
    }

    /// What was held back, where it may be said now: once a minute, so that it takes no alert's place.
    pub fn due(&mut self, now: Instant) -> Option<HeldBack> {
        let is_time = self.said_at.is_none_or(|said| now.saturating_duration_since(said) >= SAID_EVERY);
        self.held.filter(|_| is_time && self.available(now) > 0)
    }

    /// It has been said.
    pub const fn said(&mut self, now: Instant) {
        self.held = None;
        self.said_at = Some(now);
    }
}

#[cfg(test)]
mod tests;
