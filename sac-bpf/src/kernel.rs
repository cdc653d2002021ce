// SPDX-License-Identifier: GPL-2.0-only OR MIT
//! Kernel structs, read at offsets that the loader resolved.
//!
//! One `static` for each entry of [`sac_abi::layout::MEMBERS`], set from the running kernel's BTF before the verifier sees
//! the program; the verifier takes them for constants. Values start as [`UNRESOLVED`], far outside of any struct, so that
//! a program whose offsets were never set does not pass the verifier.

use aya_ebpf::helpers::generated::bpf_probe_read_kernel_str;
use core::ffi::c_void;
use sac_abi::rule::InodeId;

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
    BPRM_FILE, BPRM_FILENAME, BPRM_INTERP, BPRM_BUF, BPRM_P, BPRM_ARGC, FILE_INODE, FILE_PATH,
    PATH_DENTRY, DENTRY_PARENT, DENTRY_INODE, DENTRY_NAME, QSTR_NAME, INODE_INO, INODE_GENERATION, INODE_SB, SB_DEV, TASK_REAL_PARENT, TASK_TGID,
    TASK_LOGINUID, TASK_SIGNAL, SIGNAL_TTY, TTY_INDEX, TTY_DRIVER, DRIVER_MAJOR, DRIVER_MINOR_START,
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

/// `struct linux_binprm`: an execution under way.
#[derive(Clone, Copy)]
pub(crate) struct Bprm(*const c_void);

impl Bprm {
    /// Wraps the argument of a `bprm_*` hook.
    ///
    /// # Safety
    ///
    /// `bprm` must be that argument, unchanged.
    #[inline(always)]
    pub(crate) const unsafe fn new(bprm: *const c_void) -> Self {
        Self(bprm)
    }

    /// The file that is about to be executed; for a script, first the script and then its interpreter.
    #[inline(always)]
    pub(crate) fn file(self) -> File {
        // SAFETY: by the contract of `new`.
        File(unsafe { read(self.0, &BPRM_FILE) })
    }

    /// The path as it was given to `execve`; a kernel string.
    #[inline(always)]
    pub(crate) fn filename(self) -> *const c_void {
        // SAFETY: by the contract of `new`.
        unsafe { read(self.0, &BPRM_FILENAME) }
    }

    /// Whether the file is a program itself, and not something that another program interprets: its first bytes are ELF's.
    #[inline(always)]
    pub(crate) fn is_program(self) -> bool {
        const ELF: u32 = u32::from_ne_bytes(*b"\x7fELF");
        // SAFETY: by the contract of `new`; the buffer begins with the file's first bytes.
        unsafe { read::<u32>(self.0, &BPRM_BUF) == ELF }
    }

    /// How many arguments the new program has, its own name included.
    #[inline(always)]
    pub(crate) fn argument_count(self) -> u32 {
        // SAFETY: by the contract of `new`.
        unsafe { read(self.0, &BPRM_ARGC) }
    }

    /// Where the arguments are in the new program's memory, one behind the other, each with its NUL.
    #[inline(always)]
    pub(crate) fn arguments_address(self) -> u64 {
        // SAFETY: by the contract of `new`.
        unsafe { read(self.0, &BPRM_P) }
    }

    /// The path of this stage: `filename`, and later what the `#!` line names; a kernel string.
    #[inline(always)]
    pub(crate) fn interp(self) -> *const c_void {
        // SAFETY: by the contract of `new`.
        unsafe { read(self.0, &BPRM_INTERP) }
    }
}

/// `struct file`.
#[derive(Clone, Copy)]
pub(crate) struct File(*const c_void);

impl File {
    /// Device, inode number and generation.
    #[inline(always)]
    pub(crate) fn inode(self) -> InodeId {
        // SAFETY: the pointer came from a tracked struct, so the verifier knows its type.
        let inode = unsafe { read(self.0, &FILE_INODE) };
        // SAFETY: as above.
        unsafe { identity(inode) }
    }

    /// Where the file is in its file system.
    #[inline(always)]
    pub(crate) fn dentry(self) -> Dentry {
        let path = member::<c_void>(self.0, &FILE_PATH);
        // SAFETY: as above; `f_path` stands inside of the file.
        Dentry(unsafe { read(path, &PATH_DENTRY) })
    }

    /// Writes the file's path, as seen from the process's root, into `buffer`; returns its length with the NUL or a
    /// negative error.
    ///
    /// # Safety
    ///
    /// `buffer` must have room for `bytes` bytes.
    #[inline(always)]
    pub(crate) unsafe fn path(self, buffer: *mut u8, bytes: u32) -> i64 {
        let path = member::<c_void>(self.0, &FILE_PATH).cast_mut();
        // SAFETY: `path` is the `f_path` inside a tracked file, and the buffer is as long as the caller vouches.
        unsafe { aya_ebpf::helpers::bpf_d_path(path.cast(), buffer.cast(), bytes) }
    }
}

