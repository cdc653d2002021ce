// SPDX-License-Identifier: MIT OR Apache-2.0
//! Events from the kernel half, as they come.

use aya::maps::{MapData, RingBuf};
use sac_abi::event::Event;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd};

/// The reading end of the ring buffer.
pub(crate) struct EventReader {
    ring: RingBuf<MapData>,
}

/// What the ring buffer had.
pub(crate) enum Next {
    /// An event.
    Event(Box<Event>),
    /// A record that is none of ours: programs of another version write to this map.
    Unknown,
}

impl EventReader {
    pub(super) const fn new(ring: RingBuf<MapData>) -> Self {
        Self { ring }
    }

    /// The next record, if there is one. Poll the descriptor to wait for one.
    pub(crate) fn next(&mut self) -> Option<Next> {
        let record = self.ring.next()?;
        Some(Event::from_bytes(&record).map_or(Next::Unknown, |event| Next::Event(Box::new(event))))
    }
}

impl AsFd for EventReader {
    fn as_fd(&self) -> BorrowedFd<'_> {
        // SAFETY: the descriptor is the ring buffer's and lives as long as `self`.
        unsafe { BorrowedFd::borrow_raw(self.ring.as_raw_fd()) }
    }
}
