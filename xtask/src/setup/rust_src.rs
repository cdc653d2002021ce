// SPDX-License-Identifier: MIT OR Apache-2.0
//! The sources of Rust's core library, from which `core` is built for the BPF target.
//!
//! They must be of exactly the rustc in use. rustup has them; where its servers cannot be reached, Debian's package of the
//! same version is unpacked into the cache and linked into the toolchain.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::apt::{Mirror, PrivateApt};
use crate::{process, workspace};

#[cfg(test)]
mod tests;

/// Suites that may hold the version, tried in this order.
const SUITES: &[&str] = &["trixie-backports", "trixie", "sid"];

/// How long rustup may try, in seconds: without a network it retries for minutes.
const RUSTUP_TIMEOUT_S: &str = "120";

/// Makes `-Z build-std=core` possible.
pub(super) fn ensure() -> Result<()> {
    let sysroot = process::capture("find rustc", rustc().args(["--print", "sysroot"]))?;
    let place = Path::new(sysroot.trim_end()).join("lib/rustlib/src/rust");
    if is_complete(&place) {
        return Ok(());
    }
    let mut rustup = Command::new("timeout");
    rustup.args([RUSTUP_TIMEOUT_S, "rustup", "component", "add", "rust-src"]).current_dir(workspace::root());
    match process::run("rustup component add rust-src", &mut rustup) {
        Ok(()) if is_complete(&place) => return Ok(()),
        _ => process::note("rustup cannot fetch rust-src; taking Debian's package of the same version"),
    }
    let version = version_in_use()?;
    let unpacked = from_debian(&version)?;
    link(&unpacked, &place)
}

fn rustc() -> Command {
    let mut command = Command::new("rustc");
    // rust-toolchain.toml decides by the current directory.
    command.current_dir(workspace::root());
    command
}

fn is_complete(place: &Path) -> bool {
    place.join("library/core/src/lib.rs").exists()
}

fn version_in_use() -> Result<String> {
    let text = process::capture("ask rustc's version", rustc().arg("--version"))?;
    let version = text.split(' ').nth(1).with_context(|| format!("rustc says its version is {text:?}"))?;
    Ok(version.to_owned())
}

/// Unpacks Debian's rust-src of `version` into the cache and returns the directory that holds `library/`.
fn from_debian(version: &str) -> Result<PathBuf> {
    let cached = workspace::cache()?.join(format!("rust-src-{version}"));
    let sources = cached.join(format!("usr/src/rustc-{version}"));
    if is_complete(&sources) {
        return Ok(sources);
    }
    let mirror = Mirror::of_this_machine()?;
    for suite in SUITES {
        let lists = tempfile::Builder::new().prefix("apt-").tempdir_in(workspace::cache()?)?;
        let apt = match PrivateApt::fetch(lists.path(), suite, &[mirror.line(suite)]) {
            Ok(apt) => apt,
            Err(error) => {
                process::note(&format!("skipping {suite}: {error:#}"));
                continue;
            }
        };
        let versions = apt.versions("rust-src")?;
        if let Some(found) = versions.iter().find(|candidate| is_same_rust(candidate, version)) {
            apt.unpack(&[format!("rust-src={found}")], &cached)?;
            return Ok(sources);
        }
    }
    bail!(
        "no suite of {} has rust-src {version}; install the component where rustup's servers can be reached, or use a \
         rustc that Debian has",
        SUITES.join(", ")
    )
}

/// Whether a Debian version, like `1.95.0+dfsg1-2~bpo13+1`, is of this release of Rust.
fn is_same_rust(debian: &str, rust: &str) -> bool {
    debian.strip_prefix(rust).is_some_and(|rest| rest.starts_with(['+', '-']))
}

fn link(target: &Path, place: &Path) -> Result<()> {
    if let Some(parent) = place.parent() {
        fs::create_dir_all(parent).with_context(|| format!("creating {}", parent.display()))?;
    }
    if place.is_symlink() {
        fs::remove_file(place).with_context(|| format!("removing the dangling link {}", place.display()))?;
    }
    symlink(target, place).with_context(|| format!("linking {} to {}", place.display(), target.display()))
}
