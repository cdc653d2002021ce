// SPDX-License-Identifier: MIT OR Apache-2.0
//! One time limit for everything that waits.
//!
//! The standard library's `Instant` is `CLOCK_MONOTONIC` on Linux, so setting the clock neither shortens nor lengthens
//! a login.
#![forbid(unsafe_code)]

use std::time::{Duration, Instant};

/// The end of an exchange. Each wait in it takes what the waits before it have left.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline {
    started: Instant,
    limit: Duration,
}

impl Deadline {
    /// A deadline that is `limit` away from now.
    pub(crate) fn after(limit: Duration) -> Self {
        Self { started: Instant::now(), limit }
    }

    /// Time that is left, never zero; `None` once the deadline has passed.
    pub(crate) fn remaining(&self) -> Option<Duration> {
        self.limit.checked_sub(self.started.elapsed()).filter(|left| !left.is_zero())
    }
}

#[cfg(test)]
mod tests;
