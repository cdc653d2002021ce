// SPDX-License-Identifier: MIT OR Apache-2.0
//! Getting a notice onto the user's terminal.
//!
//! A notice is a courtesy: it is written without ever waiting, and only to what is the user's own. A process with a
//! controlling terminal gets it there. One without (`ssh host command`) gets it on its standard error, or its parent's
//! where the process is gone already; only a pipe or a socket, because anything else could make the loader wait. Nobody can be
//! told where a command without a terminal takes the place of its shell (`ssh host df`) and is killed: its standard
//! error ends with it.

use super::blocked;
use crate::cgroup::CgroupPath;
use rustix::{
    fs::{CWD, Mode, OFlags, fstat, openat, readlinkat},
    io::Errno,
    net::{SendFlags, send},
    process::{Pid, PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open},
};
use sac_abi::event::ExecEvent;
use std::{
    io,
    os::fd::{AsRawFd as _, OwnedFd},
    path::{Path, PathBuf},
};

/// `UNIX98_PTY_SLAVE_MAJOR` of include/uapi/linux/major.h: what sshd gives people.
const PTS_MAJOR: u32 = 136;

/// Tells the user `uid` that `event` was blocked in the cgroup at `directory`.
pub(crate) fn deliver(event: &ExecEvent, uid: u32, directory: &Path) {
    let mut line = blocked(event);
    line.push('\n');
    let told = if event.tty_major == 0 {
        to_standard_error(event.tgid, directory, &line)
            .or_else(|_gone| to_standard_error(event.parent_tgid, directory, &line))
    } else {
        to_terminal(event, uid, &line)
    };
    if let Err(error) = told {
        tracing::debug!(pid = event.tgid, %error, "the user was not told");
    }
}

/// Writes to the controlling terminal, if it belongs to the user: in a container's own devpts the same number is
/// somebody else's terminal here.
fn to_terminal(event: &ExecEvent, uid: u32, line: &str) -> io::Result<()> {
    let path = terminal(event.tty_major, event.tty_minor)?;
    let flags = OFlags::WRONLY | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let terminal = openat(CWD, &path, flags, Mode::empty())?;
    let stat = fstat(&terminal)?;
    let device = (rustix::fs::major(stat.st_rdev), rustix::fs::minor(stat.st_rdev));
    if stat.st_uid != uid || device != (event.tty_major, event.tty_minor) {
        return Err(io::Error::other(format!("{} is not the user's", path.display())));
    }
    rustix::io::write(&terminal, line.as_bytes())?;
    Ok(())
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

/// Writes to the standard error of a process of the session.
fn to_standard_error(pid: u32, directory: &Path, line: &str) -> io::Result<()> {
    const STANDARD_ERROR: i32 = 2;
    let number = i32::try_from(pid).map_err(io::Error::other)?;
    let process = pidfd_open(Pid::from_raw(number).ok_or(Errno::SRCH)?, PidfdFlags::empty())?;
    // Asked after the process is held, so that the answer is about it and not about a later one of this number.
    if !CgroupPath::of_process(number)?.directory().starts_with(directory) {
        return Err(io::Error::other("the process is not in the session"));
    }
    let file = pidfd_getfd(&process, STANDARD_ERROR, PidfdGetfdFlags::empty())?;
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
