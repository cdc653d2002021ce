// SPDX-License-Identifier: MIT OR Apache-2.0
//! System calls for which neither std nor rustix has a safe form.

use rustix::fs::{CWD, Mode, OFlags, openat};
use std::{
    io,
    os::{
        fd::{AsRawFd as _, BorrowedFd, OwnedFd},
        unix::process::CommandExt as _,
    },
    process::Command,
};

/// Lets `command` start inside of the cgroup whose `cgroup.procs` is open as `procs`.
pub(crate) fn start_in_cgroup(command: &mut Command, procs: OwnedFd) {
    let enter = move || {
        // "0" stands for the writing process itself.
        rustix::io::write(&procs, b"0").map(drop).map_err(io::Error::from)
    };
    // SAFETY: between fork and exec only async-signal-safe calls are allowed; this is one `write`.
    unsafe { command.pre_exec(enter) };
}

/// Has all threads share one heap. By itself the allocator gives each its own, and each keeps what the largest policy that was ever loaded on
/// that thread has left in it.
pub(crate) fn share_one_heap() {
    // SAFETY: mallopt(3) may be called at any time before a second thread allocates; it changes a number of the allocator.
    let _whether_it_knows_it = unsafe { libc::mallopt(libc::M_ARENA_MAX, 1) };
}

/// Gives memory back that was freed: what is needed for a moment, such as the kernel's BTF at the start or a burst of events, is many times
/// what the loader keeps, and the allocator gives nothing back by itself that lies below something in use.
pub(crate) fn give_back_memory() {
    // SAFETY: malloc_trim(3) may be called at any time, by any thread; 0 is how much to leave on top.
    let _whether_there_was_any = unsafe { libc::malloc_trim(0) };
}

/// Random numbers from the kernel.
pub(crate) fn random_words() -> io::Result<[u64; 2]> {
    let mut bytes = [[0; 8]; 2];
    for word in &mut bytes {
        // So few bytes come whole or not at all, see getrandom(2).
        rustix::rand::getrandom(&mut word[..], rustix::rand::GetRandomFlags::empty())?;
    }
    Ok(bytes.map(u64::from_ne_bytes))
}

/// The supplementary groups of whoever connected to a Unix socket, as they were then; see `SO_PEERGROUPS` in net/core/sock.c.
pub(crate) fn peer_groups(connection: BorrowedFd<'_>) -> io::Result<Vec<u32>> {
    /// More groups than most people have; the kernel says how many there are where there are more.
    const GROUPS: usize = 64;
    let mut groups: Vec<libc::gid_t> = vec![0; GROUPS];
    loop {
        let size = groups.len() * size_of::<libc::gid_t>();
        let mut bytes = libc::socklen_t::try_from(size).map_err(io::Error::other)?;
        let (room, option) = (groups.as_mut_ptr().cast(), libc::SO_PEERGROUPS);
        // SAFETY: the kernel writes `bytes` bytes at most, for which there is room, and then how many there are.
        let result = unsafe {
            libc::getsockopt(connection.as_raw_fd(), libc::SOL_SOCKET, option, room, &raw mut bytes)
        };
        let found = usize::try_from(bytes).map_err(io::Error::other)? / size_of::<libc::gid_t>();
        if result == 0 {
            groups.truncate(found);
            return Ok(groups);
        }
        let error = io::Error::last_os_error();
        if error.raw_os_error() != Some(libc::ERANGE) || found <= groups.len() {
            return Err(error);
        }
        groups.resize(found, 0);
    }
}

/// The generation of a regular file, which tells it from another that had its inode number before; `None` where the file
/// system does not tell. `file` may be open with `O_PATH` alone.
pub(crate) fn file_generation(file: BorrowedFd<'_>) -> Option<u32> {
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let readable = openat(CWD, path, flags, Mode::empty()).ok()?;
    let mut generation: libc::c_long = 0;
    // SAFETY: the request writes an int, as all file systems do that know it, and there is room for the long of its name.
    let result = unsafe { libc::ioctl(readable.as_raw_fd(), libc::FS_IOC_GETVERSION, &raw mut generation) };
    let [a, b, c, d, ..] = generation.to_ne_bytes();
    (result == 0).then_some(u32::from_ne_bytes([a, b, c, d]))
}
