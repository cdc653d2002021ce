// SPDX-License-Identifier: MIT OR Apache-2.0
//! `sac-loader policy schema`: the language for editors.

use anyhow::Context as _;
use std::{io::Write as _, path::PathBuf, process::ExitCode};

/// What `policy schema` takes.
#[derive(clap::Args)]
pub(in crate::cli) struct SchemaArguments {
    /// Write it to this file
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Prints the schema.
pub(super) fn run(arguments: &SchemaArguments) -> anyhow::Result<ExitCode> {
    let schema = sac_policy::schema();
    match &arguments.output {
        Some(file) => {
            std::fs::write(file, schema).with_context(|| format!("cannot write {}", file.display()))?;
        }
        None => std::io::stdout().write_all(schema.as_bytes())?,
    }
    Ok(ExitCode::SUCCESS)
}
