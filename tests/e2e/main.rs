// SPDX-License-Identifier: MIT OR Apache-2.0
//! End-to-end tests: real ssh logins to guests with a real sshd, PAM stack, systemd and kernel.
//!
//! `SAC_E2E_KERNELS` names the kernels (all by default); the first argument filters by name, for instance
//! `6.1::terminal`. Each kernel has one guest, booted at its first test, with the package that `cargo xtask dist` made.
//! Its tests run one after the other, each from the same state; guests run side by side. Which module is run on which kernel is in
//! [`WHERE`]; with `SAC_E2E_EVERYWHERE` all are run on all.
#![forbid(unsafe_code)]

mod agreement;
mod chance;
mod changes;
mod commands;
mod confined;
mod dialogue;
mod executions;
mod failures;
mod fixture;
mod lockout;
mod looking;
mod model;
mod nested;
mod operations;
mod ordinary;
mod package;
mod pam;
mod policies;
mod record;
mod restart;
mod root;
mod sessions;
mod sinks;
mod slices;
mod storms;
mod threats;
mod verifier;

use anyhow::Context as _;
use fixture::{Fixture, Machine};
use libtest_mimic::{Arguments, Failed, Trial};
use std::{
    env,
    io::{self, Write as _},
    num::NonZero,
    process::ExitCode,
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};
use xtask::guest::Kernel;

