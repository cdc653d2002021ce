// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where to begin for a moment or a number, without reading what comes before it: files by their first lines or names, then the place
//! in the file.
//!
//! Records are in the order in which they were written. The clock on the wall may have been set back meanwhile, so reading begins
//! an hour earlier, and the filter takes what is really wanted.

use super::filter::CLOCK_MARGIN;
use crate::chain::{Lines, Place, RecordFile};
use jiff::Timestamp;

/// Below this the rest of a file is read rather than searched.
const NEAR_BYTES: u64 = 64 << 10;

/// The file to begin with, and the place in it; `None` for the first one. What cannot be read does not hide anything: reading then
/// begins earlier.
pub(super) fn find(files: &[RecordFile], since: Timestamp) -> Option<(usize, u64)> {
    let since = since.checked_sub(CLOCK_MARGIN).ok()?;
    // All records of a file are from before the first one of the next.
    let later = files.iter().skip(1).take_while(|file| first_time(file).is_some_and(|time| time <= since));
    let at = later.count();
    Some((at, offset(files.get(at)?, |place| place.time < since).unwrap_or(0)))
}

/// As above, for the record with a number.
pub(super) fn find_number(files: &[RecordFile], number: u64) -> Option<(usize, u64)> {
    let at = files.iter().skip(1).take_while(|file| file.first <= number).count();
    Some((at, offset(files.get(at)?, |place| place.number < number).unwrap_or(0)))
}

fn first_time(file: &RecordFile) -> Option<Timestamp> {
    place_after(&mut Lines::open(&file.path).ok()?, 0).map(|(_offset, place)| place.time)
}

/// The beginning of a line before which everything is older, and not far from the first that is not.
fn offset(file: &RecordFile, is_before: impl Fn(&Place) -> bool) -> Option<u64> {
    let mut lines = Lines::open(&file.path).ok()?;
    let (mut low, mut high) = (0, lines.length().ok()?);
    while high - low > NEAR_BYTES {
        let middle = low + (high - low) / 2;
        match place_after(&mut lines, middle) {
            Some((offset, place)) if is_before(&place) && offset < high => low = offset,
            _ => high = middle,
        }
    }
    Some(low)
}

/// The first whole line that begins after a place in the file, or at its beginning: where it begins, and its place in the record.
fn place_after(lines: &mut Lines, place: u64) -> Option<(u64, Place)> {
    lines.seek(place).ok()?;
    if place > 0 {
        lines.next_line().ok()??;
    }
    let line = lines.next_line().ok()??;
    Some((line.offset, Place::of(&line.bytes)?))
}
