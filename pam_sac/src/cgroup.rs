// SPDX-License-Identifier: MIT OR Apache-2.0
//! Placement: this process moves into its session's cgroup and then proves that it is there.
//!
//! The proof is `/proc/self/cgroup`, read after the move: a session whose process sits elsewhere would look confined and
//! not be. Writing to cgroupfs cannot be given a deadline; it waits for kernel locks only.
#![forbid(unsafe_code)]

use crate::sys::filesystem;
use crate::text::quoted;
use std::ffi::OsStr;
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Most bytes of `/proc/self/cgroup` that are read: a line per hierarchy, each with a path below `PATH_MAX`.
const MEMBERSHIP_BYTES_MAX: u64 = 64 * 1024;

/// Where cgroups are. Tests put a directory of their own here.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hierarchy<'a> {
    /// The mount point, absolute and without a slash at the end.
    pub(crate) mount_point: &'a str,
    /// The filesystem that must be mounted there.
    pub(crate) magic: i64,
    /// The file that tells in which cgroups this process is.
    pub(crate) membership: &'a str,
}

/// The unified hierarchy of this machine.
pub(crate) const UNIFIED: Hierarchy<'static> = Hierarchy {
    mount_point: "/sys/fs/cgroup",
    magic: libc::CGROUP2_SUPER_MAGIC,
    membership: "/proc/self/cgroup",
};

/// Why a directory was not taken for a cgroup of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PathFault {
    /// Not below the mount point, or the mount point itself.
    Outside,
    /// It has an empty, `.` or `..` component.
    Component,
    /// It has a NUL byte.
    Nul,
}

/// Why the process is not where it should be.
#[derive(Debug)]
pub(crate) enum PlaceError {
    /// The loader named a directory that cannot be a session's.
    Path(PathFault),
    /// The cgroup could not be opened or entered. The process is where it was: the kernel moves all or nothing.
    NotMoved(&'static str, io::Error),
    /// The directory is on another filesystem, with this magic number.
    Filesystem(i64),
    /// The kernel took the move, but where the process is could not be read.
    Unproven(io::Error),
    /// The kernel took the move, but the process is in this cgroup (or in none).
    Astray(Option<Vec<u8>>),
}

impl fmt::Display for PlaceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(PathFault::Outside) => f.write_str("it is not below the cgroup filesystem"),
            Self::Path(PathFault::Component) => f.write_str("its path has an empty, . or .. component"),
            Self::Path(PathFault::Nul) => f.write_str("its path has a NUL byte"),
            Self::NotMoved(step, error) => write!(f, "{step}: {error}"),
            Self::Filesystem(magic) => write!(f, "it is on a filesystem of type {magic:#x}, not on cgroup2"),
            Self::Unproven(error) => write!(f, "the move cannot be verified: {error}"),
            Self::Astray(Some(found)) => write!(f, "the process is in {} after the move", quoted(found)),
            Self::Astray(None) => {
                f.write_str("the process is in no cgroup of the unified hierarchy after the move")
            }
        }
    }
}

/// Moves this process, with all its threads, into the cgroup whose directory is `cgroup`.
///
/// # Errors
///
/// Any [`PlaceError`]. Only after `Unproven` and `Astray` the process may be elsewhere than before.
pub(crate) fn enter(hierarchy: Hierarchy<'_>, cgroup: &[u8]) -> Result<(), PlaceError> {
    let wanted = path_in_hierarchy(hierarchy, cgroup).map_err(PlaceError::Path)?;
    // Symbolic links on the way are not looked for: cgroupfs has none, and the membership is what counts in the end.
    let directory = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_PATH | libc::O_DIRECTORY | libc::O_NOFOLLOW)
        .open(Path::new(OsStr::from_bytes(cgroup)))
        .map_err(|error| PlaceError::NotMoved("cannot open it", error))?;
    let magic = filesystem::filesystem_magic(directory.as_fd())
        .map_err(|error| PlaceError::NotMoved("cannot tell its filesystem", error))?;
    if magic != hierarchy.magic {
        return Err(PlaceError::Filesystem(magic));
    }
    let mut procs = filesystem::open_at_for_writing(directory.as_fd(), c"cgroup.procs")
        .map_err(|error| PlaceError::NotMoved("cannot open its cgroup.procs", error))?;
    // 0 is the process that writes, see cgroup_procs_write in kernel/cgroup/cgroup.c.
    procs.write_all(b"0").map_err(|error| PlaceError::NotMoved("cannot enter it", error))?;
    let found = membership(hierarchy).map_err(PlaceError::Unproven)?;
    if found.as_deref() == Some(wanted) { Ok(()) } else { Err(PlaceError::Astray(found)) }
}

/// The part of `cgroup` that `/proc/self/cgroup` shows: what comes after the mount point, with the slash.
fn path_in_hierarchy<'c>(hierarchy: Hierarchy<'_>, cgroup: &'c [u8]) -> Result<&'c [u8], PathFault> {
    if cgroup.contains(&0) {
        return Err(PathFault::Nul);
    }
    let path = cgroup.strip_prefix(hierarchy.mount_point.as_bytes()).ok_or(PathFault::Outside)?;
    let below = path.strip_prefix(b"/").ok_or(PathFault::Outside)?;
    if below.is_empty() {
        return Err(PathFault::Outside);
    }
    let refused = |component: &[u8]| matches!(component, b"" | b"." | b"..");
    if below.split(|&byte| byte == b'/').any(refused) {
        return Err(PathFault::Component);
    }
    Ok(path)
}

/// The cgroup of this process in the unified hierarchy, see cgroups(7); `None` where there is no such line.
fn membership(hierarchy: Hierarchy<'_>) -> io::Result<Option<Vec<u8>>> {
    let mut text = Vec::new();
    File::open(hierarchy.membership)?.take(MEMBERSHIP_BYTES_MAX).read_to_end(&mut text)?;
    let path = text.split(|&byte| byte == b'\n').find_map(|line| line.strip_prefix(b"0::"));
    Ok(path.map(<[u8]>::to_vec))
}

#[cfg(test)]
mod tests;
