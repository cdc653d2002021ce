// SPDX-License-Identifier: GPL-2.0-only OR MIT
//! Kernel structs, read at offsets that the loader resolved.
//!
//! One `static` for each entry of [`sac_abi::layout::MEMBERS`], set from the running kernel's BTF before the verifier sees
//! the program; the verifier takes them for constants. Values start as [`UNRESOLVED`], far outside of any struct, so that
//! a program whose offsets were never set does not pass the verifier.

mod execution;
mod file;
mod life;
mod socket;
mod task;

pub(crate) use self::{
    execution::Bprm,
    file::{Change, Dentry, File, Inode, Memory},
    life::End,
    socket::{Message, Socket, UnixSocket},
    task::{CurrentTask, Task},
};
use core::ffi::c_void;

/// No struct is this large.
const UNRESOLVED: u32 = 0x00ff_ffff;

macro_rules! members {
    ($($symbol:ident),* $(,)?) => {
        $(
            #[unsafe(no_mangle)]
            static $symbol: u32 = UNRESOLVED;
        )*
    };
}

members! {
    BPRM_FILE, BPRM_FILENAME, BPRM_INTERP, BPRM_BUF, BPRM_P, BPRM_ARGC, BPRM_EXEC,
    FILE_INODE, FILE_PATH, FILE_MODE, FILE_FLAGS, PATH_DENTRY, PATH_MOUNT, MOUNT_ROOT, DENTRY_PARENT, DENTRY_INODE, DENTRY_NAME, QSTR_NAME,
    INODE_INO, INODE_GENERATION, INODE_UID, INODE_GID, INODE_MODE, INODE_NLINK, INODE_ACL, INODE_SB,
    SB_DEV, SB_USER_NS, SB_MAGIC, SB_IFLAGS, USERNS_LEVEL, IATTR_VALID, VMA_FILE, VMA_ANON,
    TASK_CRED, CRED_UID, CRED_EUID, CRED_SUID, CRED_FSUID, CRED_PERMITTED, CRED_USER_NS, UNIX_PATH,
    TASK_REAL_PARENT, TASK_PID, TASK_TGID, TASK_LOGINUID, TASK_SESSIONID, TASK_START, TASK_EXIT_CODE,
    TASK_LEADER, TASK_FS, FS_PWD, TASK_MM, MM_EXE_FILE, MM_START_CODE, TASK_SIGNAL,
    SIGNAL_TTY, SIGNAL_LIVE, SIGNAL_THREADS, SIGNAL_RAN, SIGNAL_FLAGS, SIGNAL_EXIT_CODE,
    REGISTERS_CALL, REGISTERS_SECOND, REGISTERS_THIRD, TTY_INDEX, TTY_DRIVER, DRIVER_MAJOR, DRIVER_MINOR_START,
    MSG_NAME, MSG_NAMELEN, SOCKET_SK, SOCK_FAMILY,
}

/// The address of a member: `container` moved by the offset that the loader put into `offset`.
#[inline(always)]
fn member<T>(container: *const c_void, offset: &'static u32) -> *const T {
    // SAFETY: `offset` is a live static; volatile, because the loader changes it after compilation.
    let offset = unsafe { core::ptr::read_volatile(offset) };
    container.wrapping_byte_add(offset as usize).cast()
}

/// Reads a member.
///
/// # Safety
///
/// `container` must be a pointer that the verifier tracks with the BTF type of the struct that `offset` belongs to.
#[inline(always)]
unsafe fn read<T: Copy>(container: *const c_void, offset: &'static u32) -> T {
    // SAFETY: the verifier checks the access against the struct's BTF; a null pointer on the way reads as zero.
    unsafe { *member::<T>(container, offset) }
}

/// Reads a member of a struct that the verifier does not track; 0 where there is none.
#[inline(always)]
fn peek<T: Copy + Default>(container: *const c_void, offset: &'static u32) -> T {
    // SAFETY: the helper checks the address by itself.
    unsafe { aya_ebpf::helpers::bpf_probe_read_kernel(member::<T>(container, offset)) }.unwrap_or_default()
}
