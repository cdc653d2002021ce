// SPDX-License-Identifier: GPL-2.0-only OR MIT
//! Labels: which session a task comes from, wherever it is.
//!
//! A cgroup is where somebody is, and root or PID 1 can put them elsewhere. A label is set when something is executed in a session, goes
//! on to each child, and stays. Who is in no cgroup of ours is judged by it.

use crate::{
    administration::judge_act,
    enforce::enforce_on_machine,
    kernel::{Bprm, File, Memory, Task},
    mapping::{PROT_EXEC, is_loaded_by_kernel},
    maps::{Policy, PolicyRules, zero},
    object::ExecutedFile,
    record::{record_execution, record_mapping},
    scope::{Judges, Stage, scope_of_cgroup},
};
use aya_ebpf::{
    EbpfContext as _,
    bindings::{BPF_F_NO_PREALLOC, BPF_LOCAL_STORAGE_GET_F_CREATE},
    helpers::{bpf_get_current_task_btf, bpf_probe_read_kernel, generated::bpf_task_storage_get},
    macros::lsm,
    programs::LsmContext,
};
use core::ffi::c_void;
use sac_abi::{
    Action, Operation, RuleKey, RuleValue, Rules as _, Verdict, decide, decide::Decision, event::Act,
    rule::Operations, scope::Label,
};

/// The definition of a map of task storage, as BTF has it; aya has no such type. Numbers are lengths of arrays there.
#[repr(C)]
struct TaskStorage<V: 'static> {
    r#type: *const [i32; TASK_STORAGE],
    key: *const i32,
    value: *const V,
    max_entries: *const [i32; 0],
    map_flags: *const [i32; BPF_F_NO_PREALLOC as usize],
}

/// `BPF_MAP_TYPE_TASK_STORAGE`.
const TASK_STORAGE: usize = 29;

// SAFETY: it is a definition, nothing is read or written through it.
unsafe impl<V> Sync for TaskStorage<V> {}

#[unsafe(link_section = ".maps")]
#[unsafe(export_name = "LABELS")]
static LABELS: TaskStorage<Label> = TaskStorage {
    r#type: core::ptr::null(),
    key: core::ptr::null(),
    value: core::ptr::null(),
    max_entries: core::ptr::null(),
    map_flags: core::ptr::null(),
};

/// A child gets its parent's label, or is not made.
///
/// `int security_task_alloc(struct task_struct *task, unsigned long clone_flags)`
#[lsm(hook = "task_alloc")]
pub(crate) fn task_alloc(ctx: LsmContext) -> i32 {
    const MINUS_ENOMEM: i32 = -12;
    // include/uapi/linux/sched.h.
    const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;
    let said = ctx.arg::<i32>(2);
    if said != 0 {
        return said;
    }
    let label = of_current_task();
    if label.cgroup == 0 {
        return 0;
    }
    if ctx.arg::<u64>(1) & CLONE_INTO_CGROUP != 0 {
        let action = judge_act(Act::LeaveCgroup);
        if action.blocks() {
            return enforce_on_machine(action);
        }
    }
    let child = ctx.arg::<*const c_void>(0).cast_mut();
    if attach(child, label) { 0 } else { MINUS_ENOMEM }
}

/// Judges what somebody executes outside of all cgroups that have programs.
///
/// `int security_bprm_check(struct linux_binprm *bprm)`
#[lsm(hook = "bprm_check_security")]
pub(crate) fn bprm_check_outside(ctx: LsmContext) -> i32 {
    let said = ctx.arg::<i32>(1);
    if said != 0 {
        return said;
    }
    if of_current_task().cgroup == 0 {
        return 0;
    }
    // SAFETY: the hook's first argument.
    let bprm = unsafe { Bprm::new(ctx.arg::<*const c_void>(0)) };
    enforce_on_machine(try_outside::<false>(bprm.file(), Some(bprm)))
}

/// As above, for what is mapped. `int security_mmap_file(struct file *file, unsigned long reqprot, unsigned long prot, unsigned long flags)`
#[lsm(hook = "mmap_file")]
pub(crate) fn mmap_outside(ctx: LsmContext) -> i32 {
    let said = ctx.arg::<i32>(4);
    if said != 0 {
        return said;
    }
    if ctx.arg::<u64>(2) & PROT_EXEC == 0 || of_current_task().cgroup == 0 {
        return 0;
    }
    // As in `crate::mapping::mmap_file`.
    // SAFETY: the context has the hook's first argument at its beginning.
    let is_file = unsafe { bpf_probe_read_kernel(ctx.as_ptr().cast_const().cast::<u64>()) };
    // SAFETY: the hook's first argument.
    let file = unsafe { File::new(ctx.arg::<*const c_void>(0)) };
    if is_file.unwrap_or(0) == 0 || !file.is_there() {
        return 0;
    }
    enforce_on_machine(try_outside::<true>(file, None))
}

/// As above, for what is made executable later.
/// `int security_file_mprotect(struct vm_area_struct *vma, unsigned long reqprot, unsigned long prot)`
#[lsm(hook = "file_mprotect")]
pub(crate) fn mprotect_outside(ctx: LsmContext) -> i32 {
    let said = ctx.arg::<i32>(3);
    if said != 0 {
        return said;
    }
    if ctx.arg::<u64>(2) & PROT_EXEC == 0 || of_current_task().cgroup == 0 {
        return 0;
    }
    // SAFETY: the hook's first argument.
    let file = unsafe { Memory::new(ctx.arg::<*const c_void>(0)) }.file();
    if !file.is_there() {
        return 0;
    }
    enforce_on_machine(try_outside::<true>(file, None))
}

