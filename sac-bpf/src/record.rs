// SPDX-License-Identifier: GPL-2.0-only OR MIT
//! Events for the loader. A verdict never waits for room: what does not fit is counted.

use crate::{
    kernel::{Bprm, CurrentTask, Dentry, File, Inode},
    maps::EVENTS,
    scope::ReadyScope,
    strings::Copying,
};
use aya_ebpf::helpers::{
    bpf_get_current_pid_tgid, bpf_get_current_uid_gid, bpf_ktime_get_boot_ns,
    generated::{bpf_get_current_comm, bpf_probe_read_kernel_str},
};
use core::ffi::c_void;
use sac_abi::{
    Action, Operation, Verdict,
    decide::Address,
    event::{Caller, EVENT_ARGUMENT_BYTES, EVENT_PATH_BYTES, EVENT_VERSION, Event, Form},
    rule::InodeId,
};

/// `TASK_COMM_LEN`.
pub(crate) const COMM_BYTES: u32 = 16;

/// A name and its NUL, at most.
const NAME_BYTES: usize = 256;

/// How many names of an entry and its directories are recorded. The verifier goes through each.
const NAMES_MAX: u32 = 24;

/// Records what `verdict`, by the policy in `slot`, did to the execution `bprm`.
#[inline(always)]
pub(crate) fn record_execution(scope: &ReadyScope, slot: u32, verdict: Verdict, bprm: Bprm) {
    record_execution_by::<false>(scope, slot, verdict, bprm);
}

/// As above, by a program that may sleep: while it does, the working directory that it has seen may go away.
#[inline(always)]
pub(crate) fn record_execution_sleeping(scope: &ReadyScope, slot: u32, verdict: Verdict, bprm: Bprm) {
    record_execution_by::<true>(scope, slot, verdict, bprm);
}

#[expect(clippy::multiple_unsafe_ops_per_block, reason = "one initialisation, field by field")]
#[inline(always)]
fn record_execution_by<const MAY_SLEEP: bool>(scope: &ReadyScope, slot: u32, verdict: Verdict, bprm: Bprm) {
    let Some(mut entry) = EVENTS.reserve(0) else {
        if verdict.action() != Action::Allow {
            scope.count_lost_event();
        }
        return;
    };
    let event: *mut Event = entry.as_mut_ptr();
    let file = bprm.file();
    // SAFETY: the entry is as large as an event and aligned to 8 bytes, and no one else sees it before `submit`.
    unsafe {
        fill(
            event,
            scope,
            slot,
            verdict,
            About { operation: Operation::Execute as u16, form: Form::Path, mapped: 0 },
        );
        about_inode(event, file.inode().identity());
        (*event).executed_len = read_string(bprm.interp(), &raw mut (*event).executed);
        (*event).resolved_len =
            file.path((&raw mut (*event).resolved).cast(), EVENT_PATH_BYTES as u32) as i32;
        if MAY_SLEEP {
            about_cwd(event);
        } else if let Some(place) = CurrentTask::get().working_directory() {
            (*event).cwd_form = Form::Path as u8;
            (*event).cwd_len = place.path((&raw mut (*event).cwd).cast(), EVENT_PATH_BYTES as u32) as i32;
        }
        about_arguments(event);
    }
    entry.submit(0);
}

/// The arguments, from the memory of whoever called `execve`: that of the new program is nowhere yet.
///
/// # Safety
///
/// As for [`fill`].
#[expect(clippy::multiple_unsafe_ops_per_block, reason = "one initialisation, field by field")]
#[inline(always)]
unsafe fn about_arguments(event: *mut Event) {
    let addresses = CurrentTask::get().called_with_arguments_at();
    if addresses == 0 {
        return;
    }
    // SAFETY: what stands behind the arguments has more room than a piece.
    unsafe {
        let to = (&raw mut (*event).arguments).cast();
        let copying = Copying::by_address::<EVENT_ARGUMENT_BYTES>(to, addresses);
        (*event).arguments_len = copying.used() as u32;
        (*event).arguments_cut = u16::from(copying.is_cut());
    }
}

/// Records what `verdict` did to an operation on a name in a directory.
#[inline(always)]
pub(crate) fn record_operation(
    scope: &ReadyScope,
    slot: u32,
    verdict: Verdict,
    operation: u16,
    dentry: Dentry,
) {
    record_names(scope, slot, verdict, About { operation, form: Form::Names, mapped: 0 }, dentry);
}

