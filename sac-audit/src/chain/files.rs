// SPDX-License-Identifier: MIT OR Apache-2.0
//! Names of the record's files, and which ones there are.

use std::io;
use std::path::{Path, PathBuf};

/// Where they lie.
pub const DIRECTORY: &str = "/var/log/sac";

const PREFIX: &str = "record-";
const SUFFIX: &str = ".jsonl";
const TORN_SUFFIX: &str = ".torn";

/// A file of the record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordFile {
    /// Number of its first record, as its name says.
    pub first: u64,
    /// Where it is.
    pub path: PathBuf,
}

impl RecordFile {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> String {
        name(self.first)
    }
}

/// The name of the file that begins with a record. Twelve digits are enough for a thousand records a second for thirty years;
/// what comes after that is longer and still in order, because names are compared as numbers here.
pub(super) fn name(first: u64) -> String {
    format!("{PREFIX}{first:012}{SUFFIX}")
}

/// The name for the beginning of a record that was never finished.
pub(super) fn torn_name(number: u64) -> String {
    format!("{PREFIX}{number:012}{TORN_SUFFIX}")
}

fn number(name: &str, suffix: &str) -> Option<u64> {
    let digits = name.strip_prefix(PREFIX)?.strip_suffix(suffix)?;
    let number = digits.parse().ok()?;
    // A number is written in one way only: no second name for a file.
    (format!("{number:012}") == digits).then_some(number)
}

/// The record's files in a directory, the oldest first.
///
/// # Errors
/// When the directory cannot be read.
pub fn list(directory: &Path) -> io::Result<Vec<RecordFile>> {
    with_suffix(directory, SUFFIX)
}

/// Beginnings of records that were moved aside, the oldest first.
pub(super) fn list_torn(directory: &Path) -> io::Result<Vec<RecordFile>> {
    with_suffix(directory, TORN_SUFFIX)
}

fn with_suffix(directory: &Path, suffix: &str) -> io::Result<Vec<RecordFile>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        if let Some(first) = entry.file_name().to_str().and_then(|name| number(name, suffix)) {
            files.push(RecordFile { first, path: entry.path() });
        }
    }
    files.sort_unstable_by_key(|file| file.first);
    Ok(files)
}
