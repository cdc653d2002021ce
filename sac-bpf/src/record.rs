// SPDX-License-Identifier: GPL-2.0-only OR MIT
//! Events for the loader. A verdict never waits for room: what does not fit is counted.

use crate::{
    kernel::{Bprm, CurrentTask},
    maps::{EVENTS, ReadyScope},
};
use aya_ebpf::helpers::{
    bpf_get_current_pid_tgid, bpf_get_current_uid_gid, bpf_ktime_get_boot_ns,
    generated::{bpf_get_current_comm, bpf_probe_read_kernel_str},
};
use core::ffi::c_void;
use sac_abi::{
    Action, Verdict,
    event::{EVENT_PATH_BYTES, EVENT_VERSION, ExecEvent},
};

/// `TASK_COMM_LEN`.
const COMM_BYTES: u32 = 16;

/// Records what `verdict`, by the policy in `slot`, did to the execution `bprm`.
#[inline(always)]
pub(crate) fn record(scope: &ReadyScope, slot: u32, verdict: Verdict, bprm: Bprm) {
    let Some(mut entry) = EVENTS.reserve(0) else {
        if verdict.action() != Action::Allow {
            scope.count_lost_event();
        }
        return;
    };
    let event: *mut ExecEvent = entry.as_mut_ptr();
    // SAFETY: the entry is as large as an event and aligned to 8 bytes, and no one else sees it before `submit`.
    unsafe { fill(event, scope, slot, verdict, bprm) };
    entry.submit(0);
}

/// # Safety
///
/// `event` must be reserved, writable memory for one event.
#[expect(clippy::multiple_unsafe_ops_per_block, reason = "one initialisation, field by field")]
#[inline(always)]
unsafe fn fill(event: *mut ExecEvent, scope: &ReadyScope, slot: u32, verdict: Verdict, bprm: Bprm) {
    let file = bprm.file();
    let inode = file.inode();
    let task = CurrentTask::get();
    let (tty_major, tty_minor) = task.tty();
    // SAFETY: each write is to a field of the reserved event; the string helpers get the room that the field has.
    unsafe {
        (*event).version = EVENT_VERSION;
        (*event).action = verdict.action_byte();
        (*event).layer = scope.layer as u32 as u8;
        (*event).rule = verdict.rule;
        (*event).boot_ns = bpf_ktime_get_boot_ns();
        (*event).cgroup = scope.cgroup;
        (*event).ino = inode.ino;
        (*event).dev = inode.dev;
        (*event).slot = slot;
        (*event).tgid = (bpf_get_current_pid_tgid() >> 32) as u32;
        (*event).parent_tgid = task.parent_tgid();
        (*event).uid = bpf_get_current_uid_gid() as u32;
        (*event).tty_major = tty_major;
        (*event).tty_minor = tty_minor;
        (*event).reserved = 0;
        let _clears_on_failure = bpf_get_current_comm((&raw mut (*event).comm).cast(), COMM_BYTES);
        (*event).executed_len = read_string(bprm.interp(), &raw mut (*event).executed);
        (*event).resolved_len =
            file.path((&raw mut (*event).resolved).cast(), EVENT_PATH_BYTES as u32) as i32;
    }
}

/// Copies a kernel string; returns its length with the NUL, or a negative error.
///
/// # Safety
///
/// `to` must be writable.
#[inline(always)]
unsafe fn read_string(from: *const c_void, to: *mut [u8; EVENT_PATH_BYTES]) -> i32 {
    // SAFETY: the helper writes at most as many bytes as `to` has, and checks `from` by itself.
    let len = unsafe { bpf_probe_read_kernel_str(to.cast(), EVENT_PATH_BYTES as u32, from) };
    len as i32
}
