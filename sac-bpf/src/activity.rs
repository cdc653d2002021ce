// SPDX-License-Identifier: GPL-2.0-only OR MIT
//! Activity for the loader: programs that have been executed. Where processes begin and end is in [`crate::lifetime`].
//!
//! An execution is told of where nothing can stop it any more and nothing of the program has run: its arguments are in its own memory,
//! and nobody can change them. Whoever judges it tells of it.

use crate::{
    kernel::{Bprm, CurrentTask},
    label,
    maps::{ACTIVITY, activity_room_bytes, events_room_bytes},
    record::{fill_caller, record_execution},
    scope::{ReadyScope, scope_of_cgroup},
    strings::Copying,
};
use aya_ebpf::helpers::{
    bpf_ktime_get_boot_ns,
    generated::{bpf_probe_read_kernel_str, bpf_probe_read_user},
};
use core::ffi::c_void;
use sac_abi::{
    Action, Decision, Verdict,
    activity::{ACTIVITY_VERSION, Execution, Head, Kind, Room},
    event::Event,
    scope::{Label, Recording},
};

/// A ring buffer puts this in front of each record.
const RECORD_HEADER_BYTES: u64 = 8;

const SMALL_TEXTS: usize = Room::SMALL.bytes();
const LARGE_TEXTS: usize = Room::LARGE.bytes();

/// A record of an execution.
#[repr(C)]
struct Record<const TEXTS: usize> {
    execution: Execution,
    texts: [u8; TEXTS],
}

const _: () = assert!(size_of::<Record<LARGE_TEXTS>>() == Room::LARGE.record_bytes());
const _: () = assert!(size_of::<Record<SMALL_TEXTS>>() == Room::SMALL.record_bytes());

/// Whether both ring buffers have room for whatever an execution may leave there.
#[inline(never)]
pub(crate) fn has_room() -> u64 {
    let activity = Room::LARGE.record_bytes() as u64 + RECORD_HEADER_BYTES;
    let event = size_of::<Event>() as u64 + RECORD_HEADER_BYTES;
    u64::from(activity_room_bytes() >= activity && events_room_bytes() >= event)
}

/// It has been told, or need not be.
const TOLD: u64 = 0;
/// The strings are longer than there is room for.
const TOO_LONG: u64 = 1;
/// There is no room in the ring buffer.
pub(crate) const LOST: u64 = 2;

/// Tells of the execution `bprm`, unless that has been done; [`LOST`] where it could not be.
#[inline(always)]
pub(crate) fn tell_of_execution(scope: &ReadyScope, bprm: Bprm) -> u64 {
    if !scope.recording.has_activity() || label::tell_of_current_task(Label::EXECUTED) == 0 {
        return TOLD;
    }
    let mut told = TOO_LONG;
    if !scope.recording.has_environment() {
        told = write::<SMALL_TEXTS>(scope.cgroup, scope.recording, bprm);
    }
    if told == TOO_LONG {
        told = write::<LARGE_TEXTS>(scope.cgroup, scope.recording, bprm);
    }
    if told != TOLD {
        scope.count_lost_event();
        return LOST;
    }
    TOLD
}

/// Has the execution `bprm` told of by a program for a cgroup; [`LOST`] as above. A function of its own for the stack's sake, as the
/// next one is.
#[inline(never)]
pub(crate) fn tell_in_this_scope(bprm: Bprm) -> u64 {
    match ReadyScope::of_this_program() {
        Some(scope) => tell_of_execution(&scope, bprm),
        None => LOST,
    }
}

/// As above, of a task that is in none of our cgroups.
#[inline(never)]
pub(crate) fn tell_outside(bprm: Bprm) -> u64 {
    match scope_of_cgroup(label::of_current_task()) {
        Some(scope) => tell_of_execution(&scope, bprm),
        None => TOLD,
    }
}

/// Counts and reports that a program is killed because it could not be told of.
#[inline(always)]
fn settle_unrecorded(scope: Option<ReadyScope>, bprm: Bprm) {
    if let Some(scope) = scope {
        scope.count_unrecorded();
        record_execution(&scope, 0, Verdict::UNRECORDED_PROGRAM, bprm);
    }
}

