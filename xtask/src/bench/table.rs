// SPDX-License-Identifier: MIT OR Apache-2.0
//! The results as a table, and whether they are good enough.

use std::fmt;

use anyhow::{Result, bail};
use clap::ValueEnum as _;

use super::operations::{Operation, Under};
use super::part::{Part, Parts};
use super::policies::{Kind, PROGRAMS};
use super::record::Recorded;
use super::results::{Findings, Group};

/// So much more may an execution cost under 10,000 rules than under 10: 2 %.
const MANY_RULES_PERCENT_MAX: u64 = 2;

/// So much more may an operation cost where SAC is there and no rule is about it: 3 %.
const NO_RULE_PERCENT_MAX: u64 = 3;

/// So many instructions may a check take, and a swap: 2 s and 1 s on a processor that does two in a nanosecond. Servers do about three.
const CHECK_MAX: u64 = 4_000_000_000;
const SWAP_MAX: u64 = 2_000_000_000;

/// What one thing costs: the median of what was measured, and the least and the most of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cost {
    pub(super) title: String,
    pub(super) instructions: u64,
    pub(super) least: u64,
    pub(super) most: u64,
}

impl Cost {
    /// Of so many results.
    ///
    /// # Errors
    /// When there is none.
    pub(super) fn of(title: impl Into<String>, mut results: Vec<u64>) -> Result<Self> {
        results.sort_unstable();
        let middle = results.get(results.len() / 2);
        let (Some(least), Some(middle), Some(most)) = (results.first(), middle, results.last()) else {
            bail!("nothing was measured")
        };
        Ok(Self { title: title.into(), instructions: *middle, least: *least, most: *most })
    }
}

/// All results.
#[derive(Debug, Default)]
pub(super) struct Table {
    parts: Parts,
    plain: Option<Cost>,
    executions: Vec<(Kind, Cost)>,
    elsewhere: Vec<Cost>,
    operations: Vec<(Operation, Under, Cost)>,
    recorded: Vec<Recorded>,
    checks: Vec<Cost>,
    swaps: Vec<Cost>,
    findings: Vec<Findings>,
}

impl Table {
    /// A table of these parts. What was not to be measured has no bars.
    pub(super) fn of(parts: Parts) -> Self {
        Self { parts, ..Self::default() }
    }

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

    /// An operation.
    pub(super) fn add_operation(&mut self, operation: Operation, under: Under, cost: Cost) {
        self.operations.push((operation, under, cost));
    }

    /// Executions that are recorded in some way.
    pub(super) fn add_recorded(&mut self, recorded: Recorded) {
        self.recorded.push(recorded);
    }

    /// A check.
    pub(super) fn add_check(&mut self, cost: Cost) {
        self.checks.push(cost);
    }

    /// A swap.
    pub(super) fn add_swap(&mut self, cost: Cost) {
        self.swaps.push(cost);
    }

    /// What a part with a guest of its own found.
    pub(super) fn add_findings(&mut self, findings: Findings) {
        self.findings.push(findings);
    }

    /// All that was measured, in the form that all parts share.
    pub(super) fn groups(&self) -> Vec<Group> {
        let executions =
            self.plain.iter().chain(self.executions.iter().map(|(_, cost)| cost)).chain(&self.elsewhere);
        let executions = Group::of_costs("one execution (vfork, exec, wait)", executions);
        let of_operation = |operation: Operation| {
            let costs = self.operations.iter().filter(move |(of, ..)| *of == operation);
            Group::of_costs(operation.title(), costs.map(|(_, _, cost)| cost))
        };
        let recorded = self.recorded.iter().map(|recorded| &recorded.cost);
        let recorded = Group::of_costs("one execution, whoever writes included", recorded);
        let loader = Group::of_costs("the loader's work, once", self.checks.iter().chain(&self.swaps));
        let all = [executions].into_iter().chain(Operation::ALL.map(of_operation)).chain([recorded, loader]);
        let found = self.findings.iter().flat_map(|findings| findings.groups.iter().cloned());
        all.chain(found).filter(|group| !group.rows.is_empty()).collect()
    }

