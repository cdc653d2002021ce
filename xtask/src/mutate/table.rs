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

mod confinement;
mod files;
mod programs;

use self::confinement::{LABELS, MOUNTS, OTHER_PROCESSES, PLACES, THE_KERNEL};
use self::files::{CONNECTIONS, FILE_HOOKS, FILE_QUESTIONS, SIEVE};
use self::programs::{ARGUMENTS_BEYOND, EXECUTION, KINDS_OF_RULES, MAPPINGS, MEMORY, UNTRUSTED};

const ADMINISTRATION: &str = "sac-bpf/src/administration.rs";
const CONNECT: &str = "sac-bpf/src/connect.rs";
const CONTENT: &str = "sac-bpf/src/content.rs";
const EXEC: &str = "sac-bpf/src/exec.rs";
const FILES: &str = "sac-bpf/src/files.rs";
const INQUIRY: &str = "sac-bpf/src/inquiry.rs";
const KERNEL_FILE: &str = "sac-bpf/src/kernel/file.rs";
const KERNEL_TASK: &str = "sac-bpf/src/kernel/task.rs";
const LABEL: &str = "sac-bpf/src/label.rs";
const LIFETIME: &str = "sac-bpf/src/lifetime.rs";
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
        "root::scripts_of_the_login_run",
        &[without(
            "roots-own",
            "what root does to set up a session is judged as the person's",
            SCOPE,
            "ScopeSlots::of_this_program().is_of_session() && !is_root()",
            "ScopeSlots::of_this_program().is_of_session()",
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
        "record::session",
        &[
            without(
                "told-fork",
                "a fork is told of by both programs",
                LIFETIME,
                "child.is_process() && label::tell(label, Label::FORKED) != 0",
                "child.is_process() && (label::tell(label, Label::FORKED) < u64::MAX)",
            ),
            without(
                "told-end",
                "an end is told of by both programs",
                LIFETIME,
                "&& label::tell(label, Label::ENDED) != 0",
                "&& label::tell(label, Label::ENDED) < u64::MAX",
            ),
        ],
    ),
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