/// As above, by a program for a cgroup. Functions of their own for the stack's sake.
#[inline(never)]
pub(crate) fn settle_unrecorded_in_this_scope(bprm: Bprm) -> u64 {
    settle_unrecorded(ReadyScope::of_this_program(), bprm);
    0
}

/// As above, of a task that is in none of our cgroups.
#[inline(never)]
pub(crate) fn settle_unrecorded_outside(bprm: Bprm) -> u64 {
    settle_unrecorded(scope_of_cgroup(label::of_current_task()), bprm);
    0
}

/// Room of a record with so many bytes of texts.
const fn room<const TEXTS: usize>() -> Room {
    if TEXTS == LARGE_TEXTS { Room::LARGE } else { Room::SMALL }
}

/// Writes a record with so much room; one of the constants above. A function of its own for the stack's sake.
#[expect(clippy::multiple_unsafe_ops_per_block, reason = "one initialisation, field by field")]
#[inline(never)]
fn write<const TEXTS: usize>(cgroup: u64, recording: Recording, bprm: Bprm) -> u64 {
    let Some(mut entry) = ACTIVITY.reserve_untyped::<Record<TEXTS>>(0) else { return LOST };
    let record: *mut Record<TEXTS> = entry.as_mut_ptr();
    // SAFETY: the entry is as large as such a record and aligned to eight bytes, and no one else sees it before it is submitted.
    let is_whole = unsafe {
        let execution = &raw mut (*record).execution;
        fill_head(&raw mut (*execution).head, Kind::Executed, cgroup);
        fill_verdict(execution);
        fill_texts::<TEXTS>(record, recording, bprm)
    };
    if !is_whole && TEXTS != LARGE_TEXTS {
        entry.discard(0);
        return TOO_LONG;
    }
    entry.submit(0);
    TOLD
}

/// # Safety
///
/// `head` must be writable.
#[expect(clippy::multiple_unsafe_ops_per_block, reason = "one initialisation, field by field")]
#[inline(always)]
pub(crate) unsafe fn fill_head(head: *mut Head, kind: Kind, cgroup: u64) {
    // SAFETY: by the contract of this function.
    unsafe {
        (*head).version = ACTIVITY_VERSION;
        (*head).kind = kind as u8;
        (*head).action = 0;
        (*head).rule = 0;
        (*head).boot_ns = bpf_ktime_get_boot_ns();
        (*head).cgroup = cgroup;
    }
}

/// Who it was, and what the first hook has found.
///
/// # Safety
///
/// `execution` must be writable.
#[expect(clippy::multiple_unsafe_ops_per_block, reason = "one initialisation, field by field")]
#[inline(always)]
unsafe fn fill_verdict(execution: *mut Execution) {
    let label = label::of_current_task_whole();
    // SAFETY: by the contract of this function; the kernel keeps a label for as long as the task lives.
    unsafe {
        fill_caller(&raw mut (*execution).caller);
        // It goes on, whoever let it.
        (*execution).head.action = Action::Allow as u8;
        (*execution).slot = 0;
        (*execution).judged_ns = 0;
        if !label.is_null() && (*label).decision != 0 {
            let verdict = Decision::from_bits((*label).decision).verdict;
            (*execution).head.action = verdict.action_byte();
            (*execution).head.rule = verdict.rule;
            (*execution).slot = (*label).slot;
            (*execution).judged_ns = (*label).judged_ns;
            let (from, to) = (&raw const (*label).comm, &raw mut (*execution).caller.comm);
            let (from, to) = (from.cast::<u64>(), to.cast::<u64>());
            to.write_volatile(from.read_volatile());
            to.add(1).write_volatile(from.add(1).read_volatile());
        }
    }
}

