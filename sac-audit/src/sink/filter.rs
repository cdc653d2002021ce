// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which records a sink is for.

use super::facts::{is_blocked, policies};
use crate::record::{Record, Severity};

/// All that is said must hold; what is not said lets everything pass.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Names of events; empty for all.
    pub events: Vec<String>,
    /// The least severity.
    pub severity: Severity,
    /// Policies; empty for all. A record that is about no policy does not pass.
    pub policies: Vec<String>,
    /// Whether only what did not go ahead passes.
    pub blocked: bool,
    /// Whether only alerts pass: what is of severity high or above, or did not go ahead.
    pub alerts: bool,
}

impl Filter {
    /// Whether the record is for this sink.
    #[must_use]
    pub fn passes(&self, record: &Record) -> bool {
        let Self { events, severity, policies: wanted, blocked, alerts } = self;
        let entry = &record.entry;
        let is_blocked = is_blocked(&entry.event);
        (events.is_empty() || events.iter().any(|event| event == entry.event.name()))
            && entry.severity >= *severity
            && (wanted.is_empty()
                || policies(record).iter().any(|policy| wanted.iter().any(|name| name == policy)))
            && (!blocked || is_blocked)
            && (!alerts || is_blocked || entry.severity >= Severity::High)
    }
}

#[cfg(test)]
mod tests;
