// SPDX-License-Identifier: MIT OR Apache-2.0
//! SHA-256 as it stands in records, and checkpoints made of it.

use sha2::Digest as _;
use std::fmt;
use std::str::FromStr;

/// A SHA-256.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// What stands for the line before the first one.
    pub const NONE: Self = Self([0; 32]);

    /// That of some bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(sha2::Sha256::digest(bytes).into())
    }

    pub(crate) fn finish(of: sha2::Sha256) -> Self {
        Self(of.finalize().into())
    }
}

/// 64 digits, in lower case.
impl fmt::Display for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digit = |half: u8| char::from(if half < 10 { b'0' + half } else { b'a' - 10 + half });
        let digits: String = self.0.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 0xf)]).collect();
        formatter.write_str(&digits)
    }
}

impl FromStr for Digest {
    type Err = CheckpointError;

    fn from_str(text: &str) -> Result<Self, CheckpointError> {
        let fault = || CheckpointError { text: text.to_owned() };
        // In upper case it would not be what stands in a line.
        if text.len() != 64 || !text.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(fault());
        }
        let mut bytes = [0; 32];
        for (at, byte) in bytes.iter_mut().enumerate() {
            let digits = text.get(2 * at..2 * at + 2).ok_or_else(fault)?;
            *byte = u8::from_str_radix(digits, 16).map_err(|_no_number| fault())?;
        }
        Ok(Self(bytes))
    }
}

/// A place in the chain, kept somewhere else: with it a tail that was cut off shows, and a chain that was made anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Number of the record.
    pub number: u64,
    /// SHA-256 of its line, which stands for all lines before it as well.
    pub digest: Digest,
}

/// `NUMBER:DIGEST`, as [`FromStr`] takes it.
impl fmt::Display for Checkpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.number, self.digest)
    }
}

impl FromStr for Checkpoint {
    type Err = CheckpointError;

    fn from_str(text: &str) -> Result<Self, CheckpointError> {
        let fault = || CheckpointError { text: text.to_owned() };
        let (number, digest) = text.split_once(':').ok_or_else(fault)?;
        let number = number.parse().map_err(|_no_number| fault())?;
        Ok(Self { number, digest: digest.parse().map_err(|_fault: CheckpointError| fault())? })
    }
}

/// Text that is no checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no checkpoint: write NUMBER:SHA256, the SHA-256 in 64 digits of lower case")]
pub struct CheckpointError {
    text: String,
}
