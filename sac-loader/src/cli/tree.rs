// SPDX-License-Identifier: MIT OR Apache-2.0
//! `sac-loader tree`: the processes of a session, open or closed, from its records.

use super::events::Watch;
use super::list_sessions::local_time;
use super::look::{DirectoryArguments, Reading, unless_closed};
use super::paint::{Paint, colour_of};
use anyhow::bail;
use jiff::tz::TimeZone;
use sac_audit::brief::Tone;
use sac_audit::read::Filter;
use sac_audit::record::{Event, Record, Session};
use sac_audit::text::shown;
use sac_audit::tree::{Row, RowKind, Tree};
use serde::Serialize;
use std::{
    io::{self, IsTerminal as _, Write},
    path::Path,
    process::ExitCode,
};

/// So many sessions are named where there is no such one.
const SEEN_LAST: usize = 5;

/// What `tree` takes.
#[derive(clap::Args, Debug)]
pub(super) struct TreeArguments {
    /// The session's id
    session: String,
    /// Draw it anew on the terminal whenever something happens, until the session ends
    #[arg(short, long, conflicts_with = "json")]
    follow: bool,
    /// Print a JSON object for programs
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    directory: DirectoryArguments,
}

/// Shows it.
pub(super) fn run(arguments: &TreeArguments) -> anyhow::Result<ExitCode> {
    let out = io::stdout().lock();
    if arguments.follow && !out.is_terminal() {
        bail!("--follow draws on a terminal; for programs there is `sac-loader events --follow --json`");
    }
    let paint = Paint::for_output(&out);
    unless_closed(show(arguments, out, paint))
}

fn show(arguments: &TreeArguments, mut out: impl Write, paint: Paint) -> anyhow::Result<ExitCode> {
    let TreeArguments { session: id, follow, json, directory } = arguments;
    let directory = &directory.directory;
    let watch = follow.then(|| Watch::on(directory));
    let mut reading = Reading::open(directory, Filter { session: Some(id.clone()), ..Filter::default() })?;
    let mut records = Vec::new();
    while let Some(found) = reading.next()? {
        records.push(found.record);
    }
    let Some(session) = records.first().and_then(|record| record.entry.session.clone()) else {
        bail!("there is no session {} in {}; {}", shown(id), directory.display(), seen_last(directory)?);
    };
    if *json {
        serde_json::to_writer_pretty(&mut out, &Shown::new(&session, &Tree::of(records)))?;
        writeln!(out)?;
        return Ok(reading.exit_code());
    }
    let Some(watch) = watch else {
        out.write_all(text(&session, &records, paint).as_bytes())?;
        return Ok(reading.exit_code());
    };
    loop {
        let text = text(&session, &records, paint);
        // From the upper left corner on; what does not fit is above.
        write!(out, "\x1b[H\x1b[2J{}", end_of(&text, terminal_rows()))?;
        out.flush()?;
        let count = records.len();
        while records.len() == count {
            if is_closed(&records) || !watch.wait()?.is_continuing() {
                return Ok(reading.exit_code());
            }
            while let Some(found) = reading.next()? {
                records.push(found.record);
            }
        }
    }
}

fn is_closed(records: &[Record]) -> bool {
    records.iter().any(|record| matches!(record.entry.event, Event::SessionClosed { .. }))
}

/// How many lines the terminal has; many where that is not known.
fn terminal_rows() -> usize {
    let size = rustix::termios::tcgetwinsize(rustix::stdio::stdout());
    size.map_or(usize::MAX, |size| usize::from(size.ws_row)).max(2)
}

/// The last lines that fit on a screen, with one to spare for the cursor.
fn end_of(text: &str, rows: usize) -> String {
    let lines: Vec<_> = text.lines().collect();
    let first = lines.len().saturating_sub(rows - 1);
    let shown = lines.get(first..).unwrap_or_default();
    shown.iter().map(|line| format!("{line}\n")).collect()
}

/// Who it is, and the tree below.
fn text(session: &Session, records: &[Record], paint: Paint) -> String {
    let tree = Tree::of(records.iter().cloned());
    let zone = TimeZone::system();
    let rows = tree.rows().into_iter().map(|row| paint.paint(colour(&row), &row.line(&zone)) + "\n");
    let left_out = match tree.left_out {
        0 => String::new(),
        count => format!("and {count} more records, which do not fit here\n"),
    };
    format!("{}\n\n{}{left_out}", head(session, records), rows.collect::<String>())
}

fn colour(row: &Row) -> &'static str {
    colour_of(match row.kind {
        RowKind::Process | RowKind::Executed => Tone::Plain,
        RowKind::Blocked => Tone::Blocked,
        RowKind::WouldBlock => Tone::WouldBlock,
    })
}

fn head(session: &Session, records: &[Record]) -> String {
    let from = if session.from.is_empty() { "this machine" } else { &session.from };
    let time = |record: &Record| local_time(&record.entry.time.to_string());
    let find = |is: fn(&Event) -> bool| records.iter().find(|record| is(&record.entry.event)).map(time);
    let opened = find(|event| matches!(event, Event::SessionOpened { .. }));
    let closed = find(|event| matches!(event, Event::SessionClosed { .. }));
    let opened = opened.unwrap_or_else(|| "before the record begins".to_owned());
    let closed = closed.map_or_else(|| "still open".to_owned(), |time| format!("closed {time}"));
    let Session { id, user, uid, service, .. } = session;
    let line =
        format!("Session {id} of {user} (uid {uid}) by {service} from {from}, opened {opened}, {closed}");
    shown(&line)
}

/// The sessions that were seen last, to choose from.
fn seen_last(directory: &Path) -> anyhow::Result<String> {
    let events = ["session-opened", "session-adopted"].map(str::to_owned).to_vec();
    let filter = Filter { events, ..Filter::default() };
    // A session that was adopted is there twice.
    let mut reading = Reading::open_last(directory, filter, 4 * SEEN_LAST)?;
    let mut seen: Vec<String> = Vec::new();
    while let Some(found) = reading.next()? {
        if let Some(Session { id, user, .. }) = found.record.entry.session {
            let line = format!("{} of {}", shown(&id), shown(&user));
            seen.retain(|other| *other != line);
            seen.push(line);
        }
    }
    let seen: Vec<_> = seen.into_iter().rev().take(SEEN_LAST).collect();
    Ok(if seen.is_empty() {
        "no session is in it".to_owned()
    } else {
        format!("seen last: {}", seen.join(", "))
    })
}

/// A session as programs get it.
#[derive(Serialize)]
struct Shown<'t> {
    session: &'t str,
    user: &'t str,
    uid: u32,
    service: &'t str,
    from: &'t str,
    is_open: bool,
    #[serde(flatten)]
    tree: &'t Tree,
}

impl<'t> Shown<'t> {
    fn new(session: &'t Session, tree: &'t Tree) -> Self {
        let Session { id, user, uid, service, from, .. } = session;
        Self { session: id, user, uid: *uid, service, from, is_open: !tree.is_closed, tree }
    }
}
