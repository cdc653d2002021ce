// SPDX-License-Identifier: MIT OR Apache-2.0
//! Whether the machine has room for SAC's hooks: ten LSM hooks can hold cgroup programs at a time, whosever they are.

use super::{Check, with_causes};
use crate::bpf::{CgroupLsmHooks, HOOKS, KernelBtf, LSM_CGROUP_SLOTS};
use std::{collections::BTreeSet, path::Path};

const NAME: &str = "LSM hook slots";

/// Asks the kernel which hooks are taken.
pub(super) fn check(btf: &Path) -> Check {
    let needed: BTreeSet<_> = HOOKS.iter().map(|hook| hook.hook).collect();
    let ids = match KernelBtf::read(btf).and_then(|btf| btf.hook_ids(needed)) {
        Ok(ids) => ids,
        Err(error) => return Check::fail(NAME, with_causes(&error), "see `kernel BTF` above"),
    };
    match CgroupLsmHooks::read() {
        Ok(taken) => judge(&taken, &ids),
        Err(error) => Check::fail(
            NAME,
            format!("cannot ask which are taken: {error}"),
            "run it as root of the machine, not of a container; lockdown must not forbid the `bpf` system call",
        ),
    }
}

/// A hook that has programs, ours or others', takes more of them without a new slot.
fn judge(taken: &CgroupLsmHooks, needed: &[u32]) -> Check {
    let held = needed.iter().filter(|id| taken.contains(**id)).count();
    let missing = needed.len() - held;
    let free = LSM_CGROUP_SLOTS.saturating_sub(taken.taken());
    let found = format!("{} of {LSM_CGROUP_SLOTS} hooks taken, SAC needs {}", taken.taken(), needed.len());
    let found = if held == 0 { found } else { format!("{found} and shares {held} of those taken") };
    if missing <= free {
        return Check::ok(NAME, found);
    }
    let help = format!(
        "stop other software that attaches BPF programs to LSM hooks of cgroups until {missing} are free; \
         `bpftool link` and `bpftool cgroup tree` show whose they are"
    );
    Check::fail(NAME, found, help)
}

#[cfg(test)]
mod tests {
    use super::super::Status;
    use super::*;

    fn judge_ids(taken: impl IntoIterator<Item = u32>, needed: &[u32]) -> Check {
        judge(&CgroupLsmHooks::from_ids(taken), needed)
    }

    #[test]
    fn free_slots_are_enough() {
        let check = judge_ids(1..=9, &[50]);
        assert_eq!(check.status, Status::Ok);
        assert_eq!(check.found, "9 of 10 hooks taken, SAC needs 1");
    }

    #[test]
    fn a_full_table_is_too_full() {
        let check = judge_ids(1..=10, &[50]);
        assert_eq!(check.status, Status::Fail);
        assert!(check.help.unwrap().contains("until 1 are free"));
    }

    #[test]
    fn hooks_that_are_taken_already_need_no_slot() {
        let check = judge_ids(1..=10, &[3, 4]);
        assert_eq!(check.status, Status::Ok);
        assert_eq!(check.found, "10 of 10 hooks taken, SAC needs 2 and shares 2 of those taken");
        assert_eq!(judge_ids(1..=10, &[3, 50]).status, Status::Fail);
        assert_eq!(judge_ids(1..=9, &[3, 50]).status, Status::Ok);
    }
}
