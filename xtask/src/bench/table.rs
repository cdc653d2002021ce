// SPDX-License-Identifier: MIT OR Apache-2.0
//! The results as a table, and whether they are good enough.

use std::fmt;

use super::policies::{Kind, PROGRAMS};

/// So much more may an execution cost under 10,000 rules than under 10: 2 %.
const MANY_RULES_PERCENT_MAX: u64 = 2;

/// So many instructions may a check take, and a swap: 2 s and 1 s on a processor that does two in a nanosecond. Servers do about three.
const CHECK_MAX: u64 = 4_000_000_000;
const SWAP_MAX: u64 = 2_000_000_000;

/// What one thing costs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cost {
    pub(super) title: String,
    pub(super) instructions: u64,
}

/// All results.
#[derive(Debug, Default)]
pub(super) struct Table {
    plain: Option<Cost>,
    executions: Vec<(Kind, Cost)>,
    elsewhere: Vec<Cost>,
    checks: Vec<Cost>,
    swaps: Vec<Cost>,
}

impl Table {
    /// An execution with nothing attached.
    pub(super) fn set_plain(&mut self, cost: Cost) {
        self.plain = Some(cost);
    }

    /// An execution under a policy.
    pub(super) fn add_execution(&mut self, kind: Kind, cost: Cost) {
        self.executions.push((kind, cost));
    }

    /// An execution with the daemon there.
    pub(super) fn add_elsewhere(&mut self, cost: Cost) {
        self.elsewhere.push(cost);
    }

    /// A check.
    pub(super) fn add_check(&mut self, cost: Cost) {
        self.checks.push(cost);
    }

    /// A swap.
    pub(super) fn add_swap(&mut self, cost: Cost) {
        self.swaps.push(cost);
    }

    fn execution(&self, kind: Kind) -> Option<u64> {
        self.executions.iter().find(|(of, _)| *of == kind).map(|(_, cost)| cost.instructions)
    }

    /// The bars: what each says, and whether it holds. What was not measured does not.
    fn bars(&self) -> [(String, bool); 3] {
        let (few, many) = (self.execution(Kind::Paths(10)), self.execution(Kind::Paths(PROGRAMS)));
        let is_constant = few.zip(many).is_some_and(|(few, many)| {
            many.saturating_mul(100) <= few.saturating_mul(100 + MANY_RULES_PERCENT_MAX)
        });
        let most =
            |costs: &[Cost], max| !costs.is_empty() && costs.iter().all(|cost| cost.instructions <= max);
        [
            (
                format!(
                    "an execution costs at most {MANY_RULES_PERCENT_MAX} % more under {} rules than under 10",
                    grouped(PROGRAMS as u64)
                ),
                is_constant,
            ),
            (
                format!("a check takes at most {} instructions", grouped(CHECK_MAX)),
                most(&self.checks, CHECK_MAX),
            ),
            (format!("a swap takes at most {} instructions", grouped(SWAP_MAX)), most(&self.swaps, SWAP_MAX)),
        ]
    }

    /// Whether all bars hold.
    pub(super) fn holds(&self) -> bool {
        self.bars().iter().all(|(_, holds)| *holds)
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = self.plain.as_ref().map(|cost| cost.instructions);
        let empty = self.execution(Kind::Empty);
        writeln!(
            f,
            "{:<44}{:>14}{:>9}{:>10}",
            "one execution (vfork, exec, wait)", "instructions", "ratio", "to empty"
        )?;
        let under = self.executions.iter().map(|(_, cost)| cost);
        for cost in self.plain.iter().chain(under).chain(&self.elsewhere) {
            let ratio = plain.map_or_else(String::new, |plain| thousandths(cost.instructions, plain));
            let more = empty.map_or_else(String::new, |empty| difference(cost.instructions, empty));
            writeln!(f, "{:<44}{:>14}{ratio:>9}{more:>10}", cost.title, grouped(cost.instructions))?;
        }
        writeln!(f, "\n{:<44}{:>14}", "the loader's work, once", "instructions")?;
        for cost in self.checks.iter().chain(&self.swaps) {
            writeln!(f, "{:<44}{:>14}", cost.title, grouped(cost.instructions))?;
        }
        writeln!(f)?;
        for (bar, holds) in self.bars() {
            writeln!(f, "{}: {bar}", if holds { "holds" } else { "MISSED" })?;
        }
        Ok(())
    }
}

/// `value / of` with three digits after the point.
fn thousandths(value: u64, of: u64) -> String {
    let ratio = value.saturating_mul(1000).saturating_add(of / 2) / of.max(1);
    format!("{}.{:03}", ratio / 1000, ratio % 1000)
}

fn difference(value: u64, from: u64) -> String {
    let sign = if value < from { "-" } else { "+" };
    format!("{sign}{}", grouped(value.abs_diff(from)))
}

/// A number with its thousands apart.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests;
