// SPDX-License-Identifier: MIT OR Apache-2.0
//! The record of what happened in sessions.
//!
//! [`record`] is its language: one JSON object for each thing that happened, documented in `docs/audit.md`. [`redact`] takes
//! secrets out before anything is written, [`chain`] writes files that show what was done to them, [`verify`] looks for it,
//! [`read`] finds records again, and [`tree`] makes the processes of a session of them. [`schema`] is the language for other
//! programs. [`sink`] is where records go besides their files, and [`config`] what `/etc/sac/audit.yaml` says about all of it.
//!
//! There are no threads here, and nothing waits but a sink for its network: what drives it says when.
#![forbid(unsafe_code)]

pub mod brief;
pub mod chain;
pub mod config;
pub mod read;
pub mod record;
pub mod redact;
pub mod report;
pub mod schema;
pub mod sink;
pub mod text;
pub mod tree;
pub mod verify;

#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;
