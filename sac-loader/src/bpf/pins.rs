// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where things are pinned, so that they outlive the loader.
//!
//! ```text
//! /sys/fs/bpf/sac/v6/maps/NAME          maps, shared by all programs of this version
//! /sys/fs/bpf/sac/v6/programs/BUILD/NAME the programs of a build of the kernel half, so that a restart need not have them verified
//! /sys/fs/bpf/sac/v6/machine/NAME       the machine-wide attachments
//! /sys/fs/bpf/sac/v6/anchor/HOOK        keeps the programs and their hook slots
//! /sys/fs/bpf/sac/v6/scopes/CGROUP/HOOK a session's or user's attachments, by cgroup id
//! ```

use super::links;
use rustix::fs::{CWD, Mode, OFlags};
use std::{
    fs, io,
    os::{
        fd::{AsRawFd as _, OwnedFd},
        unix::fs::MetadataExt as _,
    },
    path::{Path, PathBuf},
    sync::Arc,
};

/// Everything of ours below bpffs.
const ROOT: &str = "/sys/fs/bpf/sac";

/// Version of the maps' layout: a loader never adopts maps of another one.
const VERSION: &str = "v6";

/// The directories of pins.
#[derive(Clone, Debug)]
pub(crate) struct Pins {
    version: PathBuf,
    /// The directory, which keeps bpffs: without it whoever unmounts bpffs takes all programs off all sessions. As it is they are told
    /// that it is in use, and where they insist (`umount -l`) what is pinned stays for as long as the loader does.
    kept: Arc<OwnedFd>,
}

impl Pins {
    /// Creates what is missing.
    ///
    /// # Errors
    ///
    /// Where bpffs is not mounted or not writable.
    pub(crate) fn open() -> io::Result<Self> {
        let version = Path::new(ROOT).join(VERSION);
        make(&version)?;
        let flags = OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC;
        let kept = Arc::new(rustix::fs::openat(CWD, &version, flags, Mode::empty())?);
        let pins = Self { version, kept };
        for directory in [pins.maps(), pins.machine(), pins.anchor(), pins.scopes()] {
            make(&directory)?;
        }
        fs::set_permissions(ROOT, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
        Ok(pins)
    }

    /// Whether the directory is where it was.
    pub(super) fn are_in_place(&self) -> bool {
        let kept = rustix::fs::fstat(&*self.kept);
        let there = fs::metadata(&self.version);
        matches!((kept, there), (Ok(kept), Ok(there)) if (kept.st_dev, kept.st_ino) == (there.dev(), there.ino()))
    }

    /// Pins everything again where bpffs has been mounted anew.
    ///
    /// # Errors
    ///
    /// Where it has not, or something cannot be pinned; what is pinned already stays.
    pub(super) fn pin_again(&mut self) -> io::Result<()> {
        let parent = self.version.parent().and_then(Path::parent).unwrap_or(Path::new("/"));
        if rustix::fs::statfs(parent)?.f_type != BPF_FS_MAGIC {
            return Err(io::Error::other(format!("no bpffs is mounted at {}", parent.display())));
        }
        let before = PathBuf::from(format!("/proc/self/fd/{}", self.kept.as_raw_fd()));
        copy(&before, &self.version)?;
        *self = Self::open()?;
        Ok(())
    }

    /// Removes the pins of all versions but ours.
    ///
    /// # Errors
    ///
    /// Where something cannot be removed.
    pub(super) fn remove_other_versions(&self) -> io::Result<()> {
        for entry in fs::read_dir(ROOT)? {
            let path = entry?.path();
            if path != self.version {
                fs::remove_dir_all(path)?;
            }
        }
        Ok(())
    }

    /// Removes every pin, of every version; what they held goes, except for what a running loader holds.
    ///
    /// # Errors
    ///
    /// Where something cannot be removed.
    pub(crate) fn remove_all() -> io::Result<()> {
        match fs::remove_dir_all(ROOT) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }

    /// A map's pin.
    pub(super) fn map(&self, name: &str) -> PathBuf {
        self.maps().join(name)
    }

    /// The directory of the machine-wide attachments.
    pub(super) fn machine(&self) -> PathBuf {
        self.version.join("machine")
    }

    /// The anchor's directory.
    pub(super) fn anchor(&self) -> PathBuf {
        self.version.join("anchor")
    }

    /// The programs of a build.
    pub(super) fn programs(&self, build: u64) -> PathBuf {
        self.version.join("programs").join(format!("{build:016x}"))
    }

    /// The directory of one scope.
    pub(super) fn scope(&self, cgroup_id: u64) -> PathBuf {
        self.scopes().join(cgroup_id.to_string())
    }

    /// Ids of the cgroups that have pinned attachments.
    pub(super) fn scope_ids(&self) -> io::Result<Vec<u64>> {
        let mut ids = Vec::new();
        for entry in fs::read_dir(self.scopes())? {
            ids.extend(entry?.file_name().to_str().and_then(|name| name.parse::<u64>().ok()));
        }
        Ok(ids)
    }

    fn maps(&self) -> PathBuf {
        self.version.join("maps")
    }

    fn scopes(&self) -> PathBuf {
        self.version.join("scopes")
    }
}

/// `BPF_FS_MAGIC` of include/uapi/linux/magic.h.
const BPF_FS_MAGIC: rustix::fs::FsWord = 0xcafe_4a11;

/// Pins what is pinned below `from` below `to` as well.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (old, new) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type()?.is_dir() {
            copy(&old, &new)?;
        } else if !new.exists() {
            links::pin_at(&old, &new)?;
        }
    }
    Ok(())
}

fn make(directory: &Path) -> io::Result<()> {
    fs::create_dir_all(directory).map_err(|error| {
        io::Error::new(error.kind(), format!("cannot create {}: {error}", directory.display()))
    })
}
