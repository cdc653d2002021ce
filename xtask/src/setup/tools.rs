// SPDX-License-Identifier: MIT OR Apache-2.0
//! Cargo programs that the build uses, each at one version, built once into the cache.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::{process, workspace};

/// A program from the package registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tool {
    /// Links BPF objects; must fit the LLVM of [`LLVM`].
    BpfLinker,
    /// Makes the Debian package.
    CargoDeb,
    /// Checks licences and sources of dependencies.
    CargoDeny,
    /// Builds and runs fuzz targets.
    CargoFuzz,
}

/// Where Debian's llvm-22-dev lies: the LLVM that bpf-linker 0.13 is made for.
const LLVM: &str = "/usr/lib/llvm-22";

impl Tool {
    fn name_and_version(self) -> (&'static str, &'static str) {
        match self {
            Self::BpfLinker => ("bpf-linker", "0.13.0"),
            Self::CargoDeb => ("cargo-deb", "3.8.0"),
            Self::CargoDeny => ("cargo-deny", "0.20.2"),
            Self::CargoFuzz => ("cargo-fuzz", "0.13.2"),
        }
    }

    /// The program's path in the cache.
    ///
    /// # Errors
    /// When there is no cache directory.
    pub fn path(self) -> Result<PathBuf> {
        let (name, _) = self.name_and_version();
        Ok(self.root()?.join("bin").join(name))
    }

    fn root(self) -> Result<PathBuf> {
        let (name, version) = self.name_and_version();
        Ok(workspace::cache()?.join("tools").join(format!("{name}-{version}")))
    }

    /// Builds the program if the cache does not have it.
    ///
    /// # Errors
    /// When cargo cannot fetch or build it.
    pub(super) fn ensure(self) -> Result<()> {
        if self.path()?.exists() {
            return Ok(());
        }
        let (name, version) = self.name_and_version();
        process::note(&format!("building {name} {version} (some minutes, once)"));
        let scratch = tempfile::Builder::new().prefix("tool-").tempdir_in(workspace::cache()?)?;
        let mut command = Command::new("cargo");
        command
            .args(["install", "--locked", name, &format!("--version={version}"), "--root"])
            .arg(self.root()?);
        // Flags and directories of whoever calls are for SAC's own builds.
        command
            .env_remove("RUSTFLAGS")
            .env_remove("CARGO_ENCODED_RUSTFLAGS")
            .env_remove("CARGO_BUILD_TARGET");
        // To build them is most of what they cost on a new machine; what they do there takes seconds either way.
        command.env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0").env("CARGO_PROFILE_RELEASE_LTO", "off");
        command.env("CARGO_TARGET_DIR", scratch.path()).current_dir(workspace::root());
        if self == Self::BpfLinker {
            command.env("LLVM_PREFIX", LLVM).env("RUSTFLAGS", format!("-L {LLVM}/lib"));
        }
        process::run(&format!("build {name} {version}"), &mut command)
    }
}
