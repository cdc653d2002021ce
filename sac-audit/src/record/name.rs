// SPDX-License-Identifier: MIT OR Apache-2.0
//! Names of events.

use super::Event;

impl Event {
    /// Its name, as it stands in records.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::SessionOpened { .. } => "session-opened",
            Self::SessionClosed { .. } => "session-closed",
            Self::SessionRefused { .. } => "session-refused",
            Self::SessionAdopted { .. } => "session-adopted",
            Self::IdentityChanged { .. } => "identity-changed",
            Self::SessionControlled { .. } => "session-controlled",
            Self::Executed(_) => "executed",
            Self::Blocked(_) => "blocked",
            Self::Forked { .. } => "forked",
            Self::Ended { .. } => "ended",
            Self::Operation(_) => "operation",
            Self::PolicyLoaded { .. } => "policy-loaded",
            Self::PolicyRefused { .. } => "policy-refused",
            Self::PolicyChanged { .. } => "policy-changed",
            Self::PolicyApplied { .. } => "policy-applied",
            Self::Granted(_) => "granted",
            Self::GrantEnded { .. } => "grant-ended",
            Self::Tamper { .. } => "tamper",
            Self::Unlabelled { .. } => "unlabelled",
            Self::LoaderStarted { .. } => "loader-started",
            Self::LoaderStopped { .. } => "loader-stopped",
            Self::EventsLost { .. } => "events-lost",
            Self::Checkpoint { .. } => "checkpoint",
            Self::ChainRepaired { .. } => "chain-repaired",
            Self::RecordsRemoved { .. } => "records-removed",
        }
    }
}
