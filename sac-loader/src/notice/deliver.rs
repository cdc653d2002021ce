// SPDX-License-Identifier: MIT OR Apache-2.0
//! Getting a notice onto the user's terminal.
//!
//! A notice is a courtesy: nothing waits for it, it waits for nobody for long, and it goes only to what is the user's own. A process with a
//! controlling terminal gets it there. One without (`ssh host command`) gets it on its standard error, or its parent's
//! where the process is gone already; only a pipe or a socket, because anything else could make the loader wait. Nobody can be
//! told where a command without a terminal takes the place of its shell (`ssh host df`) and is killed: its standard
//! error ends with it.

use super::{Attempt, blocked};
use crate::cgroup::{self, CgroupPath};
use rustix::{
    fs::{CWD, FileType, Mode, OFlags, fstat, openat, readlinkat},
    io::Errno,
    net::{SendFlags, send},
    process::{Pid, PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open},
};
use sac_abi::event::Event;
use std::{
    collections::BTreeSet,
    convert::Infallible,
    io,
    os::fd::{AsRawFd as _, OwnedFd},
    path::{Path, PathBuf},
    sync::mpsc::{self, Sender, SyncSender},
    thread,
    time::Duration,
};

/// `UNIX98_PTY_SLAVE_MAJOR` of include/uapi/linux/major.h: what sshd gives people.
const PTS_MAJOR: u32 = 136;

/// Notices that wait to be delivered. More are dropped: whoever is blocked that often knows by now.
const WAITING_MAX: usize = 256;

/// Delivers notices on a thread of its own, so that a terminal that is busy keeps no event waiting.
#[derive(Clone)]
pub(crate) struct Deliverer(SyncSender<Notice>);

struct Notice {
    about: About,
    uid: u32,
    directory: PathBuf,
    /// Goes with the notice, so that somebody can wait for that.
    done: Option<Sender<Infallible>>,
}

/// What somebody is told.
enum About {
    /// A line for whoever asked for what was blocked.
    Attempt(Asker, String),
    /// A line for all terminals of a session.
    Session(String),
}

/// The process that asked for something.
#[derive(Clone, Copy, Debug)]
struct Asker {
    tgid: u32,
    parent_tgid: u32,
    /// Numbers of its controlling terminal; the first is 0 where it has none.
    tty: (u32, u32),
}

impl Deliverer {
    /// Starts the thread.
    ///
    /// # Errors
    ///
    /// Where there is no thread to be had.
    pub(crate) fn start() -> io::Result<Self> {
        let (sender, waiting) = mpsc::sync_channel::<Notice>(WAITING_MAX);
        let run = move || {
            waiting.iter().for_each(|Notice { about, uid, directory, done }| {
                match about {
                    About::Attempt(asker, line) => deliver(asker, uid, &directory, &line),
                    About::Session(line) => to_all_terminals(uid, &directory, &line),
                }
                drop(done);
            });
        };
        thread::Builder::new().name("notices".to_owned()).spawn(run)?;
        Ok(Self(sender))
    }

    /// Tells the user `uid`, soon, that the `attempt` that `event` is about was blocked in the cgroup at `directory`.
    /// `messages` are the policy's own, and come behind.
    pub(crate) fn send(
        &self,
        event: &Event,
        attempt: &Attempt,
        uid: u32,
        directory: &Path,
        messages: &[String],
    ) {
        let lines: Vec<_> =
            [blocked(event, attempt)].iter().chain(messages).map(|line| format!("{line}\n")).collect();
        let tty = (event.caller.tty_major, event.caller.tty_minor);
        let asker = Asker { tgid: event.caller.tgid, parent_tgid: event.caller.parent_tgid, tty };
        let about = About::Attempt(asker, lines.concat());
        let notice = Notice { about, uid, directory: directory.to_owned(), done: None };
        if self.0.try_send(notice).is_err() {
            tracing::debug!(pid = event.caller.tgid, "too many notices, one was dropped");
        }
    }

    /// Tells the user `uid`, soon, a line on all terminals of the session whose cgroup is at `directory`.
    pub(crate) fn tell(&self, uid: u32, directory: &Path, line: String) {
        self.send_line(uid, directory, line, None);
    }

    /// As [`Self::tell`], and waits until that is done, for `patience` at most: for whoever is about to stop or kill those who
    /// have the terminals.
    pub(crate) fn tell_now(&self, uid: u32, directory: &Path, line: String, patience: Duration) {
        let (done, told) = mpsc::channel::<Infallible>();
        self.send_line(uid, directory, line, Some(done));
        // Nothing is ever sent: the other end goes with the notice.
        let _told_or_too_late = told.recv_timeout(patience);
    }

    fn send_line(&self, uid: u32, directory: &Path, line: String, done: Option<Sender<Infallible>>) {
        let notice = Notice { about: About::Session(line), uid, directory: directory.to_owned(), done };
        if self.0.try_send(notice).is_err() {
            tracing::debug!(uid, "too many notices, one was dropped");
        }
    }
}

