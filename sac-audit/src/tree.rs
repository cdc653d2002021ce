// SPDX-License-Identifier: MIT OR Apache-2.0
//! The processes of a session as a tree: who forked whom, what each executed, what was blocked, and how each ended.
//!
//! A process stands below the one that forked it, also after that one has ended. Process ids are given again, so each fork is a
//! process of its own. What happened before the first record, or got lost, is filled in from what later records say.

mod build;
mod rows;

pub use rows::{Row, RowKind};

use crate::record::{Operation, Verdict};
use crate::text::Text;
use jiff::Timestamp;
use serde::{Serialize, Serializer, ser::SerializeStruct as _};

/// So many records make a tree; what comes after them is counted.
pub const STEPS_MAX: usize = 200_000;

/// The processes of a session.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Tree {
    /// All of them, in the order in which they are known of.
    pub processes: Vec<Process>,
    /// Those without a parent here, by their places. In JSON, each process has the place of its parent.
    #[serde(skip)]
    pub roots: Vec<usize>,
    /// Whether the session was closed: no process is left then.
    pub is_closed: bool,
    /// How many records did not fit.
    pub left_out: u64,
}

/// A process.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Process {
    /// Its id.
    pub pid: u32,
    /// The place of whoever forked it.
    pub parent: Option<usize>,
    /// Places of those that it forked.
    #[serde(skip)]
    pub children: Vec<usize>,
    /// When it was forked, or first seen.
    pub began: Moment,
    /// Whether its fork is in the record.
    pub is_fork_known: bool,
    /// Its name before it executed anything.
    pub comm: Text,
    /// Its parent later on, where that is not whoever forked it, because they had ended.
    pub adopted_by: Option<u32>,
    /// What it did.
    pub acts: Vec<Act>,
    /// How it ended.
    pub end: Option<End>,
}

/// A moment, by both clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Moment {
    /// By the clock on the wall.
    pub time: Timestamp,
    /// In nanoseconds since boot: this orders them.
    pub boot_ns: u64,
}

/// Something that a process did.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Act {
    /// When.
    pub at: Moment,
    /// What.
    pub what: What,
}

/// What a process did.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// It executed a program.
    Executed(Command),
    /// It wanted to; see the verdict.
    #[serde(serialize_with = "serialize_blocked")]
    Blocked(Command, Verdict),
    /// It wanted to do something else.
    Operation(Operation),
}

/// A command and its verdict as one object.
fn serialize_blocked<S: Serializer>(
    command: &Command,
    verdict: &Verdict,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let Command { path, arguments, is_cut } = command;
    let mut object = serializer.serialize_struct("Blocked", 4)?;
    object.serialize_field("path", path)?;
    object.serialize_field("arguments", arguments)?;
    object.serialize_field("is_cut", is_cut)?;
    object.serialize_field("verdict", verdict)?;
    object.end()
}

/// A command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Command {
    /// The program's path.
    pub path: Text,
    /// The arguments, the program's own name first.
    pub arguments: Vec<Text>,
    /// Whether there were more.
    pub is_cut: bool,
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct End {
    /// When.
    pub at: Moment,
    /// Its exit code.
    pub code: Option<u8>,
    /// The signal that ended it.
    pub signal: Option<u8>,
    /// For how long it ran.
    pub run_time_ns: u64,
}

#[cfg(test)]
mod tests;
