// SPDX-License-Identifier: MIT OR Apache-2.0
//! What can be taken out of the kernel half, and the test that has to notice. Data only.
//!
//! A mutation leaves the rest of its program as it is where that uses a scope: the kernel makes scopes only for programs that do.

use crate::guest::Kernel;

/// A check that is taken out.
pub(super) struct Mutation {
    /// What it is called on the command line.
    pub(super) name: &'static str,
    /// What is gone, in a sentence.
    pub(super) gone: &'static str,
    edit: Edit,
    also: Option<Edit>,
    /// The kernel that it has to be tried on, where others do not call the program.
    pub(super) kernel: Option<Kernel>,
}

/// A change of a source file.
pub(super) struct Edit {
    /// Its path in the source tree.
    pub(super) file: &'static str,
    /// Text that occurs there once.
    pub(super) text: &'static str,
    /// What stands there instead.
    pub(super) with: &'static str,
}

impl Mutation {
    /// All changes.
    pub(super) fn edits(&self) -> impl Iterator<Item = &Edit> {
        [Some(&self.edit), self.also.as_ref()].into_iter().flatten()
    }

    /// Whether both change the same text, or one text that holds the other.
    pub(super) fn touches(&self, other: &Self) -> bool {
        self.edits().any(|one| {
            other.edits().any(|another| {
                one.file == another.file
                    && (one.text.contains(another.text) || another.text.contains(one.text))
            })
        })
    }

    /// The mutation with another check gone that would stop the same.
    const fn also(self, file: &'static str, text: &'static str, with: &'static str) -> Self {
        Self { also: Some(Edit { file, text, with }), ..self }
    }

    /// The mutation, on this kernel only.
    const fn on(self, kernel: Kernel) -> Self {
        Self { kernel: Some(kernel), ..self }
    }
}

/// A mutation of one place.
const fn without(
    name: &'static str,
    gone: &'static str,
    file: &'static str,
    text: &'static str,
    with: &'static str,
) -> Mutation {
    Mutation { name, gone, edit: Edit { file, text, with }, also: None, kernel: None }
}

/// A program for the whole machine that lets everything go on.
macro_rules! hook {
    ($function:literal, $gone:literal, $file:expr) => {
        without(
            $function,
            $gone,
            $file,
            concat!("pub(crate) fn ", $function, "(ctx: LsmContext) -> i32 {\n"),
            concat!("pub(crate) fn ", $function, "(ctx: LsmContext) -> i32 {\n    return 0;\n"),
        )
    };
}

const ADMINISTRATION: &str = "sac-bpf/src/administration.rs";
const CONNECT: &str = "sac-bpf/src/connect.rs";
const CONTENT: &str = "sac-bpf/src/content.rs";
const EXEC: &str = "sac-bpf/src/exec.rs";
const FILES: &str = "sac-bpf/src/files.rs";
const INQUIRY: &str = "sac-bpf/src/inquiry.rs";
const KERNEL_FILE: &str = "sac-bpf/src/kernel/file.rs";
const KERNEL_TASK: &str = "sac-bpf/src/kernel/task.rs";
const LABEL: &str = "sac-bpf/src/label.rs";
const MAPPING: &str = "sac-bpf/src/mapping.rs";
const OPEN: &str = "sac-bpf/src/open.rs";
const SCOPE: &str = "sac-bpf/src/scope.rs";
const TEXT: &str = "sac-bpf/src/text.rs";
const DECIDE: &str = "sac-abi/src/decide.rs";
const SIFTING: &str = "sac-abi/src/sieve.rs";
const RULE: &str = "sac-abi/src/rule.rs";
const SLOTS: &str = "sac-loader/src/bpf/slots.rs";
const ADDRESS: &str = "sac-abi/src/decide/address.rs";
const ARGUMENTS: &str = "sac-abi/src/decide/arguments.rs";

