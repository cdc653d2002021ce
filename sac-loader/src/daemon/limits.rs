// SPDX-License-Identifier: MIT OR Apache-2.0
//! Limits of sessions: how long they may last, how long nobody may type, and how many processes they may have.
//!
//! Lengths are measured with `CLOCK_BOOTTIME`, so a clock that is set ends no session. When somebody last typed is told by the
//! terminal's access time, as `w` does it, which the kernel keeps to eight seconds. A session without a terminal is never idle.

use super::{Shared, clock, intervene::Intervention, lock, show, state::State};
use crate::{
    cgroup::{self, CgroupPath},
    notice::{self, Deliverer},
};
use sac_abi::SessionId;
use sac_audit::record::Control;
use sac_failpoint::{Failpoint, reach};
use sac_policy::policy::Limits;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

/// What ends a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    Length,
    Idle,
}

impl Cause {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Length => "session_length",
            Self::Idle => "idle",
        }
    }
}

/// What is to be done with a session now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) cause: Cause,
    /// Until it ends; zero where it is over.
    pub(super) left: Duration,
    /// Whether people are to be told now.
    pub(super) warn: bool,
    /// When to look again at the latest.
    pub(super) again: Duration,
}

/// What limits lead to, for a session of this age, where nobody typed for so long.
pub(super) fn plan(limits: &Limits, age: Duration, idle: Option<Duration>) -> Option<Plan> {
    let length = limits.session_length.map(|length| (length.saturating_sub(age), Cause::Length));
    let idle = limits.idle.zip(idle).map(|(most, idle)| (most.saturating_sub(idle), Cause::Idle));
    let (left, cause) = [length, idle].into_iter().flatten().min_by_key(|(left, _)| *left)?;
    let warn = left <= limits.warning;
    let again = if warn { left } else { left.saturating_sub(limits.warning) };
    Some(Plan { cause, left, warn, again })
}

/// Whether a session under these limits has to be looked at again and again.
const fn has_to_be_looked_after(limits: &Limits) -> bool {
    limits.session_length.is_some() || limits.idle.is_some() || limits.processes.is_some()
}

/// A session as it is examined without the lock.
struct Candidate {
    id: SessionId,
    user: String,
    uid: u32,
    directory: PathBuf,
    age: Duration,
    limits: Vec<Limits>,
}

/// What is remembered of sessions between looks.
#[derive(Default)]
pub(super) struct Watched {
    sessions: BTreeMap<SessionId, Seen>,
}

#[derive(Default)]
struct Seen {
    /// The newest access of its terminals, and when after boot that was.
    access: Option<(i64, u64)>,
    warned: Option<Cause>,
    /// The limit that was written to the kernel.
    processes: Option<u32>,
    /// Whether the log has told that it could not be.
    failed: bool,
}

impl Seen {
    /// For how long nobody typed. The wall clock is asked only when a terminal is seen to have been used.
    fn idle(&mut self, access_s: i64, now_s: i64, boot_s: u64, age: Duration) -> Duration {
        let at_boot_s = match self.access {
            Some((known, at)) if known == access_s => at,
            _ => {
                let ago = u64::try_from(now_s.saturating_sub(access_s)).unwrap_or(0).min(age.as_secs());
                boot_s.saturating_sub(ago)
            }
        };
        self.access = Some((access_s, at_boot_s));
        Duration::from_secs(boot_s.saturating_sub(at_boot_s))
    }
}

impl Watched {
    /// Looks at all sessions; gives when to look again at the latest.
    pub(super) fn look(&mut self, state: &Shared, notices: &Deliverer) -> Option<Duration> {
        let boot_s = clock::boot_s();
        let candidates = self.candidates(&lock(state));
        let open: BTreeSet<_> = candidates.iter().map(|candidate| candidate.id).collect();
        self.sessions.retain(|id, _| open.contains(id));
        candidates.iter().filter_map(|candidate| self.examine(candidate, boot_s, state, notices)).min()
    }

    /// The sessions that a policy limits, or limited when they were looked at last. Others cost next to nothing: this is done
    /// at each login.
    fn candidates(&self, state: &State) -> Vec<Candidate> {
        if self.sessions.is_empty()
            && !state.policies.in_kernel().any(|policy| has_to_be_looked_after(&policy.limits))
        {
            return Vec::new();
        }
        let mut limited = BTreeMap::new();
        let mut is_limited = |slot: &u32| {
            *limited.entry(*slot).or_insert_with(|| {
                state.policies.in_slot(*slot).is_some_and(|policy| has_to_be_looked_after(&policy.limits))
            })
        };
        let mut candidates = Vec::new();
        for (id, session) in state.registry().sessions() {
            let slots = session.scope.slots.iter().take(session.scope.policies.len());
            if !slots.clone().any(&mut is_limited) && !self.sessions.contains_key(&id) {
                continue;
            }
            let policies = slots.filter_map(|slot| state.policies.in_slot(*slot));
            candidates.push(Candidate {
                id,
                user: session.person.name.clone(),
                uid: session.person.uid,
                directory: session.scope.directory.clone(),
                age: Duration::from_secs(show::age_s(session)),
                limits: policies.map(|policy| policy.limits.clone()).collect(),
            });
        }
        candidates
    }

