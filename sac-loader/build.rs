// SPDX-License-Identifier: MIT OR Apache-2.0
//! Finds the kernel half, which is compiled for another target and embedded into the loader.

use std::{env, path::PathBuf};

fn main() -> Result<(), String> {
    println!("cargo::rerun-if-env-changed=SAC_BPF_OBJECT");
    let object = match env::var_os("SAC_BPF_OBJECT") {
        Some(object) => PathBuf::from(object),
        None => PathBuf::from(
            env::var_os("CARGO_MANIFEST_DIR").ok_or("cargo did not name the crate's directory")?,
        )
        .join("../target/bpf/sac-bpf.o"),
    };
    println!("cargo::rerun-if-changed={}", object.display());
    let object = object
        .canonicalize()
        .map_err(|error| format!("{}: {error}; build it with `cargo xtask build-bpf`", object.display()))?;
    println!("cargo::rustc-env=SAC_BPF_OBJECT={}", object.display());
    Ok(())
}
