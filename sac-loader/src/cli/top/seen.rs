// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sessions as the record has them, for when the daemon cannot be asked. Reading begins somewhere in the record, so numbers are counts
//! of what was read.

use crate::control::SessionInfo;
use sac_audit::brief::{Tone, tone};
use sac_audit::record::{Event, Operation, Record, Session};
use std::collections::BTreeMap;

/// So many are kept. Ids grow with time, so the oldest go.
const SESSIONS_MAX: usize = 1000;

/// Sessions that were not closed, by their ids.
#[derive(Debug, Default)]
pub(super) struct Seen(BTreeMap<String, SessionInfo>);

impl Seen {
    /// Takes in a record. Those of one session are in order.
    pub(super) fn take(&mut self, record: &Record) {
        let Some(session) = &record.entry.session else { return };
        if matches!(record.entry.event, Event::SessionClosed { .. }) {
            self.0.remove(&session.id);
            return;
        }
        let known = self.0.entry(session.id.clone()).or_insert_with(|| first_seen(session, record));
        match &record.entry.event {
            Event::SessionOpened { policies, tty, groups, cgroup, .. } => {
                known.policy = policies.join(",");
                // sshd sets the terminal up after PAM, and calls it "ssh" until then.
                known.tty = tty.strip_prefix("/dev/").unwrap_or(tty).to_owned();
                if known.tty == "ssh" {
                    known.tty.clear();
                }
                known.groups.clone_from(groups);
                known.cgroup.clone_from(cgroup);
            }
            Event::SessionAdopted { policies } => known.policy = policies.join(","),
            Event::PolicyChanged { to_policies, .. } => known.policy = to_policies.join(","),
            Event::Forked { .. } => known.processes += 1,
            Event::Ended { .. } => known.processes = known.processes.saturating_sub(1),
            Event::Executed(execution) => {
                known.executed += 1;
                if let Some(tty) = &execution.process.tty {
                    known.tty.clone_from(tty);
                }
            }
            event @ (Event::Blocked(_) | Event::Operation(_)) if tone(event) == Tone::Blocked => {
                known.blocked += match event {
                    Event::Operation(Operation { count, .. }) => *count,
                    _ => 1,
                };
            }
            Event::EventsLost { count, .. } => known.events_lost += count,
            _ => {}
        }
        if self.0.len() > SESSIONS_MAX {
            self.0.pop_first();
        }
    }

    /// All of them.
    pub(super) fn list(&self) -> Vec<SessionInfo> {
        self.0.values().cloned().collect()
    }
}

fn first_seen(session: &Session, record: &Record) -> SessionInfo {
    SessionInfo {
        id: session.id.clone(),
        user: session.user.clone(),
        uid: session.uid,
        groups: Vec::new(),
        policy: String::new(),
        service: session.service.clone(),
        from: session.from.clone(),
        tty: String::new(),
        since: record.entry.time.to_string(),
        // The login service's.
        processes: 1,
        executed: 0,
        blocked: 0,
        events_lost: 0,
        cgroup: String::new(),
        frozen: false,
    }
}
