// SPDX-License-Identifier: MIT OR Apache-2.0
//! Policy files on disk: which are read, and whose they must be.
//!
//! Whoever can write a policy can lock others out or let them off, so files and directory must be root's alone. That
//! is asked of the open file, not of its name: between the two somebody could exchange it.

use crate::code::Code;
use crate::fault::{Fault, Faults, Place, printable, quoted_path};
use crate::set::{Loaded, POLICIES_MAX, PolicySet, SOURCES_BYTES_MAX, file_too_large};
use crate::source::{SOURCE_BYTES_MAX, Source};
use rustix::fs::{FileType, Mode, OFlags};
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Permission bits that let somebody other than the owner write.
const WRITE_BY_OTHERS: u32 = 0o022;

/// Who must own policy files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Only this user can write the files and their directory.
    Owner {
        /// The user's id.
        uid: u32,
    },
    /// Not asked: the files are the caller's own affair.
    Anyone,
}

impl Trust {
    /// What is asked of policies that hold for others.
    pub const ROOT: Self = Self::Owner { uid: 0 };
}

/// Policy files that were read, and are not checked yet: who has to keep what was checked takes the texts from here.
#[derive(Clone, Debug)]
pub struct Sources {
    sources: Vec<Source>,
    faults: Faults,
    directory: Option<PathBuf>,
}

impl Sources {
    /// Reads the policy files of a directory, see [`PolicySet::load_dir`]. What is wrong with them is told by [`Sources::check`].
    ///
    /// # Errors
    ///
    /// Where there is no such directory, or it cannot be read.
    pub fn of_dir(directory: &Path, trust: Trust) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        let names = match list(directory, trust, &mut faults) {
            Ok(names) => names,
            Err(error) => {
                faults.push(unreadable(directory, &error));
                return Err(faults);
            }
        };
        let sources = read_all(&names, trust, &mut faults);
        Ok(Self { sources, faults, directory: Some(directory.to_owned()) })
    }

    /// Reads these files, whoever owns them.
    #[must_use]
    pub fn of_files(files: &[PathBuf]) -> Self {
        let mut faults = Faults::default();
        let sources = read_all(files, Trust::Anyone, &mut faults);
        Self { sources, faults, directory: None }
    }

    /// The files that could be read.
    #[must_use]
    pub fn files(&self) -> &[Source] {
        &self.sources
    }

    /// Checks them.
    ///
    /// # Errors
    ///
    /// All errors and warnings of all files, if there is at least one error.
    pub fn check(self) -> Result<Loaded, Faults> {
        PolicySet::check(self.sources, self.faults, self.directory.as_deref())
    }
}

impl PolicySet {
    /// Reads and checks all policies of a directory: the files `*.yaml` whose names do not begin with a dot.
    ///
    /// # Errors
    ///
    /// All errors and warnings of all files, if there is at least one error.
    pub fn load_dir(directory: &Path) -> Result<Loaded, Faults> {
        Self::load_dir_of(directory, Trust::ROOT)
    }

    /// [`PolicySet::load_dir`] with another owner than root.
    ///
    /// # Errors
    ///
    /// All errors and warnings of all files, if there is at least one error.
    pub fn load_dir_of(directory: &Path, trust: Trust) -> Result<Loaded, Faults> {
        Sources::of_dir(directory, trust)?.check()
    }

    /// Reads and checks these files, whoever owns them.
    ///
    /// # Errors
    ///
    /// All errors and warnings of all files, if there is at least one error.
    pub fn load_files(files: &[PathBuf]) -> Result<Loaded, Faults> {
        Sources::of_files(files).check()
    }
}

