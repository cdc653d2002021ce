// SPDX-License-Identifier: MIT OR Apache-2.0
//! Counting tests in the output of test binaries (libtest and libtest-mimic write the same lines).

use std::ops::AddAssign;

#[cfg(test)]
mod tests;

/// How many tests passed and failed. Ignored and filtered ones are neither.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
}

impl Count {
    /// Adds up all `test result: …. N passed; N failed; …` lines.
    pub(crate) fn in_output(text: &str) -> Self {
        let mut sum = Self::default();
        for line in text.lines() {
            // A terminal colour may stand before the words.
            let Some((_, results)) = line.split_once("test result: ") else { continue };
            sum +=
                Self { passed: number_before(results, " passed"), failed: number_before(results, " failed") };
        }
        sum
    }
}

impl AddAssign for Count {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

fn number_before(text: &str, word: &str) -> u64 {
    let Some((before, _)) = text.split_once(word) else { return 0 };
    before.rsplit(|c: char| !c.is_ascii_digit()).next().and_then(|digits| digits.parse().ok()).unwrap_or(0)
}
