// SPDX-License-Identifier: MIT OR Apache-2.0
//! `sac-loader grant`, `grants` and `revoke`: exceptions that administrators make.

use crate::control::{GrantInfo, Request, ask};
use comfy_table::{ContentArrangement, Table, presets};
use std::{
    io::{self, Write as _},
    path::PathBuf,
    process::ExitCode,
};

/// What `grant` takes.
#[derive(clap::Args)]
pub(super) struct GrantArguments {
    /// The user's name
    #[arg(long)]
    user: String,
    /// Absolute path of the program
    #[arg(long, value_name = "PATH")]
    exec: PathBuf,
    /// For how long, such as 30m or 1h30m; at most 30d
    #[arg(long = "for", value_name = "TIME", value_parser = seconds)]
    for_s: u32,
    /// Why, for the log
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

/// What `grants` takes.
#[derive(clap::Args)]
pub(super) struct GrantsArguments {
    /// Print a JSON list for programs
    #[arg(long)]
    json: bool,
}

/// What `revoke` takes.
#[derive(clap::Args)]
pub(super) struct RevokeArguments {
    /// The grant's number
    number: u32,
}

/// Grants a program.
pub(super) fn grant(arguments: GrantArguments) -> anyhow::Result<ExitCode> {
    let GrantArguments { user, exec, for_s, reason } = arguments;
    let GrantInfo { number, user, exec, until, .. } = ask(Request::Grant { user, exec, for_s, reason })?;
    writeln!(io::stdout(), "grant {number}: {user} may execute {exec} until {until}")?;
    Ok(ExitCode::SUCCESS)
}

/// Lists the grants.
pub(super) fn list(arguments: &GrantsArguments) -> anyhow::Result<ExitCode> {
    let grants: Vec<GrantInfo> = ask(Request::Grants {})?;
    let mut out = io::stdout().lock();
    if arguments.json {
        serde_json::to_writer_pretty(&mut out, &grants)?;
        writeln!(out)?;
    } else {
        writeln!(out, "{}", table(&grants).trim_fmt())?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Takes a grant back.
pub(super) fn revoke(arguments: &RevokeArguments) -> anyhow::Result<ExitCode> {
    let GrantInfo { number, user, exec, .. } = ask(Request::Revoke { number: arguments.number })?;
    writeln!(io::stdout(), "grant {number} revoked: {user} for {exec}")?;
    Ok(ExitCode::SUCCESS)
}

/// A length of time as policies write it.
fn seconds(text: &str) -> Result<u32, String> {
    sac_policy::when::duration(text).and_then(|time| u32::try_from(time.as_secs()).ok()).ok_or_else(|| {
        "write whole numbers with `d`, `h`, `m`, `s`, the longest unit first: `1h30m`".to_owned()
    })
}

fn table(grants: &[GrantInfo]) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(["GRANT", "USER", "PROGRAM", "UNTIL", "BY", "REASON"]);
    for grant in grants {
        let number = grant.number.to_string();
        table.add_row([&number, &grant.user, &grant.exec, &grant.until, &grant.by, &grant.reason]);
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_in_policies() {
        assert_eq!(seconds("1h30m"), Ok(5400));
        assert!(seconds("90").is_err() && seconds("30m1h").is_err() && seconds("").is_err());
    }

    #[test]
    fn grants_are_a_table() {
        let [user, exec, until, reason, by] =
            ["bob", "/usr/bin/df", "2026-01-01T00:00:00Z", "disk is full", "alice"].map(str::to_owned);
        let grant = GrantInfo { number: 7, user, uid: 1000, exec, for_s: 60, left_s: 60, until, reason, by };
        let expected = "\
GRANT  USER  PROGRAM      UNTIL                 BY     REASON
7      bob   /usr/bin/df  2026-01-01T00:00:00Z  alice  disk is full";
        assert_eq!(table(&[grant]).trim_fmt(), expected);
    }
}
