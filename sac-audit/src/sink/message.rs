// SPDX-License-Identifier: MIT OR Apache-2.0
//! A record in one line, for people.

use super::facts::{Disposition, disposition};
use super::fields::words;
use crate::record::{Control, Event, Execution, Grant, Operation, Process, Record, Step, Verdict};
use crate::text::Text;

/// What happened, in one line without control characters.
///
/// It is the MESSAGE of the journal, the text of a syslog message and the body of a log record.
#[must_use]
pub fn message(record: &Record) -> String {
    let who = record.entry.session.as_ref().map_or("somebody", |session| session.user.as_str());
    let line = match &record.entry.event {
        Event::SessionOpened { .. } | Event::SessionClosed { .. } | Event::SessionRefused { .. } => {
            login(record, who)
        }
        Event::SessionAdopted { policies } => {
            format!("The session of {who} was taken over, under {}", listed(policies))
        }
        Event::IdentityChanged { by, to_user, .. } => format!("{who} became {to_user} by {by}"),
        Event::SessionControlled { action, by, reason } => {
            let done = match action {
                Control::Killed => "killed",
                Control::Frozen => "stopped",
                Control::Thawed => "let go on",
            };
            format!("The session of {who} was {done} by {by}: {reason}")
        }
        Event::Executed(execution) | Event::Blocked(execution) => executed(record, execution, who),
        Event::Operation(operation) => operated(record, operation, who),
        Event::Forked { pid, parent_pid, comm } => format!("{comm} [{parent_pid}] of {who} forked {pid}"),
        Event::Ended { pid, code, signal, .. } => ended(*pid, *code, *signal, who),
        Event::PolicyLoaded { policies, .. } => format!("Policies came into force: {}", listed(policies)),
        Event::PolicyRefused { reason } => format!("Policies were refused: {reason}"),
        Event::PolicyChanged { from_policies, to_policies } => {
            format!("The session of {who} came from {} under {}", listed(from_policies), listed(to_policies))
        }
        Event::PolicyApplied { step, by, confirm_s, reason, .. } => applied(*step, by, *confirm_s, reason),
        Event::Granted(Grant { grant, user, program, for_s, reason, by }) => {
            format!("{by} granted {user} {program} for {for_s} s (grant {grant}): {reason}")
        }
        Event::GrantEnded { grant: Grant { grant, user, program, .. }, revoked } => {
            let how = if *revoked { "was taken back" } else { "ended" };
            format!("The grant of {program} to {user} {how} (grant {grant})")
        }
        event => of_loader(event),
    };
    // Names and reasons are others' text as well; what is escaped already stays as it is.
    Text::Text(line).to_string()
}

fn login(record: &Record, who: &str) -> String {
    match (&record.entry.event, &record.entry.session) {
        (Event::SessionOpened { policies, .. }, Some(session)) => {
            let from = from(&session.from);
            format!("{who} logged in by {}{from}, under {}", session.service, listed(policies))
        }
        (Event::SessionClosed { totals, duration_ms }, _) => format!(
            "{who} logged out after {} s: {} executed, {} blocked, {} lost",
            duration_ms / 1000,
            totals.executed,
            totals.blocked,
            totals.events_lost
        ),
        (Event::SessionRefused { user, service, from: host, reason }, _) => {
            format!("The login of {user} by {service}{} was refused: {reason}", from(&host.to_string()))
        }
        _ => format!("{who} logged in"),
    }
}

fn from(host: &str) -> String {
    if host.is_empty() { String::new() } else { format!(" from {host}") }
}

fn listed(policies: &[String]) -> String {
    match policies {
        [] => "no policy".to_owned(),
        [policy] => format!("policy {policy}"),
        policies => format!("policies {}", policies.join(", ")),
    }
}

