// SPDX-License-Identifier: MIT OR Apache-2.0
//! How far each session has come: the writer numbers records by it, and whoever verifies them counts along.

use super::Place;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};

/// So many sessions are remembered after they were closed, for records that come late.
const CLOSED_MAX: usize = 1024;

/// The last sequence number of each session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sequences {
    sessions: BTreeMap<String, u64>,
    /// Those that were closed, the oldest first.
    closed: VecDeque<String>,
}

impl Sequences {
    /// The last one of a session; 0 where there is none.
    pub(crate) fn last(&self, id: &str) -> u64 {
        self.sessions.get(id).copied().unwrap_or(0)
    }

    /// Sets it.
    pub(crate) fn set(&mut self, id: &str, sequence: u64) {
        match self.sessions.get_mut(id) {
            Some(last) => *last = sequence,
            None => {
                self.sessions.insert(id.to_owned(), sequence);
            }
        }
    }

    /// Goes on from wherever either has come.
    pub(super) fn raise(&mut self, other: &Self) {
        for (id, sequence) in &other.sessions {
            self.set(id, self.last(id).max(*sequence));
        }
        other.closed.iter().for_each(|id| self.close(id));
    }

    /// Notes that a session was closed.
    pub(crate) fn close(&mut self, id: &str) {
        if self.closed.iter().any(|closed| closed == id) {
            return;
        }
        self.closed.push_back(id.to_owned());
        if self.closed.len() > CLOSED_MAX
            && let Some(oldest) = self.closed.pop_front()
        {
            self.sessions.remove(&oldest);
        }
    }

    /// Notes what a line says.
    pub(crate) fn note(&mut self, place: &Place) {
        if let Some(session) = &place.session {
            self.set(&session.id, session.sequence);
            if place.event == CLOSED {
                self.close(&session.id);
            }
        }
    }
}

/// The event that closes a session.
pub(crate) const CLOSED: &str = "session-closed";

/// The sequences up to a place of the chain, as they lie beside it, so that a restart need not read all of it. The chain is what
/// counts: where the two do not fit, it is read from its beginning.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Saved {
    pub(super) number: u64,
    pub(super) digest: String,
    #[serde(flatten)]
    pub(super) sequences: Sequences,
}

/// Where they lie.
pub(super) const SAVED: &str = "sequences.json";
