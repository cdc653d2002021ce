// SPDX-License-Identifier: MIT OR Apache-2.0
//! A file system for tests: regular files, directories, mounts, hard links, symbolic links at any part of a path.

use super::{FileKind, Files, HEAD_BYTES_MAX, NameKind, ResolveError, Resolved};
use sac_abi::rule::InodeId;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

/// As many links as the kernel follows, `MAXSYMLINKS`.
const LINKS_FOLLOWED_MAX: usize = 40;

/// Minor number of the device that everything is on that is in no mount.
const ROOT_DEVICE: u32 = 1;

#[derive(Clone, Debug, Default)]
pub(crate) struct FakeFiles {
    files: BTreeMap<PathBuf, (u64, FileKind, u32)>,
    links: BTreeMap<PathBuf, PathBuf>,
    /// Mount points, and the minor number of what is mounted there.
    mounts: BTreeMap<PathBuf, u32>,
    heads: BTreeMap<PathBuf, Vec<u8>>,
    /// The first byte of the digests of those that have one.
    digests: BTreeMap<PathBuf, u8>,
    /// User and group, where they are not root's.
    owners: BTreeMap<PathBuf, (u32, u32)>,
}

impl FakeFiles {
    pub(crate) fn program(self, path: &str, ino: u64) -> Self {
        self.file(path, ino, FileKind::Regular, 0o755)
    }

    pub(crate) fn directory(self, path: &str, ino: u64) -> Self {
        self.file(path, ino, FileKind::Directory, 0o755)
    }

    /// A directory that something with this minor number is mounted on.
    pub(crate) fn mount(mut self, path: &str, ino: u64, minor: u32) -> Self {
        self.mounts.insert(path.into(), minor);
        self.directory(path, ino)
    }

    pub(crate) fn script(mut self, path: &str, ino: u64, head: &str) -> Self {
        self.heads.insert(path.into(), head.into());
        self.program(path, ino)
    }

    pub(crate) fn file(mut self, path: &str, ino: u64, kind: FileKind, mode: u32) -> Self {
        self.files.insert(path.into(), (ino, kind, mode));
        self
    }

    /// A file whose digest is this byte and then zeros.
    pub(crate) fn with_digest(mut self, path: &str, first: u8) -> Self {
        self.digests.insert(path.into(), first);
        self
    }

    pub(crate) fn owner(mut self, path: &str, owner: u32, group: u32) -> Self {
        self.owners.insert(path.into(), (owner, group));
        self
    }

    pub(crate) fn link(mut self, path: &str, target: &str) -> Self {
        self.links.insert(path.into(), target.into());
        self
    }

    pub(crate) fn inode(ino: u64) -> InodeId {
        InodeId::new(8, ROOT_DEVICE, ino)
    }

    /// Every path at which a regular file is, and its inode.
    pub(crate) fn programs(&self) -> impl Iterator<Item = (&Path, InodeId)> {
        let regular = self.files.iter().filter(|(_, (_, kind, _))| *kind == FileKind::Regular);
        regular.map(|(path, (ino, ..))| (path.as_path(), self.inode_at(path, *ino)))
    }

    fn inode_at(&self, path: &Path, ino: u64) -> InodeId {
        let mounted = path.ancestors().find_map(|part| self.mounts.get(part));
        InodeId::new(8, mounted.copied().unwrap_or(ROOT_DEVICE), ino)
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
        let directory = path.parent().map(|directory| self.canonical(directory)).transpose()?;
        let own =
            directory.zip(path.file_name()).map_or(path.to_owned(), |(directory, name)| directory.join(name));
        let name = if self.links.contains_key(&own) { NameKind::SymbolicLink } else { NameKind::File };
        let inode = self.inode_at(&canonical, ino);
        let same = self.files.iter().filter(|(path, (ino, ..))| self.inode_at(path, *ino) == inode);
        let names = u32::try_from(same.count()).unwrap();
        let (owner, group) = self.owners.get(&canonical).copied().unwrap_or((0, 0));
        Ok(Resolved { inode, canonical, name, kind, mode, owner, group, names })
    }

    fn mounts_below(&self, directory: &Path) -> Vec<InodeId> {
        let below = self.mounts.keys().filter(|point| point.starts_with(directory) && *point != directory);
        below.filter_map(|point| Some(self.resolve(point).ok()?.inode)).collect()
    }

    fn head(&self, path: &Path) -> Option<Vec<u8>> {
        let canonical = self.resolve(path).ok()?.canonical;
        let mut head = self.heads.get(&canonical).cloned().unwrap_or_else(|| b"\x7fELF".to_vec());
        head.truncate(HEAD_BYTES_MAX);
        Some(head)
    }

    fn digest(&self, path: &Path) -> Option<[u8; 32]> {
        let mut digest = [0; 32];
        digest[0] = *self.digests.get(&self.resolve(path).ok()?.canonical)?;
        Some(digest)
    }
}
