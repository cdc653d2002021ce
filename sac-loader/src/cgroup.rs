// SPDX-License-Identifier: MIT OR Apache-2.0
//! Cgroups (version 2 only): finding, making, watching and removing them.
//!
//! Nothing here knows of sessions or BPF. Paths come from the kernel or from us, never from a user.

mod path;
mod temporary;

pub(crate) use path::{CgroupPath, UserSlice};
pub(crate) use temporary::TemporaryCgroup;

use rustix::fs::{AtFlags, CWD, Mode, OFlags, StatxFlags};
use std::{
    fs, io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::{Path, PathBuf},
};

/// Where the unified hierarchy is mounted on every system with systemd.
pub(crate) const ROOT: &str = "/sys/fs/cgroup";

/// An open cgroup directory.
#[derive(Debug)]
pub(crate) struct Cgroup {
    directory: PathBuf,
    fd: OwnedFd,
    id: u64,
}

impl Cgroup {
    /// Opens the cgroup at `directory`.
    ///
    /// # Errors
    ///
    /// Where it does not exist or is no cgroup of version 2.
    pub(crate) fn open(directory: &Path) -> io::Result<Self> {
        let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::RDONLY;
        let fd = rustix::fs::openat(CWD, directory, flags, Mode::empty())?;
        if rustix::fs::fstatfs(&fd)?.f_type != CGROUP2_SUPER_MAGIC {
            return Err(not_version_2(directory));
        }
        let id = rustix::fs::statx(&fd, "", AtFlags::EMPTY_PATH, StatxFlags::INO)?.stx_ino;
        Ok(Self { directory: directory.to_owned(), fd, id })
    }

    /// Makes a cgroup and opens it.
    ///
    /// # Errors
    ///
    /// Where there is one of that name already, or it cannot be made.
    pub(crate) fn create(directory: &Path) -> io::Result<Self> {
        // Where no cgroups are there is no parent either, and that would be all that is said.
        if rustix::fs::statfs(ROOT)?.f_type != CGROUP2_SUPER_MAGIC {
            return Err(not_version_2(Path::new(ROOT)));
        }
        fs::create_dir(directory)?;
        Self::open(directory).inspect_err(|_failed| {
            // Nothing is inside of it; if it cannot be removed there is nothing more to do about it.
            let _still_there = fs::remove_dir(directory);
        })
    }

    /// Its directory.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Its id, which is the inode number of its directory and is never used again until the machine restarts.
    pub(crate) const fn id(&self) -> u64 {
        self.id
    }

    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

fn not_version_2(directory: &Path) -> io::Error {
    io::Error::other(format!("{} is not a cgroup of version 2", directory.display()))
}

/// `CGROUP2_SUPER_MAGIC` of include/uapi/linux/magic.h.
const CGROUP2_SUPER_MAGIC: rustix::fs::FsWord = 0x6367_7270;

/// Whether a process is in the cgroup or below it; `None` where the cgroup is gone.
///
/// # Errors
///
/// Where the kernel does not say.
pub(crate) fn is_populated(directory: &Path) -> io::Result<Option<bool>> {
    match fs::read_to_string(directory.join("cgroup.events")) {
        Ok(events) => Ok(Some(events.lines().any(|line| line == "populated 1"))),
        Err(error) => has_gone(error, directory).map(|()| None),
    }
}

/// The id of the cgroup at `directory`; `None` where there is none any more.
///
/// # Errors
///
/// Where that cannot be told: what is not seen may be there all the same.
pub(crate) fn id_at(directory: &Path) -> io::Result<Option<u64>> {
    match Cgroup::open(directory) {
        Ok(cgroup) => Ok(Some(cgroup.id())),
        Err(error) => has_gone(error, directory).map(|()| None),
    }
}

/// Whether an error says that a cgroup has gone. Where cgroupfs is not mounted none can be found, and all of them are there.
///
/// # Errors
///
/// The error, unless it says that.
fn has_gone(error: io::Error, directory: &Path) -> io::Result<()> {
    if error.kind() == io::ErrorKind::NotFound && directory.starts_with(ROOT) && !is_mounted(Path::new(ROOT))
    {
        return Err(io::Error::other(format!("no cgroups of version 2 are mounted at {ROOT}")));
    }
    gone_is_fine(error)
}

/// Whether cgroups of version 2 are mounted at `directory`.
fn is_mounted(directory: &Path) -> bool {
    rustix::fs::statfs(directory).is_ok_and(|status| status.f_type == CGROUP2_SUPER_MAGIC)
}

/// All cgroups below `directory`, with their ids.
///
/// # Errors
///
/// Where the kernel does not say.
pub(crate) fn below(directory: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    use std::os::unix::fs::DirEntryExt as _;
    let mut found = Vec::new();
    let mut pending = vec![directory.to_owned()];
    while let Some(directory) = pending.pop() {
        let entries = match fs::read_dir(&directory) {
            Ok(entries) => entries,
            // One that goes while we look.
            Err(error) => {
                has_gone(error, &directory)?;
                continue;
            }
        };
        for entry in entries.flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                found.push((entry.ino(), entry.path()));
                pending.push(entry.path());
            }
        }
    }
    Ok(found)
}

