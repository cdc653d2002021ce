// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where it comes from: what the daemon answers, and what is written to the record.
//!
//! The daemon is asked once a second, and when another session is selected. The record is read when inotify says that something was written.

mod story;

use super::terminal::Bell;
use crate::cli::events::Watch;
use crate::cli::look::advise;
use crate::control::{ProcessInfo, Request, SessionDetails, SessionInfo, ask};
use anyhow::bail;
use jiff::Timestamp;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use sac_audit::read::{Filter, ReadError, Records};
use sac_audit::record::Record;
use sac_audit::tree::Row;
use std::{
    io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, SyncSender, TryRecvError, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};
use story::Story;

/// So many of the last records say what was just blocked, and who is in where the daemon does not.
const RECORDS_FIRST: usize = 5000;
/// So many are taken at a time.
const RECORDS_AT_A_TIME: usize = 5000;
/// How often the daemon is asked.
const INTERVAL: Duration = Duration::from_secs(1);
/// What is written to the record within this time is shown together, so that a busy machine does not have us draw all the time.
const TOGETHER: Duration = Duration::from_millis(150);

/// What was found at one look.
#[derive(Debug)]
pub(super) struct Look {
    /// When.
    pub(super) time: Timestamp,
    /// Open sessions, or why the daemon does not say; `None` where it was not asked this time.
    pub(super) sessions: Option<Result<Vec<SessionInfo>, String>>,
    /// Processes of the session with this id, where something about them is new.
    pub(super) processes: Option<(String, Processes)>,
    /// New records.
    pub(super) records: Vec<Record>,
    /// Why there could be more.
    pub(super) record_fault: Option<String>,
}

/// Processes of a session.
#[derive(Debug)]
pub(super) enum Processes {
    /// Those that are there.
    Present(Vec<ProcessInfo>),
    /// What its last records say.
    Recorded(Vec<Row>),
    /// Why nothing is known of them.
    Unknown(String),
}

/// The session that is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) session: String,
    /// When it was opened, which is where its records begin.
    pub(super) since: Option<Timestamp>,
}

/// The daemon and the record.
pub(super) struct Source {
    directory: PathBuf,
    watch: Watch,
    records: Option<Records>,
    /// A line that is no record.
    damage: Option<String>,
    story: Option<Story>,
    looked_at: Option<Wanted>,
    asked: Option<Instant>,
}

/// A source that looks by itself.
pub(super) struct Told {
    wanted: Arc<(Mutex<Option<Wanted>>, Bell)>,
    looks: Receiver<Look>,
}

impl Source {
    pub(super) fn new(directory: &Path) -> Self {
        Self {
            directory: directory.to_owned(),
            watch: Watch::on(directory),
            records: None,
            damage: None,
            story: None,
            looked_at: None,
            asked: None,
        }
    }

    /// Looks now.
    pub(super) fn look(&mut self, wanted: Option<Wanted>) -> Look {
        let is_due = self.asked.is_none_or(|asked| asked.elapsed() >= INTERVAL);
        let is_another = wanted != self.looked_at;
        self.looked_at.clone_from(&wanted);
        let mut look = Look {
            time: Timestamp::now(),
            sessions: None,
            processes: None,
            records: Vec::new(),
            record_fault: None,
        };
        look.record_fault = self.read(&mut look.records);
        if is_due || is_another {
            let sessions = ask(Request::ListSessions {}).map_err(|error| format!("{error:#}"));
            self.asked = Some(Instant::now());
            look.processes = wanted.and_then(|wanted| {
                let id = wanted.session.clone();
                Some((id, self.processes(wanted, sessions.is_ok())?))
            });
            look.sessions = Some(sessions);
        }
        look
    }

    /// New records; returns why there could be more.
    fn read(&mut self, new: &mut Vec<Record>) -> Option<String> {
        let records = match &mut self.records {
            Some(records) => records,
            None => match Records::open_last(&self.directory, Filter::default(), RECORDS_FIRST) {
                Ok(records) => self.records.insert(records),
                Err(error) => return Some(format!("{:#}", advise(&self.directory, error))),
            },
        };
        while new.len() < RECORDS_AT_A_TIME {
            match records.next() {
                None => break,
                Some(Ok(record)) => new.push(record),
                Some(Err(error @ ReadError::NotARecord { .. })) => self.damage = Some(error.to_string()),
                Some(Err(error)) => return Some(format!("{:#}", advise(&self.directory, error))),
            }
        }
        self.damage.clone()
    }

