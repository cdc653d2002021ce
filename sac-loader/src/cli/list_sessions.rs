// SPDX-License-Identifier: MIT OR Apache-2.0
//! `sac-loader list-sessions`: who is in and under what.

use crate::control::{Request, SessionInfo, ask};
use comfy_table::{Cell, CellAlignment, ContentArrangement, Table, presets};
use std::{
    io::{self, Write as _},
    process::ExitCode,
};

/// What `list-sessions` takes.
#[derive(clap::Args)]
pub(super) struct ListArguments {
    /// Print a JSON list for programs
    #[arg(long)]
    json: bool,
}

/// Lists the sessions.
pub(super) fn run(arguments: &ListArguments) -> anyhow::Result<ExitCode> {
    let sessions: Vec<SessionInfo> = ask(Request::ListSessions {})?;
    let mut out = io::stdout().lock();
    if arguments.json {
        serde_json::to_writer_pretty(&mut out, &sessions)?;
        writeln!(out)?;
    } else {
        writeln!(out, "{}", table(&sessions).trim_fmt())?;
    }
    Ok(ExitCode::SUCCESS)
}

const HEADER: [&str; 11] = [
    "SESSION", "USER", "GROUPS", "POLICY", "SERVICE", "FROM", "TTY", "SINCE", "PROCS", "EXECUTED", "BLOCKED",
];

/// Columns of numbers, from the right.
const NUMBERS: usize = 3;

fn table(sessions: &[SessionInfo]) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(HEADER);
    for session in sessions {
        let numbers =
            [session.processes.to_string(), session.executed.to_string(), session.blocked.to_string()];
        let texts = [
            session.id.clone(),
            session.user.clone(),
            session.groups.join(","),
            session.policy.clone(),
            session.service.clone(),
            or_dash(&session.from),
            or_dash(&session.tty),
            local_time(&session.since),
        ];
        let right = |number: &String| Cell::new(number).set_alignment(CellAlignment::Right);
        table.add_row(texts.iter().map(Cell::new).chain(numbers.iter().map(right)));
    }
    let first_number = HEADER.len() - NUMBERS;
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 2));
        if index >= first_number {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

fn or_dash(text: &str) -> String {
    if text.is_empty() { "-".to_owned() } else { text.to_owned() }
}

/// The time in this machine's time zone, to the second.
pub(super) fn local_time(rfc3339: &str) -> String {
    let local =
        rfc3339.parse::<jiff::Timestamp>().map(|time| time.to_zoned_datetime(jiff::tz::TimeZone::system()));
    local.map_or_else(|_not_a_time| rfc3339.to_owned(), |time| time.strftime("%Y-%m-%d %H:%M:%S").to_string())
}

#[cfg(test)]
mod tests;
