// SPDX-License-Identifier: MIT OR Apache-2.0
//! The writer. It is driven: [`Writer::append`] only takes, [`Writer::flush`] writes what waits, [`Writer::tick`] does what is due.
//!
//! Nothing here fails for its caller, panics, or waits for more than the disk does. What cannot be written waits, in bounded
//! memory; then it is counted, and a record says how much was lost as soon as one can be written. Numbers are given when a record is
//! written, so the chain has no gaps of the writer's own making.

mod batch;
mod keep;

use super::disk::{Directory, DiskError};
use super::queue::{Queue, own};
use super::restart::{Chain, Current, take_up};
use super::{Checkpoint, Digest, Now, Origin, Settings, State, Status, Synchronise};
use crate::record::{Entry, Event, Record};
use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::fs::MetadataExt as _;

/// After so many records sequences are saved, so that a restart has to read no more than these.
const SAVED_EACH: u64 = 4096;
/// How long nothing is tried after something failed.
const RETRY_NS: u64 = 1_000_000_000;

/// A record that is in its file.
#[derive(Clone, Debug, PartialEq)]
pub struct Written {
    /// The record.
    pub record: Record,
    /// Its line, without the newline.
    pub line: String,
    /// SHA-256 of the line.
    pub digest: Digest,
}

/// What making a checkpoint came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpointed {
    /// The place in the chain; `None` while nothing can be written.
    pub checkpoint: Option<Checkpoint>,
    /// What was written on the way.
    pub written: Vec<Written>,
}

/// One `write(2)`; tests have worse ones.
type Write = fn(&File, &[u8]) -> io::Result<usize>;

/// The writer of a directory. There is one for each at a time: it holds a lock.
#[derive(Debug)]
pub struct Writer {
    settings: Settings,
    origin: Origin,
    queue: Queue,
    /// Where the chain ends; kept while the directory cannot be reached.
    chain: Option<Chain>,
    open: Option<Open>,
    /// Files that go once the record is written that says so.
    leaving: Vec<String>,
    /// Whether it is written.
    may_leave: bool,
    state: State,
    /// Whether the last record says that files go.
    is_removal_last: bool,
    removal_fault: Option<String>,
    written: u64,
    retry_boot_ns: u64,
    pub(super) write: Write,
}

#[derive(Debug)]
struct Open {
    directory: Directory,
    current: Option<Current>,
    /// When the first thing was written that may not be on the disk.
    written_boot_ns: Option<u64>,
    /// How many records came since sequences were saved.
    unsaved: u64,
}

impl Writer {
    /// A writer. Nothing is opened before the first flush.
    #[must_use]
    pub fn new(settings: Settings, origin: Origin) -> Self {
        Self {
            queue: Queue::new(settings.waiting_bytes_max),
            settings,
            origin,
            chain: None,
            open: None,
            leaving: Vec::new(),
            may_leave: false,
            state: State::Starting,
            is_removal_last: false,
            removal_fault: None,
            written: 0,
            retry_boot_ns: 0,
            write: |mut file, bytes| file.write(bytes),
        }
    }

    /// Takes an entry. Its session's sequence is set when it is written. Without room it is counted as lost.
    pub fn append(&mut self, entry: Entry) {
        self.queue.push(entry);
    }

    /// Writes what waits, and returns what was written. After a failure nothing is tried for a second.
    pub fn flush(&mut self, now: Now) -> Vec<Written> {
        let mut written = Vec::new();
        if matches!(self.state, State::Failing { .. }) && now.boot_ns < self.retry_boot_ns {
            return written;
        }
        match self.write_waiting(now, &mut written) {
            Ok(()) => self.state = State::Writing,
            Err(error) => self.fail(&error, now),
        }
        written
    }

    /// Does what is due: writes what waits, brings it to the disk, tries again what failed. To be called each second, or oftener.
    pub fn tick(&mut self, now: Now) -> Vec<Written> {
        let written = self.flush(now);
        if let (Synchronise::Every(after), Some(open)) = (self.settings.synchronise, &self.open)
            && let Some(since) = open.written_boot_ns
            && u128::from(now.boot_ns.saturating_sub(since)) >= after.as_nanos()
        {
            self.synchronise().unwrap_or_else(|error| self.fail(&error, now));
        }
        written
    }

