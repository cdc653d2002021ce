// SPDX-License-Identifier: GPL-2.0-only OR MIT
//! What is done to files by their names: removing, renaming, creating, linking, and changing what they are.
//!
//! Programs for the whole machine, because only ten hooks can have programs of cgroups. They look for the sessions that the
//! current task is in, and let everything else go on.

use crate::{
    enforce::enforce_on_machine,
    inquiry::{Inquiry, Questions},
    kernel::{Change, Dentry},
    record::record_operation,
    scope::scope_of_cgroup,
};
use aya_ebpf::{macros::lsm, programs::LsmContext};
use core::ffi::c_void;
use sac_abi::{Action, Operation, Verdict};

/// A file is created. `match-proto:v6.1:int security_inode_create(struct inode *dir, struct dentry *dentry, umode_t mode)`
#[lsm(hook = "inode_create")]
pub(crate) fn inode_create(ctx: LsmContext) -> i32 {
    ask(&ctx, 3, CREATE, 1, 1)
}

/// A directory is made. `int security_inode_mkdir(struct inode *dir, struct dentry *dentry, umode_t mode)`
#[lsm(hook = "inode_mkdir")]
pub(crate) fn inode_mkdir(ctx: LsmContext) -> i32 {
    ask(&ctx, 3, CREATE, 1, 1)
}

/// A pipe, socket or device is made. `int security_inode_mknod(struct inode *dir, struct dentry *dentry, umode_t mode, dev_t dev)`
#[lsm(hook = "inode_mknod")]
pub(crate) fn inode_mknod(ctx: LsmContext) -> i32 {
    ask(&ctx, 4, CREATE, 1, 1)
}

/// A symbolic link is made. `int security_inode_symlink(struct inode *dir, struct dentry *dentry, const char *old_name)`
#[lsm(hook = "inode_symlink")]
pub(crate) fn inode_symlink(ctx: LsmContext) -> i32 {
    ask(&ctx, 3, CREATE, 1, 1)
}

/// A file gets another name, under which it can be read and written where the rules for the old one do not reach.
/// `int security_inode_link(struct dentry *old_dentry, struct inode *dir, struct dentry *new_dentry)`
#[lsm(hook = "inode_link")]
pub(crate) fn inode_link(ctx: LsmContext) -> i32 {
    const LINK: Questions = Questions::NONE
        .of_second(Operation::Administer)
        .of_first(Operation::Administer)
        .of_first(Operation::Read)
        .of_first(Operation::Write)
        .of_second(Operation::Create);
    ask(&ctx, 3, LINK, 0, 2)
}

/// A name is removed. `int security_inode_unlink(struct inode *dir, struct dentry *dentry)`
#[lsm(hook = "inode_unlink")]
pub(crate) fn inode_unlink(ctx: LsmContext) -> i32 {
    ask(&ctx, 2, DELETE, 1, 1)
}

/// A directory is removed. `int security_inode_rmdir(struct inode *dir, struct dentry *dentry)`
#[lsm(hook = "inode_rmdir")]
pub(crate) fn inode_rmdir(ctx: LsmContext) -> i32 {
    ask(&ctx, 2, DELETE, 1, 1)
}

/// Something is renamed or moved; where two names are exchanged the kernel calls this once for each.
/// `int security_inode_rename(struct inode *old_dir, struct dentry *old_dentry, struct inode *new_dir, struct dentry *new_dentry)`
#[lsm(hook = "inode_rename")]
pub(crate) fn inode_rename(ctx: LsmContext) -> i32 {
    // As in `Operation::implied`.
    const AWAY: Questions = Questions::NONE
        .of_second(Operation::Administer)
        .of_first(Operation::Administer)
        .of_first(Operation::Read)
        .of_first(Operation::Write)
        .of_first(Operation::Delete);
    const TO_FREE_NAME: Questions = AWAY.of_second(Operation::Create).of_first(Operation::Rename);
    const OVER_A_FILE: Questions =
        AWAY.of_second(Operation::Write).of_second(Operation::Delete).of_first(Operation::Rename);
    // SAFETY: the hook's fourth argument.
    let over = unsafe { Dentry::new(ctx.arg::<*const c_void>(3)) };
    if over.is_taken() { ask(&ctx, 4, OVER_A_FILE, 1, 3) } else { ask(&ctx, 4, TO_FREE_NAME, 1, 3) }
}

