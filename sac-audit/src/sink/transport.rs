// SPDX-License-Identifier: MIT OR Apache-2.0
//! Transports: how messages get to a receiver.
//!
//! Each call comes back within the time that the configuration allows, whatever the receiver does. Names of hosts are the exception:
//! the system's resolver has limits of its own (`resolv.conf`), so where time matters the configuration has addresses.

mod bounded;
pub mod datagram;
pub mod http;
pub mod stream;
pub mod tls;

use super::format::Message;
use std::time::Duration;

/// Hands messages over.
pub trait Transport: Send {
    /// Sends messages in order.
    ///
    /// # Errors
    ///
    /// How far it came and why it stopped there.
    fn send(&mut self, batch: &[Message]) -> Result<Sent, Failure>;

    /// Looks whether the receiver is still there, without waiting. Asked also when there is nothing to send.
    ///
    /// # Errors
    ///
    /// The connection is broken: what was sent within [`Self::doubt`] may not have arrived.
    fn check(&mut self) -> Result<(), Failure> {
        Ok(())
    }

    /// How long it takes until what was sent is known to have arrived, unless a check finds the connection broken before.
    fn doubt(&self) -> Duration {
        Duration::ZERO
    }
}

/// All messages were handed over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sent {
    /// How many records among them the receiver did not take, and will not.
    pub refused: u64,
    /// What it said about them.
    pub reason: Option<String>,
}

/// Not all messages were handed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// How many messages were.
    pub sent: usize,
    /// Whether the next one can be tried again. If not, it never gets through.
    pub retry: bool,
    /// When the receiver wants to be asked again.
    pub retry_after: Option<Duration>,
    /// What happened.
    pub reason: String,
}

impl Failure {
    /// The message after the first `sent` ones can be tried again.
    pub(crate) fn passing(sent: usize, reason: impl ToString) -> Self {
        Self { sent, retry: true, retry_after: None, reason: reason.to_string() }
    }

    /// The message after the first `sent` ones will never get through.
    pub(crate) fn lasting(sent: usize, reason: impl ToString) -> Self {
        Self { retry: false, ..Self::passing(sent, reason) }
    }
}

#[cfg(test)]
pub(crate) mod tests;
