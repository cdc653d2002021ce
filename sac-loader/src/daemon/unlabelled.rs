// SPDX-License-Identifier: MIT OR Apache-2.0
//! Logins past SAC: reported once, or killed, as the policy for the person says; see [`crate::logins`].
//!
//! Where only the daemon was missing when somebody came (`fail=open`), and the session is in the user's slice, that is put
//! under policy now: the PAM stack by which they came wanted it so.

use super::{Shared, lock, place::USER_MANAGER, state::State};
use crate::{
    cgroup::{self, CgroupPath},
    doctor::{Host, Stacks},
    logins::{Process, Processes, Unlabelled},
    person,
};
use rustix::{
    io::Errno,
    process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal},
};
use sac_audit::record::{Event, Severity};
use sac_policy::{
    Login, Person, PolicySet, RemoteHost,
    policy::{self, Mode},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    sync::Arc,
};

const PROC: &str = "/proc";

/// What is to be done about it, for people.
const HELP: &str = "what let them in opens no PAM session with pam_sac.so; see `sac-loader doctor`";

/// How often is looked for what a login has started meanwhile, before it is killed.
const ROUNDS_MAX: usize = 8;

/// What becomes of a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Report,
    Kill,
}

/// The search, which remembers what it has told.
#[derive(Default)]
pub(super) struct Search {
    told: BTreeSet<(i32, u64)>,
}

/// Cgroups that are under a policy.
#[derive(Default)]
struct Covered(BTreeSet<PathBuf>);

impl Covered {
    fn add(&mut self, state: &State) {
        self.0.extend(state.registry().directories().map(Path::to_owned));
    }

    /// Whether a cgroup, named as in `/proc/PID/cgroup`, is one of them or in one.
    fn has(&self, cgroup: &Path) -> bool {
        let directory = Path::new(cgroup::ROOT).join(cgroup.strip_prefix("/").unwrap_or(cgroup));
        directory.ancestors().any(|above| self.0.contains(above))
    }
}

impl Search {
    /// Looks once.
    ///
    /// # Errors
    ///
    /// Where `/proc` cannot be read.
    pub(super) fn look(&mut self, state: &Shared) -> io::Result<()> {
        let mut covered = Covered::default();
        let set = {
            let state = lock(state);
            covered.add(&state);
            state.policies.set().map(Arc::clone)
        };
        let Some(set) = set else { return Ok(()) };
        let processes = Processes::read(Path::new(PROC))?;
        // What has begun or ended while processes were read is none past SAC.
        covered.add(&lock(state));
        let found = processes.uncovered(&|cgroup| covered.has(cgroup));
        self.told.retain(|key| found.iter().any(|login| key_of(&login.process) == *key));
        if found.is_empty() {
            return Ok(());
        }
        let stacks = Stacks::read(&Host::running());
        let mut people = BTreeMap::new();
        for login in &found {
            let person = people.entry(login.process.uid).or_insert_with_key(|uid| person::look_up_uid(*uid));
            let Some((person, _shell)) = person else { continue };
            let fate = fate(&set, person).filter(|_| !stacks.exempt.has(person));
            let Some(fate) = fate else { continue };
            let has_come_by_us = login.service.as_ref().is_some_and(|service| stacks.bring(service));
            if has_come_by_us && lock(state).cover_login(&set, login, person) {
                continue;
            }
            let outcome = self.settle(login, fate, person, &covered);
            if let Some(outcome) = outcome {
                let (user, pid) = (person.name.clone(), login.process.pid.unsigned_abs());
                let event = Event::Unlabelled { user, pid, outcome: outcome.to_owned() };
                lock(state).recorder.tell(None, Severity::High, event);
            }
        }
        Ok(())
    }

