// SPDX-License-Identifier: MIT OR Apache-2.0
//! A file as the verdict sees it, found on the host.

use crate::files::{Files, NameKind, Resolved};
use sac_abi::decide::{DirectoryLookup, Object, TextLookup};
use sac_abi::rule::InodeId;
use sac_abi::{HashKey, Operation, TextHash};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// A file or directory that no rule can mean, because it is not there.
const NOT_THERE: InodeId = InodeId { dev: u32::MAX, ino: 0, generation: None };

/// The least id of users who are people.
const FIRST_USER: u32 = 1000;
const WRITE_BY_OTHERS: u32 = 0o002;
const WRITE_BY_GROUP: u32 = 0o020;

/// A file, or a place where one could appear.
#[derive(Clone, Debug)]
pub(super) struct Located {
    /// What it is.
    pub(super) inode: InodeId,
    /// Whether it is there.
    pub(super) exists: bool,
    /// Why it is untrusted, if it is; as far as owner and mode tell.
    pub(super) untrusted: Option<String>,
    /// Whether it is a symbolic link that something is done to, of which nothing more is known.
    pub(super) is_link: bool,
    /// Its path without symbolic links.
    pub(super) path: PathBuf,
    /// The directories that it is in, from the nearest up to the root of its file system.
    pub(super) directories: Vec<(PathBuf, InodeId)>,
    key: HashKey,
    next: usize,
}

impl Located {
    /// Looks up a path for an operation.
    pub(super) fn of(files: &impl Files, operation: Operation, path: &Path, key: HashKey) -> Self {
        // These are done to a link, not to what it leads to.
        let to_link = matches!(operation, Operation::Delete | Operation::Rename | Operation::Create);
        let found = files.resolve(path).ok();
        let is_link = to_link && found.as_ref().is_some_and(|found| found.name == NameKind::SymbolicLink);
        let found = found.filter(|_| !is_link);
        let untrusted = found.as_ref().and_then(untrusted);
        let (inode, exists, path) = match found {
            Some(found) => (found.inode, true, found.canonical),
            None => (NOT_THERE, false, future_path(files, path)),
        };
        let directories = directories(files, &path, exists.then_some(inode));
        Self { inode, exists, untrusted, is_link, path, directories, key, next: 0 }
    }

    /// Its own name.
    pub(super) fn own_name(&self) -> &OsStr {
        self.path.file_name().unwrap_or(OsStr::new("/"))
    }

    fn text(&self, text: &OsStr) -> TextLookup {
        TextHash::of_text(self.key, text.as_bytes()).map_or(TextLookup::TooLong, TextLookup::Known)
    }
}

impl Object for Located {
    fn inode(&self) -> InodeId {
        self.inode
    }
    fn path(&mut self) -> TextLookup {
        self.text(self.path.as_os_str())
    }
    fn name(&mut self) -> TextLookup {
        self.text(self.own_name())
    }
    fn parent(&mut self) -> DirectoryLookup {
        self.directories.first().map_or(DirectoryLookup::End, |(_, inode)| DirectoryLookup::Known(*inode))
    }
    fn is_untrusted(&mut self) -> bool {
        self.untrusted.is_some()
    }
    fn next_directory(&mut self) -> DirectoryLookup {
        let directory = self.directories.get(self.next);
        self.next += 1;
        directory.map_or(DirectoryLookup::End, |(_, inode)| DirectoryLookup::Known(*inode))
    }
}

/// Why a program is untrusted, if it is. The kernel half knows more: access control lists, whose groups count, what the file is
/// on, and whether it has a name.
fn untrusted(found: &Resolved) -> Option<String> {
    if found.owner >= FIRST_USER {
        Some(format!("it is owned by the user {}", found.owner))
    } else if found.mode & WRITE_BY_OTHERS != 0 {
        Some("everybody may write it".to_owned())
    } else if found.mode & WRITE_BY_GROUP != 0 && found.group != 0 {
        Some(format!("the group {} may write it", found.group))
    } else {
        None
    }
}

/// The path that a file would have that appeared at `path`: the part that is there without symbolic links, and the rest.
fn future_path(files: &impl Files, path: &Path) -> PathBuf {
    let mut rest = Vec::new();
    for part in path.ancestors() {
        if part != path
            && let Ok(found) = files.resolve(part)
        {
            return rest.iter().rev().fold(found.canonical, |path, name| path.join(name));
        }
        rest.extend(part.file_name());
    }
    path.to_owned()
}

fn directories(files: &impl Files, path: &Path, inode: Option<InodeId>) -> Vec<(PathBuf, InodeId)> {
    let mut below = inode.map(|inode| inode.dev);
    let mut directories = Vec::new();
    for part in path.ancestors().skip(1) {
        let inode = files.resolve(part).map_or(NOT_THERE, |found| found.inode);
        // What was below is the root of a file system: from there the kernel half gets no further.
        if below.is_some_and(|dev| dev != inode.dev) && inode != NOT_THERE {
            break;
        }
        if inode != NOT_THERE {
            below = Some(inode.dev);
        }
        directories.push((part.to_owned(), inode));
    }
    directories
}

/// The interpreter that the first bytes of a script name, and the one argument that can follow it.
pub(super) fn interpreter(head: &[u8]) -> Option<(PathBuf, Option<String>)> {
    let line = head.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
    let line = line.trim_ascii();
    let end = line.iter().position(u8::is_ascii_whitespace).unwrap_or(line.len());
    let (interpreter, argument) = line.split_at_checked(end)?;
    let argument = String::from_utf8_lossy(argument.trim_ascii()).into_owned();
    let path = PathBuf::from(OsStr::from_bytes(interpreter));
    (!interpreter.is_empty()).then_some((path, Some(argument).filter(|argument| !argument.is_empty())))
}
