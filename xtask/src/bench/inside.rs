// SPDX-License-Identifier: MIT OR Apache-2.0
//! The half of the benchmark that runs in the guest: it makes the files and policies, and it measures.
//!
//! Time is measured with `CLOCK_MONOTONIC`, which counts instructions in the guest that this is for.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use clap::Subcommand;

use super::policies;

/// What stands before each result on standard output.
pub(super) const RESULT: &str = "instructions ";

/// What to do in the guest.
#[derive(Debug, Subcommand)]
pub enum Inside {
    /// Make programs, and policies about them, in DIR
    Prepare {
        /// It is made
        dir: PathBuf,
    },
    /// Run a command again and again, and print for each round how many instructions one run took
    Count {
        /// How many numbers there will be
        #[arg(long, default_value_t = 1)]
        rounds: u32,
        /// How many runs make a round
        #[arg(long, default_value_t = 1)]
        runs: u32,
        /// A program that must not run here
        #[arg(long)]
        blocked: Option<PathBuf>,
        /// The command and its arguments
        #[arg(last = true, required = true)]
        command: Vec<PathBuf>,
    },
}

impl Inside {
    /// Does it.
    ///
    /// # Errors
    /// When files cannot be made, or what is measured does not succeed.
    pub fn run(self) -> Result<()> {
        match self {
            Self::Prepare { dir } => prepare(&dir),
            Self::Count { rounds, runs, blocked, command } => {
                for _ in 0..rounds {
                    print_result(round(&command, runs)?);
                }
                blocked.map_or(Ok(()), |program| is_blocked(&program))
            }
        }
    }
}

/// The programs that rules are about, the one that is measured, and a directory for each set of policies.
fn prepare(dir: &Path) -> Result<()> {
    for tree in policies::trees(dir) {
        fs::create_dir_all(&tree).with_context(|| format!("creating {}", tree.display()))?;
    }
    let denied = (0..policies::PROGRAMS).map(|number| policies::denied(dir, number));
    for program in denied.chain([policies::measured(dir)]) {
        write(&program, &tiny_program(), 0o755)?;
    }
    for (path, text) in policies::all(dir) {
        if let Some(set) = path.parent() {
            fs::create_dir_all(set).with_context(|| format!("creating {}", set.display()))?;
        }
        write(&path, text.as_bytes(), 0o644)?;
    }
    Ok(())
}

fn write(path: &Path, bytes: &[u8], mode: u32) -> Result<()> {
    let written =
        fs::write(path, bytes).and_then(|()| fs::set_permissions(path, Permissions::from_mode(mode)));
    written.with_context(|| format!("writing {}", path.display()))
}

/// How many instructions one of `runs` runs takes. `Command` starts a program by `posix_spawn`, which is vfork and execve.
fn round(command: &[PathBuf], runs: u32) -> Result<u64> {
    let [program, arguments @ ..] = command else { bail!("no command") };
    let start = Instant::now();
    for _ in 0..runs {
        let status = Command::new(program).args(arguments).status();
        let status = status.with_context(|| format!("starting {}", program.display()))?;
        ensure!(status.success(), "{} ended with {status}", program.display());
    }
    Ok(u64::try_from(start.elapsed().as_nanos() / u128::from(runs))?)
}

/// A policy that is not in force would cost nothing.
fn is_blocked(program: &Path) -> Result<()> {
    let ran = Command::new(program).status().is_ok_and(|status| status.code().is_some());
    ensure!(!ran, "{} ran although the policy denies it", program.display());
    Ok(())
}

#[expect(clippy::print_stdout, reason = "results go back to the host on standard output")]
fn print_result(instructions: u64) {
    println!("{RESULT}{instructions}");
}

/// A static program of three instructions: `exit(0)`. Whatever a policy adds is most visible beside the least that an
/// execution can cost. The layout is that of elf(5).
fn tiny_program() -> Vec<u8> {
    /// Where the file is mapped: the usual address of static programs.
    const BASE: u64 = 0x40_0000;
    const HEADERS: u64 = 64 + 56;
    // mov eax, 60 (exit); xor edi, edi; syscall
    const CODE: [u8; 9] = [0xb8, 60, 0, 0, 0, 0x31, 0xff, 0x0f, 0x05];
    let size = HEADERS + 9;
    let mut elf = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    // e_type EXEC, e_machine X86_64, e_version.
    elf.extend([2, 0, 62, 0, 1, 0, 0, 0]);
    // e_entry, e_phoff, e_shoff.
    for word in [BASE + HEADERS, 64, 0] {
        elf.extend(word.to_le_bytes());
    }
    // e_flags; e_ehsize, e_phentsize, e_phnum, e_shentsize, e_shnum, e_shstrndx.
    elf.extend([0; 4]);
    for half in [64_u16, 56, 1, 0, 0, 0] {
        elf.extend(half.to_le_bytes());
    }
    // p_type LOAD, p_flags read and execute, p_offset, p_vaddr, p_paddr, p_filesz, p_memsz, p_align.
    elf.extend([1, 0, 0, 0, 5, 0, 0, 0]);
    for word in [0, BASE, BASE, size, size, 4096] {
        elf.extend(word.to_le_bytes());
    }
    elf.extend(CODE);
    elf
}

#[cfg(test)]
mod tests;
