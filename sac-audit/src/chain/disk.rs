// SPDX-License-Identifier: MIT OR Apache-2.0
//! The directory and its files: made with the right permissions, locked against a second writer, and never through a link.

use rustix::fs::{AtFlags, FileType, Mode, OFlags};
use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, fchown};
use std::path::{Path, PathBuf};

const DIRECTORY_MODE: Mode = Mode::from_raw_mode(0o750);
const FILE_MODE: Mode = Mode::from_raw_mode(0o640);
const WRITABLE_FOR_OTHERS: u32 = 0o022;

/// Something that could not be done with a file or the directory.
#[derive(Debug, thiserror::Error)]
#[error("cannot {operation} {}: {source}", path.display())]
pub(super) struct DiskError {
    pub(super) operation: &'static str,
    pub(super) path: PathBuf,
    pub(super) source: io::Error,
}

/// Opens a regular file to be read: no link, and nothing that reacts to being opened.
pub(super) fn open_to_read(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty())?);
    let kind = FileType::from_raw_mode(rustix::fs::fstat(&file)?.st_mode);
    if kind != FileType::RegularFile {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
    }
    Ok(file)
}

/// The directory, with the lock on it.
#[derive(Debug)]
pub(super) struct Directory {
    handle: File,
    path: PathBuf,
    group: Option<u32>,
}

impl Directory {
    /// Opens it, and makes it first where it is missing.
    pub(super) fn open(path: &Path, group: Option<u32>) -> Result<Self, DiskError> {
        let fault = |operation| move |source| DiskError { operation, path: path.to_owned(), source };
        let is_new = match rustix::fs::mkdir(path, DIRECTORY_MODE) {
            Ok(()) => true,
            Err(rustix::io::Errno::EXIST) => false,
            Err(errno) => return Err(fault("make the directory")(errno.into())),
        };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let handle = rustix::fs::open(path, flags, Mode::empty())
            .map_err(|errno| fault("open the directory")(errno.into()))?;
        let handle = File::from(handle);
        if is_new {
            // Whatever the umask is.
            let errno = |errno: rustix::io::Errno| fault("set the permissions of")(errno.into());
            rustix::fs::fchmod(&handle, DIRECTORY_MODE).map_err(errno)?;
        }
        check_owner(&handle).map_err(fault("trust the directory"))?;
        let directory = Self { handle, path: path.to_owned(), group };
        directory.give_to_group(&directory.handle).map_err(fault("give the group"))?;
        directory.handle.try_lock().map_err(|error| fault("lock")(error.into()))?;
        directory.give_files_to_group()?;
        Ok(directory)
    }

    /// The same for the record's files that are there: the group may be new, and systemd gives a directory of logs that is not the
    /// service's own group's back to root, with all that is in it, whenever the service starts.
    fn give_files_to_group(&self) -> Result<(), DiskError> {
        let fault = |path: &Path| {
            let path = path.to_owned();
            move |source| DiskError { operation: "give the group", path, source }
        };
        for file in super::list(&self.path).map_err(fault(&self.path))? {
            let given = open_to_read(&file.path).and_then(|opened| self.give_to_group(&opened));
            given.map_err(fault(&file.path))?;
        }
        Ok(())
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes a file that is not there yet, to be appended to.
    pub(super) fn create(&self, name: &str) -> Result<File, DiskError> {
        let file = self.open_with(name, OFlags::CREATE | OFlags::EXCL, "make")?;
        self.settle(&file).map_err(|source| self.error("set the permissions of", name, source))?;
        Ok(file)
    }

    /// Opens a file that is there, to be appended to.
    pub(super) fn append(&self, name: &str) -> Result<File, DiskError> {
        self.open_with(name, OFlags::empty(), "open")
    }

    /// Adds to a file, which is made where it is missing, and brings it to the disk.
    pub(super) fn add(&self, name: &str, bytes: &[u8]) -> Result<(), DiskError> {
        let mut file = self.open_with(name, OFlags::CREATE, "make")?;
        let write = |file: &mut File| {
            self.settle(file)?;
            file.write_all(bytes)?;
            file.sync_data()
        };
        write(&mut file).map_err(|source| self.error("write", name, source))?;
        self.synchronise()
    }

    /// Writes a file anew, as a whole or not at all. It is not brought to the disk: for what can be made again.
    pub(super) fn replace(&self, name: &str, bytes: &[u8]) -> Result<(), DiskError> {
        let temporary = format!("{name}.new");
        self.remove(&temporary)?;
        let mut file = self.create(&temporary)?;
        let written = file.write_all(bytes);
        written.map_err(|source| self.error("write", &temporary, source))?;
        rustix::fs::renameat(&self.handle, &temporary, &self.handle, name)
            .map_err(|errno| self.error("rename", &temporary, errno.into()))
    }

    /// Removes a file, which need not be there.
    pub(super) fn remove(&self, name: &str) -> Result<(), DiskError> {
        match rustix::fs::unlinkat(&self.handle, name, AtFlags::empty()) {
            Ok(()) | Err(rustix::io::Errno::NOENT) => Ok(()),
            Err(errno) => Err(self.error("remove", name, errno.into())),
        }
    }

    /// Brings names to the disk.
    pub(super) fn synchronise(&self) -> Result<(), DiskError> {
        self.handle.sync_all().map_err(|source| self.error("synchronise", "", source))
    }

    pub(super) fn error(&self, operation: &'static str, name: &str, source: io::Error) -> DiskError {
        DiskError { operation, path: self.path.join(name), source }
    }

    fn open_with(&self, name: &str, flags: OFlags, operation: &'static str) -> Result<File, DiskError> {
        let flags = flags | OFlags::WRONLY | OFlags::APPEND | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        rustix::fs::openat(&self.handle, name, flags, FILE_MODE)
            .map(File::from)
            .map_err(|errno| self.error(operation, name, errno.into()))
    }

    /// Mode and group, whatever the umask is.
    fn settle(&self, file: &File) -> io::Result<()> {
        rustix::fs::fchmod(file, FILE_MODE)?;
        self.give_to_group(file)
    }

    fn give_to_group(&self, file: &File) -> io::Result<()> {
        match self.group {
            Some(group) if file.metadata()?.gid() != group => fchown(file, None, Some(group)),
            _ => Ok(()),
        }
    }
}

/// Whoever may write in the directory may put another record into the place of this one.
fn check_owner(handle: &File) -> io::Result<()> {
    let status = handle.metadata()?;
    let denied = |why| Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
    if status.uid() != 0 && status.uid() != rustix::process::geteuid().as_raw() {
        return denied("it is neither root's nor the writer's own: change its owner");
    }
    if status.mode() & WRITABLE_FOR_OTHERS != 0 {
        return denied("others than its owner may write to it: `chmod go-w` it");
    }
    Ok(())
}
