// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the kernel half reports: told to the user at once, and logged.

use super::{Shared, lock};
use crate::{
    bpf::{EventReader, Next},
    notice::{self, Deliverer},
};
use rustix::{
    event::{PollFd, PollFlags, poll},
    io::Errno,
};
use sac_abi::{Action, SessionId, Verdict, event::ExecEvent};
use sac_policy::Policy;
use std::{io, path::PathBuf};

/// Whom an event is about, and under which rule.
pub(super) struct Subject {
    pub(super) user: String,
    pub(super) uid: u32,
    /// `None` for what runs outside of a session, under the user's manager.
    pub(super) session: Option<SessionId>,
    /// The scope's cgroup.
    pub(super) directory: PathBuf,
    pub(super) rule: String,
}

/// Where the rule stands that decided.
pub(super) fn rule_name(policy: Option<&Policy>, rule: u32) -> String {
    match (policy, rule) {
        (_, Verdict::RULE_NO_POLICY) => "no policy".to_owned(),
        (_, Verdict::RULE_UNREADABLE_PATH) => "unreadable path".to_owned(),
        (None, rule) => format!("rule {rule} of a policy that is not in force any more"),
        (Some(policy), 0) => format!("{}: default", policy.file().display()),
        (Some(policy), rule) => match policy.rule(rule) {
            Some(found) => format!("{}:{}", policy.file().display(), found.line()),
            None => format!("{}: rule {rule}", policy.file().display()),
        },
    }
}

/// Handles events, until waiting for them fails.
pub(super) fn follow(state: &Shared, mut events: EventReader) -> io::Result<()> {
    let notices = Deliverer::start()?;
    loop {
        match poll(&mut [PollFd::new(&events, PollFlags::IN)], None) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        while let Some(next) = events.next() {
            match next {
                Next::Event(event) => handle(state, &notices, &event),
                Next::Unknown => tracing::error!("the kernel half wrote a record of another version"),
            }
        }
    }
}

fn handle(state: &Shared, notices: &Deliverer, event: &ExecEvent) {
    let subject = lock(state).subject(event.cgroup, event.slot, event.rule);
    let action = Action::from_byte(event.action);
    if action.blocks()
        && let Some(subject) = &subject
    {
        notices.send(event, subject.uid, &subject.directory);
    }
    log(event, action, subject);
}

fn log(event: &ExecEvent, action: Action, subject: Option<Subject>) {
    let happened = if action.blocks() { "blocked" } else { "would have been blocked" };
    let (user, session, rule) = subject.map_or_else(
        || (format!("uid {}", event.uid), None, format!("rule {}", event.rule)),
        |subject| (subject.user, subject.session, subject.rule),
    );
    let session = session.map_or_else(|| "none".to_owned(), |session| session.to_string());
    let path = notice::shown(event.resolved());
    let executed = notice::shown(event.executed());
    let pid = event.tgid;
    let action = action.as_str();
    // The line says all of it for people; the fields beside it are for programs.
    tracing::warn!(
        user,
        session,
        action,
        path,
        executed,
        pid,
        parent = event.parent_tgid,
        uid = event.uid,
        rule,
        "{path} {happened}: user {user}, session {session}, PID {pid}, executed as {executed}, {action} by {rule}"
    );
}

#[cfg(test)]
mod tests;
