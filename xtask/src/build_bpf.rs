// SPDX-License-Identifier: MIT OR Apache-2.0
//! `cargo xtask build-bpf`: builds the kernel half into `target/bpf/sac-bpf.o`, which sac-loader embeds.
//!
//! The target has no pre-built `core`, so `core` is built too; on a stable compiler that takes `RUSTC_BOOTSTRAP`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::setup::Tool;
use crate::{process, workspace};

/// The little-endian BPF target; amd64 and arm64 kernels are little-endian.
const TARGET: &str = "bpfel-unknown-none";

/// Builds the object and returns its path. The file is only written when its bytes change, so nothing is rebuilt for nothing.
///
/// # Errors
/// When the build fails.
pub fn run() -> Result<PathBuf> {
    let target_dir = workspace::target("bpf");
    let linker = Tool::BpfLinker.path()?;
    let mut command = Command::new("cargo");
    command.args([
        "build",
        "--release",
        "--package",
        "sac-bpf",
        "--bins",
        "--target",
        TARGET,
        "-Z",
        "build-std=core",
    ]);
    command.arg("--target-dir").arg(&target_dir).current_dir(workspace::root());
    command.env("RUSTC_BOOTSTRAP", "1");
    // Map definitions are read from BTF, and BTF is made from debug information.
    let flags =
        ["-Cdebuginfo=2".to_owned(), "-Clink-arg=--btf".to_owned(), format!("-Clinker={}", linker.display())];
    command.env_remove("RUSTFLAGS").env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"));
    // The workspace's release profile strips debug information.
    command.env("CARGO_PROFILE_RELEASE_STRIP", "none").env("CARGO_PROFILE_RELEASE_DEBUG", "2");
    // The linker works on the bitcode of the whole program anyway; rustc's own LTO only stands in its way.
    command.env("CARGO_PROFILE_RELEASE_LTO", "off").env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "1");
    process::run("build the kernel half", &mut command)?;

    let built = target_dir.join(TARGET).join("release/sac-bpf");
    let object = target_dir.join("sac-bpf.o");
    copy_if_changed(&built, &object)?;
    Ok(object)
}

fn copy_if_changed(from: &Path, to: &Path) -> Result<()> {
    let bytes = fs::read(from).with_context(|| format!("reading {}", from.display()))?;
    if fs::read(to).is_ok_and(|old| old == bytes) {
        return Ok(());
    }
    fs::write(to, bytes).with_context(|| format!("writing {}", to.display()))
}
