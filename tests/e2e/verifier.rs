// SPDX-License-Identifier: MIT OR Apache-2.0
//! How many instructions the kernel's verifier goes through for each program. A kernel refuses a program at a million, and each of them
//! makes the loader's first start slower; so what makes them more is to be noticed when it is made, on each kernel.

use crate::{Test, fixture::Fixture};
use anyhow::{Context as _, ensure};
use std::io::{self, Write as _};
use xtask::kept::{Costs, Kept, Margin};

/// A program may cost so much more than its line says. Another compiler alone makes some differ by a few hundred.
const MARGIN: Margin = Margin { percent: 10, least: 1_000 };

/// No program costs more than the line in `tests/e2e/verifier/KERNEL.txt` says, within [`MARGIN`]; `doctor` tells of all programs, in JSON, and finds
/// nothing to say about the guest.
fn costs(fixture: &Fixture) -> anyhow::Result<()> {
    let found = found(fixture)?;
    let kernel = fixture.guest().kernel();
    let release = fixture.root("uname -r")?;
    let about = format!(
        "Instructions that the verifier of kernel {kernel} goes through for each program; last on {}.\n\
         A program may cost {} % more, and {} instructions more in any case.",
        release.trim(),
        MARGIN.percent,
        MARGIN.least
    );
    let kept = Kept {
        file: &xtask::workspace::root().join(format!("tests/e2e/verifier/{kernel}.txt")),
        about: &about,
        command: &format!("cargo xtask test --kernel {kernel} verifier::costs"),
    };
    for hint in kept.check(&found, |_program| MARGIN)? {
        writeln!(io::stderr(), "on {kernel}: {hint}")?;
    }
    Ok(())
}

/// What `doctor --json` says of the kernel half.
fn found(fixture: &Fixture) -> anyhow::Result<Costs> {
    let checks: serde_json::Value = serde_json::from_str(&fixture.root("sac-loader doctor --json")?)?;
    let all_ok = checks
        .as_array()
        .is_some_and(|checks| checks.len() > 10 && checks.iter().all(|check| check["status"] == "ok"));
    ensure!(all_ok, "{checks}");
    let mut all = checks.as_array().into_iter().flatten();
    let kernel_half =
        all.find(|check| check["check"] == "kernel half").context("no check of the kernel half")?;
    let verified = kernel_half["verified_instructions"].as_object().context(kernel_half.clone())?;
    let costs = verified.iter().map(|(program, count)| {
        Ok((program.clone(), count.as_u64().with_context(|| format!("{program}: {count}"))?))
    });
    let costs = costs.collect::<anyhow::Result<Costs>>()?;
    ensure!(costs.contains_key("file_open") && costs.values().all(|count| *count > 0), "{costs:?}");
    Ok(costs)
}

pub(crate) const TESTS: &[Test] = &[("costs", costs)];
