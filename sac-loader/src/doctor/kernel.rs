// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the kernel must have, as far as it can be seen without loading anything.

use super::{Check, Host, with_causes};
use crate::bpf::{BtfError, CONTENT, HOOKS, KernelBtf, machine_hooks};
use rustix::fs::{FsWord, statfs};
use std::{collections::BTreeSet, fs, io, path::Path};

/// The oldest kernel that SAC is tested on. Cgroup programs on LSM hooks came with 6.0.
const RELEASE_MIN: (u32, u32) = (6, 1);

// Of include/uapi/linux/magic.h.
const CGROUP2_SUPER_MAGIC: FsWord = 0x6367_7270;
const TMPFS_MAGIC: FsWord = 0x0102_1994;
const BPF_FS_MAGIC: FsWord = 0xcafe_4a11;

/// Root: everything else needs it.
pub(super) fn root(uid: u32) -> Check {
    const NAME: &str = "root";
    if uid == 0 {
        return Check::ok(NAME, "running as root");
    }
    let help = "run it as root; without that nothing else can be known";
    Check::fail(NAME, format!("running as the user with the id {uid}"), help)
}

/// The kernel's version.
pub(super) fn release(host: &Host) -> Check {
    const NAME: &str = "kernel";
    let path = host.at("/proc/sys/kernel/osrelease");
    let found = match fs::read_to_string(&path) {
        Ok(text) => text.trim().to_owned(),
        Err(error) => {
            return Check::fail(NAME, format!("{}: {error}", path.display()), "mount procfs at /proc");
        }
    };
    let (major, minor) = RELEASE_MIN;
    let help = format!("SAC needs Linux {major}.{minor} or later");
    match version(&found) {
        Some(version) if version >= RELEASE_MIN => Check::ok(NAME, found),
        Some(_too_old) => Check::fail(NAME, found, help),
        None => Check::advice(NAME, format!("{found}, which names no version"), help),
    }
}

/// The first two numbers of a release such as `6.1.0-56-amd64`.
fn version(release: &str) -> Option<(u32, u32)> {
    let mut parts = release.splitn(3, '.');
    let major = parts.next()?.parse().ok()?;
    let minor = parts.next()?;
    let digits = minor.find(|character: char| !character.is_ascii_digit()).unwrap_or(minor.len());
    Some((major, minor.get(..digits)?.parse().ok()?))
}

/// Whether BPF programs on LSM hooks are called: `bpf` must be among the active modules.
pub(super) fn bpf_lsm(host: &Host) -> Check {
    const NAME: &str = "BPF LSM";
    let path = host.at("/sys/kernel/security/lsm");
    let active = match fs::read_to_string(&path) {
        Ok(text) => text.trim().to_owned(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let help = "mount -t securityfs securityfs /sys/kernel/security";
            return Check::fail(
                NAME,
                "the list of active modules is missing: securityfs is not mounted",
                help,
            );
        }
        Err(error) => {
            return Check::fail(NAME, format!("{}: {error}", path.display()), "is this a container?");
        }
    };
    if active.split(',').any(|module| module == "bpf") {
        return Check::ok(NAME, format!("active: {active}"));
    }
    let asked_for = fs::read_to_string(host.at("/proc/cmdline")).is_ok_and(|line| asks_for_bpf(&line));
    let help = if asked_for {
        "the kernel was told to and has no BPF LSM: it was built without CONFIG_BPF_LSM=y".to_owned()
    } else {
        format!(
            "boot with `lsm={active},bpf`: add it to GRUB_CMDLINE_LINUX in /etc/default/grub, then update-grub and reboot"
        )
    };
    Check::fail(NAME, format!("not active: {active}"), help)
}

/// Whether the kernel's command line asks for the BPF LSM. The last `lsm=` is the one that holds.
fn asks_for_bpf(cmdline: &str) -> bool {
    let modules = cmdline.split_whitespace().rev().find_map(|argument| argument.strip_prefix("lsm="));
    modules.is_some_and(|modules| modules.split(',').any(|module| module == "bpf"))
}

