// SPDX-License-Identifier: MIT OR Apache-2.0
//! A record in a few words, for columns: when, who and in which session stand beside it.
//!
//! [`crate::sink::message`] makes whole sentences of the same records, for places where nothing stands beside them. Whatever users
//! chose is escaped in both.

use crate::record::{Control, Event, Execution, Operation, Record, Step, Totals, Verdict};
use crate::sink::facts::{Disposition, disposition};
use crate::sink::fields::words;
use crate::sink::message;
use crate::text::{Text, shown};
use jiff::SignedDuration;

/// How something is to be told from the rest. Colour shows it, and nothing depends on colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// It was blocked.
    Blocked,
    /// It would have been.
    WouldBlock,
    /// Somebody has to look at it.
    Alarm,
    /// An administrator did something, or policies changed.
    Notice,
    /// What goes on every day.
    Plain,
    /// What frames the rest.
    Quiet,
}

/// How an event is to be told from the rest.
#[must_use]
pub fn tone(event: &Event) -> Tone {
    match (disposition(event), event) {
        (Some(Disposition::Blocked), _) => Tone::Blocked,
        (Some(Disposition::WouldHaveBeenBlocked), _) => Tone::WouldBlock,
        (_, Event::Tamper { .. } | Event::Unlabelled { .. } | Event::PolicyRefused { .. }) => Tone::Alarm,
        (_, Event::EventsLost { .. } | Event::ChainRepaired { .. }) => Tone::Alarm,
        (_, Event::SessionControlled { .. } | Event::Granted(_) | Event::GrantEnded { .. }) => Tone::Notice,
        (_, Event::PolicyLoaded { .. } | Event::PolicyChanged { .. } | Event::IdentityChanged { .. }) => {
            Tone::Notice
        }
        (_, Event::PolicyApplied { step: Step::RolledBack, .. }) => Tone::Alarm,
        (_, Event::PolicyApplied { .. }) => Tone::Notice,
        (_, Event::Executed(_)) => Tone::Plain,
        _ => Tone::Quiet,
    }
}

/// What happened, in capital letters, so that it stands out without colour.
#[must_use]
pub fn what(event: &Event) -> &'static str {
    match (disposition(event), event) {
        (_, Event::SessionRefused { .. }) => "REFUSED",
        (Some(Disposition::Blocked), _) => "BLOCKED",
        (Some(Disposition::WouldHaveBeenBlocked), _) => "WOULD BLOCK",
        (_, Event::Operation(_)) => "ALLOWED",
        (_, Event::Executed(_) | Event::Blocked(_)) => "EXECUTED",
        (_, Event::SessionOpened { .. }) => "OPENED",
        (_, Event::SessionClosed { .. }) => "CLOSED",
        (_, Event::SessionAdopted { .. }) => "ADOPTED",
        (_, Event::IdentityChanged { .. }) => "BECAME",
        (_, Event::SessionControlled { action, .. }) => match action {
            Control::Killed => "KILLED",
            Control::Frozen => "FROZEN",
            Control::Thawed => "THAWED",
        },
        (_, Event::Forked { .. }) => "FORKED",
        (_, Event::Ended { .. }) => "ENDED",
        (_, Event::PolicyLoaded { .. }) => "POLICY LOADED",
        (_, Event::PolicyRefused { .. }) => "POLICY REFUSED",
        (_, Event::PolicyChanged { .. }) => "POLICY CHANGED",
        (_, Event::PolicyApplied { step, .. }) => match step {
            Step::Installed | Step::Tried => "APPLIED",
            Step::Confirmed => "CONFIRMED",
            Step::RolledBack => "ROLLED BACK",
        },
        (_, Event::Granted(_)) => "GRANTED",
        (_, Event::GrantEnded { .. }) => "GRANT ENDED",
        (_, Event::Tamper { .. }) => "TAMPER",
        (_, Event::Unlabelled { .. }) => "UNLABELLED",
        (_, Event::LoaderStarted { .. }) => "SAC STARTED",
        (_, Event::LoaderStopped {}) => "SAC STOPPED",
        (_, Event::EventsLost { .. }) => "LOST",
        (_, Event::Checkpoint {}) => "CHECKPOINT",
        (_, Event::ChainRepaired { .. }) => "REPAIRED",
        (_, Event::RecordsRemoved { .. }) => "REMOVED",
    }
}

/// Whom it is put down to; nothing where it is nobody.
#[must_use]
pub fn user(record: &Record) -> String {
    match (&record.entry.session, &record.entry.event) {
        (Some(session), _) => shown(&session.user),
        (None, Event::SessionRefused { user, .. }) => user.to_string(),
        (None, Event::Unlabelled { user, .. }) => shown(user),
        (None, Event::Granted(grant) | Event::GrantEnded { grant, .. }) => shown(&grant.user),
        _ => String::new(),
    }
}

