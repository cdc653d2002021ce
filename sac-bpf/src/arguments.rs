// SPDX-License-Identifier: GPL-2.0-only OR MIT
//! A new program's arguments, read from its own memory before it has run.

use crate::{
    kernel::Bprm,
    maps::{Policy, PolicyRules},
    text::TextBuffer,
};
use aya_ebpf::helpers::generated::bpf_loop;
use core::{ffi::c_void, mem::MaybeUninit};
use sac_abi::{
    Rules,
    decide::{ARGUMENTS_MAX, Argument, Arguments, Matching, matching_conditions},
};

/// The conditions of `group` that hold for the arguments, as [`matching_conditions`] gives them. A function of its own, so that the
/// buffer is on the stack only meanwhile.
#[inline(never)]
pub(crate) fn look_at_arguments(bprm: Bprm, policy: &Policy, group: u32, possible: u64) -> u64 {
    let rules = PolicyRules::new(policy);
    matching_conditions(&rules, group, possible, &mut NewArguments { bprm, policy })
        .wrapping_add(rules.zero())
}

/// How many arguments the new program has, its own name not counted.
#[inline(always)]
pub(crate) fn argument_count(bprm: Bprm) -> u32 {
    bprm.argument_count().wrapping_sub(1)
}

/// The arguments of a program whose memory is in place.
struct NewArguments<'b> {
    bprm: Bprm,
    policy: &'b Policy,
}

impl Arguments for NewArguments<'_> {
    #[inline(always)]
    fn count(&self) -> u32 {
        argument_count(self.bprm)
    }

    #[inline(always)]
    fn each(&mut self, _rules: &impl Rules, matching: &mut Matching) {
        let mut place = MaybeUninit::uninit();
        let buffer = TextBuffer::cleared(&mut place);
        // The first one is the program's own name, which no condition is about.
        let Some(address) = buffer.read_next(self.bprm.arguments_address()) else {
            matching.give_up();
            return;
        };
        let count = self.count();
        let count = if count > ARGUMENTS_MAX { ARGUMENTS_MAX } else { count };
        let mut cursor = Cursor { matching, address, buffer, policy: self.policy };
        // SAFETY: the callback takes such a cursor, which lives until the helper returns.
        let _looked_at = unsafe { bpf_loop(count, next as *mut c_void, (&raw mut cursor).cast(), 0) };
    }
}

/// What goes from one argument to the next. The verifier follows it through memory, so it is plain.
#[repr(C)]
struct Cursor<'b> {
    matching: &'b mut Matching,
    /// Where the next argument is, in the new program's memory.
    address: u64,
    buffer: &'b mut TextBuffer,
    policy: &'b Policy,
}

/// Looks at one argument; returns 1 to stop.
///
/// # Safety
///
/// `cursor` must be a [`Cursor`] that nobody else uses.
unsafe extern "C" fn next(_index: u32, cursor: *mut c_void) -> i64 {
    // SAFETY: `NewArguments::each` passes its cursor, and nobody else uses it meanwhile.
    let cursor = unsafe { &mut *cursor.cast::<Cursor<'_>>() };
    let begin = cursor.address;
    let Some(end) = cursor.buffer.read_next(begin) else {
        cursor.matching.give_up();
        return 1;
    };
    cursor.address = end;
    let argument = Argument::Known(cursor.buffer.hash(end.wrapping_sub(begin) as usize));
    if cursor.matching.add(&PolicyRules::new(cursor.policy), argument) { 0 } else { 1 }
}
