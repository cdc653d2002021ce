// SPDX-License-Identifier: GPL-2.0-only OR MIT
//! What only root can do, and what would free a session of its policy.
//!
//! Programs for the whole machine that let everything go on but what privileged tasks do in a session whose policy confines root.

use crate::{
    enforce::enforce_on_machine,
    kernel::{CurrentTask, Inode, Task, UnixSocket},
    label,
    mapping::judge_memory,
    maps::{Policy, PolicyRules, loader, zero},
    record::{record_act, record_memory},
    scope::{Judges, scope_of_cgroup},
};
use aya_ebpf::{macros::lsm, programs::LsmContext};
use core::ffi::c_void;
use sac_abi::{
    Action, Operation, Rules as _, Verdict,
    decide::{Decision, decide_administration, decide_socket},
    event::Act,
    rule::{InodeId, Operations},
};

/// `bpf(2)`. `int security_bpf(int cmd, union bpf_attr *attr, unsigned int size)`, and a fourth argument since 6.15: so what
/// programs before this one have said is not looked at. Where they denied this one is not called.
#[lsm(hook = "bpf")]
pub(crate) fn bpf(_ctx: LsmContext) -> i32 {
    enforce_on_machine(judge_act(Act::Bpf))
}

/// Modules from memory, kexec. `int security_kernel_load_data(enum kernel_load_data_id id, bool contents)`
#[lsm(hook = "kernel_load_data")]
pub(crate) fn kernel_load_data(ctx: LsmContext) -> i32 {
    judge_unless(ctx.arg::<i32>(2), Act::LoadIntoKernel)
}

/// Modules, kexec and firmware from files.
/// `int security_kernel_read_file(struct file *file, enum kernel_read_file_id id, bool contents)`
#[lsm(hook = "kernel_read_file")]
pub(crate) fn kernel_read_file(ctx: LsmContext) -> i32 {
    judge_unless(ctx.arg::<i32>(3), Act::LoadIntoKernel)
}

/// Whatever lockdown mode is about: `/dev/mem`, kprobes, MSRs, perf … `int security_locked_down(enum lockdown_reason what)`
#[lsm(hook = "locked_down")]
pub(crate) fn locked_down(ctx: LsmContext) -> i32 {
    judge_unless(ctx.arg::<i32>(1), Act::ReachIntoKernel)
}

/// `mount(2)`.
/// `int security_sb_mount(const char *dev_name, const struct path *path, const char *type, unsigned long flags, void *data)`
#[lsm(hook = "sb_mount")]
pub(crate) fn sb_mount(ctx: LsmContext) -> i32 {
    judge_unless(ctx.arg::<i32>(5), Act::Mount)
}

/// `move_mount(2)`. `int security_move_mount(const struct path *from_path, const struct path *to_path)`
#[lsm(hook = "move_mount")]
pub(crate) fn move_mount(ctx: LsmContext) -> i32 {
    judge_unless(ctx.arg::<i32>(2), Act::Mount)
}

/// `umount(2)`. `int security_sb_umount(struct vfsmount *mnt, int flags)`
#[lsm(hook = "sb_umount")]
pub(crate) fn sb_umount(ctx: LsmContext) -> i32 {
    judge_unless(ctx.arg::<i32>(2), Act::Mount)
}

/// A file system is made ready to be mounted, also by `fsconfig(2)`: it can be used without being mounted anywhere.
/// `int security_sb_set_mnt_opts(struct super_block *sb, void *mnt_opts, unsigned long kern_flags, unsigned long *set_kern_flags)`
#[lsm(hook = "sb_set_mnt_opts")]
pub(crate) fn sb_set_mnt_opts(ctx: LsmContext) -> i32 {
    judge_unless(ctx.arg::<i32>(4), Act::Mount)
}

/// Tracing, and writing to another process's memory. Looking at it, as `ps` does, goes on.
/// `int security_ptrace_access_check(struct task_struct *child, unsigned int mode)`
#[lsm(hook = "ptrace_access_check")]
pub(crate) fn ptrace_access_check(ctx: LsmContext) -> i32 {
    const PTRACE_MODE_ATTACH: u32 = 2;
    let said = ctx.arg::<i32>(2);
    if said != 0 || ctx.arg::<u32>(1) & PTRACE_MODE_ATTACH == 0 {
        return said;
    }
    // SAFETY: the hook's first argument.
    let child = unsafe { Task::new(ctx.arg::<*const c_void>(0)) };
    let own = label::of_current_task();
    if own == 0 || label::of_task(child) != own {
        let action = judge_act(Act::Trace);
        if action.blocks() {
            return enforce_on_machine(action);
        }
    }
    enforce_on_machine(judge_tracing())
}

