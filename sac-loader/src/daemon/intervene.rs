// SPDX-License-Identifier: MIT OR Apache-2.0
//! What administrators do to a session: kill it, stop it where it is, let it go on.
//!
//! Its user is told first, and why. What carries a terminal's text to people, sshd, is in the session as well, so a moment is left between the
//! two. Nothing here holds the lock while it waits.

use super::{
    Shared,
    audit::Recorder,
    grants::check_reason,
    limits, lock,
    record::SessionRecord,
    show::{self, CommandLines},
};
use crate::{
    cgroup,
    control::{Controlled, ProcessInfo},
    notice::Deliverer,
};
use anyhow::{Context as _, bail};
use sac_abi::SessionId;
use sac_audit::record::{Control, Event, Session, Severity};
use sac_failpoint::{Failpoint, reach};
use std::{
    fs, io,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

/// How long telling the user may take.
const TELLING: Duration = Duration::from_secs(1);

/// How long the user's terminal gets to show what it was told.
const SHOWING: Duration = Duration::from_millis(500);

/// How long processes may take to end, or to stop.
const COMING_TRUE: Duration = Duration::from_secs(5);

/// How often it is looked whether they have.
const AGAIN: Duration = Duration::from_millis(20);

/// Something that was done to a session: what the record has of it.
#[derive(Clone, Debug)]
pub(super) struct Intervention {
    pub(super) session: SessionId,
    pub(super) user: String,
    /// The session, as records have it.
    pub(super) record: Option<Session>,
    pub(super) action: Control,
    /// Who did it: an administrator, or a limit of the policy.
    pub(super) by: String,
    /// Empty where nobody gave one.
    pub(super) reason: String,
}

impl Intervention {
    /// Something that a limit of the policy does.
    pub(super) fn by_itself(
        state: &Shared,
        session: SessionId,
        user: &str,
        action: Control,
        limit: &str,
    ) -> Self {
        let record = lock(state).registry().session(session).map(SessionRecord::in_record);
        Self { session, user: user.to_owned(), record, action, by: limit.to_owned(), reason: String::new() }
    }

    /// Writes down that it was done.
    pub(super) fn note(&self, recorder: &Recorder) {
        let Self { session, user, by, reason, .. } = self;
        let event = Event::SessionControlled { action: self.action, by: by.clone(), reason: reason.clone() };
        recorder.tell(self.record.clone(), Severity::Medium, event);
        tracing::warn!(session = %session, user, action = self.word(), by, reason, "{}", self.text());
    }

    /// In words for people.
    fn text(&self) -> String {
        let Self { session, user, by, reason, .. } = self;
        let why = if reason.is_empty() { "" } else { ": " };
        format!("session {session} of {user} {} by {by}{why}{reason}", self.word())
    }

    const fn word(&self) -> &'static str {
        match self.action {
            Control::Killed => "ended",
            Control::Frozen => "frozen",
            Control::Thawed => "thawed",
        }
    }
}

/// Kills all processes of a session.
pub(super) fn kill(
    state: &Shared,
    notices: &Deliverer,
    by: String,
    session: &str,
    reason: String,
) -> anyhow::Result<Controlled> {
    check_reason(&reason)?;
    let target = Target::find(state, session, by, reason, Control::Killed)?;
    target.tell(notices, "An administrator ends this session");
    let count = target.count();
    target.act(limits::kill)?;
    target.done(count, || Ok(cgroup::is_populated(&target.directory)? == Some(true)))
}

/// Stops all processes of a session.
pub(super) fn freeze(
    state: &Shared,
    notices: &Deliverer,
    by: String,
    session: &str,
    reason: String,
) -> anyhow::Result<Controlled> {
    check_reason(&reason)?;
    let target = Target::find(state, session, by, reason, Control::Frozen)?;
    target.tell(notices, "An administrator stops this session for now");
    let count = target.count();
    target.act(|directory| limits::freeze(directory, true))?;
    target.done(count, || Ok(has_stopped(&target.directory)? == Some(false)))
}

