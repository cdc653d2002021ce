// SPDX-License-Identifier: MIT OR Apache-2.0
//! Logins past SAC: people who are in, whom a policy is for, and whom none holds, because what let them in opened no PAM session with
//! us. A second sshd with `UsePAM no`, dropbear, the sshd of a container.
//!
//! What is known of them is in `/proc`, which shows the processes of containers as well. A login is a process of a user's that has a
//! terminal, or that leads a session and was started by a login service. Not seen is who only forwards ports: nothing but sshd runs then.
//! What root does as somebody else on a terminal of its own (`su`, `runuser`) is root's.
#![forbid(unsafe_code)]

use crate::notice;
use sac_abi::event::EventPath;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
};

/// Programs that log people in. Of `mosh-server` each session's own runs as its user.
const SERVICES: [&str; 7] =
    ["sshd", "sshd-session", "dropbear", "login", "in.telnetd", "telnetd", "mosh-server"];

/// One program with many names, of which the process has the one that it was started by.
const MANY_IN_ONE: [&str; 3] = ["busybox", "toybox", "dropbearmulti"];

/// A chain of parents that is longer is a loop, because processes came and went while they were read.
const PARENTS_MAX: usize = 128;

/// A process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Process {
    pub(crate) pid: i32,
    pub(crate) parent: i32,
    /// The process that leads its session, by its number; it may be gone.
    pub(crate) session: i32,
    /// Major and minor number of its controlling terminal.
    pub(crate) terminal: Option<(u64, u64)>,
    /// When it was started, in ticks since boot. With the number it is one process's alone.
    pub(crate) started: u64,
    /// Its real user.
    pub(crate) uid: u32,
    /// The name of its first thread, which is the user's own words.
    comm: Vec<u8>,
}

impl Process {
    /// The process with this number; `None` where it has gone.
    pub(crate) fn of(pid: i32) -> Option<Self> {
        read(&Path::new("/proc").join(pid.to_string()), pid)
    }

    /// Its name, as it can be shown.
    pub(crate) fn name(&self) -> String {
        notice::shown(EventPath { bytes: &self.comm, cut: false })
    }

    /// Its terminal, in words that follow on its name.
    fn place(&self) -> String {
        match self.terminal {
            None => "without a terminal".to_owned(),
            Some((136, minor)) => format!("on pts/{minor}"),
            Some((4, minor)) if minor < 64 => format!("on tty{minor}"),
            Some((4, minor)) => format!("on ttyS{}", minor - 64),
            Some((major, minor)) => format!("on the terminal {major}:{minor}"),
        }
    }
}

/// All processes, at a moment.
#[derive(Debug)]
pub(crate) struct Processes {
    proc: PathBuf,
    by_pid: BTreeMap<i32, Process>,
}

impl Processes {
    /// Reads them from `proc`, where procfs is mounted.
    ///
    /// # Errors
    ///
    /// Where the directory cannot be read. A process that goes meanwhile is left out.
    pub(crate) fn read(proc: &Path) -> io::Result<Self> {
        let mut by_pid = BTreeMap::new();
        for entry in fs::read_dir(proc)? {
            let entry = entry?;
            let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok()) else {
                continue;
            };
            by_pid.extend(read(&entry.path(), pid).map(|process| (pid, process)));
        }
        Ok(Self { proc: proc.to_owned(), by_pid })
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Process> {
        self.by_pid.values()
    }

    pub(crate) fn get(&self, pid: i32) -> Option<&Process> {
        self.by_pid.get(&pid)
    }

    /// A file about a process.
    pub(crate) fn file(&self, pid: i32, name: &str) -> PathBuf {
        self.proc.join(pid.to_string()).join(name)
    }

    /// The program that a process executes, by the last part of its path. The kernel's own have none.
    pub(crate) fn program(&self, process: &Process) -> String {
        let path = fs::read_link(self.file(process.pid, "exe")).unwrap_or_default();
        let bytes = path.as_os_str().as_bytes();
        // Of a program that was upgraded meanwhile.
        let bytes = bytes.strip_suffix(b" (deleted)").unwrap_or(bytes);
        let name = bytes.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        let name = String::from_utf8_lossy(name).into_owned();
        if MANY_IN_ONE.contains(&name.as_str()) {
            return String::from_utf8_lossy(&process.comm).into_owned();
        }
        name
    }

    fn is_service(&self, process: &Process) -> bool {
        SERVICES.contains(&self.program(process).as_str())
    }

