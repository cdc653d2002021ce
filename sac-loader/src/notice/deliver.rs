// SPDX-License-Identifier: MIT OR Apache-2.0
//! Getting a notice onto the user's terminal.
//!
//! A notice is a courtesy: nothing waits for it, it waits for nobody for long, and it goes only to what is the user's own. A process with a
//! controlling terminal gets it there. One without (`ssh host command`) gets it on its standard error, or its parent's
//! where the process is gone already; only a pipe or a socket, because anything else could make the loader wait. Nobody can be
//! told where a command without a terminal takes the place of its shell (`ssh host df`) and is killed: its standard
//! error ends with it.

use super::blocked;
use crate::cgroup::CgroupPath;
use rustix::{
    fs::{AtFlags, CWD, Mode, OFlags, StatxFlags, fstat, openat, readlinkat, statx},
    io::Errno,
    net::{SendFlags, send},
    process::{Pid, PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open},
};
use sac_abi::event::ExecEvent;
use std::{
    io,
    os::fd::{AsRawFd as _, OwnedFd},
    path::{Path, PathBuf},
    sync::mpsc::{self, SyncSender},
    thread,
    time::Duration,
};

/// `UNIX98_PTY_SLAVE_MAJOR` of include/uapi/linux/major.h: what sshd gives people.
const PTS_MAJOR: u32 = 136;

/// Notices that wait to be delivered. More are dropped: whoever is blocked that often knows by now.
const WAITING_MAX: usize = 256;

/// Delivers notices on a thread of its own, so that a terminal that is busy keeps no event waiting.
pub(crate) struct Deliverer(SyncSender<Notice>);

struct Notice {
    event: Box<ExecEvent>,
    uid: u32,
    directory: PathBuf,
}

impl Deliverer {
    /// Starts the thread.
    ///
    /// # Errors
    ///
    /// Where there is no thread to be had.
    pub(crate) fn start() -> io::Result<Self> {
        let (sender, waiting) = mpsc::sync_channel::<Notice>(WAITING_MAX);
        let run =
            move || waiting.iter().for_each(|notice| deliver(&notice.event, notice.uid, &notice.directory));
        thread::Builder::new().name("notices".to_owned()).spawn(run)?;
        Ok(Self(sender))
    }

    /// Tells the user `uid`, soon, that `event` was blocked in the cgroup at `directory`.
    pub(crate) fn send(&self, event: &ExecEvent, uid: u32, directory: &Path) {
        let notice = Notice { event: Box::new(*event), uid, directory: directory.to_owned() };
        if self.0.try_send(notice).is_err() {
            tracing::debug!(pid = event.tgid, "too many notices, one was dropped");
        }
    }
}

/// Tells the user `uid` that `event` was blocked in the cgroup at `directory`.
fn deliver(event: &ExecEvent, uid: u32, directory: &Path) {
    let mut line = blocked(event);
    line.push('\n');
    let told = if event.tty_major == 0 {
        to_standard_error(event.tgid, directory, &line)
            .or_else(|_gone| to_standard_error(event.parent_tgid, directory, &line))
    } else {
        to_terminal(event, uid, directory, &line)
    };
    if let Err(error) = told {
        tracing::debug!(pid = event.tgid, %error, "the user was not told");
    }
}

/// Writes to the controlling terminal, if it is one of the user's: in a container's own devpts the same number is somebody
/// else's terminal here. The terminals that sudo and su make belong to root; of those only one that the process, or its
/// parent, has open is believed.
fn to_terminal(event: &ExecEvent, uid: u32, directory: &Path, line: &str) -> io::Result<()> {
    let path = terminal(event.tty_major, event.tty_minor)?;
    let flags = OFlags::WRONLY | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let terminal = openat(CWD, &path, flags, Mode::empty())?;
    let stat = fstat(&terminal)?;
    let device = (rustix::fs::major(stat.st_rdev), rustix::fs::minor(stat.st_rdev));
    let is_the_users = stat.st_uid == uid
        || [event.tgid, event.parent_tgid].into_iter().any(|pid| has_open(pid, directory, &terminal));
    if device != (event.tty_major, event.tty_minor) || !is_the_users {
        return Err(io::Error::other(format!("{} is not the user's", path.display())));
    }
    write_soon(&terminal, line)
}

