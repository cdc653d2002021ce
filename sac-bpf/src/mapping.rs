// SPDX-License-Identifier: GPL-2.0-only OR MIT
//! Programs that are not executed but mapped: by the dynamic linker that is given a program's name, by hand, as a library.

use crate::{
    enforce::{GO_ON, enforce, is_denied_already},
    kernel::{CurrentTask, File, Memory},
    maps::{Policy, PolicyRules, is_held},
    object::ExecutedFile,
    record::{record_mapping, record_memory},
    scope::{JUDGE, NOT_READY, ReadyScope, ScopeSlots, stance},
};
use aya_ebpf::{EbpfContext as _, helpers::bpf_probe_read_kernel, macros::lsm_cgroup, programs::LsmContext};
use core::ffi::c_void;
use sac_abi::{
    Action, Operation, RuleKey, RuleValue, Rules as _, Verdict, decide,
    decide::{Decision, decide_executable_memory},
    rule::Operations,
    sieve::Grain,
};

/// What is judged here.
const EXECUTE: Operations = Operations::NONE.with(Operation::Execute);
const PROT_WRITE: u64 = 2;
pub(crate) const PROT_EXEC: u64 = 4;

/// Judges what is mapped executable.
///
/// `match-proto:v6.1:security/security.c:int security_mmap_file(struct file *file, unsigned long reqprot, unsigned long prot, unsigned long flags)`
#[lsm_cgroup(hook = "mmap_file")]
pub(crate) fn mmap_file(ctx: LsmContext) -> i32 {
    if ctx.arg::<u64>(2) & PROT_EXEC == 0 {
        return GO_ON;
    }
    if is_denied_already() {
        return enforce(Action::Allow);
    }
    // The verifier of most kernels takes the argument for never null and drops a comparison, so it is read as a number first.
    // SAFETY: the context has the hook's first argument at its beginning.
    let is_file = unsafe { bpf_probe_read_kernel(ctx.as_ptr().cast_const().cast::<u64>()) };
    // SAFETY: the hook's first argument.
    let file = unsafe { File::new(ctx.arg::<*const c_void>(0)) };
    if is_file.unwrap_or(0) == 0 || !file.is_there() {
        return enforce(try_memory());
    }
    // Memory that can be written and executed is one's own, whatever was in it first.
    if ctx.arg::<u64>(2) & PROT_WRITE != 0 || file.inode().is_nameless() {
        let action = try_memory();
        if action.blocks() {
            return enforce(action);
        }
    }
    enforce(try_mapping(file))
}

/// Judges what is made executable after it was mapped.
///
/// `match-proto:v6.1:security/security.c:int security_file_mprotect(struct vm_area_struct *vma, unsigned long reqprot, unsigned long prot)`
#[lsm_cgroup(hook = "file_mprotect")]
pub(crate) fn file_mprotect(ctx: LsmContext) -> i32 {
    if ctx.arg::<u64>(2) & PROT_EXEC == 0 {
        return GO_ON;
    }
    if is_denied_already() {
        return enforce(Action::Allow);
    }
    // SAFETY: the hook's first argument.
    let memory = unsafe { Memory::new(ctx.arg::<*const c_void>(0)) };
    let file = memory.file();
    if !file.is_there() {
        return enforce(try_memory());
    }
    if memory.is_changed() || ctx.arg::<u64>(2) & PROT_WRITE != 0 || file.inode().is_nameless() {
        let action = try_memory();
        if action.blocks() {
            return enforce(action);
        }
    }
    enforce(try_mapping(file))
}

/// Whether anybody has to judge, as in [`crate::scope::stance`]; most policies of most sessions do.
#[inline(always)]
fn stance_on_programs() -> u64 {
    if ScopeSlots::of_this_program().judges(EXECUTE) { stance() } else { crate::scope::PASS }
}

