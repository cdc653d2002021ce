// SPDX-License-Identifier: MIT OR Apache-2.0
//! `sac-loader policy check`: whether policies are right, and what is wrong with them.

use sac_policy::{Colour, Faults, HostFiles, Loaded, PolicySet, Severity, compile};
use std::{
    io::{self, IsTerminal as _, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

/// What can be done with policies.
#[derive(clap::Subcommand)]
pub(super) enum PolicyCommand {
    /// Report every fault; exit with 0 if the policies can be used
    Check(CheckArguments),
}

/// What `policy check` takes.
#[derive(clap::Args)]
pub(super) struct CheckArguments {
    /// Policy files; without any, those that the daemon loads
    files: Vec<PathBuf>,
}

/// Runs a policy command.
pub(super) fn run(command: &PolicyCommand) -> anyhow::Result<ExitCode> {
    match command {
        PolicyCommand::Check(arguments) => check(&arguments.files),
    }
}

fn check(files: &[PathBuf]) -> anyhow::Result<ExitCode> {
    let loaded = if files.is_empty() {
        PolicySet::load_dir(Path::new(super::POLICIES))
    } else {
        PolicySet::load_files(files)
    };
    match loaded {
        Ok(Loaded { set, warnings }) => {
            let mut count = show(&warnings)?;
            let host = HostFiles::new(crate::sys::file_generation);
            for policy in set.policies() {
                count += show(&compile(policy, &host).warnings)?;
            }
            let policies = set.policies().len();
            writeln!(
                io::stdout(),
                "{}, {}",
                counted(policies, "policy", "policies"),
                counted(count, "warning", "warnings")
            )?;
            Ok(ExitCode::SUCCESS)
        }
        Err(faults) => {
            show(&faults)?;
            writeln!(io::stderr(), "{faults}")?;
            Ok(ExitCode::from(super::FAILED))
        }
    }
}

fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// Shows faults; gives the number of warnings among them.
fn show(faults: &Faults) -> io::Result<usize> {
    let colour = if io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none() {
        Colour::Always
    } else {
        Colour::Never
    };
    io::stderr().write_all(faults.render(colour).as_bytes())?;
    Ok(faults.count(Severity::Warning))
}
