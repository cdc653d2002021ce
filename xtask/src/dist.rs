// SPDX-License-Identifier: MIT OR Apache-2.0
//! `cargo xtask dist`: the Debian package, in `target/dist/`.
//!
//! What goes where is written in sac-loader's `[package.metadata.deb]`; units and maintainer scripts lie in `packaging/`.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::SystemTime;

use anyhow::{Context, Result};

use crate::setup::{self, Tool};
use crate::{build_bpf, manual, process, workspace};

/// Builds everything and the package; returns the package's path.
///
/// # Errors
/// When a build fails.
pub fn run() -> Result<PathBuf> {
    setup::for_build()?;
    build_bpf::run()?;
    let mut build = Command::new("cargo");
    build.args(["build", "--release", "--package", "pam_sac", "--package", "sac-loader"]);
    process::run("build pam_sac and sac-loader", build.current_dir(workspace::root()))?;
    manual::run()?;
    package()
}

/// Packs what is built.
fn package() -> Result<PathBuf> {
    let dist = workspace::target("dist");
    fs::create_dir_all(&dist).with_context(|| format!("creating {}", dist.display()))?;
    // The folder holds one package: what `newest` finds and a `dpkg -i target/dist/*.deb` installs.
    while let Some(old) = newest()? {
        fs::remove_file(&old).with_context(|| format!("removing {}", old.display()))?;
    }
    let mut deb = Command::new(Tool::CargoDeb.path()?);
    deb.args(["deb", "--package", "sac-loader", "--no-build"]);
    deb.arg("--output").arg(&dist).current_dir(workspace::root());
    process::run("make the Debian package", &mut deb)?;
    newest()?.with_context(|| format!("cargo-deb left no package in {}", dist.display()))
}

/// The newest package in `target/dist`, if there is one.
///
/// # Errors
/// When the folder cannot be read.
pub fn newest() -> Result<Option<PathBuf>> {
    let Ok(entries) = fs::read_dir(workspace::target("dist")) else { return Ok(None) };
    let mut found: Option<(SystemTime, PathBuf)> = None;
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "deb") {
            let made = path.metadata()?.modified()?;
            if found.as_ref().is_none_or(|(newest, _)| *newest < made) {
                found = Some((made, path));
            }
        }
    }
    Ok(found.map(|(_, path)| path))
}