    /// The processes of a session; `None` where nothing is new.
    fn processes(&mut self, wanted: Wanted, is_daemon_there: bool) -> Option<Processes> {
        if is_daemon_there {
            self.story = None;
            let asked = ask::<SessionDetails>(Request::ShowSession { session: wanted.session });
            return Some(match asked {
                Ok(details) => Processes::Present(details.tree),
                Err(error) => Processes::Unknown(format!("{error:#}")),
            });
        }
        let story = match self.story.take().filter(|story| story.is_of(&wanted)) {
            Some(story) => Ok(story),
            None => Story::open(&self.directory, wanted),
        };
        match story {
            Ok(mut story) => {
                let rows = story.rows();
                self.story = Some(story);
                rows.map(Processes::Recorded)
            }
            Err(error) => Some(Processes::Unknown(format!("{:#}", advise(&self.directory, error)))),
        }
    }

    /// Looks again and again, on a thread, and rings the bell each time that there is something to take.
    pub(super) fn start(mut self, bell: Arc<Bell>) -> io::Result<Told> {
        let wanted = Arc::new((Mutex::new(None), Bell::new()?));
        // Of looks that nobody takes there is only one.
        let (tell, looks) = sync_channel(1);
        let of = Arc::clone(&wanted);
        let run = move || {
            let teller = Teller { tell: Some(tell), bell };
            // When there is nobody to tell, the thread's end is all that there is to do.
            while self.look_and_wait(&of, &teller).is_ok() {}
        };
        thread::Builder::new().name("look".to_owned()).spawn(run)?;
        Ok(Told { wanted, looks })
    }

    fn look_and_wait(&mut self, of: &(Mutex<Option<Wanted>>, Bell), teller: &Teller) -> anyhow::Result<()> {
        let (wanted, is_changed) = of;
        let wanted = wanted.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let look = self.look(wanted);
        let is_more = look.records.len() == RECORDS_AT_A_TIME;
        teller.tell(look)?;
        if !is_more {
            self.wait(is_changed)?;
        }
        Ok(())
    }

    /// Waits until there is a reason to look again.
    fn wait(&self, is_changed: &Bell) -> io::Result<()> {
        let asked = self.asked.map(|asked| asked.elapsed()).unwrap_or_default();
        let limit = Timespec::try_from(INTERVAL.saturating_sub(asked)).map_err(io::Error::other)?;
        let mut polled = vec![PollFd::from_borrowed_fd(is_changed.as_fd(), PollFlags::IN)];
        polled.extend(self.watch.as_fd().map(|watch| PollFd::from_borrowed_fd(watch, PollFlags::IN)));
        match poll(&mut polled, Some(&limit)) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let is_written = polled.get(1).is_some_and(|watch| !watch.revents().is_empty());
        if is_written && !is_changed.is_rung() {
            thread::sleep(TOGETHER);
        }
        is_changed.quiet();
        self.watch.forget()
    }
}

impl Told {
    /// Says what is to be looked at from now on.
    pub(super) fn want(&self, wanted: Option<Wanted>) {
        let (current, is_changed) = &*self.wanted;
        let mut current = current.lock().unwrap_or_else(PoisonError::into_inner);
        if *current != wanted {
            *current = wanted;
            is_changed.ring();
        }
    }

    /// What was found, if something was.
    pub(super) fn take(&self) -> anyhow::Result<Option<Look>> {
        match self.looks.try_recv() {
            Ok(look) => Ok(Some(look)),
            Err(TryRecvError::Empty) => Ok(None),
            Err(TryRecvError::Disconnected) => bail!("the thread that looks has failed"),
        }
    }
}

/// Tells what was found, and rings for the last time when its thread ends, however it ends.
struct Teller {
    tell: Option<SyncSender<Look>>,
    bell: Arc<Bell>,
}

impl Teller {
    fn tell(&self, look: Look) -> anyhow::Result<()> {
        if self.tell.as_ref().is_none_or(|tell| tell.send(look).is_err()) {
            bail!("nobody takes it any more");
        }
        self.bell.ring();
        Ok(())
    }
}

impl Drop for Teller {
    fn drop(&mut self) {
        // Whoever is woken by the bell has to find nobody there.
        self.tell = None;
        self.bell.ring();
    }
}
