// SPDX-License-Identifier: GPL-2.0-only OR MIT
//! Execution of programs.
//!
//! Two hooks. The first sees each file before anything has happened, and can still give an error. Where a policy has
//! conditions on a program's arguments it waits for the second one, which sees them where nobody can change them any more:
//! in the new program's memory, before the program has run. There is nobody left then to get an error, so it kills.

use crate::{
    activity::{LOST, has_room, settle_unrecorded_in_this_scope, tell_in_this_scope},
    arguments::{argument_count, look_at_arguments},
    enforce::{GO_ON, enforce, is_denied_already, kill},
    kernel::{Bprm, File},
    label::{note_decision, note_execution, note_time},
    maps::{Policy, PolicyRules, is_held, is_worth_a_sighting, now_boot_s, zero},
    object::ExecutedFile,
    record::record_execution,
    scope::{JUDGE, NOT_READY, PASS, ReadyScope, ScopeSlots, Stage, is_certainly_judged},
    strictest::{ALLOWED, NO_POLICY, UNRECORDED, is_stricter},
};
use aya_ebpf::{helpers::bpf_ktime_get_boot_ns, macros::lsm_cgroup, programs::LsmContext};
use core::ffi::c_void;
use sac_abi::{
    Action, Operation, RuleKey, RuleValue, Rules, Verdict, decide,
    decide::{Decision, decide_conditions, decide_unnamed, possible_conditions},
    rule::{Contents, Operations},
    scope::SCOPE_POLICIES,
    sieve::Grain,
};

/// What is judged here.
const EXECUTE: Operations = Operations::NONE.with(Operation::Execute);

/// Judges each file that is about to be executed, and for a script its interpreter as well.
///
/// Fails closed: a scope or policy that is not ready denies.
///
/// `match-proto:v6.1:security/security.c:int security_bprm_check(struct linux_binprm *bprm)`
#[lsm_cgroup(hook = "bprm_check_security")]
pub(crate) fn bprm_check_security(ctx: LsmContext) -> i32 {
    if is_denied_already() {
        return enforce(Action::Allow);
    }
    match stance() {
        NOT_READY => return enforce(Action::Deny),
        JUDGE => {}
        _ => return enforce(Action::Allow),
    }
    // SAFETY: the hook's first argument.
    let bprm = unsafe { Bprm::new(ctx.arg::<*const c_void>(0)) };
    // SAFETY: the helper has no preconditions.
    let began_ns = unsafe { bpf_ktime_get_boot_ns() };
    enforce(judge_execution(bprm, began_ns))
}

/// Judges the arguments of each program that has got its memory and has not run yet, where a policy has conditions on them.
///
/// Fails closed: what cannot be read is killed. The hook has no return value to deny with.
///
/// `match-proto:v6.1:security/security.c:void security_bprm_committed_creds(struct linux_binprm *bprm)`
#[lsm_cgroup(hook = "bprm_committed_creds")]
pub(crate) fn bprm_committed_creds(ctx: LsmContext) -> i32 {
    // SAFETY: the hook's first argument.
    let bprm = unsafe { Bprm::new(ctx.arg::<*const c_void>(0)) };
    if try_bprm_committed_creds(bprm).blocks() {
        kill();
    }
    GO_ON
}

/// Allows everything. That it uses the scopes makes the kernel create its cgroup's scope when it is attached, so that the
/// loader can fill that in before it attaches [`bprm_check_security`] to a cgroup where people work already.
///
/// `match-proto:v6.1:security/security.c:int security_bprm_check(struct linux_binprm *bprm)`
#[lsm_cgroup(hook = "bprm_check_security")]
pub(crate) fn prime(_ctx: LsmContext) -> i32 {
    ReadyScope::create();
    enforce(Action::Allow)
}

/// A verdict and the policy that gave it, all of it in numbers that the verifier does not know; see [`Rules::zero`].
struct Judgement {
    /// [`Decision::to_bits`] of the verdict.
    decision: u64,
    slot: u32,
    /// Not 0 where conditions on arguments can still change the verdict.
    open: u64,
}

