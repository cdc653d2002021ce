// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which records are wanted.

use crate::record::{Event, Record, Severity};
use jiff::{SignedDuration, Timestamp};

/// How far the clock on the wall may have been set back without a record being passed over.
pub(super) const CLOCK_MARGIN: SignedDuration = SignedDuration::from_hours(1);

/// Which records are wanted: those that fit everything that is set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Those of the session with this id.
    pub session: Option<String>,
    /// Those of sessions of this user, by name or number, and logins of theirs that were refused.
    pub user: Option<String>,
    /// Only what was blocked, or would have been.
    pub blocked: bool,
    /// Only these events, by the names that they have in records; all if it is empty.
    pub events: Vec<String>,
    /// Only from this moment on.
    pub since: Option<Timestamp>,
    /// Only before this moment.
    pub until: Option<Timestamp>,
    /// Only what is at least as grave.
    pub severity: Severity,
}

impl Filter {
    /// Whether a record is wanted.
    #[must_use]
    pub fn matches(&self, record: &Record) -> bool {
        let entry = &record.entry;
        let session = entry.session.as_ref();
        entry.severity >= self.severity
            && self.since.is_none_or(|since| entry.time >= since)
            && self.until.is_none_or(|until| entry.time < until)
            && self.session.as_ref().is_none_or(|id| session.is_some_and(|session| session.id == *id))
            && self.user.as_ref().is_none_or(|user| is_of_user(record, user))
            && (!self.blocked || is_blocked(&entry.event))
            && (self.events.is_empty() || self.events.iter().any(|event| *event == entry.event.name()))
    }

    /// Whether no record after this one can be wanted.
    pub(super) fn is_over(&self, record: &Record) -> bool {
        let end = self.until.and_then(|until| until.checked_add(CLOCK_MARGIN).ok());
        end.is_some_and(|end| record.entry.time >= end)
    }
}

fn is_of_user(record: &Record, user: &str) -> bool {
    if let Some(session) = &record.entry.session {
        return session.user == user || session.uid.to_string() == user;
    }
    match &record.entry.event {
        Event::SessionRefused { user: refused, .. } => refused.as_bytes() == user.as_bytes(),
        Event::Unlabelled { user: found, .. } => found == user,
        Event::Granted(grant) | Event::GrantEnded { grant, .. } => grant.user == user,
        _ => false,
    }
}

/// Whether something was blocked, or would have been: a login as well.
const fn is_blocked(event: &Event) -> bool {
    matches!(event, Event::Blocked(_) | Event::Operation(_) | Event::SessionRefused { .. })
}
