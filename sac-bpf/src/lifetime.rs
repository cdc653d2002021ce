// SPDX-License-Identifier: GPL-2.0-only OR MIT
//! Where processes begin and end.
//!
//! Programs on tracepoints, once for the machine; whoever has no label costs them one look-up. Unlike LSM programs the kernel takes
//! them more than once, so a label says what has been told of its task.
//!
//! The kernel does not run such a program where it is running on the same processor already, which on a kernel that preempts is another
//! task that was stopped within it: on 7.3 it passed by one process in a hundred on a busy emulated machine. So each is there twice, and
//! what the first one is not run for the second one tells. Where both are passed by the kernel counts it, and the loader tells of that.

use crate::{
    activity::fill_head,
    kernel::{CurrentTask, End, Task},
    label,
    maps::{ACTIVITY, is_first_to_end},
    record::COMM_BYTES,
    scope::{ReadyScope, scope_that_records_activity},
};
use aya_ebpf::{
    helpers::{bpf_get_current_uid_gid, generated::bpf_get_current_comm},
    macros::btf_tracepoint,
    programs::BtfTracePointContext,
};
use core::ffi::c_void;
use sac_abi::{
    activity::{Ended, Forked, Kind},
    scope::{EndedProcess, Label},
};

/// A process has been made, and has not run yet. `sched_process_fork(struct task_struct *parent, struct task_struct *child)`
#[btf_tracepoint(function = "sched_process_fork")]
pub(crate) fn process_forked(ctx: BtfTracePointContext) -> i32 {
    forked(&ctx)
}

/// The same once more.
#[btf_tracepoint(function = "sched_process_fork")]
pub(crate) fn process_forked_again(ctx: BtfTracePointContext) -> i32 {
    forked(&ctx)
}

#[inline(always)]
fn forked(ctx: &BtfTracePointContext) -> i32 {
    // SAFETY: the tracepoint's second argument.
    let child = unsafe { Task::new(ctx.arg::<*const c_void>(1)) };
    // A child has its parent's label, if that has one.
    let label = label::of_task_whole(child);
    let cgroup = label::cgroup_of(label);
    if cgroup != 0 && child.is_process() && label::tell(label, Label::FORKED) != 0 {
        tell_of_fork(cgroup, child);
    }
    0
}

/// A thread ends. `sched_process_exit(struct task_struct *task)`; later kernels also say whether it is its process's last one.
#[btf_tracepoint(function = "sched_process_exit")]
pub(crate) fn process_ended(_ctx: BtfTracePointContext) -> i32 {
    ended()
}

/// The same once more.
#[btf_tracepoint(function = "sched_process_exit")]
pub(crate) fn process_ended_again(_ctx: BtfTracePointContext) -> i32 {
    ended()
}

#[inline(always)]
fn ended() -> i32 {
    let label = label::of_current_task_whole();
    let cgroup = label::cgroup_of(label);
    if cgroup == 0 {
        return 0;
    }
    if let Some(end) = CurrentTask::get().end()
        && label::tell(label, Label::ENDED) != 0
    {
        tell_of_end(cgroup, end);
    }
    0
}

/// The scope of a label, where what goes on in it is told, and it is not the login service's or PID 1's own.
#[inline(always)]
fn scope_to_tell(cgroup: u64) -> Option<ReadyScope> {
    scope_that_records_activity(cgroup).filter(|scope| !scope.is_roots_own())
}

#[expect(clippy::multiple_unsafe_ops_per_block, reason = "one initialisation, field by field")]
#[inline(never)]
fn tell_of_fork(cgroup: u64, child: Task) -> u64 {
    let Some(scope) = scope_to_tell(cgroup) else { return 0 };
    let Some(mut entry) = ACTIVITY.reserve_untyped::<Forked>(0) else {
        scope.count_lost_event();
        return 0;
    };
    let record: *mut Forked = entry.as_mut_ptr();
    // SAFETY: the entry is as large as such a record and aligned to eight bytes, and no one else sees it before it is submitted.
    unsafe {
        fill_head(&raw mut (*record).head, Kind::Forked, cgroup);
        (*record).tgid = child.tgid();
        (*record).parent_tgid = child.parent_tgid();
        (*record).uid = bpf_get_current_uid_gid() as u32;
        (*record).reserved = 0;
        let _clears_on_failure = bpf_get_current_comm((&raw mut (*record).comm).cast(), COMM_BYTES);
    }
    entry.submit(0);
    0
}

#[expect(clippy::multiple_unsafe_ops_per_block, reason = "one initialisation, field by field")]
#[inline(never)]
fn tell_of_end(cgroup: u64, end: End) -> u64 {
    let Some(scope) = scope_to_tell(cgroup) else { return 0 };
    let (tgid, start_boot_ns) = (end.tgid(), end.start_boot_ns());
    // Threads that end at the same time may all see that none is left.
    if end.may_be_seen_twice() && !is_first_to_end(EndedProcess { start_boot_ns, tgid, reserved: 0 }) {
        return 0;
    }
    let Some(mut entry) = ACTIVITY.reserve_untyped::<Ended>(0) else {
        scope.count_lost_event();
        return 0;
    };
    let record: *mut Ended = entry.as_mut_ptr();
    // SAFETY: as above.
    unsafe {
        fill_head(&raw mut (*record).head, Kind::Ended, cgroup);
        (*record).tgid = tgid;
        (*record).parent_tgid = CurrentTask::get().task().parent_tgid();
        (*record).uid = bpf_get_current_uid_gid() as u32;
        (*record).status = end.status();
        (*record).run_time_ns = (*record).head.boot_ns.wrapping_sub(start_boot_ns);
        let _clears_on_failure = bpf_get_current_comm((&raw mut (*record).comm).cast(), COMM_BYTES);
    }
    entry.submit(0);
    0
}
