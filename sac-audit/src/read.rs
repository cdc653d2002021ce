// SPDX-License-Identifier: MIT OR Apache-2.0
//! Records found again: those of a directory in order, as far as a filter lets them through, and then those that come.

mod filter;
mod last;
mod start;

pub use filter::Filter;

use crate::chain::{Line, LineEnd, Lines, RecordFile, list};
use crate::record::Record;
use std::io;
use std::path::{Path, PathBuf};

/// Records of a directory. [`Iterator::next`] gives `None` when there are no more *now*; asked again, it gives those that were written
/// since, across files, each one once. Whoever follows asks again after a while, or when inotify says that something was written.
#[derive(Debug)]
pub struct Records {
    directory: PathBuf,
    filter: Filter,
    current: Option<Current>,
    is_over: bool,
}

#[derive(Debug)]
struct Current {
    file: RecordFile,
    lines: Lines,
    /// Where a last line begins that has been complained about.
    complained: Option<u64>,
}

/// A record, and its line as it stands in the file, without the newline.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// The record.
    pub record: Record,
    /// Its line.
    pub line: Vec<u8>,
}

/// A record that could not be read. The next ones can be.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The directory or a file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A line is no record.
    #[error("{}, from byte {offset} on: this line is not a record: {reason}", path.display())]
    NotARecord {
        /// The file.
        path: PathBuf,
        /// Where the line begins in it.
        offset: u64,
        /// Why.
        reason: String,
    },
}

impl Records {
    /// Those of a directory. If the filter has a time to begin at, reading begins near it.
    ///
    /// # Errors
    /// When the directory or the file to begin with cannot be read.
    pub fn open(directory: &Path, filter: Filter) -> Result<Self, ReadError> {
        Self::begin(directory, filter, None)
    }

    /// The same, but only the last so many of them, and then those that come. There may be a few more, which were written meanwhile.
    ///
    /// # Errors
    /// When the directory or the file to begin with cannot be read.
    pub fn open_last(directory: &Path, filter: Filter, count: usize) -> Result<Self, ReadError> {
        Self::begin(directory, filter, Some(count))
    }

    /// All of them from a number on, or from shortly before it.
    ///
    /// # Errors
    /// When the directory or the file to begin with cannot be read.
    pub fn open_near(directory: &Path, number: u64) -> Result<Self, ReadError> {
        let mut records = Self::nowhere(directory, Filter::default());
        let files = records.list()?;
        let start = start::find_number(&files, number).unwrap_or((0, 0));
        records.go_to(files, start)?;
        Ok(records)
    }

    fn begin(directory: &Path, filter: Filter, last: Option<usize>) -> Result<Self, ReadError> {
        let mut records = Self::nowhere(directory, filter);
        let files = records.list()?;
        let start = records.filter.since.and_then(|since| start::find(&files, since));
        let start = start.unwrap_or((0, 0));
        let last = last.map(|count| last::find(&files, start, &records.filter, count));
        records.go_to(files, last.unwrap_or(start))?;
        Ok(records)
    }

    fn nowhere(directory: &Path, filter: Filter) -> Self {
        Self { directory: directory.to_owned(), filter, current: None, is_over: false }
    }

    /// Goes to a file and a place in it. Where there are no files yet, reading begins with the first that comes.
    fn go_to(&mut self, files: Vec<RecordFile>, (at, offset): (usize, u64)) -> Result<(), ReadError> {
        if let Some(file) = files.into_iter().nth(at) {
            let mut current = Current::open(file)?;
            current.lines.seek(offset).map_err(|source| fault(&current.file.path, source))?;
            self.current = Some(current);
        }
        Ok(())
    }

    /// Where records come from: what to watch for more.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Whether no more records can come: the filter has an end, and the record is past it.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        self.is_over
    }

    /// The next record with its line, as [`Iterator::next`] gives it without.
    pub fn next_found(&mut self) -> Option<Result<Found, ReadError>> {
        while !self.is_over {
            match self.read() {
                Err(error) => return Some(Err(error)),
                Ok(None) => return None,
                Ok(Some(found)) => {
                    self.is_over = self.filter.is_over(&found.record);
                    if self.filter.matches(&found.record) {
                        return Some(Ok(found));
                    }
                }
            }
        }
        None
    }

    fn list(&self) -> Result<Vec<RecordFile>, ReadError> {
        list(&self.directory).map_err(|source| fault(&self.directory, source))
    }

    /// The next record, whatever the filter says.
    fn read(&mut self) -> Result<Option<Found>, ReadError> {
        loop {
            if let Some(found) = self.current.as_mut().map_or(Ok(None), |current| current.read(false))? {
                return Ok(Some(found));
            }
            let Some(next) = self.successor()? else { return Ok(None) };
            // A file that has a successor is finished. What was written to it since its end was met just now comes first.
            if let Some(found) = self.current.as_mut().map_or(Ok(None), |current| current.read(true))? {
                return Ok(Some(found));
            }
            self.current = Some(Current::open(next)?);
        }
    }

    /// The file after the current one. Those in between may have been removed meanwhile.
    fn successor(&self) -> Result<Option<RecordFile>, ReadError> {
        let first = self.current.as_ref().map(|current| current.file.first);
        let files = self.list()?.into_iter();
        Ok(files.into_iter().find(|file| first.is_none_or(|first| file.first > first)))
    }
}

impl Current {
    fn open(file: RecordFile) -> Result<Self, ReadError> {
        let lines = Lines::open(&file.path).map_err(|source| fault(&file.path, source))?;
        Ok(Self { file, lines, complained: None })
    }

    /// The next record. A line without an end waits for one, as long as the file is not finished.
    fn read(&mut self, is_finished: bool) -> Result<Option<Found>, ReadError> {
        let line = self.lines.next_line().map_err(|source| fault(&self.file.path, source))?;
        match line {
            None => Ok(None),
            Some(line) if line.end == LineEnd::Newline => self.parse(line).map(Some),
            Some(line) if is_finished && self.complained.replace(line.offset).is_none() => {
                Err(self.complaint(&line, "it has no end".to_owned()))
            }
            Some(_unfinished) => Ok(None),
        }
    }

    fn parse(&self, line: Line) -> Result<Found, ReadError> {
        if line.is_cut {
            return Err(self.complaint(&line, "it is longer than any record".to_owned()));
        }
        match serde_json::from_slice(&line.bytes) {
            Ok(record) => Ok(Found { record, line: line.bytes }),
            Err(error) => Err(self.complaint(&line, error.to_string())),
        }
    }

    fn complaint(&self, line: &Line, reason: String) -> ReadError {
        ReadError::NotARecord { path: self.file.path.clone(), offset: line.offset, reason }
    }
}

impl Iterator for Records {
    type Item = Result<Record, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(self.next_found()?.map(|found| found.record))
    }
}

fn fault(path: &Path, source: io::Error) -> ReadError {
    ReadError::Read { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests;
