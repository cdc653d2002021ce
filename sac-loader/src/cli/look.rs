// SPDX-License-Identifier: MIT OR Apache-2.0
//! What all commands share that look at the record. They read its files only: no daemon, no kernel half, no root.

use crate::control::READERS;
use anyhow::{Context as _, anyhow, bail};
use jiff::Timestamp;
use sac_audit::read::{Filter, Found, ReadError, Records};
use std::{
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Where the record is.
#[derive(clap::Args, Debug)]
pub(super) struct DirectoryArguments {
    /// Directory of the record
    #[arg(long, value_name = "DIRECTORY", default_value = sac_audit::chain::DIRECTORY)]
    pub(super) directory: PathBuf,
}

/// The record while it is read. Lines that are no records are said on standard error, and counted.
pub(super) struct Reading {
    pub(super) records: Records,
    faults: u64,
}

impl Reading {
    /// All records that fit.
    pub(super) fn open(directory: &Path, filter: Filter) -> anyhow::Result<Self> {
        Self::begin(directory, Records::open(directory, filter))
    }

    /// The last so many of them, and perhaps a few more, which were written meanwhile.
    pub(super) fn open_last(directory: &Path, filter: Filter, count: usize) -> anyhow::Result<Self> {
        Self::begin(directory, Records::open_last(directory, filter, count))
    }

    fn begin(directory: &Path, records: Result<Records, ReadError>) -> anyhow::Result<Self> {
        let records = records.map_err(|error| advise(directory, error))?;
        Ok(Self { records, faults: 0 })
    }

    /// The next one; `None` if there is none now.
    pub(super) fn next(&mut self) -> anyhow::Result<Option<Found>> {
        loop {
            match self.records.next_found() {
                None => return Ok(None),
                Some(Ok(found)) => return Ok(Some(found)),
                Some(Err(error @ ReadError::NotARecord { .. })) => {
                    self.faults += 1;
                    // If standard error is gone, the exit status still says it.
                    let _nobody_listens = writeln!(io::stderr(), "sac-loader: {error}");
                }
                Some(Err(error)) => return Err(advise(self.records.directory(), error)),
            }
        }
    }

    /// It is a failure where something could not be read.
    pub(super) fn exit_code(&self) -> ExitCode {
        if self.faults == 0 { ExitCode::SUCCESS } else { ExitCode::from(super::FAILED) }
    }
}

/// Says what to do where the record cannot be read.
pub(super) fn advise(directory: &Path, error: ReadError) -> anyhow::Error {
    let kind = match &error {
        ReadError::Read { source, .. } => source.kind(),
        ReadError::NotARecord { .. } => io::ErrorKind::Other,
    };
    advice(directory, kind).map_or_else(|| anyhow!(error.to_string()), |advice| anyhow!("{error}; {advice}"))
}

/// What to do about an error, where something can be done.
pub(super) fn advice(directory: &Path, kind: io::ErrorKind) -> Option<String> {
    match kind {
        io::ErrorKind::PermissionDenied => {
            Some(format!("root may read the record, and members of the group {READERS}"))
        }
        io::ErrorKind::NotFound => Some(format!(
            "the service makes {} when it starts; a record that lies elsewhere is named with --directory",
            directory.display()
        )),
        _ => None,
    }
}

/// `| head` ends a command by reading no more, which is no error.
pub(super) fn unless_closed(result: anyhow::Result<ExitCode>) -> anyhow::Result<ExitCode> {
    let is_closed = |error: &anyhow::Error| {
        let of_json = || error.downcast_ref::<serde_json::Error>()?.io_error_kind();
        let kind = error.downcast_ref::<io::Error>().map(io::Error::kind).or_else(of_json);
        kind == Some(io::ErrorKind::BrokenPipe)
    };
    match result {
        Err(error) if is_closed(&error) => Ok(ExitCode::SUCCESS),
        result => result,
    }
}

/// A moment as people write it.
pub(super) fn when(text: &str) -> anyhow::Result<Timestamp> {
    when_at(text, &jiff::ZonedDateTime::now())
}

/// RFC 3339, or a date, a time or both of this machine's time zone, or a span back from now.
pub(super) fn when_at(text: &str, now: &jiff::ZonedDateTime) -> anyhow::Result<Timestamp> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time);
    }
    let local = |time: jiff::civil::DateTime| {
        let zoned = time.to_zoned_datetime(now.time_zone().clone());
        zoned.map(|zoned| zoned.timestamp()).with_context(|| format!("there is no moment `{text}`"))
    };
    // Before the time alone: that would be taken from a date with a time as well, and the date would not count.
    if let Ok(time) = text.parse::<jiff::civil::DateTime>() {
        return local(time);
    }
    // Without colons it could be a number of anything.
    if let (true, Ok(time)) = (text.contains(':'), text.parse::<jiff::civil::Time>()) {
        return local(now.date().to_datetime(time));
    }
    let span = text.parse::<jiff::Span>().map(jiff::Span::abs);
    match span.ok().and_then(|span| now.checked_sub(span).ok()) {
        Some(time) => Ok(time.timestamp()),
        None => bail!(
            "this is no moment: write `2026-11-24 09:35`, `09:35`, `2026-11-24T09:35:00Z`, or a span back from now such as `1h` or \
             `2 days`"
        ),
    }
}

#[cfg(test)]
mod tests;