    fn examine(
        &mut self,
        session: &Candidate,
        boot_s: u64,
        state: &Shared,
        notices: &Deliverer,
    ) -> Option<Duration> {
        let seen = self.sessions.entry(session.id).or_default();
        let terminals = match session.limits.as_slice() {
            [only] if only.idle.is_none() => BTreeSet::new(),
            _ => terminals(&session.directory),
        };
        let on_terminal = usize::from(!terminals.is_empty());
        let limits = session.limits.get(on_terminal).or(session.limits.first())?;
        if limits.processes.is_some() || seen.processes.is_some() {
            match limit_processes(&session.directory, limits.processes) {
                Ok(()) => (seen.processes, seen.failed) = (limits.processes, false),
                Err(_) if seen.failed => {}
                Err(error) => {
                    seen.failed = true;
                    tracing::error!(session = %session.id, %error, "cannot limit the processes of session {}", session.id)
                }
            }
        }
        let now_s = jiff::Timestamp::now().as_second();
        let access =
            terminals.iter().filter_map(|path| fs::metadata(path).ok()).map(|file| file.atime()).max();
        let idle = access.map(|access| seen.idle(access, now_s, boot_s, session.age));
        let Some(plan) = plan(limits, session.age, idle) else {
            seen.warned = None;
            return None;
        };
        if plan.left.is_zero() {
            end(state, session.id, &session.user, &session.directory, plan.cause.as_str());
            return Some(Duration::from_secs(1));
        }
        if !plan.warn {
            seen.warned = None;
        } else if seen.warned != Some(plan.cause) {
            seen.warned = Some(plan.cause);
            warn(session, &plan, notices);
        }
        Some(plan.again.max(Duration::from_secs(1)))
    }
}

fn warn(session: &Candidate, plan: &Plan, notices: &Deliverer) {
    let left = in_words(plan.left);
    let because = match plan.cause {
        Cause::Length => "it has lasted as long as it may",
        Cause::Idle => "nothing is typed",
    };
    let (id, user, limit) = (session.id, &session.user, plan.cause.as_str());
    tracing::info!(session = %id, user, limit, "session {id} of {user} ends in {left}, because {because}");
    notices.tell(session.uid, &session.directory, format!("This session ends in {left}, because {because}."));
}

/// A length of time as policies write it.
fn in_words(time: Duration) -> String {
    let seconds = time.as_secs();
    let parts = [(seconds / 3600, 'h'), (seconds / 60 % 60, 'm'), (seconds % 60, 's')];
    parts.iter().filter(|(count, _)| *count > 0).map(|(count, unit)| format!("{count}{unit}")).collect()
}

/// Ends a session that has come to a limit: all its processes are killed at once.
pub(super) fn end(state: &Shared, id: SessionId, user: &str, directory: &Path, limit: &str) {
    let done = Intervention::by_itself(state, id, user, Control::Killed, limit);
    match kill(directory) {
        Ok(()) => {
            reach(Failpoint::SessionControlled);
            done.note(&lock(state).recorder);
        }
        Err(error) => {
            tracing::error!(session = %id, user, limit, %error, "cannot end session {id} of {user}")
        }
    }
}

/// Kills all processes of a session, and those that they are starting just now.
pub(super) fn kill(directory: &Path) -> io::Result<()> {
    fs::write(directory.join("cgroup.kill"), "1")
}

/// Lets a session's processes go on, or makes them stop.
pub(super) fn freeze(directory: &Path, frozen: bool) -> io::Result<()> {
    fs::write(directory.join("cgroup.freeze"), if frozen { "1" } else { "0" })
}

/// The terminals of a session's processes.
fn terminals(directory: &Path) -> BTreeSet<PathBuf> {
    let processes = cgroup::processes(directory).unwrap_or_default();
    processes.into_iter().filter_map(notice::terminal_of_process).collect()
}

/// Limits how many processes and threads a session may have; `None` takes the limit away.
///
/// Where the session's cgroup has a limit of its own that is used. A cgroup below one with processes cannot have one: the kernel
/// would take no process in (`cgroup_is_valid_domain` of kernel/cgroup/cgroup.c). A session of systemd's has a scope that is its
/// alone, and the limit is set there.
///
/// # Errors
///
/// Where neither has one.
pub(super) fn limit_processes(directory: &Path, most: Option<u32>) -> io::Result<()> {
    const FILE: &str = "pids.max";
    let own = directory.join(FILE);
    let file = if own.exists() { own } else { scope_of(directory)?.join(FILE) };
    let wanted = most.map_or_else(|| "max".to_owned(), |most| most.to_string());
    if fs::read_to_string(&file)?.trim() != wanted {
        fs::write(&file, wanted)?;
    }
    Ok(())
}

/// systemd's scope around a session's cgroup.
fn scope_of(directory: &Path) -> io::Result<&Path> {
    let parent = directory.parent().filter(|parent| CgroupPath::is_session_scope(parent));
    parent.ok_or_else(|| {
        io::Error::other("the kernel limits processes only in sessions that pam_systemd has made a scope for")
    })
}

#[cfg(test)]
mod tests;