/// Mutations by the test that has to notice.
pub(super) const TABLE: &[(&str, &[Mutation])] = &[
    ("executions::actions", EXECUTION),
    (
        "executions::other_ways_to_name_a_file",
        &[
            without(
                "file-itself",
                "a rule for a file does not hold for the file by its other names",
                DECIDE,
                "self.add_file(rules, |inode| RuleKey::inode(operation, inode), inode, true);",
                "",
            ),
            without(
                "sieve-program",
                "the sieve is asked about a program's name alone, and not about the program itself",
                EXEC,
                "is_held(Grain::of_inode(file.inode().number()))
        ||",
                "",
            ),
        ],
    ),
    (
        "executions::other_files_in_its_place",
        &[
            without(
                "file-at-path",
                "a rule for a program does not hold for another file at its path",
                DECIDE,
                "TextLookup::Known(path) => self.add_text(rules, &RuleKey::path(self.operation, path)),",
                "TextLookup::Known(_) => {}",
            ),
            without(
                "sieve-path",
                "the sieve is not asked how a program's path ends",
                EXEC,
                "is_none_or(|name| is_held(Grain::of_name(name)))",
                "is_none()",
            ),
            without(
                "sieve-mounted",
                "a program that is mounted somewhere is taken for having its own name there",
                KERNEL_FILE,
                "if place.root_of_mount().is(dentry) {",
                "if false && place.root_of_mount().is(dentry) {",
            ),
        ],
    ),
    (
        "executions::allow_list",
        &[without(
            "default",
            "what no rule names is allowed, whatever the policy's default is",
            DECIDE,
            "let value = if self.permission == 0 { policy } else { RuleValue::from_bits(self.permission) };",
            "if self.permission == 0 {
            return Decision { verdict: Verdict::new(Action::Allow, 0), group: self.group as u32 };
        }
        let value = RuleValue::from_bits(self.permission);",
        )],
    ),
    (
        "restart::a_policy_that_no_set_has",
        &[without(
            "sieve-earlier",
            "what an earlier loader has put into the sieve goes although one of its policies stays",
            SLOTS,
            "if self.used()?.iter().all(|slot| self.published.contains_key(&slot.0)) {",
            "if self.used().is_ok() {",
        )],
    ),
    ("policies::each_kind_of_rule", KINDS_OF_RULES),
    ("policies::arguments_beyond_the_limits", ARGUMENTS_BEYOND),
    (
        "policies::policy_changes_within_an_execution",
        &[without(
            "second-judgement",
            "the second hook of an execution looks at conditions alone, and not at the whole policy again",
            EXEC,
            "bits = judge_conditions(rules.map(), bits, matching);
            judgement.open = 1;
        }",
            "bits = judge_conditions(rules.map(), bits, matching);
            judgement.open = 1;
        } else {
            bits = Decision { verdict: Verdict::new(Action::Allow, 0), group: 0 }.to_bits();
        }",
        )],
    ),
    (
        "nested::root_by_sudo_and_su",
        &[without(
            "roots-window",
            "what root executes in a session is the login service's own for as long as the session lasts",
            SCOPE,
            "if !is_root() && is_setting_up(session) {",
            "if false {",
        )],
    ),
    (
        "slices::services_and_scopes_of_the_user",
        &[without(
            "users-slice",
            "what is executed in a user's slice outside of sessions is not judged",
            EXEC,
            "if scope.is_roots_own() || scope.is_judged_by_session() { PASS } else { JUDGE }",
            "if scope.is_roots_own() || matches!(scope.layer, sac_abi::scope::Layer::User) { PASS } else { JUDGE }",
        )],
    ),
    (
        "slices::root_in_the_slice",
        &[
            without(
                "users-slice-root",
                "in a user's slice root is not judged, whoever became root",
                SCOPE,
                "None => CurrentTask::get().is_of_no_login(),",
                "None => true,",
            ),
            without(
                "users-slice-root-files",
                "in a user's slice root may do anything with files, whoever became root",
                SCOPE,
                "if is_root() && (has_executed_nothing_here() || CurrentTask::get().is_of_no_login()) => {}",
                "if is_root() => {}",
            ),
        ],
    ),
    (
        "operations::outside_of_the_session",
        &[without(
            "users-slice-files",
            "operations on files in a user's slice outside of sessions are not judged",
            SCOPE,
            "if is_root() && (has_executed_nothing_here() || CurrentTask::get().is_of_no_login()) => {}",
            "if true => {}",
        )],
    ),
    ("operations::files", FILE_QUESTIONS),
    ("operations::single_files", SIEVE),
    ("operations::files_by_system_calls", FILE_HOOKS),
    ("operations::mapping_a_denied_program", MAPPINGS),
    ("operations::executable_memory", MEMORY),
    ("operations::connections", CONNECTIONS),
    (
        "operations::untrusted",
        &[without(
            "untrusted",
            "it does not matter whether a program is untrusted",
            DECIDE,
            "if contents.has(Contents::UNTRUSTED) && object.is_untrusted() {",
            "if false && object.is_untrusted() {",
        )],
    ),
    ("operations::each_reason_to_be_untrusted", UNTRUSTED),
    ("confined::the_kernel", THE_KERNEL),
    ("confined::mounts", MOUNTS),
    ("confined::other_processes", OTHER_PROCESSES),
    (
        "confined::services",
        &[hook!("unix_stream_connect", "root may ask services to do something outside", ADMINISTRATION)],
    ),
    ("confined::files_and_disks", PLACES),
    ("confined::labelled", LABELS),
    (
        "record::outside_of_the_cgroup",
        &[hook!("bprm_committed_outside", "who was moved out of a session executes without a record", LABEL)],
    ),
    (
        "record::strict",
        // Either of them is enough.
        &[without(
            "strict",
            "what cannot be recorded is executed all the same",
            EXEC,
            "if scope.is_strict() && has_room() == 0 {",
            "if scope.is_strict() && has_room() == u64::MAX {",
        )
        .also(
            EXEC,
            "if tell_in_this_scope(bprm) == LOST && scope.is_strict() {",
            "if tell_in_this_scope(bprm) == u64::MAX && scope.is_strict() {",
        )],
    ),
    (
        "record::strict_outside_of_the_cgroup",
        &[
            without(
                "strict-outside",
                "who was moved out of a session executes what cannot be recorded all the same",
                LABEL,
                "        settle_unrecorded_outside(bprm);\n        kill();\n",
                "        settle_unrecorded_outside(bprm);\n",
            ),
            without(
                "told-strict-outside",
                "nothing says why a program of who was moved out of a session was killed",
                LABEL,
                "        settle_unrecorded_outside(bprm);\n",
                "",
            ),
        ],
    ),
    (
        "sinks::receivers_that_go_and_come_back",
        &[without(
            "judged-time",
            "nothing says how long executions are judged",
            LABEL,
            "label.judged_ns = label.judged_ns.wrapping_add(took_ns);",
            "let _ = (label, took_ns);",
        )],
    ),
    (
        "confined::labelled_in_a_slice",
        &[without(
            "second-by-label",
            "who was moved out of a user's slice is judged by one of the slice's policies only",
            LABEL,
            "let slot = judges.slot(index);",
            "let slot = if index == 0 { judges.slot(0) } else { 0 };",
        )],
    ),
    ("confined::content", &[hook!("bprm_content", "rules by content are not looked at", CONTENT)]),
];

