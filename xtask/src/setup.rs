// SPDX-License-Identifier: MIT OR Apache-2.0
//! `cargo xtask setup`: makes a Debian machine that has only Rust able to build and test SAC.
//!
//! Each part first looks whether there is anything to do; when nothing is missing the whole takes less than a second.
//! Other verbs call the parts that they need, so nobody has to run this by hand.

mod packages;
mod rust_src;
mod tools;

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::process::Command;

use anyhow::{Context, Result};

pub use tools::Tool;

/// Everything.
///
/// # Errors
/// When a part cannot be set up; the message names it and its log.
pub fn run() -> Result<()> {
    for_build()?;
    for_guests()?;
    let _lock = crate::workspace::lock("setup")?;
    Tool::CargoFuzz.ensure()?;
    Tool::CargoDeny.ensure()
}

/// What fuzzing needs.
///
/// # Errors
/// As [`run`].
pub fn for_fuzzing() -> Result<()> {
    let _lock = crate::workspace::lock("setup")?;
    packages::for_build()?;
    Tool::CargoFuzz.ensure()
}

/// What building and packaging need.
///
/// # Errors
/// As [`run`].
pub fn for_build() -> Result<()> {
    let _lock = crate::workspace::lock("setup")?;
    packages::for_build()?;
    rust_src::ensure()?;
    Tool::BpfLinker.ensure()?;
    Tool::CargoDeb.ensure()
}

/// What making and running guests needs.
///
/// # Errors
/// As [`run`].
pub fn for_guests() -> Result<()> {
    let _lock = crate::workspace::lock("setup")?;
    packages::for_guests()
}

/// Whether this process is root.
///
/// # Errors
/// When /proc cannot be read.
pub fn is_root() -> Result<bool> {
    // /proc/self belongs to the effective user of the process, see proc(5).
    Ok(fs::metadata("/proc/self").context("reading /proc/self")?.uid() == 0)
}

/// `program`, under sudo where this process is not root.
fn as_root(program: &str) -> Result<Command> {
    let mut command = if is_root()? {
        Command::new("env")
    } else {
        let mut command = Command::new("sudo");
        command.arg("env");
        command
    };
    command.arg("DEBIAN_FRONTEND=noninteractive").arg(program);
    Ok(command)
}
