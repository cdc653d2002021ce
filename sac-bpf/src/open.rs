// SPDX-License-Identifier: GPL-2.0-only OR MIT
//! Opening files for reading and writing.

use crate::{
    administration::judge_act,
    enforce::{enforce, is_denied_already},
    inquiry::{Inquiry, Questions},
    kernel::File,
    mapping::try_memory,
    maps::SieveWords,
    record::record_operation,
    scope::{JUDGE, NOT_READY, ReadyScope, ScopeSlots, stance},
};
use aya_ebpf::{macros::lsm_cgroup, programs::LsmContext};
use core::ffi::c_void;
use sac_abi::{Action, Operation, Verdict, event::Act, rule::Operations, sieve::falls_through};

/// Judges each file that is opened, for what it is opened for. Most policies say nothing about that, and then this is a look at the
/// scope.
///
/// `match-proto:v6.1:security/security.c:int security_file_open(struct file *file)`
#[lsm_cgroup(hook = "file_open")]
pub(crate) fn file_open(ctx: LsmContext) -> i32 {
    if is_denied_already() {
        return enforce(Action::Allow);
    }
    // SAFETY: the hook's first argument.
    let file = unsafe { File::new(ctx.arg::<*const c_void>(0)) };
    enforce(try_file_open(file))
}

#[inline(always)]
fn try_file_open(file: File) -> Action {
    const READ: Operations = Operations::NONE.with(Operation::Read);
    const WRITE: Operations = Operations::NONE.with(Operation::Write);
    const ADMINISTER: Operations = Operations::NONE.with(Operation::Administer);
    const BY_ROOT: Questions = Questions::NONE.of_first(Operation::Administer);
    let scope = ScopeSlots::of_this_program();
    let opened_for = file.opened_for();
    if opened_for.has_any(WRITE) && scope.judges(ADMINISTER) && file.inode().is_disk() {
        let action = judge_act(Act::WriteDisk);
        if action.blocks() {
            return action;
        }
    }
    // By `/proc/PID/mem` also a program's code can be written.
    if opened_for.has_any(WRITE) && file.inode().is_of_processes() && file.dentry().is_named_mem() {
        let action = try_memory();
        if action.blocks() {
            return action;
        }
    }
    // To write is more than that where root must not.
    let asked = if opened_for.has_any(WRITE) { opened_for.and(ADMINISTER) } else { opened_for };
    if !scope.judges(asked) || scope.sifts(asked) && is_in_no_rule(file) {
        return Action::Allow;
    }
    match stance() {
        NOT_READY => return Action::Deny,
        JUDGE => {}
        _ => return Action::Allow,
    }
    let (reads, writes) = (opened_for.has_any(READ), opened_for.has_any(WRITE));
    let questions = match (reads, writes) {
        (true, true) => BY_ROOT.of_first(Operation::Read).of_first(Operation::Write),
        (true, false) => Questions::NONE.of_first(Operation::Read),
        (false, true) => BY_ROOT.of_first(Operation::Write),
        (false, false) => return Action::Allow,
    };
    let mut inquiry = Inquiry::new(questions, file.dentry(), file.dentry()).about_file(file);
    inquiry.judges.add_own(&scope);
    let verdict = inquiry.ask(questions);
    let action = verdict.action();
    if action != Action::Allow {
        settle(&inquiry, verdict);
    }
    action
}

/// Whether the sieve says that no rule is about the file: next to all that are opened are of that kind, and this spares them the look-ups.
#[inline(always)]
fn is_in_no_rule(file: File) -> bool {
    let (dentry, inode) = (file.dentry(), file.inode());
    let Some(words) = SieveWords::get() else { return false };
    dentry.is_of(inode) && falls_through(words.reader(), inode.number(), dentry.parent().number())
}

/// Counts and reports what was not simply allowed. A function of its own for the stack's sake.
#[inline(never)]
fn settle(inquiry: &Inquiry, verdict: Verdict) {
    let Some(scope) = ReadyScope::of_this_program() else { return };
    if verdict.action().blocks() {
        scope.count_blocked();
    }
    let slot = inquiry.judges.slot(inquiry.decisive_judge());
    record_operation(&scope, slot, verdict, inquiry.decisive_operation(), inquiry.decisive_entry());
}
