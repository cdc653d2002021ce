// SPDX-License-Identifier: MIT OR Apache-2.0
//! Waiting for more: until something is written to the record, or nobody reads standard output any more.

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::inotify,
    io::Errno,
};
use std::{
    io,
    os::fd::{AsFd as _, BorrowedFd, OwnedFd},
    path::Path,
};

/// Where inotify does not tell, it is looked so often.
const LOOK: Timespec = Timespec { tv_sec: 0, tv_nsec: 200_000_000 };
/// Where it does, this is for what it could miss, such as a directory that was made anew.
const LOOK_ANYWAY: Timespec = Timespec { tv_sec: 2, tv_nsec: 0 };

/// A watch on a directory.
pub(in crate::cli) struct Watch(Option<OwnedFd>);

/// What waiting came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) enum Waited {
    /// There may be more.
    Continue,
    /// Nobody reads any more.
    Closed,
}

impl Waited {
    pub(in crate::cli) const fn is_continuing(self) -> bool {
        matches!(self, Self::Continue)
    }
}

impl Watch {
    /// Watches a directory. Where that cannot be done, because there are too many watches, it is looked each now and then.
    pub(in crate::cli) fn on(directory: &Path) -> Self {
        let watch = || {
            let watch = inotify::init(inotify::CreateFlags::NONBLOCK | inotify::CreateFlags::CLOEXEC)?;
            let what = inotify::WatchFlags::MODIFY | inotify::WatchFlags::CREATE;
            inotify::add_watch(&watch, directory, what | inotify::WatchFlags::MOVED_TO)?;
            Ok::<_, Errno>(watch)
        };
        Self(watch().ok())
    }

    /// Waits until there may be more.
    pub(in crate::cli) fn wait(&self) -> io::Result<Waited> {
        let out = rustix::stdio::stdout();
        // Without a wish, what comes is an error: the other end was closed.
        let mut polled = vec![PollFd::new(&out, PollFlags::empty())];
        polled.extend(self.0.iter().map(|watch| PollFd::new(watch, PollFlags::IN)));
        let limit = if self.0.is_some() { LOOK_ANYWAY } else { LOOK };
        match poll(&mut polled, Some(&limit)) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let is_closed =
            polled.first().is_some_and(|out| out.revents().intersects(PollFlags::ERR | PollFlags::HUP));
        if is_closed {
            return Ok(Waited::Closed);
        }
        self.forget()?;
        Ok(Waited::Continue)
    }

    /// What to poll for more together with other things; `None` where inotify does not tell.
    pub(in crate::cli) fn as_fd(&self) -> Option<BorrowedFd<'_>> {
        self.0.as_ref().map(OwnedFd::as_fd)
    }

    /// What is told is that something was written; what, the record says itself.
    pub(in crate::cli) fn forget(&self) -> io::Result<()> {
        let Some(watch) = &self.0 else { return Ok(()) };
        let mut told = [0; 4096];
        loop {
            match rustix::io::read(watch, &mut told) {
                Ok(1..) | Err(Errno::INTR) => {}
                Ok(0) | Err(Errno::AGAIN) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
    }
}