/// Size, owner or mode change. `int security_inode_setattr(struct dentry *dentry, struct iattr *attr)`
#[lsm(hook = "inode_setattr")]
pub(crate) fn inode_setattr_of_two(ctx: LsmContext) -> i32 {
    // SAFETY: the hook's second argument.
    let change = unsafe { Change::new(ctx.arg::<*const c_void>(1)) };
    if change.matters() { ask(&ctx, 2, WRITE, 0, 0) } else { ctx.arg::<i32>(2) }
}

/// As above, for kernels that pass the mount's idmap first.
#[lsm(hook = "inode_setattr")]
pub(crate) fn inode_setattr_of_three(ctx: LsmContext) -> i32 {
    // SAFETY: the hook's third argument.
    let change = unsafe { Change::new(ctx.arg::<*const c_void>(2)) };
    if change.matters() { ask(&ctx, 3, WRITE, 1, 1) } else { ctx.arg::<i32>(3) }
}

/// An extended attribute is set. `int security_inode_setxattr(mnt, struct dentry *dentry, const char *name, const void *value,
/// size_t size, int flags)`
#[lsm(hook = "inode_setxattr")]
pub(crate) fn inode_setxattr(ctx: LsmContext) -> i32 {
    ask(&ctx, 6, WRITE, 1, 1)
}

/// An extended attribute is removed. `int security_inode_removexattr(mnt, struct dentry *dentry, const char *name)`
#[lsm(hook = "inode_removexattr")]
pub(crate) fn inode_removexattr(ctx: LsmContext) -> i32 {
    ask(&ctx, 3, WRITE, 1, 1)
}

/// A list of permissions is set, from kernel 6.2 on; before, that was an extended attribute.
/// `int security_inode_set_acl(idmap, struct dentry *dentry, const char *acl_name, struct posix_acl *kacl)`
#[lsm(hook = "inode_set_acl")]
pub(crate) fn inode_set_acl(ctx: LsmContext) -> i32 {
    ask(&ctx, 4, WRITE, 1, 1)
}

/// A list of permissions is removed. `int security_inode_remove_acl(idmap, struct dentry *dentry, const char *acl_name)`
#[lsm(hook = "inode_remove_acl")]
pub(crate) fn inode_remove_acl(ctx: LsmContext) -> i32 {
    ask(&ctx, 3, WRITE, 1, 1)
}

const BY_ROOT: Questions = Questions::NONE.of_first(Operation::Administer);
const CREATE: Questions = BY_ROOT.of_first(Operation::Create);
const DELETE: Questions = BY_ROOT.of_first(Operation::Delete);
const WRITE: Questions = BY_ROOT.of_first(Operation::Write);

/// Asks about the entries that are a hook's arguments `first` and `second`. `arguments` is how many the hook has: behind them comes
/// what programs before this one have said.
#[inline(always)]
fn ask(ctx: &LsmContext, arguments: usize, questions: Questions, first: usize, second: usize) -> i32 {
    let said = ctx.arg::<i32>(arguments);
    if said != 0 {
        return said;
    }
    // SAFETY: one of the hook's arguments.
    let first = unsafe { Dentry::new(ctx.arg::<*const c_void>(first)) };
    // SAFETY: as above.
    let second = unsafe { Dentry::new(ctx.arg::<*const c_void>(second)) };
    enforce_on_machine(try_ask(questions, first, second))
}

#[inline(always)]
fn try_ask(questions: Questions, first: Dentry, second: Dentry) -> Action {
    let mut inquiry = Inquiry::new(questions, first, second);
    inquiry.judges.find();
    if inquiry.judges.unknown != 0 {
        return Action::Deny;
    }
    // The first is filled last.
    if inquiry.judges.slots[0] == 0 {
        return Action::Allow;
    }
    let verdict = inquiry.ask(questions);
    let action = verdict.action();
    if action != Action::Allow {
        settle(&inquiry, verdict);
    }
    action
}

/// Counts and reports what was not simply allowed. A function of its own for the stack's sake.
#[inline(never)]
fn settle(inquiry: &Inquiry, verdict: Verdict) {
    let judge = inquiry.decisive_judge();
    let Some(scope) = scope_of_cgroup(inquiry.judges.cgroup(judge)) else { return };
    if verdict.action().blocks() {
        scope.count_blocked();
    }
    record_operation(
        &scope,
        inquiry.judges.slot(judge),
        verdict,
        inquiry.decisive_operation(),
        inquiry.decisive_entry(),
    );
}
