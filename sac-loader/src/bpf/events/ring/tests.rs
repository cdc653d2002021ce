// SPDX-License-Identifier: MIT OR Apache-2.0
use super::*;
use proptest::{collection::vec, prelude::*};
use std::{fs::File, os::unix::fs::FileExt as _};

/// The kernel's side of a buffer, in a file: two pages with positions, and the bytes twice in succession.
pub(in crate::bpf::events) struct Kernel {
    file: File,
    bytes: usize,
    produced: usize,
}

/// A record that [`Kernel::begin`] has made room for.
struct Unfinished {
    at: usize,
    length: u32,
}

impl Kernel {
    pub(in crate::bpf::events) fn new(bytes: usize) -> Self {
        let file = tempfile::tempfile().unwrap();
        file.set_len(as_u64(2 * page_size() + 2 * bytes)).unwrap();
        Self { file, bytes, produced: 0 }
    }

    pub(in crate::bpf::events) fn reader(&self) -> Ring<File> {
        Ring::new(self.file.try_clone().unwrap(), self.bytes).unwrap()
    }

    fn consumed(&self) -> usize {
        let mut position = [0; size_of::<usize>()];
        self.file.read_exact_at(&mut position, 0).unwrap();
        usize::from_ne_bytes(position)
    }

    /// Whether there is room for a record of that length.
    fn has_room(&self, length: usize) -> bool {
        self.produced + (length + HEADER_BYTES).next_multiple_of(8) - self.consumed() < self.bytes
    }

    fn begin(&mut self, record: &[u8]) -> Unfinished {
        assert!(self.has_room(record.len()));
        let (at, length) = (self.produced, u32::try_from(record.len()).unwrap());
        self.write(at, &(length | BUSY).to_ne_bytes());
        self.write(at + HEADER_BYTES, record);
        self.produced += (record.len() + HEADER_BYTES).next_multiple_of(8);
        self.file.write_all_at(&self.produced.to_ne_bytes(), as_u64(page_size())).unwrap();
        Unfinished { at, length }
    }

    fn finish(&self, record: Unfinished, flags: u32) {
        self.write(record.at, &(record.length | flags).to_ne_bytes());
    }

    pub(in crate::bpf::events) fn submit(&mut self, record: &[u8]) {
        let unfinished = self.begin(record);
        self.finish(unfinished, 0);
    }

    /// Writes at a position, which is at two places.
    fn write(&self, position: usize, what: &[u8]) {
        for (index, byte) in what.iter().enumerate() {
            let at = (position + index) % self.bytes;
            for copy in [at, at + self.bytes] {
                self.file.write_all_at(&[*byte], as_u64(2 * page_size() + copy)).unwrap();
            }
        }
    }
}

fn as_u64(number: usize) -> u64 {
    u64::try_from(number).unwrap()
}

/// The next record, which is released.
fn next(ring: &mut Ring<File>) -> Option<Vec<u8>> {
    let read = read(ring);
    ring.release(ring.position());
    read
}

/// The next record, which is not.
fn read(ring: &mut Ring<File>) -> Option<Vec<u8>> {
    let mut found = None;
    ring.catch_up();
    ring.next(|record| found = Some(record.to_vec())).unwrap();
    found
}

#[test]
fn an_empty_buffer_gives_nothing() {
    let kernel = Kernel::new(page_size());
    assert_eq!(next(&mut kernel.reader()), None);
}

#[test]
fn a_record_that_is_not_finished_holds_up_those_behind_it() {
    let mut kernel = Kernel::new(page_size());
    let mut ring = kernel.reader();
    let first = kernel.begin(b"first");
    kernel.submit(b"second");
    ring.catch_up();
    assert_eq!(ring.next(|_| unreachable!()).unwrap(), Next::Unfinished);
    kernel.finish(first, 0);
    assert_eq!(next(&mut ring).unwrap(), b"first");
    assert_eq!(next(&mut ring).unwrap(), b"second");
    assert_eq!(next(&mut ring), None);
}