impl Judgement {
    /// What holds before any policy was asked.
    const NONE: Self = Self { decision: NO_POLICY, slot: 0, open: 0 };

    #[inline(always)]
    const fn verdict(&self) -> Verdict {
        Decision::from_bits(self.decision).verdict
    }

    /// Adds what the `index`th policy of a scope says: of several the strictest counts.
    #[inline(always)]
    fn add(&mut self, index: usize, slot: u32, decision: u64) {
        if index == 0 || is_stricter(decision, self.decision) {
            self.decision = decision;
            self.slot = slot;
        }
    }
}

#[inline(always)]
fn judge_execution(bprm: Bprm, began_ns: u64) -> Action {
    let scope = ScopeSlots::of_this_program();
    let mut judgement = Judgement::NONE;
    for index in 0..SCOPE_POLICIES {
        let slot = scope.slot(index);
        if slot == 0 {
            break;
        }
        let Some(rules) = PolicyRules::of_slot(slot) else {
            judgement = Judgement { slot, ..Judgement::NONE };
            break;
        };
        // No variable, for the stack's sake: the first frame of all.
        let mut bits = if scope.sifts(EXECUTE) && is_in_no_rule(bprm.file()) != 0 {
            judge_unnamed(rules.map())
        } else {
            judge(bprm, scope.owner(), rules.map())
        };
        if Decision::from_bits(bits).group != 0 {
            if bprm.is_program() {
                // The second hook says what is done, also where the verdict without conditions is a denial.
                judgement.open = 1;
                bits = ALLOWED;
            } else {
                bits = judge_script(rules.map());
            }
        }
        let zero = rules.zero();
        judgement.open = judgement.open.wrapping_add(zero);
        judgement.add(index, slot, bits.wrapping_add(zero));
    }
    if scope.is_strict() && has_room() == 0 {
        judgement = Judgement { decision: UNRECORDED, slot: scope.slot(0), open: 0 };
    }
    let action = judgement.verdict().action();
    if !action.blocks() {
        note_execution(judgement.slot, judgement.decision, bprm, began_ns);
    }
    if action.blocks() || judgement.open == 0 {
        settle(judgement.slot, judgement.decision, bprm);
    }
    action
}

#[inline(always)]
fn try_bprm_committed_creds(bprm: Bprm) -> Action {
    if ScopeSlots::of_this_program().is_done_after_first_hook() {
        return Action::Allow;
    }
    // What the first hook has noted of an execution it has noted.
    match if is_certainly_judged() { JUDGE } else { stance() } {
        NOT_READY => return Action::Deny,
        JUDGE => {}
        _ => return Action::Allow,
    }
    let scope = ScopeSlots::of_this_program();
    if scope.judges_twice() {
        // SAFETY: the helper has no preconditions.
        let began_ns = unsafe { bpf_ktime_get_boot_ns() };
        let action = judge_again(&scope, bprm);
        note_time(began_ns);
        if action.blocks() {
            return action;
        }
    }
    if tell_in_this_scope(bprm) == LOST && scope.is_strict() {
        settle_unrecorded_in_this_scope(bprm);
        return Action::Kill;
    }
    Action::Allow
}

/// Judges arguments, and the file with them.
#[inline(always)]
fn judge_again(scope: &ScopeSlots, bprm: Bprm) -> Action {
    let mut judgement = Judgement::NONE;
    for index in 0..SCOPE_POLICIES {
        let slot = scope.slot(index);
        if slot == 0 {
            break;
        }
        let Some(rules) = PolicyRules::of_slot(slot) else {
            // Nothing has run yet, and under no policy nothing may.
            return Action::Deny;
        };
        let mut bits = judge(bprm, scope.owner(), rules.map());
        let group = Decision::from_bits(bits).group;
        if group != 0 {
            let possible = judge_count(bprm, rules.map(), group);
            let matching = look_at_arguments(bprm, rules.map(), group, possible);
            bits = judge_conditions(rules.map(), bits, matching);
            judgement.open = 1;
        }
        let zero = rules.zero();
        judgement.open = judgement.open.wrapping_add(zero);
        judgement.add(index, slot, bits.wrapping_add(zero));
    }
    let action = judgement.verdict().action();
    if !action.blocks() && judgement.open != 0 {
        note_decision(judgement.slot, judgement.decision);
    }
    if action.blocks() || judgement.open != 0 {
        settle(judgement.slot, judgement.decision, bprm);
    }
    action
}

