// SPDX-License-Identifier: MIT OR Apache-2.0
//! The reading end of a ring buffer (`BPF_MAP_TYPE_RINGBUF`, kernel/bpf/ringbuf.c).
//!
//! The kernel offers the whole buffer to be mapped, twice in succession so that each record can be read in one piece, and all of it counts as
//! memory of whoever maps it, read or not. So this maps a window that follows what is read; aya's reader maps everything.

use aya::maps::{MapData, MapError};
use rustix::{
    mm::{MapFlags, ProtFlags, mmap, munmap},
    param::page_size,
};
use std::{
    ffi::c_void,
    io,
    os::fd::{AsFd, BorrowedFd},
    ptr::{self, NonNull},
    sync::atomic::{AtomicU32, AtomicUsize, Ordering, fence},
};

/// What the kernel puts in front of each record: its length with two flags, and where it is.
const HEADER_BYTES: usize = 8;

/// The record is not finished (`BPF_RINGBUF_BUSY_BIT`).
const BUSY: u32 = 1 << 31;

/// The record was given up by whoever wrote it (`BPF_RINGBUF_DISCARD_BIT`).
const DISCARDED: u32 = 1 << 30;

/// How much is mapped at a time; more where one record needs it. Some hundred records, so that mapping costs little for each.
const WINDOW_BYTES: usize = 1 << 16;

/// The reading end, of which there may be one for each buffer. What it has read stays the reader's, and is there again for the next one, until
/// it is released.
pub(crate) struct Ring<F = Buffer> {
    buffer: F,
    bytes: usize,
    consumed: Mapping,
    produced: Mapping,
    window: Option<Window>,
    /// Up to where it has been read, counted from the first byte that was ever written.
    position: usize,
    /// Up to where it is read: what had been written when the reader last caught up.
    end: usize,
}

/// A ring buffer's map.
pub(crate) struct Buffer(MapData);

impl AsFd for Buffer {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.fd().as_fd()
    }
}

/// What is next in a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// It was a record.
    Read,
    /// Nothing that was there when the reader last caught up.
    Nothing,
    /// A record that is still being written; those behind it can be read only after it.
    Unfinished,
}

/// A part of the buffer.
struct Window {
    mapping: Mapping,
    /// Which byte of the buffer it begins with.
    start: usize,
}

impl Ring {
    /// Of a map, whose earlier reader's place it takes.
    pub(crate) fn of_map(map: MapData) -> Result<Self, MapError> {
        let bytes = map.info()?.max_entries();
        let bytes = usize::try_from(bytes).map_err(|error| MapError::IoError(io::Error::other(error)))?;
        Self::new(Buffer(map), bytes).map_err(MapError::IoError)
    }
}

impl<F: AsFd> Ring<F> {
    /// Of a buffer that holds as many bytes, which is a power of two.
    fn new(buffer: F, bytes: usize) -> io::Result<Self> {
        let page = page_size();
        let consumed = Mapping::new(buffer.as_fd(), 0, page, ProtFlags::READ | ProtFlags::WRITE)?;
        let produced = Mapping::new(buffer.as_fd(), page, page, ProtFlags::READ)?;
        let position = consumed.position().load(Ordering::Acquire);
        Ok(Self { buffer, bytes, consumed, produced, window: None, position, end: position })
    }

    /// Where the next record is, or will be.
    pub(super) const fn position(&self) -> usize {
        self.position
    }

    /// Leaves everything up to a position to the kernel.
    pub(super) fn release(&self, position: usize) {
        self.consumed.position().store(position, Ordering::Release);
        // Whoever finishes a record wakes the reader only where it is the next one. So the kernel has to see this before somebody asks whether
        // there is one, or nobody would be woken for it.
        fence(Ordering::SeqCst);
    }

    /// What has been written up to now can be read. What is younger can only after the next time, so that a round ends, and so that one who
    /// keeps writing does not hold it up.
    pub(super) fn catch_up(&mut self) {
        self.end = self.produced.position().load(Ordering::Acquire);
    }

