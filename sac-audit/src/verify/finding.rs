// SPDX-License-Identifier: MIT OR Apache-2.0
//! What can be wrong, in words for an auditor.

use std::fmt;

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Name of the file; empty where there is none.
    pub file: String,
    /// The line in it, from 1; 0 where it is about the whole file.
    pub line: u64,
    /// Number of the record, where there is one.
    pub number: Option<u64>,
    /// What.
    pub wrong: Wrong,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    /// A line is no record.
    #[error("this line is not a record: {0}")]
    NotARecord(String),
    /// A line has no end.
    #[error(
        "this line has no end: the file was cut off, or writing it was interrupted and the loader has not come back since"
    )]
    Unfinished,
    /// The SHA-256 of the line before is another one.
    #[error(
        "record {before} was changed or the one after it was: the SHA-256 of its line is {is}, and record {after} has {says}"
    )]
    Changed {
        /// Number of the record before.
        before: u64,
        /// Number of this record.
        after: u64,
        /// What its line has.
        is: String,
        /// What this record says.
        says: String,
    },
    /// Numbers are missing.
    #[error("records {from} to {to} are missing here: they were removed, or their file was")]
    Missing {
        /// The first one.
        from: u64,
        /// The last one.
        to: u64,
    },
    /// Numbers are missing, and the chain goes on without them.
    #[error("records {from} to {to} are missing here: they were gone when record {next} was written")]
    Gone {
        /// The first one.
        from: u64,
        /// The last one.
        to: u64,
        /// The one that was written then.
        next: u64,
    },
    /// A number that has been there, in a chain that fits.
    #[error(
        "the number of this record is {found} and should be {expected}, although it follows the one before"
    )]
    Number {
        /// What it should be.
        expected: u64,
        /// What it is.
        found: u64,
    },
    /// A number that has been there.
    #[error("record {found} stands after record {after}: it was moved, inserted or doubled")]
    OutOfOrder {
        /// The number.
        found: u64,
        /// The number of the line before.
        after: u64,
    },
    /// The first record says that there is one before it.
    #[error("record 1 says that there is a record before it")]
    First,
    /// A file does not begin with the record that it is named after.
    #[error("the file is named after record {named} and begins with record {found}")]
    FileName {
        /// What its name says.
        named: u64,
        /// What it begins with.
        found: u64,
    },
    /// The beginning is missing.
    #[error("records 1 to {to} are not there, and no record says that they were removed to make room")]
    Beginning {
        /// The last one that is missing.
        to: u64,
    },
    /// A session's sequence has a gap.
    #[error(
        "session {session}: its record {expected} should be here, and this is {found}: records of it were removed"
    )]
    Sequence {
        /// The session.
        session: String,
        /// What it should be.
        expected: u64,
        /// What it is.
        found: u64,
    },
    /// A checkpoint has another SHA-256.
    #[error(
        "record {number} is not the one that a checkpoint was made of: it or one before it was changed, or the chain was made anew; \
         the SHA-256 of its line is {is}, and the checkpoint has {checkpoint}"
    )]
    Checkpoint {
        /// The record.
        number: u64,
        /// What its line has.
        is: String,
        /// What the checkpoint has.
        checkpoint: String,
    },
    /// A checkpoint's record is missing, with others around it.
    #[error("a checkpoint was made of record {number}, which is not there")]
    CheckpointMissing {
        /// The record.
        number: u64,
    },
    /// The tail is missing.
    #[error(
        "the record ends at {last}, but a checkpoint was made of record {number}: what came after {last} was cut off"
    )]
    Tail {
        /// The last record.
        last: u64,
        /// The checkpoint's.
        number: u64,
    },
}

/// `FILE:LINE: what is wrong`.
impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.file.is_empty(), self.line) {
            (true, _) => {}
            (false, 0) => write!(formatter, "{}: ", self.file)?,
            (false, line) => write!(formatter, "{}:{line}: ", self.file)?,
        }
        self.wrong.fmt(formatter)
    }
}
