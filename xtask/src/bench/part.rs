// SPDX-License-Identifier: MIT OR Apache-2.0
//! The parts of the benchmark, each of which can be measured alone.

use clap::{Args, ValueEnum};

/// A part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Part {
    /// One execution, under policies of every kind and size
    Executions,
    /// One operation on a file, one connection, one mapping, under policies that could deny it
    Operations,
    /// `sac-loader policy check`
    Checks,
    /// The daemon: exchanging policies, and executions while people are in
    Daemon,
}

/// Which parts: all of them unless some are named.
#[derive(Debug, Clone, Default, Args)]
pub struct Parts {
    /// Measure this part alone; can be given more than once
    #[arg(long, value_name = "PART")]
    pub(super) only: Vec<Part>,
}

impl Parts {
    /// Whether this part is one of them.
    pub(super) fn has(&self, part: Part) -> bool {
        self.only.is_empty() || self.only.contains(&part)
    }

    /// The same as arguments of a command.
    pub(super) fn arguments(&self) -> String {
        self.only.iter().map(|part| format!(" --only {}", name(*part))).collect()
    }
}

/// What a value is called on the command line.
pub(super) fn name(value: impl ValueEnum) -> String {
    value.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}
