// SPDX-License-Identifier: GPL-2.0-only OR MIT
//! Sockets and what is sent through them.

use super::{
    DENTRY_INODE, INODE_INO, INODE_SB, MSG_NAME, MSG_NAMELEN, PATH_DENTRY, SB_DEV, SOCK_FAMILY, SOCKET_SK,
    UNIX_PATH, file::Inode, member, peek, read,
};
use core::ffi::c_void;
use sac_abi::rule::InodeId;

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
