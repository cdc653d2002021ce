// SPDX-License-Identifier: MIT OR Apache-2.0
//! SAC beside what somebody would take instead, from Debian's packages: the same executions and operations, by the same person in a session by
//! ssh, with one of them on at a time.
//!
//! SAC has a guest to itself and the others have one, so that nothing of the one is left where the other is measured. Each is seen to have had
//! to do with what was measured; one that was not is a failure, not a cheap one.

mod peer;

use std::path::Path;

use anyhow::{Context, Result};

use self::peer::Peer;
use super::operations::{self, Operation, Under};
use super::part::{Part, Parts};
use super::results::{Findings, Group, Row};
use super::table::{Cost, is_within};
use super::{Bench, LONG_PATIENCE, PLACE, operate, policies, results};
use crate::guest::Kernel;
use crate::{process, vm};

/// Rounds, and executions in each: enough that what is written in the background is written within it, for the most part.
const ROUNDS: u32 = 7;
const RUNS: u32 = 500;

const OPERATIONS: [Operation; 3] = [Operation::Read, Operation::Unlink, Operation::Connect];

/// So much more may an execution cost with 10,000 rules and everything recorded than with nothing.
const EXECUTION_PERCENT_MAX: u64 = 2;

/// So much more may an open cost under a policy without rules, and under one with 10,000 for other files.
const OPEN_WITHOUT_RULES_PERCENT_MAX: u64 = 1;
const OPEN_PERCENT_MAX: u64 = 3;

/// Who logs in.
const WHO: &str = "alice";

/// What is measured of each.
const EXECUTION: &str = "one execution (fork, exec, wait)";
const ALONE: &str = "one execution, without what the daemon does";
const NOTHING: &str = "nothing";
const AFTERWARDS: &str = "nothing, after SAC was removed";
const EMPTY: &str = "SAC, empty policy";
const RULES: &str = "SAC, 10,000 rules of every kind";
const RECORDED: &str = "SAC, the same, audit: full";

/// Measures SAC, and then the others.
///
/// # Errors
/// When there is no guest, or SAC cannot be measured. What cannot be measured of the others misses a bar.
pub(super) fn measure(kernel: Kernel, deb: &Path) -> Result<Findings> {
    let mut comparison = Comparison::new();
    let bench = Bench::boot_for_peers(kernel)?;
    let nothing = bench.compared(NOTHING, "", Under::Nothing, None, |command| command)?;
    comparison.add(Compared { alone: Some(nothing.execution.clone()), ..nothing });
    bench.sac(deb, &mut comparison)?;
    // How far the row that all others are compared with is off by itself.
    bench.root("apt-get purge -y sac")?;
    let nothing = bench.compared(AFTERWARDS, "", Under::Nothing, None, |command| command)?;
    comparison.add(Compared { alone: Some(nothing.execution.clone()), ..nothing });
    drop(bench);
    let bench = Bench::boot_for_peers(kernel)?;
    comparison
        .add(bench.compared("nothing, in the others' guest", "", Under::Nothing, None, |command| command)?);
    let mut missing = Vec::new();
    for peer in Peer::ALL {
        match bench.peer(peer) {
            Ok(row) => comparison.add(row),
            Err(error) => {
                process::note(&format!("{}: {error:#}", peer.title()));
                missing.push((format!("{} is measured", peer.title()), false));
            }
        }
    }
    Ok(comparison.findings(missing))
}

/// All costs of one row.
struct Compared {
    execution: Cost,
    /// The execution without what a daemon does that writes down what went on, which on a server is another processor's.
    alone: Option<Cost>,
    operations: Vec<Cost>,
}

/// A group for each thing that is measured, and one for executions without the daemons.
struct Comparison {
    groups: Vec<Group>,
    alone: Group,
}

impl Comparison {
    fn new() -> Self {
        let titles = [EXECUTION].into_iter().chain(OPERATIONS.map(Operation::title));
        let groups = titles.map(|title| Group::of_costs(title, [])).collect();
        Self { groups, alone: Group::of_costs(ALONE, []) }
    }

    fn add(&mut self, compared: Compared) {
        self.alone.rows.extend(compared.alone.as_ref().map(Row::from));
        let costs = [&compared.execution].into_iter().chain(&compared.operations);
        for (group, cost) in self.groups.iter_mut().zip(costs) {
            group.rows.push(Row::from(cost));
        }
    }

    fn findings(self, missing: Vec<(String, bool)>) -> Findings {
        let mut bars = missing;
        bars.extend(self.bars());
        let mut groups = self.groups;
        groups.insert(1, self.alone);
        Findings { part: Part::Peers, groups, bars }
    }

