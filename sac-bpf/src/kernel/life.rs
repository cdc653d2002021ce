// SPDX-License-Identifier: GPL-2.0-only OR MIT
//! Where processes begin and end, and what they were called with.

use super::{
    REGISTERS_CALL, REGISTERS_SECOND, REGISTERS_THIRD, SIGNAL_EXIT_CODE, SIGNAL_FLAGS, SIGNAL_LIVE,
    SIGNAL_RAN, SIGNAL_THREADS, TASK_EXIT_CODE, TASK_LEADER, TASK_SIGNAL, TASK_START, TASK_TGID, read,
    task::CurrentTask,
};
use core::ffi::c_void;

/// How a process ends, seen from one of its threads that does.
#[derive(Clone, Copy)]
pub(crate) struct End {
    task: *const c_void,
    signal: *const c_void,
}

impl CurrentTask {
    /// The end of the process that this task is a thread of; `None` while others of its threads live on.
    #[inline(always)]
    pub(crate) fn end(self) -> Option<End> {
        let task = self.task().as_ptr().cast_const();
        // SAFETY: the helper returned a tracked task.
        let signal: *const c_void = unsafe { read(task, &TASK_SIGNAL) };
        // SAFETY: the pointer came from a tracked struct.
        let live: u32 = unsafe { read(signal, &SIGNAL_LIVE) };
        (live == 0).then_some(End { task, signal })
    }

    /// Where the caller of `execve` has the addresses of its arguments; 0 where that is not known.
    #[inline(always)]
    pub(crate) fn called_with_arguments_at(self) -> u64 {
        // arch/x86/entry/syscalls/syscall_64.tbl.
        const EXECVE: u64 = 59;
        const EXECVEAT: u64 = 322;
        let task = self.task().as_ptr();
        // SAFETY: the task is tracked.
        let registers: *const c_void =
            unsafe { aya_ebpf::helpers::generated::bpf_task_pt_regs(task.cast()) as *const c_void };
        // SAFETY: the helper returned a tracked struct.
        let call: u64 = unsafe { read(registers, &REGISTERS_CALL) };
        match call {
            // SAFETY: as above.
            EXECVE => unsafe { read(registers, &REGISTERS_SECOND) },
            // SAFETY: as above.
            EXECVEAT => unsafe { read(registers, &REGISTERS_THIRD) },
            _ => 0,
        }
    }
}

impl End {
    /// Whether another of the process's threads may see it too, or has: there are others that have ended, or there were and they have
    /// been cleared away, which leaves the time that they ran.
    #[inline(always)]
    pub(crate) fn may_be_seen_twice(self) -> bool {
        // SAFETY: the pointer came from a tracked struct.
        let threads: u32 = unsafe { read(self.signal, &SIGNAL_THREADS) };
        // SAFETY: as above.
        threads > 1 || unsafe { read::<u64>(self.signal, &SIGNAL_RAN) } != 0
    }

    /// When the process began, in nanoseconds since boot.
    #[inline(always)]
    pub(crate) fn start_boot_ns(self) -> u64 {
        // SAFETY: the pointer came from a tracked struct.
        unsafe { read(self.leader(), &TASK_START) }
    }

    /// What `wait` gives to the parent.
    #[inline(always)]
    pub(crate) fn status(self) -> u32 {
        // include/linux/sched/signal.h.
        const SIGNAL_GROUP_EXIT: u32 = 4;
        // SAFETY: the pointer came from a tracked struct.
        let flags: u32 = unsafe { read(self.signal, &SIGNAL_FLAGS) };
        if flags & SIGNAL_GROUP_EXIT != 0 {
            // SAFETY: as above.
            return unsafe { read(self.signal, &SIGNAL_EXIT_CODE) };
        }
        // SAFETY: as above.
        unsafe { read(self.leader(), &TASK_EXIT_CODE) }
    }

    /// Its process id.
    #[inline(always)]
    pub(crate) fn tgid(self) -> u32 {
        // SAFETY: the pointer came from a tracked struct.
        unsafe { read(self.task, &TASK_TGID) }
    }

    /// The thread that the process was named for.
    #[inline(always)]
    fn leader(self) -> *const c_void {
        // SAFETY: the pointer came from a tracked struct.
        unsafe { read(self.task, &TASK_LEADER) }
    }
}