    /// Writes a checkpoint, unless the last record is one already, brings everything to the disk, and says where the chain is.
    pub fn checkpoint(&mut self, now: Now) -> Checkpointed {
        let mut written = self.flush(now);
        if !self.chain.as_ref().is_some_and(|chain| chain.is_checkpoint) {
            self.append(own(Event::Checkpoint {}, now));
            written.extend(self.flush(now));
        }
        if self.state == State::Writing {
            self.synchronise().unwrap_or_else(|error| self.fail(&error, now));
        }
        let chain = self.chain.as_ref().filter(|chain| self.state == State::Writing && chain.is_checkpoint);
        let checkpoint = chain.map(|chain| Checkpoint { number: chain.number, digest: chain.digest });
        Checkpointed { checkpoint, written }
    }

    /// Writes what waits, brings it to the disk, and lets go of the directory. What could not be written is lost: see the status.
    pub fn close(mut self, now: Now) -> (Vec<Written>, Status) {
        self.retry_boot_ns = 0;
        let written = self.flush(now);
        self.save().unwrap_or_else(|error| self.fail(&error, now));
        (written, self.status())
    }

    /// How it is.
    #[must_use]
    pub fn status(&self) -> Status {
        Status {
            state: self.state.clone(),
            removal_fault: self.removal_fault.clone(),
            waiting: self.queue.len(),
            waiting_bytes: self.queue.bytes(),
            written: self.written,
            lost: self.queue.lost(),
            last_number: self.chain.as_ref().map_or(0, |chain| chain.number),
        }
    }

    fn fail(&mut self, error: &DiskError, now: Now) {
        self.state = State::Failing { reason: error.to_string() };
        self.retry_boot_ns = now.boot_ns.saturating_add(RETRY_NS);
    }

    fn write_waiting(&mut self, now: Now, written: &mut Vec<Written>) -> Result<(), DiskError> {
        self.take_up(now)?;
        self.look_for_others(now);
        while !self.queue.is_empty() || self.queue.settle(now) {
            // A write that could not be undone leaves the directory to be taken up again.
            self.take_up(now)?;
            self.provide_file(now)?;
            self.write_batch(now, written)?;
            self.remove_leaving();
        }
        if self.settings.synchronise == Synchronise::EachBatch && !written.is_empty() {
            self.synchronise()?;
        }
        Ok(())
    }

    /// Opens the directory, if it is not open, and finds the end of the chain.
    fn take_up(&mut self, now: Now) -> Result<(), DiskError> {
        if self.open.is_some() {
            return Ok(());
        }
        let directory = Directory::open(&self.settings.directory, self.settings.group)?;
        let mut found = take_up(&directory)?;
        match &self.chain {
            Some(chain) if (chain.number, chain.digest) != (found.chain.number, found.chain.digest) => {
                let what =
                    format!("the record ends at {} and not at {} any more", found.chain.number, chain.number);
                found.events.push(Event::Tamper { what });
                // What was written here goes on, in a file of its own, so that the gap shows.
                found.current = None;
            }
            Some(_) => {}
            None => self.chain = Some(found.chain),
        }
        found.events.into_iter().rev().for_each(|event| self.queue.push_own(event, now));
        self.open =
            Some(Open { directory, current: found.current, written_boot_ns: None, unsaved: SAVED_EACH });
        Ok(())
    }

    /// Whether the file is as it was left. If not, the chain goes on in another one and says so.
    fn look_for_others(&mut self, now: Now) {
        let Some(open) = &mut self.open else { return };
        let Some(current) = &open.current else { return };
        let Ok(status) = current.file.metadata() else { return };
        let what = if status.nlink() == 0 {
            format!("{} was removed while it was written to", current.name)
        } else if status.len() != current.bytes {
            format!("{} has {} bytes instead of {}", current.name, status.len(), current.bytes)
        } else {
            return;
        };
        open.current = None;
        self.queue.push_own(Event::Tamper { what }, now);
    }
}