    /// The cgroup of a process, below the root of the hierarchy and with a leading slash.
    fn cgroup(&self, process: &Process) -> Option<PathBuf> {
        let text = fs::read_to_string(self.file(process.pid, "cgroup")).ok()?;
        text.lines().find_map(|line| line.strip_prefix("0::")).map(PathBuf::from)
    }

    /// The parent of a process, that one's parent, and so on.
    fn above(&self, process: &Process) -> impl Iterator<Item = &Process> {
        let first = self.get(process.parent);
        std::iter::successors(first, |process| self.get(process.parent)).take(PARENTS_MAX)
    }

    /// Whether a login service led to a process, as far as its parents still tell.
    pub(crate) fn is_below_login_service(&self, pid: i32) -> bool {
        self.get(pid).is_some_and(|process| self.above(process).any(|above| self.is_service(above)))
    }

    /// Whether a process looks like somebody's login, or a part of one.
    fn is_login(&self, process: &Process) -> bool {
        if process.uid == 0 {
            return false;
        }
        if process.terminal.is_none() {
            let parent = self.get(process.parent);
            return process.session == process.pid && parent.is_some_and(|parent| self.is_service(parent));
        }
        // A terminal that root has, and lets somebody use.
        let leader = self.get(process.session);
        leader.is_none_or(|leader| leader.uid != 0 || self.is_service(leader))
    }

    /// The logins that are in no cgroup that `is_covered`, each by its first process.
    pub(crate) fn uncovered(&self, is_covered: &dyn Fn(&Path) -> bool) -> Vec<Unlabelled> {
        let is_uncovered = |process: &&Process| {
            self.is_login(process) && self.cgroup(process).is_some_and(|cgroup| !is_covered(&cgroup))
        };
        let found: BTreeMap<i32, &Process> =
            self.iter().filter(is_uncovered).map(|process| (process.pid, process)).collect();
        let mut first_of: BTreeMap<(i32, u32), &Process> = BTreeMap::new();
        for &process in found.values() {
            let first = first_of.entry((process.session, process.uid)).or_insert(process);
            if (process.started, process.pid) < (first.started, first.pid) {
                *first = process;
            }
        }
        let is_below_another = |process: &Process| {
            self.above(process)
                .any(|above| above.uid == process.uid && found.contains_key(&above.pid) && above != process)
        };
        let firsts = first_of.values().filter(|process| !is_below_another(process));
        firsts.map(|process| self.describe(process)).collect()
    }

    fn describe(&self, process: &Process) -> Unlabelled {
        let services = self.above(process).map(|above| self.program(above));
        Unlabelled {
            process: process.clone(),
            service: services.into_iter().find(|name| SERVICES.contains(&name.as_str())),
            cgroup: self.cgroup(process).unwrap_or_default(),
        }
    }

    /// Everything that belongs to a login: what its first process has started, and what else its user has in its session.
    pub(crate) fn of_login(&self, login: &Process) -> Vec<&Process> {
        let belongs = |process: &&Process| {
            let is_first = process.pid == login.pid && process.started == login.started;
            let is_below =
                || self.above(process).any(|above| above.pid == login.pid && above.started == login.started);
            // 0 is any session of whose leader nothing is known.
            let is_beside = login.session > 0 && process.session == login.session && process.uid == login.uid;
            process.pid > 1 && (is_first || is_beside || is_below())
        };
        self.iter().filter(belongs).collect()
    }

    /// Whether a process is there still, and its number has not become another one's.
    pub(crate) fn is_there_still(&self, process: &Process) -> bool {
        let directory = self.proc.join(process.pid.to_string());
        read(&directory, process.pid).is_some_and(|now| now.started == process.started)
    }

    /// Whether a process is in a cgroup that `is_covered`, or gone.
    pub(crate) fn is_covered(&self, process: &Process, is_covered: &dyn Fn(&Path) -> bool) -> bool {
        self.cgroup(process).is_none_or(|cgroup| is_covered(&cgroup))
    }
}

/// A login that no policy holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unlabelled {
    /// Its first process.
    pub(crate) process: Process,
    /// The login service that it came by, where that is still there.
    pub(crate) service: Option<String>,
    /// Where it is in the hierarchy, with a leading slash.
    pub(crate) cgroup: PathBuf,
}

