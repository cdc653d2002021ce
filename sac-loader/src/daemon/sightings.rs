// SPDX-License-Identifier: MIT OR Apache-2.0
//! What people have executed, for `policy learn`.
//!
//! The kernel half tells of each program once per user and hour. Bounded: 10,000 programs of a user, 1,000 users in memory; what does
//! not fit is counted. Each user has a file `UID.json`, replaced as a whole, at most every 30 s and when the daemon stops.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

/// Where the files are.
pub(super) const DIRECTORY: &str = "/var/lib/sac/executed";

/// Most programs of one user.
const PROGRAMS_MAX: usize = 10_000;

/// Most users in memory.
const USERS_MAX: usize = 1_000;

/// How often the log may tell that something did not fit, in seconds.
const TELL_EVERY_S: i64 = 3600;

/// Version of the files.
const VERSION: u32 = 1;

/// All users.
#[derive(Debug)]
pub(super) struct Sightings {
    directory: PathBuf,
    users: BTreeMap<u32, User>,
    /// Sightings of users for whom there was no room.
    left_out: u64,
    told: Option<Timestamp>,
    untold: u64,
}

#[derive(Debug, Default)]
struct User {
    name: String,
    programs: BTreeMap<String, (Timestamp, Timestamp)>,
    left_out: u64,
    changed: bool,
}

/// A user's file.
#[derive(Debug, Serialize, Deserialize)]
struct UserFile {
    version: u32,
    user: String,
    uid: u32,
    programs: Vec<Program>,
    left_out: u64,
}

#[derive(Debug, Serialize, Deserialize)]
struct Program {
    path: String,
    first: Timestamp,
    last: Timestamp,
}

impl Sightings {
    /// What is in `directory`, read when it is needed.
    pub(super) fn new(directory: &Path) -> Self {
        Self { directory: directory.to_owned(), users: BTreeMap::new(), left_out: 0, told: None, untold: 0 }
    }

    /// Notes an execution. A `path` that is cut or no text is `None`.
    pub(super) fn see(&mut self, uid: u32, name: &str, path: Option<&str>, at: Timestamp) {
        if !self.users.contains_key(&uid) && !self.make_room() {
            self.left_out += 1;
            self.tell(at);
            return;
        }
        let directory = &self.directory;
        let user = self.users.entry(uid).or_insert_with(|| read(directory, uid));
        name.clone_into(&mut user.name);
        user.changed = true;
        let room = user.programs.len() < PROGRAMS_MAX;
        match path.filter(|path| path.starts_with('/')) {
            Some(path) if room || user.programs.contains_key(path) => {
                let seen = user.programs.entry(path.to_owned()).or_insert((at, at));
                seen.1 = seen.1.max(at);
            }
            _ => {
                user.left_out += 1;
                self.tell(at);
            }
        }
    }

    /// Room for one more user: whoever has nothing unwritten can be read again later.
    fn make_room(&mut self) -> bool {
        if self.users.len() < USERS_MAX {
            return true;
        }
        let written = self.users.iter().find(|(_, user)| !user.changed).map(|(uid, _)| *uid);
        written.is_some_and(|uid| self.users.remove(&uid).is_some())
    }

    fn tell(&mut self, at: Timestamp) {
        self.untold += 1;
        if self.told.is_some_and(|told| (0..TELL_EVERY_S).contains(&(at.as_second() - told.as_second()))) {
            return;
        }
        let (count, users) = (self.untold, self.left_out);
        tracing::warn!(
            count,
            users,
            "{count} executions were not kept for `policy learn`: too many programs or users, or paths that are no text"
        );
        self.told = Some(at);
        self.untold = 0;
    }

    /// Writes what has changed. What cannot be written is tried again the next time.
    pub(super) fn flush(&mut self) {
        let result = self.try_flush();
        if let Err(error) = result {
            tracing::error!(%error, directory = %self.directory.display(), "cannot write down what was executed");
        }
    }

    fn try_flush(&mut self) -> io::Result<()> {
        if self.users.values().all(|user| !user.changed) {
            return Ok(());
        }
        fs::create_dir_all(&self.directory)?;
        for (uid, user) in self.users.iter_mut().filter(|(_, user)| user.changed) {
            let programs = user.programs.iter();
            let file = UserFile {
                version: VERSION,
                user: user.name.clone(),
                uid: *uid,
                programs: programs
                    .map(|(path, (first, last))| Program { path: path.clone(), first: *first, last: *last })
                    .collect(),
                left_out: user.left_out,
            };
            let new = self.directory.join(format!(".{uid}.new"));
            fs::write(&new, serde_json::to_vec(&file)?)?;
            fs::rename(new, self.directory.join(format!("{uid}.json")))?;
            user.changed = false;
        }
        Ok(())
    }
}

/// What was written of a user. A file that cannot be read is begun anew, and the log says so.
fn read(directory: &Path, uid: u32) -> User {
    let path = directory.join(format!("{uid}.json"));
    let file = match fs::read(&path).and_then(|bytes| Ok(serde_json::from_slice::<UserFile>(&bytes)?)) {
        Ok(file) if file.version == VERSION => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return User::default(),
        Ok(_) => {
            tracing::warn!(path = %path.display(), "a list of what was executed is of another version; beginning anew");
            return User::default();
        }
        Err(error) => {
            tracing::warn!(path = %path.display(), %error, "cannot read what was executed; beginning anew");
            return User::default();
        }
    };
    let programs = file.programs.into_iter().take(PROGRAMS_MAX);
    User {
        name: file.user,
        programs: programs.map(|program| (program.path, (program.first, program.last))).collect(),
        left_out: file.left_out,
        changed: false,
    }
}

#[cfg(test)]
mod tests;
