// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which programs of the kernel half go to which LSM hooks.
//!
//! What a cgroup gets is in [`HOOKS`]. The kernel has few places for that, so what is asked most widely, about files and connections, is
//! asked machine-wide ([`MACHINE_HOOKS`]); kernels differ in those hooks, and [`fitting`] says what goes to this one.

use super::btf::{BtfError, KernelBtf};
use sac_abi::{Operation, rule::Operations};

/// A program of the kernel half and the hook it goes to: an LSM hook, or in [`TRACEPOINTS`] a tracepoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hook {
    /// Name of the program in the object.
    pub(crate) program: &'static str,
    /// Name of the LSM hook, without `security_`, or of the tracepoint.
    pub(crate) hook: &'static str,
}

impl Hook {
    /// The program that has the name of its hook.
    const fn of_its_name(hook: &'static str) -> Self {
        Self { program: hook, hook }
    }

    /// Whether there is anything to do for a machine-wide program where only these operations are judged. Who judges by labels, or what
    /// root does, always has something to do.
    pub(super) fn is_for(self, operations: Operations) -> bool {
        use Operation::{Administer, Connect, Create, Delete, Read, Rename, Write};
        let any = |these: &[Operation]| {
            operations.has_any(these.iter().copied().fold(Operations::NONE, Operations::with))
        };
        match self.hook.split_once('_') {
            Some(("inode", _)) => any(&[Administer, Create, Delete, Read, Rename, Write]),
            Some(("socket", _)) => any(&[Administer, Connect]),
            _ => true,
        }
    }
}

/// What a session can get, in the order in which it is attached: the first hook of an execution leaves verdicts to the second
/// one, so that has to be there before.
pub(crate) const HOOKS: [Hook; 5] = [
    Hook::of_its_name("bprm_committed_creds"),
    Hook::of_its_name("bprm_check_security"),
    Hook::of_its_name("mmap_file"),
    Hook::of_its_name("file_mprotect"),
    Hook::of_its_name("file_open"),
];

/// Judges files that are opened. Nothing is asked more often, so it is only where a policy says something about that.
pub(super) const OPENING: Hook = HOOKS[4];

/// What a scope gets, in this order, whose policies judge what is opened or do not.
pub(super) fn of_scope(judges_opens: bool) -> impl Iterator<Item = Hook> {
    HOOKS.into_iter().filter(move |hook| judges_opens || *hook != OPENING)
}

/// Makes a cgroup's storage without judging anything, so that the scope can be filled in before [`HOOKS`] are attached
/// to a cgroup that people live in already.
pub(super) const PRIMER: Hook = Hook { program: "prime", hook: "bprm_check_security" };

/// Everything of which cgroups get some.
pub(super) fn of_cgroups() -> impl Iterator<Item = Hook> {
    HOOKS.into_iter().chain([PRIMER])
}

/// To which kernels a machine-wide program goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fit {
    /// To all: a kernel without the hook is none for SAC.
    All,
    /// To those that have the hook.
    WhereThere,
    /// To those whose hook has so many parameters.
    Parameters(u32),
    /// To those that can tell a file's content: see [`Kernel::tells_contents`].
    WithContents,
}

/// What is known of a kernel.
struct Kernel {
    /// How many parameters the hooks of [`MACHINE_HOOKS`] have, in their order; `None` for a hook that is not there.
    parameters: Vec<Option<u32>>,
    /// Whether it has the function behind the helper `bpf_ima_file_hash`, which it has with `CONFIG_IMA` only; the verifier
    /// takes the helper without, and it then fails for every file.
    tells_contents: bool,
}

/// What `bpf_ima_file_hash` calls (kernel/bpf/bpf_lsm.c).
const CONTENT_FUNCTION: &str = "ima_file_hash";

/// Judges programs by their content.
pub(crate) const CONTENT: Hook = Hook { program: "bprm_content", hook: "bprm_check_security" };