const EXECUTION: &[Mutation] = &[without(
    "bprm_check_security",
    "executions are not judged",
    EXEC,
    "enforce(judge_execution(bprm, began_ns))",
    "{
        judge_execution(bprm, began_ns);
        enforce(Action::Allow)
    }",
)];

const KINDS_OF_RULES: &[Mutation] = &[
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

const ARGUMENTS_BEYOND: &[Mutation] = &[
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

const FILE_QUESTIONS: &[Mutation] = &[
    without(
        "file_open",
        "opening files is not judged",
        OPEN,
        "enforce(try_file_open(file))",
        "{
        try_file_open(file);
        enforce(Action::Allow)
    }",
    ),
    without(
        "sieve-trees",
        "the sieve is asked also where it knows nothing of trees and names",
        OPEN,
        "scope.sifts(asked) && is_in_no_rule(file)",
        "is_in_no_rule(file)",
    ),
    without(
        "tree-itself",
        "a tree's own directory is not in it",
        DECIDE,
        "self.add_restriction(RuleValue::from_bits(bits), rules.zero());",
        "",
    ),
    without(
        "entry",
        "names in directories are not looked at, so that what is not there can be made",
        DECIDE,
        "self.add_file(rules, |inode| RuleKey::entry(operation, inode, name), directory, numbered);",
        "",
    ),
    without(
        "too-deep",
        "what lies deeper than is looked at is in no tree",
        DECIDE,
        "if search.is_at_top == 0 {",
        "if false {",
    ),
    without(
        "rename-read",
        "what may not be read can be moved away",
        FILES,
        ".of_first(Operation::Read)
        .of_first(Operation::Write)
        .of_first(Operation::Delete);",
        ".of_first(Operation::Write)
        .of_first(Operation::Delete);",
    ),
    without(
        "rename-write",
        "what may not be written can be moved away",
        FILES,
        ".of_first(Operation::Read)
        .of_first(Operation::Write)
        .of_first(Operation::Delete);",
        ".of_first(Operation::Read)
        .of_first(Operation::Delete);",
    ),
    without(
        "rename-delete",
        "what may not be deleted can be moved away",
        FILES,
        ".of_first(Operation::Read)
        .of_first(Operation::Write)
        .of_first(Operation::Delete);",
        ".of_first(Operation::Read)
        .of_first(Operation::Write);",
    ),
    without(
        "rename-rename",
        "what may not be renamed can be, to a free name",
        FILES,
        "AWAY.of_second(Operation::Create).of_first(Operation::Rename);",
        "AWAY.of_second(Operation::Create);",
    ),
    without(
        "rename-create",
        "something can be moved to where nothing may be created",
        FILES,
        "AWAY.of_second(Operation::Create).of_first(Operation::Rename);",
        "AWAY.of_first(Operation::Rename);",
    ),
    without(
        "rename-over",
        "something can be moved over what may not be written or deleted",
        FILES,
        "AWAY.of_second(Operation::Write).of_second(Operation::Delete).of_first(Operation::Rename);",
        "AWAY.of_first(Operation::Rename);",
    ),
    without(
        "link-read",
        "what may not be read can get another name",
        FILES,
        ".of_first(Operation::Read)
        .of_first(Operation::Write)
        .of_second(Operation::Create);",
        ".of_first(Operation::Write)
        .of_second(Operation::Create);",
    ),
    without(
        "link-write",
        "what may not be written can get another name",
        FILES,
        ".of_first(Operation::Read)
        .of_first(Operation::Write)
        .of_second(Operation::Create);",
        ".of_first(Operation::Read)
        .of_second(Operation::Create);",
    ),
    without(
        "link-create",
        "something can get a name where nothing may be created",
        FILES,
        ".of_first(Operation::Read)
        .of_first(Operation::Write)
        .of_second(Operation::Create);",
        ".of_first(Operation::Read)
        .of_first(Operation::Write);",
    ),
    without(
        "hidden",
        "a file that an overlay of one's own opens is taken for what its path says",
        INQUIRY,
        "if question & HIDDEN != 0 {",
        "if false {",
    )
    .on(Kernel::V6_1),
];

const SIEVE: &[Mutation] = &[
    without(
        "sieve-file",
        "the sieve is asked about the directory alone",
        SIFTING,
        "!Grain::of_inode(file).is_held(&word) && !Grain::of_inode(directory).is_held(&word)",
        "{
        let _file = file;
        !Grain::of_inode(directory).is_held(&word)
    }",
    ),
    without(
        "sieve-directory",
        "the sieve is asked about the file alone",
        SIFTING,
        "!Grain::of_inode(file).is_held(&word) && !Grain::of_inode(directory).is_held(&word)",
        "{
        let _directory = directory;
        !Grain::of_inode(file).is_held(&word)
    }",
    ),
    without(
        "sieve-hidden",
        "the sieve is asked about a file by what its path says",
        OPEN,
        "dentry.is_of(inode) && falls_through",
        "falls_through",
    )
    .on(Kernel::V6_1),
];

