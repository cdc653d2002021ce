// SPDX-License-Identifier: MIT OR Apache-2.0
//! Chance that can be had again: what a test did by it is repeated with the number that its failure names.

use anyhow::Context as _;
use std::{
    env,
    time::{SystemTime, UNIX_EPOCH},
};

/// The variable with the number that chance begins with.
pub(crate) const SEED: &str = "SAC_E2E_SEED";

/// Marsaglia's xorshift.
pub(crate) struct Chance(u64);

impl Chance {
    /// With the number in [`SEED`], or another one each second.
    pub(crate) fn new() -> anyhow::Result<Self> {
        let seed = match env::var(SEED) {
            Ok(seed) => seed.parse().context(SEED)?,
            Err(_unset) => SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs(),
        };
        Ok(Self(seed | 1))
    }

    /// Where it stands; where it began, before anything was asked.
    pub(crate) const fn seed(&self) -> u64 {
        self.0
    }

    pub(crate) const fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }

    /// One of these, of which there is one at least.
    pub(crate) fn one_of<'t, T>(&mut self, these: &'t [T]) -> &'t T {
        let count = u64::try_from(these.len()).unwrap_or(u64::MAX);
        let index = usize::try_from(self.below(count)).unwrap_or(0);
        &these[index]
    }
}
