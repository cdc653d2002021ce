// SPDX-License-Identifier: MIT OR Apache-2.0
//! How long it takes to check and to compile a large policy, and many that share their rules:
//! `cargo run --release -p sac-policy --example compile_time`.
//!
//! It makes the files that the rules name, in a directory of its own.
#![allow(clippy::print_stdout, reason = "the figures are what it is for")]

use rustix::fs::{Mode, OFlags};
use sac_policy::{Colour, HostFiles, PolicySet, Situation, Source, compile, lint};
use std::error::Error;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::path::Path;
use std::time::Instant;

const RULES: usize = 10_000;
const POLICIES: usize = 1000;

/// What it costs to ask for a generation: the file has to be opened again.
fn generation(file: BorrowedFd<'_>) -> Option<u32> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    rustix::fs::open(path, flags, Mode::empty()).ok().map(|_open| 0)
}

fn policy(name: &str, user: usize, programs: impl Iterator<Item = String>) -> Source {
    let list: String = programs.map(|path| format!("    - {path}\n")).collect();
    let text = format!("policy: {name}\napplies_to: {{users: [{user}]}}\nprograms:\n  deny:\n{list}");
    Source::new(format!("{name}.yaml"), text)
}

/// A policy in which everything is said about each program that can be said.
fn detailed(programs: impl Iterator<Item = String>) -> Source {
    let rule = |(number, path): (usize, String)| {
        format!(
            "    - path: {path}\n      args: [--configuration, /etc/app/{number}.conf, start, \"*\", \"**\"]\n      \
             action: deny\n      message: Ask team-{number}@example.org for it\n      severity: high\n      \
             when: {{days: [mon-fri], hours: 09:00-18:00, until: 2036-12-31, timezone: Europe/Berlin}}\n"
        )
    };
    let list: String = programs.enumerate().map(rule).collect();
    Source::new("detailed.yaml", format!("policy: d\napplies_to: {{users: [1]}}\nprograms:\n  deny:\n{list}"))
}

fn measure(what: &str, directory: &Path, sources: Vec<Source>) -> Result<(), Box<dyn Error>> {
    let start = Instant::now();
    let loaded = PolicySet::from_sources(sources).map_err(|faults| faults.render(Colour::Never))?;
    let checked = start.elapsed();
    let situation =
        Situation { at: jiff::Timestamp::now(), key: sac_abi::HashKey { k0: 1, k1: 2 }, grants: Vec::new() };
    let files = HostFiles::new(generation);
    let start = Instant::now();
    let compiled: Vec<_> =
        loaded.set.policies().iter().map(|policy| compile(policy, &files, &situation)).collect();
    let compilation = start.elapsed();
    let entries: usize = compiled.iter().map(|compiled| compiled.entries().len()).sum();
    let start = Instant::now();
    let warnings: usize = loaded.set.policies().iter().map(|policy| lint(policy, &files).iter().len()).sum();
    let linted = start.elapsed();
    println!(
        "{what} in {}: read {checked:.0?}, compiled {compilation:.0?} ({entries} entries), looked at {linted:.0?} ({warnings} warnings)",
        directory.display()
    );
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let guard = tempfile::tempdir()?;
    let directory = guard.path().canonicalize()?;
    let path = |index: usize| directory.join(format!("program{index}")).to_string_lossy().into_owned();
    for index in 0..RULES {
        std::fs::write(path(index), "")?;
    }
    let one = vec![policy("one", 1, (0..RULES).map(path))];
    measure(&format!("1 policy of {RULES} rules"), &directory, one)?;
    measure(
        &format!("1 policy of {RULES} detailed rules"),
        &directory,
        vec![detailed((0..RULES).map(path))],
    )?;
    let many =
        (1..=POLICIES).map(|user| policy(&format!("p{user}"), user, (0..10).map(|index| path(user + index))));
    measure(&format!("{POLICIES} policies of 10 rules"), &directory, many.collect())?;
    Ok(())
}