    /// Gives the next record to `read`.
    ///
    /// # Errors
    ///
    /// Where it cannot be mapped; it can be tried again.
    pub(super) fn next(&mut self, read: impl FnOnce(&[u8])) -> io::Result<Next> {
        while self.position != self.end {
            // A record begins at a multiple of eight.
            let header: NonNull<AtomicU32> = self.look(HEADER_BYTES)?.cast();
            // SAFETY: `look` gives so many bytes that stay mapped until the next look, and the kernel writes the length whole, as is done here.
            // What it wrote before that can be read then.
            let length = unsafe { header.as_ref() }.load(Ordering::Acquire);
            if length & BUSY != 0 {
                return Ok(Next::Unfinished);
            }
            let bytes = usize::try_from(length & !DISCARDED).map_err(io::Error::other)?;
            let whole = (HEADER_BYTES + bytes).next_multiple_of(HEADER_BYTES);
            if length & DISCARDED == 0 {
                let record = self.look(whole)?;
                // SAFETY: within what `look` gave.
                let record = unsafe { record.add(HEADER_BYTES) };
                // SAFETY: as above, and the kernel does not write there before it is released.
                read(unsafe { std::slice::from_raw_parts(record.as_ptr(), bytes) });
                self.position = self.position.wrapping_add(whole);
                return Ok(Next::Read);
            }
            self.position = self.position.wrapping_add(whole);
        }
        Ok(Next::Nothing)
    }

    /// The next `bytes` of the buffer, in one piece, until the next look.
    fn look(&mut self, bytes: usize) -> io::Result<NonNull<u8>> {
        let at = self.position & (self.bytes - 1);
        let here = |window: &Window| {
            let skipped = at.checked_sub(window.start)?;
            // SAFETY: within the mapping.
            (skipped + bytes <= window.mapping.bytes).then(|| unsafe { window.mapping.start.add(skipped) })
        };
        if let Some(present) = self.window.as_ref().and_then(here) {
            return Ok(present);
        }
        if bytes > self.bytes {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "a record is longer than its ring buffer",
            ));
        }
        let page = page_size();
        let start = at & !(page - 1);
        let mapped = (at - start + bytes).next_multiple_of(page).max(WINDOW_BYTES.min(self.bytes));
        // Two pages with the positions stand in front.
        let mapping = Mapping::new(self.buffer.as_fd(), 2 * page + start, mapped, ProtFlags::READ)?;
        let window = self.window.insert(Window { mapping, start });
        // SAFETY: the mapping begins less than a page before, and is long enough for the rest.
        Ok(unsafe { window.mapping.start.add(at - start) })
    }
}

impl<F: AsFd> AsFd for Ring<F> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.buffer.as_fd()
    }
}

/// Mapped memory that is shared with the kernel.
struct Mapping {
    start: NonNull<u8>,
    bytes: usize,
}

// SAFETY: the memory belongs to the process and not to a thread.
unsafe impl Send for Mapping {}

impl Mapping {
    fn new(fd: BorrowedFd<'_>, offset: usize, bytes: usize, access: ProtFlags) -> io::Result<Self> {
        let offset = u64::try_from(offset).map_err(io::Error::other)?;
        // SAFETY: the kernel chooses a place where nothing is.
        let start = unsafe { mmap(ptr::null_mut(), bytes, access, MapFlags::SHARED, fd, offset) }?;
        let start = NonNull::new(start.cast()).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Self { start, bytes })
    }

    /// The position that the page holds.
    fn position(&self) -> &AtomicUsize {
        // SAFETY: the page begins with an `unsigned long`, lives as long as `self`, and both sides read and write it whole.
        unsafe { self.start.cast::<AtomicUsize>().as_ref() }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: it was mapped like this, and nobody holds a reference that outlives `self`.
        let _it_was_mapped = unsafe { munmap(self.start.as_ptr().cast::<c_void>(), self.bytes) };
    }
}

#[cfg(test)]
pub(super) mod tests;
