// SPDX-License-Identifier: MIT OR Apache-2.0
//! The way from whatever thread does something to the one that keeps the record.

use super::now;
use crate::daemon::clock::Wake;
use sac_audit::{
    chain::Now,
    record::{Entry, Event, Session, Severity},
};
use std::{
    io,
    os::fd::BorrowedFd,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
};

/// So much may be told before any of it is written; what is beyond is counted.
const WAITING_MAX: usize = 4096;

/// Tells what happened. It never waits.
#[derive(Clone, Debug)]
pub(crate) struct Recorder {
    sender: SyncSender<Entry>,
    lost: Arc<AtomicU64>,
    bell: Wake,
}

/// Where it arrives.
#[derive(Debug)]
pub(crate) struct Inbox {
    receiver: Receiver<Entry>,
    lost: Arc<AtomicU64>,
    bell: Wake,
}

impl Recorder {
    /// Both ends.
    ///
    /// # Errors
    ///
    /// Where there is no descriptor left.
    pub(crate) fn new() -> io::Result<(Self, Inbox)> {
        let (sender, receiver) = sync_channel(WAITING_MAX);
        let (lost, bell) = (Arc::new(AtomicU64::new(0)), Wake::new()?);
        let inbox = Inbox { receiver, lost: Arc::clone(&lost), bell: bell.clone() };
        Ok((Self { sender, lost, bell }, inbox))
    }

    /// Tells of something that is happening now, in a session or in none.
    pub(crate) fn tell(&self, session: Option<Session>, severity: Severity, event: Event) {
        let Now { time, boot_ns } = now();
        let entry = Entry { time, boot_ns, severity, session, event };
        if self.sender.try_send(entry).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
        self.bell.ring();
    }
}

impl Inbox {
    /// Readable when something has been told.
    pub(crate) fn bell(&self) -> BorrowedFd<'_> {
        self.bell.as_fd()
    }

    /// What has been told since.
    pub(super) fn take(&self) -> Vec<Entry> {
        self.bell.hush();
        self.receiver.try_iter().collect()
    }

    /// How much found no room since.
    pub(super) fn take_lost(&self) -> u64 {
        self.lost.swap(0, Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_arrives_in_order_and_what_finds_no_room_is_counted() {
        let (recorder, inbox) = Recorder::new().unwrap();
        for sessions in 0..5000 {
            let event = Event::LoaderStarted { version: "1".to_owned(), sessions };
            recorder.tell(None, Severity::Info, event);
        }
        let arrived = inbox.take();
        assert_eq!(arrived.len(), WAITING_MAX);
        let is_next = |(at, entry): (usize, &Entry)| matches!(entry.event, Event::LoaderStarted { sessions, .. } if sessions == at as u64);
        assert!(arrived.iter().enumerate().all(is_next));
        assert!(arrived.is_sorted_by_key(|entry| entry.boot_ns));
        assert_eq!((inbox.take_lost(), inbox.take_lost()), (5000 - WAITING_MAX as u64, 0));
        assert!(inbox.take().is_empty());
    }
}
