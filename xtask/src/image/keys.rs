// SPDX-License-Identifier: MIT OR Apache-2.0
//! The ssh key with which the host logs in to guests. It is made once per cache and opens nothing but guests.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::{process, workspace};

/// A key pair.
#[derive(Debug, Clone)]
pub struct SshKey {
    /// The file with the private half.
    pub private_file: PathBuf,
    /// The public half, one line.
    pub public: String,
}

/// The key pair of this cache; made on first use.
///
/// # Errors
/// When the key cannot be made or read.
pub fn ssh_key() -> Result<SshKey> {
    let dir = workspace::cache()?.join("ssh");
    let private_file = dir.join("id_ed25519");
    let public_file = dir.join("id_ed25519.pub");
    if !public_file.exists() {
        let _lock = workspace::lock("ssh-key")?;
        if !public_file.exists() {
            fs::create_dir_all(&dir).with_context(|| format!("creating {}", dir.display()))?;
            let mut command = Command::new("ssh-keygen");
            command.args(["-q", "-t", "ed25519", "-N", "", "-C", "sac-guest", "-f"]).arg(&private_file);
            process::run("make the guests' ssh key", &mut command)?;
        }
    }
    let public = fs::read_to_string(&public_file)
        .with_context(|| format!("reading {}", public_file.display()))?
        .trim_end()
        .to_owned();
    Ok(SshKey { private_file, public })
}