/// The kernel's description of its structs, and in it all that the kernel half reads and attaches to.
pub(super) fn structs(btf: &Path) -> Check {
    const NAME: &str = "kernel BTF";
    let resolve = || {
        let btf = KernelBtf::read(btf)?;
        let members = btf.offsets()?.len();
        btf.hook_ids(HOOKS.map(|hook| hook.hook))?;
        // Some hooks have programs of both kinds.
        let programs: Vec<_> = HOOKS.into_iter().chain(machine_hooks(&btf)?).collect();
        let hooks: BTreeSet<_> = programs.iter().map(|program| program.hook).collect();
        Ok((members, hooks.len(), programs.contains(&CONTENT)))
    };
    let fault: BtfError = match resolve() {
        Ok((members, hooks, tells_contents)) => {
            // Whoever has no such rules misses nothing.
            let contents = if tells_contents {
                ""
            } else {
                "; no CONFIG_IMA, so policies with `sha256` rules are refused"
            };
            return Check::ok(
                NAME,
                format!("has what SAC uses (struct members: {members}, LSM hooks: {hooks}){contents}"),
            );
        }
        Err(fault) => fault,
    };
    let help = match &fault {
        BtfError::Read { .. } => "use a kernel that was built with CONFIG_DEBUG_INFO_BTF=y",
        BtfError::NoHook { .. } => "use a kernel that was built with CONFIG_BPF_LSM=y",
        BtfError::Format { .. }
        | BtfError::HookParameters { .. }
        | BtfError::NoStruct { .. }
        | BtfError::NoMember { .. }
        | BtfError::Size { .. } => {
            "use another kernel, or a later SAC; wrong offsets would be wrong verdicts"
        }
    };
    Check::fail(NAME, with_causes(&fault), help)
}

/// The unified hierarchy, where systemd mounts it.
pub(super) fn cgroup(host: &Host) -> Check {
    cgroup_by_type(file_system_type(host, crate::cgroup::ROOT))
}

fn cgroup_by_type(file_system: io::Result<FsWord>) -> Check {
    const NAME: &str = "cgroup v2";
    let root = crate::cgroup::ROOT;
    match file_system {
        Ok(CGROUP2_SUPER_MAGIC) => Check::ok(NAME, format!("the one hierarchy, at {root}")),
        // systemd puts a tmpfs there to hold the hierarchies of version 1, and in the hybrid layout that of version 2.
        Ok(TMPFS_MAGIC) => Check::fail(
            NAME,
            format!("version 1 or a hybrid of both is mounted at {root}"),
            "boot with `systemd.unified_cgroup_hierarchy=1`",
        ),
        Ok(_) => Check::fail(
            NAME,
            format!("not mounted at {root}"),
            format!("mount -t cgroup2 cgroup2 {root}; systemd does that at boot"),
        ),
        Err(error) => Check::fail(NAME, format!("{root}: {error}"), "use a kernel with CONFIG_CGROUPS=y"),
    }
}

/// The file system that keeps attachments when the daemon is gone.
pub(super) fn bpffs(host: &Host) -> Check {
    const BPFFS: &str = "/sys/fs/bpf";
    bpffs_by_type(BPFFS, file_system_type(host, BPFFS))
}

fn bpffs_by_type(path: &str, file_system: io::Result<FsWord>) -> Check {
    const NAME: &str = "bpffs";
    match file_system {
        Ok(BPF_FS_MAGIC) => Check::ok(NAME, format!("mounted at {path}")),
        Ok(_) => Check::fail(
            NAME,
            format!("not mounted at {path}"),
            format!("mount -t bpf bpf {path}; systemd does that at boot"),
        ),
        Err(error) => Check::fail(NAME, format!("{path}: {error}"), "use a kernel with CONFIG_BPF_SYSCALL=y"),
    }
}

fn file_system_type(host: &Host, path: &str) -> io::Result<FsWord> {
    Ok(statfs(host.at(path))?.f_type)
}

#[cfg(test)]
mod tests;
