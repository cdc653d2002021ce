// SPDX-License-Identifier: GPL-2.0-only OR MIT
//! Kernel structs, read at offsets that the loader resolved.
//!
//! One `static` for each entry of [`sac_abi::layout::MEMBERS`], set from the running kernel's BTF before the verifier sees
//! the program; the verifier takes them for constants. Values start as [`UNRESOLVED`], far outside of any struct, so that
//! a program whose offsets were never set does not pass the verifier.

use aya_ebpf::helpers::generated::bpf_probe_read_kernel_str;
use core::ffi::c_void;
use sac_abi::{
    Operation,
    rule::{InodeId, Operations},
};

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
    BPRM_FILE, BPRM_FILENAME, BPRM_INTERP, BPRM_BUF, BPRM_P, BPRM_ARGC,
    FILE_INODE, FILE_PATH, FILE_MODE, FILE_FLAGS, PATH_DENTRY, DENTRY_PARENT, DENTRY_INODE, DENTRY_NAME, QSTR_NAME,
    INODE_INO, INODE_GENERATION, INODE_UID, INODE_GID, INODE_MODE, INODE_NLINK, INODE_ACL, INODE_SB,
    SB_DEV, SB_USER_NS, SB_MAGIC, SB_IFLAGS, USERNS_LEVEL, IATTR_VALID, VMA_FILE, VMA_ANON,
    TASK_CRED, CRED_UID, CRED_EUID, CRED_SUID, CRED_FSUID, CRED_PERMITTED, CRED_USER_NS, UNIX_PATH,
    TASK_REAL_PARENT, TASK_TGID, TASK_LOGINUID, TASK_MM, MM_EXE_FILE, MM_START_CODE, TASK_SIGNAL,
    SIGNAL_TTY, TTY_INDEX, TTY_DRIVER, DRIVER_MAJOR, DRIVER_MINOR_START,
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
    /// Wraps the argument of a hook that is a file.
    ///
    /// # Safety
    ///
    /// `file` must be that argument, unchanged.
    #[inline(always)]
    pub(crate) const unsafe fn new(file: *const c_void) -> Self {
        Self(file)
    }

    /// Whether there is one: memory need not come from a file.
    #[inline(always)]
    pub(crate) fn is_there(self) -> bool {
        !self.0.is_null()
    }

    /// As helpers take it.
    #[inline(always)]
    pub(crate) const fn as_ptr(self) -> *mut c_void {
        self.0.cast_mut()
    }

    /// Whether both are the same open file.
    #[inline(always)]
    pub(crate) fn is(self, other: Self) -> bool {
        core::ptr::eq(self.0, other.0)
    }

    /// What is open.
    #[inline(always)]
    pub(crate) fn inode(self) -> Inode {
        // SAFETY: the pointer came from a tracked struct, so the verifier knows its type.
        Inode(unsafe { read(self.0, &FILE_INODE) })
    }

    /// Whether the file is another one than its path leads to, on a mount that somebody without rights made. Before 6.5 an overlay opens the
    /// files below it under its own paths, so nothing is known of the directories that they are really in.
    #[inline(always)]
    pub(crate) fn is_hidden(self) -> bool {
        // SAFETY: the pointer came from a tracked struct; this goes for all reads here.
        let inode: u64 = unsafe { read(self.0, &FILE_INODE) };
        let path = member::<c_void>(self.0, &FILE_PATH);
        // SAFETY: as above; `f_path` stands inside of the file.
        let dentry: *const c_void = unsafe { read(path, &PATH_DENTRY) };
        // SAFETY: as above.
        let of_path: *const c_void = unsafe { read(dentry, &DENTRY_INODE) };
        if of_path.is_null() || of_path as u64 == inode {
            return false;
        }
        Inode(of_path).is_of_user_namespace()
    }

    /// What it is opened for: reading, writing, or both; emptying it is writing.
    #[inline(always)]
    pub(crate) fn opened_for(self) -> Operations {
        const FMODE_READ: u32 = 1;
        const FMODE_WRITE: u32 = 2;
        const O_TRUNC: u32 = 0o1000;
        // SAFETY: the pointer came from a tracked struct.
        let mode: u32 = unsafe { read(self.0, &FILE_MODE) };
        // SAFETY: as above.
        let flags: u32 = unsafe { read(self.0, &FILE_FLAGS) };
        let mut operations = Operations::NONE;
        if mode & FMODE_READ != 0 {
            operations = operations.with(Operation::Read);
        }
        if mode & FMODE_WRITE != 0 || flags & O_TRUNC != 0 {
            operations = operations.with(Operation::Write);
        }
        operations
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
    /// Wraps the argument of a hook that is a dentry.
    ///
    /// # Safety
    ///
    /// `dentry` must be that argument, unchanged.
    #[inline(always)]
    pub(crate) const unsafe fn new(dentry: *const c_void) -> Self {
        Self(dentry)
    }

    /// Whether something has the name.
    #[inline(always)]
    pub(crate) fn is_taken(self) -> bool {
        // SAFETY: the pointer came from a tracked struct or is a hook's argument.
        let inode: *const c_void = unsafe { read(self.0, &DENTRY_INODE) };
        !inode.is_null()
    }

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

    /// Whether what has the name is root's.
    #[inline(always)]
    pub(crate) fn is_of_root(self) -> bool {
        // SAFETY: the pointer came from a tracked struct or is a hook's argument.
        let inode: *const c_void = unsafe { read(self.0, &DENTRY_INODE) };
        // SAFETY: the pointer came from a tracked struct.
        !inode.is_null() && unsafe { read::<u32>(inode, &INODE_UID) == 0 }
    }

    /// What has the name; [`Inode::NOBODY`] where nothing has.
    #[inline(always)]
    pub(crate) fn identity(self) -> InodeId {
        // SAFETY: the pointer came from a tracked struct.
        let inode: *const c_void = unsafe { read(self.0, &DENTRY_INODE) };
        if inode.is_null() { Inode::NOBODY } else { Inode(inode).identity() }
    }

    /// Whether the name is `mem`.
    #[inline(always)]
    pub(crate) fn is_named_mem(self) -> bool {
        const MEM: u32 = u32::from_ne_bytes(*b"mem\0");
        let name = member::<c_void>(self.0, &DENTRY_NAME);
        // SAFETY: the pointer came from a tracked struct; `d_name` stands inside of it.
        let text: *const c_void = unsafe { read(name, &QSTR_NAME) };
        // SAFETY: the helper checks the address by itself.
        unsafe { aya_ebpf::helpers::bpf_probe_read_kernel(text.cast::<u32>()) }.unwrap_or(0) == MEM
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

/// `struct inode`: a file, whatever its names are.
#[derive(Clone, Copy)]
pub(crate) struct Inode(*const c_void);

impl Inode {
    /// In place of an identity where there is no file: no rule names it.
    pub(crate) const NOBODY: InodeId = InodeId { dev: u32::MAX, ino: 0, generation: Some(0) };

    /// Device, inode number and generation.
    #[inline(always)]
    pub(crate) fn identity(self) -> InodeId {
        // SAFETY: the pointer came from a tracked struct.
        let dev = unsafe { read(self.superblock(), &SB_DEV) };
        // SAFETY: as above.
        let ino = unsafe { read(self.0, &INODE_INO) };
        // SAFETY: as above.
        let generation = unsafe { read(self.0, &INODE_GENERATION) };
        InodeId { dev, ino, generation: Some(generation) }
    }

    /// Whether it has no name: memory that processes share, memfds, and what was removed.
    #[inline(always)]
    pub(crate) fn is_nameless(self) -> bool {
        // SAFETY: the pointer came from a tracked struct.
        unsafe { read::<u32>(self.0, &INODE_NLINK) == 0 }
    }

    /// Whether it is one of the files that show processes.
    #[inline(always)]
    pub(crate) fn is_of_processes(self) -> bool {
        // include/uapi/linux/magic.h.
        const PROC_SUPER_MAGIC: u64 = 0x9fa0;
        // SAFETY: the pointer came from a tracked struct.
        unsafe { read::<u64>(self.superblock(), &SB_MAGIC) == PROC_SUPER_MAGIC }
    }

    /// Whether it is a disk or a part of one.
    #[inline(always)]
    pub(crate) fn is_disk(self) -> bool {
        const FORMAT: u16 = 0o170_000;
        const BLOCK_DEVICE: u16 = 0o060_000;
        // SAFETY: the pointer came from a tracked struct.
        unsafe { read::<u16>(self.0, &INODE_MODE) & FORMAT == BLOCK_DEVICE }
    }

    /// Whether `owner`, or anybody but the administrators, could have written it.
    #[inline(always)]
    pub(crate) fn is_untrusted(self, owner: u32) -> bool {
        // Where accounts of people begin, `UID_MIN` of login.defs(5).
        const PEOPLE: u32 = 1000;
        const GROUP_WRITES: u16 = 0o020;
        const OTHERS_WRITE: u16 = 0o002;
        // SAFETY: the pointer came from a tracked struct; this goes for all reads here.
        let uid: u32 = unsafe { read(self.0, &INODE_UID) };
        // SAFETY: as above.
        let gid: u32 = unsafe { read(self.0, &INODE_GID) };
        // SAFETY: as above.
        let mode: u16 = unsafe { read(self.0, &INODE_MODE) };
        // SAFETY: as above.
        let names: u32 = unsafe { read(self.0, &INODE_NLINK) };
        // SAFETY: as above. What is not null can also mean that nobody has asked for the list yet.
        let has_list = unsafe { read::<u64>(self.0, &INODE_ACL) } != 0;
        // Where there is a list of permissions, the group's bits are the most that anybody in it has.
        let group_writes = mode & GROUP_WRITES != 0 && (gid != 0 || has_list);
        // What root has written is the administrators', also in a scope of root's own.
        (uid == owner && uid != 0)
            || uid >= PEOPLE
            || names == 0
            || mode & OTHERS_WRITE != 0
            || group_writes
            || self.is_on_untrusted_mount()
    }

    /// Whether the file system is one that somebody without rights may have made up.
    #[inline(always)]
    fn is_on_untrusted_mount(self) -> bool {
        // include/uapi/linux/magic.h.
        const FUSE_SUPER_MAGIC: u64 = 0x6573_5546;
        // include/linux/fs.h.
        const SB_I_UNTRUSTED_MOUNTER: u64 = 0x40;
        let superblock = self.superblock();
        // SAFETY: the pointer came from a tracked struct.
        let magic: u64 = unsafe { read(superblock, &SB_MAGIC) };
        // SAFETY: as above.
        let flags: u64 = unsafe { read(superblock, &SB_IFLAGS) };
        self.is_of_user_namespace() || magic == FUSE_SUPER_MAGIC || flags & SB_I_UNTRUSTED_MOUNTER != 0
    }

    /// Whether its file system was mounted in a user namespace.
    #[inline(always)]
    fn is_of_user_namespace(self) -> bool {
        // SAFETY: the pointer came from a tracked struct.
        let namespace: *const c_void = unsafe { read(self.superblock(), &SB_USER_NS) };
        // SAFETY: as above.
        unsafe { read::<u32>(namespace, &USERNS_LEVEL) > 0 }
    }

    #[inline(always)]
    fn superblock(self) -> *const c_void {
        // SAFETY: the pointer came from a tracked struct.
        unsafe { read(self.0, &INODE_SB) }
    }
}

/// `struct vm_area_struct`: a piece of a process's memory.
#[derive(Clone, Copy)]
pub(crate) struct Memory(*const c_void);

impl Memory {
    /// Wraps the argument of a hook that is a piece of memory.
    ///
    /// # Safety
    ///
    /// `memory` must be that argument, unchanged.
    #[inline(always)]
    pub(crate) const unsafe fn new(memory: *const c_void) -> Self {
        Self(memory)
    }

    /// Whether some of it is no longer as it is in the file: somebody has written to their own copy.
    #[inline(always)]
    pub(crate) fn is_changed(self) -> bool {
        // SAFETY: by the contract of `new`.
        unsafe { read::<u64>(self.0, &VMA_ANON) != 0 }
    }

    /// The file that it was mapped from, if there is one; see [`File::is_there`].
    #[inline(always)]
    pub(crate) fn file(self) -> File {
        // SAFETY: by the contract of `new`.
        File(unsafe { read(self.0, &VMA_FILE) })
    }
}

/// `struct iattr`: what is being changed about a file.
#[derive(Clone, Copy)]
pub(crate) struct Change(*const c_void);

impl Change {
    /// Wraps the argument of a hook that is a change.
    ///
    /// # Safety
    ///
    /// `change` must be that argument, unchanged.
    #[inline(always)]
    pub(crate) const unsafe fn new(change: *const c_void) -> Self {
        Self(change)
    }

    /// Whether it is about size, owner or mode, and not only about times.
    #[inline(always)]
    pub(crate) fn matters(self) -> bool {
        // `ATTR_MODE | ATTR_UID | ATTR_GID | ATTR_SIZE`, include/linux/fs.h.
        const ATTRIBUTES: u32 = 1 | 2 | 4 | 8;
        // SAFETY: by the contract of `new`.
        unsafe { read::<u32>(self.0, &IATTR_VALID) & ATTRIBUTES != 0 }
    }
}

/// `struct msghdr`: something that is being sent.
#[derive(Clone, Copy)]
pub(crate) struct Message(*const c_void);

impl Message {
    /// Wraps the argument of a hook that is a message.
    ///
    /// # Safety
    ///
    /// `message` must be that argument, unchanged.
    #[inline(always)]
    pub(crate) const unsafe fn new(message: *const c_void) -> Self {
        Self(message)
    }

    /// Where the address stands that it is sent to, as a number, and how long that is; zeros where it has none. The kernel has
    /// copied it by then.
    #[inline(always)]
    pub(crate) fn address(self) -> (u64, u32) {
        // SAFETY: by the contract of `new`.
        let at: u64 = unsafe { read(self.0, &MSG_NAME) };
        // SAFETY: as above.
        let len = unsafe { read(self.0, &MSG_NAMELEN) };
        (at, len)
    }
}

/// `struct socket`.
#[derive(Clone, Copy)]
pub(crate) struct Socket(*const c_void);

impl Socket {
    /// Wraps the argument of a hook that is a socket.
    ///
    /// # Safety
    ///
    /// `socket` must be that argument, unchanged.
    #[inline(always)]
    pub(crate) const unsafe fn new(socket: *const c_void) -> Self {
        Self(socket)
    }

    /// Its address family.
    #[inline(always)]
    pub(crate) fn family(self) -> u16 {
        // SAFETY: by the contract of `new`.
        let inner: *const c_void = unsafe { read(self.0, &SOCKET_SK) };
        if inner.is_null() {
            return 0;
        }
        // SAFETY: `sock_common` stands at the beginning of what the pointer leads to (include/net/sock.h).
        unsafe { read(inner, &SOCK_FAMILY) }
    }
}

/// A socket of the machine itself, `struct unix_sock`, by its address: a hook knows it as a `struct sock`, which is only its beginning.
#[derive(Clone, Copy)]
pub(crate) struct UnixSocket(u64);

impl UnixSocket {
    pub(crate) const fn at(address: u64) -> Self {
        Self(address)
    }

    /// The file that it is bound to, without a generation; [`Inode::NOBODY`] where it is bound to none.
    #[inline(always)]
    pub(crate) fn file(self) -> InodeId {
        let path = member::<c_void>(self.0 as *const c_void, &UNIX_PATH);
        let dentry: u64 = peek(path, &PATH_DENTRY);
        if dentry == 0 {
            return Inode::NOBODY;
        }
        let inode: u64 = peek(dentry as *const c_void, &DENTRY_INODE);
        let superblock: u64 = peek(inode as *const c_void, &INODE_SB);
        let dev = peek(superblock as *const c_void, &SB_DEV);
        InodeId { dev, ino: peek(inode as *const c_void, &INODE_INO), generation: None }
    }
}

/// Reads a member of a struct that the verifier does not track; 0 where there is none.
#[inline(always)]
fn peek<T: Copy + Default>(container: *const c_void, offset: &'static u32) -> T {
    // SAFETY: the helper checks the address by itself.
    unsafe { aya_ebpf::helpers::bpf_probe_read_kernel(member::<T>(container, offset)) }.unwrap_or_default()
}

/// `struct task_struct` of some process.
#[derive(Clone, Copy)]
pub(crate) struct Task(*const c_void);

impl Task {
    /// Wraps the argument of a hook that is a task.
    ///
    /// # Safety
    ///
    /// `task` must be that argument, unchanged.
    #[inline(always)]
    pub(crate) const unsafe fn new(task: *const c_void) -> Self {
        Self(task)
    }

    /// Its process id.
    #[inline(always)]
    pub(crate) fn tgid(self) -> u32 {
        // SAFETY: by the contract of `new`.
        unsafe { read(self.0, &TASK_TGID) }
    }

    /// As helpers take it.
    #[inline(always)]
    pub(crate) const fn as_ptr(self) -> *mut c_void {
        self.0.cast_mut()
    }
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

    /// Whether the kernel is putting a program into this task's memory right now: the memory is new, and nothing of the program has run.
    /// Nobody can make it look like that later: `prctl` takes no address as low as 0.
    #[inline(always)]
    pub(crate) fn is_being_loaded(self) -> bool {
        let memory = self.memory();
        if memory.is_null() {
            return false;
        }
        // SAFETY: the pointer came from a tracked struct.
        unsafe { read::<u64>(memory, &MM_START_CODE) == 0 }
    }

    /// The program in its memory; see [`File::is_there`].
    #[inline(always)]
    pub(crate) fn program(self) -> File {
        let memory = self.memory();
        if memory.is_null() {
            return File(core::ptr::null());
        }
        // SAFETY: the pointer came from a tracked struct.
        File(unsafe { read(memory, &MM_EXE_FILE) })
    }

    #[inline(always)]
    fn memory(self) -> *const c_void {
        // SAFETY: the helper returned a tracked task.
        unsafe { read(self.0, &TASK_MM) }
    }

    /// Process id of the parent.
    #[inline(always)]
    pub(crate) fn parent_tgid(self) -> u32 {
        // SAFETY: the helper returned a tracked task.
        let parent: *const c_void = unsafe { read(self.0, &TASK_REAL_PARENT) };
        // SAFETY: the pointer came from a tracked struct.
        unsafe { read(parent, &TASK_TGID) }
    }

    /// Whether it is root in any of its user ids, or has rights in the first user namespace, or could take them back.
    #[inline(always)]
    pub(crate) fn is_privileged(self) -> bool {
        // SAFETY: the helper returned a tracked task.
        let credentials: *const c_void = unsafe { read(self.0, &TASK_CRED) };
        // SAFETY: the pointer came from a tracked struct; this goes for all reads here.
        let namespace: *const c_void = unsafe { read(credentials, &CRED_USER_NS) };
        // SAFETY: as above.
        let level: u32 = unsafe { read(namespace, &USERNS_LEVEL) };
        // SAFETY: as above.
        let permitted: u64 = unsafe { read(credentials, &CRED_PERMITTED) };
        if level == 0 && permitted != 0 {
            return true;
        }
        [&CRED_UID, &CRED_EUID, &CRED_SUID, &CRED_FSUID].into_iter().any(|member| {
            // SAFETY: as above.
            unsafe { read::<u32>(credentials, member) == 0 }
        })
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
