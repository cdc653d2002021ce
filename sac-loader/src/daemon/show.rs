// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is told of open sessions: all of them in a list, or all of one.
//!
//! What is looked up outside of the daemon's memory is looked up after the lock is given back.

mod command_lines;
mod tree;

pub(super) use command_lines::CommandLines;
pub(super) use tree::processes;

use super::{Shared, clock, give, lock, record::SessionRecord, state::State};
use crate::{
    cgroup,
    control::{GrantInfo, Holds, LimitsInfo, PolicyInfo, SessionDetails, SessionInfo, StrikesInfo},
    logins, notice,
};
use anyhow::bail;
use rustix::time::{ClockId, clock_gettime};
use sac_abi::{SessionId, scope::Counters};
use sac_policy::policy::{Limits, Policy};
use std::{fs, path::Path};

/// The open sessions.
pub(super) fn list(state: &Shared) -> Vec<SessionInfo> {
    let known: Vec<(String, SessionRecord, Counters)> = {
        let state = lock(state);
        let sessions = state.registry().sessions();
        sessions
            .map(|(id, session)| {
                let counters = state.counters(session.scope.cgroup_id);
                (id.to_string(), session.clone(), counters)
            })
            .collect()
    };
    known.into_iter().map(|(id, record, counters)| session_info(id, &record, counters)).collect()
}

/// All that is known of one session.
///
/// # Errors
///
/// Where there is none with this id.
pub(super) fn one(
    state: &Shared,
    command_lines: &CommandLines,
    session: &str,
) -> anyhow::Result<SessionDetails> {
    let Known { id, record, counters, policies, grants } = know(state, session)?;
    let tree = tree::processes(&record.scope.directory, command_lines);
    // Nobody is older than a parent, and siblings stand in the order of their age.
    let first = tree.first().map(|process| process.pid);
    Ok(SessionDetails {
        session: session_info(id.to_string(), &record, counters),
        age_s: age_s(&record),
        login_uid: first.and_then(logins::login_uid),
        audit_session: first.and_then(logins::audit_session),
        policies,
        grants,
        tree,
    })
}

/// What the daemon has in memory of a session.
struct Known {
    id: SessionId,
    record: SessionRecord,
    counters: Counters,
    policies: Vec<PolicyInfo>,
    grants: Vec<GrantInfo>,
}

fn know(state: &Shared, session: &str) -> anyhow::Result<Known> {
    let state = lock(state);
    let (id, record) = find(&state, session)?;
    Ok(Known {
        id,
        record: record.clone(),
        counters: state.counters(record.scope.cgroup_id),
        policies: policies(&state, id, record),
        grants: give::holding(state.grants.list(), |grant| grant.uid == record.person.uid),
    })
}

/// The open session with this id.
///
/// # Errors
///
/// Where there is none, with those that could be meant.
pub(super) fn find<'s>(state: &'s State, session: &str) -> anyhow::Result<(SessionId, &'s SessionRecord)> {
    let id = SessionId::parse(session);
    match id.and_then(|id| Some((id, state.registry().session(id)?))) {
        Some(found) => Ok(found),
        None => {
            let open = state.registry().sessions();
            let open: Vec<_> = open.map(|(id, record)| (id.to_string(), &*record.person.name)).collect();
            bail!("{}", unknown(session, &open))
        }
    }
}

/// Says that there is no such session, and which could be meant: those with an id that is nearly the same, or else the newest ones.
fn unknown(session: &str, open: &[(String, &str)]) -> String {
    /// More are for `list-sessions`.
    const NAMED_MAX: usize = 5;
    let close: Vec<_> = open.iter().filter(|(id, _)| is_close(id, session)).collect();
    let (named, words) = match (close.is_empty(), open.is_empty()) {
        (_, true) => return format!("there is no session {session}; none is open"),
        (false, _) => (close, "ids are written whole; did you mean"),
        (true, _) => (open.iter().rev().collect(), "the newest are"),
    };
    let more = if named.len() > NAMED_MAX { " and others" } else { "" };
    let named: Vec<_> =
        named.into_iter().take(NAMED_MAX).map(|(id, user)| format!("{id} ({user})")).collect();
    let named = named.join(", ");
    format!("there is no session {session}; {words} {named}{more}; `sac-loader sessions list` shows all")
}

