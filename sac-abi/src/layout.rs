// SPDX-License-Identifier: MIT OR Apache-2.0
//! The kernel struct members that the kernel half reads.
//!
//! rustc emits no CO-RE relocations, so sac-bpf has one constant for each member's offset, and the loader sets it from the
//! running kernel's BTF before the program is verified. A member that is missing, or has another size than the code that
//! reads it expects, stops the load: a wrong offset would be a rule that silently never matches.

/// A member of a kernel struct, and the constant of sac-bpf that receives its offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// Name of the `static` in sac-bpf.
    pub symbol: &'static str,
    /// Name of the struct, without `struct`.
    pub container: &'static str,
    /// Name of the member; it may stand in an anonymous struct or union inside.
    pub member: &'static str,
    /// Size in bytes that the reading code relies on.
    pub size_bytes: u32,
}

const fn member(
    symbol: &'static str,
    container: &'static str,
    member: &'static str,
    size_bytes: u32,
) -> Member {
    Member { symbol, container, member, size_bytes }
}

/// Every member that sac-bpf reads.
pub const MEMBERS: [Member; 73] = [
    member("BPRM_FILE", "linux_binprm", "file", 8),
    member("BPRM_FILENAME", "linux_binprm", "filename", 8),
    member("BPRM_INTERP", "linux_binprm", "interp", 8),
    member("BPRM_BUF", "linux_binprm", "buf", 256),
    member("BPRM_P", "linux_binprm", "p", 8),
    member("BPRM_ARGC", "linux_binprm", "argc", 4),
    member("BPRM_EXEC", "linux_binprm", "exec", 8),
    member("FILE_INODE", "file", "f_inode", 8),
    member("FILE_PATH", "file", "f_path", 16),
    member("FILE_MODE", "file", "f_mode", 4),
    member("FILE_FLAGS", "file", "f_flags", 4),
    member("PATH_DENTRY", "path", "dentry", 8),
    member("PATH_MOUNT", "path", "mnt", 8),
    member("MOUNT_ROOT", "vfsmount", "mnt_root", 8),
    member("DENTRY_PARENT", "dentry", "d_parent", 8),
    member("DENTRY_INODE", "dentry", "d_inode", 8),
    member("DENTRY_NAME", "dentry", "d_name", 16),
    member("QSTR_NAME", "qstr", "name", 8),
    member("INODE_INO", "inode", "i_ino", 8),
    member("INODE_GENERATION", "inode", "i_generation", 4),
    member("INODE_UID", "inode", "i_uid", 4),
    member("INODE_GID", "inode", "i_gid", 4),
    member("INODE_MODE", "inode", "i_mode", 2),
    member("INODE_NLINK", "inode", "i_nlink", 4),
    member("INODE_ACL", "inode", "i_acl", 8),
    member("INODE_SB", "inode", "i_sb", 8),
    member("SB_DEV", "super_block", "s_dev", 4),
    member("SB_USER_NS", "super_block", "s_user_ns", 8),
    member("SB_MAGIC", "super_block", "s_magic", 8),
    member("SB_IFLAGS", "super_block", "s_iflags", 8),
    member("USERNS_LEVEL", "user_namespace", "level", 4),
    member("TASK_REAL_PARENT", "task_struct", "real_parent", 8),
    member("TASK_PID", "task_struct", "pid", 4),
    member("TASK_TGID", "task_struct", "tgid", 4),
    member("TASK_LOGINUID", "task_struct", "loginuid", 4),
    member("TASK_SESSIONID", "task_struct", "sessionid", 4),
    member("TASK_START", "task_struct", "start_boottime", 8),
    member("TASK_EXIT_CODE", "task_struct", "exit_code", 4),
    member("TASK_LEADER", "task_struct", "group_leader", 8),
    member("TASK_FS", "task_struct", "fs", 8),
    member("FS_PWD", "fs_struct", "pwd", 16),
    member("TASK_MM", "task_struct", "mm", 8),
    member("MM_EXE_FILE", "mm_struct", "exe_file", 8),
    member("MM_START_CODE", "mm_struct", "start_code", 8),
    member("VMA_FILE", "vm_area_struct", "vm_file", 8),
    member("VMA_ANON", "vm_area_struct", "anon_vma", 8),
    member("IATTR_VALID", "iattr", "ia_valid", 4),
    member("MSG_NAME", "msghdr", "msg_name", 8),
    member("MSG_NAMELEN", "msghdr", "msg_namelen", 4),
    member("SOCKET_SK", "socket", "sk", 8),
    member("SOCK_FAMILY", "sock_common", "skc_family", 2),
    member("TASK_CRED", "task_struct", "cred", 8),
    member("CRED_UID", "cred", "uid", 4),
    member("CRED_EUID", "cred", "euid", 4),
    member("CRED_SUID", "cred", "suid", 4),
    member("CRED_FSUID", "cred", "fsuid", 4),
    member("CRED_PERMITTED", "cred", "cap_permitted", 8),
    member("CRED_USER_NS", "cred", "user_ns", 8),
    member("UNIX_PATH", "unix_sock", "path", 16),
    member("TASK_SIGNAL", "task_struct", "signal", 8),
    member("SIGNAL_TTY", "signal_struct", "tty", 8),
    member("SIGNAL_LIVE", "signal_struct", "live", 4),
    member("SIGNAL_THREADS", "signal_struct", "nr_threads", 4),
    member("SIGNAL_RAN", "signal_struct", "sum_sched_runtime", 8),
    member("SIGNAL_FLAGS", "signal_struct", "flags", 4),
    member("SIGNAL_EXIT_CODE", "signal_struct", "group_exit_code", 4),
    member("REGISTERS_CALL", "pt_regs", "orig_ax", 8),
    member("REGISTERS_SECOND", "pt_regs", "si", 8),
    member("REGISTERS_THIRD", "pt_regs", "dx", 8),
    member("TTY_INDEX", "tty_struct", "index", 4),
    member("TTY_DRIVER", "tty_struct", "driver", 8),
    member("DRIVER_MAJOR", "tty_driver", "major", 4),
    member("DRIVER_MINOR_START", "tty_driver", "minor_start", 4),
];
