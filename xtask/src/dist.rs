// SPDX-License-Identifier: MIT OR Apache-2.0
//! `cargo xtask dist`: the Debian package, in `target/dist/`.
//!
//! What goes where is written in sac-loader's `[package.metadata.deb]`; units and maintainer scripts lie in `packaging/`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use anyhow::{Context, Result};
use clap::Args;

use crate::setup::{self, Tool};
use crate::{build_bpf, manual, process, workspace};

/// How to build it.
#[derive(Debug, Args)]
pub struct Options {
    /// Build faster what will be slower, for a package that is tried once
    #[arg(long)]
    quick: bool,
}

impl Options {
    /// Builds the package as asked; returns its path.
    ///
    /// # Errors
    /// As [`run`].
    pub fn run(&self) -> Result<PathBuf> {
        build(if self.quick { "quick" } else { RELEASE })
    }
}

/// The profile of the programs in a package for people. The kernel half is always built in the same way.
const RELEASE: &str = "release";

/// Builds everything and the package; returns the package's path.
///
/// # Errors
/// When a build fails.
pub fn run() -> Result<PathBuf> {
    build(RELEASE)
}

fn build(profile: &str) -> Result<PathBuf> {
    setup::for_build()?;
    build_bpf::run()?;
    let mut build = Command::new("cargo");
    build.args(["build", "--profile", profile, "--package", "pam_sac", "--package", "sac-loader"]);
    process::run("build pam_sac and sac-loader", build.current_dir(workspace::root()))?;
    manual::run(&workspace::cargo_target().join(profile).join("sac-loader"))?;
    package(profile)
}

/// Packs what is built.
fn package(profile: &str) -> Result<PathBuf> {
    let dist = workspace::target("dist");
    fs::create_dir_all(&dist).with_context(|| format!("creating {}", dist.display()))?;
    // The folder holds one package: what `newest` finds and a `dpkg -i target/dist/*.deb` installs.
    while let Some(old) = newest_in(&dist)? {
        fs::remove_file(&old).with_context(|| format!("removing {}", old.display()))?;
    }
    let mut deb = Command::new(Tool::CargoDeb.path()?);
    deb.args(["deb", "--package", "sac-loader", "--no-build", "--profile", profile]);
    deb.arg("--output").arg(&dist).current_dir(workspace::root());
    process::run("make the Debian package", &mut deb)?;
    newest_in(&dist)?.with_context(|| format!("cargo-deb left no package in {}", dist.display()))
}

/// The newest package in `target/dist`, if there is one.
///
/// # Errors
/// When the folder cannot be read.
pub fn newest() -> Result<Option<PathBuf>> {
    newest_in(&workspace::target("dist"))
}

/// The newest package in a folder, if there is one.
///
/// # Errors
/// As [`newest`].
pub fn newest_in(folder: &Path) -> Result<Option<PathBuf>> {
    let Ok(entries) = fs::read_dir(folder) else { return Ok(None) };
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
