// SPDX-License-Identifier: MIT OR Apache-2.0
//! The sieve: whether any rule could be about a file, at a glance.
//!
//! Files are opened and executed far more often than there is a rule about one. A Bloom filter, one for all policies, holds what rules
//! name; what is not in it needs no look-up in any policy. It can hold too much, which costs time and changes no verdict, and must never
//! hold too little.
//!
//! Of rules about opening it holds files, and the directories that files are in; of rules about executing files, and how the names begin
//! that denied paths end with. [`crate::rule::Contents::is_sifted`] says where that is all there is.

/// Words of the filter. 20,000 files and directories, of 10,000 rules, set 4 of 100 bits, and let 2 of 1,000 other files through.
pub const SIEVE_WORDS: usize = 1 << 14;

/// The filter, and what else is known of all policies together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Sieve {
    /// The filter's words.
    pub words: [u64; SIEVE_WORDS],
    /// Not 0 where a policy has rules for programs by their content.
    pub has_contents: u64,
}

impl Sieve {
    /// Of no policy.
    pub const EMPTY: Self = Self { words: [0; SIEVE_WORDS], has_contents: 0 };
}

const _: () = assert!(size_of::<Sieve>() == 8 * SIEVE_WORDS + 8);

/// How a name begins: its first bytes, and zeros behind it where it is shorter. The last one is always zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct NameStart {
    low: u64,
    high: u64,
}

impl NameStart {
    const BYTES: usize = size_of::<Self>();

    /// Of this name.
    #[must_use]
    pub fn of(name: &[u8]) -> Self {
        let mut bytes = [0; Self::BYTES];
        for (to, from) in bytes.iter_mut().take(Self::BYTES - 1).zip(name) {
            *to = *from;
        }
        let [low, high] = [0, 8].map(|at| {
            u64::from_ne_bytes(core::array::from_fn(|index| bytes.get(at + index).copied().unwrap_or(0)))
        });
        Self { low, high }
    }

    /// Both halves, whose bytes in memory are the name's.
    #[must_use]
    pub const fn to_words(self) -> (u64, u64) {
        (self.low, self.high)
    }

    /// From both halves.
    #[must_use]
    pub const fn from_words(low: u64, high: u64) -> Self {
        Self { low, high }
    }
}

/// Something that may be in the filter, as one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Grain(u64);

/// 2^64 divided by the golden ratio. Multiplication carries upwards, so the upper bits of a product depend on all of a number (Fibonacci
/// hashing).
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

impl Grain {
    /// All files and directories with this inode number. It is asked for at every open, so by what is nearest to hand: two more reads in the
    /// kernel would tell file systems apart, and few files have a number that a rule names on another one.
    #[must_use]
    #[inline(always)]
    pub const fn of_inode(ino: u64) -> Self {
        Self(ino)
    }

    /// All names that begin like this.
    #[must_use]
    #[inline(always)]
    pub const fn of_name(name: NameStart) -> Self {
        let (low, high) = (name.low.wrapping_mul(GOLDEN), name.high.wrapping_mul(GOLDEN));
        Self(low >> 32 ^ low ^ high >> 16)
    }

    /// Its word, and its two bits there.
    #[must_use]
    #[inline(always)]
    pub const fn place(self) -> (usize, u64) {
        let mixed = self.0.wrapping_mul(GOLDEN);
        let word = (mixed >> 50) as usize & (SIEVE_WORDS - 1);
        (word, 1 << (mixed >> 44 & 63) | 1 << (mixed >> 38 & 63))
    }

    /// Whether it is held, by the filter's words.
    #[must_use]
    #[inline(always)]
    pub fn is_held(self, word: impl Fn(usize) -> u64) -> bool {
        let (index, bits) = self.place();
        word(index) & bits == bits
    }
}

/// Whether no rule is about opening a file in a directory, by their inode numbers and the filter's words.
#[must_use]
#[inline(always)]
pub fn falls_through(word: impl Fn(usize) -> u64, file: u64, directory: u64) -> bool {
    !Grain::of_inode(file).is_held(&word) && !Grain::of_inode(directory).is_held(&word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec;

    #[test]
    fn what_is_in_it_does_not_fall_through() {
        let mut words = vec![0_u64; SIEVE_WORDS];
        let named = |ino: u64| 1_000_000 + 3 * ino;
        for ino in 0..20_000 {
            let (word, bits) = Grain::of_inode(named(ino)).place();
            words[word] |= bits;
        }
        let falls = |file, directory| falls_through(|word| words[word], file, directory);
        assert!((0..20_000).all(|ino| !falls(named(ino), 5) && !falls(5, named(ino))));
        // Consecutive numbers, as file systems give them, are spread.
        let caught = (0..20_000).filter(|ino| !falls(named(*ino) + 1, 5)).count();
        assert!(caught < 200, "{caught} of 20,000");
    }

    #[test]
    fn nothing_falls_through_a_full_one_and_everything_through_an_empty_one() {
        assert!(!falls_through(|_| u64::MAX, 1, 2));
        assert!(falls_through(|_| 0, 1, 2));
    }

    #[test]
    fn names_are_told_apart_by_how_they_begin() {
        let start = |name: &str| NameStart::of(name.as_bytes());
        assert_eq!(start("a-name-of-15-by"), start("a-name-of-15-bytes-and-more"));
        assert_ne!(start("a-name-of-15-b"), start("a-name-of-15-by"));
        assert_eq!(start("nc").to_words(), (u64::from_ne_bytes(*b"nc\0\0\0\0\0\0"), 0));
        let (low, high) = start("program-00017").to_words();
        assert_eq!(NameStart::from_words(low, high), start("program-00017"));
        assert_eq!(high.to_ne_bytes(), *b"00017\0\0\0");
    }

    #[test]
    fn names_that_differ_in_a_letter_are_spread() {
        let grain = |number: u32| {
            let name: std::string::String = std::format!("program-{number:05}");
            Grain::of_name(NameStart::of(name.as_bytes()))
        };
        let mut words = vec![0_u64; SIEVE_WORDS];
        for number in 0..10_000 {
            let (word, bits) = grain(number).place();
            words[word] |= bits;
        }
        assert!((0..10_000).all(|number| grain(number).is_held(|word| words[word])));
        let caught = (10_000..20_000).filter(|number| grain(*number).is_held(|word| words[word])).count();
        assert!(caught < 100, "{caught} of 10,000");
    }
}
