// SPDX-License-Identifier: GPL-2.0-only OR MIT
//! Texts on the stack: paths, names and arguments, on their way to being hashed.

use crate::maps::hash_key;
use aya_ebpf::helpers::generated::bpf_probe_read_user_str;
use core::{ffi::c_void, mem::MaybeUninit};
use sac_abi::{
    TextHash,
    hash::{TEXT_BUFFER_BYTES, TEXT_WORDS},
};

/// Room for one text. There is one for each program: two would not fit on the stack.
#[repr(transparent)]
pub(crate) struct TextBuffer([u64; TEXT_WORDS]);

impl TextBuffer {
    /// Clears word by word: LLVM has no `memset` for BPF, and volatile writes are not gathered into one. In place, because the
    /// stack has no room for a second copy. The 6.1 verifier wants the memory that a helper writes to initialised.
    #[inline(always)]
    pub(crate) fn cleared(place: &mut MaybeUninit<Self>) -> &mut Self {
        let words: *mut u64 = place.as_mut_ptr().cast();
        for index in 0..TEXT_WORDS {
            // SAFETY: inside of the buffer, which is aligned for words.
            let word = unsafe { words.add(index) };
            // SAFETY: as above.
            unsafe { word.write_volatile(0) };
        }
        // SAFETY: every word has been written.
        unsafe { place.assume_init_mut() }
    }

    /// Where a helper may write [`TEXT_BUFFER_BYTES`] bytes.
    #[inline(always)]
    pub(crate) fn as_mut_ptr(&mut self) -> *mut c_void {
        self.0.as_mut_ptr().cast()
    }

    /// Reads the text at an address of the current process; gives the address behind its NUL, or `None` where it cannot be read or
    /// is too long. One that only just fits is too long: it cannot be told from one that was cut.
    #[inline(always)]
    pub(crate) fn read_next(&mut self, address: u64) -> Option<u64> {
        let from = address as *const c_void;
        // SAFETY: the length is the buffer's; the helper checks the address by itself.
        let len = unsafe { bpf_probe_read_user_str(self.as_mut_ptr(), TEXT_BUFFER_BYTES as u32, from) };
        // Of a text without any bytes the helper of older kernels gives 0 and not the length of its NUL.
        let len = if len == 0 { 1 } else { len };
        (len > 0 && len < TEXT_BUFFER_BYTES as i64).then(|| address.wrapping_add(len as u64))
    }

    /// The hash of a text of `len` bytes with its NUL.
    #[inline(always)]
    pub(crate) fn hash(&self, len: usize) -> TextHash {
        TextHash::of_words(hash_key(), &self.0, len.wrapping_sub(1) & (TEXT_BUFFER_BYTES - 1))
    }
}
