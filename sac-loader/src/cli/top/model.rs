// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is on the screen, without how it is drawn. Nothing here waits or asks: it is told what was found and which keys were pressed.

use super::keys::Key;
use super::processes::{ProcessRow, present, recorded};
use super::seen::Seen;
use super::source::{Look, Processes, Wanted};
use crate::control::SessionInfo;
use jiff::{Timestamp, tz::TimeZone};
use sac_audit::brief::{Tone, brief, command, object, tone, user, what};
use sac_audit::record::{Event, Process, Record, Verdict};
use sac_audit::text::shown;
use std::collections::VecDeque;

/// More of what was blocked than a screen has lines.
const ATTEMPTS_MAX: usize = 200;
/// More of a command line than a screen has columns.
const TEXT_LENGTH_MAX: usize = 500;

/// What is on the screen.
#[derive(Debug)]
pub(super) struct Model {
    zone: TimeZone,
    /// The name of this machine.
    pub(super) host: String,
    /// When it was looked last.
    now: Timestamp,
    sessions: Vec<SessionInfo>,
    seen: Seen,
    /// Whether only sessions are shown in which something was blocked.
    pub(super) is_filtered: bool,
    selected: Option<String>,
    /// Where in the list the selected session was, for when it goes.
    place: usize,
    processes: Option<(String, ProcessList)>,
    /// What was blocked, the newest first.
    pub(super) attempts: VecDeque<Attempt>,
    daemon_fault: Option<String>,
    record_fault: Option<String>,
}

/// The processes of the selected session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ProcessList {
    /// Those that are there, and how many more.
    Present(Vec<ProcessRow>, usize),
    /// What the record says.
    Recorded(Vec<ProcessRow>),
    /// Why there are none.
    Unknown(String),
}

/// Something that was blocked, or would have been.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Attempt {
    time: Timestamp,
    session: String,
    pub(super) pid: u32,
    pub(super) parent_pid: u32,
    /// Whose it was.
    pub(super) user: String,
    /// What became of it, in capital letters.
    pub(super) what: &'static str,
    /// The rule that did it.
    pub(super) rule: String,
    /// What was to be done.
    pub(super) text: String,
    /// How it is to be told from the rest.
    pub(super) tone: Tone,
}

/// What a key came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pressed {
    Continue,
    Quit,
}

impl Model {
    pub(super) fn new(zone: TimeZone, host: String) -> Self {
        Self {
            zone,
            host: shown(&host),
            now: Timestamp::MIN,
            sessions: Vec::new(),
            seen: Seen::default(),
            is_filtered: false,
            selected: None,
            place: 0,
            processes: None,
            attempts: VecDeque::new(),
            daemon_fault: None,
            record_fault: None,
        }
    }

    /// Takes in what was found.
    pub(super) fn take(&mut self, look: Look) {
        let Look { time, sessions, processes, records, record_fault } = look;
        self.now = time;
        for record in &records {
            self.seen.take(record);
            if let Some(attempt) = Attempt::of(record) {
                self.attempts.push_front(attempt);
            }
        }
        self.attempts.truncate(ATTEMPTS_MAX);
        self.record_fault = record_fault;
        match sessions {
            Some(Ok(sessions)) => (self.sessions, self.daemon_fault) = (sessions, None),
            Some(Err(fault)) => (self.sessions, self.daemon_fault) = (self.seen.list(), Some(fault)),
            None if self.daemon_fault.is_some() => self.sessions = self.seen.list(),
            None => {}
        }
        if let Some((of, processes)) = processes {
            let list = match processes {
                Processes::Present(processes) => {
                    let own: Vec<_> = self.attempts.iter().filter(|attempt| attempt.session == of).collect();
                    let (rows, more) = present(&processes, &own);
                    ProcessList::Present(rows, more)
                }
                Processes::Recorded(rows) => ProcessList::Recorded(recorded(rows)),
                Processes::Unknown(reason) => ProcessList::Unknown(shown(&reason)),
            };
            self.processes = Some((of, list));
        }
        self.select_again();
    }

    /// Does what a key is for.
    pub(super) fn press(&mut self, key: Key) -> Pressed {
        let place = match key {
            Key::Quit => return Pressed::Quit,
            Key::Filter => {
                self.is_filtered = !self.is_filtered;
                self.select_again();
                return Pressed::Continue;
            }
            Key::Up => self.place.saturating_sub(1),
            Key::Down => self.place + 1,
            Key::First => 0,
            Key::Last => usize::MAX,
        };
        self.select(place);
        Pressed::Continue
    }

