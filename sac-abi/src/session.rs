// SPDX-License-Identifier: MIT OR Apache-2.0
//! The name of a session.

use core::fmt;

/// A session's id: unique on a machine for as long as its clock goes forward, and sorting by time of opening.
///
/// The upper 32 bits are seconds since 1970, the lower 16 count the sessions of that second. People see ten characters
/// of Crockford's base 32, which has no letters that are mistaken for digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(u64);

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const DIGITS: usize = 10;
const BITS: u32 = 48;

impl SessionId {
    /// The `sequence`th session that was opened in the second `unix_seconds`.
    #[must_use]
    pub const fn new(unix_seconds: u32, sequence: u16) -> Self {
        Self((unix_seconds as u64) << 16 | sequence as u64)
    }

    /// The id that sorts directly after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self((self.0 + 1) & ((1 << BITS) - 1))
    }

    /// The id as a number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The id that has this number; `None` where it is out of range.
    #[must_use]
    pub const fn from_number(number: u64) -> Option<Self> {
        if number >> BITS == 0 { Some(Self(number)) } else { None }
    }

    /// Reads the ten characters that [`fmt::Display`] writes.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != DIGITS {
            return None;
        }
        let number = text.bytes().try_fold(0_u64, |number, byte| {
            let digit = ALPHABET.iter().position(|&letter| letter == byte)?;
            Some(number << 5 | digit as u64)
        })?;
        Self::from_number(number)
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for digit in (0..DIGITS).rev() {
            let index = (self.0 >> (5 * digit)) & 31;
            let letter =
                usize::try_from(index).ok().and_then(|index| ALPHABET.get(index)).ok_or(fmt::Error)?;
            write!(f, "{}", *letter as char)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
