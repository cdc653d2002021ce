// SPDX-License-Identifier: MIT OR Apache-2.0
//! `sac-loader doctor`: whether this machine can confine sessions, and what to do where it cannot.
//!
//! Exit code 0 only if confinement can work; advice does not change it.

use super::paint::Paint;
use crate::doctor::{Check, Host, Proof, Status, examine};
use std::{
    io::{self, Write},
    path::Path,
    process::ExitCode,
};

/// What `doctor` takes.
#[derive(clap::Args)]
pub(super) struct DoctorArguments {
    /// Run a harmless program in a throw-away cgroup under a policy that denies it, and see that it is stopped
    #[arg(long)]
    prove: bool,
    /// Print a JSON list for programs
    #[arg(long)]
    json: bool,
}

/// Looks at everything; the exit code says whether confinement can work.
pub(super) fn run(arguments: &DoctorArguments, btf: &Path) -> anyhow::Result<ExitCode> {
    let proof = if arguments.prove { Proof::Canary } else { Proof::NotAsked };
    let host = Host::running();
    let mut out = io::stdout().lock();
    let mut has_failed = false;
    if arguments.json {
        let mut checks = Vec::new();
        examine(&host, btf, proof, &mut |check| {
            has_failed |= check.status == Status::Fail;
            checks.push(check);
            Ok::<_, io::Error>(())
        })?;
        serde_json::to_writer_pretty(&mut out, &checks)?;
        writeln!(out)?;
    } else {
        let paint = Paint::for_output(&out);
        let mut report = Report::new(&mut out, paint);
        examine(&host, btf, proof, &mut |check| report.check(&check))?;
        has_failed = report.finish()?;
    }
    Ok(if has_failed { ExitCode::from(super::FAILED) } else { ExitCode::SUCCESS })
}

/// Room for the name of a check, in characters; the longest is `PAM systemd-user`.
const NAME_CHARS: usize = 16;

/// Writes checks as they come, one line each. Neighbours with the same help share it.
struct Report<W> {
    out: W,
    paint: Paint,
    /// Help that has not been written yet, because the next check may have the same.
    help: Option<String>,
    failures: usize,
    advice: usize,
}

impl<W: Write> Report<W> {
    const fn new(out: W, paint: Paint) -> Self {
        Self { out, paint, help: None, failures: 0, advice: 0 }
    }

    fn check(&mut self, check: &Check) -> io::Result<()> {
        if self.help != check.help {
            self.write_help()?;
        }
        self.help.clone_from(&check.help);
        let (mark, colour) = match check.status {
            Status::Ok => ("✓", "32"),
            Status::Advice => ("!", "33"),
            Status::Fail => ("✗", "1;31"),
        };
        match check.status {
            Status::Ok => {}
            Status::Advice => self.advice += 1,
            Status::Fail => self.failures += 1,
        }
        let (name, found) = (&check.check, &check.found);
        writeln!(self.out, "{} {name:NAME_CHARS$}  {found}", self.paint.paint(colour, mark))?;
        // Some checks take seconds on a slow machine; what is known is shown.
        self.out.flush()
    }

    fn write_help(&mut self) -> io::Result<()> {
        for line in self.help.take().iter().flat_map(|help| help.lines()) {
            writeln!(self.out, "{:width$}{line}", "", width = NAME_CHARS + 4)?;
        }
        Ok(())
    }

    /// Writes the closing line; gives whether anything failed.
    fn finish(mut self) -> io::Result<bool> {
        self.write_help()?;
        let advice = match self.advice {
            0 => String::new(),
            1 => ", with 1 piece of advice".to_owned(),
            count => format!(", with {count} pieces of advice"),
        };
        match self.failures {
            0 => writeln!(self.out, "Confinement can work here{advice}")?,
            1 => writeln!(self.out, "Confinement cannot be relied on: 1 check failed{advice}")?,
            count => writeln!(self.out, "Confinement cannot be relied on: {count} checks failed{advice}")?,
        }
        Ok(self.failures > 0)
    }
}

#[cfg(test)]
mod tests;
