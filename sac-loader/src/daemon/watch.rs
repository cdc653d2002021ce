// SPDX-License-Identifier: MIT OR Apache-2.0
//! Ends of cgroups: a session ends with its last process, however that went.
//!
//! The kernel tells of a cgroup that becomes empty through inotify on its `cgroup.events`. It does not tell of every
//! directory that goes, so what is empty and still there is looked at again every second until it is settled.

use super::{Shared, lock, registry::Owner};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::inotify,
    io::Errno,
};
use std::{collections::BTreeSet, io, mem::MaybeUninit, os::fd::OwnedFd, path::Path, sync::Arc};

/// How long until something unsettled is looked at again.
const AGAIN: Timespec = Timespec { tv_sec: 1, tv_nsec: 0 };

/// Watches cgroups.
#[derive(Clone, Debug)]
pub(super) struct Watcher(Arc<OwnedFd>);

impl Watcher {
    pub(super) fn new() -> io::Result<Self> {
        let flags = inotify::CreateFlags::CLOEXEC | inotify::CreateFlags::NONBLOCK;
        Ok(Self(Arc::new(inotify::init(flags)?)))
    }

    /// Watches the cgroup at `directory`; gives the number by which its events are known.
    pub(super) fn add(&self, directory: &Path) -> io::Result<i32> {
        Ok(inotify::add_watch(&*self.0, directory.join("cgroup.events"), inotify::WatchFlags::MODIFY)?)
    }

    /// Stops watching. A watch that went with its cgroup is none any more.
    pub(super) fn remove(&self, watch: i32) {
        let _gone_already = inotify::remove_watch(&*self.0, watch);
    }
}

/// Settles what ends, until reading events fails.
pub(super) fn follow(state: &Shared, watcher: &Watcher) -> io::Result<()> {
    let mut unsettled = BTreeSet::new();
    let mut buffer = [MaybeUninit::uninit(); 4096];
    loop {
        let timeout = (!unsettled.is_empty()).then_some(&AGAIN);
        match poll(&mut [PollFd::new(&*watcher.0, PollFlags::IN)], timeout) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let mut events = inotify::Reader::new(&*watcher.0, &mut buffer);
        loop {
            match events.next() {
                Ok(event) => unsettled.extend(changed(state, &event)),
                Err(Errno::AGAIN) => break,
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        unsettled.retain(|owner| !lock(state).settle(*owner));
    }
}

/// Whose cgroups an event is about: one, or all where the kernel had no room for more events.
fn changed(state: &Shared, event: &inotify::Event<'_>) -> Vec<Owner> {
    let state = lock(state);
    if event.events().contains(inotify::ReadFlags::QUEUE_OVERFLOW) {
        tracing::warn!("the kernel dropped events about cgroups; looking at all of them");
        return state.registry().owners().collect();
    }
    state.registry().owner_of_watch(event.wd()).into_iter().collect()
}
