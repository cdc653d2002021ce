// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where to begin for the last so many records that fit a filter, from the end backwards, so that what is old need not be read.

use super::Filter;
use crate::chain::{LineEnd, Lines, RecordFile};
use crate::record::Record;
use std::io;

/// So much is read at a time, and twice as much each time that it was not enough.
const CHUNK_BYTES: u64 = 64 << 10;
const CHUNK_BYTES_MAX: u64 = 8 << 20;

/// A file by its place in the list, and the place in it.
type Start = (usize, u64);

/// Where to begin, not before `start`. What cannot be read does not hide anything: reading then begins at `start`.
pub(super) fn find(files: &[RecordFile], start: Start, filter: &Filter, count: usize) -> Start {
    search(files, start, filter, count.max(1)).unwrap_or(None).unwrap_or(start)
}

fn search(files: &[RecordFile], start: Start, filter: &Filter, count: usize) -> io::Result<Option<Start>> {
    let mut missing = count;
    for (at, file) in files.iter().enumerate().skip(start.0).rev() {
        let mut lines = Lines::open(&file.path)?;
        let from = if at == start.0 { start.1 } else { 0 };
        let mut high = lines.length()?;
        let mut chunk = CHUNK_BYTES;
        loop {
            let low = high.saturating_sub(chunk).max(from);
            let fitting = fitting(&mut lines, low, high, from, filter)?;
            if let Some(offset) = fitting.len().checked_sub(missing).and_then(|first| fitting.get(first)) {
                return Ok(Some((at, *offset)));
            }
            missing -= fitting.len();
            if low == from {
                break;
            }
            high = low;
            chunk = CHUNK_BYTES_MAX.min(chunk * 2);
        }
    }
    Ok(None)
}

/// Where the lines begin that fit, of those that begin after `low` and not after `high`; at `from` as well.
fn fitting(lines: &mut Lines, low: u64, high: u64, from: u64, filter: &Filter) -> io::Result<Vec<u64>> {
    let mut fitting = Vec::new();
    lines.seek(low)?;
    if low > from {
        // The rest of a line, or a whole one; it belongs to the part before.
        lines.next_line()?;
    }
    while lines.offset() <= high {
        match lines.next_line()? {
            Some(line) if line.end == LineEnd::Newline => {
                let record = serde_json::from_slice::<Record>(&line.bytes);
                if record.is_ok_and(|record| filter.matches(&record)) {
                    fitting.push(line.offset);
                }
            }
            _ => break,
        }
    }
    Ok(fitting)
}