/// Lets the processes of a frozen session go on.
pub(super) fn thaw(
    state: &Shared,
    notices: &Deliverer,
    by: String,
    session: &str,
    reason: String,
) -> anyhow::Result<Controlled> {
    if !reason.is_empty() {
        check_reason(&reason)?;
    }
    let target = Target::find(state, session, by, reason, Control::Thawed)?;
    let count = target.count();
    target.act(|directory| limits::freeze(directory, false))?;
    target.tell(notices, "This session goes on");
    target.done(count, || Ok(has_stopped(&target.directory)? == Some(true)))
}

/// A session that something is to be done to.
struct Target {
    what: Intervention,
    recorder: Recorder,
    uid: u32,
    directory: PathBuf,
}

impl Target {
    fn find(
        state: &Shared,
        session: &str,
        by: String,
        reason: String,
        action: Control,
    ) -> anyhow::Result<Self> {
        let state = lock(state);
        let (session, record) = show::find(&state, session)?;
        let user = record.person.name.clone();
        let record_session = Some(record.in_record());
        Ok(Self {
            what: Intervention { session, user, record: record_session, action, by, reason },
            recorder: state.recorder.clone(),
            uid: record.person.uid,
            directory: record.scope.directory.clone(),
        })
    }

    /// Tells the user. Where the session stands still nobody could show it.
    fn tell(&self, notices: &Deliverer, what: &str) {
        if show::is_frozen(&self.directory) {
            return;
        }
        let Intervention { reason, .. } = &self.what;
        let why = if reason.is_empty() { String::new() } else { format!(": {reason}") };
        notices.tell_now(self.uid, &self.directory, format!("{what}{why}"), TELLING);
        if self.what.action != Control::Thawed {
            thread::sleep(SHOWING);
        }
    }

    fn count(&self) -> usize {
        cgroup::processes(&self.directory).map_or(0, |processes| processes.len())
    }

    /// Does it, and writes down that it was done.
    fn act(&self, act: impl FnOnce(&Path) -> io::Result<()>) -> anyhow::Result<()> {
        let (id, user) = (self.what.session, &self.what.user);
        if let Err(error) = act(&self.directory) {
            if matches!(cgroup::is_populated(&self.directory), Ok(None)) {
                bail!("session {id} of {user} has ended by itself meanwhile");
            }
            return Err(error)
                .with_context(|| format!("session {id} of {user} could not be {}", self.what.word()));
        }
        reach(Failpoint::SessionControlled);
        self.what.note(&self.recorder);
        Ok(())
    }

    /// Waits until it has come true, and tells who is in the session still if it does not.
    fn done(
        &self,
        processes: usize,
        is_pending: impl Fn() -> io::Result<bool>,
    ) -> anyhow::Result<Controlled> {
        let deadline = Instant::now() + COMING_TRUE;
        while is_pending().context("cannot tell whether all processes have followed")? {
            if Instant::now() >= deadline {
                let left = show::processes(&self.directory, &CommandLines::default());
                return Ok(self.controlled(processes, left));
            }
            thread::sleep(AGAIN);
        }
        Ok(self.controlled(processes, Vec::new()))
    }

    fn controlled(&self, processes: usize, left: Vec<ProcessInfo>) -> Controlled {
        let Intervention { session, user, action, by, reason, .. } = self.what.clone();
        Controlled { session: session.to_string(), user, action, by, reason, processes, left }
    }
}

/// Whether all processes of a session have stopped; `None` where it has ended.
fn has_stopped(directory: &Path) -> io::Result<Option<bool>> {
    match fs::read_to_string(directory.join("cgroup.events")) {
        Ok(events) => Ok(Some(events.lines().any(|line| line == "frozen 1"))),
        Err(error) => cgroup::gone_is_fine(error).map(|()| None),
    }
}

#[cfg(test)]
mod tests;
