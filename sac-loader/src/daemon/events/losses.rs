// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the kernel half could not tell: events that found no room in its ring buffers, counted there, of each session, and processes
//! whose begin or end the kernel passed by. Told of here.

use crate::daemon::{Shared, lock, state::report};
use sac_audit::record::{Event, Severity};
use std::time::{Duration, Instant};

/// How long after something was told it is looked at whether something was lost.
const AFTER: Duration = Duration::from_secs(1);

/// When to look, and what has been told of.
#[derive(Debug)]
pub(super) struct Losses {
    due: Option<Instant>,
    /// As in [`crate::bpf::Enforcement::passed_by`].
    passed_by: u64,
}

impl Losses {
    /// What was lost up to here is not told of: whoever was there before has done so.
    pub(super) fn from_now_on(state: &Shared) -> Self {
        Self { due: None, passed_by: lock(state).enforcement.passed_by() }
    }

    /// Where events come some may have found no room.
    pub(super) fn expect(&mut self) {
        self.due.get_or_insert_with(|| Instant::now() + AFTER);
    }

    /// When it is time; never while nothing happens.
    pub(super) const fn next_due(&self) -> Option<Instant> {
        self.due
    }

    /// Tells of what was lost since it was told of the last time.
    pub(super) fn look(&mut self, state: &Shared) {
        if self.due.is_none_or(|at| Instant::now() < at) {
            return;
        }
        self.due = None;
        let mut state = lock(state);
        let passed_by = state.enforcement.passed_by();
        if passed_by > self.passed_by {
            let event = Event::EventsLost { count: passed_by - self.passed_by, by: "tracepoint".to_owned() };
            state.recorder.tell(None, Severity::High, event);
            self.passed_by = passed_by;
        }
        let lost: Vec<_> = state
            .registry()
            .sessions()
            .map(|(id, session)| (id, state.counters(session.scope.cgroup_id).events_lost, session.lost_told))
            .filter(|(_, lost, told)| lost > told)
            .collect();
        for (id, lost, told) in lost {
            let Some(session) = state.registry.session_mut(id) else { continue };
            session.lost_told = lost;
            let session = session.clone();
            // Written down, so that a loader that comes after this one does not tell of it again.
            report(state.session_records.write(&id.to_string(), &session));
            let event = Event::EventsLost { count: lost - told, by: "kernel".to_owned() };
            state.recorder.tell(Some(session.in_record()), Severity::High, event);
        }
    }
}
