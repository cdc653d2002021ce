// SPDX-License-Identifier: MIT OR Apache-2.0
//! Adds a kernel to a tree: its modules into the tree, the kernel and an initramfs beside it. Runs as root.
//!
//! The packages are unpacked, not installed: one way for kernels of the tree's own release and of later ones.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::build::in_tree;
use super::recipe;
use crate::apt::{Mirror, PrivateApt};
use crate::guest::Kernel;

#[cfg(test)]
mod tests;

/// Adds `kernel` to the tree, and its boot files to `work/KERNEL/`.
pub(super) fn add(kernel: Kernel, mirror: &Mirror, tree: &Path, work: &Path) -> Result<()> {
    let suite = kernel.suite();
    // Backports are a suite alone, so that its kernel and not the release's own is the newest.
    let lines = if suite == kernel.release().codename() {
        mirror.release_lines(suite)
    } else {
        vec![mirror.line(suite)]
    };
    let lists = tempfile::Builder::new().prefix("lists-").tempdir_in(work)?;
    let apt = PrivateApt::fetch(lists.path(), suite, &lines)?;
    let mut packages = apt.closure("linux-image-amd64")?;
    packages.retain(|name| holds_kernel_files(name));

    let unpacked = work.join(format!("unpacked-{kernel}"));
    apt.unpack(&packages, &unpacked)?;
    let (version, modules) = find_modules(&unpacked)?;
    for dropped in recipe::DROPPED_MODULES {
        let path = modules.join("kernel").join(dropped);
        if path.exists() {
            fs::remove_dir_all(&path).with_context(|| format!("removing {}", path.display()))?;
        }
    }
    let boot = work.join(kernel.to_string());
    fs::create_dir_all(&boot)?;
    // Kernels up to 6.12 are packed into /boot, later ones beside their modules.
    take(&unpacked, &modules, "vmlinuz", &version, &boot.join("vmlinuz"))?;
    // mkinitramfs asks the configuration for the compressions that the kernel knows.
    take(&unpacked, &modules, "config", &version, &tree.join(format!("boot/config-{version}")))?;
    let target = tree.join("usr/lib/modules");
    fs::create_dir_all(&target)?;
    fs::rename(&modules, target.join(&version)).with_context(|| format!("moving {}", modules.display()))?;
    fs::remove_dir_all(&unpacked)?;

    in_tree(&format!("depmod {kernel}"), tree, &["depmod", &version])?;
    in_tree(&format!("make the initramfs of {version}"), tree, &["mkinitramfs", "-o", "/initrd", &version])?;
    fs::rename(tree.join("initrd"), boot.join("initrd"))?;
    fs::write(boot.join("version"), format!("{version}\n"))?;
    Ok(())
}

/// Moves the file `name` of an unpacked kernel from wherever its package has it.
fn take(unpacked: &Path, modules: &Path, name: &str, version: &str, to: &Path) -> Result<()> {
    let places = [modules.join(name), unpacked.join(format!("boot/{name}-{version}"))];
    let from =
        places.iter().find(|path| path.exists()).with_context(|| format!("{version} has no {name}"))?;
    fs::rename(from, to).with_context(|| format!("moving {}", from.display()))
}

/// Whether a package of linux-image-amd64's dependencies holds the kernel or its modules: its name carries a version.
fn holds_kernel_files(name: &str) -> bool {
    ["linux-image-", "linux-binary-", "linux-modules-", "linux-base-"]
        .iter()
        .filter_map(|prefix| name.strip_prefix(prefix))
        .any(|rest| rest.starts_with(|first: char| first.is_ascii_digit()))
}

/// The one kernel version below an unpacked package and its module directory.
fn find_modules(unpacked: &Path) -> Result<(String, PathBuf)> {
    for parent in ["usr/lib/modules", "lib/modules"] {
        let Ok(mut entries) = fs::read_dir(unpacked.join(parent)) else { continue };
        if let Some(entry) = entries.next() {
            let entry = entry?;
            return Ok((entry.file_name().to_string_lossy().into_owned(), entry.path()));
        }
    }
    anyhow::bail!("{} has no modules", unpacked.display())
}
