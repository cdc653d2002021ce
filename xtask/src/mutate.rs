// SPDX-License-Identifier: MIT OR Apache-2.0
//! `cargo xtask mutate-hooks`: whether the end-to-end tests would notice if a check of the kernel half were gone.
//!
//! Each mutation of [`table`] takes one check out. A package is built without it, and the test that should notice is run on
//! that package. A test that passes all the same does not test what it says. All of it happens in a copy of the source tree.

mod copy;
mod table;

use std::collections::{BTreeMap, btree_map::Entry};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::mpsc;
use std::thread;

use anyhow::{Context, Result, ensure};
use clap::Args;

use self::copy::Copy;
use self::table::{Mutation, TABLE};
use crate::guest::{Guest, Kernel, Lifetime, Processors};
use crate::process::{self, Show};
use crate::test_command::count::Count;
use crate::{image, setup, workspace};

/// What an end-to-end test's failure begins with where the guest could not be prepared: then nothing was tested.
pub const PREPARING: &str = "preparing the guest";
/// As above, where it could not be put into the state that each test begins with.
pub const RESETTING: &str = "resetting the guest";

/// Names the directory of guests that tests are to be run in, in place of new ones.
pub const GUESTS: &str = "SAC_E2E_GUESTS";

/// Which mutations to try.
#[derive(Debug, Args)]
pub struct Options {
    /// Kernel of the guest: 6.1, 6.12 or 7.x; some mutations are for one kernel only, and are tried there
    #[arg(long, default_value = "6.1")]
    kernel: Kernel,
    /// Only say which mutations there are
    #[arg(long)]
    list: bool,
    /// Only see that the kernel half can be built without each check; needs no guest
    #[arg(long)]
    build_only: bool,
    /// Take for granted that the tests pass where no check is gone
    #[arg(long)]
    without_control: bool,
    /// Take out checks of different tests at once: a fraction of the time, but look whether each failure is the right one
    #[arg(long)]
    together: bool,
    /// Only these mutations (default: all)
    names: Vec<String>,
}

