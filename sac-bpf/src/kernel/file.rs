// SPDX-License-Identifier: GPL-2.0-only OR MIT
//! Files: open ones, names, inodes, and memory that comes from them.

use super::{
    DENTRY_INODE, DENTRY_NAME, DENTRY_PARENT, FILE_FLAGS, FILE_INODE, FILE_MODE, FILE_PATH, IATTR_VALID,
    INODE_ACL, INODE_GENERATION, INODE_GID, INODE_INO, INODE_MODE, INODE_NLINK, INODE_SB, INODE_UID,
    MOUNT_ROOT, PATH_DENTRY, PATH_MOUNT, QSTR_NAME, SB_DEV, SB_IFLAGS, SB_MAGIC, SB_USER_NS, USERNS_LEVEL,
    VMA_ANON, VMA_FILE, member, read,
};
use aya_ebpf::helpers::generated::bpf_probe_read_kernel_str;
use core::{ffi::c_void, mem::MaybeUninit};
use sac_abi::{
    Operation,
    rule::{InodeId, Operations},
    sieve::NameStart,
};

/// `struct file`.
#[derive(Clone, Copy)]
pub(crate) struct File(pub(super) *const c_void);

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
        Place(member(self.0, &FILE_PATH)).dentry()
    }

    /// How the name begins that the file's path ends with; `None` where that has to be found out by the path. A file that is mounted
    /// has the name of where it is mounted there, and not its own.
    #[inline(always)]
    pub(crate) fn name_start(self) -> Option<NameStart> {
        let place = Place(member(self.0, &FILE_PATH));
        let dentry = place.dentry();
        if place.root_of_mount().is(dentry) {
            return None;
        }
        let mut start = [const { MaybeUninit::<u64>::uninit() }; 2];
        let words = start.as_mut_ptr().cast::<u64>();
        // SAFETY: both words are there. Volatile, or they become a `memset`, which LLVM does not have for BPF.
        unsafe { words.write_volatile(0) };
        // SAFETY: as above.
        unsafe { words.wrapping_add(1).write_volatile(0) };
        // SAFETY: there is room for so many bytes; behind a shorter name they stay as they are.
        let result = unsafe { dentry.name(words.cast(), size_of::<NameStart>() as u32) };
        if result <= 0 {
            return None;
        }
        // SAFETY: both have been written.
        let [low, high] = start.map(|word| unsafe { word.assume_init() });
        Some(NameStart::from_words(low, high))
    }

    /// Writes the file's path, as seen from the process's root, into `buffer`; returns its length with the NUL or a
    /// negative error.
    ///
    /// # Safety
    ///
    /// `buffer` must have room for `bytes` bytes.
    #[inline(always)]
    pub(crate) unsafe fn path(self, buffer: *mut u8, bytes: u32) -> i64 {
        // SAFETY: by the contract of this function.
        unsafe { Place(member(self.0, &FILE_PATH)).path(buffer, bytes) }
    }
}

/// `struct path`: a name in a directory, and the mount that it is reached by.
#[derive(Clone, Copy)]
pub(crate) struct Place(pub(super) *const c_void);

impl Place {
    /// Where it is in its file system.
    #[inline(always)]
    pub(crate) fn dentry(self) -> Dentry {
        // SAFETY: it stands inside of a tracked struct.
        Dentry(unsafe { read(self.0, &PATH_DENTRY) })
    }

    /// The directory, or the file, that the mount shows.
    #[inline(always)]
    fn root_of_mount(self) -> Dentry {
        // SAFETY: it stands inside of a tracked struct.
        let mount: *const c_void = unsafe { read(self.0, &PATH_MOUNT) };
        // SAFETY: the pointer came from a tracked struct.
        Dentry(unsafe { read(mount, &MOUNT_ROOT) })
    }

    /// Writes the path, as seen from the process's root, into `buffer`; returns its length with the NUL or a negative error.
    ///
    /// # Safety
    ///
    /// `buffer` must have room for `bytes` bytes.
    #[inline(always)]
    pub(crate) unsafe fn path(self, buffer: *mut u8, bytes: u32) -> i64 {
        // SAFETY: the path stands inside of a tracked struct, and the buffer is as long as the caller vouches.
        unsafe { aya_ebpf::helpers::bpf_d_path(self.0.cast_mut().cast(), buffer.cast(), bytes) }
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

    /// The inode number of what has the name; 0 where nothing has.
    #[inline(always)]
    pub(crate) fn number(self) -> u64 {
        // SAFETY: the pointer came from a tracked struct.
        Inode(unsafe { read(self.0, &DENTRY_INODE) }).number()
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

    /// Whether it is the name of this file, which is not a given for a file that is open: before 6.5 an overlay opens the files below it
    /// under its own paths.
    #[inline(always)]
    pub(crate) fn is_of(self, inode: Inode) -> bool {
        // SAFETY: the pointer came from a tracked struct.
        let named: *const c_void = unsafe { read(self.0, &DENTRY_INODE) };
        core::ptr::eq(named, inode.0)
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
        let ino = self.number();
        // SAFETY: as above.
        let generation = unsafe { read(self.0, &INODE_GENERATION) };
        InodeId { dev, ino, generation: Some(generation) }
    }

    /// The inode number alone; 0 where there is no inode.
    #[inline(always)]
    pub(crate) fn number(self) -> u64 {
        // SAFETY: the pointer came from a tracked struct.
        unsafe { read(self.0, &INODE_INO) }
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
