// SPDX-License-Identifier: GPL-2.0-only OR MIT
//! Execution of programs.

use crate::{
    enforce::{enforce, is_denied_already},
    kernel::{Bprm, File},
    maps::{PolicyRules, ReadyScope, Stage},
    record::record,
};
use aya_ebpf::{macros::lsm_cgroup, programs::LsmContext};
use core::{ffi::c_void, mem::MaybeUninit};
use sac_abi::{
    Action, Executable, PathLookup, Verdict, decide,
    rule::{InodeId, PATH_BUFFER_BYTES, PathHash},
};

/// Judges each file that is about to be executed, and for a script its interpreter as well.
///
/// Fails closed: a scope or policy that is not ready denies.
///
/// `match-proto:v6.1:security/security.c:int security_bprm_check(struct linux_binprm *bprm)`
#[lsm_cgroup(hook = "bprm_check_security")]
pub(crate) fn bprm_check_security(ctx: LsmContext) -> i32 {
    if is_denied_already() {
        return enforce(Action::Allow);
    }
    // SAFETY: the hook's first argument.
    let bprm = unsafe { Bprm::new(ctx.arg::<*const c_void>(0)) };
    enforce(try_bprm_check_security(bprm))
}

/// Allows everything. That it uses the scopes makes the kernel create its cgroup's scope when it is attached, so that the
/// loader can fill that in before it attaches [`bprm_check_security`] to a cgroup where people work already.
///
/// `match-proto:v6.1:security/security.c:int security_bprm_check(struct linux_binprm *bprm)`
#[lsm_cgroup(hook = "bprm_check_security")]
pub(crate) fn prime(_ctx: LsmContext) -> i32 {
    ReadyScope::create();
    enforce(Action::Allow)
}

#[inline(always)]
fn try_bprm_check_security(bprm: Bprm) -> Action {
    let Some(scope) = ReadyScope::of_this_program() else {
        return Action::Deny;
    };
    if scope.is_roots_own() {
        return Action::Allow;
    }
    let verdict = match PolicyRules::of_slot(scope.slot) {
        Some(rules) => decide(&rules, &mut ExecutedFile(bprm.file())),
        None => Verdict::NO_POLICY,
    };
    // A blocked execution never reaches the programs behind this one, so there is no one else to answer for it.
    if verdict.action.blocks() || !scope.is_answered_for_by_session() {
        let stage = if bprm.interp() == bprm.filename() { Stage::First } else { Stage::Interpreter };
        scope.count(verdict.action, stage);
        if verdict.action != Action::Allow {
            record(&scope, verdict, bprm);
        }
    }
    verdict.action
}

/// The 6.1 verifier wants the memory that a helper writes to initialised.
#[repr(align(8))]
struct PathBuffer([u8; PATH_BUFFER_BYTES]);

impl PathBuffer {
    /// Clears word by word: LLVM has no `memset` for BPF, and volatile writes are not gathered into one. In place, because
    /// the stack has no room for a second copy.
    #[inline(always)]
    fn cleared(place: &mut MaybeUninit<Self>) -> &mut Self {
        let words: *mut u64 = place.as_mut_ptr().cast();
        for index in 0..PATH_BUFFER_BYTES / size_of::<u64>() {
            // SAFETY: inside of the buffer, which is aligned for words.
            let word = unsafe { words.add(index) };
            // SAFETY: as above.
            unsafe { word.write_volatile(0) };
        }
        // SAFETY: every byte has been written.
        unsafe { place.assume_init_mut() }
    }
}

struct ExecutedFile(File);

impl Executable for ExecutedFile {
    #[inline(always)]
    fn inode(&self) -> InodeId {
        self.0.inode()
    }

    #[inline(always)]
    fn path(&mut self) -> PathLookup {
        const ENAMETOOLONG: i64 = 36;
        let mut place = MaybeUninit::uninit();
        let buffer = PathBuffer::cleared(&mut place);
        // SAFETY: the length is the buffer's.
        match unsafe { self.0.path(buffer.0.as_mut_ptr(), PATH_BUFFER_BYTES as u32) } {
            len if len > 0 => PathLookup::Known(PathHash::of_buffer(&buffer.0)),
            error if error == -ENAMETOOLONG => PathLookup::TooLong,
            _ => PathLookup::Unreadable,
        }
    }
}
