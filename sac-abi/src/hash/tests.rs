// SPDX-License-Identifier: MIT OR Apache-2.0
//! The hash against another implementation of it.

use super::*;
use proptest::prelude::*;
use siphasher::sip128::{Hasher128, SipHasher13};
use std::hash::Hasher;
use std::vec;
use std::vec::Vec;

fn reference(key: HashKey, text: &[u8]) -> TextHash {
    let mut hasher = SipHasher13::new_with_keys(key.k0, key.k1);
    let padded_bytes = if text.len() <= 64 { 64 } else { TEXT_BUFFER_BYTES };
    let mut padded = text.to_vec();
    padded.resize(padded_bytes, 0);
    hasher.write(&padded);
    hasher.write(&(text.len() as u64).to_le_bytes());
    let hash = hasher.finish128();
    TextHash { low: hash.h1, high: hash.h2 }
}

fn any_key() -> impl Strategy<Value = HashKey> {
    any::<(u64, u64)>().prop_map(|(k0, k1)| HashKey { k0, k1 })
}

/// A text without NUL.
fn any_text() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(1..=u8::MAX, 0..=TEXT_BYTES_MAX)
}

#[test]
fn each_length_is_hashed_as_by_the_reference() {
    let key = HashKey { k0: 0x0706_0504_0302_0100, k1: 0x0f0e_0d0c_0b0a_0908 };
    for len in 0..=TEXT_BYTES_MAX {
        let text: Vec<u8> = (1..=u8::MAX).cycle().take(len).collect();
        assert_eq!(TextHash::of_text(key, &text), Some(reference(key, &text)), "{len} bytes");
    }
}

#[test]
fn what_no_rule_can_name_has_no_hash() {
    let key = HashKey::default();
    assert!(TextHash::of_text(key, &[b'a'; TEXT_BYTES_MAX]).is_some());
    assert_eq!(TextHash::of_text(key, &[b'a'; TEXT_BYTES_MAX + 1]), None);
    assert_eq!(TextHash::of_text(key, b"/bin/\0df"), None);
    // That would be another text's.
    assert_ne!(TextHash::of_text(key, b""), Some(TextHash { low: 0, high: 0 }));
}

#[test]
fn a_length_beyond_the_buffer_reads_no_further() {
    let words = [u64::MAX; TEXT_WORDS];
    let _hash = TextHash::of_words(HashKey::default(), &words, TEXT_BUFFER_BYTES + 9);
}

proptest! {
    #[test]
    fn agrees_with_the_reference(key in any_key(), text in any_text()) {
        prop_assert_eq!(TextHash::of_text(key, &text), Some(reference(key, &text)));
    }

    #[test]
    fn what_is_behind_the_text_does_not_matter(key in any_key(), text in any_text(), junk: u8) {
        let mut bytes = vec![junk; TEXT_BUFFER_BYTES];
        bytes[..text.len()].copy_from_slice(&text);
        let mut words = [0; TEXT_WORDS];
        for (word, bytes) in words.iter_mut().zip(bytes.chunks_exact(8)) {
            *word = u64::from_ne_bytes(bytes.try_into().unwrap());
        }
        prop_assert_eq!(TextHash::of_words(key, &words, text.len()), reference(key, &text));
    }

    #[test]
    fn another_key_gives_another_hash(one in any_key(), other in any_key(), text in any_text()) {
        prop_assume!(one != other);
        prop_assert_ne!(TextHash::of_text(one, &text), TextHash::of_text(other, &text));
    }
}