/// What there is to say of it besides.
#[must_use]
pub fn brief(record: &Record) -> String {
    let session = record.entry.session.as_ref();
    let line = match &record.entry.event {
        Event::Executed(execution) | Event::Blocked(execution) => {
            format!("{}{}", command(execution), rule(&record.entry.event, &execution.verdict))
        }
        Event::Operation(operation) => {
            format!("{}{}", object(operation), rule(&record.entry.event, &operation.verdict))
        }
        Event::Forked { pid, parent_pid, comm } => format!("{comm} [{parent_pid}] forked {pid}"),
        Event::Ended { pid, code, signal, run_time_ns } => {
            format!("{pid} {} after {}", end(*code, *signal), run_time(*run_time_ns))
        }
        Event::SessionOpened { policies, tty, .. } => {
            let by = session.map(|session| session.service.as_str()).unwrap_or_default();
            let from = session.map(|session| from(&session.from)).unwrap_or_default();
            let on = if tty.is_empty() { String::new() } else { format!(" on {tty}") };
            format!("by {by}{from}{on}, under {}", listed(policies))
        }
        Event::SessionClosed { totals: Totals { executed, blocked, events_lost }, duration_ms } => {
            let after = run_time(duration_ms.saturating_mul(1_000_000));
            format!("after {after}: {executed} executed, {blocked} blocked, {events_lost} lost")
        }
        Event::SessionAdopted { policies } => format!("under {}", listed(policies)),
        Event::SessionControlled { by, reason, .. } => format!("by {by}: {reason}"),
        Event::IdentityChanged { by, to_user, to_uid, .. } => format!("{to_user} (uid {to_uid}) by {by}"),
        Event::PolicyLoaded { policies, .. } => listed(policies),
        Event::PolicyRefused { reason } => reason.clone(),
        Event::PolicyChanged { from_policies, to_policies } => {
            format!("from {} to {}", listed(from_policies), listed(to_policies))
        }
        Event::Tamper { what } => what.clone(),
        Event::EventsLost { count, by } => format!("{count} by {by}"),
        _ => message(record),
    };
    // Names and reasons are others' text as well; what is escaped already stays as it is.
    Text::Text(line).to_string()
}

/// The command line: the program by its path, because its name in the arguments can be anything, and by its other name where it had one.
#[must_use]
pub fn command(execution: &Execution) -> String {
    let Execution { file, typed, arguments, arguments_cut, .. } = execution;
    let mut text = file.path.to_string();
    if file.path_cut {
        text.push('…');
    }
    if let Some(arguments) = arguments.get(1..).filter(|arguments| !arguments.is_empty()) {
        text.push(' ');
        text.push_str(&words(arguments));
    }
    if *arguments_cut {
        text.push_str(" …");
    }
    if !typed.as_bytes().is_empty() && name(typed) != name(&file.path) {
        text.push_str(&format!(", typed as {typed}"));
    }
    text
}

/// The last part of a path.
fn name(path: &Text) -> &[u8] {
    path.as_bytes().rsplit(|byte| *byte == b'/').next().unwrap_or_default()
}

/// An operation and what it is about.
#[must_use]
pub fn object(operation: &Operation) -> String {
    let Operation { operation: verb, file, address, act, count, .. } = operation;
    let file = file.as_ref().map(|file| format!("{}{}", file.path, if file.path_cut { "…" } else { "" }));
    let object = file.or_else(|| address.clone()).or_else(|| act.clone()).unwrap_or_default();
    let times = if *count > 1 { format!(", {count} times") } else { String::new() };
    shown(&format!("{verb} {object}{times}"))
}

fn rule(event: &Event, verdict: &Verdict) -> String {
    if matches!(disposition(event), None | Some(Disposition::Allowed)) {
        return String::new();
    }
    let killed = if verdict.action == "kill" { ", killed" } else { "" };
    format!(" ({}{killed})", verdict.rule)
}

fn end(code: Option<u8>, signal: Option<u8>) -> String {
    match (code, signal) {
        (_, Some(signal)) => format!("by signal {signal}"),
        (Some(code), None) => format!("with {code}"),
        (None, None) => "somehow".to_owned(),
    }
}

fn from(host: &str) -> String {
    if host.is_empty() { String::new() } else { format!(" from {host}") }
}

pub(crate) fn listed(policies: &[String]) -> String {
    if policies.is_empty() { "no policy".to_owned() } else { policies.join(", ") }
}

/// A length of time as people say it, to the millisecond.
#[must_use]
pub fn run_time(nanoseconds: u64) -> String {
    let milliseconds = i64::try_from(nanoseconds / 1_000_000).unwrap_or(i64::MAX);
    format!("{:#}", SignedDuration::from_millis(milliseconds))
}

#[cfg(test)]
mod tests;