/// Whether all of it found room. What does not is cut.
///
/// # Safety
///
/// `record` must be reserved, writable memory for one record.
#[expect(clippy::multiple_unsafe_ops_per_block, reason = "one initialisation, field by field")]
#[inline(always)]
unsafe fn fill_texts<const TEXTS: usize>(
    record: *mut Record<TEXTS>,
    recording: Recording,
    bprm: Bprm,
) -> bool {
    let room = const { room::<TEXTS>() };
    let file = bprm.file();
    // SAFETY: by the contract of this function. Each string has the room that is given for it.
    unsafe {
        let execution = &raw mut (*record).execution;
        let texts = (&raw mut (*record).texts).cast::<u8>();
        let inode = file.inode().identity();
        (*execution).ino = inode.ino;
        (*execution).dev = inode.dev;
        let mut is_whole = fill_arguments::<TEXTS>(execution, texts, recording, bprm);

        let path = file.path(texts.wrapping_add(room.path_at()), room.path as u32) as i32;
        (*execution).path_len = path;
        is_whole &= path > 0;

        let typed = read_string(texts.wrapping_add(room.typed_at()), room.typed, bprm.filename());
        (*execution).typed_len = typed;
        is_whole &= typed < room.typed as i32;

        let mut interpreter = 0;
        if bprm.interp() != bprm.filename() {
            interpreter =
                read_string(texts.wrapping_add(room.interpreter_at()), room.interpreter, bprm.interp());
            is_whole &= interpreter < room.interpreter as i32;
        }
        (*execution).interpreter_len = interpreter;

        let mut cwd = 0;
        if let Some(place) = CurrentTask::get().working_directory() {
            cwd = place.path(texts.wrapping_add(room.cwd_at()), room.cwd as u32) as i32;
            is_whole &= cwd > 0;
        }
        (*execution).cwd_len = cwd;
        is_whole
    }
}

/// # Safety
///
/// As for [`fill_texts`].
#[expect(clippy::multiple_unsafe_ops_per_block, reason = "one initialisation, field by field")]
#[inline(always)]
unsafe fn fill_arguments<const TEXTS: usize>(
    execution: *mut Execution,
    texts: *mut u8,
    recording: Recording,
    bprm: Bprm,
) -> bool {
    let (at, count) = (bprm.arguments_address(), bprm.argument_count());
    // SAFETY: the arguments stand first, and what stands behind them has more room than a piece.
    unsafe {
        let copying = if TEXTS == LARGE_TEXTS {
            Copying::behind_each_other::<{ Room::LARGE.arguments }>(texts, at, count)
        } else {
            Copying::behind_each_other::<{ Room::SMALL.arguments }>(texts, at, count)
        };
        let is_cut = copying.is_cut();
        (*execution).argument_count = count;
        (*execution).arguments_len = copying.used() as u32;
        (*execution).arguments_cut = u16::from(is_cut);
        (*execution).environment_len = 0;
        (*execution).environment_cut = 0;
        if TEXTS == LARGE_TEXTS && recording.has_environment() {
            // Where it begins is known only where the arguments end.
            let begin = copying.end();
            let bytes = if is_cut { 0 } else { bprm.environment_end().wrapping_sub(begin) };
            fill_environment(execution, texts.wrapping_add(Room::LARGE.environment_at()), begin, bytes);
            if is_cut {
                (*execution).environment_cut = 1;
            }
        }
        !is_cut
    }
}

/// # Safety
///
/// As for [`fill_texts`]; `to` is where the environment goes.
#[expect(clippy::multiple_unsafe_ops_per_block, reason = "one initialisation, field by field")]
#[inline(always)]
unsafe fn fill_environment(execution: *mut Execution, to: *mut u8, begin: u64, bytes: u64) {
    const ROOM: u64 = Room::LARGE.environment as u64;
    let wanted = if bytes > ROOM { ROOM } else { bytes };
    // SAFETY: by the contract of this function; the helper checks the address by itself.
    unsafe {
        let failed = bpf_probe_read_user(to.cast(), wanted as u32, begin as *const c_void);
        (*execution).environment_len = if failed == 0 { wanted as u32 } else { 0 };
        (*execution).environment_cut = u16::from(failed != 0 || bytes > ROOM);
    }
}

/// Copies a kernel string; returns its length with the NUL, or a negative error.
///
/// # Safety
///
/// `to` must have room for `bytes` bytes.
#[inline(always)]
unsafe fn read_string(to: *mut u8, bytes: usize, from: *const c_void) -> i32 {
    // SAFETY: by the contract of this function; the helper checks `from` by itself.
    (unsafe { bpf_probe_read_kernel_str(to.cast(), bytes as u32, from) }) as i32
}
