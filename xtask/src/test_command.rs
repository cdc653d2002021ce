// SPDX-License-Identifier: MIT OR Apache-2.0
//! `cargo xtask test`: everything that must hold before a change goes in.
//!
//! Steps run one after another; the first that fails ends the run. The last line on stdout is `N passed, N failed`, counted over all test binaries.

pub(crate) mod count;
mod deny;
mod memcheck;

use std::process::{Command, ExitCode};
use std::thread;

use anyhow::{Context as _, Result};
use clap::Args;

use self::count::Count;
use crate::bench::quick;
use crate::guest::Kernel;
use crate::process::{self, Show};
use crate::{build_bpf, dist, fuzz, image, setup, workspace};

/// For how long each target is fuzzed, with another one beside it.
const FUZZ_SECONDS: u32 = 10;

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
    if options.no_guests {
        without_guests(options, count)?;
        return fuzz(options);
    }
    let kernels = if options.kernels.is_empty() { Kernel::all().to_vec() } else { options.kernels.clone() };
    // Images are a matter of packages and disks, most of the rest one of compilers: neither waits for the other.
    let (tested, made) = thread::scope(|scope| {
        let images = scope.spawn(|| kernels.iter().try_for_each(|kernel| image::ensure(*kernel).map(drop)));
        let tested = without_guests(options, count).and_then(|()| fuzz_and_build(options));
        (tested, images.join().map_err(|_panic| anyhow::anyhow!("making images panicked")))
    });
    tested?;
    made??;
    end_to_end(options, &kernels, count)
}

/// What needs no guest, and no fuzzer.
fn without_guests(options: &Options, count: &mut Count) -> Result<()> {
    process::run("cargo fmt", &mut cargo(&["fmt", "--all", "--check"]))?;
    build_bpf::run()?;
    let clippy = ["clippy", "--quiet", "--workspace", "--all-targets", "--", "-D", "warnings"];
    process::run("cargo clippy", &mut cargo(&clippy))?;
    let failpoints = ["clippy", "--quiet", "--package", "sac-loader", "--package", "sac-failpoint"];
    let mut failpoints = cargo(&failpoints);
    failpoints.args(["--features", "sac-loader/failpoints", "--", "-D", "warnings"]);
    process::run("cargo clippy with failpoints", &mut failpoints)?;
    deny::run()?;
    let unit = ["test", "--workspace", "--exclude", "tests", "--exclude", "sac-bpf", "--no-fail-fast", "--"];
    let mut unit = cargo(&unit);
    unit.args(&options.filter);
    tests("unit tests", &mut unit, Show::Log, count)?;
    let mut under_valgrind = memcheck::unit_tests();
    under_valgrind.args(&options.filter);
    tests("unit tests under valgrind", &mut under_valgrind, Show::Log, count)?;
    // The only crate whose code depends on a feature.
    let mut failpoints = cargo(&["test", "--package", "sac-failpoint", "--features", "on", "--"]);
    tests("unit tests of failpoints", failpoints.args(&options.filter), Show::Log, count)
}

fn fuzz(options: &Options) -> Result<()> {
    // A filter asks for certain tests, and this is none.
    if options.filter.is_none() { fuzz::all(FUZZ_SECONDS) } else { Ok(()) }
}

/// Both at a time: each is for most of its time one crate that is compiled or linked by itself, on one processor.
fn fuzz_and_build(options: &Options) -> Result<()> {
    thread::scope(|scope| {
        let fuzzed = scope.spawn(|| fuzz(options));
        let built = dist(options);
        let fuzzed = fuzzed.join().map_err(|_panic| anyhow::anyhow!("fuzzing panicked"))?;
        fuzzed.and(built)
    })
}

/// What guests are given.
fn dist(options: &Options) -> Result<()> {
    dist::run()?;
    // Only tests that have to be asked for need it, and it takes minutes.
    if options.filter.as_deref().is_some_and(|filter| filter.contains("storms")) {
        dist::build_with_failpoints()?;
    }
    Ok(())
}

/// A run for each kernel, all at a time: while one guest waits, others work, and none waits for another.
fn end_to_end(options: &Options, kernels: &[Kernel], count: &mut Count) -> Result<()> {
    let test = ["test", "--package", "tests", "--test", "e2e"];
    process::run("build the end-to-end tests", cargo(&test).arg("--no-run"))?;
    let run = |kernel: Kernel| {
        let mut e2e = cargo(&test);
        e2e.arg("--").args(&options.filter).env("SAC_E2E_KERNELS", kernel.to_string());
        let mut of_kernel = Count::default();
        let tested = tests(&format!("end-to-end tests on {kernel}"), &mut e2e, Show::Live, &mut of_kernel);
        (of_kernel, tested)
    };
    let (results, costs) = thread::scope(|scope| {
        let runs: Vec<_> = kernels.iter().map(|kernel| scope.spawn(move || run(*kernel))).collect();
        // Instructions are counted, so it does not matter what else runs. A filter asks for certain tests, and this is none.
        let costs = options.filter.is_none() && kernels.contains(&quick::KEPT);
        let costs = costs.then(|| scope.spawn(quick::check));
        let results: Vec<_> = runs.into_iter().map(thread::ScopedJoinHandle::join).collect();
        (results, costs.map(thread::ScopedJoinHandle::join))
    });
    // All of them are counted before the first failure is told of.
    let mut all = Ok(());
    if let Some(costs) = costs {
        let costs = costs.map_err(|_panic| anyhow::anyhow!("the quick benchmark panicked"))?;
        *count += Count { passed: u64::from(costs.is_ok()), failed: u64::from(costs.is_err()) };
        all = costs.context("what things cost");
    }
    for result in results {
        let (of_kernel, tested) = result.map_err(|_panic| anyhow::anyhow!("a run of tests panicked"))?;
        *count += of_kernel;
        all = all.and(tested);
    }
    all
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