/// Writes to a terminal that somebody else, the shell with its own message, may be writing to just now.
fn write_soon(terminal: &OwnedFd, line: &str) -> io::Result<()> {
    const TRIES: u32 = 20;
    const PAUSE: Duration = Duration::from_millis(2);
    for _ in 1..TRIES {
        match rustix::io::write(terminal, line.as_bytes()) {
            Err(Errno::AGAIN) => thread::sleep(PAUSE),
            other => return Ok(other.map(drop)?),
        }
    }
    Ok(rustix::io::write(terminal, line.as_bytes()).map(drop)?)
}

/// Whether a process of the session has this very terminal open as standard input, output or error.
fn has_open(pid: u32, directory: &Path, terminal: &OwnedFd) -> bool {
    (0..=2).any(|number| {
        let file = file_of(pid, directory, number).and_then(|file| identity(&file));
        file.is_ok_and(|file| identity(terminal).is_ok_and(|terminal| terminal == file))
    })
}

/// Which file this is: device, inode and, for a device file, the device's number. Without asking the file system, which could
/// be of the user's own making and need not answer.
fn identity(file: &OwnedFd) -> io::Result<[u64; 5]> {
    let flags = AtFlags::EMPTY_PATH | AtFlags::STATX_DONT_SYNC;
    let stat = statx(file, "", flags, StatxFlags::INO | StatxFlags::TYPE)?;
    let numbers = [stat.stx_dev_major, stat.stx_dev_minor, stat.stx_rdev_major, stat.stx_rdev_minor];
    let [dev_major, dev_minor, rdev_major, rdev_minor] = numbers.map(u64::from);
    Ok([stat.stx_ino, dev_major, dev_minor, rdev_major, rdev_minor])
}

/// The device file of a terminal.
pub(crate) fn terminal(major: u32, minor: u32) -> io::Result<PathBuf> {
    if major == PTS_MAJOR {
        return Ok(Path::new("/dev/pts").join(minor.to_string()));
    }
    let uevent = std::fs::read_to_string(format!("/sys/dev/char/{major}:{minor}/uevent"))?;
    let name = uevent.lines().find_map(|line| line.strip_prefix("DEVNAME="));
    name.map(|name| Path::new("/dev").join(name))
        .ok_or_else(|| io::Error::other("the terminal has no device file"))
}

/// A file that a process of the session has open.
fn file_of(pid: u32, directory: &Path, descriptor: i32) -> io::Result<OwnedFd> {
    let number = i32::try_from(pid).map_err(io::Error::other)?;
    let process = pidfd_open(Pid::from_raw(number).ok_or(Errno::SRCH)?, PidfdFlags::empty())?;
    // Asked after the process is held, so that the answer is about it and not about a later one of this number.
    if !CgroupPath::of_process(number)?.directory().starts_with(directory) {
        return Err(io::Error::other("the process is not in the session"));
    }
    Ok(pidfd_getfd(&process, descriptor, PidfdGetfdFlags::empty())?)
}

/// Writes to the standard error of a process of the session.
fn to_standard_error(pid: u32, directory: &Path, line: &str) -> io::Result<()> {
    const STANDARD_ERROR: i32 = 2;
    let file = file_of(pid, directory, STANDARD_ERROR)?;
    // The name, not a `stat`: that could ask a file system of the user's own making, which need not answer.
    let name = readlinkat(CWD, format!("/proc/self/fd/{}", file.as_raw_fd()), Vec::new())?;
    if name.as_bytes().starts_with(b"socket:[") {
        send(&file, line.as_bytes(), SendFlags::DONTWAIT | SendFlags::NOSIGNAL)?;
    } else if name.as_bytes().starts_with(b"pipe:[") {
        rustix::io::write(reopen_without_waiting(&file)?, line.as_bytes())?;
    } else {
        return Err(io::Error::other("standard error is neither a pipe nor a socket"));
    }
    Ok(())
}

/// Opens a pipe anew: the flag not to wait belongs to the open file, and that one is the user's.
fn reopen_without_waiting(pipe: &OwnedFd) -> io::Result<OwnedFd> {
    let path = format!("/proc/self/fd/{}", pipe.as_raw_fd());
    Ok(openat(CWD, path, OFlags::WRONLY | OFlags::NONBLOCK | OFlags::CLOEXEC, Mode::empty())?)
}
