// SPDX-License-Identifier: MIT OR Apache-2.0
//! Places in the loader where tests have it end, wait or fail.
//!
//! Code names the place that it has come to: `failpoint::reach(Failpoint::SessionPinned)`. Without the feature `on`, which nothing that is
//! installed has, that is an empty function, and neither names nor [`DIRECTORY`] are in the program. With it, a file of the place's name in
//! [`DIRECTORY`] says what happens there: `kill`, `panic`, `error`, or `sleep` and a number of milliseconds. Whoever comes there first
//! takes the file away and does it, so each file is for once, and a test sees by its absence that it has happened.
#![forbid(unsafe_code)]

mod places;

pub use places::Failpoint;

/// Where tests put their files. That this text is in a loader says that the feature is on.
pub const DIRECTORY: &str = "/run/sac/failpoints";

/// A place where something can go wrong that has an error of its own kind, or none.
#[cfg(not(feature = "on"))]
#[inline(always)]
pub const fn reach(_place: Failpoint) {}

/// A place where a system call may fail.
///
/// # Errors
///
/// Never, without the feature.
#[cfg(not(feature = "on"))]
#[inline(always)]
pub const fn may_fail(_place: Failpoint) -> std::io::Result<()> {
    Ok(())
}

#[cfg(feature = "on")]
pub use on::{may_fail, reach};

#[cfg(feature = "on")]
mod on;
