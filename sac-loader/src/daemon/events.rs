// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the kernel half reports: told to the user at once, and logged.

mod flood;
#[cfg(fuzzing)]
pub(super) mod fuzzing;
mod losses;

use super::{
    Shared,
    audit::{self, Keeper},
    clock::SharedSightings,
    intervene::Intervention,
    limits, lock,
};
use crate::{
    bpf::{EventReader, Reported},
    notice::{self, Attempt, Deliverer, Mounts},
};
use flood::{Flood, More};
use losses::Losses;
use sac_abi::{Action, Operation, SessionId, Verdict, event::Event};
use sac_audit::record::{Control, Entry, Event as Recorded};
use sac_failpoint::{Failpoint, reach};
use sac_policy::{
    Policy,
    policy::{Gravity, StrikeAction, Strikes},
};
use std::{io, path::PathBuf, sync::PoisonError, time::Instant};

/// After so many events they are written down and their room is the kernel's again: after a gap both buffers can be full, and until there is room
/// nothing is executed where that is `strict`.
const RELEASED_EACH: usize = 16;

/// Where so many events come at a time, what they took is given back afterwards: full buffers are tens of megabytes in memory, and may never be
/// full again.
const BURST: usize = 4096;

/// Whom an event is about, and under which rule.
pub(super) struct Subject {
    pub(super) user: String,
    pub(super) uid: u32,
    /// `None` for what runs outside of a session, under the user's manager.
    pub(super) session: Option<SessionId>,
    /// The scope's cgroup.
    pub(super) directory: PathBuf,
    pub(super) rule: String,
    /// Name of the policy that decided.
    pub(super) policy: Option<String>,
    /// Variables that are recorded of the environment.
    pub(super) environment: Vec<String>,
    /// The session, or the user's slice, as records have it.
    pub(super) record: sac_audit::record::Session,
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
        (_, Verdict::RULE_ARGUMENTS_OF_MAPPING) => {
            "conditions on the arguments of what is mapped, not executed".to_owned()
        }
        (_, Verdict::RULE_UNRECORDED) => "cannot be recorded".to_owned(),
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
    record: Keeper,
) -> io::Result<()> {
    let (mounts, flood) = (Mounts::default(), Flood::default());
    let losses = Losses::since_earlier(state);
    let mut desk = Desk { state, notices, sightings, mounts, flood, record, losses };
    loop {
        let due = [desk.flood.next_due(), desk.record.next_due(), desk.losses.next_due()];
        let next = due.into_iter().flatten().min();
        let timeout = next.map(|at| at.saturating_duration_since(Instant::now()));
        events.wait(timeout, Some(desk.record.inbox().bell()))?;
        // Whatever the kernel half has told up to here is read below.
        let until = audit::now().boot_ns;
        desk.record.take();
        events.read();
        let mut given = 0_usize;
        while let Some(next) = events.next() {
            desk.record.catch_up(next.boot_ns());
            desk.receive(next);
            given += 1;
            if given.is_multiple_of(RELEASED_EACH) {
                desk.record.write_down();
                events.done();
            }
        }
        reach(Failpoint::EventsRead);
        desk.tell_of_more();
        desk.losses.look(state);
        desk.record.catch_up(until);
        // What is not written down when this process is killed is told again to the next one.
        desk.record.write_down();
        events.done();
        desk.record.tick();
        if given >= BURST {
            crate::sys::give_back_memory();
        }
    }
}

/// Where events come in.
struct Desk<'a> {
    state: &'a Shared,
    notices: &'a Deliverer,
    sightings: &'a SharedSightings,
    mounts: Mounts,
    flood: Flood<Told>,
    record: Keeper,
    losses: Losses,
}

impl Desk<'_> {
    fn receive(&mut self, next: Reported) {
        self.losses.expect();
        match next {
            Reported::Blocked(event) => self.handle(&event),
            Reported::Executed(executed) => {
                let head = executed.execution.head;
                let subject = self.subject(head.cgroup, executed.execution.slot, head.rule);
                self.record.decided(&executed.execution);
                self.record.add(audit::executed(&executed, subject.as_ref()));
            }
            Reported::Ended(ended) => {
                let subject = self.subject(ended.head.cgroup, 0, 0);
                self.record.add(audit::ended(&ended, subject.as_ref()));
            }
            Reported::Forked(forked) => {
                let subject = self.subject(forked.head.cgroup, 0, 0);
                self.record.add(audit::forked(&forked, subject.as_ref()));
            }
            Reported::Unknown => tracing::error!("the kernel half wrote a record of another version"),
        }
        self.tell_of_more();
    }

    fn subject(&self, cgroup: u64, slot: u32, rule: u32) -> Option<Subject> {
        lock(self.state).subject(cgroup, slot, rule)
    }

    fn handle(&mut self, event: &Event) {
        let subject = self.subject(event.cgroup, event.slot, event.rule);
        let action = Action::from_byte(event.action);
        let is_execution = event.operation() == Some(Operation::Execute) && event.mapped == 0;
        if is_execution
            && !action.blocks()
            && let Some(subject) = &subject
        {
            see(self.sightings, subject, event);
        }
        if action == Action::Allow {
            return;
        }
        let line = Line::new(event, action, subject.as_ref(), &mut self.mounts);
        // Who executes the same again and again has made a process for each time.
        let entry = audit::blocked(event, subject.as_ref(), &mut self.mounts);
        let told = Told { line, entry };
        let is_told = is_execution || self.flood.lets_through(event.cgroup, &told, Instant::now());
        let Told { line, entry } = told;
        if is_told {
            self.record.add(entry);
        }
        let subject = subject.filter(|_| action.blocks());
        // Before the log, which takes its time: without a terminal somebody has to be there still to show it to.
        if let Some(subject) = &subject
            && is_told
            && (is_execution || is_worth_a_notice(&line.attempt, action, &subject.messages))
        {
            self.notices.send(event, &line.attempt, subject.uid, &subject.directory, &subject.messages);
        }
        if is_told {
            line.log(event);
        }
        let Some(subject) = subject else { return };
        if let (Some(strikes), Some(id)) = (struck(self.state, &subject, event), subject.session) {
            act(self.state, &strikes, id, &subject.user, subject.uid, &subject.directory, self.notices);
        }
    }

    /// Logs how often something was left out of the log.
    fn tell_of_more(&mut self) {
        for More { line: Told { line, mut entry }, count } in self.flood.take_due(Instant::now()) {
            line.log_more(count);
            let audit::Moment { time, boot_ns } = audit::now();
            if let Recorded::Operation(operation) = &mut entry.event {
                operation.count = count;
            }
            self.record.add(Entry { time, boot_ns, ..entry });
        }
    }
}