    fn execution(&self, kind: Kind) -> Option<u64> {
        self.executions.iter().find(|(of, _)| *of == kind).map(|(_, cost)| cost.instructions)
    }

    fn operation(&self, operation: Operation, under: Under) -> Option<u64> {
        let mut found = self.operations.iter();
        found.find(|(of, by, _)| (*of, *by) == (operation, under)).map(|(_, _, cost)| cost.instructions)
    }

    /// Whether an operation that no rule is about costs little more than with nothing attached.
    fn is_cheap(&self, operation: Operation, under: Under) -> bool {
        let plain = self.operation(operation, Under::Nothing);
        let (plain, cost) = (plain.unwrap_or(0), self.operation(operation, under));
        cost.is_some_and(|cost| is_within(cost, plain, NO_RULE_PERCENT_MAX))
    }

    /// Whether nothing of SAC's is lost, and all of it is cheaper than what Debian has for the same.
    fn is_recorded_well(&self) -> bool {
        let [_nothing, auditd, ours @ ..] = self.recorded.as_slice() else { return false };
        !ours.is_empty()
            && ours.iter().all(|each| each.lost == 0 && each.cost.instructions < auditd.cost.instructions)
    }

    /// The bars: what each says, and whether it holds. What was to be measured and was not does not.
    fn bars(&self) -> Vec<(String, bool)> {
        let (few, many) = (self.execution(Kind::Paths(10)), self.execution(Kind::Paths(PROGRAMS)));
        let is_constant =
            few.zip(many).is_some_and(|(few, many)| is_within(many, few, MANY_RULES_PERCENT_MAX));
        let most =
            |costs: &[Cost], max| !costs.is_empty() && costs.iter().all(|cost| cost.instructions <= max);
        let without_rules = || Under::ALL.into_iter().filter(|under| under.has_no_rule());
        let are_cheap = Operation::ALL
            .into_iter()
            .all(|operation| without_rules().all(|under| self.is_cheap(operation, under)));
        let all = [
            (
                Part::Executions,
                format!(
                    "an execution costs at most {MANY_RULES_PERCENT_MAX} % more under {} rules than under 10",
                    grouped(PROGRAMS as u64)
                ),
                is_constant,
            ),
            (
                Part::Operations,
                format!(
                    "an operation that no rule is about costs at most {NO_RULE_PERCENT_MAX} % more than with \
                     nothing attached"
                ),
                are_cheap,
            ),
            (
                Part::Record,
                "SAC loses no execution, and costs less than auditd".to_owned(),
                self.is_recorded_well(),
            ),
            (
                Part::Checks,
                format!("a check takes at most {} instructions", grouped(CHECK_MAX)),
                most(&self.checks, CHECK_MAX),
            ),
            (
                Part::Daemon,
                format!("a swap takes at most {} instructions", grouped(SWAP_MAX)),
                most(&self.swaps, SWAP_MAX),
            ),
        ];
        let measured = all.into_iter().filter(|(part, ..)| self.parts.has(*part));
        let found = self.findings.iter().flat_map(|findings| findings.bars.iter().cloned());
        let found = found.chain(self.missing());
        measured.map(|(_, bar, holds)| (bar, holds)).chain(found).collect()
    }

    /// The parts with guests of their own that were to be measured and found nothing.
    fn missing(&self) -> impl Iterator<Item = (String, bool)> {
        let found = |part| self.findings.iter().any(|findings| findings.part == part);
        let wanted = Part::value_variants().iter().copied().filter(|part| part.needs_own_guest());
        let missing = wanted.filter(move |part| self.parts.has(*part) && !found(*part));
        missing.map(|part| (format!("`{}` is measured", super::part::name(part)), false))
    }

    /// Whether all bars hold.
    pub(super) fn holds(&self) -> bool {
        self.bars().iter().all(|(_, holds)| *holds)
    }
}

