// SPDX-License-Identifier: GPL-2.0-only OR MIT
//! Executions under way.

use super::{
    BPRM_ARGC, BPRM_BUF, BPRM_EXEC, BPRM_FILE, BPRM_FILENAME, BPRM_INTERP, BPRM_P, file::File, read,
};
use core::ffi::c_void;

/// `struct linux_binprm`: an execution under way.
#[derive(Clone, Copy)]
pub(crate) struct Bprm(*const c_void);

impl Bprm {
    /// Wraps the argument of a `bprm_*` hook.
    ///
    /// # Safety
    ///
    /// `bprm` must be that argument, unchanged.
    #[inline(always)]
    pub(crate) const unsafe fn new(bprm: *const c_void) -> Self {
        Self(bprm)
    }

    /// The file that is about to be executed; for a script, first the script and then its interpreter.
    #[inline(always)]
    pub(crate) fn file(self) -> File {
        // SAFETY: by the contract of `new`.
        File(unsafe { read(self.0, &BPRM_FILE) })
    }

    /// The path as it was given to `execve`; a kernel string.
    #[inline(always)]
    pub(crate) fn filename(self) -> *const c_void {
        // SAFETY: by the contract of `new`.
        unsafe { read(self.0, &BPRM_FILENAME) }
    }

    /// Whether the file is a program itself, and not something that another program interprets: its first bytes are ELF's.
    #[inline(always)]
    pub(crate) fn is_program(self) -> bool {
        const ELF: u32 = u32::from_ne_bytes(*b"\x7fELF");
        // SAFETY: by the contract of `new`; the buffer begins with the file's first bytes.
        unsafe { read::<u32>(self.0, &BPRM_BUF) == ELF }
    }

    /// How many arguments the new program has, its own name included.
    #[inline(always)]
    pub(crate) fn argument_count(self) -> u32 {
        // SAFETY: by the contract of `new`.
        unsafe { read(self.0, &BPRM_ARGC) }
    }

    /// Where the arguments are in the new program's memory, one behind the other, each with its NUL.
    #[inline(always)]
    pub(crate) fn arguments_address(self) -> u64 {
        // SAFETY: by the contract of `new`.
        unsafe { read(self.0, &BPRM_P) }
    }

    /// Where the environment ends in the new program's memory; it begins behind the arguments.
    #[inline(always)]
    pub(crate) fn environment_end(self) -> u64 {
        // SAFETY: by the contract of `new`.
        unsafe { read(self.0, &BPRM_EXEC) }
    }

    /// The path of this stage: `filename`, and later what the `#!` line names; a kernel string.
    #[inline(always)]
    pub(crate) fn interp(self) -> *const c_void {
        // SAFETY: by the contract of `new`.
        unsafe { read(self.0, &BPRM_INTERP) }
    }
}