/// `struct dentry`: a name in a directory.
#[derive(Clone, Copy)]
pub(crate) struct Dentry(*const c_void);

impl Dentry {
    /// The directory that it is in; the root of a file system is in itself.
    #[inline(always)]
    pub(crate) fn parent(self) -> Self {
        // SAFETY: the pointer came from a tracked struct.
        Self(unsafe { read(self.0, &DENTRY_PARENT) })
    }

    /// Whether both are the same.
    #[inline(always)]
    pub(crate) fn is(self, other: Self) -> bool {
        core::ptr::eq(self.0, other.0)
    }

    /// Device, inode number and generation of what has the name.
    #[inline(always)]
    pub(crate) fn inode(self) -> InodeId {
        // SAFETY: the pointer came from a tracked struct.
        let inode = unsafe { read(self.0, &DENTRY_INODE) };
        // SAFETY: as above.
        unsafe { identity(inode) }
    }

    /// Copies the name into `buffer`; returns its length with the NUL or a negative error.
    ///
    /// # Safety
    ///
    /// `buffer` must have room for `bytes` bytes.
    #[inline(always)]
    pub(crate) unsafe fn name(self, buffer: *mut u8, bytes: u32) -> i64 {
        let name = member::<c_void>(self.0, &DENTRY_NAME);
        // SAFETY: the pointer came from a tracked struct; `d_name` stands inside of it.
        let text: *const c_void = unsafe { read(name, &QSTR_NAME) };
        // SAFETY: the buffer is as long as the caller vouches; the helper checks `text` by itself.
        unsafe { bpf_probe_read_kernel_str(buffer.cast(), bytes, text) }
    }
}

/// Device, inode number and generation.
///
/// # Safety
///
/// `inode` must be a tracked pointer to a `struct inode`.
#[inline(always)]
unsafe fn identity(inode: *const c_void) -> InodeId {
    // SAFETY: by the contract of this function.
    let superblock: *const c_void = unsafe { read(inode, &INODE_SB) };
    // SAFETY: the pointer came from a tracked struct.
    let dev = unsafe { read(superblock, &SB_DEV) };
    // SAFETY: by the contract of this function.
    let ino = unsafe { read(inode, &INODE_INO) };
    // SAFETY: as above.
    let generation = unsafe { read(inode, &INODE_GENERATION) };
    InodeId { dev, ino, generation: Some(generation) }
}

/// `struct task_struct` of the process that the hook runs in.
#[derive(Clone, Copy)]
pub(crate) struct CurrentTask(*const c_void);

impl CurrentTask {
    #[inline(always)]
    pub(crate) fn get() -> Self {
        // SAFETY: the helper has no preconditions.
        Self(unsafe { aya_ebpf::helpers::bpf_get_current_task_btf() }.cast_const().cast())
    }

    /// Whether nobody's login led to this task (audit's login uid is not set): PID 1 started it, for itself.
    #[inline(always)]
    pub(crate) fn is_of_no_login(self) -> bool {
        // SAFETY: the helper returned a tracked task.
        unsafe { read::<u32>(self.0, &TASK_LOGINUID) == u32::MAX }
    }

    /// Process id of the parent.
    #[inline(always)]
    pub(crate) fn parent_tgid(self) -> u32 {
        // SAFETY: the helper returned a tracked task.
        let parent: *const c_void = unsafe { read(self.0, &TASK_REAL_PARENT) };
        // SAFETY: the pointer came from a tracked struct.
        unsafe { read(parent, &TASK_TGID) }
    }

    /// Whether it has a controlling terminal.
    #[inline(always)]
    pub(crate) fn has_tty(self) -> bool {
        // SAFETY: the helper returned a tracked task.
        let signal: *const c_void = unsafe { read(self.0, &TASK_SIGNAL) };
        // SAFETY: the pointer came from a tracked struct.
        let tty: *const c_void = unsafe { read(signal, &SIGNAL_TTY) };
        !tty.is_null()
    }

    /// Major and minor number of the controlling terminal; zeros where there is none.
    #[inline(always)]
    pub(crate) fn tty(self) -> (u32, u32) {
        // SAFETY: the helper returned a tracked task.
        let signal: *const c_void = unsafe { read(self.0, &TASK_SIGNAL) };
        // SAFETY: the pointer came from a tracked struct.
        let tty: *const c_void = unsafe { read(signal, &SIGNAL_TTY) };
        if tty.is_null() {
            return (0, 0);
        }
        // SAFETY: as above.
        let driver: *const c_void = unsafe { read(tty, &TTY_DRIVER) };
        // SAFETY: as above.
        let major: u32 = unsafe { read(driver, &DRIVER_MAJOR) };
        // SAFETY: as above.
        let minor_start: u32 = unsafe { read(driver, &DRIVER_MINOR_START) };
        // SAFETY: as above.
        let index: u32 = unsafe { read(tty, &TTY_INDEX) };
        (major, minor_start.wrapping_add(index))
    }
}