impl Table {
    fn fmt_executions(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scale = Scale {
            plain: self.plain.as_ref().map(|cost| cost.instructions),
            empty: self.execution(Kind::Empty),
        };
        head(f, "one execution (vfork, exec, wait)")?;
        let under = self.executions.iter().map(|(_, cost)| cost);
        for cost in self.plain.iter().chain(under).chain(&self.elsewhere) {
            row(f, cost, scale, "")?;
        }
        writeln!(f)
    }

    fn fmt_operation(&self, operation: Operation, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scale = Scale {
            plain: self.operation(operation, Under::Nothing),
            empty: self.operation(operation, Under::Empty),
        };
        head(f, operation.title())?;
        for (_, under, cost) in self.operations.iter().filter(|(of, ..)| *of == operation) {
            let is_missed = under.has_no_rule() && !self.is_cheap(operation, *under);
            row(f, cost, scale, if is_missed { "  MISSED" } else { "" })?;
        }
        writeln!(f)
    }

    fn fmt_recorded(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = self.recorded.first().map(|nothing| nothing.cost.instructions).unwrap_or_default();
        writeln!(
            f,
            "{:<44}{:>14}{:>9}{:>8}{:>13}",
            "one execution, whoever writes included", "instructions", "ratio", "lost", "to the file"
        )?;
        for Recorded { cost, lost, delay_ns } in &self.recorded {
            let ratio = thousandths(cost.instructions, plain);
            let delay =
                delay_ns.map_or_else(|| "-".to_owned(), |delay| format!("{} us", grouped(delay / 1000)));
            let instructions = grouped(cost.instructions);
            writeln!(f, "{:<44}{instructions:>14}{ratio:>9}{lost:>8}{delay:>13}", cost.title)?;
        }
        writeln!(f)
    }

    fn fmt_loader(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<44}{:>14}", "the loader's work, once", "instructions")?;
        for cost in self.checks.iter().chain(&self.swaps) {
            writeln!(f, "{:<44}{:>14}", cost.title, grouped(cost.instructions))?;
        }
        writeln!(f)
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let has_daemon = self.parts.has(Part::Daemon);
        if has_daemon || self.parts.has(Part::Executions) {
            self.fmt_executions(f)?;
        }
        if self.parts.has(Part::Operations) {
            Operation::ALL.into_iter().try_for_each(|operation| self.fmt_operation(operation, f))?;
        }
        if self.parts.has(Part::Record) {
            self.fmt_recorded(f)?;
        }
        if has_daemon || self.parts.has(Part::Checks) {
            self.fmt_loader(f)?;
        }
        self.findings
            .iter()
            .flat_map(|findings| &findings.groups)
            .try_for_each(|group| write!(f, "{group}"))?;
        for (bar, holds) in self.bars() {
            writeln!(f, "{}: {bar}", if holds { "holds" } else { "MISSED" })?;
        }
        Ok(())
    }
}

/// What the rows of a part are compared with, as far as it was measured.
#[derive(Clone, Copy)]
struct Scale {
    plain: Option<u64>,
    empty: Option<u64>,
}

fn head(f: &mut fmt::Formatter<'_>, what: &str) -> fmt::Result {
    writeln!(f, "{what:<44}{:>14}{:>9}{:>10}", "instructions", "ratio", "to empty")
}

fn row(f: &mut fmt::Formatter<'_>, cost: &Cost, scale: Scale, remark: &str) -> fmt::Result {
    let ratio = scale.plain.map_or_else(String::new, |plain| thousandths(cost.instructions, plain));
    let more = scale.empty.map_or_else(String::new, |empty| difference(cost.instructions, empty));
    writeln!(f, "{:<44}{:>14}{ratio:>9}{more:>10}{remark}", cost.title, grouped(cost.instructions))
}

/// Whether a value is at most so many per cent above another one.
pub(super) fn is_within(value: u64, of: u64, percent: u64) -> bool {
    value.saturating_mul(100) <= of.saturating_mul(100 + percent)
}

/// `value / of` with three digits after the point.
pub(super) fn thousandths(value: u64, of: u64) -> String {
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
