// SPDX-License-Identifier: MIT OR Apache-2.0
//! `sac-loader policy test`: the assertions of policies, one line each.

use super::{host_files, load, plain, refuse, situation};
use sac_policy::{compile, explain, policy::Mode};
use std::{
    io::{self, Write as _},
    path::PathBuf,
    process::ExitCode,
};

/// What `policy test` takes.
#[derive(clap::Args)]
pub(in crate::cli) struct TestArguments {
    /// Policy files or a directory; without any, those that the daemon loads
    files: Vec<PathBuf>,
}

/// Runs the assertions.
pub(super) fn run(arguments: &TestArguments) -> anyhow::Result<ExitCode> {
    let loaded = match load(&arguments.files) {
        Ok(loaded) => loaded,
        Err(faults) => return Ok(refuse(&faults)?),
    };
    let (files, situation) = (host_files(), situation(jiff::Timestamp::now()));
    let (mut passed, mut failed) = (0, 0);
    let mut out = io::stdout().lock();
    for policy in loaded.set.policies().iter().filter(|policy| !policy.tests.is_empty()) {
        // Assertions are about what the policy says, so `mode: audit` makes no difference.
        let mut policy = policy.clone();
        policy.mode = Mode::Enforce;
        let compiled = compile(&policy, &files, &situation);
        for assertion in &policy.tests {
            let explanation = explain(&policy, &compiled, &files, &assertion.request, &situation);
            let wanted = if assertion.allowed { "allowed" } else { "denied" };
            let what = plain(&format!("{}: {} must be {wanted}", policy.name, explanation.request));
            if explanation.verdict.action().blocks() == assertion.allowed {
                failed += 1;
                writeln!(out, "FAILED  {what}; {}", plain(&explanation.conclusion))?;
            } else {
                passed += 1;
                writeln!(out, "ok      {what}")?;
            }
        }
    }
    writeln!(out, "{passed} passed, {failed} failed")?;
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::from(crate::cli::FAILED) })
}
