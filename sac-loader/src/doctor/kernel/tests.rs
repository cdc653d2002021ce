// SPDX-License-Identifier: MIT OR Apache-2.0
//! Kernel checks on a machine that is a directory.

use super::super::Status;
use super::*;
use crate::bpf::with_hooks;
use tempfile::TempDir;

fn host(files: &[(&str, &str)]) -> (TempDir, Host) {
    let directory = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = directory.path().join(path.trim_start_matches('/'));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let host = Host { root: directory.path().to_owned() };
    (directory, host)
}

#[test]
fn only_root_can_know() {
    assert_eq!(root(0).status, Status::Ok);
    let check = root(1000);
    assert_eq!(check.status, Status::Fail);
    assert!(check.found.contains("1000"), "{check:?}");
}

#[test]
fn versions_are_compared_as_numbers() {
    for (text, status) in [
        ("6.1.0-56-amd64\n", Status::Ok),
        ("6.12.117+deb13-amd64\n", Status::Ok),
        ("7.0-rc1\n", Status::Ok),
        ("10.0.1\n", Status::Ok),
        ("6.0.19\n", Status::Fail),
        ("5.15.0-1\n", Status::Fail),
        ("custom\n", Status::Advice),
    ] {
        let (_directory, host) = host(&[("/proc/sys/kernel/osrelease", text)]);
        let check = release(&host);
        assert_eq!(check.status, status, "{text}");
        assert!(check.found.starts_with(text.trim()), "{check:?}");
    }
}

#[test]
fn an_unknown_version_is_a_failure_without_procfs() {
    assert_eq!(release(&host(&[]).1).status, Status::Fail);
}

const LSM: &str = "/sys/kernel/security/lsm";

#[test]
fn an_active_bpf_lsm_is_seen() {
    let check = bpf_lsm(&host(&[(LSM, "lockdown,capability,apparmor,bpf,ipe")]).1);
    assert_eq!(check, Check::ok("BPF LSM", "active: lockdown,capability,apparmor,bpf,ipe"));
}

#[test]
fn the_boot_parameter_keeps_what_is_active() {
    let check = bpf_lsm(&host(&[(LSM, "capability,bpfish"), ("/proc/cmdline", "quiet lsm=landlock\n")]).1);
    assert_eq!(check.status, Status::Fail);
    assert!(check.help.unwrap().contains("`lsm=capability,bpfish,bpf`"));
}

#[test]
fn a_kernel_that_cannot_is_not_told_again() {
    let check = bpf_lsm(&host(&[(LSM, "capability"), ("/proc/cmdline", "lsm=yama lsm=yama,bpf quiet\n")]).1);
    assert_eq!(check.status, Status::Fail);
    assert!(check.help.unwrap().contains("CONFIG_BPF_LSM"));
}

#[test]
fn only_the_last_lsm_parameter_holds() {
    assert!(asks_for_bpf("lsm=yama lsm=bpf"));
    assert!(!asks_for_bpf("lsm=bpf lsm=yama"));
    assert!(!asks_for_bpf("xlsm=bpf quiet"));
}

#[test]
fn without_securityfs_the_help_mounts_it() {
    let check = bpf_lsm(&host(&[]).1);
    assert_eq!(check.status, Status::Fail);
    assert_eq!(check.help.unwrap(), "mount -t securityfs securityfs /sys/kernel/security");
}

#[test]
fn missing_btf_is_told_apart_from_wrong_btf() {
    let (directory, _host) = host(&[("btf", "no BTF")]);
    let missing = structs(&directory.path().join("nothing"));
    assert!(missing.help.unwrap().contains("CONFIG_DEBUG_INFO_BTF"));
    let wrong = structs(&directory.path().join("btf"));
    assert_eq!(wrong.status, Status::Fail);
    assert!(wrong.found.contains("is not the BTF of a kernel"), "{wrong:?}");
}

/// What the check says of a kernel with these machine-wide hooks beside those of cgroups.
fn structs_with(machine: &[(&str, u32)]) -> Check {
    let of_cgroups = HOOKS.iter().map(|hook| (hook.hook, 3));
    let hooks: Vec<_> = of_cgroups.chain(machine.iter().copied()).collect();
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), with_hooks(&hooks)).unwrap();
    structs(file.path())
}

#[test]
fn all_hooks_of_a_kernel_are_looked_for() {
    // As 6.1 has them.
    let mut machine = vec![("inode_setattr", 2)];
    machine.extend(["inode_create", "inode_mkdir", "inode_mknod", "inode_symlink"].map(|hook| (hook, 4)));
    machine.extend(["inode_link", "inode_unlink", "inode_rmdir", "inode_rename"].map(|hook| (hook, 4)));
    machine.extend(["task_alloc", "bpf", "kernel_load_data", "kernel_read_file"].map(|hook| (hook, 3)));
    machine.extend(["locked_down", "sb_mount", "move_mount", "sb_umount"].map(|hook| (hook, 3)));
    machine.extend(
        ["sb_set_mnt_opts", "ptrace_access_check", "ptrace_traceme", "task_kill"].map(|hook| (hook, 3)),
    );
    machine.push(("unix_stream_connect", 3));
    machine.extend([("inode_setxattr", 6), ("inode_removexattr", 3), ("socket_connect", 3)]);
    let check = structs_with(&machine);
    assert_eq!(check.status, Status::Fail);
    assert!(check.found.contains("no LSM hook `socket_sendmsg`"), "{check:?}");

    machine.push(("socket_sendmsg", 3));
    let check = structs_with(&machine);
    assert_eq!(check.status, Status::Ok);
    assert!(
        check.found.ends_with("LSM hooks: 31); no CONFIG_IMA, so policies with `sha256` rules are refused"),
        "{check:?}"
    );

    machine[0] = ("inode_setattr", 5);
    let check = structs_with(&machine);
    assert!(check.found.contains("`inode_setattr` has 5 parameters"), "{check:?}");
}

#[test]
fn hierarchies_are_told_apart_by_file_system() {
    for (file_system, status, found) in [
        (CGROUP2_SUPER_MAGIC, Status::Ok, "the one hierarchy"),
        (TMPFS_MAGIC, Status::Fail, "hybrid"),
        (0xef53, Status::Fail, "not mounted"),
    ] {
        let check = cgroup_by_type(Ok(file_system));
        assert_eq!(check.status, status);
        assert!(check.found.contains(found), "{check:?}");
    }
    assert_eq!(cgroup(&host(&[]).1).status, Status::Fail);
}

#[test]
fn bpffs_is_known_by_its_file_system() {
    assert_eq!(bpffs_by_type("/sys/fs/bpf", Ok(BPF_FS_MAGIC)).status, Status::Ok);
    // A directory that is there, and nothing mounted at it.
    let check = bpffs(&host(&[("/sys/fs/bpf/x", "")]).1);
    assert_eq!(check.status, Status::Fail);
    assert!(check.help.unwrap().starts_with("mount -t bpf bpf /sys/fs/bpf"));
}
