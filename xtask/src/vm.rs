// SPDX-License-Identifier: MIT OR Apache-2.0
//! `cargo xtask vm`: guests that stay up between commands, for trying things by hand.
//!
//! One guest per kernel; what it takes to find it again stands in `target/vm/KERNEL/`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::{Args, Subcommand};

use crate::guest::{Guest, Kernel, Lifetime, Processors};
use crate::{dist, image, process, setup, workspace};

/// What to do with a guest.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Boot the guest if it is not up
    Up {
        /// Which guest
        #[command(flatten)]
        which: Which,
        /// One processor, whose instructions are the guest's nanoseconds, as `cargo xtask bench` has it
        #[arg(long)]
        counted: bool,
    },
    /// End the guest; its disk's changes are lost
    Down(Which),
    /// List the guests that are up
    Status,
    /// Log in as USER, or run CMD as USER
    Ssh {
        /// Which guest
        #[command(flatten)]
        which: Which,
        /// alice, bob, carol, dave or root
        user: String,
        /// Command to run instead of a login shell
        #[arg(last = true)]
        command: Vec<String>,
    },
    /// Boot the guest if needed, install the package there if it is not yet installed, and log in as USER
    Shell {
        /// Which guest
        #[command(flatten)]
        which: Which,
        /// alice, bob, carol, dave or root
        user: String,
    },
    /// Copy FILE to DEST on the guest, as root
    Put {
        /// Which guest
        #[command(flatten)]
        which: Which,
        /// File or directory on this machine
        file: PathBuf,
        /// Where it goes on the guest
        dest: String,
    },
    /// Show what the guest's console has shown
    Log(Which),
    /// Make the images that are missing in the cache and list them
    Images {
        /// Make them anew with today's packages
        #[arg(long)]
        refresh: bool,
    },
}

/// Which guest.
#[derive(Debug, Clone, Copy, Args)]
pub struct Which {
    /// Kernel of the guest: 6.1, 6.12 or 7.x
    #[arg(long, default_value = "6.1")]
    kernel: Kernel,
}

/// Does one verb and returns the exit code.
///
/// # Errors
/// When it cannot be done; the message says what to do.
pub fn run(verb: Verb) -> Result<ExitCode> {
    match verb {
        Verb::Up { which, counted } => {
            let processors = if counted { Processors::OneCounted } else { Processors::Two };
            up_with(which.kernel, processors).map(drop)?
        }
        Verb::Down(which) => down(which.kernel)?,
        Verb::Status => status()?,
        Verb::Ssh { which, user, command } => return ssh(&running(which.kernel)?, &user, &command.join(" ")),
        Verb::Shell { which, user } => shell(which.kernel, &user)?,
        Verb::Put { which, file, dest } => running(which.kernel)?.put(&file, &dest)?,
        Verb::Log(which) => log(which.kernel)?,
        Verb::Images { refresh } => images(refresh)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn state_dir(kernel: Kernel) -> PathBuf {
    workspace::target("vm").join(kernel.to_string())
}

/// The guest with this kernel, booted if it is not up.
///
/// # Errors
/// When it does not come up.
pub fn up(kernel: Kernel) -> Result<Guest> {
    up_with(kernel, Processors::Two)
}

fn up_with(kernel: Kernel, processors: Processors) -> Result<Guest> {
    if let Some(guest) = Guest::recorded(kernel, &state_dir(kernel))? {
        return Ok(guest);
    }
    setup::for_guests()?;
    process::note(&format!("booting the guest with kernel {kernel} (about half a minute)"));
    let guest = Guest::boot_in(kernel, &state_dir(kernel), Lifetime::UntilPowerOff, processors)?;
    guest.record()?;
    process::note(&format!("guest {kernel} is up; its ssh port is {}", guest.ssh_port()));
    Ok(guest)
}

fn running(kernel: Kernel) -> Result<Guest> {
    Guest::recorded(kernel, &state_dir(kernel))?.with_context(|| {
        format!("the guest with kernel {kernel} is not up; run `cargo xtask vm up --kernel {kernel}`")
    })
}

fn down(kernel: Kernel) -> Result<()> {
    match Guest::recorded(kernel, &state_dir(kernel))? {
        Some(guest) => guest.poweroff(),
        None => Ok(()),
    }
}

#[expect(clippy::print_stdout, reason = "the table is the verb's data")]
fn status() -> Result<()> {
    for kernel in Kernel::all() {
        match Guest::recorded(kernel, &state_dir(kernel))? {
            Some(guest) => println!("{kernel:<5} up    port {} pid {}", guest.ssh_port(), guest.pid()),
            None => println!("{kernel:<5} down"),
        }
    }
    Ok(())
}

/// The verb's exit code is the remote command's.
fn ssh(guest: &Guest, user: &str, command: &str) -> Result<ExitCode> {
    let status = guest.ssh(user).command(command).status().context("starting ssh")?;
    let code = status.code().with_context(|| format!("ssh as {user} ended with {status}"))?;
    Ok(u8::try_from(code).map_or(ExitCode::FAILURE, ExitCode::from))
}

fn shell(kernel: Kernel, user: &str) -> Result<()> {
    let guest = up(kernel)?;
    install_if_missing(&guest)?;
    // A shell's last status is no failure of this verb.
    guest.ssh(user).command("").status().context("starting ssh").map(drop)
}

/// Installs the newest package from `target/dist` and enables its PAM profile, if the guest has none.
fn install_if_missing(guest: &Guest) -> Result<()> {
    let root = guest.ssh("root");
    if root.run("dpkg-query -W -f '${db:Status-Status}' sac | grep -qx installed")?.status == 0 {
        return Ok(());
    }
    let deb = match dist::newest()? {
        Some(deb) => deb,
        None => dist::run()?,
    };
    install(guest, &deb)
}

/// How long an installation may take. The kernel verifies all programs within it, which on a guest that counts and a machine that is busy took
/// more than three minutes.
const INSTALLED: Duration = Duration::from_secs(600);

/// Installs a package file on a guest and enables its PAM profile.
///
/// # Errors
/// When the guest refuses either.
pub fn install(guest: &Guest, deb: &Path) -> Result<()> {
    process::note(&format!("installing {} on guest {}", deb.display(), guest.kernel()));
    guest.put(deb, "/root/sac.deb")?;
    guest
        .ssh("root")
        .deadline(INSTALLED)
        .run("export DEBIAN_FRONTEND=noninteractive; dpkg -i /root/sac.deb && pam-auth-update --enable sac")?
        .success()
        .context("installing the package on the guest")?;
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the log is the verb's data")]
fn log(kernel: Kernel) -> Result<()> {
    let path = state_dir(kernel).join("console.log");
    let bytes = fs::read(&path).with_context(|| format!("there is no console log at {}", path.display()))?;
    print!("{}", String::from_utf8_lossy(&bytes));
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the list is the verb's data")]
fn images(refresh: bool) -> Result<()> {
    setup::for_guests()?;
    if refresh {
        for kernel in Kernel::all() {
            image::forget(kernel.release())?;
        }
    }
    for kernel in Kernel::all() {
        let boot = image::ensure(kernel)?;
        let version = fs::read_to_string(boot.vmlinuz.with_file_name("version")).unwrap_or_default();
        println!("{kernel:<5} {:<24} {}", version.trim_end(), boot.disk.display());
    }
    Ok(())
}
