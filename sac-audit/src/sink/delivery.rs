// SPDX-License-Identifier: MIT OR Apache-2.0
//! How a sink gets the record: in order, each record at least once, what is lost counted.
//!
//! A [`Delivery`] is driven: whoever has it calls [`Delivery::step`] when there are new records or when its time has come, and
//! learns from it when that is next. A step sends one batch at most. What was handed over and is not certain to have arrived is
//! handed over again if the connection breaks; the [`Cursor`]'s file has what is certain.

mod progress;

use super::cursor::{Cursor, Position};
use super::filter::Filter;
use super::format::{Format, Identity, Message};
use super::throttle::Throttle;
use super::transport::{Failure, Transport};
use crate::record::Record;
use progress::Progress;
use std::io;
use std::time::{Duration, Instant};

/// The record's files, as a sink reads them.
pub trait Source {
    /// Records after this number, in order, at most `max`; none where there are none yet.
    ///
    /// # Errors
    ///
    /// The files cannot be read.
    fn next_after(&mut self, number: u64, max: usize) -> io::Result<Vec<Record>>;

    /// Number of the first record that is still there; one more than the last one where there is none.
    fn first_available(&self) -> u64;

    /// Number of the last record; 0 where there was none ever.
    fn last(&self) -> u64;
}

/// What a sink is made of.
pub struct Parts {
    /// Its name.
    pub name: String,
    /// Which records it is for.
    pub filter: Filter,
    /// What it makes of them.
    pub format: Format,
    /// How they get there.
    pub transport: Box<dyn Transport>,
    /// How many messages a minute may have.
    pub throttle: Option<Throttle>,
    /// How far it came.
    pub cursor: Cursor,
    /// Who sends.
    pub identity: Identity,
}

/// What a step came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// When the next step has something to do; earlier where there are new records and nothing failed.
    pub next_try: Instant,
    /// Records that were handed over.
    pub delivered: u64,
    /// Records that this sink never gets: their files are gone, or the receiver refused them for good. The caller writes them
    /// down as `events-lost`.
    pub lost: u64,
    /// Records that are not delivered yet, those that are not for this sink included.
    pub queue: u64,
    /// What went wrong, for the log.
    pub fault: Option<String>,
}

/// Most records in one batch.
const BATCH_MAX: usize = 128;
/// The first wait after a failure; each further one is twice as long.
const BACKOFF_MIN: Duration = Duration::from_millis(500);
/// The longest wait.
const BACKOFF_MAX: Duration = Duration::from_secs(60);
/// How often a connection is looked at when there is nothing to send.
const IDLE: Duration = Duration::from_secs(1);

/// How often the cursor is written: each time costs the disk something, and what is not written is only delivered twice.
const CURSOR_EVERY: Duration = Duration::from_secs(1);

/// A sink at work.
pub struct Delivery {
    parts: Parts,
    progress: Progress,
    /// The number in the file.
    written: u64,
    /// When it was written.
    written_at: Option<Instant>,
    backoff: Duration,
    next_try: Option<Instant>,
    batch_max: usize,
}

impl Delivery {
    /// A sink that goes on where it was. A new one begins with what happens from now on; one whose file cannot be understood begins
    /// with the oldest record, because twice is better than never.
    ///
    /// # Errors
    ///
    /// The cursor's file cannot be read or written: the sink would not know what it has delivered.
    pub fn new(parts: Parts, source: &impl Source) -> io::Result<Self> {
        let position = match parts.cursor.read()? {
            // The end of the record may have been lost with the power; its numbers are given again.
            Position::After(number) if number <= source.last() => number,
            Position::New => source.last(),
            Position::After(_) | Position::Unknown => source.first_available().saturating_sub(1),
        };
        // Also that of a new sink, so that it misses nothing should it be down from the beginning.
        parts.cursor.write(position)?;
        Ok(Self {
            parts,
            progress: Progress::at(position),
            written: position,
            written_at: None,
            backoff: BACKOFF_MIN,
            next_try: None,
            batch_max: BATCH_MAX,
        })
    }

