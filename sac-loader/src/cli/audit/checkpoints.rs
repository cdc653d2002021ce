// SPDX-License-Identifier: MIT OR Apache-2.0
//! Checkpoints that were kept somewhere else than the record: in the journal, or in a file that somebody kept.
//!
//! The journal has them as fields of what the daemon logs. Who may not read the journal gets none of them, which is said.

use anyhow::{Context as _, anyhow};
use sac_audit::chain::{Checkpoint, DIRECTORY};
use serde::Deserialize;
use std::{
    io::{self, Read as _},
    path::{Path, PathBuf},
    process::Command,
};

/// Where checkpoints are taken from.
#[derive(clap::Args, Debug)]
pub(in crate::cli) struct CheckpointArguments {
    /// Compare with the checkpoints of this file, which has `NUMBER:SHA256` or `NUMBER SHA256` on each line; `-` is standard input,
    /// `journal` this machine's journal, which is also taken where neither this nor `--directory` is given
    #[arg(long, value_name = "FILE")]
    checkpoints: Option<PathBuf>,
}

/// Checkpoints, and where they are from.
#[derive(Debug)]
pub(in crate::cli) struct Checkpoints {
    pub(in crate::cli) all: Vec<Checkpoint>,
    pub(in crate::cli) source: String,
}

impl CheckpointArguments {
    /// Reads them. The journal is that of this machine, so for a record that lies elsewhere it has to be asked for.
    pub(in crate::cli) fn read(&self, directory: &Path) -> anyhow::Result<Checkpoints> {
        match self.checkpoints.as_deref() {
            None if directory == Path::new(DIRECTORY) => Ok(journal().unwrap_or_else(|error| Checkpoints {
                all: Vec::new(),
                source: format!("the journal cannot be read: {error:#}"),
            })),
            None => Ok(Checkpoints { all: Vec::new(), source: "none were given".to_owned() }),
            Some(path) if path == Path::new("journal") => journal(),
            Some(path) => file(path),
        }
    }
}

fn file(path: &Path) -> anyhow::Result<Checkpoints> {
    let is_standard_input = path == Path::new("-");
    let mut text = String::new();
    let read = if is_standard_input {
        io::stdin().read_to_string(&mut text).map(drop)
    } else {
        std::fs::read_to_string(path).map(|read| text = read)
    };
    let source =
        if is_standard_input { "from standard input".to_owned() } else { format!("from {}", path.display()) };
    read.with_context(|| format!("cannot read checkpoints {source}"))?;
    let all = lines(&text).with_context(|| format!("cannot use checkpoints {source}"))?;
    Ok(Checkpoints { all, source })
}

/// One on each line that is not empty and does not begin with `#`.
fn lines(text: &str) -> anyhow::Result<Vec<Checkpoint>> {
    let lines = text.lines().map(str::trim).zip(1..);
    let lines = lines.filter(|(line, _number)| !line.is_empty() && !line.starts_with('#'));
    let parse = |(line, number): (&str, u32)| {
        let joined = line.split_whitespace().collect::<Vec<_>>().join(":");
        joined.parse().map_err(|error| anyhow!("line {number}: {error}"))
    };
    lines.map(parse).collect()
}

/// Those that the daemon logged here. Only root's count: anybody may log in the daemon's name.
fn journal() -> anyhow::Result<Checkpoints> {
    let output = Command::new("journalctl")
        .args(["--identifier=sac-loader", "--output=json", "--no-pager", "--quiet"])
        .arg("--output-fields=SAC_CHECKPOINT_NUMBER,SAC_CHECKPOINT_SHA256")
        .arg("_UID=0")
        .output()
        .context("cannot run journalctl")?;
    if !output.status.success() {
        let why = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(anyhow!("journalctl failed: {}", sac_audit::text::shown(&why)));
    }
    let all = entries(&output.stdout)?;
    let none = "; root and members of the group systemd-journal can read it";
    let source = format!("from the journal{}", if all.is_empty() { none } else { "" });
    Ok(Checkpoints { all, source })
}

/// What is of interest in an entry of the journal. Values are strings; other entries have none of these.
#[derive(Deserialize)]
struct Entry {
    #[serde(rename = "SAC_CHECKPOINT_NUMBER")]
    number: Option<String>,
    #[serde(rename = "SAC_CHECKPOINT_SHA256")]
    digest: Option<String>,
}

fn entries(json: &[u8]) -> anyhow::Result<Vec<Checkpoint>> {
    let mut all = Vec::new();
    for entry in serde_json::Deserializer::from_slice(json).into_iter() {
        if let Entry { number: Some(number), digest: Some(digest) } =
            entry.context("the journal is not as expected")?
        {
            all.push(
                format!("{number}:{digest}").parse().context("the journal has a checkpoint that is none")?,
            );
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests;