#[test]
fn a_record_that_is_begun_later_holds_up_nobody() {
    let mut kernel = Kernel::new(page_size());
    let mut ring = kernel.reader();
    kernel.submit(b"first");
    ring.catch_up();
    let _second = kernel.begin(b"second");
    assert_eq!(ring.next(|record| assert_eq!(record, b"first")).unwrap(), Next::Read);
    assert_eq!(ring.next(|_| unreachable!()).unwrap(), Next::Nothing);
}

#[test]
fn a_record_that_was_given_up_is_passed_over() {
    let mut kernel = Kernel::new(page_size());
    let mut ring = kernel.reader();
    let given_up = kernel.begin(b"given up");
    kernel.finish(given_up, DISCARDED);
    assert_eq!(next(&mut ring), None);
    kernel.submit(b"next");
    assert_eq!(next(&mut ring).unwrap(), b"next");
    assert_eq!(kernel.consumed(), kernel.produced);
}

#[test]
fn another_reader_goes_on_where_the_last_one_ended() {
    let mut kernel = Kernel::new(page_size());
    for record in [b"one", b"two"] {
        kernel.submit(record);
    }
    assert_eq!(next(&mut kernel.reader()).unwrap(), b"one");
    assert_eq!(next(&mut kernel.reader()).unwrap(), b"two");
}

#[test]
fn what_was_read_and_not_released_is_there_for_another_reader() {
    let mut kernel = Kernel::new(page_size());
    for record in [b"one", b"two"] {
        kernel.submit(record);
    }
    let mut ring = kernel.reader();
    assert_eq!(read(&mut ring).unwrap(), b"one");
    let second = ring.position();
    assert_eq!(read(&mut ring).unwrap(), b"two");
    assert_eq!(read(&mut kernel.reader()).unwrap(), b"one");
    ring.release(second);
    assert_eq!(read(&mut kernel.reader()).unwrap(), b"two");
}

#[test]
fn a_window_is_mapped_and_not_the_buffer() {
    let mut kernel = Kernel::new(16 * WINDOW_BYTES);
    let mut ring = kernel.reader();
    let mut mapped = 0;
    for _ in 0..400 {
        kernel.submit(&[7; 4000]);
        assert_eq!(next(&mut ring).unwrap(), [7; 4000]);
        mapped = mapped.max(ring.window.as_ref().unwrap().mapping.bytes);
    }
    assert_eq!(mapped, WINDOW_BYTES);
    assert!(kernel.produced > kernel.bytes);
}

#[test]
fn a_length_that_no_record_has_is_said() {
    let mut kernel = Kernel::new(page_size());
    kernel.submit(b"");
    kernel.write(0, &(1_u32 << 20).to_ne_bytes());
    let mut ring = kernel.reader();
    ring.catch_up();
    let error = ring.next(|_| unreachable!()).unwrap_err();
    assert_eq!(error.to_string(), "a record is longer than its ring buffer");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Records of any length, read as they come or much later, are what was written and in its order, also around the buffer's end, and also
    /// longer ones than a window.
    #[test]
    fn what_is_written_is_read(
        lengths in vec(0_usize..3000, 1..60),
        at_once in 1_usize..6,
        long in proptest::option::of(WINDOW_BYTES..WINDOW_BYTES + 9000),
    ) {
        let mut kernel = Kernel::new(2 * WINDOW_BYTES);
        // So that the end comes soon.
        kernel.produced = 2 * WINDOW_BYTES - 8 * 1024;
        kernel.file.write_all_at(&kernel.produced.to_ne_bytes(), 0).unwrap();
        kernel.file.write_all_at(&kernel.produced.to_ne_bytes(), as_u64(page_size())).unwrap();
        let mut ring = kernel.reader();
        let mut written = std::collections::VecDeque::new();
        for (index, length) in long.into_iter().chain(lengths).enumerate() {
            let record: Vec<_> = (0..length).map(|at| u8::try_from((at + index) % 251).unwrap()).collect();
            kernel.submit(&record);
            written.push_back(record);
            if index % at_once == 0 {
                while let Some(read) = next(&mut ring) {
                    prop_assert_eq!(Some(read), written.pop_front());
                }
                prop_assert!(written.is_empty());
                prop_assert_eq!(kernel.consumed(), kernel.produced);
            }
        }
    }
}
