// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the kernel half could not tell: events that found no room in its ring buffers, counted there, of each session, and processes
//! whose begin or end the kernel passed by. Told of here.

use crate::daemon::{Shared, lock, record::Records, state::report};
use sac_audit::record::{Event, Severity};
use serde::{Deserialize, Serialize};
use std::{
    io,
    time::{Duration, Instant},
};

/// How long after something was told it is looked at whether something was lost.
const AFTER: Duration = Duration::from_secs(1);

/// What has been told of processes that the kernel passed by. Written down, because the kernel goes on counting while no loader is there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Told {
    /// The kernel's numbers of the programs that it counts for.
    programs: Vec<u32>,
    /// As in [`crate::bpf::Enforcement::passed_by`].
    passed_by: u64,
}

impl Told {
    /// What an earlier loader has told of the same programs; nothing has been told of others.
    fn of(programs: Vec<u32>, earlier: Option<Self>) -> Self {
        let passed_by = earlier.filter(|told| told.programs == programs).map_or(0, |told| told.passed_by);
        Self { programs, passed_by }
    }
}

/// The directory of what is written down, below `/run/sac`, and the name of that there.
const DIRECTORY: &str = "losses";
const NAME: &str = "passed-by";

/// What an earlier loader has written down, and where.
fn earlier() -> io::Result<(Records, Option<Told>)> {
    let records = Records::open(DIRECTORY)?;
    let earlier = records.read()?.pop();
    Ok((records, earlier))
}

/// When to look, and what has been told of.
#[derive(Debug)]
pub(super) struct Losses {
    due: Option<Instant>,
    told: Told,
    records: Option<Records>,
}

impl Losses {
    /// Goes on where an earlier loader has ended. Where that cannot be found out, for want of room maybe, rather too much is told of than
    /// nothing.
    pub(super) fn since_earlier(state: &Shared) -> Self {
        let (records, earlier) = match earlier() {
            Ok((records, earlier)) => (Some(records), earlier),
            Err(error) => {
                tracing::error!(%error, "cannot look up in /run/sac what was told of losses");
                (None, None)
            }
        };
        let told = Told::of(lock(state).enforcement.tracepoint_programs(), earlier);
        Self { due: Some(Instant::now()), told, records }
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
        if passed_by > self.told.passed_by {
            let count = passed_by - self.told.passed_by;
            let event = Event::EventsLost { count, by: "tracepoint".to_owned() };
            state.recorder.tell(None, Severity::High, event);
            self.told.passed_by = passed_by;
            report(self.records.as_ref().map_or(Ok(()), |records| records.write(NAME, &self.told)));
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

#[cfg(test)]
mod tests {
    use super::Told;

    #[test]
    fn what_an_earlier_loader_told_of_the_same_programs_is_not_told_again() {
        let earlier = Told { programs: vec![3, 4], passed_by: 7 };
        assert_eq!(Told::of(vec![3, 4], Some(earlier.clone())), earlier);
        // Of a program that was loaded since, what it has counted is new.
        assert_eq!(Told::of(vec![5, 6], Some(earlier)).passed_by, 0);
        assert_eq!(Told::of(vec![3, 4], None).passed_by, 0);
    }
}
