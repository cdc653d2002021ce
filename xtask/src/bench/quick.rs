// SPDX-License-Identifier: MIT OR Apache-2.0
//! `cargo xtask bench --quick`: one boot, and what everybody meets: an execution, an open, an unlink and a connect, with nothing, under an
//! empty policy and under one with rules of every kind.
//!
//! What is compared with what is kept is the ratio to nothing attached, in thousandths: another kernel of the same series, or another
//! compiler for what measures, changes both sides of it.

use std::path::PathBuf;

use anyhow::Result;

use super::operations::{self, Operation, Under};
use super::results::{Group, Row};
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

/// The kernel of which results are kept.
pub(crate) const KEPT: Kernel = Kernel::V6_12;

/// Measures and compares. The package has to be built.
///
/// # Errors
/// When something cannot be measured, or has become dearer than what is kept allows.
pub(crate) fn run(kernel: Kernel) -> Result<()> {
    let groups = Bench::boot(kernel, &Parts::quick())?.few_things()?;
    let release = kernel_release(kernel)?;
    results::write(&format!("quick-{kernel}"), &release, &groups)?;
    print(&format!("kernel {release}\n\n{}", groups.iter().map(ToString::to_string).collect::<String>()));
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
    fn few_things(&self) -> Result<Vec<Group>> {
        let mut executions = Vec::new();
        let mut operations: Vec<Vec<Cost>> = OPERATIONS.map(|_| Vec::new()).into();
        for under in UNDER {
            self.settle()?;
            let output = self.root(&self.few(under))?;
            let before: Vec<_> =
                output.lines().take_while(|line| !line.starts_with(operations::HEADING)).collect();
            executions.push(Cost::of(under.title(), results(&before.join("\n")))?);
            for (operation, costs) in OPERATIONS.into_iter().zip(&mut operations) {
                costs.push(operations::cost_of(operation, under.title(), &output)?);
            }
        }
        let mut groups = vec![Group::of_costs(EXECUTION, &executions)];
        for (operation, costs) in OPERATIONS.into_iter().zip(&operations) {
            groups.push(Group::of_costs(operation.title(), costs));
        }
        Ok(groups)
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
