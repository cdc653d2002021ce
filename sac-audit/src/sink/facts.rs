// SPDX-License-Identifier: MIT OR Apache-2.0
//! What filters and formats ask of every record, whatever happened.

use crate::record::{Event, Execution, Operation, Process, Record, Verdict};

/// All names of events, for filters.
pub const EVENT_NAMES: [&str; 25] = [
    "session-opened",
    "session-closed",
    "session-refused",
    "session-adopted",
    "identity-changed",
    "session-controlled",
    "executed",
    "blocked",
    "forked",
    "ended",
    "operation",
    "policy-loaded",
    "policy-refused",
    "policy-changed",
    "policy-applied",
    "granted",
    "grant-ended",
    "tamper",
    "unlabelled",
    "loader-started",
    "loader-stopped",
    "events-lost",
    "checkpoint",
    "chain-repaired",
    "records-removed",
];

/// What became of an execution or an operation.
pub(crate) const fn verdict(event: &Event) -> Option<&Verdict> {
    match event {
        Event::Executed(Execution { verdict, .. })
        | Event::Blocked(Execution { verdict, .. })
        | Event::Operation(Operation { verdict, .. }) => Some(verdict),
        _ => None,
    }
}

/// The process that did something.
pub(crate) const fn process(event: &Event) -> Option<&Process> {
    match event {
        Event::Executed(Execution { process, .. })
        | Event::Blocked(Execution { process, .. })
        | Event::Operation(Operation { process, .. }) => Some(process),
        _ => None,
    }
}

/// What happened to an act that a policy judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Disposition {
    /// It went ahead.
    Allowed,
    /// It went ahead, and would not have done so under a policy that enforces.
    WouldHaveBeenBlocked,
    /// It did not.
    Blocked,
}

/// What became of it, where a policy judged something. A login that was refused is blocked.
pub(crate) fn disposition(event: &Event) -> Option<Disposition> {
    if matches!(event, Event::SessionRefused { .. }) {
        return Some(Disposition::Blocked);
    }
    let verdict = verdict(event)?;
    Some(match verdict.action.as_str() {
        "deny" | "kill" => Disposition::Blocked,
        // An execution that is only watched is `executed`; what is `blocked` by a policy that only records went ahead as well.
        "audit" if !matches!(event, Event::Executed(_)) => Disposition::WouldHaveBeenBlocked,
        _ => Disposition::Allowed,
    })
}

/// Whether something did not go ahead.
pub(crate) fn is_blocked(event: &Event) -> bool {
    disposition(event) == Some(Disposition::Blocked)
}

/// The policies that a record is about.
pub(crate) fn policies(record: &Record) -> Vec<&str> {
    let lists: [&[String]; 2] = match &record.entry.event {
        Event::SessionOpened { policies, .. }
        | Event::SessionAdopted { policies }
        | Event::PolicyLoaded { policies, .. } => [policies, &[]],
        Event::PolicyChanged { from_policies, to_policies } => [from_policies, to_policies],
        event => return verdict(event).and_then(|verdict| verdict.policy.as_deref()).into_iter().collect(),
    };
    lists.into_iter().flatten().map(String::as_str).collect()
}