    /// Does what becomes of a login; what that was, where something was done.
    fn settle(
        &mut self,
        login: &Unlabelled,
        fate: Fate,
        person: &Person,
        covered: &Covered,
    ) -> Option<&'static str> {
        let (user, pid) = (&person.name, login.process.pid);
        let (text, by) = (login.of(user), login.service.as_deref());
        match fate {
            Fate::Kill => match kill(&login.process, Path::new(PROC), &|cgroup| covered.has(cgroup)) {
                // It has ended by itself.
                Ok(0) => None,
                Ok(count) => {
                    tracing::warn!(
                        user,
                        pid,
                        by,
                        count,
                        action = "kill",
                        "login of {text} was under no policy and is killed, {count} processes: {HELP}"
                    );
                    Some("killed")
                }
                Err(error) => {
                    tracing::error!(user, pid, by, %error, "login of {text} is under no policy, and cannot be killed");
                    Some("not killed")
                }
            },
            Fate::Report => {
                if self.told.insert(key_of(&login.process)) {
                    tracing::warn!(
                        user,
                        pid,
                        by,
                        action = "report",
                        "login of {text} is under no policy: {HELP}"
                    );
                    return Some("reported");
                }
                None
            }
        }
    }
}

const fn key_of(process: &Process) -> (i32, u64) {
    (process.pid, process.started)
}

/// What becomes of a person's logins past SAC; `None` where no policy is for them.
fn fate(set: &PolicySet, person: &Person) -> Option<Fate> {
    let matches = set.matches(person);
    let policy = matches.first()?.policy;
    let kills = policy.unlabelled == policy::Unlabelled::Deny && policy.mode == Mode::Enforce;
    Some(if kills { Fate::Kill } else { Fate::Report })
}

/// Kills all that belongs to a login, but for what is in a cgroup that `is_covered`; gives how many processes that were. They are stopped
/// first, so that none of them starts another one meanwhile.
fn kill(login: &Process, proc: &Path, is_covered: &dyn Fn(&Path) -> bool) -> io::Result<usize> {
    let mut stopped: BTreeMap<(i32, u64), OwnedFd> = BTreeMap::new();
    for _ in 0..ROUNDS_MAX {
        let processes = Processes::read(proc)?;
        let mut is_done = true;
        for process in processes.of_login(login) {
            // Who is in past SAC may have become root and started us.
            if process.pid.unsigned_abs() == std::process::id() {
                continue;
            }
            if stopped.contains_key(&key_of(process)) || processes.is_covered(process, is_covered) {
                continue;
            }
            if let Some(handle) = stop(process, &processes)? {
                stopped.insert(key_of(process), handle);
                is_done = false;
            }
        }
        if is_done {
            break;
        }
    }
    for handle in stopped.values() {
        gone_is_fine(pidfd_send_signal(handle, Signal::KILL))?;
    }
    Ok(stopped.len())
}

/// Stops a process; `None` where it has gone.
fn stop(process: &Process, processes: &Processes) -> io::Result<Option<OwnedFd>> {
    let Some(pid) = Pid::from_raw(process.pid) else { return Ok(None) };
    let handle = match pidfd_open(pid, PidfdFlags::empty()) {
        Ok(handle) => handle,
        Err(Errno::SRCH) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    // From here on the handle is one process's; whether it is the right one is seen by when it began.
    if !processes.is_there_still(process) {
        return Ok(None);
    }
    gone_is_fine(pidfd_send_signal(&handle, Signal::STOP))?;
    Ok(Some(handle))
}

fn gone_is_fine(sent: Result<(), Errno>) -> io::Result<()> {
    match sent {
        Err(Errno::SRCH) => Ok(()),
        other => Ok(other?),
    }
}

impl State {
    /// Puts the slice that a login is in under the policies for the user's manager; `false` where that is not possible, or none is for that.
    fn cover_login(&mut self, set: &PolicySet, login: &Unlabelled, person: &Person) -> bool {
        let manager = Login { service: USER_MANAGER.to_owned(), from: RemoteHost::Local, terminal: false };
        // Without a policy of its own the slice would be closed, to somebody who is at work in it.
        if set.choose(person, &manager, jiff::Timestamp::now()).winner.is_none() {
            return false;
        }
        let slice = CgroupPath::of_process(login.process.pid).ok().and_then(|path| path.user_slice());
        let Some(slice) = slice.filter(|slice| slice.uid == person.uid) else { return false };
        let (user, text) = (&person.name, login.of(&person.name));
        match self.cover_user(&slice, person) {
            Ok(()) => {
                tracing::warn!(user, "login of {text} was under no policy; the user's slice now is");
                true
            }
            Err(error) => {
                tracing::warn!(user, %error, "the slice of {user} cannot be put under a policy");
                false
            }
        }
    }
}

#[cfg(test)]
mod tests;
