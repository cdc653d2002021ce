// SPDX-License-Identifier: GPL-2.0-only OR MIT
//! Arguments, copied from a process's memory into a record.
//!
//! A string is copied in pieces: the verifier wants a whole piece of room behind the place that a helper writes to, whatever is left of
//! the room for arguments, and so less is wasted.

use crate::maps::zero;
use aya_ebpf::helpers::{
    bpf_probe_read_user,
    generated::{bpf_loop, bpf_probe_read_user_str},
};
use core::ffi::c_void;

/// The most that one piece has, with its NUL.
pub(crate) const PIECE_BYTES: usize = 256;

/// How many pieces are copied at most: each has one byte or more, and the largest room has 4096.
const PIECES_MAX: u32 = 4096 + 64;

/// What has been copied. In numbers that the verifier does not know, each from a look-up of its own: of numbers that come from the same
/// one the verifier takes what it learns of one for true of all. See [`sac_abi::Rules::zero`].
#[repr(C)]
pub(crate) struct Copying {
    to: *mut u8,
    /// How much of the room is used.
    used: u64,
    /// Where the string, or what is left of it, is; 0 where the next one's address is still to be looked up.
    at: u64,
    /// Where addresses of strings are, unless the strings stand one behind the other.
    addresses: u64,
    /// How many strings are left.
    left: u64,
    /// Not 0 where all has been copied.
    complete: u64,
}

impl Copying {
    /// Copies `count` strings that stand one behind the other from `at` on.
    ///
    /// # Safety
    ///
    /// `to` must have room for `ROOM` bytes and [`PIECE_BYTES`] behind them, up to the next power of two.
    #[inline(always)]
    pub(crate) unsafe fn behind_each_other<const ROOM: usize>(to: *mut u8, at: u64, count: u32) -> Self {
        let left = u64::from(count).wrapping_add(zero());
        let mut copying = Self { to, used: zero(), at, addresses: zero(), left, complete: zero() };
        copying.run::<ROOM, false>();
        copying
    }

    /// Copies the strings whose addresses stand at `addresses`, up to a 0.
    ///
    /// # Safety
    ///
    /// As above.
    #[inline(always)]
    pub(crate) unsafe fn by_address<const ROOM: usize>(to: *mut u8, addresses: u64) -> Self {
        // How many there are is not known.
        let (left, addresses) = (zero().wrapping_sub(1), addresses.wrapping_add(zero()));
        let mut copying = Self { to, used: zero(), at: zero(), addresses, left, complete: zero() };
        copying.run::<ROOM, true>();
        copying
    }

    #[inline(always)]
    fn run<const ROOM: usize, const BY_ADDRESS: bool>(&mut self) {
        let callback = copy_piece::<ROOM, BY_ADDRESS> as *mut c_void;
        // SAFETY: the callback takes such a value, which lives until the helper returns.
        let _copied = unsafe { bpf_loop(PIECES_MAX, callback, (&raw mut *self).cast(), 0) };
    }

    /// How many bytes have been copied.
    #[inline(always)]
    pub(crate) const fn used(&self) -> u64 {
        self.used
    }

    /// Whether there is more.
    #[inline(always)]
    pub(crate) const fn is_cut(&self) -> bool {
        self.complete == 0
    }

    /// Of strings that stand one behind the other: what stands behind the last one.
    #[inline(always)]
    pub(crate) const fn end(&self) -> u64 {
        self.at
    }
}

/// Copies one piece; returns 1 to stop.
///
/// # Safety
///
/// `copying` must be a [`Copying`] that nobody else uses.
unsafe extern "C" fn copy_piece<const ROOM: usize, const BY_ADDRESS: bool>(
    _index: u32,
    copying: *mut c_void,
) -> i64 {
    // SAFETY: `Copying::run` passes itself, and nobody else uses it meanwhile.
    let copying = unsafe { &mut *copying.cast::<Copying>() };
    if !BY_ADDRESS && copying.left == 0 {
        copying.complete = 1;
        return 1;
    }
    if BY_ADDRESS && copying.at == 0 {
        // SAFETY: the helper checks the address by itself.
        let Ok(at) = (unsafe { bpf_probe_read_user(copying.addresses as *const u64) }) else { return 1 };
        copying.addresses = copying.addresses.wrapping_add(8);
        copying.at = at;
        if at == 0 {
            copying.complete = 1;
            return 1;
        }
    }
    let used = copying.used & (2 * ROOM.next_power_of_two() as u64 - 1);
    if used >= ROOM as u64 {
        return 1;
    }
    let mut bytes = ROOM as u64 - used;
    if bytes > PIECE_BYTES as u64 {
        bytes = PIECE_BYTES as u64;
    }
    let to = copying.to.wrapping_add(used as usize);
    // SAFETY: there is room for a piece; the helper checks the address by itself.
    let len = unsafe { bpf_probe_read_user_str(to.cast(), bytes as u32, copying.at as *const c_void) };
    if len < 0 {
        return 1;
    }
    // Of a string without any bytes the helper gives 0 and not the length of its NUL.
    let len = if len == 0 { 1 } else { len as u64 };
    if len == 1 {
        // SAFETY: there is room for a piece.
        unsafe { to.write_volatile(0) };
    }
    if len < bytes {
        copying.used = used.wrapping_add(len);
        copying.left = copying.left.wrapping_sub(1);
        copying.at = if BY_ADDRESS { zero() } else { copying.at.wrapping_add(len) };
        return 0;
    }
    // The helper ends each piece with a NUL. What follows, if only the string's own, goes in its place.
    let kept = len.wrapping_sub(1);
    copying.used = used.wrapping_add(kept);
    copying.at = copying.at.wrapping_add(kept);
    if bytes < PIECE_BYTES as u64 { 1 } else { 0 }
}
