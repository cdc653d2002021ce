// SPDX-License-Identifier: GPL-2.0-only OR MIT
//! Labels: which session a task comes from, wherever it is.
//!
//! A cgroup is where somebody is, and root or PID 1 can put them elsewhere. A label is set when something is executed in a session, goes
//! on to each child, and stays. Who is in no cgroup of ours is judged by it.

use crate::{
    activity::{LOST, settle_unrecorded_outside, tell_outside},
    administration::judge_act,
    enforce::{enforce_on_machine, kill},
    kernel::{Bprm, File, Memory, Task},
    mapping::{PROT_EXEC, is_loaded_by_kernel},
    maps::{Policy, PolicyRules, zero},
    object::ExecutedFile,
    record::{COMM_BYTES, record_execution, record_mapping},
    scope::{Judges, LEVELS, Stage, label_judges, scope_of_cgroup},
    strictest::{NO_POLICY, Strictest, is_stricter},
};
use aya_ebpf::{
    EbpfContext as _,
    bindings::{BPF_F_NO_PREALLOC, BPF_LOCAL_STORAGE_GET_F_CREATE},
    helpers::{
        bpf_get_current_ancestor_cgroup_id, bpf_get_current_task_btf, bpf_ktime_get_boot_ns,
        bpf_probe_read_kernel,
        generated::{bpf_get_current_comm, bpf_task_storage_get},
    },
    macros::lsm,
    programs::LsmContext,
};
use core::ffi::c_void;
use sac_abi::{
    Action, Operation, RuleKey, RuleValue, Rules as _, Verdict, decide,
    decide::Decision,
    event::Act,
    rule::Operations,
    scope::{Label, SCOPE_POLICIES},
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
    let label = of_current_task_whole();
    let cgroup = cgroup_of(label);
    if cgroup == 0 {
        return 0;
    }
    if ctx.arg::<u64>(1) & CLONE_INTO_CGROUP != 0 {
        let action = judge_act(Act::LeaveCgroup);
        if action.blocks() {
            return enforce_on_machine(action);
        }
    }
    let child = ctx.arg::<*const c_void>(0).cast_mut();
    if attach(child, cgroup, level_of(label)) { 0 } else { MINUS_ENOMEM }
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
    if is_unlabelled_or_at_home() {
        return 0;
    }
    // SAFETY: the hook's first argument.
    let bprm = unsafe { Bprm::new(ctx.arg::<*const c_void>(0)) };
    // SAFETY: the helper has no preconditions.
    let began_ns = unsafe { bpf_ktime_get_boot_ns() };
    enforce_on_machine(try_outside::<false>(bprm.file(), Some((bprm, began_ns))))
}

/// Tells of what such a task has executed. `void security_bprm_committed_creds(struct linux_binprm *bprm)`
#[lsm(hook = "bprm_committed_creds")]
pub(crate) fn bprm_committed_outside(ctx: LsmContext) -> i32 {
    if is_unlabelled_or_at_home() || is_outside() == 0 {
        return 0;
    }
    // SAFETY: the hook's first argument.
    let bprm = unsafe { Bprm::new(ctx.arg::<*const c_void>(0)) };
    if tell_outside(bprm) == LOST && is_strict_outside() != 0 {
        settle_unrecorded_outside(bprm);
        kill();
    }
    0
}

