// SPDX-License-Identifier: MIT OR Apache-2.0
//! Of what would free somebody of a policy.

use super::{ADMINISTRATION, EXEC, INQUIRY, KERNEL_TASK, LABEL, Mutation, OPEN, SCOPE, without};

pub(super) const THE_KERNEL: &[Mutation] = &[
    without("bpf", "root may use bpf(2)", ADMINISTRATION, "enforce_on_machine(judge_act(Act::Bpf))", "0"),
    hook!("kernel_load_data", "root may load modules from memory, and kexec", ADMINISTRATION),
    hook!("kernel_read_file", "root may load modules from files", ADMINISTRATION),
    hook!("locked_down", "root may read and write the kernel's memory", ADMINISTRATION),
    without(
        "root-not-by-uid",
        "capabilities of the first user namespace are not looked at, so that they can be kept without being root",
        KERNEL_TASK,
        "if level == 0 && permitted & !EVERYBODYS != 0 {",
        "if false {",
    ),
];

pub(super) const MOUNTS: &[Mutation] = &[
    hook!("sb_mount", "root may mount", ADMINISTRATION),
    hook!("move_mount", "root may move mounts", ADMINISTRATION),
    hook!("sb_umount", "root may unmount", ADMINISTRATION),
    hook!("sb_set_mnt_opts", "root may use file systems that are mounted nowhere", ADMINISTRATION),
];

pub(super) const OTHER_PROCESSES: &[Mutation] = &[
    hook!("ptrace_access_check", "root may trace processes outside of the session", ADMINISTRATION),
    hook!("task_kill", "root may send signals to anybody", ADMINISTRATION),
    without(
        "signals-to-pid-1",
        "root may send signals to PID 1",
        ADMINISTRATION,
        "if to != PID_1 && to != loader() {",
        "if to != loader() {",
    ),
    without(
        "signals-to-loader",
        "root may send signals to the loader",
        ADMINISTRATION,
        "if to != PID_1 && to != loader() {",
        "if to != PID_1 {",
    ),
];

pub(super) const PLACES: &[Mutation] = &[
    without(
        "disks",
        "root may write disks",
        OPEN,
        "if opened_for.has_any(WRITE) && scope.judges(ADMINISTER) && file.inode().is_disk() {",
        "if false {",
    ),
    without(
        "clone-into-cgroup",
        "root may have a child made in another cgroup",
        LABEL,
        "if ctx.arg::<u64>(1) & CLONE_INTO_CGROUP != 0 {",
        "if false {",
    ),
    without(
        "roots-files",
        "root may do anything with files in a session",
        SCOPE,
        "!(is_root() && (is_setting_up(counters) || is_service(counters)))",
        "!is_root()",
    ),
    without(
        "roots-places",
        "places that root must not touch are not looked at",
        INQUIRY,
        "if question & OPERATION == Operation::Administer as u32 && question & PRIVILEGED == 0 {",
        "if question & OPERATION == Operation::Administer as u32 {",
    ),
    without(
        "roots-places-opened",
        "root may open places for writing that no other rule is about",
        OPEN,
        "let asked = if opened_for.has_any(WRITE) { opened_for.and(ADMINISTER) } else { opened_for };",
        "let asked = opened_for;",
    ),
    without(
        "roots-file-moved",
        "a file of root's can be moved to such places by a process that has given up root's rights",
        INQUIRY,
        "self.flags |= moves_file_of_root(self.first) as u32;",
        "",
    ),
];

pub(super) const LABELS: &[Mutation] = &[
    hook!("task_alloc", "children have no label", LABEL),
    hook!("bprm_check_outside", "who was moved out of a session executes what they like", LABEL),
    hook!("mmap_outside", "who was moved out of a session maps what they like", LABEL),
    hook!("mprotect_outside", "who was moved out of a session makes executable what they like", LABEL),
    without("label", "nobody gets a label", EXEC, "    scope.label_task();\n", ""),
    without(
        "files-by-label",
        "labels are not looked at where nobody's cgroup is found",
        SCOPE,
        "if self.has_scope == 0 {",
        "if false {",
    ),
    without(
        "conditions-by-label",
        "a program with conditions on its arguments can be executed by whoever was moved out of a session",
        LABEL,
        "let verdict = if MAPPED || decision.group != 0 {",
        "let verdict = if MAPPED {",
    ),
];
