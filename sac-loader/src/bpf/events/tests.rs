// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a reader gives, and what is there for the next one.

use super::{ring::tests::Kernel, *};
use sac_abi::activity::{ACTIVITY_VERSION, Head, Kind};
use std::{fs::File, mem::offset_of};

const BYTES: usize = 1 << 14;

const NOTHING: [u32; 0] = [];

/// The kernel's side of both buffers.
struct Buffers {
    events: Kernel,
    activity: Kernel,
}

impl Buffers {
    fn new() -> Self {
        Self { events: Kernel::new(BYTES), activity: Kernel::new(BYTES) }
    }

    fn reader(&self) -> EventReader<File> {
        EventReader::new(self.events.reader(), self.activity.reader())
    }

    /// A process forks.
    fn fork(&mut self, pid: u32, boot_ns: u64) {
        let mut record = vec![0; size_of::<Forked>()];
        let mut put = |at: usize, what: &[u8]| record[at..at + what.len()].copy_from_slice(what);
        put(offset_of!(Head, version), &ACTIVITY_VERSION.to_ne_bytes());
        put(offset_of!(Head, kind), &[Kind::Forked as u8]);
        put(offset_of!(Head, boot_ns), &boot_ns.to_ne_bytes());
        put(offset_of!(Forked, tgid), &pid.to_ne_bytes());
        self.activity.submit(&record);
    }
}

/// All that a reader gives at this time.
fn given(reader: &mut EventReader<File>) -> Vec<u32> {
    reader.read();
    std::iter::from_fn(|| reader.next()).map(|reported| pid(&reported)).collect()
}

fn pid(reported: &Reported) -> u32 {
    match reported {
        Reported::Forked(forked) => forked.tgid,
        Reported::Unknown => 0,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_was_given_is_told_again_until_it_is_done() {
    let mut buffers = Buffers::new();
    (1..=3).for_each(|pid| buffers.fork(pid, u64::from(pid)));
    buffers.events.submit(b"of another version");
    let mut reader = buffers.reader();
    assert_eq!(given(&mut reader), [0, 1, 2, 3]);
    assert_eq!(given(&mut reader), NOTHING);
    assert_eq!(given(&mut buffers.reader()), [0, 1, 2, 3]);
    reader.done();
    assert_eq!(given(&mut buffers.reader()), NOTHING);
}

#[test]
fn what_was_not_given_stays_when_others_are_done() {
    let mut buffers = Buffers::new();
    (1..=3).for_each(|pid| buffers.fork(pid, u64::from(pid)));
    buffers.events.submit(b"of another version");
    let mut reader = buffers.reader();
    reader.read();
    // The one in the other buffer, and the first here.
    assert_eq!([reader.next(), reader.next()].map(|next| pid(&next.unwrap())), [0, 1]);
    reader.done();
    assert_eq!(given(&mut buffers.reader()), [2, 3]);
}

#[test]
fn what_waits_for_something_older_stays_with_all_behind_it() {
    let mut buffers = Buffers::new();
    // By another processor's clock this one is still to come.
    let later_ns = boot_ns() + 500_000_000;
    for (pid, boot_ns) in [(1, 1), (2, later_ns), (3, 3)] {
        buffers.fork(pid, boot_ns);
    }
    let mut reader = buffers.reader();
    assert_eq!(given(&mut reader), [1, 3]);
    reader.done();
    let again: Vec<_> = given(&mut buffers.reader());
    assert_eq!(again, [3]);
    while boot_ns() < later_ns {
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(given(&mut reader), [2]);
    reader.done();
    assert_eq!(given(&mut buffers.reader()), NOTHING);
}
