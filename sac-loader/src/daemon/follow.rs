// SPDX-License-Identifier: MIT OR Apache-2.0
//! Changes that nobody tells the daemon of: policies, programs, users and groups.
//!
//! * A policy file that changes is loaded after 300 ms of quiet, at most 2 s after the first change. A faulty set changes nothing.
//! * A program that is replaced is looked at again after 300 ms of quiet, at most 1 s after the first change, and not more than once a second. At
//!   most 4,096 directories are watched; what is in others is looked at every minute, as everything is.
//! * Users and groups are looked up again at changes of `/etc/passwd`, `/etc/group` and `/etc/nsswitch.conf`, and every minute. The
//!   name service may hang, so it has a thread of its own.

use super::{
    Shared, lock, person, policies::SharedSet, record::PersonRecord, state::State, unlabelled::Search,
};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::inotify,
    io::Errno,
};
use sac_policy::{PolicySet, Subject};
use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    mem::MaybeUninit,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    sync::{
        Arc,
        mpsc::{self, Receiver, SyncSender},
    },
    time::{Duration, Instant},
};

/// Most directories of programs that are watched.
const WATCHES_MAX: usize = 4096;

/// How often everything is looked at, whatever was seen.
const POLL_EVERY: Duration = Duration::from_secs(60);

/// How often a directory of policies that is not there is looked for.
const LOOK_FOR_POLICIES: Duration = Duration::from_secs(2);

/// Symbolic links that are followed to what they lead to; see `MAXSYMLINKS` in include/linux/namei.h.
const LINKS_MAX: usize = 40;

/// Waits until changes have come to rest, but not for ever.
#[derive(Debug)]
pub(super) struct Debounce {
    quiet: Duration,
    at_most: Duration,
    pause: Duration,
    /// The first change and the last one.
    changes: Option<(Instant, Instant)>,
    taken: Option<Instant>,
}

impl Debounce {
    const fn new(quiet: Duration, at_most: Duration, pause: Duration) -> Self {
        Self { quiet, at_most, pause, changes: None, taken: None }
    }

    fn touch(&mut self, now: Instant) {
        let first = self.changes.map_or(now, |(first, _)| first);
        self.changes = Some((first, now));
    }

    /// When something is to be done; `None` where nothing has changed.
    fn due(&self) -> Option<Instant> {
        let (first, last) = self.changes?;
        let due = (last + self.quiet).min(first + self.at_most);
        Some(self.taken.map_or(due, |taken| due.max(taken + self.pause)))
    }

    /// Whether something is to be done now; it counts as done then.
    fn take(&mut self, now: Instant) -> bool {
        let is_due = self.due().is_some_and(|due| due <= now);
        if is_due {
            self.changes = None;
            self.taken = Some(now);
        }
        is_due
    }
}

/// One inotify instance.
struct Directories(OwnedFd);

impl Directories {
    fn new() -> io::Result<Self> {
        Ok(Self(inotify::init(inotify::CreateFlags::CLOEXEC | inotify::CreateFlags::NONBLOCK)?))
    }

    /// Watches what comes to be, goes or changes in a directory; a directory that is watched already keeps its number.
    fn add(&self, directory: &Path) -> io::Result<i32> {
        let flags = inotify::WatchFlags::MOVE
            | inotify::WatchFlags::CREATE
            | inotify::WatchFlags::DELETE
            | inotify::WatchFlags::ATTRIB
            | inotify::WatchFlags::CLOSE_WRITE
            | inotify::WatchFlags::DELETE_SELF
            | inotify::WatchFlags::MOVE_SELF
            | inotify::WatchFlags::ONLYDIR;
        Ok(inotify::add_watch(&self.0, directory, flags)?)
    }

