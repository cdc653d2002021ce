// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the kernel half reports: told to the user at once, and logged.

use super::{Shared, clock::SharedSightings, limits, lock};
use crate::{
    bpf::{EventReader, Next},
    notice::{self, Deliverer},
};
use rustix::{
    event::{PollFd, PollFlags, poll},
    io::Errno,
};
use sac_abi::{Action, SessionId, Verdict, event::Event};
use sac_policy::{
    Policy,
    policy::{Gravity, StrikeAction, Strikes},
};
use std::{io, path::PathBuf, sync::PoisonError};

/// Whom an event is about, and under which rule.
pub(super) struct Subject {
    pub(super) user: String,
    pub(super) uid: u32,
    /// `None` for what runs outside of a session, under the user's manager.
    pub(super) session: Option<SessionId>,
    /// The scope's cgroup.
    pub(super) directory: PathBuf,
    pub(super) rule: String,
    /// What the user is told in addition.
    pub(super) messages: Vec<String>,
    pub(super) severity: Gravity,
    pub(super) strikes: Option<Strikes>,
}

/// Where the rule stands that decided.
pub(super) fn rule_name(policy: Option<&Policy>, rule: u32) -> String {
    match (policy, rule) {
        (_, Verdict::RULE_NO_POLICY) => "no policy".to_owned(),
        (_, Verdict::RULE_UNREADABLE_PATH) => "unreadable path".to_owned(),
        (_, Verdict::RULE_TOO_DEEP) => "too many directories above the file".to_owned(),
        (_, Verdict::RULE_ARGUMENTS_UNREADABLE) => "arguments too long, too many or unreadable".to_owned(),
        (_, Verdict::RULE_ARGUMENTS_OF_SCRIPT) => "conditions on the arguments of a script".to_owned(),
        (_, Verdict::RULE_GRANT) => "grant".to_owned(),
        (None, rule) => format!("rule {rule} of a policy that is not in force any more"),
        (Some(policy), 0) => format!("{}: default", policy.file().display()),
        (Some(policy), rule) => match policy.rule(rule) {
            Some(found) => format!("{}:{}", found.file().display(), found.line()),
            None => format!("{}: rule {rule}", policy.file().display()),
        },
    }
}

/// Handles events, until waiting for them fails.
pub(super) fn follow(
    state: &Shared,
    mut events: EventReader,
    notices: &Deliverer,
    sightings: &SharedSightings,
) -> io::Result<()> {
    loop {
        match poll(&mut [PollFd::new(&events, PollFlags::IN)], None) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        while let Some(next) = events.next() {
            match next {
                Next::Event(event) => handle(state, notices, sightings, &event),
                Next::Unknown => tracing::error!("the kernel half wrote a record of another version"),
            }
        }
    }
}

fn handle(state: &Shared, notices: &Deliverer, sightings: &SharedSightings, event: &Event) {
    let subject = lock(state).subject(event.cgroup, event.slot, event.rule);
    let action = Action::from_byte(event.action);
    if !action.blocks()
        && let Some(subject) = &subject
    {
        see(sightings, subject, event);
    }
    if action == Action::Allow {
        return;
    }
    let Some(subject) = subject else {
        log(event, action, None);
        return;
    };
    if action.blocks() {
        notices.send(event, subject.uid, &subject.directory, &subject.messages);
    }
    let struck = if action.blocks() { struck(state, &subject, event) } else { None };
    let (id, user, uid) = (subject.session, subject.user.clone(), subject.uid);
    let directory = subject.directory.clone();
    log(event, action, Some(subject));
    if let (Some(strikes), Some(id)) = (struck, id) {
        act(&strikes, id, &user, uid, &directory, notices);
    }
}

/// Notes a program that was executed.
fn see(sightings: &SharedSightings, subject: &Subject, event: &Event) {
    let path = event.resolved();
    let text = std::str::from_utf8(path.bytes).ok().filter(|_| !path.cut);
    let mut sightings = sightings.lock().unwrap_or_else(PoisonError::into_inner);
    sightings.see(subject.uid, &subject.user, text, jiff::Timestamp::now());
}

/// The strikes of a policy, where this was one too many.
fn struck(state: &Shared, subject: &Subject, event: &Event) -> Option<Strikes> {
    let (strikes, session) = (subject.strikes.as_ref()?, subject.session?);
    let mut state = lock(state);
    // A session that has ended is not counted any more.
    state.registry().session(session)?;
    state.strikes.strike(session, event.boot_ns, strikes).then(|| strikes.clone())
}

/// Does what strikes lead to.
fn act(
    strikes: &Strikes,
    id: SessionId,
    user: &str,
    uid: u32,
    directory: &std::path::Path,
    notices: &Deliverer,
) {
    let (count, action) = (strikes.blocked, strikes.then.as_str());
    tracing::warn!(session = %id, user, count, action, "session {id} of {user}: {count} attempts were blocked, {action}");
    let told = match strikes.then {
        StrikeAction::Notify => "Your administrators have been told.",
        StrikeAction::Freeze => "This session stops until an administrator lets it go on.",
        StrikeAction::End => "This session ends.",
    };
    notices.tell(uid, directory, format!("{count} attempts were blocked. {told}"));
    match strikes.then {
        StrikeAction::Notify => {}
        StrikeAction::Freeze => {
            if let Err(error) = limits::freeze(directory, true) {
                tracing::error!(session = %id, user, %error, "cannot freeze session {id} of {user}");
            }
        }
        StrikeAction::End => limits::end(id, user, directory, "strikes"),
    }
}

fn log(event: &Event, action: Action, subject: Option<Subject>) {
    let happened = if action.blocks() { "blocked" } else { "would have been blocked" };
    let (user, session, rule, severity) = subject.map_or_else(
        || (format!("uid {}", event.uid), None, format!("rule {}", event.rule), Gravity::default()),
        |subject| (subject.user, subject.session, subject.rule, subject.severity),
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
        severity = severity.as_str(),
        "{path} {happened}: user {user}, session {session}, PID {pid}, executed as {executed}, {action} by {rule}"
    );
}

#[cfg(test)]
mod tests;
