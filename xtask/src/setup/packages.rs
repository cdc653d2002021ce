// SPDX-License-Identifier: MIT OR Apache-2.0
//! The Debian packages that builds and guests need on the host.

use anyhow::{Context, Result};
use std::process::Command;

use super::as_root;
use crate::apt::{Mirror, PrivateApt};
use crate::{process, workspace};

/// For building and unit tests: LLVM for bpf-linker and what that links, PAM's headers, the tools of the PAM tests and cargo-deb's, and
/// the browser in which reports are looked at.
const BUILD: &[&str] = &[
    "llvm-22-dev",
    "libzstd-dev",
    "zlib1g-dev",
    "libpam0g-dev",
    "pamtester",
    "valgrind",
    "bubblewrap",
    "dpkg-dev",
    "g++",
    "chromium",
];

/// For making and running guests.
const GUEST: &[&str] =
    &["qemu-system-x86", "mmdebstrap", "debian-archive-keyring", "e2fsprogs", "openssh-client", "util-linux"];

/// Installs what building needs.
///
/// # Errors
/// When packages are missing and cannot be installed.
pub(super) fn for_build() -> Result<()> {
    ensure("packages for building", BUILD)
}

/// Installs what guests need.
///
/// # Errors
/// When packages are missing and cannot be installed.
pub(super) fn for_guests() -> Result<()> {
    ensure("packages for guests", GUEST)
}

fn ensure(title: &str, wanted: &[&'static str]) -> Result<()> {
    let missing = missing(wanted)?;
    if missing.is_empty() {
        return Ok(());
    }
    process::note(&format!("installing Debian packages: {}", missing.join(" ")));
    process::run("apt-get update", as_root("apt-get")?.arg("update"))?;
    let plain = process::run(title, as_root("apt-get")?.args(INSTALL).args(&missing));
    let Err(plain_error) = plain else { return Ok(()) };
    // A machine that has a newer qemu-utils or LLVM from backports cannot install the release's own beside it, and a
    // package may only be in backports.
    process::note("apt cannot install these from the machine's own sources; trying its release's backports");
    from_backports(title, &missing).with_context(|| format!("first attempt: {plain_error:#}"))
}

/// Nothing that somebody has installed may go for it.
const INSTALL: [&str; 4] = ["install", "--yes", "--no-install-recommends", "--no-remove"];

fn missing(wanted: &[&'static str]) -> Result<Vec<&'static str>> {
    // dpkg-query fails when one of the names is unknown to it; that is an answer here, not an error.
    let output = Command::new("dpkg-query")
        .args(["--show", "--showformat=${db:Status-Status} ${Package}\n"])
        .args(wanted)
        .output()
        .context("starting dpkg-query; set-up works on Debian")?;
    let table = String::from_utf8_lossy(&output.stdout).into_owned();
    let installed = |name: &str| table.lines().any(|line| line == format!("installed {name}"));
    Ok(wanted.iter().copied().filter(|name| !installed(name)).collect())
}

fn from_backports(title: &str, missing: &[&str]) -> Result<()> {
    let codename = crate::apt::codename_of_this_machine()?;
    let backports = format!("{codename}-backports");
    let mirror = Mirror::of_this_machine()?;
    let mut lines = mirror.release_lines(&codename);
    lines.push(mirror.line(&backports));
    let dir = tempfile::Builder::new().prefix("apt-").tempdir_in(workspace::cache()?)?;
    let apt = PrivateApt::fetch(dir.path(), &backports, &lines)?;
    let mut command = as_root("apt-get")?;
    command.args(apt.options_for_install()).args(INSTALL).arg("-t").arg(&backports).args(missing);
    let installed = process::run(&format!("{title} from {backports}"), &mut command);
    // apt ran as root and left directories there that only root can remove.
    process::run("remove the private lists", as_root("rm")?.arg("-rf").arg(dir.path()))?;
    installed
}