/// As above, for what is mapped. `int security_mmap_file(struct file *file, unsigned long reqprot, unsigned long prot, unsigned long flags)`
#[lsm(hook = "mmap_file")]
pub(crate) fn mmap_outside(ctx: LsmContext) -> i32 {
    let said = ctx.arg::<i32>(4);
    if said != 0 {
        return said;
    }
    if ctx.arg::<u64>(2) & PROT_EXEC == 0 || is_unlabelled_or_at_home() {
        return 0;
    }
    if !label_judges(of_current_task(), EXECUTE) {
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
    if ctx.arg::<u64>(2) & PROT_EXEC == 0 || is_unlabelled_or_at_home() {
        return 0;
    }
    if !label_judges(of_current_task(), EXECUTE) {
        return 0;
    }
    // SAFETY: the hook's first argument.
    let file = unsafe { Memory::new(ctx.arg::<*const c_void>(0)) }.file();
    if !file.is_there() {
        return 0;
    }
    enforce_on_machine(try_outside::<true>(file, None))
}

/// The cgroup that the current task's label names; 0 where it has none.
#[inline(always)]
pub(crate) fn of_current_task() -> u64 {
    cgroup_of(of_current_task_whole())
}

/// The cgroup that the label of a hook's argument names; 0 where it has none.
#[inline(always)]
pub(crate) fn of_task(task: Task) -> u64 {
    cgroup_of(of(task.as_ptr()))
}

/// The label of a hook's argument; null where it has none.
#[inline(always)]
pub(crate) fn of_task_whole(task: Task) -> *mut Label {
    of(task.as_ptr())
}

/// The current task's label; null where it has none.
#[inline(always)]
pub(crate) fn of_current_task_whole() -> *mut Label {
    // SAFETY: the helper has no preconditions.
    of(unsafe { bpf_get_current_task_btf() }.cast())
}

/// The label of a tracked task; null where it has none.
#[inline(always)]
fn of(task: *mut c_void) -> *mut Label {
    // SAFETY: the map is one of task storage, and the task is tracked.
    let label = unsafe { bpf_task_storage_get(map(), task.cast(), core::ptr::null_mut(), 0) };
    label.cast()
}

/// The cgroup that a label names; 0 where there is none.
#[inline(always)]
pub(crate) fn cgroup_of(label: *mut Label) -> u64 {
    if label.is_null() {
        return 0;
    }
    // SAFETY: the kernel keeps the value for as long as the task lives.
    unsafe { (*label).cgroup }
}

/// The level of the cgroup that a label names; 0 where nobody knows.
#[inline(always)]
fn level_of(label: *mut Label) -> u32 {
    if label.is_null() {
        return 0;
    }
    // SAFETY: the kernel keeps the value for as long as the task lives.
    unsafe { (*label).level }
}

/// Whether there is nothing to judge by the current task's label: it has none, or it is in the cgroup that its label names. There the
/// cgroup's own programs judge it; and where they have gone, with the scope, the label says nothing any more either.
#[inline(always)]
fn is_unlabelled_or_at_home() -> bool {
    let label = of_current_task_whole();
    let cgroup = cgroup_of(label);
    // SAFETY: the helper has no preconditions.
    cgroup == 0 || unsafe { bpf_get_current_ancestor_cgroup_id(level_of(label) as i32) } == cgroup
}

/// Labels the current task with the scope of this cgroup, unless it has a label.
#[inline(always)]
pub(crate) fn label_current_task(cgroup: u64) {
    if of_current_task() != 0 {
        return;
    }
    // SAFETY: the helper has no preconditions.
    let task = unsafe { bpf_get_current_task_btf() };
    // Where there is no memory for it the cgroup holds all the same.
    let _attached = attach(task.cast(), cgroup, level_in_cgroups(cgroup) as u32);
}

/// The level of a cgroup that the current task is in. A function of its own for the stack's sake.
#[inline(never)]
fn level_in_cgroups(cgroup: u64) -> u64 {
    for level in 1..=LEVELS {
        // SAFETY: the helper returns 0 for a level that the current cgroup does not have.
        if unsafe { bpf_get_current_ancestor_cgroup_id(level as i32) } == cgroup {
            return u64::from(level).wrapping_add(zero());
        }
    }
    zero()
}

/// Attaches a label to a tracked task. The kernel clears it first, which costs the stack nothing.
#[inline(always)]
fn attach(task: *mut c_void, cgroup: u64, level: u32) -> bool {
    let create = u64::from(BPF_LOCAL_STORAGE_GET_F_CREATE);
    // SAFETY: the map is one of task storage.
    let label = unsafe { bpf_task_storage_get(map(), task.cast(), core::ptr::null_mut(), create) };
    let label: *mut Label = label.cast();
    if label.is_null() {
        return false;
    }
    // SAFETY: the kernel keeps the value for as long as the task lives; nobody else writes it, since it is new.
    let label = unsafe { &mut *label };
    label.cgroup = cgroup;
    label.level = level;
    true
}

/// Not 0 where `what`, as in [`Label::told`], has not been told of the current task; it has been from now on.
#[inline(always)]
pub(crate) fn tell_of_current_task(what: u32) -> u64 {
    tell(of_current_task_whole(), what)
}

/// As above, by the task's label. Without one nobody can tell, and it is told rather twice than never.
#[inline(always)]
pub(crate) fn tell(label: *mut Label, what: u32) -> u64 {
    if label.is_null() {
        return 1;
    }
    // SAFETY: the kernel keeps the value for as long as the task lives.
    let told = unsafe { (*label).told };
    if told & what != 0 {
        return 0;
    }
    // SAFETY: as above. Nobody else writes it: programs for one task run one after the other.
    unsafe { (*label).told = told | what };
    1
}

/// Notes that the current task is about to execute something that the policy in `slot` lets go on, and that it has been judged since
/// `began_ns`, until that is recorded. Of a script and its interpreter the stricter verdict counts. A function of its own for the stack's sake.
#[expect(clippy::multiple_unsafe_ops_per_block, reason = "one value, field by field")]
#[inline(never)]
pub(crate) fn note_execution(slot: u32, decision: u64, bprm: Bprm, began_ns: u64) -> u64 {
    let label = of_current_task_whole();
    if label.is_null() {
        return 0;
    }
    // SAFETY: the helper has no preconditions.
    let took_ns = unsafe { bpf_ktime_get_boot_ns() }.wrapping_sub(began_ns);
    // SAFETY: the kernel keeps the value for as long as the task lives.
    unsafe {
        if bprm.interp() == bprm.filename() {
            (*label).told &= !Label::EXECUTED;
            (*label).judged_ns = took_ns;
            let _clears_on_failure = bpf_get_current_comm((&raw mut (*label).comm).cast(), COMM_BYTES);
        } else {
            (*label).judged_ns = (*label).judged_ns.wrapping_add(took_ns);
            if is_stricter((*label).decision, decision) {
                return 0;
            }
        }
        (*label).decision = decision;
        (*label).slot = slot;
    }
    0
}

/// Notes what policy let go on what is being executed, and how.
#[inline(never)]
pub(crate) fn note_decision(slot: u32, decision: u64) -> u64 {
    let label = of_current_task_whole();
    if label.is_null() {
        return 0;
    }
    // SAFETY: as above.
    let label = unsafe { &mut *label };
    label.decision = decision;
    label.slot = slot;
    0
}

/// Notes for how long the current task's execution has been judged, in addition to what there is.
#[inline(never)]
pub(crate) fn note_time(began_ns: u64) -> u64 {
    let label = of_current_task_whole();
    if !label.is_null() {
        // SAFETY: the helper has no preconditions.
        let took_ns = unsafe { bpf_ktime_get_boot_ns() }.wrapping_sub(began_ns);
        // SAFETY: as above.
        let label = unsafe { &mut *label };
        label.judged_ns = label.judged_ns.wrapping_add(took_ns);
    }
    0
}

#[inline(always)]
fn map() -> *mut c_void {
    (&raw const LABELS).cast_mut().cast()
}

/// Judges a file that somebody executes, or with `MAPPED` maps, outside of our cgroups. With an execution comes the time when that began.
#[inline(always)]
fn try_outside<const MAPPED: bool>(file: File, execution: Option<(Bprm, u64)>) -> Action {
    let mut strictest = Strictest::NONE;
    // There is a second one where the label is a user's slice.
    for index in 0..SCOPE_POLICIES {
        let found = judge_of_label(index as u32);
        // Whole, because the compiler would return the lower half of it in place of a 0, and the verifier does not see that it is one.
        if found == 0 {
            break;
        }
        let (slot, owner) = (found as u32, (found >> 32) as u32);
        if slot == UNKNOWN {
            return Action::Deny;
        }
        if slot == NOBODY {
            if let Some((bprm, began_ns)) = execution {
                note_execution(0, 0, bprm, began_ns);
            }
            break;
        }
        if MAPPED && is_loaded_by_kernel(file, owner) != 0 {
            return Action::Allow;
        }
        let decision = match PolicyRules::of_slot(slot) {
            Some(rules) => judge::<MAPPED>(file, owner, rules.map()),
            None => NO_POLICY,
        };
        if let Some((bprm, began_ns)) = execution
            && index == 0
        {
            note_execution(slot, decision, bprm, began_ns);
        }
        strictest.add(index as u32, slot, decision);
    }
    let verdict = strictest.verdict();
    if !MAPPED && verdict.action() == Action::Audit {
        note_decision(strictest.slot, strictest.decision());
    }
    if verdict.action() != Action::Allow {
        match execution {
            Some((bprm, _began_ns)) => settle_execution(strictest.slot, verdict, bprm),
            None => settle_mapping(strictest.slot, verdict, file),
        }
    }
    verdict.action()
}

/// In place of a slot: it cannot be told who judges.
const UNKNOWN: u32 = u32::MAX;
/// As above: the label's policies say nothing of what is executed.
const NOBODY: u32 = u32::MAX - 1;
/// What is judged here.
const EXECUTE: Operations = Operations::NONE.with(Operation::Execute);

/// The slot of the `index`th policy that judges the current task by its label, 0 for none, and in the upper half whose scope it is. A
/// function of its own for the stack's sake.
#[inline(never)]
fn judge_of_label(index: u32) -> u64 {
    let mut judges = Judges::none(EXECUTE, zero());
    judges.find();
    if judges.unknown != 0 {
        return u64::from(UNKNOWN);
    }
    let slot = judges.slot(index);
    if judges.by_label == 0 {
        return 0;
    }
    if slot == 0 {
        return if index == 0 { u64::from(NOBODY) } else { 0 };
    }
    match scope_of_cgroup(of_current_task()) {
        Some(scope) => u64::from(slot) | u64::from(scope.owner) << 32,
        None => 0,
    }
}

/// Whether the current task is judged by its label. A function of its own for the stack's sake.
#[inline(never)]
fn is_outside() -> u64 {
    let mut judges = Judges::none(EXECUTE, zero());
    judges.find();
    u64::from(judges.by_label)
}

/// Whether nothing may be executed there that cannot be recorded.
#[inline(never)]
fn is_strict_outside() -> u64 {
    match scope_of_cgroup(of_current_task()) {
        Some(scope) => u64::from(scope.recording.is_strict()),
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
    let Some(scope) = scope_of_cgroup(of_current_task()) else { return };
    let stage = if bprm.interp() == bprm.filename() { Stage::First } else { Stage::Interpreter };
    scope.count(verdict.action(), stage);
    record_execution(&scope, slot, verdict, bprm);
}

#[inline(never)]
fn settle_mapping(slot: u32, verdict: Verdict, file: File) {
    let Some(scope) = scope_of_cgroup(of_current_task()) else { return };
    if verdict.action().blocks() {
        scope.count_blocked();
    }
    record_mapping(&scope, slot, verdict, file);
}