impl Unlabelled {
    /// In words for people; `user` is whose it is.
    pub(crate) fn of(&self, user: &str) -> String {
        let Process { pid, .. } = self.process;
        let (name, place) = (self.process.name(), self.process.place());
        let by = self.service.as_ref().map_or_else(String::new, |service| format!(", by {service}"));
        format!("{user} (PID {pid}, {name}, {place}{by})")
    }
}

/// Whom the PAM stacks let in without a policy: `exempt=` of any of them. By which one somebody came nobody can tell any more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Exempt {
    names: BTreeSet<String>,
}

impl Exempt {
    /// Takes in an argument of the module, if it is `exempt=`.
    pub(crate) fn add(&mut self, argument: &str) {
        let argument = argument.trim_start_matches('[').trim_end_matches(']');
        let names = argument.strip_prefix("exempt=").into_iter().flat_map(|names| names.split(','));
        self.names.extend(names.filter(|name| !name.is_empty()).map(str::to_owned));
    }

    /// Whether somebody is among them.
    pub(crate) fn has(&self, person: &sac_policy::Person) -> bool {
        let is_in = |group: &sac_policy::Group| self.names.contains(&format!("@{}", group.name));
        self.names.contains(&person.name) || person.groups.iter().any(is_in)
    }
}

/// The login uid of a process, which su and sudo do not change; `None` where nobody logged in for it, or it has gone. See
/// `audit_setloginuid(3)`.
pub(crate) fn login_uid(pid: i32) -> Option<u32> {
    audited(pid, "loginuid")
}

/// The audit session id of a process, with the same exceptions.
pub(crate) fn audit_session(pid: i32) -> Option<u32> {
    audited(pid, "sessionid")
}

/// The greatest audit session id of any process; 0 where none has one. The kernel counts them up with every login.
///
/// # Errors
///
/// Where the directory of processes cannot be read. A process that goes meanwhile is left out.
pub(crate) fn newest_audit_session(proc: &Path) -> io::Result<u32> {
    let mut newest = 0;
    for entry in fs::read_dir(proc)? {
        let entry = entry?;
        if entry.file_name().as_bytes().iter().all(u8::is_ascii_digit) {
            newest = newest.max(number_in(&entry.path().join("sessionid")).unwrap_or(0));
        }
    }
    Ok(newest)
}

fn audited(pid: i32, name: &str) -> Option<u32> {
    number_in(&Path::new("/proc").join(pid.to_string()).join(name))
}

fn number_in(file: &Path) -> Option<u32> {
    let text = fs::read_to_string(file).ok()?;
    // The greatest number stands for none: `AUDIT_UID_UNSET` and `AUDIT_SID_UNSET` of include/uapi/linux/audit.h.
    text.trim().parse().ok().filter(|number| *number != u32::MAX)
}

/// What `/proc/PID` says, in `directory`.
fn read(directory: &Path, pid: i32) -> Option<Process> {
    let stat = fs::read(directory.join("stat")).ok()?;
    // The name stands in parentheses and may hold anything; what follows is a letter and numbers, see proc(5).
    let open = stat.iter().position(|byte| *byte == b'(')?;
    let close = stat.iter().rposition(|byte| *byte == b')')?;
    let comm = stat.get(open + 1..close)?.to_vec();
    let behind = std::str::from_utf8(stat.get(close + 1..)?).ok()?.trim_start();
    // One that has ended, and that nobody has waited for yet.
    if behind.starts_with(['Z', 'X']) {
        return None;
    }
    let numbers: Vec<u64> =
        behind.split_whitespace().skip(1).map(|number| number.parse().unwrap_or(0)).collect();
    let number = |index: usize| numbers.get(index).copied();
    let pid_at = |index: usize| i32::try_from(number(index)?).ok();
    let terminal = number(3).filter(|device| *device != 0);
    Some(Process {
        pid,
        parent: pid_at(0)?,
        session: pid_at(2)?,
        terminal: terminal.map(|device| (device >> 8 & 0xfff, device & 0xff | device >> 12 & 0xf_ff00)),
        started: number(18)?,
        uid: real_uid(&fs::read(directory.join("status")).ok()?)?,
        comm,
    })
}

/// The first number of the line `Uid:`. The name above it is escaped, so that it cannot pass for a line.
fn real_uid(status: &[u8]) -> Option<u32> {
    let line = status.split(|byte| *byte == b'\n').find_map(|line| line.strip_prefix(b"Uid:"))?;
    std::str::from_utf8(line).ok()?.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
pub(crate) mod tests;
