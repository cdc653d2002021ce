// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where new policies are while they are not settled, and how they get to where the policies are.
//!
//! Below one directory lie `new`, the policies that are tried; `before`, those that were in force until then, which stay there until
//! others are applied; and `apply.json`, which is there for as long as something is to be done. The directory of policies itself is
//! left alone until that is settled, so whatever goes wrong, the earlier ones are still in it.
//!
//! They go there in two steps. All texts are written beside the policies first, under names that nobody reads; that can fail,
//! for want of room for instance, and has changed nothing then. After that the files are renamed one by one. Who is interrupted there finds
//! [`Phase::Installing`](super::pending::Phase) written down and does it again.

use super::pending::Pending;
use sac_policy::{Faults, Source, Sources, Trust};
use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    fs::{self, File, OpenOptions, Permissions},
    io::{self, Write as _},
    os::unix::{
        ffi::OsStrExt as _,
        fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _},
    },
    path::{Path, PathBuf},
};

/// Where the loader keeps them.
pub(super) const DIRECTORY: &str = "/var/lib/sac/apply";

/// Mode of a policy that there was none of before, as the package's are.
const MODE: u32 = 0o644;

/// Policies by the names of their files.
type Texts<'s> = BTreeMap<&'s OsStr, &'s str>;

/// The two places.
#[derive(Debug)]
pub(super) struct Store {
    directory: PathBuf,
    /// Where the policies are.
    target: PathBuf,
    trust: Trust,
}

/// What is different between two sets of files, by their names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    pub(super) added: Vec<String>,
    pub(super) changed: Vec<String>,
    pub(super) removed: Vec<String>,
}

impl Changes {
    /// What becomes different where `new` takes the place of `old`.
    pub(super) fn between(old: &[Source], new: &[Source]) -> Self {
        let (old, new) = (texts(old), texts(new));
        let mut changes = Self::default();
        for (name, text) in &new {
            match old.get(name) {
                None => changes.added.push(shown(name)),
                Some(was) if was != text => changes.changed.push(shown(name)),
                Some(_same) => {}
            }
        }
        changes.removed =
            old.keys().filter(|name| !new.contains_key(*name)).map(|name| shown(name)).collect();
        changes
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.added.is_empty() && self.changed.is_empty() && self.removed.is_empty()
    }
}

/// Texts that lie beside the policies, ready to take their places.
#[derive(Debug)]
pub(super) struct Prepared {
    /// Names of the policies that are written anew.
    written: Vec<OsString>,
    /// Names of those that go.
    removed: Vec<OsString>,
}

impl Store {
    pub(super) fn new(directory: &Path, target: &Path, trust: Trust) -> Self {
        Self { directory: directory.to_owned(), target: target.to_owned(), trust }
    }

    /// The directory of the policies that are tried.
    pub(super) fn new_policies(&self) -> PathBuf {
        self.directory.join("new")
    }

    /// The directory of those before.
    pub(super) fn policies_before(&self) -> PathBuf {
        self.directory.join("before")
    }

    /// What lies where the policies are.
    ///
    /// # Errors
    ///
    /// Where the directory cannot be read.
    pub(super) fn present(&self) -> Result<Sources, Faults> {
        Sources::of_dir(&self.target, self.trust)
    }

    /// Whether what lies there is what it was when the new policies were applied.
    pub(super) fn is_untouched(&self) -> bool {
        match (self.present(), Sources::of_dir(&self.policies_before(), self.trust)) {
            (Ok(now), Ok(before)) => Changes::between(before.files(), now.files()).is_empty(),
            _ => false,
        }
    }

    /// Keeps new policies, and those before; nothing holds them yet.
    ///
    /// # Errors
    ///
    /// Where they cannot be written, or cannot be put where the policies are later.
    pub(super) fn stage(&self, new: &[Source], before: &[Source]) -> io::Result<()> {
        let probe = self.target.join(".sac-apply");
        File::create(&probe)
            .and_then(|_file| fs::remove_file(&probe))
            .map_err(|error| named(&self.target, &error))?;
        fs::create_dir_all(&self.directory)?;
        write_directory(&self.new_policies(), new)?;
        write_directory(&self.policies_before(), before)
    }

