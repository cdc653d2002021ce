// SPDX-License-Identifier: GPL-2.0-only OR MIT
//! Processes.

use super::{
    CRED_EUID, CRED_FSUID, CRED_PERMITTED, CRED_SUID, CRED_UID, CRED_USER_NS, DRIVER_MAJOR,
    DRIVER_MINOR_START, FS_PWD, MM_EXE_FILE, MM_START_CODE, SIGNAL_TTY, TASK_CRED, TASK_FS, TASK_LOGINUID,
    TASK_MM, TASK_PID, TASK_REAL_PARENT, TASK_SESSIONID, TASK_SIGNAL, TASK_TGID, TTY_DRIVER, TTY_INDEX,
    USERNS_LEVEL,
    file::{File, Place},
    member, read,
};
use core::ffi::c_void;

/// `struct task_struct` of some process.
#[derive(Clone, Copy)]
pub(crate) struct Task(*const c_void);

impl Task {
    /// Wraps the argument of a hook that is a task.
    ///
    /// # Safety
    ///
    /// `task` must be that argument, unchanged.
    #[inline(always)]
    pub(crate) const unsafe fn new(task: *const c_void) -> Self {
        Self(task)
    }

    /// Process id of its parent.
    #[inline(always)]
    pub(crate) fn parent_tgid(self) -> u32 {
        // SAFETY: by the contract of `new`.
        let parent: *const c_void = unsafe { read(self.0, &TASK_REAL_PARENT) };
        // SAFETY: the pointer came from a tracked struct.
        unsafe { read(parent, &TASK_TGID) }
    }

    /// Whether it is a process of its own, or its first thread.
    #[inline(always)]
    pub(crate) fn is_process(self) -> bool {
        // SAFETY: by the contract of `new`.
        unsafe { read::<u32>(self.0, &TASK_PID) == self.tgid() }
    }

    /// Its process id.
    #[inline(always)]
    pub(crate) fn tgid(self) -> u32 {
        // SAFETY: by the contract of `new`.
        unsafe { read(self.0, &TASK_TGID) }
    }

    /// As helpers take it.
    #[inline(always)]
    pub(crate) const fn as_ptr(self) -> *mut c_void {
        self.0.cast_mut()
    }
}

/// `struct task_struct` of the process that the hook runs in.
#[derive(Clone, Copy)]
pub(crate) struct CurrentTask(*const c_void);

impl CurrentTask {
    #[inline(always)]
    pub(crate) fn get() -> Self {
        // SAFETY: the helper has no preconditions.
        Self(unsafe { aya_ebpf::helpers::bpf_get_current_task_btf() }.cast_const().cast())
    }

    /// Whether nobody's login led to this task (audit's login uid is not set): PID 1 started it, for itself.
    #[inline(always)]
    pub(crate) fn is_of_no_login(self) -> bool {
        self.login_uid() == u32::MAX
    }

    /// Whether the kernel is putting a program into this task's memory right now: the memory is new, and nothing of the program has run.
    /// Nobody can make it look like that later: `prctl` takes no address as low as 0.
    #[inline(always)]
    pub(crate) fn is_being_loaded(self) -> bool {
        let memory = self.memory();
        if memory.is_null() {
            return false;
        }
        // SAFETY: the pointer came from a tracked struct.
        unsafe { read::<u64>(memory, &MM_START_CODE) == 0 }
    }

    /// The program in its memory; see [`File::is_there`].
    #[inline(always)]
    pub(crate) fn program(self) -> File {
        let memory = self.memory();
        if memory.is_null() {
            return File(core::ptr::null());
        }
        // SAFETY: the pointer came from a tracked struct.
        File(unsafe { read(memory, &MM_EXE_FILE) })
    }

    #[inline(always)]
    fn memory(self) -> *const c_void {
        // SAFETY: the helper returned a tracked task.
        unsafe { read(self.0, &TASK_MM) }
    }

    /// The same as any other task.
    #[inline(always)]
    pub(crate) const fn task(self) -> Task {
        Task(self.0)
    }