/// Writes a line to each terminal of the user's in the cgroup at `directory`.
fn to_all_terminals(uid: u32, directory: &Path, line: &str) {
    /// A session with more terminals has more than people look at.
    const TERMINALS_MAX: usize = 16;
    let processes = cgroup::processes(directory).unwrap_or_default();
    let terminals: BTreeSet<PathBuf> = processes.into_iter().filter_map(terminal_of_process).collect();
    for path in terminals.into_iter().take(TERMINALS_MAX) {
        let told =
            open_users(&path, uid).and_then(|terminal| write_soon(&terminal, &format!("\r\n{line}\r\n")));
        if let Err(error) = told {
            tracing::debug!(terminal = %path.display(), %error, "the user was not told");
        }
    }
}

/// Tells the user `uid`, who asked for something in the cgroup at `directory`.
fn deliver(asker: Asker, uid: u32, directory: &Path, line: &str) {
    let told = if asker.tty.0 == 0 {
        to_standard_error(asker.tgid, directory, line)
            .or_else(|_gone| to_standard_error(asker.parent_tgid, directory, line))
            .or_else(|gone| to_whoever_is_there(directory, line).ok_or(gone))
    } else {
        to_terminal(asker.tty, uid, directory, line)
    };
    if let Err(error) = told {
        tracing::debug!(pid = asker.tgid, %error, "the user was not told");
    }
}

/// Writes to the standard error of the first process of the session that has one to show: scripts end as soon as what they ran is
/// killed, and whoever started them is waiting.
fn to_whoever_is_there(directory: &Path, line: &str) -> Option<()> {
    /// More processes than are tried are many on one output.
    const PROCESSES_MAX: usize = 16;
    let processes = cgroup::processes(directory).unwrap_or_default().into_iter();
    let numbers = processes.take(PROCESSES_MAX).filter_map(|process| u32::try_from(process).ok());
    numbers.into_iter().find_map(|process| to_standard_error(process, directory, line).ok())
}

/// Writes to the controlling terminal if it belongs to the user, and otherwise to a terminal of the session that does: sudo and
/// su make terminals for what they run, which are root's and end with it, and in a container's own devpts the same number
/// is somebody else's terminal here.
fn to_terminal((major, minor): (u32, u32), uid: u32, directory: &Path, line: &str) -> io::Result<()> {
    /// More processes than are looked at for a terminal have none, or are many on one.
    const PROCESSES_MAX: usize = 64;
    let own = terminal(major, minor).and_then(|path| open_users(&path, uid));
    let found = own.or_else(|not_the_users| {
        let processes = cgroup::processes(directory).unwrap_or_default();
        let terminals = processes.into_iter().take(PROCESSES_MAX).filter_map(terminal_of_process);
        terminals.flat_map(|path| open_users(&path, uid)).next().ok_or(not_the_users)
    });
    write_soon(&found?, line)
}

/// Opens a terminal that belongs to the user, so that writing to it does not wait.
fn open_users(path: &Path, uid: u32) -> io::Result<OwnedFd> {
    let flags = OFlags::WRONLY | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let terminal = openat(CWD, path, flags, Mode::empty())?;
    let stat = fstat(&terminal)?;
    let is_terminal = FileType::from_raw_mode(stat.st_mode) == FileType::CharacterDevice;
    if stat.st_uid != uid || !is_terminal {
        return Err(io::Error::other(format!("{} is not the user's", path.display())));
    }
    Ok(terminal)
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

/// The device file of a terminal.
fn terminal(major: u32, minor: u32) -> io::Result<PathBuf> {
    if major == PTS_MAJOR {
        return Ok(Path::new("/dev/pts").join(minor.to_string()));
    }
    let uevent = std::fs::read_to_string(format!("/sys/dev/char/{major}:{minor}/uevent"))?;
    let name = uevent.lines().find_map(|line| line.strip_prefix("DEVNAME="));
    name.map(|name| Path::new("/dev").join(name))
        .ok_or_else(|| io::Error::other("the terminal has no device file"))
}

/// The name of a terminal, without `/dev/`; `None` where there is none.
pub(crate) fn terminal_name(major: u32, minor: u32) -> Option<String> {
    if major == 0 {
        return None;
    }
    let path = terminal(major, minor).ok()?;
    Some(path.strip_prefix("/dev").unwrap_or(&path).display().to_string())
}

/// The device file of a process's controlling terminal.
pub(crate) fn terminal_of_process(pid: i32) -> Option<PathBuf> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name of the program stands in parentheses and may hold anything; what follows is numbers (proc(5): tty_nr is
    // the fifth behind it).
    let number: u64 = stat.rsplit_once(')')?.1.split_whitespace().nth(4)?.parse().ok()?;
    let major = u32::try_from(number >> 8 & 0xfff).ok().filter(|major| *major != 0)?;
    let minor = u32::try_from(number & 0xff | number >> 12 & 0xf_ff00).ok()?;
    terminal(major, minor).ok()
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
