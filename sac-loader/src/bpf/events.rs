// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the kernel half tells, as one stream.
//!
//! There are two ring buffers, so that ordinary work takes no room from what is blocked. What one process did comes in the order in
//! which it did it: a record is in its buffer before the process can begin the next one in the other. So whatever both buffers held at
//! some time is put in order, and what is younger waits for the next round.

pub(crate) mod activity;
mod order;
mod ring;

pub(super) use ring::Ring;

use activity::Executed;
use order::Order;
use ring::{Buffer, Next};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
    time::{ClockId, clock_gettime},
};
use sac_abi::{
    activity::{Activity, Ended, Forked},
    event::Event,
};
use std::{
    collections::BTreeSet,
    io,
    os::fd::{AsFd, BorrowedFd},
    time::{Duration, Instant},
};

/// Something that the kernel half tells.
#[derive(Debug)]
pub(crate) enum Reported {
    /// Something was blocked, or would have been, or a program was executed that somebody may want to know of: see its action.
    Blocked(Box<Event>),
    /// A program was executed.
    Executed(Box<Executed>),
    /// A process ended.
    Ended(Ended),
    /// A process forked.
    Forked(Forked),
    /// A record that is none of ours: programs of another version write to these maps.
    Unknown,
}

impl Reported {
    /// When it happened; what cannot be read goes first.
    pub(crate) fn boot_ns(&self) -> u64 {
        match self {
            Self::Blocked(event) => event.boot_ns,
            Self::Executed(executed) => executed.execution.head.boot_ns,
            Self::Ended(ended) => ended.head.boot_ns,
            Self::Forked(forked) => forked.head.boot_ns,
            Self::Unknown => 0,
        }
    }

    /// What a record of the ring buffer of events says.
    pub(crate) fn of_event(record: &[u8]) -> Self {
        Event::from_bytes(record).map_or(Self::Unknown, |event| Self::Blocked(Box::new(event)))
    }

    /// What a record of the ring buffer of activity says.
    pub(crate) fn of_activity(record: &[u8]) -> Self {
        match Activity::from_bytes(record) {
            Some(Activity::Executed(executed)) => Self::Executed(Box::new(Executed::from(&executed))),
            Some(Activity::Ended(ended)) => Self::Ended(ended),
            Some(Activity::Forked(forked)) => Self::Forked(forked),
            None => Self::Unknown,
        }
    }
}

/// How long what goes on without being blocked is gathered before it is read: who reads each record at once is woken for each, and that
/// costs whoever executes something more than the record.
const GATHER: Duration = Duration::from_millis(20);

/// How long to wait for a record that is being written.
const UNFINISHED: Duration = Duration::from_millis(1);

/// How long one such record may hold up all others. It takes microseconds, unless whoever writes it does not get the processor.
const UNFINISHED_MAX: Duration = Duration::from_secs(1);

/// The reading end of the ring buffers. What it gives is told again by the next one unless [`EventReader::done`] was called after it.
pub(crate) struct EventReader<F = Buffer> {
    events: Place<F>,
    activity: Place<F>,
    order: Order<Placed>,
    /// Since when a record that is being written holds up others.
    held_up_since: Option<Instant>,
}

/// A ring buffer, and where what was read of it and not given begins.
struct Place<F> {
    ring: Ring<F>,
    kept: BTreeSet<usize>,
}

impl<F: AsFd> Place<F> {
    const fn new(ring: Ring<F>) -> Self {
        Self { ring, kept: BTreeSet::new() }
    }

    /// Leaves the room of what was given to the kernel, up to the first that was not.
    fn release(&self) {
        self.ring.release(self.kept.first().copied().unwrap_or_else(|| self.ring.position()));
    }
}

/// What was read, and where it begins.
struct Placed {
    reported: Reported,
    source: Source,
    position: usize,
}

/// A ring buffer.
#[derive(Clone, Copy)]
enum Source {
    Events,
    Activity,
}

impl<F: AsFd> EventReader<F> {
    pub(super) fn new(events: Ring<F>, activity: Ring<F>) -> Self {
        let (events, activity) = (Place::new(events), Place::new(activity));
        Self { events, activity, order: Order::default(), held_up_since: None }
    }