const FILE_HOOKS: &[Mutation] = &[
    hook!("inode_create", "creating files is not judged", FILES),
    hook!("inode_mkdir", "making directories is not judged", FILES),
    hook!("inode_mknod", "making pipes, sockets and devices is not judged", FILES),
    hook!("inode_symlink", "making symbolic links is not judged", FILES),
    hook!("inode_link", "making hard links is not judged", FILES),
    hook!("inode_unlink", "removing files is not judged", FILES),
    hook!("inode_rmdir", "removing directories is not judged", FILES),
    hook!("inode_rename", "renaming is not judged", FILES),
    hook!("inode_setattr_of_two", "changing size, owner and mode is not judged", FILES).on(Kernel::V6_1),
    hook!("inode_setattr_of_three", "changing size, owner and mode is not judged", FILES).on(Kernel::V6_12),
    hook!("inode_setxattr", "setting extended attributes is not judged", FILES),
    hook!("inode_removexattr", "removing extended attributes is not judged", FILES),
    hook!("inode_set_acl", "setting lists of permissions is not judged", FILES).on(Kernel::V6_12),
    hook!("inode_remove_acl", "removing lists of permissions is not judged", FILES).on(Kernel::V6_12),
    without(
        "emptied-when-opened",
        "a file can be emptied by opening it; the kernel also takes that for a change of its size",
        KERNEL_FILE,
        "if mode & FMODE_WRITE != 0 || flags & O_TRUNC != 0 {",
        "if mode & FMODE_WRITE != 0 {",
    )
    .also(KERNEL_FILE, "const ATTRIBUTES: u32 = 1 | 2 | 4 | 8;", "const ATTRIBUTES: u32 = 1 | 2 | 4;"),
];

