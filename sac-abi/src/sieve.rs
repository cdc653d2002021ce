// SPDX-License-Identifier: MIT OR Apache-2.0
//! The sieve: whether any rule could be about a file that is opened, at a glance.
//!
//! Files are opened far more often than there is a rule about one. A Bloom filter, one for all policies, holds the files and the
//! directories that rules about opening name; what is not in it needs no look-up in any policy. It can hold too much, which costs time
//! and changes no verdict, and must never hold too little.
//!
//! It is for rules that name one file, or the directory that the file is in: [`crate::rule::Contents::is_sifted`].

use crate::rule::InodeId;

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

/// The word of a file or directory, and its two bits there. Generations do not matter: a rule may hold for all of a number.
#[must_use]
#[inline(always)]
pub const fn place(inode: InodeId) -> (usize, u64) {
    // Multiplication carries upwards, so the upper bits depend on all of the number (Fibonacci hashing, 2^64 divided by the golden ratio).
    let mixed = (inode.ino ^ (inode.dev as u64) << 40).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let word = (mixed >> 50) as usize & (SIEVE_WORDS - 1);
    (word, 1 << (mixed >> 44 & 63) | 1 << (mixed >> 38 & 63))
}

/// Whether no rule is about a file in a directory, by the filter's words.
#[must_use]
#[inline(always)]
pub fn falls_through(word: impl Fn(usize) -> u64, file: InodeId, directory: InodeId) -> bool {
    let holds = |inode| {
        let (index, bits) = place(inode);
        word(index) & bits == bits
    };
    !holds(file) && !holds(directory)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec;

    fn inode(ino: u64) -> InodeId {
        InodeId { dev: 0xfe00_0001, ino, generation: Some(7) }
    }

    #[test]
    fn what_is_in_it_does_not_fall_through() {
        let mut words = vec![0_u64; SIEVE_WORDS];
        let named = |ino: u64| 1_000_000 + 3 * ino;
        for ino in 0..20_000 {
            let (word, bits) = place(inode(named(ino)));
            words[word] |= bits;
        }
        let falls =
            |file: u64, directory: u64| falls_through(|word| words[word], inode(file), inode(directory));
        assert!((0..20_000).all(|ino| !falls(named(ino), 5) && !falls(5, named(ino))));
        // Consecutive numbers, as file systems give them, are spread.
        let caught = (0..20_000).filter(|ino| !falls(named(*ino) + 1, 5)).count();
        assert!(caught < 200, "{caught} of 20,000");
    }

    #[test]
    fn nothing_falls_through_a_full_one_and_everything_through_an_empty_one() {
        assert!(!falls_through(|_| u64::MAX, inode(1), inode(2)));
        assert!(falls_through(|_| 0, inode(1), inode(2)));
    }

    #[test]
    fn devices_are_told_apart_and_generations_are_not() {
        let one = inode(1);
        assert_ne!(place(one), place(InodeId { dev: 0xfe00_0002, ..one }));
        assert_eq!(place(one), place(one.of_any_generation()));
    }
}