    /// The sink's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.parts.name
    }

    /// Does what there is to do at `now`: looks at the connection, sends one batch, and writes down how far it came.
    pub fn step(&mut self, source: &mut impl Source, now: Instant) -> Outcome {
        let mut outcome = Outcome { next_try: now + IDLE, delivered: 0, lost: 0, queue: 0, fault: None };
        if let Some(next_try) = self.next_try.filter(|next_try| *next_try > now) {
            outcome.next_try = next_try;
            outcome.queue = self.queue(source);
            return outcome;
        }
        self.next_try = None;
        match self.parts.transport.check() {
            Ok(()) => {
                self.progress.settle(self.parts.transport.doubt(), now);
                self.catch_up(source, &mut outcome);
                self.send(source, now, &mut outcome);
            }
            Err(failure) => self.failed(&failure, now, &mut outcome),
        }
        self.progress.settle(self.parts.transport.doubt(), now);
        let is_time =
            self.written_at.is_none_or(|written| now.saturating_duration_since(written) >= CURSOR_EVERY);
        if is_time {
            self.written_at = Some(now);
            if let Err(error) = self.write_cursor() {
                outcome.fault.get_or_insert(format!("the cursor cannot be written: {error}"));
            }
        }
        outcome.queue = self.queue(source);
        outcome
    }

    fn queue(&self, source: &impl Source) -> u64 {
        source.last().saturating_sub(self.progress.position())
    }

    /// Counts what is gone before it was sent, and finds its place in a record that begins anew.
    fn catch_up(&mut self, source: &impl Source, outcome: &mut Outcome) {
        let (first, last, position) = (source.first_available(), source.last(), self.progress.position());
        if position > last {
            outcome.fault = Some(format!(
                "record {position} was delivered, and the last one is {last}: the record begins anew, and so does the sink"
            ));
            self.progress.jump(first.saturating_sub(1));
        } else if position + 1 < first {
            let gone = first - 1 - position;
            outcome.lost += gone;
            outcome.fault = Some(format!("{gone} records were gone before they could be delivered"));
            self.progress.jump(first - 1);
        }
    }

    fn send(&mut self, source: &mut impl Source, now: Instant, outcome: &mut Outcome) {
        if !self.say_held_back(now, outcome) {
            return;
        }
        let records = match source.next_after(self.progress.position(), self.batch_max) {
            Ok(records) => records,
            Err(error) => {
                let failure = Failure::passing(0, format!("the record cannot be read: {error}"));
                return self.failed(&failure, now, outcome);
            }
        };
        let Some(last) = records.last().map(|record| record.number) else {
            return;
        };
        outcome.next_try = now;
        let from = self.progress.position();
        let numbers: Vec<u64> = records.iter().map(|record| record.number).collect();
        let mut passing: Vec<Record> =
            records.into_iter().filter(|record| self.parts.filter.passes(record)).collect();
        let beyond = self.beyond_limit(&passing, now);
        let held: Vec<u64> = passing.drain(beyond..).map(|record| record.number).collect();
        if self.hand_over(&passing, now, outcome) {
            let throttle = self.parts.throttle.as_mut();
            if let Some(throttle) = throttle {
                held.into_iter().for_each(|number| throttle.hold(number));
            }
            self.progress.advance(last, now);
        }
        // Numbers are given without gaps, so what is missing cannot be read any more.
        outcome.lost += self.progress.gaps(from, &numbers);
    }

    /// How many records there may be messages for now.
    fn beyond_limit(&mut self, records: &[Record], now: Instant) -> usize {
        let throttle = self.parts.throttle.as_mut();
        throttle.map_or(records.len(), |throttle| throttle.available(now).min(records.len()))
    }

    /// Sends the records, and says whether all of them are dealt with.
    fn hand_over(&mut self, records: &[Record], now: Instant, outcome: &mut Outcome) -> bool {
        if records.is_empty() {
            return true;
        }
        let messages = self.parts.format.encode(records, &self.parts.identity);
        let sent = self.parts.transport.send(&messages);
        let messages_sent = sent.as_ref().map_or_else(|failure| failure.sent, |_| messages.len());
        let done = self.count_sent(&messages[..messages_sent], records, now, outcome);
        match sent {
            Ok(sent) => {
                outcome.lost += sent.refused;
                outcome.delivered = outcome.delivered.saturating_sub(sent.refused);
                outcome.fault = sent.reason.or(outcome.fault.take());
                self.backoff = BACKOFF_MIN;
                self.batch_max = (self.batch_max * 2).min(BATCH_MAX);
                true
            }
            Err(failure) => {
                // A receiver that is slow, and confirms what it takes, is not one that is down.
                if done > 0 && self.parts.transport.doubt().is_zero() {
                    self.backoff = BACKOFF_MIN;
                }
                let refused = messages.get(messages_sent).map_or(0, |message| message.records);
                let refused = &records[done..(done + refused).min(records.len())];
                self.not_sent(&failure, refused, now, outcome);
                false
            }
        }
    }

    /// Counts messages that were handed over, and returns how many records were in them.
    fn count_sent(
        &mut self,
        sent: &[Message],
        records: &[Record],
        now: Instant,
        outcome: &mut Outcome,
    ) -> usize {
        if let Some(throttle) = &mut self.parts.throttle {
            throttle.take(sent.len());
        }
        let done = sent.iter().map(|message| message.records).sum::<usize>().min(records.len());
        if let Some(last) = records[..done].last() {
            outcome.delivered += done as u64;
            self.progress.advance(last.number, now);
        }
        done
    }

    /// What could not be sent is tried again, or never: then one by one, so that a record that is refused takes no others with it.
    fn not_sent(&mut self, failure: &Failure, refused: &[Record], now: Instant, outcome: &mut Outcome) {
        if failure.retry {
            return self.failed(failure, now, outcome);
        }
        outcome.fault = Some(failure.reason.clone());
        outcome.next_try = now;
        match refused {
            [record] => {
                outcome.lost += 1;
                self.progress.advance(record.number, now);
            }
            _ => self.batch_max = 1,
        }
    }

    /// Says what a limit held back, as soon as it may, and whether things can go on.
    fn say_held_back(&mut self, now: Instant, outcome: &mut Outcome) -> bool {
        let Some(throttle) = &mut self.parts.throttle else {
            return true;
        };
        let Some(held) = throttle.due(now) else {
            return true;
        };
        let Some(message) = self.parts.format.held_back(&held) else {
            throttle.said(now);
            return true;
        };
        match self.parts.transport.send(&[message]) {
            Ok(_) => {
                throttle.take(1);
                throttle.said(now);
                self.progress.settle(self.parts.transport.doubt(), now);
                true
            }
            Err(failure) if failure.retry => {
                self.failed(&failure, now, outcome);
                false
            }
            Err(failure) => {
                throttle.said(now);
                outcome.fault = Some(failure.reason);
                true
            }
        }
    }

    /// Goes back to what is certain, and waits.
    fn failed(&mut self, failure: &Failure, now: Instant, outcome: &mut Outcome) {
        self.progress.settle(self.parts.transport.doubt(), now);
        self.progress.back();
        let wait = failure.retry_after.unwrap_or(self.backoff).max(self.backoff);
        self.backoff = (self.backoff * 2).min(BACKOFF_MAX);
        self.next_try = Some(now + wait);
        outcome.next_try = now + wait;
        outcome.fault = Some(failure.reason.clone());
    }

    /// Writes down how far it came. What was held back and not said yet is not delivered: after a restart it is judged again.
    ///
    /// # Errors
    ///
    /// The file cannot be replaced. That loses nothing: some records are delivered twice after a restart.
    pub fn write_cursor(&mut self) -> io::Result<()> {
        let (certain, held) =
            (self.progress.certain(), self.parts.throttle.as_ref().and_then(Throttle::held));
        let number = held.map_or(certain, |held| certain.min(held.first.saturating_sub(1)));
        if number != self.written {
            self.parts.cursor.write(number)?;
            self.written = number;
        }
        Ok(())
    }
}

#[cfg(test)]
pub(super) mod tests;
