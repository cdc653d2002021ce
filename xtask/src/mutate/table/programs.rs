// SPDX-License-Identifier: MIT OR Apache-2.0
//! Of executing programs, by whatever way.

use super::{
    ADMINISTRATION, ARGUMENTS, DECIDE, EXEC, KERNEL_FILE, MAPPING, Mutation, OPEN, RULE, TEXT, without,
};

pub(super) const EXECUTION: &[Mutation] = &[without(
    "bprm_check_security",
    "executions are not judged",
    EXEC,
    "enforce(judge_execution(bprm, began_ns))",
    "{
        judge_execution(bprm, began_ns);
        enforce(Action::Allow)
    }",
)];

pub(super) const KINDS_OF_RULES: &[Mutation] = &[
    without(
        "sieve-programs",
        "the sieve is taken to hold all rules, of whatever kind",
        RULE,
        "self.0 & !all.0 == 0",
        "{
            let _all = all;
            true
        }",
    ),
    without(
        "bprm_committed_creds",
        "conditions on arguments are not looked at",
        EXEC,
        "if try_bprm_committed_creds(bprm).blocks() {",
        "if try_bprm_committed_creds(bprm).blocks() && false {",
    ),
    without(
        "tree",
        "directories above are not looked at",
        DECIDE,
        "self.add_file(rules, |inode| RuleKey::tree(operation, inode), directory, numbered);",
        "",
    ),
    without(
        "directory",
        "the directory that a file is in is not looked at",
        DECIDE,
        "if self.level == 0 && self.contents.has(Contents::DIRECTORIES) {",
        "if false {",
    ),
    without(
        "name",
        "names are not looked at",
        DECIDE,
        "TextLookup::Known(name) => self.add_text(rules, &RuleKey::name(self.operation, name)),",
        "TextLookup::Known(_) => {}",
    ),
    without(
        "any-argument",
        "conditions on any argument never hold",
        ARGUMENTS,
        "self.met |= rules.get(&RuleKey::argument_anywhere(self.group, text));",
        "",
    ),
    without(
        "script-with-conditions",
        "scripts that there are conditions for run",
        EXEC,
        "bits = judge_script(rules.map());",
        "bits = Decision { verdict: Verdict::new(Action::Allow, 0), group: 0 }.to_bits();",
    ),
];

pub(super) const ARGUMENTS_BEYOND: &[Mutation] = &[
    without(
        "too-many-arguments",
        "with more arguments than are looked at no condition holds",
        ARGUMENTS,
        "if count > ARGUMENTS_MAX { UNREADABLE } else { rules.get(&RuleKey::argument_count(group, count)) }",
        "rules.get(&RuleKey::argument_count(group, count))",
    ),
    without(
        "too-long-arguments",
        "arguments that are too long are cut and looked at",
        TEXT,
        "(len > 0 && len < TEXT_BUFFER_BYTES as i64).then(",
        "(len > 0).then(",
    ),
];

pub(super) const MAPPINGS: &[Mutation] = &[
    without(
        "sieve-mapping",
        "the sieve is taken to hold no program that is mapped",
        MAPPING,
        "&& !is_held(Grain::of_inode(file.inode().number()))",
        "",
    ),
    without(
        "mmap_file",
        "mapping a program is not judged as executing it",
        MAPPING,
        "    if ctx.arg::<u64>(2) & PROT_WRITE != 0 || file.inode().is_nameless() {
        let action = try_memory();
        if action.blocks() {
            return enforce(action);
        }
    }
    enforce(try_mapping(file))",
        "    try_mapping(file);
    enforce(Action::Allow)",
    ),
    without(
        "file_mprotect",
        "making a mapped program executable afterwards is not judged",
        MAPPING,
        "    if memory.is_changed() || ctx.arg::<u64>(2) & PROT_WRITE != 0 || file.inode().is_nameless() {
        let action = try_memory();
        if action.blocks() {
            return enforce(action);
        }
    }
    enforce(try_mapping(file))",
        "    try_mapping(file);
    enforce(Action::Allow)",
    ),
    without(
        "linker-of-own-program",
        "the file that anybody's own program names as its dynamic linker is not judged",
        MAPPING,
        "if program.is(file) || !program.inode().is_untrusted(owner) { 1 } else { 0 }",
        "1",
    ),
    without(
        "mapping-with-conditions",
        "a program with conditions on its arguments can be mapped",
        DECIDE,
        "if self.group != 0 {
            Verdict::ARGUMENTS_OF_MAPPING.under(contents)
        } else if self.verdict.rule == 0 {",
        "if self.verdict.rule == 0 {",
    ),
];

