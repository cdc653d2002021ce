// SPDX-License-Identifier: MIT OR Apache-2.0
//! `cargo xtask dist`: the Debian package, in `target/dist/`.
//!
//! What goes where is written in sac-loader's `[package.metadata.deb]`; units and maintainer scripts lie in `packaging/`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use anyhow::{Context, Result, ensure};
use clap::Args;

use sac_failpoint::DIRECTORY as FAILPOINTS;

use crate::setup::{self, Tool};
use crate::{build_bpf, manual, process, workspace};

/// How to build it.
#[derive(Debug, Args)]
pub struct Options {
    /// Build faster what will be slower, for a package that is tried once
    #[arg(long)]
    quick: bool,
    /// Build the loader with failpoints for end-to-end tests as well, into `target/dist/test`; no package has it
    #[arg(long, conflicts_with = "quick")]
    test_loader: bool,
}

impl Options {
    /// Builds the package as asked; returns its path.
    ///
    /// # Errors
    /// As [`run`].
    pub fn run(&self) -> Result<PathBuf> {
        let package = build(if self.quick { "quick" } else { RELEASE })?;
        if self.test_loader {
            build_with_failpoints()?;
        }
        Ok(package)
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
    ensure!(!has_failpoints(&built(profile))?, "{} can be told by tests to end", built(profile).display());
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
    if profile != RELEASE {
        deb.arg("--fast");
    }
    process::run("make the Debian package", &mut deb)?;
    newest_in(&dist)?.with_context(|| format!("cargo-deb left no package in {}", dist.display()))
}

/// The loader that cargo builds.
fn built(profile: &str) -> PathBuf {
    workspace::cargo_target().join(profile).join("sac-loader")
}

/// Whether a loader has places at which tests have it end: see sac-failpoint.
fn has_failpoints(loader: &Path) -> Result<bool> {
    let bytes = fs::read(loader).with_context(|| format!("reading {}", loader.display()))?;
    Ok(bytes.windows(FAILPOINTS.len()).any(|window| window == FAILPOINTS.as_bytes()))
}

/// Where the loader with failpoints lies, which is in no package.
fn with_failpoints() -> PathBuf {
    workspace::target("dist").join("test/sac-loader")
}

/// The loader with failpoints, for end-to-end tests.
///
/// # Errors
/// When there is none.
pub fn loader_with_failpoints() -> Result<PathBuf> {
    let loader = with_failpoints();
    ensure!(
        loader.exists(),
        "no {}: run `cargo xtask test`, or `cargo xtask dist --test-loader`",
        loader.display()
    );
    Ok(loader)
}

/// Builds the loader with failpoints, of the kernel half that [`run`] has built. What cargo calls the loader is the one without them when this
/// is done: both are built, so to call the other one that takes no time.
///
/// # Errors
/// When a build fails, or either loader is the other one.
pub fn build_with_failpoints() -> Result<()> {
    let build = |features: &[&str]| {
        let mut build = Command::new("cargo");
        build.args(["build", "--profile", RELEASE, "--package", "sac-loader"]).args(features);
        process::run("build sac-loader", build.current_dir(workspace::root()))
    };
    let result = build(&["--features", "failpoints"]).and_then(|()| {
        let (from, to) = (built(RELEASE), with_failpoints());
        ensure!(has_failpoints(&from)?, "{} has no failpoints", from.display());
        fs::create_dir_all(to.parent().unwrap_or(Path::new("")))
            .with_context(|| format!("creating {}", to.display()))?;
        fs::copy(&from, &to).map(drop).with_context(|| format!("writing {}", to.display()))
    });
    result.and(build(&[]))?;
    ensure!(!has_failpoints(&built(RELEASE))?, "the loader without failpoints has some");
    Ok(())
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