    /// What is to be done, if something is.
    ///
    /// # Errors
    ///
    /// Where that cannot be read.
    pub(super) fn read(&self) -> io::Result<Option<Pending>> {
        match fs::read(self.record()) {
            Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes down what is to be done; it outlives the machine's power from then on.
    ///
    /// # Errors
    ///
    /// Where it cannot be written; what was written before stays then.
    pub(super) fn write(&self, pending: &Pending) -> io::Result<()> {
        let new = self.directory.join("apply.new");
        write_file(&new, &serde_json::to_vec(pending)?, 0o600)?;
        fs::rename(&new, self.record())?;
        File::open(&self.directory)?.sync_all()
    }

    /// Nothing is to be done any more. The policies before stay where they are.
    ///
    /// # Errors
    ///
    /// Where that cannot be written down: it would be done again.
    pub(super) fn clear(&self) -> io::Result<()> {
        gone(fs::remove_file(self.record()))?;
        File::open(&self.directory)?.sync_all()?;
        // Nobody reads it without the other.
        gone(fs::remove_dir_all(self.new_policies()))
    }

    fn record(&self) -> PathBuf {
        self.directory.join("apply.json")
    }

    /// Lays the new policies beside those that are there.
    ///
    /// # Errors
    ///
    /// Where they cannot be read or written; nothing has changed then.
    pub(super) fn prepare(&self) -> io::Result<Prepared> {
        let new = Sources::of_dir(&self.new_policies(), self.trust).map_err(unreadable)?;
        let new = texts(new.files());
        let mut written = Vec::new();
        for (name, text) in &new {
            let path = self.target.join(name);
            if fs::read(&path).is_ok_and(|present| present == text.as_bytes()) {
                continue;
            }
            let mode = fs::metadata(&path).map_or(MODE, |status| status.mode() & 0o755);
            write_file(&self.beside(name), text.as_bytes(), mode).inspect_err(|_error| self.tidy(&new))?;
            written.push((*name).to_owned());
        }
        let present = policy_files(&self.target)?;
        let removed = present.into_iter().filter(|name| !new.contains_key(name.as_os_str())).collect();
        Ok(Prepared { written, removed })
    }

    /// Removes what a preparation that failed has left.
    fn tidy(&self, new: &Texts<'_>) {
        for name in new.keys() {
            // Most were never there, and one that stays is read by nobody and written over the next time.
            let _not_there = fs::remove_file(self.beside(name));
        }
    }

    /// Where a new text lies until it takes its place: the loader reads no file whose name begins with a dot.
    fn beside(&self, name: &OsStr) -> PathBuf {
        let mut hidden = OsString::from(".");
        hidden.push(name);
        hidden.push(".sac-new");
        self.target.join(hidden)
    }

    /// Lets the new policies take their places.
    ///
    /// # Errors
    ///
    /// Where that fails half-way; to prepare and do it again is right then.
    pub(super) fn commit(&self, prepared: &Prepared) -> io::Result<()> {
        for name in &prepared.written {
            fs::rename(self.beside(name), self.target.join(name))?;
        }
        for name in &prepared.removed {
            gone(fs::remove_file(self.target.join(name)))?;
        }
        File::open(&self.target)?.sync_all()
    }
}

/// Policies by the names of their files.
fn texts(sources: &[Source]) -> Texts<'_> {
    sources.iter().filter_map(|source| Some((source.path().file_name()?, source.text()))).collect()
}

fn shown(name: &OsStr) -> String {
    name.to_string_lossy().into_owned()
}

/// Names of the policy files in a directory.
fn policy_files(directory: &Path) -> io::Result<Vec<OsString>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(directory)? {
        let name = entry?.file_name();
        if name.as_bytes().ends_with(b".yaml") && !name.as_bytes().starts_with(b".") {
            names.push(name);
        }
    }
    Ok(names)
}

/// Makes a directory anew that holds these and nothing else, for root alone.
fn write_directory(directory: &Path, sources: &[Source]) -> io::Result<()> {
    gone(fs::remove_dir_all(directory))?;
    fs::create_dir(directory)?;
    fs::set_permissions(directory, Permissions::from_mode(0o700))?;
    for (name, text) in texts(sources) {
        write_file(&directory.join(name), text.as_bytes(), 0o600)?;
    }
    File::open(directory)?.sync_all()
}

/// Writes a file that is on disk when this returns.
fn write_file(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let written = || {
        gone(fs::remove_file(path))?;
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        file.write_all(bytes)?;
        file.set_permissions(Permissions::from_mode(mode))?;
        file.sync_all()
    };
    written().map_err(|error| named(path, &error))
}

fn gone(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

fn unreadable(faults: Faults) -> io::Error {
    io::Error::other(faults.to_string())
}

#[cfg(test)]
mod tests;
