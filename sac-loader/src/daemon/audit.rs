// SPDX-License-Identifier: MIT OR Apache-2.0
//! The record, as the daemon keeps it: what the kernel half tells and what the daemon does, in one order, by one thread.
//!
//! [`Recorder`] is how the rest of the daemon tells something: it never waits, so no login and no command does. [`Keeper`] belongs to the
//! thread that reads events. It puts both sources in order of time, takes secrets out, and writes.

mod entries;
mod recorder;

pub(super) use entries::{blocked, ended, executed, forked};
pub(super) use recorder::{Inbox, Recorder};

pub(super) use sac_audit::chain::Now as Moment;

use super::{metrics::Counted, sinks::Progress};
use crate::control::READERS;
use jiff::{SignedDuration, Timestamp};
use rustix::time::{ClockId, clock_gettime};
use sac_abi::activity::Execution;
use sac_audit::{
    chain::{DIRECTORY, Now, Origin, Settings, State, Synchronise, Writer, Written},
    config::{self, Config, Sync},
    record::{Entry, Event, Severity},
    redact::{Form, Pattern, Redactor},
};
use std::{
    collections::VecDeque,
    fs,
    path::Path,
    sync::{
        Arc, PoisonError,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    time::{Duration, Instant},
};

/// How often is seen to what could not be written, and to what is not on the disk yet.
const TICK: Duration = Duration::from_millis(200);

/// So many entries are written at once, even while more are coming.
const BATCH: usize = 256;

/// How often the journal is told how far the chain is.
const CHECKPOINT_EACH: Duration = Duration::from_secs(300);

/// A moment by both clocks.
pub(super) fn now() -> Now {
    Now { time: Timestamp::now(), boot_ns: boot_ns() }
}

/// Nanoseconds of `CLOCK_BOOTTIME`.
fn boot_ns() -> u64 {
    let now = clock_gettime(ClockId::Boottime);
    let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
    seconds.saturating_mul(1_000_000_000).saturating_add(u64::try_from(now.tv_nsec).unwrap_or(0))
}

/// What the clock on the wall showed at a moment of `CLOCK_BOOTTIME`, as it goes now.
pub(super) fn time_of(boot_ns: u64) -> Timestamp {
    let Now { time, boot_ns: now_ns } = now();
    let ago = i64::try_from(now_ns.saturating_sub(boot_ns)).unwrap_or(i64::MAX);
    time.checked_sub(SignedDuration::from_nanos(ago)).unwrap_or(time)
}

/// Keeps the record.
pub(super) struct Keeper {
    writer: Writer,
    redactor: Redactor,
    inbox: Inbox,
    /// What the daemon has told and what still waits for older events of the kernel half.
    told: VecDeque<Entry>,
    unwritten: usize,
    ticked: Instant,
    checkpointed: Instant,
    is_failing: bool,
    /// Who is told how far the record is.
    progress: Arc<Progress>,
    counted: Counted,
    /// Is told when the last record is on the disk.
    finished: SyncSender<()>,
}

/// What `audit.yaml` says. One with a fault stops nobody from logging in and loses nothing: the record is kept as if there were none,
/// and what sinks miss they get from it later.
///
/// # Errors
///
/// Where the patterns that come with SAC are faulty: a build that does not fit together.
pub(super) fn configured() -> anyhow::Result<(Config, Redactor)> {
    let configured = Config::load(Path::new(config::PATH)).map_err(anyhow::Error::from);
    let configured = configured.and_then(|config| Ok((redactor(&config)?, config)));
    let (redactor, config) = configured.or_else(|error| {
        tracing::error!("the record goes to {DIRECTORY} alone until this is mended: {error:#}");
        let config = Config { sinks: Vec::new(), ..Config::default() };
        anyhow::Ok((redactor(&config)?, config))
    })?;
    Ok((config, redactor))
}

impl Keeper {
    /// The keeper of this machine's record, and what tells when its last record is on the disk.
    pub(super) fn new(
        config: &Config,
        redactor: Redactor,
        inbox: Inbox,
        progress: Arc<Progress>,
        counted: Counted,
    ) -> (Self, Receiver<()>) {
        let (finished, written) = sync_channel(1);
        let started = Instant::now();
        let keeper = Self {
            writer: Writer::new(settings(config, readers()), origin()),
            redactor,
            inbox,
            told: VecDeque::new(),
            unwritten: 0,
            ticked: started,
            checkpointed: started,
            is_failing: false,
            progress,
            counted,
            finished,
        };
        (keeper, written)
    }

    /// Where it shows that somebody has told something.
    pub(super) const fn inbox(&self) -> &Inbox {
        &self.inbox
    }

    /// When there is something to do, whatever comes.
    pub(super) fn next_due(&self) -> Option<Instant> {
        if !self.told.is_empty() {
            return Some(Instant::now());
        }
        let is_idle = self.unwritten == 0 && self.writer.status().waiting == 0 && !self.has_to_synchronise();
        (!is_idle).then(|| self.ticked + TICK)
    }

    /// Counts for how long the kernel has judged an execution; what nobody judges is not counted.
    pub(super) fn decided(&self, execution: &Execution) {
        if execution.judged_ns > 0 {
            let took = Duration::from_nanos(execution.judged_ns);
            self.counted.lock().unwrap_or_else(PoisonError::into_inner).decided(took);
        }
    }

    /// Takes what the daemon has told since.
    pub(super) fn take(&mut self) {
        self.told.extend(self.inbox.take());
        let lost = self.inbox.take_lost();
        if lost > 0 {
            self.told
                .push_back(own(Event::EventsLost { count: lost, by: "daemon".to_owned() }, Severity::High));
        }
        // Threads tell in the order in which they get to it.
        self.told.make_contiguous().sort_by_key(|entry| entry.boot_ns);
    }

    /// Writes what the daemon has told of the time up to `boot_ns`: everything that the kernel half has to tell of that is written.
    pub(super) fn catch_up(&mut self, boot_ns: u64) {
        while self.told.front().is_some_and(|entry| entry.boot_ns <= boot_ns) {
            let Some(entry) = self.told.pop_front() else { return };
            self.write(entry);
        }
    }

    /// Adds a record.
    pub(super) fn add(&mut self, entry: Entry) {
        self.catch_up(entry.boot_ns);
        self.write(entry);
    }

    fn write(&mut self, mut entry: Entry) {
        self.redactor.entry(&mut entry);
        let is_last = matches!(entry.event, Event::LoaderStopped {});
        self.writer.append(entry);
        self.unwritten += 1;
        if is_last {
            self.checkpoint();
            // Nobody may be waiting any more.
            let _gone = self.finished.try_send(());
        } else if self.unwritten >= BATCH {
            self.flush();
        }
    }

    /// Writes what waits, if anything does.
    pub(super) fn write_down(&mut self) {
        if self.unwritten > 0 {
            self.flush();
        }
    }

    /// Writes what waits, if it is time.
    pub(super) fn tick(&mut self) {
        if self.ticked.elapsed() < TICK {
            return;
        }
        self.ticked = Instant::now();
        self.flush();
        if self.checkpointed.elapsed() >= CHECKPOINT_EACH {
            self.checkpoint();
        }
    }

    fn flush(&mut self) {
        self.unwritten = 0;
        let now = now();
        let written = self.writer.tick(now);
        self.tell_of(&written, now);
        let status = self.writer.status();
        let is_failing = matches!(status.state, State::Failing { .. });
        match &status.state {
            State::Failing { reason } if !self.is_failing => tracing::error!(
                reason,
                waiting = status.waiting,
                "cannot write the record, which is tried again each second; what finds no room in memory is counted: {reason}"
            ),
            _ if self.is_failing && !is_failing => {
                tracing::warn!(
                    lost = status.lost,
                    "the record is written again; {} records were lost",
                    status.lost
                );
            }
            _ => {}
        }
        self.is_failing = is_failing;
    }

    /// Tells whoever waits for records or counts them of those that have been written.
    fn tell_of(&self, written: &[Written], now: Now) {
        if !written.is_empty() {
            let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
            written.iter().for_each(|written| counted.wrote(written, now.boot_ns));
        }
        self.progress.reach(self.writer.status().last_number);
    }

    /// Whether something written is not on the disk yet.
    fn has_to_synchronise(&self) -> bool {
        self.writer.status().written > 0 && self.ticked.elapsed() < Duration::from_secs(2)
    }

    /// Says in the chain and in the journal how far the chain is, so that an end that was cut off shows.
    fn checkpoint(&mut self) {
        self.checkpointed = Instant::now();
        let now = now();
        let checkpointed = self.writer.checkpoint(now);
        self.tell_of(&checkpointed.written, now);
        if let Some(checkpoint) = checkpointed.checkpoint {
            let (number, digest) = (checkpoint.number, checkpoint.digest.to_string());
            tracing::info!(
                checkpoint_number = number,
                checkpoint_sha256 = digest,
                "the record is whole up to {number}, whose line has the SHA-256 {digest}"
            );
        }
    }
}

/// An entry of the daemon's own, which is about no session.
fn own(event: Event, severity: Severity) -> Entry {
    let Now { time, boot_ns } = now();
    Entry { time, boot_ns, severity, session: None, event }
}

fn redactor(config: &Config) -> anyhow::Result<Redactor> {
    let patterns: Vec<_> = config.redact.patterns.iter().map(|text| pattern(text)).collect();
    Ok(if config.redact.defaults { Redactor::new(&patterns)? } else { Redactor::only(&patterns)? })
}

/// The number of the group that may read. It is one of this machine's own, so nobody has to be asked who may take long to answer.
fn readers() -> Option<u32> {
    let groups = fs::read_to_string("/etc/group").unwrap_or_default();
    let of_line = |line: &str| {
        let mut fields = line.split(':');
        (fields.next() == Some(READERS)).then(|| fields.nth(1)?.parse().ok()).flatten()
    };
    groups.lines().find_map(of_line)
}

/// A pattern of the configuration: a secret within an argument of any program's.
fn pattern(text: &str) -> Pattern {
    Pattern { regex: text.to_owned(), form: Form::Within, programs: Vec::new() }
}

fn settings(config: &Config, group: Option<u32>) -> Settings {
    let synchronise = match config.record.sync {
        Sync::Each => Synchronise::EachBatch,
        Sync::Second => Synchronise::Every(Duration::from_secs(1)),
        Sync::Never => Synchronise::Never,
    };
    let file_bytes_max = config.record.rotate_mb.saturating_mul(1 << 20);
    let files_kept = usize::try_from(config.files_kept()).unwrap_or(usize::MAX);
    Settings {
        directory: config.record.directory.clone(),
        group,
        file_bytes_max,
        files_kept,
        bytes_kept: file_bytes_max.saturating_mul(config.files_kept()),
        synchronise,
        ..Settings::default()
    }
}

/// This machine, in this boot.
fn origin() -> Origin {
    let read = |path: &str| fs::read_to_string(Path::new(path)).unwrap_or_default().trim().to_owned();
    Origin { host: read("/proc/sys/kernel/hostname"), boot_id: read("/proc/sys/kernel/random/boot_id") }
}
