// SPDX-License-Identifier: MIT OR Apache-2.0
//! The record's way to where else it goes: a thread for each sink, which reads the record's files, so that one that is slow or down is in
//! nobody's way.

use super::{audit::Recorder, metrics::Counted};
use sac_audit::{
    config::SinkConfig,
    record::{Event, Severity},
    sink::{self, Delivery, Outcome, Source as _, files::Files, format::Identity, open::OpenError},
};
use std::{
    convert::Infallible,
    io,
    path::{Path, PathBuf},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

/// How long a sink that cannot be opened waits until that is tried again: somebody has to mend a file first.
const OPEN_AGAIN: Duration = Duration::from_secs(30);

/// How often it is recorded at most that a sink lost something: where all is refused, that record is, too.
const LOSSES_EACH: Duration = Duration::from_secs(60);

/// How long sinks may go on after the last record, at most.
const LAST_RECORDS: Duration = Duration::from_secs(2);

/// How far the record is, for those who wait for more of it.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// Number of the last record that is in the files.
    last: Arc<AtomicU64>,
    /// When the last record of all has come.
    ended: Mutex<Option<Instant>>,
    bell: Condvar,
}

impl Progress {
    /// Records up to this number are in the files.
    pub(super) fn reach(&self, last: u64) {
        if self.last.swap(last, Ordering::AcqRel) != last {
            // Whoever is about to wait has looked at the number under the lock.
            drop(self.lock());
            self.bell.notify_all();
        }
    }

    /// No more records come.
    fn end(&self) {
        *self.lock() = Some(Instant::now());
        self.bell.notify_all();
    }

    fn ended(&self) -> Option<Instant> {
        *self.lock()
    }

    /// Waits for a record after `seen`, for the end, or for a moment.
    fn wait(&self, seen: u64, until: Instant) {
        let mut ended = self.lock();
        while ended.is_none() && self.last.load(Ordering::Acquire) == seen {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            ended = self.bell.wait_timeout(ended, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        // At the end there is nothing to wait for but what failed.
        if let Some(at) = *ended {
            drop(ended);
            let last_moment = at + LAST_RECORDS;
            thread::sleep(until.min(last_moment).saturating_duration_since(Instant::now()));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Instant>> {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All sinks at work.
pub(super) struct Sinks {
    progress: Arc<Progress>,
    /// Nothing comes here: it closes when the last of them is done.
    done: Receiver<Infallible>,
}

impl Sinks {
    /// Starts a thread for each sink of a record. How far each came is kept in files in `cursors`.
    pub(super) fn start(
        configured: Vec<SinkConfig>,
        directory: &Path,
        cursors: &Path,
        progress: &Arc<Progress>,
        recorder: &Recorder,
        counted: &Counted,
    ) -> io::Result<Self> {
        let (working, done) = sync_channel(0);
        for config in configured {
            let sink = Sink {
                config,
                directory: directory.to_owned(),
                cursors: cursors.to_owned(),
                progress: Arc::clone(progress),
                recorder: recorder.clone(),
                counted: Arc::clone(counted),
                fault: None,
                losses: Losses::default(),
                _working: working.clone(),
            };
            thread::Builder::new().name("sink".to_owned()).spawn(move || sink.work())?;
        }
        Ok(Self { progress: Arc::clone(progress), done })
    }

    /// Lets them bring away what there is, for a moment. What they do not manage they go on with when the loader is back.
    pub(super) fn finish(&self) {
        self.progress.end();
        if self.done.recv_timeout(LAST_RECORDS) == Err(RecvTimeoutError::Timeout) {
            tracing::warn!("not all sinks have got the last records; they get them after the next start");
        }
    }
}

/// One sink.
struct Sink {
    config: SinkConfig,
    directory: PathBuf,
    cursors: PathBuf,
    progress: Arc<Progress>,
    recorder: Recorder,
    counted: Counted,
    /// What has been said about it.
    fault: Option<String>,
    losses: Losses,
    /// Goes with the thread.
    _working: SyncSender<Infallible>,
}

impl Sink {
    fn work(mut self) {
        let mut files = Files::new(self.directory.clone(), Arc::clone(&self.progress.last));
        // Where it begins depends on where the record ends, and that is not known before something is written.
        while files.last() == 0 && self.progress.ended().is_none() {
            self.progress.wait(0, Instant::now() + OPEN_AGAIN);
        }
        let Some(mut delivery) = self.open(&files) else { return };
        loop {
            let seen = files.last();
            let outcome = delivery.step(&mut files, Instant::now());
            let next_try = outcome.next_try;
            let is_done = outcome.queue == 0;
            self.note(outcome);
            if self.progress.ended().is_some_and(|ended| is_done || ended.elapsed() >= LAST_RECORDS) {
                if let Err(error) = delivery.write_cursor() {
                    tracing::warn!(sink = self.config.name, %error, "sink {}: how far it came is not written", self.config.name);
                }
                return;
            }
            self.progress.wait(seen, next_try);
        }
    }

    /// The sink, as soon as it can be opened; `None` where that has not been before the end.
    fn open(&mut self, files: &Files) -> Option<Delivery> {
        let identity = Identity { version: env!("CARGO_PKG_VERSION").to_owned(), pid: std::process::id() };
        while self.progress.ended().is_none() {
            match sink::open(&self.config, &identity, &self.cursors, files) {
                Ok(delivery) => return Some(delivery),
                Err(error) => self.cannot_open(&error),
            }
            let again = Instant::now() + OPEN_AGAIN;
            while Instant::now() < again && self.progress.ended().is_none() {
                self.progress.wait(files.last(), again);
            }
        }
        None
    }

    fn cannot_open(&mut self, error: &OpenError) {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner).sink_failed(&self.config.name);
        self.complain(format!("{error}"));
    }

    /// Counts and says what a step came to.
    fn note(&mut self, outcome: Outcome) {
        let name = &self.config.name;
        let Outcome { delivered, lost, queue, fault, .. } = outcome;
        {
            let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
            counted.sink_stepped(name, delivered, queue);
            if fault.is_some() {
                counted.sink_failed(name);
            }
        }
        if let Some(count) = self.losses.add(lost, Instant::now()) {
            let event = Event::EventsLost { count, by: format!("sink {name}") };
            self.recorder.tell(None, Severity::High, event);
        }
        match fault {
            Some(fault) => self.complain(format!("sink {}: {fault}", self.config.name)),
            None if delivered > 0 && self.fault.take().is_some() => {
                let name = &self.config.name;
                tracing::info!(sink = name, queue, "sink {name} takes records again; {queue} are waiting");
            }
            None => {}
        }
    }

    /// Says it, unless that was the last thing said.
    fn complain(&mut self, fault: String) {
        if self.fault.as_ref() != Some(&fault) {
            tracing::error!(sink = self.config.name, "{fault}");
            self.fault = Some(fault);
        }
    }
}

/// What a sink lost and nobody has been told of.
#[derive(Debug, Default)]
struct Losses {
    count: u64,
    told: Option<Instant>,
}

impl Losses {
    /// How many are to be told of now.
    fn add(&mut self, count: u64, now: Instant) -> Option<u64> {
        self.count += count;
        let is_due = self.told.is_none_or(|told| now.saturating_duration_since(told) >= LOSSES_EACH);
        if self.count == 0 || !is_due {
            return None;
        }
        self.told = Some(now);
        Some(std::mem::take(&mut self.count))
    }
}

#[cfg(test)]
mod tests;
