// SPDX-License-Identifier: MIT OR Apache-2.0
//! The record's files as a sink's [`Source`].

use super::delivery::Source;
use crate::chain::list;
use crate::read::{ReadError, Records};
use crate::record::Record;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Reads what the writer has written. Each sink has one of its own.
#[derive(Debug)]
pub struct Files {
    directory: PathBuf,
    last: Arc<AtomicU64>,
    /// Where reading stands: after the record with this number.
    reading: Option<(u64, Records)>,
}

impl Files {
    /// The files of a directory. Whoever writes them keeps the number of the last record in `last`.
    #[must_use]
    pub const fn new(directory: PathBuf, last: Arc<AtomicU64>) -> Self {
        Self { directory, last, reading: None }
    }
}

/// The next records after `at`, as far as they can be read. A line that is none is left out: its number is missing, which is counted.
fn read(at: &mut u64, from: &mut Records, max: usize) -> io::Result<Vec<Record>> {
    let mut records = Vec::new();
    while records.len() < max {
        match from.next() {
            Some(Ok(record)) if record.number > *at => {
                *at = record.number;
                records.push(record);
            }
            Some(Ok(_) | Err(ReadError::NotARecord { .. })) => {}
            Some(Err(ReadError::Read { path, source })) => {
                return Err(io::Error::new(source.kind(), format!("{}: {source}", path.display())));
            }
            None => break,
        }
    }
    Ok(records)
}

impl Source for Files {
    fn next_after(&mut self, number: u64, max: usize) -> io::Result<Vec<Record>> {
        // After a failure a sink goes back to what has arrived for certain.
        let (mut at, mut from) = match self.reading.take().filter(|(at, _)| *at == number) {
            Some(reading) => reading,
            None => {
                let from = Records::open_near(&self.directory, number + 1).map_err(io::Error::other)?;
                (number, from)
            }
        };
        let records = read(&mut at, &mut from, max)?;
        self.reading = Some((at, from));
        Ok(records)
    }

    fn first_available(&self) -> u64 {
        match list(&self.directory) {
            Ok(files) => files.first().map_or_else(|| self.last() + 1, |file| file.first),
            // A directory that cannot be looked at says nothing of what is gone; reading it says why.
            Err(_unreadable) => 1,
        }
    }

    fn last(&self) -> u64 {
        self.last.load(Ordering::Acquire)
    }
}

#[cfg(test)]
mod tests;
