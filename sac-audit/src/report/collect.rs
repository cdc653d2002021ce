// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a report is made of, from records one after the other, in bounded memory.
//!
//! Everything is counted; rows are kept as long as there is room. What was blocked has room of its own, so that nobody can hide it
//! behind what they were allowed to do.

use crate::brief::{Tone, tone};
use crate::chain::{Checkpoint, Digest};
use crate::read::{Filter, Found};
use crate::record::{Event, Record, Session, Totals};
use jiff::Timestamp;
use std::collections::{HashMap, HashSet};

/// So many rows of each kind are shown: of processes, of what was blocked, and of what else happened. The others are counted.
pub const ROWS_MAX: usize = 20_000;
/// So many sessions are shown; the others are counted.
pub const SESSIONS_MAX: usize = 1_000;

/// What a report is made of.
#[derive(Debug)]
pub struct Collected {
    pub(super) filter: Filter,
    pub(super) host: String,
    pub(super) first: Option<(Checkpoint, Timestamp)>,
    pub(super) last: Option<(Checkpoint, Timestamp)>,
    pub(super) sums: Sums,
    pub(super) sessions: Vec<Part>,
    /// How many sessions there was no room for.
    pub(super) sessions_left_out: HashSet<String>,
    /// What happened outside of sessions.
    machine: Vec<Record>,
    /// The policies that were in force when it began.
    pub(super) policies_before: Option<Record>,
    /// How many records there was no room for.
    pub(super) left_out: u64,
    places: HashMap<String, usize>,
    kept: Kept,
}

/// How often what happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sums {
    pub(super) records: u64,
    pub(super) executed: u64,
    pub(super) blocked: u64,
    pub(super) would_block: u64,
    pub(super) refused: u64,
    pub(super) lost: u64,
}

/// A session.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) session: Session,
    pub(super) first: Timestamp,
    pub(super) last: Timestamp,
    pub(super) opened: Option<Opened>,
    pub(super) closed: Option<(Timestamp, Totals, u64)>,
    /// The policies that held last.
    pub(super) policies: Vec<String>,
    pub(super) sums: Sums,
    pub(super) records: Vec<Record>,
    pub(super) left_out: u64,
    /// Processes whose end is wanted.
    living: HashSet<u32>,
}

/// How a session was opened.
#[derive(Clone, Debug)]
pub(super) struct Opened {
    pub(super) time: Timestamp,
    pub(super) tty: String,
    pub(super) groups: Vec<String>,
}

/// How many rows there are already.
#[derive(Clone, Copy, Debug, Default)]
struct Kept {
    blocked: usize,
    processes: usize,
    others: usize,
}

impl Collected {
    /// Of those records that fit a filter.
    #[must_use]
    pub fn new(filter: Filter) -> Self {
        Self {
            filter,
            host: String::new(),
            first: None,
            last: None,
            sums: Sums::default(),
            sessions: Vec::new(),
            sessions_left_out: HashSet::new(),
            machine: Vec::new(),
            policies_before: None,
            left_out: 0,
            places: HashMap::new(),
            kept: Kept::default(),
        }
    }

    /// The next record of all that there are: what happened on the machine meanwhile is part of a report of one session.
    pub fn add(&mut self, found: Found) {
        let Found { record, line } = found;
        let is_wanted = self.filter.matches(&record);
        if is_wanted {
            let checkpoint = Checkpoint { number: record.number, digest: Digest::of(&line) };
            self.first.get_or_insert((checkpoint, record.entry.time));
            self.last = Some((checkpoint, record.entry.time));
            self.sums.count(&record.entry.event);
        } else if self.first.is_none() && matches!(record.entry.event, Event::PolicyLoaded { .. }) {
            self.policies_before = Some(record);
            return;
        }
        if self.host.is_empty() {
            self.host.clone_from(&record.host);
        }
        match &record.entry.session {
            Some(session) if is_wanted => match self.place(session.clone(), record.entry.time) {
                Some(place) => self.add_to_session(place, record),
                None => self.left_out += 1,
            },
            Some(_of_others) => {}
            None if is_wanted || self.first.is_some() && concerns_all(&record.entry.event) => {
                self.add_to_machine(record);
            }
            None => {}
        }
    }

    /// Whether there is nothing to report.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    /// What happened outside of sessions, as long as it went on.
    pub(super) fn machine(&self) -> impl Iterator<Item = &Record> {
        let is_narrow = self.filter.session.is_some() || self.filter.user.is_some();
        let last = self.last.map_or(0, |(checkpoint, _time)| checkpoint.number);
        self.machine.iter().filter(move |record| !is_narrow || record.number <= last)
    }