/// Whether somebody is told that what a program did was blocked: programs get an error for that, and say so themselves. Root is
/// told what the error comes from: nobody expects one.
const fn is_worth_a_notice(attempt: &Attempt, action: Action, messages: &[String]) -> bool {
    attempt.act().is_some() || matches!(action, Action::Kill) || !messages.is_empty()
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
    state: &Shared,
    strikes: &Strikes,
    id: SessionId,
    user: &str,
    uid: u32,
    directory: &std::path::Path,
    notices: &Deliverer,
) {
    reach(Failpoint::StrikesOut);
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
        StrikeAction::Freeze => match limits::freeze(directory, true) {
            Ok(()) => {
                reach(Failpoint::SessionControlled);
                let done = Intervention::by_itself(state, id, user, Control::Frozen, "strikes");
                done.note(&lock(state).recorder);
            }
            Err(error) => {
                tracing::error!(session = %id, user, %error, "cannot freeze session {id} of {user}");
            }
        },
        StrikeAction::End => limits::end(state, id, user, directory, "strikes"),
    }
}

/// A line of the log, with what the record has of it.
#[derive(Clone, Debug)]
struct Told {
    line: Line,
    entry: Entry,
}

/// Where the line is the same, what the record has differs in the process only.
impl PartialEq for Told {
    fn eq(&self, other: &Self) -> bool {
        self.line == other.line
    }
}

/// A line of the log, but for which process it was.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Line {
    attempt: Attempt,
    action: Action,
    user: String,
    session: String,
    uid: u32,
    rule: String,
    severity: Gravity,
}

impl Line {
    fn new(event: &Event, action: Action, subject: Option<&Subject>, mounts: &mut Mounts) -> Self {
        let session = subject.and_then(|subject| subject.session);
        Self {
            attempt: Attempt::of(event, mounts),
            action,
            user: subject.map_or_else(|| format!("uid {}", event.caller.uid), |subject| subject.user.clone()),
            session: session.map_or_else(|| "none".to_owned(), |session| session.to_string()),
            uid: event.caller.uid,
            rule: subject.map_or_else(|| format!("rule {}", event.rule), |subject| subject.rule.clone()),
            severity: subject.map_or_else(Gravity::default, |subject| subject.severity),
        }
    }

    /// What became of it, whose it was.
    fn outcome(&self) -> String {
        let happened = if self.action.blocks() { "blocked" } else { "would have been blocked" };
        let outcome = self.attempt.outcome(happened);
        format!("{outcome}: user {}, session {}", self.user, self.session)
    }

    /// The line for people.
    fn text(&self, event: &Event) -> String {
        let by = match self.attempt.executed() {
            Some(executed) => format!("executed as {executed}"),
            None => format!("by {}", notice::comm(event)),
        };
        let (outcome, action, rule) = (self.outcome(), self.action.as_str(), &self.rule);
        format!("{outcome}, PID {}, {by}, {action} by {rule}", event.caller.tgid)
    }

    /// The line for people where it came so many times more.
    fn text_of_more(&self, count: u64) -> String {
        format!("{count} more: {}, {} by {}", self.outcome(), self.action.as_str(), self.rule)
    }

    fn log(&self, event: &Event) {
        // The line says all of it for people; the fields beside it are for programs.
        let is_execution = self.attempt.is_execution();
        tracing::warn!(
            user = self.user,
            session = self.session,
            operation = self.attempt.operation(),
            action = self.action.as_str(),
            act = self.attempt.act(),
            path = self.attempt.path(),
            address = self.attempt.address(),
            executed = self.attempt.executed(),
            comm = (!is_execution).then(|| notice::comm(event)),
            pid = event.caller.tgid,
            parent = event.caller.parent_tgid,
            uid = self.uid,
            rule = self.rule,
            severity = self.severity.as_str(),
            "{}",
            self.text(event)
        );
    }

    fn log_more(&self, count: u64) {
        tracing::warn!(
            user = self.user,
            session = self.session,
            operation = self.attempt.operation(),
            action = self.action.as_str(),
            act = self.attempt.act(),
            path = self.attempt.path(),
            address = self.attempt.address(),
            count,
            uid = self.uid,
            rule = self.rule,
            severity = self.severity.as_str(),
            "{}",
            self.text_of_more(count)
        );
    }
}

#[cfg(test)]
pub(super) mod tests;