fn executed(record: &Record, execution: &Execution, who: &str) -> String {
    let Execution { process, file, arguments, arguments_cut, verdict, .. } = execution;
    let cut = if *arguments_cut { " …" } else { "" };
    let arguments = if arguments.is_empty() { String::new() } else { format!(": {}{cut}", words(arguments)) };
    format!(
        "{} {}{}{arguments}{}",
        judged(record, process, who, "execute", "executed"),
        file.path,
        path_cut(file.path_cut),
        by(&record.entry.event, verdict)
    )
}

fn operated(record: &Record, operation: &Operation, who: &str) -> String {
    let Operation { process, operation: verb, file, address, act, count, verdict } = operation;
    let object = file
        .as_ref()
        .map(|file| format!("{}{}", file.path, path_cut(file.path_cut)))
        .or_else(|| address.clone())
        .or_else(|| act.clone())
        .unwrap_or_default();
    let times = if *count > 1 { format!(", {count} times") } else { String::new() };
    let past = format!("did {verb}");
    format!(
        "{} {object}{times}{}",
        judged(record, process, who, verb, &past),
        by(&record.entry.event, verdict)
    )
}

const fn path_cut(cut: bool) -> &'static str {
    if cut { "…" } else { "" }
}

/// Who did something, or was kept from it.
fn judged(record: &Record, process: &Process, who: &str, verb: &str, past: &str) -> String {
    // Somebody who has become root says so, because whose session it is says something else.
    let is_user = record.entry.session.as_ref().is_some_and(|session| session.uid != 0);
    let who = if process.euid == 0 && is_user { format!("{who} (as root)") } else { who.to_owned() };
    match disposition(&record.entry.event) {
        Some(Disposition::Blocked) => format!("{who} may not {verb}"),
        Some(Disposition::WouldHaveBeenBlocked) => format!("{who} would not have been let {verb}"),
        _ => format!("{who} {past}"),
    }
}

fn by(event: &Event, verdict: &Verdict) -> String {
    if disposition(event) == Some(Disposition::Allowed) {
        return String::new();
    }
    let killed = if verdict.action == "kill" { ", killed" } else { "" };
    format!(" ({}{killed})", verdict.rule)
}

fn applied(step: Step, by: &str, confirm_s: Option<u32>, reason: &Option<String>) -> String {
    let within = confirm_s.map_or_else(String::new, |within| format!(", to be confirmed within {within} s"));
    let because = reason.as_ref().map_or_else(String::new, |reason| format!(": {reason}"));
    match step {
        Step::Installed => format!("{by} applied new policies"),
        Step::Tried => format!("{by} applied new policies{within}"),
        Step::Confirmed => format!("{by} confirmed the new policies"),
        Step::RolledBack => format!("The new policies were taken back by {by}{because}"),
    }
}

fn ended(pid: u32, code: Option<u8>, signal: Option<u8>, who: &str) -> String {
    match (code, signal) {
        (_, Some(signal)) => format!("Process {pid} of {who} was ended by signal {signal}"),
        (Some(code), None) => format!("Process {pid} of {who} ended with {code}"),
        (None, None) => format!("Process {pid} of {who} ended"),
    }
}

fn of_loader(event: &Event) -> String {
    match event {
        Event::Tamper { what } => format!("Tampering: {what}"),
        Event::Unlabelled { user, pid, outcome } => {
            format!("{user} is logged in past SAC (process {pid}), {outcome}")
        }
        Event::LoaderStarted { version, sessions } => {
            format!("SAC {version} started and found {sessions} sessions")
        }
        Event::LoaderStopped {} => "SAC was told to stop".to_owned(),
        Event::EventsLost { count, by } => format!("{count} events were lost by {by}"),
        Event::ChainRepaired { file, moved_to, .. } => {
            format!("The last line of {file} had no end, and is in {moved_to} now")
        }
        Event::RecordsRemoved { from_number, to_number, .. } => {
            format!("Records {from_number} to {to_number} are removed, because there are as many as are kept")
        }
        _ => "The record is whole up to here".to_owned(),
    }
}

#[cfg(test)]
mod tests;