/// A test: its name, and what it does with a guest.
type Test = (&'static str, fn(&Fixture) -> anyhow::Result<()>);

/// The modules, each about one capability.
const MODULES: &[(&str, &[Test])] = &[
    ("executions", executions::TESTS),
    ("policies", policies::TESTS),
    ("changes", changes::TESTS),
    ("pam", pam::TESTS),
    ("root", root::TESTS),
    ("nested", nested::TESTS),
    ("commands", commands::TESTS),
    ("looking", looking::TESTS),
    ("lockout", lockout::TESTS),
    ("record", record::TESTS),
    ("restart", restart::TESTS),
    ("model", model::TESTS),
    ("package", package::TESTS),
    ("sinks", sinks::TESTS),
    ("sessions", sessions::TESTS),
    ("slices", slices::TESTS),
    ("operations", operations::TESTS),
    ("threats", threats::TESTS),
    ("confined", confined::TESTS),
    ("ordinary", ordinary::TESTS),
    ("verifier", verifier::TESTS),
    // Last, because they change what the whole machine is like.
    ("storms", storms::TESTS),
    ("failures", failures::TESTS),
];

/// Runs each test on each kernel if it is set, for who has two hours.
const EVERYWHERE: &str = "SAC_E2E_EVERYWHERE";

/// Where modules are run that are not run everywhere: what depends on the kernel on the oldest and on the newest, and the rest once, spread
/// over Debian 13 (6.12) and Debian 12 (the others) so that no guest takes much longer than another; the newest kernel tries each technique of
/// [`threats`] twice, and has two processors. Everything everywhere takes three emulated machines on two processors two hours.
const WHERE: &[(&str, &[Kernel])] = &[
    ("policies", &[Kernel::V6_1]),
    ("changes", &[Kernel::V6_1]),
    ("pam", &[Kernel::V6_12]),
    ("root", &[Kernel::V6_12]),
    ("nested", &[Kernel::V6_1]),
    ("commands", &[Kernel::V6_12]),
    ("looking", &[Kernel::V6_1]),
    ("lockout", &[Kernel::V6_12]),
    ("record", &[Kernel::V7]),
    ("restart", &[Kernel::V6_1]),
    ("model", &[Kernel::V6_12]),
    ("failures", &[Kernel::V7]),
    ("package", &[Kernel::V6_12]),
    ("sinks", &[Kernel::V6_12]),
    ("sessions", &[Kernel::V7]),
    ("slices", &[Kernel::V6_1]),
    ("operations", OLDEST_AND_NEWEST),
    ("threats", OLDEST_AND_NEWEST),
    ("confined", OLDEST_AND_NEWEST),
    ("ordinary", &[Kernel::V6_12]),
];

const OLDEST_AND_NEWEST: &[Kernel] = &[Kernel::V6_1, Kernel::V7];

/// Modules that take long and go by chance. They are run where an argument names them.
const ON_DEMAND: &[&str] = &["storms"];

/// How many of the slowest tests are named at the end: who has to wait for a run should know for what.
const SLOWEST: usize = 20;

fn main() -> anyhow::Result<ExitCode> {
    let mut arguments = Arguments::from_args();
    let kernels = kernels()?;
    // A second thread for a guest would only wait for the first, and emulation keeps a processor busy for each.
    let processors = thread::available_parallelism().map_or(1, NonZero::get);
    arguments.test_threads = Some(kernels.len().min(processors));
    let machines: Vec<_> = kernels.into_iter().map(|kernel| Arc::new(Machine::new(kernel))).collect();
    let times: Arc<Mutex<Vec<(Duration, String)>>> = Arc::default();
    let mut trials = vec![Trial::test("documents::threats_have_tests", || {
        threats_have_tests().map_err(|error| Failed::from(format!("{error:#}")))
    })];
    for (module, tests) in MODULES {
        for (name, test) in *tests {
            // Neighbours in the list are for different guests, so that no guest waits for another.
            for machine in machines.iter().filter(|machine| is_for(module, machine.kernel())) {
                let machine = Arc::clone(machine);
                let name = format!("{}::{module}::{name}", machine.kernel());
                let (times, begun) = (Arc::clone(&times), name.clone());
                trials.push(Trial::test(name, move || {
                    let begin = Instant::now();
                    let result = machine.run(*test).map_err(|error| Failed::from(format!("{error:#}")));
                    times.lock().unwrap_or_else(PoisonError::into_inner).push((begin.elapsed(), begun));
                    result
                }));
            }
        }
    }
    let conclusion = libtest_mimic::run(&arguments, trials);
    let mut times = times.lock().unwrap_or_else(PoisonError::into_inner);
    times.sort_unstable();
    for (time, name) in times.iter().rev().take(SLOWEST) {
        writeln!(io::stderr(), "{:>7.1} s  {name}", time.as_secs_f64())?;
    }
    Ok(conclusion.exit_code())
}

/// Whether everything is tried everywhere.
fn is_thorough() -> bool {
    env::var_os(EVERYWHERE).is_some()
}

/// Whether the tests of a module are for this kernel.
fn is_for(module: &str, kernel: Kernel) -> bool {
    if is_thorough() {
        return true;
    }
    if ON_DEMAND.contains(&module) {
        return env::args().skip(1).any(|argument| argument.contains(module));
    }
    WHERE.iter().find(|(of, _)| *of == module).is_none_or(|(_, kernels)| kernels.contains(&kernel))
}

/// Each failure in `docs/failure-modes.md`, each threat in SECURITY.md and `docs/threats.md` and each mutation of the kernel half names a test that exists,
/// and `docs/threats.md` has the techniques of [`threats`], all of them and no others.
fn threats_have_tests() -> anyhow::Result<()> {
    let read = |name| std::fs::read_to_string(xtask::workspace::root().join(name)).context(name);
    let security = read("SECURITY.md")?;
    let rows: Vec<_> =
        security.lines().filter(|line| line.starts_with("| ") && line.contains("::")).collect();
    anyhow::ensure!(rows.len() > 10, "the table of threats in SECURITY.md is not where it was");
    for row in rows {
        let named = row.split('`').rev().find(|word| word.contains("::")).context("no test")?;
        anyhow::ensure!(is_test(named), "SECURITY.md names the test {named}, which does not exist");
    }
    for named in xtask::mutate::tests() {
        anyhow::ensure!(is_test(named), "a mutation is for the test {named}, which does not exist");
    }
    let document = read("docs/failure-modes.md")?;
    let named = document.split('`').filter(|word| word.contains("::") && !word.contains(char::is_whitespace));
    for named in named {
        anyhow::ensure!(is_test(named), "docs/failure-modes.md names the test {named}, which does not exist");
    }
    for test in failures::TESTS.iter().chain(storms::TESTS).map(|(name, _)| name) {
        anyhow::ensure!(
            document.contains(&format!("::{test}`")),
            "docs/failure-modes.md lacks the test {test}"
        );
    }
    let list = read("docs/threats.md")?;
    for named in list.split('`').filter(|word| word.contains("::") && !word.contains(char::is_whitespace)) {
        anyhow::ensure!(is_test(named), "docs/threats.md names the test {named}, which does not exist");
    }
    let listed: Vec<_> = list
        .lines()
        .filter(|line| {
            line.starts_with("### ")
                || line.ends_with("| `threats::corpus` |")
                || line.ends_with("| `threats::still_open` |")
        })
        .collect();
    let wanted: Vec<_> = threats::lines().collect();
    let missing: Vec<_> = wanted.iter().filter(|line| !listed.contains(&line.as_str())).collect();
    anyhow::ensure!(missing.is_empty(), "docs/threats.md lacks these lines: {missing:#?}");
    let unknown: Vec<_> = listed.iter().filter(|line| !wanted.iter().any(|wanted| wanted == *line)).collect();
    anyhow::ensure!(unknown.is_empty(), "these lines of docs/threats.md have no technique: {unknown:#?}");
    anyhow::ensure!(
        listed == wanted,
        "docs/threats.md has the techniques in another order, or one of them twice"
    );
    Ok(())
}

/// Whether there is a test `module::name`.
fn is_test(named: &str) -> bool {
    named.split_once("::").is_some_and(|(module, name)| {
        MODULES.iter().any(|(of, tests)| *of == module && tests.iter().any(|(test, _)| *test == name))
    })
}

fn kernels() -> anyhow::Result<Vec<Kernel>> {
    match env::var("SAC_E2E_KERNELS") {
        Ok(names) => names.split(',').map(|name| name.trim().parse().context("SAC_E2E_KERNELS")).collect(),
        Err(_unset) => Ok(Kernel::all().to_vec()),
    }
}
