// SPDX-License-Identifier: MIT OR Apache-2.0
//! Entries that wait to be written, as many as there is room for, and what there was no room for.

use super::{LINE_BYTES_MAX, Now};
use crate::record::{Entry, Event, Session, Severity};
use std::collections::{BTreeMap, VecDeque};
use std::io;

/// How many bytes of a line are not the entry's: its place, the host and the boot.
const PLACE_BYTES_MAX: usize = 1024;
/// For so many sessions losses are counted apart; those of further ones are put together.
const SESSIONS_MAX: usize = 1024;
/// The name of the files among what loses events.
const BY: &str = "record";

/// The entries, the oldest first.
#[derive(Debug)]
pub(super) struct Queue {
    waiting: VecDeque<Waiting>,
    bytes: usize,
    bytes_max: usize,
    losses: BTreeMap<Option<String>, Loss>,
    lost: u64,
}

#[derive(Debug)]
struct Waiting {
    entry: Entry,
    bytes: usize,
}

impl Waiting {
    fn of(entry: Entry) -> Self {
        Self { bytes: size(&entry), entry }
    }
}

#[derive(Debug)]
struct Loss {
    session: Option<Session>,
    count: u64,
}

impl Queue {
    pub(super) const fn new(bytes_max: usize) -> Self {
        Self { waiting: VecDeque::new(), bytes: 0, bytes_max, losses: BTreeMap::new(), lost: 0 }
    }

    /// Takes an entry, or counts it as lost. What was lost before it is said before it.
    pub(super) fn push(&mut self, entry: Entry) {
        let bytes = size(&entry);
        if bytes > LINE_BYTES_MAX - PLACE_BYTES_MAX || self.bytes.saturating_add(bytes) > self.bytes_max {
            return self.lose(&entry);
        }
        self.settle(Now { time: entry.time, boot_ns: entry.boot_ns });
        self.push_back(Waiting { entry, bytes });
    }

    /// Puts what was lost into words; whether there was anything.
    pub(super) fn settle(&mut self, now: Now) -> bool {
        let losses = std::mem::take(&mut self.losses);
        let any = !losses.is_empty();
        for Loss { session, count } in losses.into_values() {
            let event = Event::EventsLost { count, by: BY.to_owned() };
            self.push_back(Waiting::of(Entry { session, ..own(event, now) }));
        }
        any
    }

    /// Puts something of the writer's own before everything else, unless it is there already.
    pub(super) fn push_own(&mut self, event: Event, now: Now) {
        if self.waiting.iter().take(8).all(|waiting| waiting.entry.event != event) {
            self.give_back(own(event, now));
        }
    }

    /// Takes the oldest.
    pub(super) fn pop(&mut self) -> Option<Entry> {
        let waiting = self.waiting.pop_front()?;
        self.bytes -= waiting.bytes;
        Some(waiting.entry)
    }

    /// Puts one back that could not be written.
    pub(super) fn give_back(&mut self, entry: Entry) {
        let waiting = Waiting::of(entry);
        self.bytes += waiting.bytes;
        self.waiting.push_front(waiting);
    }

    /// Counts an entry as lost.
    pub(super) fn lose(&mut self, entry: &Entry) {
        self.lost += 1;
        let id = entry.session.as_ref().map(|session| session.id.clone());
        let is_known = self.losses.contains_key(&id);
        let (id, session) = match &entry.session {
            Some(session) if is_known || self.losses.len() < SESSIONS_MAX => (id, Some(session.clone())),
            _ => (None, None),
        };
        self.losses.entry(id).or_insert(Loss { session, count: 0 }).count += 1;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// How many were lost since the start.
    pub(super) const fn lost(&self) -> u64 {
        self.lost
    }

    fn push_back(&mut self, waiting: Waiting) {
        self.bytes += waiting.bytes;
        self.waiting.push_back(waiting);
    }
}

/// An entry about the record itself.
pub(super) fn own(event: Event, now: Now) -> Entry {
    let severity = match event {
        Event::Checkpoint {} | Event::RecordsRemoved { .. } => Severity::Info,
        Event::Tamper { .. } => Severity::Critical,
        _ => Severity::High,
    };
    Entry { time: now.time, boot_ns: now.boot_ns, severity, session: None, event }
}

/// How long it is in a line.
fn size(entry: &Entry) -> usize {
    let mut counter = Counter(0);
    // What cannot be put into a line has no room in one.
    serde_json::to_writer(&mut counter, entry).map_or(usize::MAX, |()| counter.0)
}

struct Counter(usize);

impl io::Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
