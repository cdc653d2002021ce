// SPDX-License-Identifier: MIT OR Apache-2.0
//! A file system for tests: regular files, directories, hard links, symbolic links at any part of a path.

use super::{FileKind, Files, NameKind, ResolveError, Resolved};
use sac_abi::rule::InodeId;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

/// As many links as the kernel follows, `MAXSYMLINKS`.
const LINKS_FOLLOWED_MAX: usize = 40;

#[derive(Clone, Debug, Default)]
pub(crate) struct FakeFiles {
    files: BTreeMap<PathBuf, (u64, FileKind, u32)>,
    links: BTreeMap<PathBuf, PathBuf>,
}

impl FakeFiles {
    pub(crate) fn program(self, path: &str, ino: u64) -> Self {
        self.file(path, ino, FileKind::Regular, 0o755)
    }

    pub(crate) fn file(mut self, path: &str, ino: u64, kind: FileKind, mode: u32) -> Self {
        self.files.insert(path.into(), (ino, kind, mode));
        self
    }

    pub(crate) fn link(mut self, path: &str, target: &str) -> Self {
        self.links.insert(path.into(), target.into());
        self
    }

    pub(crate) fn inode(ino: u64) -> InodeId {
        InodeId::new(8, 1, ino)
    }

    /// Every path at which a file is, and its inode.
    pub(crate) fn programs(&self) -> impl Iterator<Item = (&Path, InodeId)> {
        self.files.iter().map(|(path, (ino, ..))| (path.as_path(), Self::inode(*ino)))
    }

    fn canonical(&self, path: &Path) -> Result<PathBuf, ResolveError> {
        let mut path = path.to_owned();
        for _ in 0..LINKS_FOLLOWED_MAX {
            let link = path.ancestors().find_map(|part| Some((part, self.links.get(part)?)));
            let Some((part, target)) = link else {
                return Ok(path);
            };
            let rest = path.strip_prefix(part).unwrap();
            path = if rest.as_os_str().is_empty() { target.clone() } else { target.join(rest) };
        }
        Err(ResolveError::Open(io::Error::other("too many symbolic links")))
    }
}

impl Files for FakeFiles {
    fn resolve(&self, path: &Path) -> Result<Resolved, ResolveError> {
        let canonical = self.canonical(path)?;
        let &(ino, kind, mode) = self.files.get(&canonical).ok_or(ResolveError::NotFound)?;
        let name = if self.links.contains_key(path) { NameKind::SymbolicLink } else { NameKind::File };
        Ok(Resolved { inode: Self::inode(ino), canonical, name, kind, mode })
    }
}