/// Tries them; a mutation that no test notices is a failure.
///
/// # Errors
/// When the table does not fit the source, or something cannot be built.
pub fn run(options: &Options) -> Result<ExitCode> {
    let problems = problems(workspace::root());
    ensure!(problems.is_empty(), "the table of mutations does not fit the source:\n{}", problems.join("\n"));
    let trials = select(options)?;
    if options.list {
        print(&list(&trials));
        return Ok(ExitCode::SUCCESS);
    }
    setup::for_build()?;
    if options.build_only {
        return build_all(&trials);
    }
    setup::for_guests()?;
    for trial in &trials {
        image::ensure(trial.kernel)?;
    }
    let mut bench = Bench::new(!options.without_control)?;
    let (copy, (built, packages)) = (Copy::make()?, mpsc::sync_channel(0));
    let batches = batches(&trials, options.together);
    let mut results = Vec::new();
    // While one package is tested the next one is built: each keeps about one processor busy.
    thread::scope(|scope| -> Result<()> {
        let batches = &batches;
        scope.spawn(move || batches.iter().try_for_each(|batch| built.send(build(&copy, batch)).ok()));
        for (batch, package) in batches.iter().zip(packages) {
            let package = package?;
            for trial in batch {
                let outcome = bench.outcome(trial, &package)?;
                process::note(&format!("{}: {}", trial.mutation.name, outcome.describe(trial)));
                results.push((*trial, outcome));
            }
            if let Ok(package) = package {
                fs::remove_file(&package).with_context(|| format!("removing {}", package.display()))?;
            }
        }
        Ok(())
    })?;
    print(&report(&results));
    let all_noticed = results.iter().all(|(_, outcome)| matches!(outcome, Outcome::Noticed(_)));
    Ok(if all_noticed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Builds the kernel half without each check.
fn build_all(trials: &[Trial]) -> Result<ExitCode> {
    let copy = Copy::make()?;
    let mut all_built = true;
    for mutation in trials.iter().map(|trial| trial.mutation) {
        if let Err(error) = copy.without(&[mutation], || copy.build_kernel_half(mutation.name))? {
            all_built = false;
            process::note(&format!("{}: {error:#}", mutation.name));
        }
    }
    Ok(if all_built { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The tests that should notice a mutation, as `module::name`.
pub fn tests() -> impl Iterator<Item = &'static str> {
    TABLE.iter().map(|(test, _)| *test)
}

/// A mutation, with the test and the kernel that it is tried with.
#[derive(Clone, Copy)]
struct Trial {
    mutation: &'static Mutation,
    test: &'static str,
    kernel: Kernel,
}

/// What a trial has shown.
enum Outcome {
    /// The test fails, with this.
    Noticed(String),
    /// The test passes.
    NotNoticed,
    /// The test was not run, or says nothing.
    Unclear(String),
}

impl Outcome {
    fn describe(&self, trial: &Trial) -> String {
        match self {
            Self::Noticed(failure) => format!("noticed by {}: {failure}", trial.test),
            Self::NotNoticed => format!("NOT NOTICED by {}", trial.test),
            Self::Unclear(reason) => format!("UNCLEAR: {reason}"),
        }
    }
}

/// The mutations that were asked for, in the order of the table.
fn select(options: &Options) -> Result<Vec<Trial>> {
    let all =
        TABLE.iter().flat_map(|(test, mutations)| mutations.iter().map(move |mutation| (*test, mutation)));
    let kernel = |mutation: &Mutation| mutation.kernel.unwrap_or(options.kernel);
    let trials: Vec<_> =
        all.map(|(test, mutation)| Trial { mutation, test, kernel: kernel(mutation) }).collect();
    for name in &options.names {
        ensure!(
            trials.iter().any(|trial| trial.mutation.name == name),
            "there is no mutation {name}; --list shows all"
        );
    }
    let is_wanted = |trial: &Trial| {
        options.names.is_empty() || options.names.iter().any(|name| name == trial.mutation.name)
    };
    Ok(trials.into_iter().filter(is_wanted).collect())
}

/// A package without a check, or why there is none.
type Package = std::result::Result<PathBuf, String>;

/// What is tried with one package each: a trial, or trials with different tests that have nothing to do with each other.
fn batches(trials: &[Trial], together: bool) -> Vec<Vec<Trial>> {
    let mut batches: Vec<Vec<Trial>> = Vec::new();
    for trial in trials {
        let fits = |batch: &&mut Vec<Trial>| {
            together
                && batch.iter().all(|other| {
                    trial.kernel == other.kernel
                        && trial.test != other.test
                        && !trial.mutation.touches(other.mutation)
                })
        };
        match batches.iter_mut().find(fits) {
            Some(batch) => batch.push(*trial),
            None => batches.push(vec![*trial]),
        }
    }
    batches
}

/// Builds the package of a batch.
fn build(copy: &Copy, batch: &[Trial]) -> Result<Package> {
    let mutations: Vec<_> = batch.iter().map(|trial| trial.mutation).collect();
    let names: Vec<_> = mutations.iter().map(|mutation| mutation.name).collect();
    let name = names.join("+");
    match copy.without(&mutations, || copy.build(&name))? {
        Ok(package) => Ok(Ok(keep(&package, names.first().copied().unwrap_or_default())?)),
        Err(error) => Ok(Err(first_line(&format!("{error:#}")))),
    }
}

/// Puts a package where the next one that is built does not come in its place.
fn keep(package: &Path, name: &str) -> Result<PathBuf> {
    let kept = workspace::target("mutate").join(format!("{name}.deb"));
    fs::copy(package, &kept).with_context(|| format!("keeping {}", kept.display()))?;
    Ok(kept)
}

/// Runs tests on packages, in one guest for each kernel: to boot one for each test would be most of the time.
struct Bench {
    /// The package as it is; `None` where nobody looks whether tests pass on it.
    control: Option<PathBuf>,
    /// Whether they do.
    passes: BTreeMap<(Kernel, &'static str), bool>,
    guests: BTreeMap<Kernel, Guest>,
}

impl Bench {
    fn new(with_control: bool) -> Result<Self> {
        let build = || Copy::make()?.build("nothing").context("building the package as it is");
        let control = with_control.then(build).transpose()?;
        let control = control.map(|package| keep(&package, "nothing")).transpose()?;
        Ok(Self { control, passes: BTreeMap::new(), guests: BTreeMap::new() })
    }

    fn outcome(&mut self, trial: &Trial, package: &Package) -> Result<Outcome> {
        let package = match package {
            Ok(package) => package,
            Err(reason) => return Ok(Outcome::Unclear(format!("it does not build: {reason}"))),
        };
        if !self.passes_as_it_is(trial)? {
            return Ok(Outcome::Unclear(format!("{} fails where no check is gone", trial.test)));
        }
        self.test(trial, trial.mutation.name, package)
    }

    fn passes_as_it_is(&mut self, trial: &Trial) -> Result<bool> {
        let Some(package) = self.control.clone() else { return Ok(true) };
        let key = (trial.kernel, trial.test);
        if let Some(passes) = self.passes.get(&key) {
            return Ok(*passes);
        }
        let title = format!("nothing for {}", trial.test);
        let passes = matches!(self.test(trial, &title, &package)?, Outcome::NotNoticed);
        self.passes.insert(key, passes);
        Ok(passes)
    }

    /// Runs a trial's test on a package. What a test has left in the guest may be why the next one cannot be run there, so that one is
    /// run once more in a new guest.
    fn test(&mut self, trial: &Trial, title: &str, package: &Path) -> Result<Outcome> {
        self.boot(trial.kernel)?;
        let outcome = test(trial, title, package)?;
        if !matches!(outcome, Outcome::Unclear(_)) {
            return Ok(outcome);
        }
        self.guests.remove(&trial.kernel);
        self.boot(trial.kernel)?;
        test(trial, title, package)
    }

    fn boot(&mut self, kernel: Kernel) -> Result<()> {
        if let Entry::Vacant(place) = self.guests.entry(kernel) {
            let directory = guests().join(kernel.to_string());
            place
                .insert(Guest::boot_in(kernel, &directory, Lifetime::OfThisProcess, Processors::Two)?)
                .record()?;
        }
        Ok(())
    }
}

fn guests() -> PathBuf {
    workspace::target("mutate").join("guests")
}

/// Runs a trial's test on a package, once.
fn test(trial: &Trial, title: &str, package: &Path) -> Result<Outcome> {
    let name = format!("{}::{}", trial.kernel, trial.test);
    let mut command = Command::new("cargo");
    command.args(["test", "--package", "tests", "--test", "e2e", "--", "--exact", &name]);
    command
        .env("SAC_E2E_KERNELS", trial.kernel.to_string())
        .env("SAC_E2E_ATTEMPTS", "1")
        .env("SAC_E2E_EVERYWHERE", "1");
    command.env("SAC_E2E_PACKAGE", package).env(GUESTS, guests()).current_dir(workspace::root());
    let (log, _status) =
        process::run_any(&format!("without {title} on {}", trial.kernel), &mut command, Show::Log)?;
    let text = String::from_utf8_lossy(&fs::read(&log)?).into_owned();
    Ok(read_outcome(&text, &name))
}

/// What the output of a run of one test says.
fn read_outcome(text: &str, name: &str) -> Outcome {
    match Count::in_output(text) {
        Count { passed: 1, failed: 0 } => Outcome::NotNoticed,
        Count { passed: 0, failed: 1 } => {
            let failure = text.split_once(&format!("---- {name} ----\n")).map_or("", |(_, failure)| failure);
            let failure = first_line(failure);
            if failure.starts_with(PREPARING) || failure.starts_with(RESETTING) {
                Outcome::Unclear(failure)
            } else {
                Outcome::Noticed(failure)
            }
        }
        Count { .. } => Outcome::Unclear("the test was not run".to_owned()),
    }
}

/// The first line, no longer than fits beside a name.
fn first_line(text: &str) -> String {
    const LENGTH: usize = 160;
    let line = text.trim_start().lines().next().unwrap_or_default();
    let cut: String = line.chars().take(LENGTH).collect();
    if cut.len() < line.len() { format!("{cut}…") } else { cut }
}

/// What of the table does not fit the source tree at `root`.
fn problems(root: &Path) -> Vec<String> {
    let mut problems = Vec::new();
    let mut names = Vec::new();
    for mutation in TABLE.iter().flat_map(|(_, mutations)| *mutations) {
        if names.contains(&mutation.name) {
            problems.push(format!("{} is there twice", mutation.name));
        }
        names.push(mutation.name);
        for edit in mutation.edits() {
            let source = fs::read_to_string(root.join(edit.file)).unwrap_or_default();
            let count = source.matches(edit.text).count();
            if count != 1 {
                problems
                    .push(format!("{}: in {} occurs {count} times: {}", mutation.name, edit.file, edit.text));
            }
        }
    }
    problems
}

fn list(trials: &[Trial]) -> String {
    let mut text = String::new();
    for Trial { mutation, test, kernel } in trials {
        // Writing to a string does not fail.
        writeln!(text, "{:<28} {kernel:<5} {test}: {}", mutation.name, mutation.gone).ok();
    }
    text
}

fn report(results: &[(Trial, Outcome)]) -> String {
    let mut text = String::new();
    for (trial, outcome) in results {
        // As above.
        writeln!(
            text,
            "{:<28} {:<5} {}\n    gone: {}",
            trial.mutation.name,
            trial.kernel,
            outcome.describe(trial),
            trial.mutation.gone
        )
        .ok();
    }
    let noticed = results.iter().filter(|(_, outcome)| matches!(outcome, Outcome::Noticed(_))).count();
    writeln!(text, "{noticed} of {} mutations were noticed", results.len()).ok();
    text
}

#[expect(clippy::print_stdout, reason = "the table is the verb's data")]
fn print(text: &str) {
    print!("{text}");
}

#[cfg(test)]
mod tests;
