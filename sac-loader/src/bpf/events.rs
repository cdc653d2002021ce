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
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
    time::{ClockId, clock_gettime},
};
use sac_abi::{
    activity::{ACTIVITY_BYTES, Activity, Ended, Forked},
    event::{EVENTS_BYTES, Event},
};
use std::{
    io,
    os::fd::{AsFd as _, BorrowedFd},
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

/// The reading end of the ring buffers.
pub(crate) struct EventReader {
    events: Ring,
    activity: Ring,
    order: Order<Reported>,
    /// Since when a record that is being written holds up others.
    held_up_since: Option<Instant>,
}

impl EventReader {
    pub(super) fn new(events: Ring, activity: Ring) -> Self {
        Self { events, activity, order: Order::default(), held_up_since: None }
    }

    /// The next in order, if there is one. [`EventReader::wait`] waits for one.
    pub(crate) fn next(&mut self) -> Option<Reported> {
        if let Some(next) = self.order.next() {
            return Some(next);
        }
        self.read();
        self.order.next()
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
            // The buffers are readable for as long as something is being written.
            return wait_for(&[also], Some(least(timeout, UNFINISHED))).map(|[also]| also);
        }
        let (events, activity) = (Some(self.events.as_fd()), Some(self.activity.as_fd()));
        let [event, active, other] = wait_for(&[events, activity, also], timeout)?;
        if active && !event && !other {
            return wait_for(&[events, also], Some(least(timeout, GATHER))).map(|[_, also]| also);
        }
        Ok(other)
    }

    /// Reads what both buffers hold at this time.
    fn read(&mut self) {
        let now_ns = boot_ns();
        let Self { events, activity, order, .. } = self;
        let drained = [
            drain(events, EVENTS_BYTES, |record| push(order, Reported::of_event(record))),
            drain(activity, ACTIVITY_BYTES, |record| push(order, Reported::of_activity(record))),
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
}

fn push(order: &mut Order<Reported>, reported: Reported) {
    order.push(reported.boot_ns(), reported);
}

/// What became of reading a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Drained {
    /// All that it held at the beginning has been read.
    Whole,
    /// A record that is not finished stands before others, which can then not be read.
    HeldUp,
}

/// Reads records until there is none, or as much has been read as the buffer can have held at the beginning.
fn drain(ring: &mut Ring, bytes: u32, mut read: impl FnMut(&[u8])) -> io::Result<Drained> {
    let mut left = usize::try_from(bytes).unwrap_or(usize::MAX);
    let mut was_empty = false;
    while left > 0 {
        if let Some(taken) = ring.next(&mut read)? {
            left = left.saturating_sub(taken);
            was_empty = false;
            continue;
        }
        if was_empty {
            return Ok(Drained::HeldUp);
        }
        // The kernel calls a buffer readable also where the next record is not finished, so one that is and gives none is looked at
        // again: something may have come meanwhile. What cannot be asked holds nothing up: order is worth less than what is told.
        if !is_readable(Some(ring.as_fd())).unwrap_or(false) {
            return Ok(Drained::Whole);
        }
        was_empty = true;
    }
    Ok(Drained::Whole)
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