/// A child that lets its parent trace it. `int security_ptrace_traceme(struct task_struct *parent)`
#[lsm(hook = "ptrace_traceme")]
pub(crate) fn ptrace_traceme(ctx: LsmContext) -> i32 {
    let said = ctx.arg::<i32>(1);
    if said != 0 {
        return said;
    }
    enforce_on_machine(judge_tracing())
}

/// Signals to the loader and to PID 1.
/// `int security_task_kill(struct task_struct *p, struct kernel_siginfo *info, int sig, const struct cred *cred)`
#[lsm(hook = "task_kill")]
pub(crate) fn task_kill(ctx: LsmContext) -> i32 {
    const PID_1: u32 = 1;
    let said = ctx.arg::<i32>(4);
    // Signal 0 only asks whether the process is there.
    if said != 0 || ctx.arg::<i32>(2) == 0 {
        return said;
    }
    // SAFETY: the hook's first argument.
    let to = unsafe { Task::new(ctx.arg::<*const c_void>(0)) }.tgid();
    if to != PID_1 && to != loader() {
        return 0;
    }
    enforce_on_machine(judge_act(Act::Signal))
}

/// Connections to services that do as root asks.
/// `int security_unix_stream_connect(struct sock *sock, struct sock *other, struct sock *newsk)`
#[lsm(hook = "unix_stream_connect")]
pub(crate) fn unix_stream_connect(ctx: LsmContext) -> i32 {
    let said = ctx.arg::<i32>(3);
    if said != 0 || !CurrentTask::get().is_privileged() {
        return said;
    }
    let socket = UnixSocket::at(ctx.arg::<u64>(1)).file();
    if socket == Inode::NOBODY {
        return 0;
    }
    enforce_on_machine(judge(Act::AskService, &socket))
}

/// Judges an act unless it has been denied already.
#[inline(always)]
fn judge_unless(said: i32, act: Act) -> i32 {
    if said != 0 {
        return said;
    }
    enforce_on_machine(judge_act(act))
}

/// Judges an act of the current task.
#[inline(always)]
pub(crate) fn judge_act(act: Act) -> Action {
    if !CurrentTask::get().is_privileged() {
        return Action::Allow;
    }
    judge(act, &Inode::NOBODY)
}

/// What the policies say to an act of a privileged task; of [`Act::AskService`] with the file that the socket is bound to.
#[inline(always)]
fn judge(act: Act, socket: &InodeId) -> Action {
    let mut judges = Judges::none(Operations::NONE.with(Operation::Administer), zero());
    judges.find();
    if judges.unknown != 0 {
        return Action::Deny;
    }
    let strictest = judges.strictest(|policy| {
        if matches!(act, Act::AskService) { ask_about_socket(policy, socket) } else { ask(policy) }
    });
    let verdict = strictest.verdict();
    if verdict.action() != Action::Allow {
        settle(&judges, strictest.by, verdict, act as u8);
    }
    verdict.action()
}

/// A tracer can write code, so tracing goes by the rule for executable memory.
#[inline(always)]
fn judge_tracing() -> Action {
    let mut judges = Judges::none(Operations::NONE.with(Operation::Execute), zero());
    judges.find();
    if judges.unknown != 0 {
        return Action::Deny;
    }
    let strictest = judges.strictest(judge_memory);
    let verdict = strictest.verdict();
    if verdict.action() != Action::Allow {
        settle_tracing(&judges, strictest.by, verdict);
    }
    verdict.action()
}

#[inline(never)]
fn settle_tracing(judges: &Judges, judge: u32, verdict: Verdict) {
    let Some(scope) = scope_of_cgroup(judges.cgroup(judge)) else { return };
    if verdict.action().blocks() {
        scope.count_blocked();
    }
    record_memory(&scope, judges.slot(judge), verdict);
}

#[inline(never)]
fn ask(policy: &Policy) -> u64 {
    let rules = PolicyRules::new(policy);
    let verdict = decide_administration(&rules);
    Decision { verdict, group: 0 }.to_bits().wrapping_add(rules.zero())
}

#[inline(never)]
fn ask_about_socket(policy: &Policy, socket: &InodeId) -> u64 {
    let rules = PolicyRules::new(policy);
    let verdict = decide_socket(&rules, *socket);
    Decision { verdict, group: 0 }.to_bits().wrapping_add(rules.zero())
}

/// Counts and reports what was not simply allowed. A function of its own for the stack's sake.
#[inline(never)]
fn settle(judges: &Judges, judge: u32, verdict: Verdict, act: u8) {
    let Some(scope) = scope_of_cgroup(judges.cgroup(judge)) else { return };
    if verdict.action().blocks() {
        scope.count_blocked();
    }
    record_act(&scope, judges.slot(judge), verdict, act);
}
