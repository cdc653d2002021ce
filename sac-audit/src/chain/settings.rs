// SPDX-License-Identifier: MIT OR Apache-2.0
//! What can be chosen about the record's files.

use super::files::DIRECTORY;
use jiff::Timestamp;
use std::path::PathBuf;
use std::time::Duration;

/// How the record's files are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Where. It is made if it is not there.
    pub directory: PathBuf,
    /// Id of the group that may read; the writer's own if there is none.
    pub group: Option<u32>,
    /// A file is finished when it would become longer than this.
    pub file_bytes_max: u64,
    /// How many files are kept; at least two.
    pub files_kept: usize,
    /// How many bytes all files together may have. The two newest are kept in any case.
    pub bytes_kept: u64,
    /// How many bytes of entries wait while nothing can be written.
    pub waiting_bytes_max: usize,
    /// When what is written is brought to the disk.
    pub synchronise: Synchronise,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            directory: PathBuf::from(DIRECTORY),
            group: None,
            file_bytes_max: 64 << 20,
            files_kept: 100,
            bytes_kept: 4 << 30,
            waiting_bytes_max: 16 << 20,
            synchronise: Synchronise::default(),
        }
    }
}

/// When `fdatasync` is called. It only matters when the machine stops: what was written outlives the loader in any case. Files that
/// are finished, checkpoints and the last records of a loader that stops are always brought to the disk, unless it is never.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Synchronise {
    /// After each batch: nothing that anybody was told of is lost, and each batch costs what the disk takes.
    EachBatch,
    /// So long after what was written first.
    Every(Duration),
    /// Never: the kernel does it when it wants to.
    Never,
}

impl Default for Synchronise {
    /// Each second.
    fn default() -> Self {
        Self::Every(Duration::from_secs(1))
    }
}

/// Whose record it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Name of the machine.
    pub host: String,
    /// The kernel's id of this boot.
    pub boot_id: String,
}

/// A moment, by both clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// By the clock on the wall.
    pub time: Timestamp,
    /// In nanoseconds since boot.
    pub boot_ns: u64,
}