/// Records what `verdict` did to the mapping of a file.
#[inline(always)]
pub(crate) fn record_mapping(scope: &ReadyScope, slot: u32, verdict: Verdict, file: File) {
    let about = About { operation: Operation::Execute as u16, form: Form::Names, mapped: 1 };
    record_names(scope, slot, verdict, about, file.dentry());
}

#[expect(clippy::multiple_unsafe_ops_per_block, reason = "one initialisation, field by field")]
#[inline(always)]
fn record_names(scope: &ReadyScope, slot: u32, verdict: Verdict, about: About, dentry: Dentry) {
    let Some(mut entry) = EVENTS.reserve(0) else {
        scope.count_lost_event();
        return;
    };
    let event: *mut Event = entry.as_mut_ptr();
    // SAFETY: as in `record_execution`.
    unsafe {
        fill(event, scope, slot, verdict, about);
        about_inode(event, dentry.identity());
        // Where nothing has the name yet, the file system is still known.
        (*event).dev = dentry.parent().identity().dev;
        about_names(event, dentry);
        about_cwd(event);
    }
    entry.submit(0);
}

/// Records what `verdict` did to memory that comes from no file.
#[expect(clippy::multiple_unsafe_ops_per_block, reason = "one initialisation, field by field")]
#[inline(always)]
pub(crate) fn record_memory(scope: &ReadyScope, slot: u32, verdict: Verdict) {
    let Some(mut entry) = EVENTS.reserve(0) else {
        scope.count_lost_event();
        return;
    };
    let event: *mut Event = entry.as_mut_ptr();
    let about = About { operation: Operation::Execute as u16, form: Form::Names, mapped: 1 };
    // SAFETY: as in `record_execution`.
    unsafe {
        fill(event, scope, slot, verdict, about);
        about_cwd(event);
        about_inode(event, Inode::NOBODY);
        (*event).executed_len = 0;
        (*event).resolved_len = 0;
    }
    entry.submit(0);
}

/// Records what `verdict` did to an act of root's, an [`sac_abi::event::Act`].
#[expect(clippy::multiple_unsafe_ops_per_block, reason = "one initialisation, field by field")]
#[inline(always)]
pub(crate) fn record_act(scope: &ReadyScope, slot: u32, verdict: Verdict, act: u8) {
    let Some(mut entry) = EVENTS.reserve(0) else {
        scope.count_lost_event();
        return;
    };
    let event: *mut Event = entry.as_mut_ptr();
    let about = About { operation: Operation::Administer as u16, form: Form::Act, mapped: act };
    // SAFETY: as in `record_execution`.
    unsafe {
        fill(event, scope, slot, verdict, about);
        about_cwd(event);
        about_inode(event, Inode::NOBODY);
        (*event).executed_len = 0;
        (*event).resolved_len = 0;
    }
    entry.submit(0);
}

/// Records what `verdict` did to a connection.
#[expect(clippy::multiple_unsafe_ops_per_block, reason = "one initialisation, field by field")]
#[inline(always)]
pub(crate) fn record_address(scope: &ReadyScope, slot: u32, verdict: Verdict, address: &Address) {
    let Some(mut entry) = EVENTS.reserve(0) else {
        scope.count_lost_event();
        return;
    };
    let event: *mut Event = entry.as_mut_ptr();
    let about = About { operation: Operation::Connect as u16, form: Form::Address, mapped: 0 };
    let (high, low) = address.to_v6();
    // SAFETY: as in `record_execution`; the strings of an event begin at multiples of eight bytes.
    unsafe {
        fill(event, scope, slot, verdict, about);
        about_cwd(event);
        about_inode(event, Inode::NOBODY);
        let words = (&raw mut (*event).resolved).cast::<u64>();
        words.write_volatile(high.to_be());
        words.add(1).write_volatile(low.to_be());
        words.add(2).cast::<u16>().write_volatile(address.port());
        (*event).executed_len = 0;
        (*event).resolved_len = 18;
    }
    entry.submit(0);
}

/// What an event is about, as the event has it.
#[derive(Clone, Copy)]
struct About {
    operation: u16,
    form: Form,
    mapped: u8,
}

