// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where things are pinned, so that they outlive the loader.
//!
//! ```text
//! /sys/fs/bpf/sac/v3/maps/NAME          maps, shared by all programs of this version
//! /sys/fs/bpf/sac/v3/programs/BUILD/NAME the programs of a build of the kernel half, so that a restart need not have them verified
//! /sys/fs/bpf/sac/v3/machine/NAME       the machine-wide attachments
//! /sys/fs/bpf/sac/v3/anchor/HOOK        keeps the programs and their hook slots
//! /sys/fs/bpf/sac/v3/scopes/CGROUP/HOOK a session's or user's attachments, by cgroup id
//! ```

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Everything of ours below bpffs.
const ROOT: &str = "/sys/fs/bpf/sac";

/// Version of the maps' layout: a loader never adopts maps of another one.
const VERSION: &str = "v3";

/// The directories of pins.
#[derive(Clone, Debug)]
pub(crate) struct Pins {
    version: PathBuf,
}

impl Pins {
    /// Creates what is missing.
    ///
    /// # Errors
    ///
    /// Where bpffs is not mounted or not writable.
    pub(crate) fn open() -> io::Result<Self> {
        let pins = Self { version: Path::new(ROOT).join(VERSION) };
        for directory in [pins.version.clone(), pins.maps(), pins.machine(), pins.anchor(), pins.scopes()] {
            fs::create_dir_all(&directory).map_err(|error| {
                io::Error::new(error.kind(), format!("cannot create {}: {error}", directory.display()))
            })?;
        }
        fs::set_permissions(ROOT, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
        Ok(pins)
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