const MAPPINGS: &[Mutation] = &[
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

const MEMORY: &[Mutation] = &[
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

const CONNECTIONS: &[Mutation] = &[
    hook!("socket_connect", "connecting is not judged", CONNECT),
    hook!("socket_sendmsg", "sending to an address is not judged", CONNECT),
    without(
        "no-family",
        "an address of no family is not taken for one of the socket's",
        CONNECT,
        "let family = if given.family == AF_UNSPEC { or_else } else { given.family };",
        "let family = given.family;",
    ),
    without(
        "unspecified-v4",
        "0.0.0.0 is not taken for the machine itself",
        ADDRESS,
        "let address = if address == 0 { LOOPBACK } else { address };",
        "",
    ),
    without(
        "unspecified-v6",
        "the unspecified IPv6 address is not taken for the machine itself",
        ADDRESS,
        "let low = if high == 0 && low == 0 { 1 } else { low };",
        "",
    ),
    without(
        "mapped-v4",
        "an IPv4 address in an IPv6 one is not taken for the former",
        ADDRESS,
        "if high == 0 && low >> 32 == 0xffff {",
        "if false {",
    ),
];

const UNTRUSTED: &[Mutation] = &[
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

const THE_KERNEL: &[Mutation] = &[
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

const MOUNTS: &[Mutation] = &[
    hook!("sb_mount", "root may mount", ADMINISTRATION),
    hook!("move_mount", "root may move mounts", ADMINISTRATION),
    hook!("sb_umount", "root may unmount", ADMINISTRATION),
    hook!("sb_set_mnt_opts", "root may use file systems that are mounted nowhere", ADMINISTRATION),
];

const OTHER_PROCESSES: &[Mutation] = &[
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

const PLACES: &[Mutation] = &[
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

const LABELS: &[Mutation] = &[
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
