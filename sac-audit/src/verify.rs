// SPDX-License-Identifier: MIT OR Apache-2.0
//! Looks for what was done to the record: lines that were edited, dropped, inserted or moved, files that are missing, ends that were
//! cut off.
//!
//! What a chain cannot show by itself is a change to its last line, a tail that is missing, or a chain that was made anew from
//! some place on. Checkpoints that were kept somewhere else show those. A finding is not the end: the next line counts from
//! what is there.

mod checkpoints;
mod finding;
mod walk;

pub use finding::{Finding, Wrong};
pub use walk::Walk;

use crate::chain::{Checkpoint, Line, LineEnd, Lines, RecordFile, list};
use jiff::Timestamp;
use std::io;
use std::path::Path;
use std::time::Duration;

/// So many findings are listed; the others are counted.
pub const FINDINGS_MAX: usize = 100;

/// A record that the writer is in the middle of has its end within this time.
const UNFINISHED_WAIT: Duration = Duration::from_millis(20);
const UNFINISHED_TRIES: usize = 5;

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// How many files were read.
    pub files: usize,
    /// How many lines are records.
    pub records: u64,
    /// Number and time of the first one. What came before is not there any more, if this is not 1.
    pub from: Option<(u64, Timestamp)>,
    /// Number and time of the last one.
    pub to: Option<(u64, Timestamp)>,
    /// Where the chain ends: to be kept somewhere else and compared later.
    pub end: Option<Checkpoint>,
    /// How many checkpoints the chain goes through.
    pub checkpoints_met: usize,
    /// How many checkpoints are of records from before the first one, so that nothing can be said of them.
    pub checkpoints_removed: usize,
    /// What is wrong, in the order of the chain.
    pub findings: Vec<Finding>,
    /// How many more findings there are.
    pub findings_left_out: u64,
}

impl Report {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.findings.is_empty()
    }
}

/// Verifies the record in a directory, and that it goes through checkpoints.
///
/// # Errors
/// When the directory or a file cannot be read: that says nothing about the record.
pub fn verify(directory: &Path, checkpoints: &[Checkpoint]) -> io::Result<Report> {
    let mut walk = Walk::new(checkpoints);
    let files = list(directory)?;
    for (at, file) in files.iter().enumerate() {
        let is_last = at + 1 == files.len();
        verify_file(&mut walk, file, is_last)
            .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", file.path.display())))?;
    }
    Ok(walk.finish())
}

fn verify_file(walk: &mut Walk, file: &RecordFile, is_last: bool) -> io::Result<()> {
    walk.file(&file.name(), file.first);
    let mut lines = Lines::open(&file.path)?;
    while let Some(line) = next_finished(&mut lines, is_last)? {
        let end = line.end;
        walk.line(&line);
        if end == LineEnd::File {
            break;
        }
    }
    Ok(())
}

/// The next line. The last one of all may be being written just now.
fn next_finished(lines: &mut Lines, is_last: bool) -> io::Result<Option<Line>> {
    let mut line = lines.next_line()?;
    for _again in 0..UNFINISHED_TRIES {
        if !is_last || line.as_ref().is_none_or(|line| line.end == LineEnd::Newline) {
            break;
        }
        std::thread::sleep(UNFINISHED_WAIT);
        line = lines.next_line()?;
    }
    Ok(line)
}

#[cfg(test)]
mod tests;
