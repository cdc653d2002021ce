// SPDX-License-Identifier: MIT OR Apache-2.0
//! `cargo xtask bench`: what policies cost, counted in instructions.
//!
//! Everything is measured in a guest whose clock counts the instructions of its one processor, kernel and programs alike. So
//! the numbers hardly differ from run to run, on whatever machine. They say nothing about caches and memory. With `--in-time` the guest's clock
//! is one, and what it says holds within one run alone.

mod inside;
mod logins;
mod operations;
mod part;
mod peers;
mod plot;
mod policies;
pub(crate) mod quick;
mod record;
mod results;
mod stress;
mod table;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitCode, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use clap::{Args, ValueEnum as _};

use self::operations::{Operation, Under};
use self::part::{Part, Parts};
use self::policies::{Kind, PROGRAMS, SWAPS, Set, USERS};
use self::table::{Cost, Table};
use crate::guest::{Guest, Kernel, Processors, Ssh, wait_until};
use crate::{dist, image, process, vm, workspace};

pub use self::inside::Inside;
pub(crate) use self::table::grouped;

/// Where everything lies in the guest: on its disk, as programs do, and not on a file system in memory.
const PLACE: &str = "/srv/bench";

/// Rounds, and executions in each. The median is over the rounds.
const ROUNDS: u32 = 15;
const RUNS: u32 = 40;

/// How long one step may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(600);

/// The same for steps of tens of seconds of the guest's own time, of which each is a billion instructions.
const LONG_PATIENCE: Duration = Duration::from_secs(3_000);

/// What to measure on.
#[derive(Debug, Args)]
pub struct Options {
    /// Kernel of the guest: 6.1, 6.12 or 7.x
    #[arg(long, default_value = "6.12")]
    kernel: Kernel,
    #[command(flatten)]
    parts: Parts,
}