    /// Its effective user id.
    #[inline(always)]
    pub(crate) fn euid(self) -> u32 {
        // SAFETY: the helper returned a tracked task.
        let credentials: *const c_void = unsafe { read(self.0, &TASK_CRED) };
        // SAFETY: the pointer came from a tracked struct.
        unsafe { read(credentials, &CRED_EUID) }
    }

    /// Audit's login uid.
    #[inline(always)]
    pub(crate) fn login_uid(self) -> u32 {
        // SAFETY: the helper returned a tracked task.
        unsafe { read(self.0, &TASK_LOGINUID) }
    }

    /// Audit's number of the login.
    #[inline(always)]
    pub(crate) fn audit_session(self) -> u32 {
        // SAFETY: the helper returned a tracked task.
        unsafe { read(self.0, &TASK_SESSIONID) }
    }

    /// Its working directory; `None` where it has none any more. A thread may change it meanwhile, and what it was is there until
    /// the program has run (RCU).
    #[inline(always)]
    pub(crate) fn working_directory(self) -> Option<Place> {
        // SAFETY: the helper returned a tracked task.
        let fs: *const c_void = unsafe { read(self.0, &TASK_FS) };
        if fs.is_null() { None } else { Some(Place(member(fs, &FS_PWD))) }
    }

    /// Whether it is root in any of its user ids, or has rights in the first user namespace, or could take them back.
    #[inline(always)]
    pub(crate) fn is_privileged(self) -> bool {
        // CAP_WAKE_ALARM of include/uapi/linux/capability.h: pam_systemd gives it to everybody's service manager since systemd 254, and
        // all that it lets somebody do is to wake the machine by a timer.
        const EVERYBODYS: u64 = 1 << 35;
        // SAFETY: the helper returned a tracked task.
        let credentials: *const c_void = unsafe { read(self.0, &TASK_CRED) };
        // SAFETY: the pointer came from a tracked struct; this goes for all reads here.
        let namespace: *const c_void = unsafe { read(credentials, &CRED_USER_NS) };
        // SAFETY: as above.
        let level: u32 = unsafe { read(namespace, &USERNS_LEVEL) };
        // SAFETY: as above.
        let permitted: u64 = unsafe { read(credentials, &CRED_PERMITTED) };
        if level == 0 && permitted & !EVERYBODYS != 0 {
            return true;
        }
        [&CRED_UID, &CRED_EUID, &CRED_SUID, &CRED_FSUID].into_iter().any(|member| {
            // SAFETY: as above.
            unsafe { read::<u32>(credentials, member) == 0 }
        })
    }

    /// Whether it has a controlling terminal.
    #[inline(always)]
    pub(crate) fn has_tty(self) -> bool {
        // SAFETY: the helper returned a tracked task.
        let signal: *const c_void = unsafe { read(self.0, &TASK_SIGNAL) };
        // SAFETY: the pointer came from a tracked struct.
        let tty: *const c_void = unsafe { read(signal, &SIGNAL_TTY) };
        !tty.is_null()
    }

    /// Major and minor number of the controlling terminal; zeros where there is none.
    #[inline(always)]
    pub(crate) fn tty(self) -> (u32, u32) {
        // SAFETY: the helper returned a tracked task.
        let signal: *const c_void = unsafe { read(self.0, &TASK_SIGNAL) };
        // SAFETY: the pointer came from a tracked struct.
        let tty: *const c_void = unsafe { read(signal, &SIGNAL_TTY) };
        if tty.is_null() {
            return (0, 0);
        }
        // SAFETY: as above.
        let driver: *const c_void = unsafe { read(tty, &TTY_DRIVER) };
        // SAFETY: as above.
        let major: u32 = unsafe { read(driver, &DRIVER_MAJOR) };
        // SAFETY: as above.
        let minor_start: u32 = unsafe { read(driver, &DRIVER_MINOR_START) };
        // SAFETY: as above.
        let index: u32 = unsafe { read(tty, &TTY_INDEX) };
        (major, minor_start.wrapping_add(index))
    }
}