pub(super) const MEMORY: &[Mutation] = &[
    without(
        "memory-anonymous",
        "memory that is no file's can be mapped executable",
        MAPPING,
        "if is_file.unwrap_or(0) == 0 || !file.is_there() {
        return enforce(try_memory());",
        "if is_file.unwrap_or(0) == 0 || !file.is_there() {
        return enforce(Action::Allow);",
    ),
    without(
        "memory-anonymous-later",
        "memory that is no file's can be made executable",
        MAPPING,
        "let file = memory.file();
    if !file.is_there() {
        return enforce(try_memory());",
        "let file = memory.file();
    if !file.is_there() {
        return enforce(Action::Allow);",
    ),
    without(
        "memory-writable",
        "a file can be mapped to be written and executed",
        MAPPING,
        "if ctx.arg::<u64>(2) & PROT_WRITE != 0 || file.inode().is_nameless() {",
        "if file.inode().is_nameless() {",
    ),
    without(
        "memory-nameless",
        "a file without a name can be mapped executable",
        MAPPING,
        "if ctx.arg::<u64>(2) & PROT_WRITE != 0 || file.inode().is_nameless() {",
        "if ctx.arg::<u64>(2) & PROT_WRITE != 0 {",
    ),
    without(
        "memory-changed",
        "one's own changed copy of a file's memory can be made executable",
        MAPPING,
        "if memory.is_changed() || ctx.arg::<u64>(2) & PROT_WRITE != 0 || file.inode().is_nameless() {",
        "if ctx.arg::<u64>(2) & PROT_WRITE != 0 || file.inode().is_nameless() {",
    ),
    without(
        "memory-writable-later",
        "a file's memory can be made writable and executable",
        MAPPING,
        "if memory.is_changed() || ctx.arg::<u64>(2) & PROT_WRITE != 0 || file.inode().is_nameless() {",
        "if memory.is_changed() || file.inode().is_nameless() {",
    ),
    without(
        "memory-nameless-later",
        "memory that processes share can be made executable",
        MAPPING,
        "if memory.is_changed() || ctx.arg::<u64>(2) & PROT_WRITE != 0 || file.inode().is_nameless() {",
        "if memory.is_changed() || ctx.arg::<u64>(2) & PROT_WRITE != 0 {",
    ),
    without(
        "memory-of-process",
        "code can be written by /proc/PID/mem",
        OPEN,
        "if opened_for.has_any(WRITE) && file.inode().is_of_processes() && file.dentry().is_named_mem() {",
        "if false {",
    ),
    without(
        "tracing",
        "a process of the session can be traced, and its code written",
        ADMINISTRATION,
        "    enforce_on_machine(judge_tracing())
}

/// A child that lets",
        "    0
}

/// A child that lets",
    ),
    hook!("ptrace_traceme", "a process can let its parent trace it", ADMINISTRATION),
];

pub(super) const UNTRUSTED: &[Mutation] = &[
    without(
        "untrusted-owner",
        "what the person of the session owns is trusted if their user id is a system account's",
        KERNEL_FILE,
        "(uid == owner && uid != 0)
            || uid >= PEOPLE",
        "uid >= PEOPLE",
    ),
    without(
        "untrusted-people",
        "what other people own is trusted",
        KERNEL_FILE,
        "(uid == owner && uid != 0)
            || uid >= PEOPLE",
        "(uid == owner && uid != 0)",
    ),
    without(
        "untrusted-nameless",
        "what has no name any more is trusted",
        KERNEL_FILE,
        "
            || names == 0",
        "",
    ),
    without(
        "untrusted-others",
        "what everybody may write is trusted",
        KERNEL_FILE,
        "
            || mode & OTHERS_WRITE != 0",
        "",
    ),
    without(
        "untrusted-group",
        "what a group may write is trusted",
        KERNEL_FILE,
        "
            || group_writes",
        "",
    ),
    without(
        "untrusted-namespace",
        "what was mounted in a user namespace is trusted",
        KERNEL_FILE,
        "self.is_of_user_namespace() || magic == FUSE_SUPER_MAGIC",
        "magic == FUSE_SUPER_MAGIC",
    ),
    without(
        "untrusted-fuse",
        "what is on FUSE is trusted",
        KERNEL_FILE,
        "self.is_of_user_namespace() || magic == FUSE_SUPER_MAGIC",
        "self.is_of_user_namespace()",
    ),
];