// Functions of their own, so that what they keep on the stack is there only meanwhile. They give numbers, see `Rules::zero`.

/// [`crate::scope::stance`] of an execution, which is also what ends the login service's setting up.
#[inline(never)]
fn stance() -> u64 {
    let Some(scope) = ReadyScope::of_this_program() else { return NOT_READY };
    scope.note_execution();
    scope.label_task();
    if scope.is_roots_own() || scope.is_judged_by_session() { PASS } else { JUDGE }
}

/// The conditions of a group that take as many arguments as the new program has.
#[inline(never)]
fn judge_count(bprm: Bprm, policy: &Policy, group: u32) -> u64 {
    let rules = PolicyRules::new(policy);
    possible_conditions(&rules, group, argument_count(bprm)).wrapping_add(rules.zero())
}

/// What a policy says of the file, as [`Decision::to_bits`].
#[inline(never)]
fn judge(bprm: Bprm, owner: u32, policy: &Policy) -> u64 {
    let rules = PolicyRules::new(policy);
    let mut file = ExecutedFile::<'_, false>::new(bprm.file(), owner, policy);
    let decision = decide(&rules, Operation::Execute, &mut file);
    decision.to_bits().wrapping_add(rules.zero())
}

/// What a policy says of a file that no rule is about.
#[inline(never)]
fn judge_unnamed(policy: &Policy) -> u64 {
    let rules = PolicyRules::new(policy);
    decide_unnamed(&rules, Operation::Execute).to_bits().wrapping_add(rules.zero())
}

/// Not 0 where the sieve says that no rule is about the file, neither by what it is nor by its path: to find that out is most of the work.
#[inline(never)]
fn is_in_no_rule(file: File) -> u64 {
    let is_named = is_held(Grain::of_inode(file.inode().number()))
        || file.name_start().is_none_or(|name| is_held(Grain::of_name(name)));
    u64::from(!is_named).wrapping_add(zero())
}

/// What a policy says of a script that it has conditions for.
#[inline(never)]
fn judge_script(policy: &Policy) -> u64 {
    let contents = contents(&PolicyRules::new(policy));
    Decision { verdict: Verdict::ARGUMENTS_OF_SCRIPT.under(contents), group: 0 }.to_bits()
}

/// What a policy that gave `decision` says now that it is known which of its conditions hold.
#[inline(never)]
fn judge_conditions(policy: &Policy, decision: u64, matching: u64) -> u64 {
    let rules = PolicyRules::new(policy);
    let Decision { verdict, group } = Decision::from_bits(decision);
    let verdict = decide_conditions(&rules, group, verdict, matching);
    Decision { verdict, group: 0 }.to_bits().wrapping_add(rules.zero())
}

#[inline(always)]
fn contents(rules: &impl Rules) -> Contents {
    RuleValue::from_bits(rules.get(&RuleKey::policy(Operation::Execute))).contents()
}

/// Counts an execution whose verdict is final, and reports what somebody may want to know of it. A function of its own for the
/// stack's sake.
#[inline(never)]
fn settle(slot: u32, decision: u64, bprm: Bprm) {
    let Some(scope) = ReadyScope::of_this_program() else { return };
    let verdict = Decision::from_bits(decision).verdict;
    let stage = if bprm.interp() == bprm.filename() { Stage::First } else { Stage::Interpreter };
    scope.count(verdict.action(), stage);
    if verdict.action() != Action::Allow
        || is_worth_a_sighting(&scope, bprm.file().inode().identity(), now_boot_s())
    {
        record_execution(&scope, slot, verdict, bprm);
    }
}
