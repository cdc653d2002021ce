// SPDX-License-Identifier: MIT OR Apache-2.0
//! The half of the benchmark that runs in the guest: it makes the files and policies, and it measures.
//!
//! Time is measured with `CLOCK_MONOTONIC`, which counts instructions in the guest that this is for.

mod denied;
mod elf;
mod lines;
mod operate;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use clap::Subcommand;

use self::denied::Denied;
use self::operate::{MAPPINGS, Operator};
use super::operations::{self, Operation};
use super::part::{Part, Parts};
use super::policies;

/// What stands before each result on standard output.
pub(super) const RESULT: &str = "instructions ";

/// Programs in C, by their names.
const SOURCES: [(&str, &str); 3] = [
    ("allow_all", include_str!("inside/c/allow_all.c")),
    ("executes", include_str!("inside/c/executes.c")),
    ("logins", include_str!("inside/c/logins.c")),
];

/// What to do in the guest.
#[derive(Debug, Subcommand)]
pub enum Inside {
    /// Make programs, and policies about them, in DIR
    Prepare {
        /// It is made
        dir: PathBuf,
        /// What it is for
        #[command(flatten)]
        parts: Parts,
    },
    /// Run a command again and again, and print for each round how many instructions one run took
    Count {
        /// How many numbers there will be
        #[arg(long, default_value_t = 1)]
        rounds: u32,
        /// How many runs make a round
        #[arg(long, default_value_t = 1)]
        runs: u32,
        /// What must not be possible meanwhile
        #[command(flatten)]
        denied: Denied,
        /// The command and its arguments
        #[arg(last = true, required = true)]
        command: Vec<PathBuf>,
    },
    /// Carry out operations again and again, and print for each round how many instructions one took
    Operate {
        /// How many numbers there will be for each
        #[arg(long, default_value_t = 1)]
        rounds: u32,
        /// How many runs make a round
        #[arg(long, default_value_t = 1)]
        runs: u32,
        /// What must not be possible meanwhile
        #[command(flatten)]
        denied: Denied,
        /// Where `prepare` was
        dir: PathBuf,
        /// Which operations
        #[arg(required = true)]
        operations: Vec<Operation>,
    },
    /// Execute a program with a mark among its arguments again and again, and print when
    Mark {
        /// How often
        #[arg(long, default_value_t = 1)]
        rounds: u32,
        /// The program
        program: PathBuf,
    },
    /// Print when each of these marks is in a file, or in the newest one of a directory
    Await {
        /// How many
        #[arg(long, default_value_t = 1)]
        rounds: u32,
        /// The file or directory
        place: PathBuf,
    },
}

impl Inside {
    /// Does it.
    ///
    /// # Errors
    /// When files cannot be made, or what is measured does not succeed.
    pub fn run(self) -> Result<()> {
        match self {
            Self::Prepare { dir, parts } => prepare(&dir, &parts),
            Self::Count { rounds, runs, denied, command } => {
                for _ in 0..rounds {
                    print_result(round(&command, runs)?);
                }
                denied.check()
            }
            Self::Operate { rounds, runs, denied, dir, operations } => {
                let operator = Operator::new(&dir)?;
                for operation in operations {
                    print_line(&operations::heading(operation));
                    for _ in 0..rounds {
                        print_result(operator.round(operation, runs)?);
                    }
                }
                denied.check()
            }
            Self::Mark { rounds, program } => lines::execute(&program, rounds),
            Self::Await { rounds, place } => lines::wait(&place, rounds),
        }
    }
}

/// The programs that rules are about, the one that is measured, and a directory for each set of policies.
fn prepare(dir: &Path, parts: &Parts) -> Result<()> {
    for tree in policies::trees(dir) {
        create_directory(&tree)?;
    }
    let denied = (0..policies::PROGRAMS).map(|number| policies::denied(dir, number));
    for program in denied.chain([policies::measured(dir)]) {
        write(&program, &elf::tiny_program(), 0o755)?;
    }
    if parts.has(Part::Operations) || parts.has_every_kind() {
        prepare_operations(dir)?;
    }
    if parts.has_any(&[Part::Peers, Part::Logins]) {
        prepare_sources(dir)?;
    }
    for (path, text) in policies::all(dir, parts) {
        if let Some(set) = path.parent() {
            create_directory(set)?;
        }
        write(&path, text.as_bytes(), 0o644)?;
    }
    Ok(())
}

/// The sources of what is compiled in the guest, because it does what the benchmark itself does not do without `unsafe`, and the program that
/// sessions wait with.
fn prepare_sources(dir: &Path) -> Result<()> {
    for (name, text) in SOURCES {
        write(&dir.join(format!("{name}.c")), text.as_bytes(), 0o644)?;
    }
    write(&policies::waiting(dir), &elf::waiting_program(), 0o755)
}

/// What is opened and mapped, the programs that map, and what rules are about.
fn prepare_operations(dir: &Path) -> Result<()> {
    for directory in operations::trees(dir).chain([operations::directory(dir)]) {
        create_directory(&directory)?;
    }
    write(&operations::file(dir), b"a small file\n", 0o644)?;
    for times in [1, MAPPINGS + 1] {
        write(&operations::mapping(dir, times), &elf::mapping_program(times), 0o755)?;
    }
    // Whoever likes could have written it.
    write(&operations::untrusted(dir), &elf::tiny_program(), 0o777)
}

fn create_directory(directory: &Path) -> Result<()> {
    fs::create_dir_all(directory).with_context(|| format!("creating {}", directory.display()))
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

fn print_result(instructions: u64) {
    print_line(&format!("{RESULT}{instructions}"));
}

#[expect(clippy::print_stdout, reason = "results go back to the host on standard output")]
fn print_line(line: &str) {
    println!("{line}");
}

#[cfg(test)]
mod tests;
