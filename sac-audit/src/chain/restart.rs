// SPDX-License-Identifier: MIT OR Apache-2.0
//! Taking up the chain: where it ends, how far its sessions are, and what has to be said about it.
//!
//! What is in the files counts. A last line without an end, left by a crash in the middle of a write, is moved aside first and
//! only then cut off; the file that it is moved to is named after the record that will speak of it, so that a crash anywhere in
//! between loses neither.

use super::disk::{Directory, DiskError};
use super::files::{RecordFile, list, list_torn, torn_name};
use super::lines::{LineEnd, Lines};
use super::sequences::{SAVED, Saved, Sequences};
use super::{Digest, Place};
use crate::record::Event;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

/// Where the chain ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Chain {
    /// Number of the last record; 0 where there is none.
    pub(super) number: u64,
    /// SHA-256 of its line.
    pub(super) digest: Digest,
    /// Whether it is a checkpoint.
    pub(super) is_checkpoint: bool,
    pub(super) sequences: Sequences,
}

/// The file that is written to.
#[derive(Debug)]
pub(super) struct Current {
    pub(super) file: File,
    pub(super) name: String,
    /// How long it is: whole lines only.
    pub(super) bytes: u64,
}

/// What was found.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) chain: Chain,
    pub(super) current: Option<Current>,
    /// What the record has to say about it.
    pub(super) events: Vec<Event>,
}

/// What is read of what lies beside the chain.
const ASIDE_BYTES_MAX: u64 = 64 << 20;

/// Takes up the chain in a directory.
pub(super) fn take_up(directory: &Directory) -> Result<Found, DiskError> {
    let error = |operation, path: &Path| {
        let path = path.to_owned();
        move |source| DiskError { operation, path, source }
    };
    let files = list(directory.path()).map_err(error("read the directory", directory.path()))?;
    let scan = scan(directory.path(), &files).map_err(error("read the record in", directory.path()))?;
    let Scan { mut chain, complaints, torn, .. } = scan;
    let mut events: Vec<_> = complaints.into_iter().map(|what| Event::Tamper { what }).collect();
    let Some(last) = files.last() else { return Ok(Found { chain, current: None, events }) };
    let file = directory.append(&last.name())?;
    let mut bytes = file.metadata().map_err(error("look at", &last.path))?.len();
    if bytes <= torn && chain.number.saturating_add(1) < last.first {
        let what = format!("{} has no records, and the one before it ends at {}", last.name(), chain.number);
        events.push(Event::Tamper { what });
        chain.number = last.first.saturating_sub(1);
    }
    if torn > 0 {
        bytes = bytes.saturating_sub(torn);
        move_aside(directory, last, bytes, &torn_name(chain.number.saturating_add(1)))?;
        file.set_len(bytes).map_err(error("cut the end off", &last.path))?;
    }
    events.extend(repaired(directory, last, chain.number.saturating_add(1))?);
    Ok(Found { chain, current: Some(Current { file, name: last.name(), bytes }), events })
}

struct Scan {
    chain: Chain,
    /// What is wrong with where it ends.
    complaints: Vec<String>,
    /// How long the line without an end is in the last file.
    torn: u64,
    /// Whether the place was met that sequences were saved at.
    is_met: bool,
}

/// Reads the chain from where sequences were saved, or all of it.
fn scan(directory: &Path, files: &[RecordFile]) -> io::Result<Scan> {
    let saved = saved(directory);
    if let Some(saved) = &saved
        && let Some(from) = files.iter().rposition(|file| file.first <= saved.number)
    {
        let found = scan_files(files.get(from..).unwrap_or_default(), Some(saved))?;
        if found.is_met {
            return Ok(found);
        }
    }
    let mut found = scan_files(files, None)?;
    if let Some(saved) = saved {
        let (held, holds) = (saved.number, found.chain.number);
        found.complaints.push(format!(
            "the record held record {held} and does not hold it any more as it was; it ends at {holds}"
        ));
        // The numbers in between are not given again, so that the gap stays.
        found.chain.number = holds.max(held);
        found.chain.sequences.raise(&saved.sequences);
    }
    Ok(found)
}