    /// Reads what both buffers hold at this time, for [`EventReader::next`] to give.
    pub(crate) fn read(&mut self) {
        let now_ns = boot_ns();
        let Self { events, activity, order, .. } = self;
        let drained = [
            drain(events, Source::Events, Reported::of_event, order),
            drain(activity, Source::Activity, Reported::of_activity, order),
        ];
        let unreadable = drained.iter().find_map(|drained| drained.as_ref().err());
        if let (Some(error), None) = (unreadable, self.held_up_since) {
            tracing::warn!(%error, "cannot read what the kernel tells; trying again");
        }
        if drained.iter().any(|drained| !matches!(drained, Ok(Drained::Whole))) {
            let since = *self.held_up_since.get_or_insert_with(Instant::now);
            if since.elapsed() < UNFINISHED_MAX {
                return;
            }
        }
        self.held_up_since = None;
        self.order.release(now_ns);
    }

    /// The next in order of what was read, if there is one.
    pub(crate) fn next(&mut self) -> Option<Reported> {
        let Placed { reported, source, position } = self.order.next()?;
        let place = match source {
            Source::Events => &mut self.events,
            Source::Activity => &mut self.activity,
        };
        place.kept.remove(&position);
        Some(reported)
    }

    /// Leaves the room of what was given to the kernel: whatever was to be made of it has been.
    pub(crate) fn done(&mut self) {
        self.events.release();
        self.activity.release();
    }

    /// Waits until there may be something to read, or `also` is readable, at most for `timeout`. Whether `also` is.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub(crate) fn wait(&self, timeout: Option<Duration>, also: Option<BorrowedFd<'_>>) -> io::Result<bool> {
        if self.order.has_next() {
            return is_readable(also);
        }
        if self.held_up_since.is_some() || !self.order.is_empty() {
            // The buffers are readable for as long as something is being written, or has been read and not released.
            return wait_for(&[also], Some(least(timeout, UNFINISHED))).map(|[also]| also);
        }
        let (events, activity) = (Some(self.events.ring.as_fd()), Some(self.activity.ring.as_fd()));
        let [event, active, other] = wait_for(&[events, activity, also], timeout)?;
        if active && !event && !other {
            return wait_for(&[events, also], Some(least(timeout, GATHER))).map(|[_, also]| also);
        }
        Ok(other)
    }
}

/// What became of reading a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Drained {
    /// All that it held at the beginning has been read.
    Whole,
    /// A record that is not finished stands before others, which can then not be read.
    HeldUp,
}

/// Reads the records that are there by now.
fn drain<F: AsFd>(
    Place { ring, kept }: &mut Place<F>,
    source: Source,
    of_record: fn(&[u8]) -> Reported,
    order: &mut Order<Placed>,
) -> io::Result<Drained> {
    ring.catch_up();
    loop {
        let position = ring.position();
        let next = ring.next(|record| {
            let reported = of_record(record);
            order.push(reported.boot_ns(), Placed { reported, source, position });
            kept.insert(position);
        })?;
        match next {
            Next::Read => {}
            Next::Nothing => return Ok(Drained::Whole),
            Next::Unfinished => return Ok(Drained::HeldUp),
        }
    }
}

/// Nanoseconds of `CLOCK_BOOTTIME`.
fn boot_ns() -> u64 {
    let now = clock_gettime(ClockId::Boottime);
    let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
    seconds.saturating_mul(1_000_000_000).saturating_add(u64::try_from(now.tv_nsec).unwrap_or(0))
}

fn least(timeout: Option<Duration>, most: Duration) -> Duration {
    timeout.map_or(most, |timeout| timeout.min(most))
}

fn is_readable(fd: Option<BorrowedFd<'_>>) -> io::Result<bool> {
    wait_for(&[fd], Some(Duration::ZERO)).map(|[readable]| readable)
}

/// Waits until one of these can be read, or the time is over; which can be.
fn wait_for<const N: usize>(
    fds: &[Option<BorrowedFd<'_>>; N],
    timeout: Option<Duration>,
) -> io::Result<[bool; N]> {
    // A time span that is too long for the kernel is as good as none.
    let timeout = timeout.and_then(|left| Timespec::try_from(left).ok());
    let present = fds.iter().flatten();
    let mut polled: Vec<_> = present.map(|fd| PollFd::from_borrowed_fd(*fd, PollFlags::IN)).collect();
    match poll(&mut polled, timeout.as_ref()) {
        Ok(_) | Err(Errno::INTR) => {}
        Err(error) => return Err(error.into()),
    }
    let mut revents = polled.iter().map(|fd| !fd.revents().is_empty());
    Ok(fds.map(|fd| fd.is_some() && revents.next().unwrap_or(false)))
}

#[cfg(test)]
mod tests;
