// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where things are: the source tree, what is made below its `target/`, and the cache that outlives it.
//!
//! Products (`target/bpf`, `target/dist`, `target/vm`, `target/xtask`) always lie in the workspace's own `target/`, whatever
//! `CARGO_TARGET_DIR` says, because other build steps look for them there. Only cargo's own output moves with that variable.
//! The cache holds what is dear to make and the same for every clone: tools (by version) and guest images (by hash).

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// The root of the source tree: the folder of the workspace's `Cargo.toml`.
pub fn root() -> &'static Path {
    let manifest_dir = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest_dir.parent().unwrap_or(manifest_dir)
}

/// `target/NAME` in the workspace, where a verb leaves its products.
pub fn target(name: &str) -> PathBuf {
    root().join("target").join(name)
}

/// Where cargo puts what it builds for the host (`CARGO_TARGET_DIR`, or the workspace's `target`).
pub fn cargo_target() -> PathBuf {
    match env::var_os("CARGO_TARGET_DIR") {
        Some(dir) => root().join(dir),
        None => root().join("target"),
    }
}

/// The cache directory: `$SAC_CACHE`, else `$XDG_CACHE_HOME/sac`, else `~/.cache/sac`. It is created.
///
/// # Errors
/// When neither variable nor `HOME` is set, or the directory cannot be made.
pub fn cache() -> Result<PathBuf> {
    let dir = if let Some(dir) = env::var_os("SAC_CACHE") {
        PathBuf::from(dir)
    } else if let Some(dir) = env::var_os("XDG_CACHE_HOME") {
        PathBuf::from(dir).join("sac")
    } else if let Some(home) = env::var_os("HOME") {
        PathBuf::from(home).join(".cache/sac")
    } else {
        bail!("no place for the cache: set SAC_CACHE to a directory")
    };
    fs::create_dir_all(&dir).with_context(|| format!("creating the cache directory {}", dir.display()))?;
    Ok(dir)
}

/// An exclusive lock, held until it is dropped. Two runs that set up the same thing wait for each other.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// Takes the lock named `name` in the cache, waiting for another run if need be.
///
/// # Errors
/// When the lock file cannot be created or locked.
pub fn lock(name: &str) -> Result<Lock> {
    let path = cache()?.join(format!("{name}.lock"));
    let file = File::create(&path).with_context(|| format!("creating {}", path.display()))?;
    if file.try_lock().is_err() {
        crate::process::note(&format!("waiting for another run that holds {}", path.display()));
        file.lock().with_context(|| format!("locking {}", path.display()))?;
    }
    Ok(Lock { _file: file })
}
