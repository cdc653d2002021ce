// SPDX-License-Identifier: MIT OR Apache-2.0
//! `sac-loader report`: a page for a browser of what happened in sessions.

mod file;

use super::audit::{CheckpointArguments, Verified};
use super::look::{DirectoryArguments, Reading, unless_closed, when};
use anyhow::bail;
use jiff::{Timestamp, tz::TimeZone};
use sac_audit::read::Filter;
use sac_audit::report::{About, Collected, render};
use sac_audit::text::shown;
use std::{
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

/// What `report` takes.
#[derive(clap::Args, Debug)]
#[command(group = clap::ArgGroup::new("what").required(true).multiple(true).args(["session", "user", "since"]))]
pub(super) struct ReportArguments {
    /// Of the session with this id
    #[arg(long, value_name = "ID")]
    session: Option<String>,
    /// Of this user's sessions, by name or number, and logins of theirs that were refused
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// From this moment on: `2026-11-24 09:35`, `09:35`, RFC 3339, or a span back from now such as `2 days`
    #[arg(long, value_name = "WHEN", value_parser = when)]
    since: Option<Timestamp>,
    /// Up to this moment
    #[arg(long, value_name = "WHEN", value_parser = when)]
    until: Option<Timestamp>,
    /// Where to write it; `-` is standard output. An earlier report is replaced, other files only with `--force`
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Replace the file even if it is not a report
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    checkpoints: CheckpointArguments,
    #[command(flatten)]
    directory: DirectoryArguments,
}

/// Makes it.
pub(super) fn run(arguments: &ReportArguments) -> anyhow::Result<ExitCode> {
    unless_closed(make(arguments))
}

fn make(arguments: &ReportArguments) -> anyhow::Result<ExitCode> {
    let ReportArguments { session, user, since, until, output, force, checkpoints, directory } = arguments;
    let directory = &directory.directory;
    let is_standard_output = output == Path::new("-");
    if !is_standard_output {
        // Reading a long record takes its time: what cannot be written is said before.
        file::may_write(output, *force)?;
    }
    let (session, user) = (session.clone(), user.clone());
    let filter = Filter { session, user, since: *since, until: *until, ..Filter::default() };
    let (collected, code) = collect(directory, filter)?;
    let verified = Verified::of(directory, checkpoints);
    let about = About {
        made: Timestamp::now(),
        zone: TimeZone::system(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        checkpoints: verified.as_ref().map_or(0, |verified| verified.checkpoints.all.len()),
        verification: verified.map(|verified| verified.report).map_err(|error| format!("{error:#}")),
    };
    let page = render(&about, &collected);
    if is_standard_output {
        io::stdout().write_all(page.as_bytes())?;
    } else {
        file::write(output, page.as_bytes(), *force)?;
    }
    warn(&about)?;
    Ok(code)
}

/// What fits, and which policies were in force before.
fn collect(directory: &Path, filter: Filter) -> anyhow::Result<(Collected, ExitCode)> {
    let Filter { since, until, .. } = filter;
    let mut collected = Collected::new(filter);
    if since.is_some() {
        let events = vec!["policy-loaded".to_owned()];
        let before = Filter { events, until: since, ..Filter::default() };
        let mut reading = Reading::open_last(directory, before, 1)?;
        while let Some(found) = reading.next()? {
            collected.add(found);
        }
    }
    let mut reading = Reading::open(directory, Filter { since, until, ..Filter::default() })?;
    while let Some(found) = reading.next()? {
        collected.add(found);
    }
    if collected.is_empty() {
        bail!(
            "nothing in {} fits, so there is nothing to report; `sac-loader events` shows what there is",
            directory.display()
        );
    }
    Ok((collected, reading.exit_code()))
}

/// Says on standard error what nobody should miss.
fn warn(about: &About) -> io::Result<()> {
    match &about.verification {
        Ok(report) if report.is_sound() => Ok(()),
        Ok(_) => writeln!(io::stderr(), "sac-loader: the record is not sound; the report says what is wrong"),
        Err(why) => writeln!(io::stderr(), "sac-loader: the record could not be verified: {}", shown(why)),
    }
}
