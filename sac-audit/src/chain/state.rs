// SPDX-License-Identifier: MIT OR Apache-2.0
//! How the writer is, for whoever drives it.

/// Whether records reach the files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Nothing has been written yet.
    Starting,
    /// They do.
    Writing,
    /// They do not. Entries wait, then are counted as lost, and it is tried again each second.
    Failing {
        /// What could not be done, and why.
        reason: String,
    },
}

/// How the writer is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// Whether records reach the files.
    pub state: State,
    /// Why old files could not be removed, if it is so.
    pub removal_fault: Option<String>,
    /// Entries that wait.
    pub waiting: usize,
    /// Their size, in bytes.
    pub waiting_bytes: usize,
    /// Records written since the start.
    pub written: u64,
    /// Entries lost since the start.
    pub lost: u64,
    /// Number of the last record in the files.
    pub last_number: u64,
}
