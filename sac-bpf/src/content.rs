// SPDX-License-Identifier: GPL-2.0-only OR MIT
//! Programs by their content, wherever they are and whatever they are called.
//!
//! The only sleepable program: hashing a file means reading it. It hashes only what is executed in sessions whose policy has a rule by
//! content.

use crate::{
    enforce::enforce_on_machine,
    kernel::Bprm,
    maps::{Policy, PolicyRules, has_contents_anywhere, zero},
    record::record_execution_sleeping,
    scope::{Judges, Stage, scope_of_cgroup},
    strictest::ALLOWED,
};
use aya_ebpf::{helpers::generated::bpf_ima_file_hash, macros::lsm, programs::LsmContext};
use core::ffi::c_void;
use sac_abi::{
    Action, Operation, RuleKey, RuleValue, Rules as _, Verdict,
    decide::{Decision, decide_content},
    rule::{Contents, Operations},
};

/// SHA-256's digest, as words.
const DIGEST_WORDS: usize = 4;

/// `HASH_ALGO_SHA256`, include/uapi/linux/hash_info.h.
const SHA256: i64 = 4;

/// Judges the content of what is executed. `int security_bprm_check(struct linux_binprm *bprm)`
#[lsm(hook = "bprm_check_security", sleepable)]
pub(crate) fn bprm_content(ctx: LsmContext) -> i32 {
    let said = ctx.arg::<i32>(1);
    if said != 0 {
        return said;
    }
    if !has_contents_anywhere() {
        return 0;
    }
    // SAFETY: the hook's first argument.
    let bprm = unsafe { Bprm::new(ctx.arg::<*const c_void>(0)) };
    enforce_on_machine(try_content(bprm))
}

#[inline(always)]
fn try_content(bprm: Bprm) -> Action {
    let mut judges = Judges::none(Operations::NONE.with(Operation::Execute), zero());
    judges.find();
    if judges.unknown != 0 {
        return Action::Deny;
    }
    let mut digest = [0_u64, 1, 2, 3];
    let mut hashed = 0;
    let strictest = judges.strictest(|policy| {
        if has_contents(policy) == 0 {
            return ALLOWED;
        }
        if hashed == 0 {
            let bytes = (DIGEST_WORDS * size_of::<u64>()) as u32;
            let file = bprm.file().as_ptr();
            // SAFETY: the length is the buffer's.
            hashed = unsafe { bpf_ima_file_hash(file.cast(), (&raw mut digest).cast(), bytes) };
        }
        if hashed == SHA256 { judge(policy, digest[0], digest[1]) } else { unreadable(policy) }
    });
    let verdict = strictest.verdict();
    if verdict.action() != Action::Allow {
        settle(&judges, strictest.by, verdict, bprm);
    }
    verdict.action()
}

/// Not 0 where a policy has rules by content.
#[inline(never)]
fn has_contents(policy: &Policy) -> u64 {
    let rules = PolicyRules::new(policy);
    let contents = RuleValue::from_bits(rules.get(&RuleKey::policy(Operation::Execute))).contents();
    if contents.has(Contents::CONTENTS) { 1 } else { 0 }
}

/// What a policy with rules by content says where the content cannot be told.
#[inline(never)]
fn unreadable(policy: &Policy) -> u64 {
    let rules = PolicyRules::new(policy);
    let contents = RuleValue::from_bits(rules.get(&RuleKey::policy(Operation::Execute))).contents();
    let verdict = Verdict::UNREADABLE_PATH.under(contents);
    Decision { verdict, group: 0 }.to_bits().wrapping_add(rules.zero())
}

/// What a policy says of a content, as [`Decision::to_bits`].
#[inline(never)]
fn judge(policy: &Policy, first: u64, second: u64) -> u64 {
    let rules = PolicyRules::new(policy);
    let verdict = decide_content(&rules, first, second);
    Decision { verdict, group: 0 }.to_bits().wrapping_add(rules.zero())
}

/// Counts and reports what was not simply allowed. A function of its own for the stack's sake.
#[inline(never)]
fn settle(judges: &Judges, judge: u32, verdict: Verdict, bprm: Bprm) {
    let Some(scope) = scope_of_cgroup(judges.cgroup(judge)) else { return };
    let stage = if bprm.interp() == bprm.filename() { Stage::First } else { Stage::Interpreter };
    if verdict.action().blocks() {
        scope.count(verdict.action(), stage);
    }
    record_execution_sleeping(&scope, judges.slot(judge), verdict, bprm);
}
