// SPDX-License-Identifier: MIT OR Apache-2.0
//! The file system of the machine, as this process sees it.
//!
//! The device number is the one of the superblock, because that is what the kernel half compares. `stat` may show
//! another one: btrfs gives each subvolume its own. So it is taken from `/proc/self/mountinfo`, by the mount id of the
//! open file.

use super::{FileKind, Files, NameKind, ResolveError, Resolved};
use rustix::fs::{AtFlags, FileType, Mode, OFlags, Statx, StatxFlags};
use rustix::io::Errno;
use sac_abi::rule::InodeId;
use std::cell::RefCell;
use std::collections::HashMap;
use std::fs;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

/// See `proc_pid_mountinfo(5)`.
const MOUNTINFO: &str = "/proc/self/mountinfo";

/// The machine's own file system.
///
/// It remembers the mounts that it has seen. The kernel gives a mount's id to another mount once the first is gone, so
/// use one for a compilation and then another.
#[derive(Debug)]
pub struct HostFiles {
    devices: RefCell<HashMap<u64, Device>>,
    generation: FileGeneration,
}

/// Finds out the generation of an open regular file; `None` where its file system does not tell. It takes a system call that
/// needs `unsafe` (`FS_IOC_GETVERSION`), so it is brought in from outside of this crate.
pub type FileGeneration = fn(BorrowedFd<'_>) -> Option<u32>;

/// Major and minor number of a superblock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Device {
    major: u32,
    minor: u32,
}

impl HostFiles {
    /// The file system with the mounts as they are from the first look-up on.
    ///
    /// `generation` gets descriptors that are open with `O_PATH` alone.
    #[must_use]
    pub fn new(generation: FileGeneration) -> Self {
        Self { devices: RefCell::default(), generation }
    }

    fn device(&self, mount_id: u64) -> Result<Device, ResolveError> {
        if let Some(device) = self.devices.borrow().get(&mount_id) {
            return Ok(*device);
        }
        // Opening a path can itself mount something (autofs), so the table is read again when an id is not in it.
        *self.devices.borrow_mut() = read_devices().map_err(ResolveError::Identify)?;
        self.devices.borrow().get(&mount_id).copied().ok_or(ResolveError::UnknownMount)
    }
}

impl Files for HostFiles {
    fn resolve(&self, path: &Path) -> Result<Resolved, ResolveError> {
        // O_PATH neither reads nor triggers anything at the file, and follows links.
        let file = match rustix::fs::open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()) {
            Ok(file) => file,
            Err(Errno::NOENT | Errno::NOTDIR) => return Err(ResolveError::NotFound),
            Err(error) => return Err(ResolveError::Open(error.into())),
        };
        let status = status(&file)?;
        // Removed since it was opened.
        if status.stx_nlink == 0 {
            return Err(ResolveError::NotFound);
        }
        let device = self.device(status.stx_mnt_id)?;
        let mode = u32::from(status.stx_mode);
        let kind = match FileType::from_raw_mode(mode) {
            FileType::RegularFile => FileKind::Regular,
            FileType::Directory => FileKind::Directory,
            _ => FileKind::Special,
        };
        let generation = (kind == FileKind::Regular).then(|| (self.generation)(file.as_fd())).flatten();
        Ok(Resolved {
            inode: InodeId { generation, ..InodeId::new(device.major, device.minor, status.stx_ino) },
            canonical: canonical(&file)?,
            name: name_kind(path),
            kind,
            mode: mode & 0o7777,
        })
    }
}

fn status(file: &OwnedFd) -> Result<Statx, ResolveError> {
    let wanted =
        StatxFlags::TYPE | StatxFlags::MODE | StatxFlags::NLINK | StatxFlags::INO | StatxFlags::MNT_ID;
    let status = rustix::fs::statx(file.as_fd(), c"", AtFlags::EMPTY_PATH, wanted)
        .map_err(|error| ResolveError::Identify(error.into()))?;
    if StatxFlags::from_bits_retain(status.stx_mask).contains(wanted) {
        Ok(status)
    } else {
        Err(ResolveError::UnknownMount)
    }
}

/// The path of an open file, as the kernel writes it.
fn canonical(file: &OwnedFd) -> Result<PathBuf, ResolveError> {
    let path =
        fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd())).map_err(ResolveError::Identify)?;
    // "(unreachable)…" stands before the path of a file that is not below this process's root.
    if path.is_absolute() {
        Ok(path)
    } else {
        Err(ResolveError::Identify(io::Error::new(
            io::ErrorKind::NotFound,
            "it is not below the root directory",
        )))
    }
}

fn name_kind(path: &Path) -> NameKind {
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_symlink() => NameKind::SymbolicLink,
        _ => NameKind::File,
    }
}

/// Mount id to device, for all mounts of this process.
fn read_devices() -> io::Result<HashMap<u64, Device>> {
    // Mount points need not be UTF-8; the fields that are read here are.
    Ok(devices(&String::from_utf8_lossy(&fs::read(MOUNTINFO)?)))
}

/// Mount id to device, from the text of `mountinfo`: `36 35 98:0 /root /mount/point …`.
fn devices(mountinfo: &str) -> HashMap<u64, Device> {
    let device = |line: &str| {
        let mut fields = line.split(' ');
        let mount_id = fields.next()?.parse().ok()?;
        let (major, minor) = fields.nth(1)?.split_once(':')?;
        Some((mount_id, Device { major: major.parse().ok()?, minor: minor.parse().ok()? }))
    };
    mountinfo.lines().filter_map(device).collect()
}

#[cfg(test)]
mod tests;
