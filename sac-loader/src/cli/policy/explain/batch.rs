// SPDX-License-Identifier: MIT OR Apache-2.0
//! Many requests for one policy, which is compiled once: one JSON object a line in, one out. A test compares this with the kernel.

use crate::cli::policy::host_files;
use anyhow::Context as _;
use sac_policy::{Policy, Situation, compile, explain, policy::Request};
use std::{
    fs::File,
    io::{self, BufRead as _, BufReader, BufWriter, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    exec: PathBuf,
    args: Option<Vec<String>>,
}

/// Answers every line of a file.
pub(super) fn run(policy: &Policy, file: &Path, situation: &Situation) -> anyhow::Result<ExitCode> {
    let files = host_files();
    let compiled = compile(policy, &files, situation);
    let asked = File::open(file).with_context(|| format!("cannot read {}", file.display()))?;
    let mut out = BufWriter::new(io::stdout().lock());
    for (number, line) in (1..).zip(BufReader::new(asked).lines()) {
        let Asked { exec, args } =
            serde_json::from_str(&line?).with_context(|| format!("line {number} is not a request"))?;
        let request = Request::Execute { path: exec, arguments: args };
        let verdict = explain(policy, &compiled, &files, &request, situation).verdict;
        let rule = policy.rule(verdict.rule);
        let answer = serde_json::json!({
            "action": verdict.action().as_str(), "rule": verdict.rule,
            "file": rule.map(|rule| rule.file().to_string_lossy()), "line": rule.map(sac_policy::Rule::line),
        });
        writeln!(out, "{answer}")?;
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}