    /// All records that are shown, by session and then of the machine.
    pub(super) fn records(&self) -> impl Iterator<Item = &Record> {
        self.sessions.iter().flat_map(|part| &part.records).chain(self.machine())
    }

    /// The place of a session, if there is room for it.
    fn place(&mut self, session: Session, time: Timestamp) -> Option<usize> {
        if let Some(place) = self.places.get(&session.id) {
            return Some(*place);
        }
        if self.sessions.len() >= SESSIONS_MAX {
            // Their ids are bounded as well.
            if self.sessions_left_out.len() < ROWS_MAX {
                self.sessions_left_out.insert(session.id);
            }
            return None;
        }
        let place = self.sessions.len();
        self.places.insert(session.id.clone(), place);
        self.sessions.push(Part {
            session,
            first: time,
            last: time,
            opened: None,
            closed: None,
            policies: Vec::new(),
            sums: Sums::default(),
            records: Vec::new(),
            left_out: 0,
            living: HashSet::new(),
        });
        Some(place)
    }

    fn add_to_session(&mut self, place: usize, record: Record) {
        let Some(part) = self.sessions.get_mut(place) else { return };
        part.learn(&record);
        if self.kept.has_room(&record.entry.event, &mut part.living) {
            part.records.push(record);
        } else {
            part.left_out += 1;
            self.left_out += 1;
        }
    }

    fn add_to_machine(&mut self, record: Record) {
        if self.kept.has_room(&record.entry.event, &mut HashSet::new()) {
            self.machine.push(record);
        } else {
            self.left_out += 1;
        }
    }
}

impl Sums {
    fn count(&mut self, event: &Event) {
        self.records += 1;
        match (tone(event), event) {
            (_, Event::SessionRefused { .. }) => self.refused += 1,
            (Tone::Blocked, Event::Operation(operation)) => self.blocked += operation.count,
            (Tone::Blocked, _) => self.blocked += 1,
            (Tone::WouldBlock, Event::Operation(operation)) => self.would_block += operation.count,
            (Tone::WouldBlock, _) => self.would_block += 1,
            (_, Event::Executed(_)) => self.executed += 1,
            (_, Event::EventsLost { count, .. }) => self.lost = self.lost.saturating_add(*count),
            _ => {}
        }
    }
}

impl Part {
    fn learn(&mut self, record: &Record) {
        let time = record.entry.time;
        self.last = time;
        self.sums.count(&record.entry.event);
        match &record.entry.event {
            Event::SessionOpened { policies, tty, groups, .. } => {
                self.opened = Some(Opened { time, tty: tty.clone(), groups: groups.clone() });
                self.policies.clone_from(policies);
            }
            Event::SessionAdopted { policies } | Event::PolicyChanged { to_policies: policies, .. } => {
                self.policies.clone_from(policies);
            }
            Event::SessionClosed { totals, duration_ms } => self.closed = Some((time, *totals, *duration_ms)),
            _ => {}
        }
    }
}

impl Kept {
    /// Whether there is room for a row; it is taken.
    fn has_room(&mut self, event: &Event, living: &mut HashSet<u32>) -> bool {
        let rows = match (tone(event), event) {
            // How it ended is in the row of a process, and not a row of its own.
            (_, Event::Ended { pid, .. }) if living.remove(pid) => return true,
            (Tone::Blocked | Tone::WouldBlock, _) => &mut self.blocked,
            (_, Event::Executed(_) | Event::Forked { .. } | Event::Ended { .. }) => &mut self.processes,
            _ => &mut self.others,
        };
        if *rows >= ROWS_MAX {
            return false;
        }
        *rows += 1;
        match event {
            Event::Forked { pid, .. } => living.insert(*pid),
            Event::Executed(execution) => living.insert(execution.process.pid),
            _ => false,
        };
        true
    }
}

/// Whether something outside of sessions concerns each of them.
const fn concerns_all(event: &Event) -> bool {
    matches!(
        event,
        Event::PolicyLoaded { .. }
            | Event::PolicyRefused { .. }
            | Event::PolicyApplied { .. }
            | Event::Tamper { .. }
            | Event::LoaderStarted { .. }
            | Event::LoaderStopped {}
            | Event::EventsLost { .. }
            | Event::ChainRepaired { .. }
            | Event::RecordsRemoved { .. }
    )
}
