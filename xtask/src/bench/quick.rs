// SPDX-License-Identifier: MIT OR Apache-2.0
//! `cargo xtask bench --quick`: one boot, and what everybody meets: an execution, an open, an unlink and a connect, with nothing, under an
//! empty policy and under one with rules of every kind.
//!
//! What is compared with what is kept is the ratio to nothing attached, in thousandths: another kernel of the same series, or another
//! compiler for what measures, changes both sides of it. Time is compared with nothing that is kept.

use std::path::PathBuf;

use anyhow::Result;

use super::operations::{self, Operation, Under};
use super::results::{Group, INSTRUCTIONS, NANOSECONDS, Row};
use super::table::Cost;
use super::{Bench, Parts, count_executions, kernel_release, operate, print, results};
use crate::guest::Kernel;
use crate::kept::{Costs, Kept, Margin};
use crate::{process, workspace};

/// What all is measured under; what nothing is attached for comes first.
const UNDER: [Under; 3] = [Under::Nothing, Under::Empty, Under::EveryKind];

const OPERATIONS: [Operation; 3] = [Operation::Read, Operation::Unlink, Operation::Connect];

/// An execution, in the file and in the table.
const EXECUTION: &str = "exec";

/// So much may a ratio grow: an execution's repeats within half a per cent, and a short operation's within three.
const OF_EXECUTIONS: Margin = Margin { percent: 2, least: 0 };
const OF_OPERATIONS: Margin = Margin { percent: 5, least: 0 };

/// How often all is measured in turns where time is: what else the machine does meanwhile is not to hit one of them alone.
const TURNS_IN_TIME: u32 = 5;

/// The kernel of which results are kept.
pub(crate) const KEPT: Kernel = Kernel::V6_12;

/// Compares with what is kept. The package has to be built.
///
/// # Errors
/// As below.
pub(crate) fn check() -> Result<()> {
    run(KEPT, &Parts::quick())
}

/// Measures and compares. The package has to be built.
///
/// # Errors
/// When something cannot be measured, or has become dearer than what is kept allows.
pub(super) fn run(kernel: Kernel, parts: &Parts) -> Result<()> {
    let bench = Bench::boot(kernel, parts)?;
    let (turns, unit, name) = match parts.in_time {
        true => (TURNS_IN_TIME, NANOSECONDS, "quick-in-time"),
        false => (1, INSTRUCTIONS, "quick"),
    };
    let groups: Vec<_> = bench.few_things(turns)?.into_iter().map(|group| Group { unit, ..group }).collect();
    let release = kernel_release(kernel)?;
    results::write(&format!("{name}-{kernel}"), &release, &groups)?;
    print(&format!("kernel {release}\n\n{}", groups.iter().map(ToString::to_string).collect::<String>()));
    if parts.in_time {
        return Ok(());
    }
    let about = format!(
        "What costs more than with nothing attached, in thousandths of that; last on {release}.\n\
         An execution may cost {} % more than here, an operation {} %.",
        OF_EXECUTIONS.percent, OF_OPERATIONS.percent
    );
    let kept = Kept {
        file: &file(kernel),
        about: &about,
        command: &format!("cargo xtask bench --quick --kernel {kernel}"),
    };
    for hint in kept.check(&ratios(&groups), margin)? {
        process::note(&hint);
    }
    Ok(())
}

fn file(kernel: Kernel) -> PathBuf {
    workspace::root().join(format!("xtask/src/bench/quick/{kernel}.txt"))
}

fn margin(name: &str) -> Margin {
    if name.starts_with(EXECUTION) { OF_EXECUTIONS } else { OF_OPERATIONS }
}

/// Each row's ratio to the first one of its group, in thousandths.
fn ratios(groups: &[Group]) -> Costs {
    let of_group = |group: &Group| {
        let first = group.first().unwrap_or_default().max(1);
        let ratio = move |row: &Row| row.value.saturating_mul(1_000).saturating_add(first / 2) / first;
        let rows = group.rows.iter().skip(1);
        rows.map(|row| (format!("{}, {}", group.title, row.title), ratio(row))).collect::<Vec<_>>()
    };
    groups.iter().flat_map(of_group).collect()
}

impl Bench {
    /// Measures everything `turns` times in turns.
    fn few_things(&self, turns: u32) -> Result<Vec<Group>> {
        let mut measured: [[Vec<u64>; UNDER.len()]; 1 + OPERATIONS.len()] = Default::default();
        for turn in 1..=turns {
            for (index, under) in UNDER.into_iter().enumerate() {
                process::note(&format!("{}, {turn} of {turns}", under.title()));
                self.settle()?;
                let output = self.root(&self.few(under))?;
                let before: Vec<_> =
                    output.lines().take_while(|line| !line.starts_with(operations::HEADING)).collect();
                let of_operations = OPERATIONS.map(|operation| operations::results_of(operation, &output));
                let all = [results(&before.join("\n"))].into_iter().chain(of_operations);
                for (costs, more) in measured.iter_mut().zip(all) {
                    costs[index].extend(more);
                }
            }
        }
        let titles = [EXECUTION].into_iter().chain(OPERATIONS.map(Operation::title));
        let group = |(title, costs): (&str, [Vec<u64>; UNDER.len()])| {
            let costs = UNDER.into_iter().zip(costs).map(|(under, costs)| Cost::of(under.title(), costs));
            Ok(Group::of_costs(title, &costs.collect::<Result<Vec<_>>>()?))
        };
        titles.zip(measured).map(group).collect()
    }

    /// One command for all of it: to have the kernel half verified takes longer than to measure.
    fn few(&self, under: Under) -> String {
        let measure = format!("{} && {}", count_executions(None), operate(under, &OPERATIONS, &self.place));
        match under.file(&self.place) {
            None => measure,
            Some(policy) => format!(
                "{}/sac-loader run --policy {} -- sh -c '{measure}'",
                self.place.display(),
                policy.display()
            ),
        }
    }
}

#[cfg(test)]
mod tests;
