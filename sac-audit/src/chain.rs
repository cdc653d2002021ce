// SPDX-License-Identifier: MIT OR Apache-2.0
//! The record's files: JSON Lines, each with the SHA-256 of the one before.
//!
//! A directory holds `record-000000000001.jsonl` and so on, each named after the number of its first record. A file gets its
//! name when it is made and keeps it, so nothing that names one becomes wrong, names sort in order, and whoever follows them
//! never sees one move. The last one is written to; older ones are never touched again, only removed, whole and the oldest
//! first, after a record has said so.
//!
//! The chain is over the bytes of lines. Whatever happened to a line, the next one can be hooked to it.

mod digest;
mod disk;
mod files;
mod lines;
mod queue;
mod restart;
pub(crate) mod sequences;
mod settings;
mod state;
mod writer;

pub use digest::{Checkpoint, CheckpointError, Digest};
pub use files::{DIRECTORY, RecordFile, list};
pub use lines::{LINE_BYTES_MAX, Line, LineEnd, Lines};
pub use settings::{Now, Origin, Settings, Synchronise};
pub use state::{State, Status};
pub use writer::{Checkpointed, Writer, Written};

use jiff::Timestamp;
use serde::Deserialize;

/// What a line says of its place, whatever else it says: enough for going on after a record that only a later version knows.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Place {
    pub(crate) number: u64,
    pub(crate) time: Timestamp,
    pub(crate) event: String,
    #[serde(default)]
    pub(crate) session: Option<PlaceInSession>,
}

/// What it says of its place in a session.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct PlaceInSession {
    pub(crate) id: String,
    pub(crate) sequence: u64,
}

impl Place {
    /// Reads it from a line.
    pub(crate) fn of(line: &[u8]) -> Option<Self> {
        serde_json::from_slice(line).ok()
    }
}

#[cfg(test)]
mod tests;
