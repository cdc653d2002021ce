// SPDX-License-Identifier: MIT OR Apache-2.0
//! Waiting for a condition instead of for a time.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// So many guests share the processors at most, and each may be so much slower than a guest by itself.
const GUESTS: u32 = 3;

/// Calls `probe` until it returns `Some`, at least once, then every 100 ms until `deadline`, which is meant for a guest by itself, has
/// passed as often as guests may run at a time.
///
/// # Errors
/// When the deadline passes ("WHAT did not happen within N s"), or when `probe` fails: an error ends the wait at once.
pub fn wait_until<T>(
    what: &str,
    deadline: Duration,
    mut probe: impl FnMut() -> Result<Option<T>>,
) -> Result<T> {
    let start = Instant::now();
    let deadline = deadline * GUESTS;
    loop {
        if let Some(value) = probe()? {
            return Ok(value);
        }
        if start.elapsed() >= deadline {
            bail!("{what} did not happen within {} s", deadline.as_secs())
        }
        thread::sleep(Duration::from_millis(100));
    }
}
