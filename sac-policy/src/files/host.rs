// SPDX-License-Identifier: MIT OR Apache-2.0
//! The file system of the machine, as this process sees it.
//!
//! The device number is the one of the superblock, because that is what the kernel half compares. `stat` may show
//! another one: btrfs gives each subvolume its own. So it is taken from `/proc/self/mountinfo`, by the mount id of the
//! open file.

use super::{DIGESTED_BYTES_MAX, FileKind, Files, HEAD_BYTES_MAX, NameKind, ResolveError, Resolved};
use rustix::fs::{AtFlags, FileType, Mode, OFlags, Statx, StatxFlags};
use rustix::io::Errno;
use sac_abi::rule::InodeId;
use sha2::{Digest, Sha256};
use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::ffi::OsString;
use std::fs;
use std::io::{self, Read};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

/// See `proc_pid_mountinfo(5)`.
const MOUNTINFO: &str = "/proc/self/mountinfo";

/// How much of a file is read at a time for its digest.
const DIGESTED_AT_ONCE: usize = 64 << 10;

/// The machine's own file system.
///
/// It remembers what it has looked up, because many policies name the same programs, and the mounts that it has seen. Both
/// change: use one for a set of policies and then another.
#[derive(Debug)]
pub struct HostFiles {
    mounts: RefCell<Mounts>,
    /// What stands at each path that was asked for; `None` where nothing does.
    resolved: RefCell<HashMap<PathBuf, Option<Resolved>>>,
    generation: FileGeneration,
}

/// Finds out the generation of an open regular file or directory; `None` where its file system does not tell. It takes a
/// system call that needs `unsafe` (`FS_IOC_GETVERSION`), so it is brought in from outside of this crate.
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
        Self { mounts: RefCell::default(), resolved: RefCell::default(), generation }
    }

    fn device(&self, mount_id: u64) -> Result<Device, ResolveError> {
        if let Some(device) = self.mounts.borrow().devices.get(&mount_id) {
            return Ok(*device);
        }
        // Opening a path can itself mount something (autofs), so the table is read again when an id is not in it.
        *self.mounts.borrow_mut() = Mounts::read().map_err(ResolveError::Identify)?;
        self.mounts.borrow().devices.get(&mount_id).copied().ok_or(ResolveError::UnknownMount)
    }

    fn look_up(&self, path: &Path) -> Result<Resolved, ResolveError> {
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
        // To ask a device or a pipe, it would have to be opened, which can do things.
        let generation = (kind != FileKind::Special).then(|| (self.generation)(file.as_fd())).flatten();
        Ok(Resolved {
            inode: InodeId { generation, ..InodeId::new(device.major, device.minor, status.stx_ino) },
            canonical: canonical(&file)?,
            name: name_kind(path),
            kind,
            mode: mode & 0o7777,
            owner: status.stx_uid,
            group: status.stx_gid,
            names: status.stx_nlink,
        })
    }
}

impl Files for HostFiles {
    fn resolve(&self, path: &Path) -> Result<Resolved, ResolveError> {
        if let Some(resolved) = self.resolved.borrow().get(path) {
            return resolved.clone().ok_or(ResolveError::NotFound);
        }
        let resolved = match self.look_up(path) {
            Ok(resolved) => Some(resolved),
            Err(ResolveError::NotFound) => None,
            Err(error) => return Err(error),
        };
        self.resolved.borrow_mut().insert(path.to_owned(), resolved.clone());
        resolved.ok_or(ResolveError::NotFound)
    }

    fn mounts_below(&self, directory: &Path) -> Vec<InodeId> {
        if self.mounts.borrow().points.is_empty()
            && let Ok(mounts) = Mounts::read()
        {
            *self.mounts.borrow_mut() = mounts;
        }
        let is_below = |point: &&PathBuf| point.starts_with(directory) && *point != directory;
        let below: Vec<PathBuf> = self.mounts.borrow().points.iter().filter(is_below).cloned().collect();
        // What is mounted over cannot be reached, and the path leads to what is on top.
        below.iter().filter_map(|point| Some(self.resolve(point).ok()?.inode)).collect()
    }

    fn head(&self, path: &Path) -> Option<Vec<u8>> {
        let mut head = Vec::new();
        let limit = u64::try_from(HEAD_BYTES_MAX).unwrap_or(u64::MAX);
        regular_file(path)?.take(limit).read_to_end(&mut head).ok()?;
        Some(head)
    }

    fn digest(&self, path: &Path) -> Option<[u8; 32]> {
        digest(regular_file(path)?, DIGESTED_BYTES_MAX)
    }
}

/// Opens a regular file to be read, and nothing that could react to being opened.
fn regular_file(path: &Path) -> Option<fs::File> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = rustix::fs::open(path, flags, Mode::empty()).ok()?;
    let kind = FileType::from_raw_mode(rustix::fs::fstat(&file).ok()?.st_mode);
    (kind == FileType::RegularFile).then(|| file.into())
}

/// The SHA-256 of all that can be read; `None` where that is more than `limit`, or reading fails.
fn digest(mut from: impl Read, limit: u64) -> Option<[u8; 32]> {
    let mut sha256 = Sha256::new();
    let mut buffer = vec![0; DIGESTED_AT_ONCE];
    let mut left = limit;
    loop {
        let read = match from.read(&mut buffer) {
            Ok(0) => return Some(sha256.finalize().into()),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(_unreadable) => return None,
        };
        left = left.checked_sub(u64::try_from(read).ok()?)?;
        sha256.update(buffer.get(..read)?);
    }
}

fn status(file: &OwnedFd) -> Result<Statx, ResolveError> {
    let wanted = StatxFlags::TYPE
        | StatxFlags::MODE
        | StatxFlags::UID
        | StatxFlags::GID
        | StatxFlags::NLINK
        | StatxFlags::INO
        | StatxFlags::MNT_ID;
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

/// The mounts of this process.
#[derive(Debug, Default)]
struct Mounts {
    /// Mount id to device.
    devices: HashMap<u64, Device>,
    /// Where they are, each path once.
    points: BTreeSet<PathBuf>,
}

impl Mounts {
    fn read() -> io::Result<Self> {
        Ok(Self::parse(&fs::read(MOUNTINFO)?))
    }

    /// Reads lines such as `36 35 98:0 /root /mount/point …`. Mount points need not be UTF-8; the fields before them are.
    fn parse(mountinfo: &[u8]) -> Self {
        let mut mounts = Self::default();
        for line in mountinfo.split(|byte| *byte == b'\n') {
            if let Some((mount_id, device, point)) = mount(line) {
                mounts.devices.insert(mount_id, device);
                mounts.points.insert(point);
            }
        }
        mounts
    }
}

fn mount(line: &[u8]) -> Option<(u64, Device, PathBuf)> {
    let mut fields = line.split(|byte| *byte == b' ');
    let mut text = || std::str::from_utf8(fields.next()?).ok();
    let mount_id = text()?.parse().ok()?;
    let _parent = text()?;
    let (major, minor) = text()?.split_once(':')?;
    let device = Device { major: major.parse().ok()?, minor: minor.parse().ok()? };
    let point = PathBuf::from(OsString::from_vec(unescaped(fields.nth(1)?)));
    Some((mount_id, device, point))
}

/// The kernel writes space, tab, line break and backslash in a path as three octal digits behind a backslash.
fn unescaped(field: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((first, behind)) = rest.split_first() {
        let digits =
            behind.get(..3).filter(|_| *first == b'\\').and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = behind.get(3..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = behind;
            }
        }
    }
    bytes
}

#[cfg(test)]
mod tests;
