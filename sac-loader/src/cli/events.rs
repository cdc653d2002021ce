// SPDX-License-Identifier: MIT OR Apache-2.0
//! `sac-loader events`: the record line by line, for people or as it stands in its files.

mod columns;
mod follow;

pub(super) use follow::Watch;

use super::look::{DirectoryArguments, Reading, unless_closed, when};
use super::paint::Paint;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use columns::Columns;
use jiff::{Timestamp, tz::TimeZone};
use sac_audit::read::{Filter, Found};
use sac_audit::record::Severity;
use sac_audit::sink::EVENT_NAMES;
use std::{
    collections::VecDeque,
    io::{self, IsTerminal as _, Write},
    process::ExitCode,
};

/// So many are shown where nothing says how many.
const LAST: usize = 20;

/// What `events` takes.
#[derive(clap::Args, Debug)]
pub(super) struct EventsArguments {
    /// Go on with what happens, until ^C or nobody reads any more
    #[arg(short, long)]
    follow: bool,
    /// Only of the session with this id
    #[arg(long, value_name = "ID")]
    session: Option<String>,
    /// Only of this user's sessions, by name or number, and logins of theirs that were refused
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// Only what was blocked or refused, or would have been
    #[arg(long)]
    blocked: bool,
    /// Only these events, by the names that they have in the record, with commas between them
    #[arg(long, value_name = "KIND", value_delimiter = ',', value_parser = EVENT_NAMES, hide_possible_values = true)]
    event: Vec<String>,
    /// Only what is at least as grave: `low`, `medium`, `high` or `critical`
    #[arg(long, value_parser = severity(), hide_possible_values = true)]
    severity: Option<Severity>,
    /// Only from this moment on: `2026-11-24 09:35`, `09:35`, RFC 3339, or a span back from now such as `1h`
    #[arg(long, value_name = "WHEN", value_parser = when)]
    since: Option<Timestamp>,
    /// Only before this moment
    #[arg(long, value_name = "WHEN", value_parser = when)]
    until: Option<Timestamp>,
    /// Only the last so many; without it 20, or all since the moment that `--since` names
    #[arg(short = 'n', long, value_name = "COUNT")]
    last: Option<usize>,
    /// Print the lines as they stand in the record
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    directory: DirectoryArguments,
}

fn severity() -> impl TypedValueParser<Value = Severity> {
    let names = PossibleValuesParser::new(["info", "low", "medium", "high", "critical"]);
    names.try_map(|name| serde_json::from_value::<Severity>(name.into()))
}

/// Shows them.
pub(super) fn run(arguments: EventsArguments) -> anyhow::Result<ExitCode> {
    let out = io::stdout().lock();
    let width = out.is_terminal().then(terminal_columns).flatten();
    let columns = Columns::new(TimeZone::system(), Paint::for_output(&out), width);
    let format = if arguments.json { Format::AsItStands } else { Format::Columns(Box::new(columns)) };
    // Lines come together where there are many, and each at once where somebody follows.
    unless_closed(show(arguments, &mut io::BufWriter::new(out), format))
}

/// How wide the terminal is.
fn terminal_columns() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(rustix::stdio::stdout()).ok()?;
    Some(usize::from(size.ws_col)).filter(|columns| *columns > 0)
}

enum Format {
    AsItStands,
    Columns(Box<Columns>),
}

impl Format {
    fn write(&mut self, out: &mut impl Write, found: &Found) -> io::Result<()> {
        match self {
            Self::AsItStands => {
                out.write_all(&found.line)?;
                out.write_all(b"\n")
            }
            Self::Columns(columns) => out.write_all(columns.lines(&found.record).as_bytes()),
        }
    }
}

fn show(arguments: EventsArguments, out: &mut impl Write, mut format: Format) -> anyhow::Result<ExitCode> {
    let EventsArguments { follow, session, user, blocked, event, severity, since, until, last, .. } =
        arguments;
    let directory = arguments.directory.directory;
    let severity = severity.unwrap_or_default();
    let filter = Filter { session, user, blocked, events: event, since, until, severity };
    // What is written while it is read is followed from the beginning, so that nothing is missed in between.
    let watch = follow.then(|| Watch::on(&directory));
    let last = last.or_else(|| since.is_none().then_some(LAST));
    let mut reading = match last {
        Some(count) => Reading::open_last(&directory, filter, count)?,
        None => Reading::open(&directory, filter)?,
    };
    let mut lines = VecDeque::new();
    while let Some(found) = reading.next()? {
        let Some(count) = last else {
            format.write(out, &found)?;
            continue;
        };
        lines.push_back(found);
        if lines.len() > count {
            lines.pop_front();
        }
    }
    lines.iter().try_for_each(|found| format.write(out, found))?;
    out.flush()?;
    let Some(watch) = watch else { return Ok(reading.exit_code()) };
    while !reading.records.is_over() && watch.wait()?.is_continuing() {
        while let Some(found) = reading.next()? {
            format.write(out, &found)?;
        }
        out.flush()?;
    }
    Ok(reading.exit_code())
}

#[cfg(test)]
mod tests;
