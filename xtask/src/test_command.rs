// SPDX-License-Identifier: MIT OR Apache-2.0
//! `cargo xtask test`: everything that must hold before a change goes in.
//!
//! Steps run one after another; the first that fails ends the run. The last line on stdout is `N passed, N failed`, counted over all test binaries.

pub(crate) mod count;
mod deny;

use std::process::{Command, ExitCode};

use anyhow::Result;
use clap::Args;

use self::count::Count;
use crate::guest::Kernel;
use crate::process::{self, Show};
use crate::{build_bpf, dist, fuzz, image, setup, workspace};

/// For how long each target is fuzzed.
const FUZZ_SECONDS: u32 = 45;

/// What to test.
#[derive(Debug, Args)]
pub struct Options {
    /// Only these kernels' guests: 6.1, 6.12, 7.x (default: all)
    #[arg(long = "kernel")]
    kernels: Vec<Kernel>,
    /// Leave out the end-to-end tests
    #[arg(long, conflicts_with = "kernels")]
    no_guests: bool,
    /// Only tests whose name contains this
    filter: Option<String>,
}

/// Runs the steps.
///
/// # Errors
/// When something other than a test fails.
pub fn run(options: &Options) -> Result<ExitCode> {
    let mut count = Count::default();
    let steps = steps(options, &mut count);
    if steps.is_err() && count.failed == 0 {
        // Not a test: a lint or a build. It must not look like a success.
        count.failed = 1;
    }
    if let Err(error) = steps {
        process::note(&format!("error: {error:#}"));
    }
    print_count(count);
    Ok(if count.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

#[expect(clippy::print_stdout, reason = "the closing line is the verb's data")]
fn print_count(count: Count) {
    println!("{} passed, {} failed", count.passed, count.failed);
}

fn steps(options: &Options, count: &mut Count) -> Result<()> {
    setup::run()?;
    process::run("cargo fmt", &mut cargo(&["fmt", "--all", "--check"]))?;
    build_bpf::run()?;
    let clippy = ["clippy", "--quiet", "--workspace", "--all-targets", "--", "-D", "warnings"];
    process::run("cargo clippy", &mut cargo(&clippy))?;
    deny::run()?;
    let unit = ["test", "--workspace", "--exclude", "tests", "--exclude", "sac-bpf", "--no-fail-fast", "--"];
    let mut unit = cargo(&unit);
    unit.args(&options.filter);
    tests("unit tests", &mut unit, Show::Log, count)?;
    // A filter asks for certain tests, and this is none.
    if options.filter.is_none() {
        fuzz::all(FUZZ_SECONDS)?;
    }
    if options.no_guests {
        return Ok(());
    }
    dist::run()?;
    end_to_end(options, count)
}

/// One run for all kernels: while one guest waits, another one works.
fn end_to_end(options: &Options, count: &mut Count) -> Result<()> {
    let kernels = if options.kernels.is_empty() { Kernel::all().to_vec() } else { options.kernels.clone() };
    for kernel in &kernels {
        image::ensure(*kernel)?;
    }
    let names = kernels.iter().map(Kernel::to_string).collect::<Vec<_>>().join(",");
    let mut e2e = cargo(&["test", "--package", "tests", "--test", "e2e", "--"]);
    e2e.args(&options.filter).env("SAC_E2E_KERNELS", &names);
    tests(&format!("end-to-end tests on {names}"), &mut e2e, Show::Live, count)
}

/// Runs test binaries and adds their results to `count`.
fn tests(title: &str, command: &mut Command, show: Show, count: &mut Count) -> Result<()> {
    process::note(&format!("{title}: running"));
    let (log, status) = process::run_any(title, command, show)?;
    let text = String::from_utf8_lossy(&std::fs::read(&log)?).into_owned();
    let of_this_step = Count::in_output(&text);
    *count += of_this_step;
    if status.success() {
        return Ok(());
    }
    if of_this_step.failed == 0 {
        // The binaries did not get as far as to count: they did not compile, or one died.
        count.failed += 1;
    }
    let shown = if show == Show::Live { String::new() } else { format!("\n{}", process::tail(&text, 60)) };
    anyhow::bail!("{title} failed{shown}\nfull output: {}", log.display())
}

fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new("cargo");
    command.args(arguments).current_dir(workspace::root());
    command
}