/// The processes in the cgroup and below it. Empty where it is gone.
///
/// # Errors
///
/// Where the kernel does not say.
pub(crate) fn processes(directory: &Path) -> io::Result<Vec<i32>> {
    let mut found = Vec::new();
    let mut pending = vec![directory.to_owned()];
    while let Some(directory) = pending.pop() {
        match fs::read_to_string(directory.join("cgroup.procs")) {
            Ok(lines) => found.extend(lines.lines().filter_map(|line| line.parse::<i32>().ok())),
            Err(error) if is_gone(&error) => continue,
            // A threaded cgroup lists its processes at its root only.
            Err(error) if error.raw_os_error() == Some(libc::EOPNOTSUPP) => {}
            Err(error) => return Err(error),
        }
        let Ok(entries) = fs::read_dir(&directory) else { continue };
        for entry in entries.flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                pending.push(entry.path());
            }
        }
    }
    Ok(found)
}

/// Removes a cgroup and those below it, if no process is left in them. One that is gone already is no error.
///
/// # Errors
///
/// `EBUSY` where a process is left.
pub(crate) fn remove(directory: &Path) -> io::Result<()> {
    if let Ok(entries) = fs::read_dir(directory) {
        for entry in entries.flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                remove(&entry.path())?;
            }
        }
    }
    match fs::remove_dir(directory) {
        Err(error) if is_gone(&error) => Ok(()),
        other => other,
    }
}

/// For walks over a tree that changes meanwhile.
///
/// # Errors
///
/// The error, unless it says that the cgroup is gone.
pub(crate) fn gone_is_fine(error: io::Error) -> io::Result<()> {
    if is_gone(&error) { Ok(()) } else { Err(error) }
}

/// What the kernel says of a cgroup that has been removed, before and after its directory is gone.
fn is_gone(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound || error.raw_os_error() == Some(libc::ENODEV)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_has_gone_where_no_cgroups_can_be_seen() {
        let missing = || io::Error::from(io::ErrorKind::NotFound);
        let directory = tempfile::tempdir().unwrap();
        assert!(!is_mounted(directory.path()));
        assert!(!is_mounted(&directory.path().join("none")));
        // Outside of cgroupfs there is nothing to be mounted.
        assert!(has_gone(missing(), directory.path()).is_ok());
        assert_eq!(
            has_gone(missing(), &Path::new(ROOT).join("sac-none")).is_ok(),
            is_mounted(Path::new(ROOT))
        );
        assert!(has_gone(io::Error::from_raw_os_error(libc::ENODEV), Path::new(ROOT)).is_ok());
        assert!(has_gone(io::Error::from_raw_os_error(libc::EMFILE), Path::new(ROOT)).is_err());
    }

    #[test]
    fn directories_below_are_found_with_their_numbers() {
        use std::os::unix::fs::MetadataExt as _;
        let directory = tempfile::tempdir().unwrap();
        let inner = directory.path().join("a/b");
        fs::create_dir_all(&inner).unwrap();
        fs::write(directory.path().join("file"), "").unwrap();
        let found = below(directory.path()).unwrap();
        assert_eq!(found.len(), 2);
        assert!(found.contains(&(fs::metadata(&inner).unwrap().ino(), inner)));
        assert!(below(&directory.path().join("none")).unwrap().is_empty());
    }
}
