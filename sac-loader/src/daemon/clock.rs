// SPDX-License-Identifier: MIT OR Apache-2.0
//! The timekeeper: what changes by itself changes at its second.
//!
//! Hours that strike are moments of the wall clock, ends of grants and sessions moments of `CLOCK_BOOTTIME`; each has a timer that goes
//! on during suspend. When the wall clock is set, and every 15 s whatever the timers say, all of it is looked at anew.

use super::{Shared, limits::Watched, lock, sightings::Sightings, state::State};
use crate::notice::Deliverer;
use jiff::Timestamp;
use rustix::{
    event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll},
    io::Errno,
    time::{
        ClockId, Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, clock_gettime, timerfd_create,
        timerfd_settime,
    },
};
use std::{
    io,
    os::fd::{BorrowedFd, OwnedFd},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// How long until everything is looked at again, whatever the timers say.
const AGAIN: Timespec = Timespec { tv_sec: 15, tv_nsec: 0 };

/// How often what was executed is written down.
const FLUSH_EVERY: Duration = Duration::from_secs(30);

/// How long the timer of the wall clock is armed where nothing is to come.
const DAY_S: i64 = 86_400;

/// Seconds of `CLOCK_BOOTTIME`.
pub(super) fn boot_s() -> u64 {
    u64::try_from(clock_gettime(ClockId::Boottime).tv_sec).unwrap_or(0)
}

/// [`boot_s`] as the kernel half has it.
pub(super) fn boot_s_short() -> u32 {
    u32::try_from(boot_s()).unwrap_or(u32::MAX)
}

/// Wakes the timekeeper, because something may now come sooner.
#[derive(Clone, Debug)]
pub(super) struct Wake(Arc<OwnedFd>);

impl Wake {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self(Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?)))
    }

    pub(super) fn ring(&self) {
        // A counter that is full has rung enough.
        let _rings_already = rustix::io::write(&*self.0, &1_u64.to_ne_bytes());
    }

    /// Lets it be rung again.
    pub(super) fn hush(&self) {
        let _nothing_there = read(&self.0);
    }

    /// Readable when it has been rung.
    pub(super) fn as_fd(&self) -> BorrowedFd<'_> {
        std::os::fd::AsFd::as_fd(&*self.0)
    }
}

/// What was executed, shared between the threads that note it and that write it down.
pub(super) type SharedSightings = Arc<Mutex<Sightings>>;

/// Writes down what was executed.
pub(super) fn flush(sightings: &SharedSightings) {
    sightings.lock().unwrap_or_else(PoisonError::into_inner).flush();
}

/// Keeps time, until waiting fails.
pub(super) fn keep(
    state: &Shared,
    wake: &Wake,
    notices: &Deliverer,
    sightings: &SharedSightings,
) -> io::Result<()> {
    let wall = timerfd_create(TimerfdClockId::Realtime, TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK)?;
    let boot = timerfd_create(TimerfdClockId::Boottime, TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK)?;
    let mut watched = Watched::default();
    let mut flushed = Instant::now();
    let mut clock_was_set = false;
    loop {
        let limits_in = watched.look(state, notices);
        let (next_wall, next_grant, next_policies) = {
            let mut state = lock(state);
            state.pass(clock_was_set);
            state.pass_policies();
            (state.next_moment(), state.grants.next_end_boot_s(), state.apply.next_boot_s())
        };
        if flushed.elapsed() >= FLUSH_EVERY {
            flush(sightings);
            flushed = Instant::now();
        }
        let next_limit = limits_in.map(|left| boot_s() + left.as_secs().max(1));
        let next_boot = [next_limit, next_grant.map(u64::from), next_policies].into_iter().flatten().min();
        let now = Timestamp::now().as_second();
        // Without a moment the timer is armed all the same, or a clock that is set would go unseen. What is due still could not be
        // done, and is tried again in a second.
        let at = next_wall.map_or(now + DAY_S, |moment| ceiling(moment).max(now + 1));
        let flags = TimerfdTimerFlags::ABSTIME | TimerfdTimerFlags::CANCEL_ON_SET;
        let was_set_meanwhile = arm(&wall, flags, at)?;
        let at = next_boot.map_or(0, |second| second.max(boot_s() + 1));
        arm(&boot, TimerfdTimerFlags::ABSTIME, i64::try_from(at).unwrap_or(0))?;
        if was_set_meanwhile {
            clock_was_set = true;
            continue;
        }
        let mut sources = [&wall, &boot, &*wake.0].map(|source| PollFd::new(source, PollFlags::IN));
        match poll(&mut sources, Some(&AGAIN)) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }

        clock_was_set = read(&wall) == Err(Errno::CANCELED);
        let _nothing_there = (read(&boot), read(&wake.0));
    }
}

/// The second at which a moment has come.
fn ceiling(moment: Timestamp) -> i64 {
    moment.as_second() + i64::from(moment.subsec_nanosecond() > 0)
}

/// Sets a timer; 0 stops it. `true` where the clock was set since it was armed the last time, which no read tells then.
fn arm(timer: &OwnedFd, flags: TimerfdTimerFlags, second: i64) -> io::Result<bool> {
    let zero = Timespec { tv_sec: 0, tv_nsec: 0 };
    let at = Itimerspec { it_interval: zero, it_value: Timespec { tv_sec: second, tv_nsec: 0 } };
    match timerfd_settime(timer, flags, &at) {
        Ok(_) => Ok(false),
        Err(Errno::CANCELED) => Ok(true),
        Err(error) => Err(error.into()),
    }
}

fn read(source: &OwnedFd) -> Result<(), Errno> {
    rustix::io::read(source, &mut [0; 8]).map(drop)
}

impl State {
    /// When something next changes by itself by the wall clock: a policy in the kernel, or whom one is for. `None` where nothing does.
    fn next_moment(&self) -> Option<Timestamp> {
        let set = self.policies.set()?;
        let whens = set.policies().iter().filter_map(|policy| policy.applies_to.when.as_ref());
        let choices = whens.filter_map(|when| when.next_change(self.placed_at));
        choices.chain(self.policies.next_change()).min()
    }

    /// Does what has come due.
    fn pass(&mut self, clock_was_set: bool) {
        let ended = self.end_grants();
        let is_due = self.next_moment().is_some_and(|moment| moment <= Timestamp::now());
        // Where that fails it fails again at once; the pause keeps it from filling the log.
        let may_try = self.refreshed.is_none_or(|at| at.elapsed() >= Duration::from_secs(1));
        if ended || clock_was_set || (is_due && may_try) {
            self.refresh();
        }
        self.policies.forget_emptied(Instant::now());
    }

    /// Clears grants away that have ended; `true` where there were some.
    fn end_grants(&mut self) -> bool {
        let ended = match self.grants.expire(boot_s_short()) {
            Ok(ended) => ended,
            Err(error) => {
                tracing::error!(%error, "cannot clear away grants that have ended");
                return false;
            }
        };
        for grant in &ended {
            super::give::log(grant, "expired", "the clock");
            super::give::tell_end(&self.recorder, grant, false);
        }
        !ended.is_empty()
    }
}