/// Whether somebody who wrote `text` may have meant the session `id`: its beginning, or with a slip or two.
fn is_close(id: &str, text: &str) -> bool {
    const BEGINNING: usize = 4;
    const SLIPS_MAX: usize = 2;
    let text = text.to_ascii_lowercase();
    let slips = id.bytes().zip(text.bytes()).filter(|(one, other)| one != other).count();
    let is_beginning = text.len() >= BEGINNING && id.starts_with(&text);
    is_beginning || (text.len() == id.len() && slips <= SLIPS_MAX)
}

/// The policies that a session is under, with where it stands in each.
fn policies(state: &State, id: SessionId, record: &SessionRecord) -> Vec<PolicyInfo> {
    let names = &record.scope.policies;
    let now = clock_gettime(ClockId::Boottime);
    let now_ns = u64::try_from(now.tv_sec).unwrap_or(0).saturating_mul(1_000_000_000);
    let info = |(index, (name, slot)): (usize, (&String, &u32))| {
        let policy = state.policies.in_slot(*slot);
        let strikes = policy.and_then(|policy| policy.strikes.as_ref());
        PolicyInfo {
            name: name.clone(),
            file: policy.map(|policy| policy.file().display().to_string()).unwrap_or_default(),
            holds: match (names.len(), index) {
                (0 | 1, _) => Holds::Everywhere,
                (_, 0) => Holds::WithoutTerminal,
                _ => Holds::OnTerminal,
            },
            limits: policy.map(limits).unwrap_or_default(),
            strikes: strikes.map(|strikes| StrikesInfo {
                count: state.strikes.count(id, now_ns, strikes),
                blocked: strikes.blocked,
                within_s: strikes.within.as_secs(),
                then: strikes.then.as_str().to_owned(),
            }),
        }
    };
    names.iter().zip(&record.scope.slots).enumerate().map(info).collect()
}

fn limits(policy: &Policy) -> LimitsInfo {
    let Limits { processes, sessions, session_length, idle, .. } = policy.limits;
    LimitsInfo {
        processes,
        sessions,
        session_length_s: session_length.map(|time| time.as_secs()),
        idle_s: idle.map(|time| time.as_secs()),
    }
}

fn session_info(id: String, record: &SessionRecord, counters: Counters) -> SessionInfo {
    let processes = cgroup::processes(&record.scope.directory).unwrap_or_default();
    // sshd sets the terminal up after PAM, and calls it "ssh" until then.
    let tty =
        processes.iter().find_map(|pid| terminal_of(*pid)).unwrap_or_else(|| match record.tty.as_str() {
            "ssh" => String::new(),
            named => named.strip_prefix("/dev/").unwrap_or(named).to_owned(),
        });
    SessionInfo {
        id,
        policy: policy(record, !tty.is_empty()),
        user: record.person.name.clone(),
        uid: record.person.uid,
        groups: record.person.groups.iter().map(|(_, name)| name.clone()).collect(),
        service: record.service.clone(),
        from: record.from.clone(),
        tty,
        since: jiff::Timestamp::from_millisecond(record.since_ms)
            .map(|time| time.to_string())
            .unwrap_or_default(),
        processes: processes.len(),
        executed: counters.executed,
        blocked: counters.blocked,
        events_lost: counters.events_lost,
        frozen: is_frozen(&record.scope.directory),
        cgroup: record.scope.directory.display().to_string(),
    }
}

/// Whether a session's processes are to be stopped.
pub(super) fn is_frozen(directory: &Path) -> bool {
    fs::read_to_string(directory.join("cgroup.freeze")).is_ok_and(|text| text.trim() == "1")
}

/// For how long a session has been open, in seconds, whatever became of the clock on the wall.
pub(super) fn age_s(record: &SessionRecord) -> u64 {
    record.opened_boot_s.map_or_else(
        || {
            let now_ms = jiff::Timestamp::now().as_millisecond();
            u64::try_from(now_ms.saturating_sub(record.since_ms) / 1000).unwrap_or(0)
        },
        |opened| clock::boot_s().saturating_sub(opened),
    )
}

/// The policy that holds in a session, which may depend on whether it has a terminal.
fn policy(record: &SessionRecord, on_terminal: bool) -> String {
    let policies = &record.scope.policies;
    policies.get(usize::from(on_terminal)).or(policies.first()).cloned().unwrap_or_default()
}

/// The controlling terminal of a process, without `/dev/`.
fn terminal_of(pid: i32) -> Option<String> {
    let path = notice::terminal_of_process(pid)?;
    Some(path.strip_prefix("/dev").unwrap_or(&path).display().to_string())
}

#[cfg(test)]
mod tests;
