// SPDX-License-Identifier: MIT OR Apache-2.0
//! Files below a directory that is held open, and the kind of a filesystem.

use std::ffi::CStr;
use std::fs::File;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd};

/// Opens `name` in `directory` for writing; the file must exist and must not be a symbolic link.
pub(crate) fn open_at_for_writing(directory: BorrowedFd<'_>, name: &CStr) -> io::Result<File> {
    let flags = libc::O_WRONLY | libc::O_NOFOLLOW | libc::O_CLOEXEC;
    // SAFETY: the name ends in NUL and outlives the call; no mode is read, because nothing is created. The standard
    // library has no openat.
    let fd = unsafe { libc::openat(directory.as_raw_fd(), name.as_ptr(), flags) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the descriptor is new, so nobody else owns it.
    Ok(unsafe { File::from_raw_fd(fd) })
}

/// The magic number of the filesystem that `file` is on, see statfs(2).
pub(crate) fn filesystem_magic(file: BorrowedFd<'_>) -> io::Result<i64> {
    let mut statfs = MaybeUninit::<libc::statfs>::uninit();
    // SAFETY: the pointer is to a statfs, which the kernel fills. The standard library has no fstatfs.
    if unsafe { libc::fstatfs(file.as_raw_fd(), statfs.as_mut_ptr()) } < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call succeeded, so the kernel has filled it.
    let statfs = unsafe { statfs.assume_init() };
    Ok(statfs.f_type)
}
