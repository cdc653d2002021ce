// SPDX-License-Identifier: MIT OR Apache-2.0
//! Whether a policy is in force; one that is not would cost nothing.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail, ensure};
use clap::Args;

/// What must not be possible where something is measured.
#[derive(Debug, Args)]
pub struct Denied {
    /// A program that must not run here
    #[arg(long)]
    blocked: Option<PathBuf>,
    /// A file or directory that must not be read here
    #[arg(long)]
    closed: Option<PathBuf>,
    /// An address that nobody may connect to from here
    #[arg(long)]
    unreachable: Option<Ipv4Addr>,
}

impl Denied {
    /// Tries all of it.
    pub(super) fn check(&self) -> Result<()> {
        self.blocked.as_deref().map_or(Ok(()), is_blocked)?;
        self.closed.as_deref().map_or(Ok(()), is_closed)?;
        self.unreachable.map_or(Ok(()), is_unreachable)
    }
}

/// Whether a program does not run.
pub(super) fn is_blocked(program: &Path) -> Result<()> {
    let ran = Command::new(program).status().is_ok_and(|status| status.code().is_some());
    ensure!(!ran, "{} ran although the policy denies it", program.display());
    Ok(())
}

/// Whether a file is not opened.
pub(super) fn is_closed(file: &Path) -> Result<()> {
    is_refused(File::open(file).map(drop), &format!("reading {}", file.display()))
}

/// Whether an address is not connected to. There need not be a way to it: the policy is asked first.
pub(super) fn is_unreachable(address: Ipv4Addr) -> Result<()> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    is_refused(socket.connect((address, 9)), &format!("connecting to {address}"))
}

fn is_refused(result: io::Result<()>, what: &str) -> Result<()> {
    match result {
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Ok(()),
        Err(error) => bail!("{what} is not denied but fails: {error}"),
        Ok(()) => bail!("{what} succeeds although the policy denies it"),
    }
}
