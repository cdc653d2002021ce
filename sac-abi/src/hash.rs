// SPDX-License-Identifier: MIT OR Apache-2.0
//! Texts as keys: paths, names and arguments, as 128 bits of keyed hash.
//!
//! Maps have keys of one size, so a text is looked up by its hash. An allow rule can hang on one (the arguments that a
//! program may have), so nobody may be able to find a second text with the same hash: the hash is SipHash, under a key that is
//! drawn when the kernel half is first loaded and that only root can read.

/// Longest text in bytes, without the terminating NUL, that a rule can name and the kernel half can look at.
///
/// The kernel half reads texts into a buffer on its 512-byte stack: per-CPU scratch memory would be shared with another
/// task that preempts it there, which could then exchange the text under judgement.
pub const TEXT_BYTES_MAX: usize = 255;

/// Size of a buffer for a text and its NUL, in bytes.
pub const TEXT_BUFFER_BYTES: usize = TEXT_BYTES_MAX + 1;

/// Size of that buffer in words; it is read word by word.
pub const TEXT_WORDS: usize = TEXT_BUFFER_BYTES / size_of::<u64>();

/// Words of a short text: most paths, nearly all names and arguments.
const SHORT_WORDS: usize = 8;

/// What stands in a word of a key that its kind does not use. LLVM gathers equal bytes in a row into a `memset`, which BPF does
/// not have, so the bytes differ.
pub(crate) const UNUSED: u64 = u64::from_le_bytes(*b"no value");

/// The key of the hash.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct HashKey {
    /// First half.
    pub k0: u64,
    /// Second half.
    pub k1: u64,
}

/// Value of the map that the key of the hash is in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct KernelHashKey {
    /// The key; zeros until the loader has drawn one.
    pub key: HashKey,
    /// Always 0; see [`crate::Rules::zero`].
    pub zero: u64,
}

const _: () = assert!(size_of::<KernelHashKey>() == 24);

/// A text, as 128 bits of hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TextHash {
    pub(crate) low: u64,
    pub(crate) high: u64,
}

impl TextHash {
    /// In place of a hash that is not there.
    pub const NONE: Self = Self { low: UNUSED, high: UNUSED };

    /// Hashes the first `len` bytes of `words`, which hold the text in the order of memory. What is behind them does not
    /// matter.
    ///
    /// SipHash-1-3 with 128 bits of output, of the text with zeros behind it up to 64 or 256 bytes, and then its length as a
    /// word. Only the choice between the two is a branch: for the kernel's verifier each further one doubles the work.
    #[must_use]
    #[inline(always)]
    pub fn of_words(key: HashKey, words: &[u64; TEXT_WORDS], len: usize) -> Self {
        let mut state = State::new(key);
        let used = if len <= SHORT_WORDS * size_of::<u64>() { SHORT_WORDS } else { TEXT_WORDS };
        for (index, &word) in words.iter().enumerate() {
            if index == SHORT_WORDS && used == SHORT_WORDS {
                break;
            }
            state.absorb(u64::from_le(word) & mask(len, index));
        }
        state.absorb(len as u64);
        // SipHash ends with the length of what it has hashed.
        state.absorb((((used + 1) * size_of::<u64>()) as u64 % 256) << 56);
        state.finish()
    }

    /// Hashes a whole text; `None` where it is longer than [`TEXT_BYTES_MAX`] or holds a NUL.
    #[must_use]
    pub fn of_text(key: HashKey, text: &[u8]) -> Option<Self> {
        if text.len() > TEXT_BYTES_MAX || text.contains(&0) {
            return None;
        }
        let mut words = [0; TEXT_WORDS];
        for (word, bytes) in words.iter_mut().zip(text.chunks(size_of::<u64>())) {
            let mut padded = [0; size_of::<u64>()];
            padded.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
            *word = u64::from_ne_bytes(padded);
        }
        Some(Self::of_words(key, &words, text.len()))
    }
}

/// The bits of the `index`th word that belong to a text of `len` bytes. Without a branch.
#[inline(always)]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "small numbers, of which negative ones are made 0"
)]
const fn mask(len: usize, index: usize) -> u64 {
    let bytes = size_of::<u64>() as i64;
    let left = len as i64 - bytes * index as i64;
    let left = left & !(left >> 63);
    let missing = bytes - left;
    let missing = missing & !(missing >> 63);
    // In two steps, because no shift moves all of a word out.
    let half = (4 * missing) as u32 & 63;
    u64::MAX >> half >> half
}

/// SipHash's four words. Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012.
struct State {
    v0: u64,
    v1: u64,
    v2: u64,
    v3: u64,
}

impl State {
    #[inline(always)]
    const fn new(key: HashKey) -> Self {
        Self {
            v0: key.k0 ^ 0x736f_6d65_7073_6575,
            // 0xee marks the variant with 128 bits of output.
            v1: key.k1 ^ 0x646f_7261_6e64_6f6d ^ 0xee,
            v2: key.k0 ^ 0x6c79_6765_6e65_7261,
            v3: key.k1 ^ 0x7465_6462_7974_6573,
        }
    }

    #[inline(always)]
    const fn round(&mut self) {
        self.v0 = self.v0.wrapping_add(self.v1);
        self.v1 = self.v1.rotate_left(13) ^ self.v0;
        self.v0 = self.v0.rotate_left(32);
        self.v2 = self.v2.wrapping_add(self.v3);
        self.v3 = self.v3.rotate_left(16) ^ self.v2;
        self.v0 = self.v0.wrapping_add(self.v3);
        self.v3 = self.v3.rotate_left(21) ^ self.v0;
        self.v2 = self.v2.wrapping_add(self.v1);
        self.v1 = self.v1.rotate_left(17) ^ self.v2;
        self.v2 = self.v2.rotate_left(32);
    }

    #[inline(always)]
    const fn absorb(&mut self, word: u64) {
        self.v3 ^= word;
        self.round();
        self.v0 ^= word;
    }

    #[inline(always)]
    const fn finish(mut self) -> TextHash {
        self.v2 ^= 0xee;
        self.round();
        self.round();
        self.round();
        let low = self.v0 ^ self.v1 ^ self.v2 ^ self.v3;
        self.v1 ^= 0xdd;
        self.round();
        self.round();
        self.round();
        TextHash { low, high: self.v0 ^ self.v1 ^ self.v2 ^ self.v3 }
    }
}

#[cfg(test)]
mod tests;