/// What the machine gets, once.
const MACHINE_HOOKS: [(Hook, Fit); 34] = [
    (Hook::of_its_name("inode_create"), Fit::All),
    (Hook::of_its_name("inode_mkdir"), Fit::All),
    (Hook::of_its_name("inode_mknod"), Fit::All),
    (Hook::of_its_name("inode_symlink"), Fit::All),
    (Hook::of_its_name("inode_link"), Fit::All),
    (Hook::of_its_name("inode_unlink"), Fit::All),
    (Hook::of_its_name("inode_rmdir"), Fit::All),
    (Hook::of_its_name("inode_rename"), Fit::All),
    (Hook { program: "inode_setattr_of_two", hook: "inode_setattr" }, Fit::Parameters(2)),
    (Hook { program: "inode_setattr_of_three", hook: "inode_setattr" }, Fit::Parameters(3)),
    (Hook::of_its_name("inode_setxattr"), Fit::All),
    (Hook::of_its_name("inode_removexattr"), Fit::All),
    // Before 6.2 an ACL is an extended attribute like any other.
    (Hook::of_its_name("inode_set_acl"), Fit::WhereThere),
    (Hook::of_its_name("inode_remove_acl"), Fit::WhereThere),
    (Hook::of_its_name("socket_connect"), Fit::All),
    (Hook::of_its_name("socket_sendmsg"), Fit::All),
    // Labels, and what judges by them whoever is in no cgroup of ours.
    (Hook::of_its_name("task_alloc"), Fit::All),
    (Hook { program: "bprm_check_outside", hook: "bprm_check_security" }, Fit::All),
    (Hook { program: "bprm_committed_outside", hook: "bprm_committed_creds" }, Fit::All),
    (Hook { program: "mmap_outside", hook: "mmap_file" }, Fit::All),
    (Hook { program: "mprotect_outside", hook: "file_mprotect" }, Fit::All),
    (CONTENT, Fit::WithContents),
    // What root could free a session with.
    (Hook::of_its_name("bpf"), Fit::All),
    (Hook::of_its_name("kernel_load_data"), Fit::All),
    (Hook::of_its_name("kernel_read_file"), Fit::All),
    (Hook::of_its_name("locked_down"), Fit::All),
    (Hook::of_its_name("sb_mount"), Fit::All),
    (Hook::of_its_name("move_mount"), Fit::All),
    (Hook::of_its_name("sb_umount"), Fit::All),
    (Hook::of_its_name("sb_set_mnt_opts"), Fit::All),
    (Hook::of_its_name("ptrace_access_check"), Fit::All),
    (Hook::of_its_name("ptrace_traceme"), Fit::All),
    (Hook::of_its_name("task_kill"), Fit::All),
    (Hook::of_its_name("unix_stream_connect"), Fit::All),
];

/// What tells of processes that begin and end, for the machine as well, and each twice: what the kernel does not run one of them for the
/// other one tells. All kernels have these.
pub(crate) const TRACEPOINTS: [Hook; 4] = [
    Hook { program: "process_forked", hook: "sched_process_fork" },
    Hook { program: "process_forked_again", hook: "sched_process_fork" },
    Hook { program: "process_ended", hook: "sched_process_exit" },
    Hook { program: "process_ended_again", hook: "sched_process_exit" },
];

/// What a machine with this kernel gets, once.
///
/// # Errors
///
/// Where a hook is missing, or is none of those that SAC has a program for.
pub(crate) fn machine_hooks(btf: &KernelBtf) -> Result<Vec<Hook>, BtfError> {
    let parameters = btf.hook_parameters(MACHINE_HOOKS.map(|(hook, _)| hook.hook))?;
    fitting(&Kernel { parameters, tells_contents: btf.has_function(CONTENT_FUNCTION)? })
}

