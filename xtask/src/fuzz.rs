// SPDX-License-Identifier: MIT OR Apache-2.0
//! `cargo xtask fuzz`: random and broken input for the policy language and the verdict, for a while.
//!
//! The targets lie in `fuzz/`, which is no member of the workspace. New inputs that the fuzzer finds go to `target/fuzz`; the seeds
//! in `fuzz/corpus` stay as they are.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::process::{self, Show};
use crate::setup::{self, Tool};
use crate::workspace;

/// The targets: files in `fuzz/fuzz_targets`.
const TARGETS: [&str; 2] = ["policy", "rules"];

/// What the fuzzer may use for one input; more is a bug.
const LIMITS: [&str; 3] = ["-timeout=10", "-rss_limit_mb=2048", "-malloc_limit_mb=1024"];

/// What to fuzz.
#[derive(Debug, Args)]
pub struct Options {
    /// For how long, for each target
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..))]
    seconds: u32,
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
    match &options.target {
        Some(target) => one(target, options.seconds)?,
        None => all(options.seconds)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Fuzzes each target for some seconds; set-up is done.
///
/// # Errors
/// As [`run`].
pub fn all(seconds: u32) -> Result<()> {
    TARGETS.iter().try_for_each(|target| one(target, seconds))
}

fn one(target: &str, seconds: u32) -> Result<()> {
    let mut build = cargo_fuzz("build", target)?;
    process::run(&format!("build fuzz target {target}"), &mut build)?;
    let found = workspace::target("fuzz").join(target);
    let artifacts = workspace::root().join("fuzz/artifacts").join(target);
    for directory in [&found, &artifacts] {
        fs::create_dir_all(directory).with_context(|| format!("creating {}", directory.display()))?;
    }
    let before = inputs(&artifacts)?;
    let mut fuzz = cargo_fuzz("run", target)?;
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
    bail!("{title} failed\n{tail}\ninput: {}\nrepeat it with: {}", input.display(), repeat(target, input))
}

/// The command that runs a target once, with one input.
fn repeat(target: &str, input: &Path) -> String {
    let input = input.display();
    format!("RUSTC_BOOTSTRAP=1 cargo fuzz run --fuzz-dir fuzz --sanitizer none {target} {input}")
}

/// `cargo fuzz VERB TARGET`. Sanitizers look for mistakes of `unsafe` code, which the crates under test forbid.
fn cargo_fuzz(verb: &str, target: &str) -> Result<Command> {
    let mut command = Command::new(Tool::CargoFuzz.path()?);
    command.args(["fuzz", verb, "--fuzz-dir"]).arg(workspace::root().join("fuzz"));
    command.args(["--sanitizer", "none", target]).current_dir(workspace::root());
    // cargo-fuzz passes flags that only a nightly compiler takes.
    command.env("RUSTC_BOOTSTRAP", "1").env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS");
    Ok(command)
}

fn inputs(directory: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(directory).with_context(|| format!("reading {}", directory.display()))?;
    entries.map(|entry| Ok(entry?.path())).collect()
}