    fn bars(&self) -> Vec<(String, bool)> {
        let within = |group: &str, row: &str, percent| {
            let group = self.groups.iter().chain([&self.alone]).find(|of| of.title == group);
            let costs = group.and_then(|group| Some((group.value(row)?, group.first()?)));
            costs.is_some_and(|(cost, nothing)| is_within(cost, nothing, percent))
        };
        let open = Operation::Read.title();
        vec![
            (
                format!(
                    "an execution costs at most {EXECUTION_PERCENT_MAX} % more under 10,000 rules with audit: full, the daemon aside"
                ),
                within(ALONE, RECORDED, EXECUTION_PERCENT_MAX),
            ),
            ("with the daemon it costs less than with any other".to_owned(), self.is_ahead()),
            (
                format!(
                    "an open costs at most {OPEN_WITHOUT_RULES_PERCENT_MAX} % more under an empty policy"
                ),
                within(open, EMPTY, OPEN_WITHOUT_RULES_PERCENT_MAX),
            ),
            (
                format!("an open costs at most {OPEN_PERCENT_MAX} % more under 10,000 rules"),
                within(open, RULES, OPEN_PERCENT_MAX),
            ),
        ]
    }

    /// Whether there are others, and each of them costs an execution more.
    fn is_ahead(&self) -> bool {
        let Some(group) = self.groups.first() else { return false };
        let mut others = Peer::ALL.into_iter().filter_map(|peer| group.value(peer.title())).peekable();
        let ours = group.value(RECORDED);
        others.peek().is_some() && others.all(|other| ours.is_some_and(|ours| ours < other))
    }
}

impl Bench {
    fn boot_for_peers(kernel: Kernel) -> Result<Self> {
        let bench = Self::boot(kernel, &Parts::alone(Part::Peers))?;
        bench.compile("executes", "")?;
        bench.compile("allow_all", "")?;
        // Operations are the person's own, who makes files there.
        bench.root(&format!("chown {WHO} {PLACE}/operations {PLACE}/operations/file"))?;
        Ok(bench)
    }

    /// Compiles one of the programs in C.
    pub(super) fn compile(&self, name: &str, libraries: &str) -> Result<()> {
        self.root(&format!("gcc -O2 -o {PLACE}/{name} {PLACE}/{name}.c {libraries}")).map(drop)
    }

    /// Measures all of one row: executions with `words` among their arguments, and operations. `around` puts the shell that does it into whatever
    /// is compared, and `daemon` is the unit of what writes down what went on. How much a fork costs depends on where in memory a program's
    /// parts are, so they are where they always are.
    fn compared(
        &self,
        title: &str,
        words: &str,
        under: Under,
        daemon: Option<&str>,
        around: impl Fn(String) -> String,
    ) -> Result<Compared> {
        self.settle()?;
        let program = policies::measured(&self.place);
        let daemon =
            daemon.map(|unit| format!("DAEMON=/sys/fs/cgroup/system.slice/{unit}.service/cpu.stat "));
        let daemon = daemon.unwrap_or_default();
        let command = format!(
            "{daemon}{PLACE}/executes {ROUNDS} {RUNS} {} counted {words} && {}",
            program.display(),
            operate(under, &OPERATIONS, &self.place)
        );
        let command = around(format!("setarch -R sh -c '{command}'"));
        let output = self.run_within(LONG_PATIENCE, WHO, &command)?;
        let before: Vec<_> =
            output.lines().take_while(|line| !line.starts_with(operations::HEADING)).collect();
        let execution = Cost::of(title, results(&before.join("\n"))).context(title.to_owned())?;
        process::note(&format!("{EXECUTION}; {title}: {}", super::grouped(execution.instructions)));
        let alone: Vec<u64> =
            before.iter().filter_map(|line| line.strip_prefix("without the daemon ")?.parse().ok()).collect();
        let alone = if alone.is_empty() { None } else { Some(Cost::of(title, alone)?) };
        let costs = OPERATIONS.into_iter().map(|operation| operations::cost_of(operation, title, &output));
        Ok(Compared { execution, alone, operations: costs.collect::<Result<_>>()? })
    }

    /// SAC with its daemon, under policies of its own.
    fn sac(&self, deb: &Path, comparison: &mut Comparison) -> Result<()> {
        vm::install(&self.guest, deb)?;
        let rows = [
            (EMPTY, Under::Empty, "blocked"),
            (RULES, Under::EveryKind, "blocked"),
            (RECORDED, Under::EveryKind, "full"),
        ];
        for (title, under, audit) in rows {
            self.put_in_force(under, audit)?;
            comparison.add(self.compared(title, "", under, Some("sac-loader"), |command| command)?);
        }
        Ok(())
    }

    /// Has the daemon use the policy of a row alone.
    pub(super) fn put_in_force(&self, under: Under, audit: &str) -> Result<()> {
        let policy = under.file(&self.place).context("no policy")?;
        // The daemon sees the change by itself too, and looks at the same set once more a little later; that has to be over.
        let command = format!(
            "rm -rf /etc/sac/policies/* && sed 's/^applies_to:/audit: {audit}\\n&/' {} >/etc/sac/policies/bench.yaml && \
             sac-loader reload && sleep 10",
            policy.display()
        );
        self.root(&command).map(drop)
    }

    fn peer(&self, peer: Peer) -> Result<Compared> {
        self.root(&peer.start()).context("starting it")?;
        let compared = self
            .compared(peer.title(), peer.word(), Under::Nothing, peer.daemon(), |command| {
                peer.around(&command)
            })
            .and_then(|compared| self.root(&peer.proof()).context("it had nothing to do").map(|_| compared));
        let stopped = self.root(&peer.stop()).context("stopping it");
        compared.and_then(|compared| stopped.map(|_| compared))
    }
}

#[cfg(test)]
mod tests;
