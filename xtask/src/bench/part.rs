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
    /// Recording executions, beside auditd
    Record,
    /// The daemon: exchanging policies, and executions while people are in
    Daemon,
    /// The same executions and operations beside what else Debian has for it: auditd, fapolicyd, AppArmor, sudo, snoopy, fanotify
    Peers,
    /// What a login costs with hundreds of sessions open, in instructions and in memory
    Logins,
    /// stress-ng in a session: what it gets done, what is lost of the record, what the loader needs
    Stress,
}

impl Part {
    /// Whether it has a guest of its own, because it changes more of one than what it measures.
    pub(super) fn needs_own_guest(self) -> bool {
        matches!(self, Self::Peers | Self::Logins | Self::Stress)
    }
}

/// Which parts: all of them unless some are named.
#[derive(Debug, Clone, Default, Args)]
pub struct Parts {
    /// Measure this part alone; can be given more than once
    #[arg(long, value_name = "PART")]
    pub(super) only: Vec<Part>,
    /// Measure a few things for some minutes, and compare them with what is kept in the source tree
    #[arg(long, conflicts_with = "only")]
    pub(super) quick: bool,
    /// Measure the same in time, in five turns, and compare it with nothing: how long it takes depends on the machine and on what else it does
    #[arg(long, requires = "quick")]
    pub(super) in_time: bool,
}

impl Parts {
    /// One part alone.
    pub(super) fn alone(part: Part) -> Self {
        Self { only: vec![part], ..Self::default() }
    }

    /// What is measured within minutes; none of the parts.
    pub(super) fn quick() -> Self {
        Self { quick: true, ..Self::default() }
    }

    /// Whether this part is one of them.
    pub(super) fn has(&self, part: Part) -> bool {
        !self.quick && (self.only.is_empty() || self.only.contains(&part))
    }

    /// Whether one of these is among them.
    pub(super) fn has_any(&self, parts: &[Part]) -> bool {
        parts.iter().any(|part| self.has(*part))
    }

    /// Whether something is measured under a policy that has rules of every kind.
    pub(super) fn has_every_kind(&self) -> bool {
        self.quick || self.has_any(&[Part::Peers, Part::Stress])
    }

    /// The same as arguments of a command.
    pub(super) fn arguments(&self) -> String {
        let only = self.only.iter().map(|part| format!(" --only {}", name(*part)));
        only.chain(self.quick.then(|| " --quick".to_owned())).collect()
    }
}

/// What a value is called on the command line.
pub(super) fn name(value: impl ValueEnum) -> String {
    value.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}