fn scan_files(files: &[RecordFile], saved: Option<&Saved>) -> io::Result<Scan> {
    let number = files.first().map_or(0, |file| file.first.saturating_sub(1));
    let chain = Chain { number, digest: Digest::NONE, is_checkpoint: false, sequences: Sequences::default() };
    let mut scan = Scan { chain, complaints: Vec::new(), torn: 0, is_met: saved.is_none() };
    for file in files {
        let mut lines = Lines::open(&file.path)?;
        scan.torn = 0;
        while let Some(line) = lines.next_line()? {
            if line.end == LineEnd::File {
                scan.torn = line.length;
                break;
            }
            let counted = scan.chain.number.saturating_add(1);
            let place = Place::of(&line.bytes).filter(|place| place.number < u64::MAX);
            scan.complaints = last_line(&file.name(), place.as_ref(), counted);
            scan.chain.number = place.as_ref().map_or(counted, |place| place.number);
            scan.chain.digest = line.digest;
            scan.chain.is_checkpoint = place.as_ref().is_some_and(|place| place.event == "checkpoint");
            if scan.is_met {
                place.iter().for_each(|place| scan.chain.sequences.note(place));
            } else if let Some(saved) = saved.filter(|saved| saved.is_of(&scan.chain)) {
                scan.chain.sequences = saved.sequences.clone();
                scan.is_met = true;
            }
        }
    }
    Ok(scan)
}

impl Saved {
    fn is_of(&self, chain: &Chain) -> bool {
        self.number == chain.number && self.digest == chain.digest.to_string()
    }
}

fn last_line(file: &str, place: Option<&Place>, counted: u64) -> Vec<String> {
    match place {
        None => vec![format!("the last line of {file} is not a record")],
        Some(place) if place.number != counted => {
            vec![format!("the last line of {file} has number {} in the place of {counted}", place.number)]
        }
        Some(_) => Vec::new(),
    }
}

fn saved(directory: &Path) -> Option<Saved> {
    serde_json::from_slice(&read(&directory.join(SAVED)).ok()?).ok()
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    super::disk::open_to_read(path)?.take(ASIDE_BYTES_MAX).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Copies what stands after the last whole line.
fn move_aside(directory: &Directory, last: &RecordFile, from: u64, to: &str) -> Result<(), DiskError> {
    let torn = read_from(&last.path, from).map_err(|source| directory.error("read", &last.name(), source))?;
    let before = read(&directory.path().join(to)).unwrap_or_default();
    if before.ends_with(&torn) {
        return Ok(());
    }
    let separator: &[u8] = if before.is_empty() { b"" } else { b"\n" };
    directory.add(to, &[separator, &torn].concat())
}

fn read_from(path: &Path, offset: u64) -> io::Result<Vec<u8>> {
    use std::io::Seek as _;
    let mut file = super::disk::open_to_read(path)?;
    file.seek(io::SeekFrom::Start(offset))?;
    let mut bytes = Vec::new();
    file.take(ASIDE_BYTES_MAX).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// What is to be said of a line that was moved aside, now or before a crash.
fn repaired(directory: &Directory, last: &RecordFile, number: u64) -> Result<Option<Event>, DiskError> {
    let error = |source| directory.error("read", &torn_name(number), source);
    let torn = list_torn(directory.path()).map_err(error)?;
    let Some(torn) = torn.into_iter().find(|torn| torn.first == number) else { return Ok(None) };
    let bytes = read(&torn.path).map_err(error)?;
    Ok(Some(Event::ChainRepaired {
        file: last.name(),
        moved_to: torn_name(number),
        bytes: bytes.len() as u64,
        digest: Digest::of(&bytes).to_string(),
    }))
}