/// The label of the current task, or one that names no cgroup.
#[inline(always)]
pub(crate) fn of_current_task() -> Label {
    // SAFETY: the helper has no preconditions.
    of(unsafe { bpf_get_current_task_btf() }.cast())
}

/// The label of a hook's argument, or one that names no cgroup.
#[inline(always)]
pub(crate) fn of_task(task: Task) -> Label {
    of(task.as_ptr())
}

/// The label of a tracked task.
#[inline(always)]
fn of(task: *mut c_void) -> Label {
    // SAFETY: the map is one of task storage, and the task is tracked.
    let label = unsafe { bpf_task_storage_get(map(), task.cast(), core::ptr::null_mut(), 0) };
    if label.is_null() {
        return Label::NONE;
    }
    // SAFETY: the kernel keeps the value for as long as the task lives.
    unsafe { *label.cast::<Label>() }
}

/// Labels the current task with the scope of this cgroup, unless it has a label.
#[inline(always)]
pub(crate) fn label_current_task(cgroup: u64) {
    if of_current_task().cgroup != 0 {
        return;
    }
    // SAFETY: the helper has no preconditions.
    let task = unsafe { bpf_get_current_task_btf() };
    // Where there is no memory for it the cgroup holds all the same.
    let _attached = attach(task.cast(), Label { cgroup });
}

/// Attaches a label to a tracked task.
#[inline(always)]
fn attach(task: *mut c_void, mut label: Label) -> bool {
    let create = u64::from(BPF_LOCAL_STORAGE_GET_F_CREATE);
    // SAFETY: the map is one of task storage, and the value is as large as its definition says.
    let attached = unsafe { bpf_task_storage_get(map(), task.cast(), (&raw mut label).cast(), create) };
    !attached.is_null()
}

#[inline(always)]
fn map() -> *mut c_void {
    (&raw const LABELS).cast_mut().cast()
}

/// Judges a file that somebody executes, or with `MAPPED` maps, outside of our cgroups.
#[inline(always)]
fn try_outside<const MAPPED: bool>(file: File, bprm: Option<Bprm>) -> Action {
    let found = judge_of_label();
    // Whole, because the compiler would return the lower half of it in place of a 0, and the verifier does not see that it is one.
    if found == 0 {
        return Action::Allow;
    }
    let (slot, owner) = (found as u32, (found >> 32) as u32);
    if slot == UNKNOWN {
        return Action::Deny;
    }
    if MAPPED && is_loaded_by_kernel(file, owner) != 0 {
        return Action::Allow;
    }
    let bits = match PolicyRules::of_slot(slot) {
        Some(rules) => judge::<MAPPED>(file, owner, rules.map()),
        None => Decision { verdict: Verdict::NO_POLICY, group: 0 }.to_bits(),
    };
    let verdict = Decision::from_bits(bits).verdict;
    if verdict.action() != Action::Allow {
        match bprm {
            Some(bprm) => settle_execution(slot, verdict, bprm),
            None => settle_mapping(slot, verdict, file),
        }
    }
    verdict.action()
}

/// In place of a slot: it cannot be told who judges.
const UNKNOWN: u32 = u32::MAX;

/// The slot of the policy that judges the current task by its label, 0 for none, and in the upper half whose scope it is. A function of
/// its own for the stack's sake.
#[inline(never)]
fn judge_of_label() -> u64 {
    let mut judges = Judges::none(Operations::NONE.with(Operation::Execute), zero());
    judges.find();
    if judges.unknown != 0 {
        return u64::from(UNKNOWN);
    }
    if judges.by_label == 0 {
        return 0;
    }
    match scope_of_cgroup(of_current_task().cgroup) {
        Some(scope) => u64::from(judges.slots[0]) | u64::from(scope.owner) << 32,
        None => 0,
    }
}

/// What a policy says, as [`Decision::to_bits`]. Conditions on arguments cannot be looked at here, so what has some is denied.
#[inline(never)]
fn judge<const MAPPED: bool>(file: File, owner: u32, policy: &Policy) -> u64 {
    let rules = PolicyRules::new(policy);
    let decision =
        decide(&rules, Operation::Execute, &mut ExecutedFile::<'_, MAPPED>::new(file, owner, policy));
    let verdict = if MAPPED || decision.group != 0 {
        let contents = RuleValue::from_bits(rules.get(&RuleKey::policy(Operation::Execute))).contents();
        decision.of_mapping(contents)
    } else {
        decision.verdict
    };
    Decision { verdict, group: 0 }.to_bits().wrapping_add(rules.zero())
}

/// Counts and reports what was not simply allowed. Functions of their own for the stack's sake.
#[inline(never)]
fn settle_execution(slot: u32, verdict: Verdict, bprm: Bprm) {
    let Some(scope) = scope_of_cgroup(of_current_task().cgroup) else { return };
    let stage = if bprm.interp() == bprm.filename() { Stage::First } else { Stage::Interpreter };
    scope.count(verdict.action(), stage);
    record_execution(&scope, slot, verdict, bprm);
}

#[inline(never)]
fn settle_mapping(slot: u32, verdict: Verdict, file: File) {
    let Some(scope) = scope_of_cgroup(of_current_task().cgroup) else { return };
    if verdict.action().blocks() {
        scope.count_blocked();
    }
    record_mapping(&scope, slot, verdict, file);
}