/// Of [`MACHINE_HOOKS`] those that fit to a kernel.
fn fitting(kernel: &Kernel) -> Result<Vec<Hook>, BtfError> {
    let mut found: Vec<Hook> = Vec::new();
    let mut unfit = None;
    for ((hook, fit), parameters) in MACHINE_HOOKS.into_iter().zip(kernel.parameters.iter().copied()) {
        match (fit, parameters) {
            (Fit::WhereThere, None) => {}
            (Fit::WithContents, _) if !kernel.tells_contents => {}
            (Fit::All | Fit::WithContents | Fit::Parameters(_), None) => {
                return Err(BtfError::NoHook { hook: hook.hook });
            }
            (Fit::Parameters(wanted), Some(found)) if wanted != found => {
                unfit = Some(BtfError::HookParameters { hook: hook.hook, found });
            }
            (_, Some(_)) => found.push(hook),
        }
    }
    match unfit {
        Some(BtfError::HookParameters { hook, .. }) if found.iter().any(|of| of.hook == hook) => Ok(found),
        Some(unfit) => Err(unfit),
        None => Ok(found),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What fits where each hook has three parameters, but for those in `other`.
    fn fit(other: &[(&str, Option<u32>)]) -> Result<Vec<&'static str>, String> {
        let parameters = MACHINE_HOOKS.map(|(hook, _)| {
            other.iter().find(|(name, _)| *name == hook.hook).map_or(Some(3), |(_, parameters)| *parameters)
        });
        let kernel = Kernel { parameters: parameters.to_vec(), tells_contents: true };
        let found = fitting(&kernel).map_err(|error| error.to_string())?;
        Ok(found.into_iter().map(|hook| hook.program).collect())
    }

    #[test]
    fn a_recent_kernel_gets_all_but_the_older_form() {
        let found = fit(&[]).unwrap();
        assert_eq!(found.len(), MACHINE_HOOKS.len() - 1);
        assert!(found.contains(&"inode_setattr_of_three") && !found.contains(&"inode_setattr_of_two"));
        assert!(found.contains(&"inode_set_acl"));
    }

    #[test]
    fn an_older_kernel_has_no_hooks_for_acls() {
        let found =
            fit(&[("inode_setattr", Some(2)), ("inode_set_acl", None), ("inode_remove_acl", None)]).unwrap();
        assert_eq!(found.len(), MACHINE_HOOKS.len() - 3);
        assert!(found.contains(&"inode_setattr_of_two") && !found.contains(&"inode_setattr_of_three"));
    }

    #[test]
    fn contents_are_judged_where_the_kernel_can_tell_them() {
        let parameters = MACHINE_HOOKS.map(|_| Some(3)).to_vec();
        for tells_contents in [true, false] {
            let kernel = Kernel { parameters: parameters.clone(), tells_contents };
            assert_eq!(fitting(&kernel).unwrap().contains(&CONTENT), tells_contents);
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        for hook in ["inode_create", "inode_setattr", "socket_sendmsg"] {
            let error = fit(&[(hook, None)]).unwrap_err();
            assert!(error.contains(&format!("`{hook}`")), "{error}");
        }
        assert_eq!(
            fit(&[("inode_setattr", Some(4))]).unwrap_err(),
            "this kernel's LSM hook `inode_setattr` has 4 parameters, which SAC has no program for"
        );
    }

    #[test]
    fn where_only_executions_are_judged_nothing_is_asked_about_files_and_connections() {
        let left = |operations: &[Operation]| {
            let operations = operations.iter().copied().fold(Operations::NONE, Operations::with);
            let hooks = MACHINE_HOOKS.iter().filter(|(hook, _)| hook.is_for(operations));
            hooks.map(|(hook, _)| hook.program).collect::<Vec<_>>()
        };
        let of_executions = left(&[Operation::Execute]);
        assert!(
            ["bprm_check_outside", "task_alloc", "bpf"].iter().all(|program| of_executions.contains(program))
        );
        assert!(
            !of_executions
                .iter()
                .any(|program| program.starts_with("inode") || program.starts_with("socket"))
        );
        assert!(left(&[Operation::Delete]).contains(&"inode_unlink"));
        assert!(left(&[Operation::Connect]).contains(&"socket_sendmsg"));
        for all in [Operation::ALL.as_slice(), &[Operation::Administer]] {
            assert_eq!(left(all).len(), MACHINE_HOOKS.len());
        }
    }

    #[test]
    fn a_session_takes_five_of_the_ten_hooks() {
        let hooks: std::collections::BTreeSet<_> = of_cgroups().map(|hook| hook.hook).collect();
        assert_eq!(hooks.len(), 5);
    }

    #[test]
    fn no_program_stands_twice_and_the_first_hook_of_an_execution_is_last() {
        let mut programs: Vec<_> =
            of_cgroups().chain(MACHINE_HOOKS.map(|(hook, _)| hook)).chain(TRACEPOINTS).collect();
        let count = programs.len();
        programs.sort_by_key(|hook| hook.program);
        programs.dedup_by_key(|hook| hook.program);
        assert_eq!(programs.len(), count);
        let at = |name| HOOKS.iter().position(|hook| hook.hook == name);
        assert!(at("bprm_committed_creds") < at("bprm_check_security"));
    }
}