    /// Whether anything happened that counts: to a file of a name that `counts`, or to a directory itself.
    fn happened(&self, counts: impl Fn(&[u8]) -> bool) -> io::Result<bool> {
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut events = inotify::Reader::new(&self.0, &mut buffer);
        let mut happened = false;
        loop {
            match events.next() {
                Ok(event) => happened |= event.file_name().is_none_or(|name| counts(name.to_bytes())),
                Err(Errno::AGAIN) => return Ok(happened),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// Follows changes of files, until waiting for them fails.
pub(super) fn files(state: &Shared, people: &SyncSender<()>) -> io::Result<()> {
    let directory = lock(state).policy_directory().to_owned();
    let (policies, programs, accounts) = (Directories::new()?, Directories::new()?, Directories::new()?);
    if let Err(error) = accounts.add(Path::new("/etc")) {
        tracing::warn!(%error, "cannot watch /etc; changes of groups are seen within a minute");
    }
    let ms = Duration::from_millis;
    let mut reload = Debounce::new(ms(300), ms(2000), ms(0));
    let mut refresh = Debounce::new(ms(300), ms(1000), ms(1000));
    let mut watched: BTreeMap<i32, ()> = BTreeMap::new();
    let mut watched_for: Option<SharedSet> = None;
    let mut policies_watched = policies.add(&directory).is_ok();
    let mut last_poll = Instant::now();
    loop {
        let set = lock(state).policies.set().map(Arc::clone);
        if !same(set.as_ref(), watched_for.as_ref()) {
            watch(&programs, set.as_deref(), &mut watched);
            watched_for = set;
        }
        let now = Instant::now();
        let look_for = (!policies_watched).then(|| now + LOOK_FOR_POLICIES);
        let next = [reload.due(), refresh.due(), look_for, Some(last_poll + POLL_EVERY)];
        let next = next.into_iter().flatten().min().unwrap_or(now);
        let mut sources =
            [&policies.0, &programs.0, &accounts.0].map(|source| PollFd::new(source, PollFlags::IN));
        match poll(&mut sources, Some(&timeout(next.saturating_duration_since(now)))) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let now = Instant::now();
        if policies.happened(is_policy)? {
            reload.touch(now);
        }
        // The directory may be another one now.
        let there = policies.add(&directory).is_ok();
        if there && !policies_watched {
            reload.touch(now);
        }
        policies_watched = there;
        if programs.happened(|_| true)? {
            refresh.touch(now);
        }
        if accounts.happened(is_account_file)? {
            let _told_already = people.try_send(());
        }
        let poll_now = now.duration_since(last_poll) >= POLL_EVERY;
        if reload.take(now) {
            lock(state).load_policies();
        }
        if refresh.take(now) || poll_now {
            lock(state).refresh();
            // Directories may have come, or been replaced by others.
            watched_for = None;
        }
        if poll_now {
            last_poll = now;
        }
    }
}

fn same(one: Option<&SharedSet>, other: Option<&SharedSet>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => Arc::ptr_eq(one, other),
        (None, None) => true,
        _ => false,
    }
}

/// A length of time for `poll`, rounded up so that it does not wake too early.
fn timeout(length: Duration) -> Timespec {
    let length = length + Duration::from_millis(1);
    Timespec { tv_sec: i64::try_from(length.as_secs()).unwrap_or(60), tv_nsec: length.subsec_nanos().into() }
}

fn is_policy(name: &[u8]) -> bool {
    name.ends_with(b".yaml") && !name.starts_with(b".")
}

fn is_account_file(name: &[u8]) -> bool {
    matches!(name, b"passwd" | b"group" | b"nsswitch.conf")
}

/// Watches the directories that a set is about, and no others.
fn watch(programs: &Directories, set: Option<&PolicySet>, watched: &mut BTreeMap<i32, ()>) {
    let (directories, left_out) = set.map(directories_of).unwrap_or_default();
    if left_out > 0 {
        tracing::warn!(
            left_out,
            "policies name programs in more than {WATCHES_MAX} directories; {left_out} are looked at every minute only"
        );
    }
    let mut now = BTreeMap::new();
    for directory in directories {
        match programs.add(&directory) {
            Ok(number) => {
                now.insert(number, ());
            }
            Err(error) => {
                tracing::debug!(directory = %directory.display(), %error, "cannot watch a directory")
            }
        }
    }
    for number in watched.keys().filter(|number| !now.contains_key(number)) {
        // One that went with its directory is none any more.
        let _gone_already = inotify::remove_watch(&programs.0, *number);
    }
    *watched = now;
}

/// The directories in which something can change what a set means, and how many more there would be.
fn directories_of(set: &PolicySet) -> (BTreeSet<PathBuf>, usize) {
    let mut directories = BTreeSet::new();
    for subject in set.policies().iter().flat_map(|policy| &policy.rules).map(|rule| &rule.subject) {
        match subject {
            Subject::Path(path) => add_with_links(path, &mut directories),
            Subject::Directory(path) | Subject::Tree(path) => {
                directories.insert(existing(path));
                add_with_links(path, &mut directories);
            }
            Subject::Administration => {
                sac_policy::sockets_of_services().for_each(|path| add_with_links(path, &mut directories));
            }
            Subject::Name(_)
            | Subject::Untrusted
            | Subject::ExecutableMemory
            | Subject::Content(_)
            | Subject::Address { .. } => {}
        }
    }
    let left_out = directories.len().saturating_sub(WATCHES_MAX);
    (directories.into_iter().take(WATCHES_MAX).collect(), left_out)
}

/// The directory of a path, and those of all that it leads to by symbolic links.
fn add_with_links(path: &Path, directories: &mut BTreeSet<PathBuf>) {
    let mut path = path.to_owned();
    for _ in 0..LINKS_MAX {
        let Some(parent) = path.parent() else { return };
        directories.insert(existing(parent));
        match std::fs::read_link(&path) {
            Ok(target) => path = parent.join(target),
            Err(_not_a_link) => return,
        }
    }
}

/// A directory, or the nearest one above it that is there.
fn existing(directory: &Path) -> PathBuf {
    directory.ancestors().find(|part| part.is_dir()).unwrap_or(Path::new("/")).to_owned()
}

/// What tells the thread [`people`] to look now.
pub(super) fn bell() -> (SyncSender<()>, Receiver<()>) {
    mpsc::sync_channel(1)
}

/// Follows changes of users and groups, and looks for logins past SAC: whose they are only the name service knows.
pub(super) fn people(state: &Shared, bell: &Receiver<()>) -> io::Result<()> {
    let mut search = Search::default();
    loop {
        if bell.recv_timeout(POLL_EVERY) == Err(mpsc::RecvTimeoutError::Disconnected) {
            return Err(io::Error::other("nobody follows the files of users and groups any more"));
        }
        let known = lock(state).people();
        let changed: Vec<PersonRecord> = known.into_values().filter_map(|was| changed(&was)).collect();
        if !changed.is_empty() {
            lock(state).people_changed(&changed);
        }
        if let Err(error) = search.look(state) {
            tracing::error!(%error, "cannot look for logins past SAC");
        }
    }
}

/// The person as the name service has them now, if that is not how they were. Where it does not tell they stay as they were.
fn changed(was: &PersonRecord) -> Option<PersonRecord> {
    let now = PersonRecord::from(&person::look_up(was.name.as_bytes()).ok()?);
    let sorted = |record: &PersonRecord| record.groups.iter().cloned().collect::<BTreeSet<_>>();
    (now.uid == was.uid && sorted(&now) != sorted(was)).then_some(now)
}

impl State {
    /// Everybody who is in, by user id.
    fn people(&self) -> BTreeMap<u32, PersonRecord> {
        let sessions = self.registry.sessions().map(|(_, session)| &session.person);
        let everybody = sessions.chain(self.registry.users().map(|user| &user.person));
        everybody.map(|person| (person.uid, person.clone())).collect()
    }

    /// Takes over whom the name service describes otherwise now.
    fn people_changed(&mut self, changed: &[PersonRecord]) {
        for person in changed {
            let groups: Vec<&str> = person.groups.iter().map(|(_, name)| name.as_str()).collect();
            let groups = groups.join(", ");
            tracing::info!(user = person.name, groups, "{} is in other groups now: {groups}", person.name);
            self.registry.update_person(person);
        }
        self.write_records();
        self.refresh();
    }
}

#[cfg(test)]
mod tests;
