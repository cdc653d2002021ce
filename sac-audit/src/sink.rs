// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where the record goes besides its files.
//!
//! A sink is three things: a [`format`] that makes messages of records, a [`transport`] that hands them over, and a [`Delivery`] that
//! drives both and knows how far they came. The record's own files are the spool: a sink keeps a [`cursor`] into them and no
//! copy. Nothing here has a thread of its own, and every wait has a limit, so that whoever drives the sinks decides what waits for
//! what. No session ever waits for any of it.

pub mod address;
pub mod cursor;
pub mod delivery;
pub(crate) mod facts;
pub(crate) mod fields;
pub mod files;
pub mod filter;
pub mod format;
mod message;
pub mod metrics;
pub mod open;
pub mod throttle;
pub mod transport;

pub use delivery::{Delivery, Outcome, Source};
pub use facts::EVENT_NAMES;
pub use filter::Filter;
pub use message::message;
pub use open::open;

#[cfg(test)]
mod samples;
