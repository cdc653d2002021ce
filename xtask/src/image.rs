// SPDX-License-Identifier: MIT OR Apache-2.0
//! Disk images of the guests, made once and kept in the cache under a hash of all that made them.
//!
//! One image per Debian release; beside the disk lie a kernel and an initramfs for each kernel that boots it. Guests run on
//! a throw-away overlay of the disk, so an image never changes after it was made.

mod build;
mod configure;
mod kernels;
mod keys;
mod recipe;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

pub use build::build_as_root;
pub use keys::{SshKey, ssh_key};

use crate::guest::{Kernel, Release};
use crate::{process, workspace};

#[cfg(test)]
mod tests;

/// All sources that decide what an image holds. A change in one of them makes another image.
const MADE_BY: &[&str] = &[
    include_str!("image/build.rs"),
    include_str!("image/configure.rs"),
    include_str!("image/kernels.rs"),
    include_str!("image/recipe.rs"),
];

/// What QEMU needs to boot one kernel.
#[derive(Debug, Clone)]
pub struct BootFiles {
    /// The root file system: raw, ext4, without partitions.
    pub disk: PathBuf,
    /// The compressed kernel.
    pub vmlinuz: PathBuf,
    /// Its initramfs.
    pub initrd: PathBuf,
}

/// The boot files of a kernel; makes the image first if the cache has none.
///
/// # Errors
/// When the image cannot be made.
pub fn ensure(kernel: Kernel) -> Result<BootFiles> {
    let release = kernel.release();
    let dir = path(release)?;
    if !dir.exists() {
        let _lock = workspace::lock(&format!("image-{}", release.codename()))?;
        // Another run may have made it while this one waited.
        if !dir.exists() {
            build(release, &dir)?;
        }
    }
    let boot = dir.join(kernel.to_string());
    Ok(BootFiles { disk: dir.join("disk.ext4"), vmlinuz: boot.join("vmlinuz"), initrd: boot.join("initrd") })
}

/// Where the image of a release lies or will lie.
///
/// # Errors
/// When there is no cache directory or no ssh key can be made.
pub fn path(release: Release) -> Result<PathBuf> {
    let hash = hash(release, &ssh_key()?.public, MADE_BY);
    Ok(workspace::cache()?.join("images").join(format!("{}-{hash}", release.codename())))
}

/// Removes the image of a release from the cache, so that the next use makes it anew with the newest packages.
///
/// # Errors
/// When the files cannot be removed.
pub fn forget(release: Release) -> Result<()> {
    let dir = path(release)?;
    if dir.exists() {
        fs::remove_dir_all(&dir).with_context(|| format!("removing {}", dir.display()))?;
    }
    Ok(())
}

/// The first 16 digits of a SHA-256 over everything that decides what the image holds.
fn hash(release: Release, public_key: &str, made_by: &[&str]) -> String {
    let mut sha = Sha256::new();
    for part in [release.codename(), public_key].iter().chain(made_by) {
        // The length keeps the parts apart: moving text from one to the next is another image.
        sha.update(part.len().to_le_bytes());
        sha.update(part);
    }
    let digest = sha.finalize();
    digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// Makes an image. Trees with files of many owners need root, so this starts itself again under sudo where it is not root.
fn build(release: Release, dir: &Path) -> Result<()> {
    let public_key = ssh_key()?.public;
    if crate::setup::is_root()? {
        return build_as_root(release, dir, &public_key);
    }
    let own_path = env::current_exe().context("finding the path of xtask")?;
    // Made here, the folder belongs to the user, who may then remove images.
    if let Some(images) = dir.parent() {
        fs::create_dir_all(images).with_context(|| format!("creating {}", images.display()))?;
    }
    let mut command = Command::new("sudo");
    command.arg("--").arg(own_path).arg("build-image").arg(release.codename()).arg(dir).arg(public_key);
    process::run_logged(
        &format!("image {} under sudo", release.codename()),
        &mut command,
        process::Show::Live,
    )?;
    Ok(())
}
