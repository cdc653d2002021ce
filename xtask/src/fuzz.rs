// SPDX-License-Identifier: MIT OR Apache-2.0
//! `cargo xtask fuzz`: random and broken input wherever bytes of somebody else's come in, for a while.
//!
//! The targets lie in `fuzz/`, which is no member of the workspace. New inputs that the fuzzer finds go to `target/fuzz`; the seeds
//! in `fuzz/corpus` stay as they are.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use anyhow::{Context, Result, anyhow, bail};
use clap::Args;

use crate::process::{self, Show};
use crate::setup::{self, Tool};
use crate::workspace;

/// The targets: files in `fuzz/fuzz_targets`.
const TARGETS: [&str; 10] = [
    "audit_config",
    "command_line",
    "control",
    "events",
    "pam_reply",
    "pam_request",
    "policy",
    "record",
    "record_files",
    "rules",
];

/// So many run at a time. What one of them prints is of no use beside another, so it goes to their logs.
const AT_A_TIME: usize = 2;

/// Nothing that is fuzzed loads the kernel half, so the loader is built without one.
const NO_KERNEL_HALF: (&str, &str) = ("SAC_BPF_OBJECT", "/dev/null");

/// What the fuzzer may use for one input; more is a bug.
const LIMITS: [&str; 3] = ["-timeout=10", "-rss_limit_mb=2048", "-malloc_limit_mb=1024"];

/// What watches the targets while they run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sanitizer {
    /// Nothing: inputs go through many times as fast. Most of what is under test forbids `unsafe`, and valgrind looks at the PAM module.
    None,
    /// AddressSanitizer.
    Address,
}

impl Sanitizer {
    fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Address => "address",
        }
    }
}

/// What to fuzz.
#[derive(Debug, Args)]
pub struct Options {
    /// For how long, for each target
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..))]
    seconds: u32,
    /// With AddressSanitizer, which watches memory, and leaks; most of the speed goes for it
    #[arg(long)]
    address: bool,
    /// Only this target
    #[arg(value_parser = TARGETS)]
    target: Option<String>,
}

/// Fuzzes.
///
/// # Errors
/// When a target cannot be built, or an input makes it fail; the message names the input.
pub fn run(options: &Options) -> Result<ExitCode> {
    setup::for_fuzzing()?;
    let sanitizer = if options.address { Sanitizer::Address } else { Sanitizer::None };
    match &options.target {
        Some(target) => these(&[target], options.seconds, sanitizer)?,
        None => these(&TARGETS, options.seconds, sanitizer)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Fuzzes each target for some seconds; set-up is done.
///
/// # Errors
/// As [`run`].
pub fn all(seconds: u32) -> Result<()> {
    these(&TARGETS, seconds, Sanitizer::None)
}

/// Builds them all, and then fuzzes some at a time.
fn these(targets: &[&str], seconds: u32, sanitizer: Sanitizer) -> Result<()> {
    let mut build = cargo_fuzz("build", sanitizer)?;
    // Of more than one cargo-fuzz builds all.
    process::run("build the fuzz targets", build.args(targets.first().filter(|_| targets.len() == 1)))?;
    let next = AtomicUsize::new(0);
    let work = || -> Result<()> {
        while let Some(target) = targets.get(next.fetch_add(1, Ordering::Relaxed)) {
            one(target, seconds, sanitizer)?;
        }
        Ok(())
    };
    let results: Vec<_> = thread::scope(|scope| {
        let workers: Vec<_> = (0..AT_A_TIME).map(|_| scope.spawn(work)).collect();
        workers.into_iter().map(thread::ScopedJoinHandle::join).collect()
    });
    results.into_iter().try_for_each(|result| result.map_err(|_panic| anyhow!("fuzzing panicked"))?)
}

fn one(target: &str, seconds: u32, sanitizer: Sanitizer) -> Result<()> {
    let found = workspace::target("fuzz").join(target);
    let artifacts = workspace::root().join("fuzz/artifacts").join(target);
    for directory in [&found, &artifacts] {
        fs::create_dir_all(directory).with_context(|| format!("creating {}", directory.display()))?;
    }
    let before = inputs(&artifacts)?;
    let mut fuzz = cargo_fuzz("run", sanitizer)?;
    fuzz.arg(target);
    // The first directory takes what is found; the others are only read.
    fuzz.arg(&found).arg(workspace::root().join("fuzz/corpus").join(target));
    fuzz.arg("--").arg(format!("-max_total_time={seconds}")).args(LIMITS);
    let title = format!("fuzz {target} for {seconds} s");
    let (log, status) = process::run_any(&title, &mut fuzz, Show::Log)?;
    if status.success() {
        return Ok(());
    }
    let output = String::from_utf8_lossy(&fs::read(&log)?).into_owned();
    let tail = process::tail(&output, 30);
    let new: Vec<_> = inputs(&artifacts)?.into_iter().filter(|input| !before.contains(input)).collect();
    let Some(input) = new.first() else { bail!("{title} failed\n{tail}\nfull output: {}", log.display()) };
    bail!(
        "{title} failed\n{tail}\ninput: {}\nrepeat it with: {}",
        input.display(),
        repeat(target, input, sanitizer)
    )
}

/// The command that runs a target once, with one input.
fn repeat(target: &str, input: &Path, sanitizer: Sanitizer) -> String {
    let ((name, value), sanitizer, input) = (NO_KERNEL_HALF, sanitizer.as_str(), input.display());
    format!(
        "{name}={value} RUSTC_BOOTSTRAP=1 cargo fuzz run --fuzz-dir fuzz --sanitizer {sanitizer} {target} {input}"
    )
}

/// `cargo fuzz VERB`.
fn cargo_fuzz(verb: &str, sanitizer: Sanitizer) -> Result<Command> {
    let mut command = Command::new(Tool::CargoFuzz.path()?);
    command.args(["fuzz", verb, "--fuzz-dir"]).arg(workspace::root().join("fuzz"));
    command.args(["--sanitizer", sanitizer.as_str()]).current_dir(workspace::root());
    // cargo-fuzz passes flags that only a nightly compiler takes.
    command.env("RUSTC_BOOTSTRAP", "1").env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS");
    let (name, value) = NO_KERNEL_HALF;
    command.env(name, value);
    Ok(command)
}

fn inputs(directory: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(directory).with_context(|| format!("reading {}", directory.display()))?;
    entries.map(|entry| Ok(entry?.path())).collect()
}

#[cfg(test)]
mod tests;