/// The policy files of a directory, by name.
fn list(directory: &Path, trust: Trust, faults: &mut Faults) -> io::Result<Vec<PathBuf>> {
    let handle =
        rustix::fs::open(directory, OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    faults.extend(faults_of_owner(directory, &rustix::fs::fstat(&handle)?, trust));
    let mut files = Vec::new();
    for entry in rustix::fs::Dir::read_from(&handle)? {
        let entry = entry?;
        let name = Path::new(OsStr::from_bytes(entry.file_name().to_bytes()));
        if name.as_os_str().as_bytes().starts_with(b".") {
            continue;
        }
        match name.extension().map(OsStr::as_bytes) {
            Some(b"yaml") => files.push(directory.join(name)),
            Some(b"yml") => faults.push(ignored(&directory.join(name))),
            _ => {}
        }
    }
    files.sort();
    Ok(files)
}

/// Reads the files that can be read. Of more than a set can have, one more: that is enough to say so.
fn read_all(files: &[PathBuf], trust: Trust, faults: &mut Faults) -> Vec<Source> {
    let mut sources = Vec::new();
    let mut bytes = 0;
    for path in files.iter().take(POLICIES_MAX + 1) {
        // What was read so far is too much already, and the check says so.
        if bytes > SOURCES_BYTES_MAX {
            break;
        }
        match read(path, trust) {
            Ok(source) => {
                bytes += source.text().len();
                sources.push(source);
            }
            Err(found) => faults.extend(found),
        }
    }
    sources
}

fn read(path: &Path, trust: Trust) -> Result<Source, Vec<Fault>> {
    let bytes = open(path, trust)?;
    if bytes.len() > SOURCE_BYTES_MAX {
        return Err(vec![file_too_large(path)]);
    }
    Source::from_bytes(path, bytes).map_err(|fault| vec![*fault])
}

/// The content of a file, up to one byte more than a policy can have.
fn open(path: &Path, trust: Trust) -> Result<Vec<u8>, Vec<Fault>> {
    let cannot = |error: io::Error| vec![unreadable(path, &error)];
    // A pipe without a writer would block the opening, and with it the loader.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let handle = rustix::fs::open(path, flags, Mode::empty()).map_err(|error| cannot(error.into()))?;
    let status = rustix::fs::fstat(&handle).map_err(|error| cannot(error.into()))?;
    if FileType::from_raw_mode(status.st_mode) != FileType::RegularFile {
        return Err(cannot(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file")));
    }
    let distrusted = faults_of_owner(path, &status, trust);
    if !distrusted.is_empty() {
        return Err(distrusted);
    }
    let mut bytes = Vec::new();
    let limit = u64::try_from(SOURCE_BYTES_MAX + 1).unwrap_or(u64::MAX);
    File::from(handle).take(limit).read_to_end(&mut bytes).map_err(cannot)?;
    Ok(bytes)
}

/// What of a file's owner and mode contradicts `trust`.
fn faults_of_owner(path: &Path, status: &rustix::fs::Stat, trust: Trust) -> Vec<Fault> {
    let Trust::Owner { uid } = trust else {
        return Vec::new();
    };
    let shown = printable(&path.to_string_lossy());
    let mut faults = Vec::new();
    if status.st_uid != uid {
        let message = format!("{} belongs to user {}, not to user {uid}", quoted_path(path), status.st_uid);
        faults.push(
            Fault::new(Code::UntrustedFile, Place::file(path), message).help(format!("chown {uid} {shown}")),
        );
    }
    if status.st_mode & WRITE_BY_OTHERS != 0 {
        let message = format!("{} can be written by its group or by others", quoted_path(path));
        faults.push(
            Fault::new(Code::UntrustedFile, Place::file(path), message).help(format!("chmod go-w {shown}")),
        );
    }
    faults
}

fn unreadable(path: &Path, error: &io::Error) -> Fault {
    let help = match error.kind() {
        io::ErrorKind::NotFound => "correct the name, or create it",
        io::ErrorKind::PermissionDenied => "do this as root",
        _ => "a policy is a regular file, and policies are in a directory",
    };
    Fault::new(Code::UnreadableFile, Place::file(path), format!("cannot read {}: {error}", quoted_path(path)))
        .help(help)
}

fn ignored(path: &Path) -> Fault {
    Fault::new(Code::IgnoredFile, Place::file(path), format!("{} is not read", quoted_path(path)))
        .help("let its name end in `.yaml` if it is a policy")
}

#[cfg(test)]
mod tests;
