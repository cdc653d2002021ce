// SPDX-License-Identifier: MIT OR Apache-2.0
//! Makes an image: tree by mmdebstrap, configuration, kernels, then a disk from the tree. Runs as root.
//!
//! All happens in a directory beside the final one, which is renamed when everything is there: an image that exists is whole.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use super::{configure, kernels, recipe};
use crate::apt::Mirror;
use crate::guest::Release;
use crate::process;

/// The size of the root file system in bytes. The file is sparse: it takes what the tree takes.
const DISK_BYTES: u64 = 4 << 30;

/// Makes the image of a release in `dir`, with `public_key` in everyone's `authorized_keys`.
///
/// # Errors
/// When a step fails; what was made so far is removed.
pub fn build_as_root(release: Release, dir: &Path, public_key: &str) -> Result<()> {
    let parent = dir.parent().context("the image directory has no parent")?;
    fs::create_dir_all(parent).with_context(|| format!("creating {}", parent.display()))?;
    process::note(&format!("making the guest image of {} (about a minute, once)", release.codename()));
    let work =
        tempfile::Builder::new().prefix(".building-").tempdir_in(parent).context("making a directory")?;
    let mirror = Mirror::of_this_machine()?;
    let tree = work.path().join("tree");
    bootstrap(release, &mirror, &tree)?;
    configure::configure(&tree, public_key)?;
    for kernel in release.kernels() {
        kernels::add(kernel, &mirror, &tree, work.path())?;
    }
    make_disk(release, &tree, &work.path().join("disk.ext4"))?;
    fs::remove_dir_all(&tree).with_context(|| format!("removing {}", tree.display()))?;
    let made = work.keep();
    make_readable(&made, parent)?;
    fs::rename(&made, dir).with_context(|| format!("renaming {} to {}", made.display(), dir.display()))
}

fn bootstrap(release: Release, mirror: &Mirror, tree: &Path) -> Result<()> {
    let codename = release.codename();
    let mut command = Command::new("mmdebstrap");
    command.args(["--mode=root", "--variant=essential"]);
    command.arg(format!("--include={}", recipe::PACKAGES.join(",")));
    for path in recipe::EXCLUDED_PATHS {
        command.arg(format!("--dpkgopt=path-exclude={path}"));
    }
    for option in apt_options()? {
        command.arg(format!("--aptopt={option}"));
    }
    command.arg(codename).arg(tree).args(mirror.release_lines(codename));
    process::run(&format!("install Debian {codename} into a tree"), &mut command)
}

/// The settings of the machine's apt without which its mirror may not be usable: proxies, and tolerance for frozen mirrors.
/// mmdebstrap does not read the machine's apt configuration by itself.
fn apt_options() -> Result<Vec<String>> {
    let dump = process::capture("read apt's settings", Command::new("apt-config").args(["dump", "Acquire"]))?;
    let wanted = [
        "Acquire::http::Proxy",
        "Acquire::https::Proxy",
        "Acquire::Check-Valid-Until",
        "Acquire::Check-Date",
    ];
    let kept = dump.lines().filter(|line| wanted.iter().any(|name| line.starts_with(&format!("{name} "))));
    Ok(kept.map(|line| line.trim_end_matches(';').to_owned()).collect())
}

/// Runs a program inside the tree, with /proc mounted for as long as it runs: the mount is in a namespace of its own.
pub(super) fn in_tree<S: AsRef<OsStr>>(title: &str, tree: &Path, arguments: &[S]) -> Result<()> {
    let mut command = Command::new("unshare");
    command.args(["--mount", "--pid", "--fork"]);
    command.arg(format!("--mount-proc={}", tree.join("proc").display()));
    command.arg("chroot").arg(tree).args(arguments);
    // The caller's variables, a TMPDIR for one, may name what is not in the tree.
    command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("LC_ALL", "C.UTF-8");
    process::run(title, &mut command)
}

fn make_disk(release: Release, tree: &Path, disk: &Path) -> Result<()> {
    let file = File::create(disk).with_context(|| format!("creating {}", disk.display()))?;
    file.set_len(DISK_BYTES)?;
    drop(file);
    let mut command = Command::new("mke2fs");
    // No journal: a guest's disk is thrown away, and nobody recovers one.
    command.args(["-q", "-F", "-t", "ext4", "-O", "^has_journal", "-E", "lazy_itable_init=1,root_owner=0:0"]);
    command.arg("-d").arg(tree).arg(disk);
    process::run(&format!("make the disk of {}", release.codename()), &mut command)
}

/// Lets the user in whose cache the image lies read and remove it, also when sudo made it.
fn make_readable(made: &Path, parent: &Path) -> Result<()> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    fs::set_permissions(made, fs::Permissions::from_mode(0o755))?;
    let cache_owner = parent.parent().unwrap_or(parent).metadata()?;
    if cache_owner.uid() != 0 {
        let owner = format!("{}:{}", cache_owner.uid(), cache_owner.gid());
        process::run("give the image to its user", Command::new("chown").args(["-R", &owner]).arg(made))?;
    }
    Ok(())
}