#[inline(always)]
fn try_mapping(file: File) -> Action {
    match stance_on_programs() {
        NOT_READY => return Action::Deny,
        JUDGE => {}
        _ => return Action::Allow,
    }
    let scope = ScopeSlots::of_this_program();
    // Here a policy's default does not hold, and paths are not looked at: see `Decision::of_mapping`.
    if scope.sifts(EXECUTE) && !is_held(Grain::of_inode(file.inode().number())) {
        return Action::Allow;
    }
    if is_loaded_by_kernel(file, scope.owner()) != 0 {
        return Action::Allow;
    }
    let strictest = scope.strictest(|policy| judge(file, scope.owner(), policy));
    let verdict = strictest.verdict();
    if verdict.action() != Action::Allow {
        settle(strictest.slot, verdict, file);
    }
    verdict.action()
}

/// Memory that comes from no file, or is not as it is in the file.
#[inline(always)]
pub(crate) fn try_memory() -> Action {
    Action::from_byte(action_on_memory() as u8)
}

/// As above, as a number. A function of its own for the stack's sake.
#[inline(never)]
fn action_on_memory() -> u64 {
    u64::from(judge_own_memory() as u8)
}

#[inline(always)]
fn judge_own_memory() -> Action {
    match stance_on_programs() {
        NOT_READY => return Action::Deny,
        JUDGE => {}
        _ => return Action::Allow,
    }
    if CurrentTask::get().is_being_loaded() {
        return Action::Allow;
    }
    let strictest = ScopeSlots::of_this_program().strictest(judge_memory);
    let verdict = strictest.verdict();
    if verdict.action() != Action::Allow {
        settle_memory(strictest.slot, verdict);
    }
    verdict.action()
}

/// Not 0 where the kernel maps this as part of an execution: the program itself, which its own hooks judge, or the dynamic linker that
/// an administrator's program names. Programs need the linker also where nobody may execute it by hand; anybody's own program could
/// name any other file in its place.
#[inline(never)]
pub(crate) fn is_loaded_by_kernel(file: File, owner: u32) -> u64 {
    let task = CurrentTask::get();
    if !task.is_being_loaded() {
        return 0;
    }
    let program = task.program();
    if !program.is_there() {
        return 0;
    }
    if program.is(file) || !program.inode().is_untrusted(owner) { 1 } else { 0 }
}

/// What a policy says of mapping the file, as [`Decision::to_bits`].
#[inline(never)]
fn judge(file: File, owner: u32, policy: &Policy) -> u64 {
    let rules = PolicyRules::new(policy);
    let mut mapped = ExecutedFile::<'_, true>::new(file, owner, policy);
    let decision = decide(&rules, Operation::Execute, &mut mapped);
    let contents = RuleValue::from_bits(rules.get(&RuleKey::policy(Operation::Execute))).contents();
    let verdict = decision.of_mapping(contents);
    Decision { verdict, group: 0 }.to_bits().wrapping_add(rules.zero())
}

/// What a policy says of executable memory that comes from no file.
#[inline(never)]
pub(crate) fn judge_memory(policy: &Policy) -> u64 {
    let rules = PolicyRules::new(policy);
    let verdict = decide_executable_memory(&rules);
    Decision { verdict, group: 0 }.to_bits().wrapping_add(rules.zero())
}

/// Counts and reports what was not simply allowed. A function of its own for the stack's sake, as the next one is.
#[inline(never)]
fn settle(slot: u32, verdict: Verdict, file: File) {
    let Some(scope) = ReadyScope::of_this_program() else { return };
    if verdict.action().blocks() {
        scope.count_blocked();
    }
    record_mapping(&scope, slot, verdict, file);
}

#[inline(never)]
fn settle_memory(slot: u32, verdict: Verdict) {
    let Some(scope) = ReadyScope::of_this_program() else { return };
    if verdict.action().blocks() {
        scope.count_blocked();
    }
    record_memory(&scope, slot, verdict);
}