/// Fills in all but inode and strings.
///
/// # Safety
///
/// `event` must be reserved, writable memory for one event.
#[expect(clippy::multiple_unsafe_ops_per_block, reason = "one initialisation, field by field")]
#[inline(always)]
unsafe fn fill(event: *mut Event, scope: &ReadyScope, slot: u32, verdict: Verdict, about: About) {
    // SAFETY: each write is to a field of the reserved event.
    unsafe {
        (*event).version = EVENT_VERSION;
        (*event).action = verdict.action_byte();
        (*event).layer = scope.layer as u32 as u8;
        (*event).rule = verdict.rule;
        (*event).boot_ns = bpf_ktime_get_boot_ns();
        (*event).cgroup = scope.cgroup;
        (*event).slot = slot;
        fill_caller(&raw mut (*event).caller);
        (*event).operation = about.operation;
        (*event).form = about.form as u8;
        (*event).mapped = about.mapped;
        // Volatile, or they are gathered into a `memset`, which LLVM does not have for BPF.
        (&raw mut (*event).cwd_dev).write_volatile(0);
        (&raw mut (*event).cwd_len).write_volatile(0);
        (*event).cwd_form = Form::Act as u8;
        (*event).cwd_cut = 0;
        (&raw mut (*event).arguments_len).write_volatile(0);
        (*event).arguments_cut = 1;
    }
}

/// Fills in who is doing something: the current task.
///
/// # Safety
///
/// `caller` must be writable.
#[expect(clippy::multiple_unsafe_ops_per_block, reason = "one initialisation, field by field")]
#[inline(always)]
pub(crate) unsafe fn fill_caller(caller: *mut Caller) {
    let task = CurrentTask::get();
    let (tty_major, tty_minor) = task.tty();
    // SAFETY: by the contract of this function.
    unsafe {
        (*caller).tgid = (bpf_get_current_pid_tgid() >> 32) as u32;
        (*caller).parent_tgid = task.task().parent_tgid();
        (*caller).uid = bpf_get_current_uid_gid() as u32;
        (*caller).euid = task.euid();
        (*caller).login_uid = task.login_uid();
        (*caller).audit_session = task.audit_session();
        (*caller).tty_major = tty_major;
        (*caller).tty_minor = tty_minor;
        let _clears_on_failure = bpf_get_current_comm((&raw mut (*caller).comm).cast(), COMM_BYTES);
    }
}

/// # Safety
///
/// As for [`fill`].
#[expect(clippy::multiple_unsafe_ops_per_block, reason = "one initialisation, field by field")]
#[inline(always)]
unsafe fn about_inode(event: *mut Event, inode: InodeId) {
    // SAFETY: fields of the reserved event.
    unsafe {
        (*event).ino = inode.ino;
        (*event).dev = inode.dev;
    }
}

/// Writes the names from the entry up to the root of its file system.
///
/// # Safety
///
/// As for [`fill`].
#[expect(clippy::multiple_unsafe_ops_per_block, reason = "one initialisation, field by field")]
#[inline(always)]
unsafe fn about_names(event: *mut Event, dentry: Dentry) {
    // SAFETY: fields of the reserved event.
    unsafe {
        let written = write_names(&raw mut (*event).resolved, dentry);
        (*event).executed_len = (written >> 32) as i32;
        (*event).resolved_len = written as u32 as i32;
    }
}

/// The working directory, by names: where this is asked no path can be resolved.
///
/// # Safety
///
/// As for [`fill`].
#[expect(clippy::multiple_unsafe_ops_per_block, reason = "one initialisation, field by field")]
#[inline(always)]
unsafe fn about_cwd(event: *mut Event) {
    let Some(place) = CurrentTask::get().working_directory() else { return };
    let dentry = place.dentry();
    // SAFETY: fields of the reserved event.
    unsafe {
        let written = write_names(&raw mut (*event).cwd, dentry);
        (*event).cwd_dev = dentry.identity().dev;
        (*event).cwd_form = Form::Names as u8;
        (*event).cwd_cut = (written >> 32) as u8;
        (*event).cwd_len = written as u32 as i32;
    }
}

/// Writes names into reserved memory; gives how many bytes, and in the upper half 1 where there are more. A function of its own: there
/// are two places for names, and the verifier goes through this once for each.
#[inline(never)]
fn write_names(to: *mut [u8; EVENT_PATH_BYTES], dentry: Dentry) -> u64 {
    let mut at = dentry;
    let mut used = 0_u64;
    let mut is_cut = 1;
    for _ in 0..NAMES_MAX {
        let parent = at.parent();
        if parent.is(at) {
            is_cut = 0;
            break;
        }
        if used > (EVENT_PATH_BYTES - NAME_BYTES) as u64 {
            break;
        }
        // SAFETY: `used` leaves room for a name and its NUL.
        let len = unsafe { at.name(to.cast::<u8>().wrapping_add(used as usize), NAME_BYTES as u32) };
        if len <= 0 {
            break;
        }
        used = used.wrapping_add(len as u64 & (2 * NAME_BYTES as u64 - 1));
        at = parent;
    }
    used | is_cut << 32
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