/// Measures; fails where a bar is missed.
///
/// # Errors
/// When something cannot be built, booted or measured.
pub fn run(options: &Options) -> Result<ExitCode> {
    let deb = dist::run()?;
    if options.parts.quick {
        quick::run(options.kernel, &options.parts)?;
        return Ok(ExitCode::SUCCESS);
    }
    let parts = &options.parts;
    let mut table = Table::of(parts.clone());
    if let Err(error) = measure(options.kernel, parts, &deb, &mut table) {
        // What took an hour to measure is not to be lost with what failed after it.
        print(&format!("measured before something failed:\n\n{table}"));
        return Err(error);
    }
    let release = kernel_release(options.kernel)?;
    let written = results::write(&options.kernel.to_string(), &release, &table.groups())?;
    print(&format!("kernel {release}\n\n{table}"));
    process::note(&format!("the same is in {}, and plots of it", written.display()));
    Ok(if table.holds() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Measures each part, those that change a guest for good in one of their own.
fn measure(kernel: Kernel, parts: &Parts, deb: &Path, table: &mut Table) -> Result<()> {
    let mut shared = Part::value_variants().iter().filter(|part| !part.needs_own_guest());
    if shared.any(|part| parts.has(*part)) {
        Bench::boot(kernel, parts)?.shared(parts, deb, table)?;
    }
    if parts.has(Part::Peers) {
        table.add_findings(peers::measure(kernel, deb)?);
    }
    if parts.has(Part::Logins) {
        table.add_findings(logins::measure(kernel, deb)?);
    }
    if parts.has(Part::Stress) {
        table.add_findings(stress::measure(kernel, deb)?);
    }
    Ok(())
}

/// The release of a guest's kernel.
fn kernel_release(kernel: Kernel) -> Result<String> {
    let file = image::ensure(kernel)?.vmlinuz.with_file_name("version");
    let version = fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
    Ok(version.trim().to_owned())
}

/// A guest with everything in it that is measured.
struct Bench {
    guest: Guest,
    place: PathBuf,
}

impl Bench {
    fn boot(kernel: Kernel, parts: &Parts) -> Result<Self> {
        let (processors, clock) = match parts.in_time {
            true => (Processors::One, "with a clock"),
            false => (Processors::OneCounted, "that counts"),
        };
        process::note(&format!("booting a guest with kernel {kernel} {clock} (about a minute)"));
        let bench = Self { guest: Guest::boot_on(kernel, processors)?, place: PLACE.into() };
        bench.root(&format!("mkdir -p {PLACE}"))?;
        let own_path = std::env::current_exe().context("finding the path of xtask")?;
        bench.guest.put(&own_path, &policies::measuring(&bench.place).to_string_lossy())?;
        bench.guest.put(&workspace::cargo_target().join("release/sac-loader"), PLACE)?;
        process::note("making programs and policies in the guest");
        bench.root(&format!("{PLACE}/xtask bench-inside prepare {PLACE}{}", parts.arguments()))?;
        Ok(bench)
    }

    /// The parts that share a guest.
    fn shared(&self, parts: &Parts, deb: &Path, table: &mut Table) -> Result<()> {
        if parts.has(Part::Executions) {
            self.executions(table)?;
        }
        if parts.has(Part::Operations) {
            self.operations(table)?;
        }
        if parts.has(Part::Checks) {
            self.checks(table)?;
        }
        if parts.has(Part::Record) {
            for recorded in self.record(deb)? {
                table.add_recorded(recorded);
            }
        }
        if parts.has(Part::Daemon) {
            vm::install(&self.guest, deb)?;
            self.daemon(table)?;
        }
        Ok(())
    }

    fn root(&self, command: &str) -> Result<String> {
        self.run("root", command)
    }

    fn run(&self, user: &str, command: &str) -> Result<String> {
        self.run_within(PATIENCE, user, command)
    }

    fn run_within(&self, deadline: Duration, user: &str, command: &str) -> Result<String> {
        let output = self.guest.ssh(user).deadline(deadline).run(command)?;
        output.success().with_context(|| format!("in the guest: {command}"))
    }

    /// Runs a command that measures, and returns what each of its rounds took.
    fn count(&self, user: &str, command: &str) -> Result<Vec<u64>> {
        Ok(results(&self.run(user, command)?))
    }

    /// What an execution costs in a session of its own, without the daemon.
    fn executions(&self, table: &mut Table) -> Result<()> {
        let plain = self.measure("nothing attached", "root", &count_executions(None))?;
        table.set_plain(plain);
        for kind in Kind::ALL {
            let blocked = kind.blocks_the_first().then(|| policies::denied(&self.place, 0));
            let file = kind.file(&self.place);
            let run = format!(
                "{PLACE}/sac-loader run --policy {} -- {}",
                file.display(),
                count_executions(blocked.as_deref())
            );
            let cost = self.measure(&kind.title(), "root", &run)?;
            table.add_execution(kind, cost);
        }
        Ok(())
    }

    /// Has written what is waiting to be: the kernel does that half a minute later, for as long as many a measurement takes.
    fn settle(&self) -> Result<()> {
        self.root("sync; sleep 2").map(drop)
    }

    fn measure(&self, title: &str, user: &str, command: &str) -> Result<Cost> {
        self.settle()?;
        let cost = Cost::of(title, self.count(user, command)?);
        let cost = cost.with_context(|| format!("in the guest: {command}"))?;
        process::note(&format!("{title}: {}", grouped(cost.instructions)));
        Ok(cost)
    }

    /// What it costs to check policies.
    fn checks(&self, table: &mut Table) -> Result<()> {
        for set in [Set::One, Set::Many] {
            let directory = set.directory(&self.place, 0);
            let check = format!("{PLACE}/sac-loader policy check {}", directory.display());
            let check = format!("{PLACE}/xtask bench-inside count --rounds 3 -- {check}");
            table.add_check(self.measure(&format!("check {}", set.title()), "root", &check)?);
        }
        Ok(())
    }

    /// What it costs with the daemon, and with people in: exchanging policies, and executions.
    fn daemon(&self, table: &mut Table) -> Result<()> {
        self.swap(Set::One, 0)?;
        let _inside =
            USERS.map(|user| Inmate::log_in(&self.guest, user)).into_iter().collect::<Result<Vec<_>>>()?;
        for set in [Set::One, Set::Many] {
            let mut swaps = Vec::new();
            for version in 1..=SWAPS {
                // The first one replaces a set of the other kind, or is the first one of all.
                swaps.push(self.swap(set, version)?);
            }
            let title = format!("swap {} under {} sessions", set.title(), USERS.len());
            let cost = Cost::of(title, swaps)?;
            process::note(&format!("{}: {}", cost.title, grouped(cost.instructions)));
            table.add_swap(cost);
            if set == Set::One {
                let blocked = policies::denied(&self.place, 0);
                let paths = grouped(PROGRAMS as u64);
                let title = format!("{paths} paths denied, in a session by ssh");
                let cost = self.measure(&title, "alice", &count_executions(Some(&blocked)))?;
                table.add_elsewhere(cost);
            }
        }
        let cost = self.measure("outside, while others are confined", "root", &count_executions(None))?;
        table.add_elsewhere(cost);
        Ok(())
    }

    /// Puts a set where the daemon looks and has it loaded; how many instructions until `sac-loader reload` has ended.
    fn swap(&self, set: Set, version: usize) -> Result<u64> {
        let from = set.directory(&self.place, version);
        // The daemon sees the change by itself too, and looks at the same set once more a little later; that has to be over.
        let command = format!(
            "rm -rf /etc/sac/policies && mv {} /etc/sac/policies && \
             {PLACE}/xtask bench-inside count -- sac-loader reload && sleep 10",
            from.display()
        );
        median(self.count("root", &command)?)
    }
}

/// The command that measures executions. They get arguments, for the policy that looks at arguments.
fn count_executions(blocked: Option<&Path>) -> String {
    let blocked = blocked.map(|program| format!("--blocked {}", program.display())).unwrap_or_default();
    let program = policies::measured(Path::new(PLACE));
    format!(
        "{PLACE}/xtask bench-inside count --rounds {ROUNDS} --runs {RUNS} {blocked} -- {} status nginx",
        program.display()
    )
}

/// The command that measures these operations, and then tries what must be denied under it.
fn operate(under: Under, operations: &[Operation], place: &Path) -> String {
    let names: String = operations.iter().map(|operation| format!(" {}", part::name(*operation))).collect();
    let (rounds, runs) = (operations::ROUNDS, operations::RUNS);
    let denied = under.denied(place);
    format!("{PLACE}/xtask bench-inside operate --rounds {rounds} --runs {runs} {denied} {PLACE}{names}")
}

/// What was printed as results.
fn results(output: &str) -> Vec<u64> {
    let results = output.lines().filter_map(|line| line.strip_prefix(inside::RESULT));
    results.filter_map(|result| result.parse().ok()).collect()
}

/// The one in the middle; of an even number the greater one of the two.
fn median(results: Vec<u64>) -> Result<u64> {
    Ok(Cost::of("", results)?.instructions)
}

/// A command that runs in the guest, by a connection of its own, until this value goes or it ends by itself.
struct Remote(Child);

impl Remote {
    fn start(ssh: &Ssh, command: &str) -> Result<Self> {
        let mut ssh = ssh.command(command);
        // The pipe is open as long as the connection is.
        let ssh = ssh.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        Ok(Self(ssh.context("starting ssh")?))
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        // It may have ended by itself.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// Somebody who is logged in until this value goes.
struct Inmate {
    _connection: Remote,
}

impl Inmate {
    fn log_in(guest: &Guest, user: &str) -> Result<Self> {
        let inmate = Self { _connection: Remote::start(&guest.ssh(user), "exec sleep 86400")? };
        let listed = format!("sac-loader list-sessions | grep -qw {user}");
        wait_until(&format!("{user} to be in"), PATIENCE, || {
            Ok((guest.ssh("root").run(&listed)?.status == 0).then_some(()))
        })?;
        Ok(inmate)
    }
}

#[expect(clippy::print_stdout, reason = "the table is the verb's data")]
fn print(text: &str) {
    print!("{text}");
}

#[cfg(test)]
mod tests;