    /// The sessions that are shown.
    pub(super) fn sessions(&self) -> Vec<&SessionInfo> {
        let is_shown = |session: &&SessionInfo| !self.is_filtered || session.blocked > 0;
        self.sessions.iter().filter(is_shown).collect()
    }

    /// How many there are, and in how many of them something was blocked.
    pub(super) fn counts(&self) -> (usize, usize) {
        (self.sessions.len(), self.sessions.iter().filter(|session| session.blocked > 0).count())
    }

    /// The selected one, and where it is among those that are shown.
    pub(super) fn selected(&self) -> Option<(usize, &SessionInfo)> {
        let id = self.selected.as_ref()?;
        self.sessions().into_iter().enumerate().find(|(_place, session)| session.id == *id)
    }

    /// The selected one's processes; `None` as long as they are not known.
    pub(super) fn processes(&self) -> Option<&ProcessList> {
        let (of, list) = self.processes.as_ref()?;
        (Some(of) == self.selected.as_ref()).then_some(list)
    }

    /// What is to be looked at.
    pub(super) fn wanted(&self) -> Option<Wanted> {
        let (_place, session) = self.selected()?;
        Some(Wanted { session: session.id.clone(), since: session.since.parse().ok() })
    }

    /// What cannot be shown and why, a line each.
    pub(super) fn faults(&self) -> Vec<String> {
        let daemon = self.daemon_fault.as_ref();
        let daemon =
            daemon.map(|fault| format!("The daemon does not answer; this is what the record says: {fault}"));
        let faults = daemon.into_iter().chain(self.record_fault.clone());
        faults.map(|fault| shown(&fault)).collect()
    }

    /// A time of day, with the day where it is not today's.
    pub(super) fn moment(&self, time: Timestamp) -> String {
        let [local, now] = [time, self.now].map(|time| self.zone.to_datetime(time));
        let format = if local.date() == now.date() { "%H:%M:%S" } else { "%m-%d %H:%M" };
        local.strftime(format).to_string()
    }

    /// When it was looked last.
    pub(super) fn time(&self) -> String {
        self.moment(self.now)
    }

    /// When something was blocked.
    pub(super) fn time_of(&self, attempt: &Attempt) -> String {
        self.moment(attempt.time)
    }

    /// Keeps the session selected that was; where it has gone, the one that is in its place.
    fn select_again(&mut self) {
        self.select(self.selected().map_or(self.place, |(place, _session)| place));
    }

    fn select(&mut self, place: usize) {
        let shown = self.sessions();
        let place = place.min(shown.len().saturating_sub(1));
        let selected = shown.get(place).map(|session| session.id.clone());
        (self.place, self.selected) = (place, selected);
    }
}

impl Attempt {
    fn of(record: &Record) -> Option<Self> {
        let event = &record.entry.event;
        let tone = tone(event);
        if !matches!(tone, Tone::Blocked | Tone::WouldBlock) {
            return None;
        }
        let nobody = (Process::default(), Verdict::default());
        let (process, verdict, text) = match event {
            Event::Executed(execution) | Event::Blocked(execution) => {
                (&execution.process, &execution.verdict, command(execution))
            }
            Event::Operation(operation) => (&operation.process, &operation.verdict, object(operation)),
            // Why comes first, because the end may have no room.
            Event::SessionRefused { service, from, reason, .. } => {
                let from =
                    if from.as_bytes().is_empty() { "this machine".to_owned() } else { from.to_string() };
                (&nobody.0, &nobody.1, format!("login: {reason} (by {service} from {from})"))
            }
            _ => (&nobody.0, &nobody.1, brief(record)),
        };
        let session = record.entry.session.as_ref();
        Some(Self {
            time: record.entry.time,
            session: session.map(|session| session.id.clone()).unwrap_or_default(),
            pid: process.pid,
            parent_pid: process.parent_pid,
            user: user(record),
            what: what(event),
            rule: shown(&verdict.rule),
            text: shown(&text).chars().take(TEXT_LENGTH_MAX).collect(),
            tone,
        })
    }
}

#[cfg(test)]
pub(super) mod tests;
