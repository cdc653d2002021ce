// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the compiler asks of a file system.
//!
//! A trait, so that a policy can be compiled against a file system that a test invents, and later against a container's.

#[cfg(test)]
pub(crate) mod fake;
mod host;

pub use host::{FileGeneration, HostFiles};

use sac_abi::rule::InodeId;
use std::io;
use std::path::{Path, PathBuf};

/// A file system in which paths can be looked up.
pub trait Files {
    /// Looks up an absolute path, through symbolic links.
    ///
    /// # Errors
    ///
    /// [`ResolveError`] where there is no file, or it cannot be found out.
    fn resolve(&self, path: &Path) -> Result<Resolved, ResolveError>;

    /// What the root directories of all mounts below a directory are. `directory` is a path without symbolic links.
    ///
    /// Going up from a file the kernel half gets no further than the root of its file system, so a tree that goes on in a mount
    /// has to be known there, too.
    fn mounts_below(&self, directory: &Path) -> Vec<InodeId>;

    /// The first bytes of a regular file, at most [`HEAD_BYTES_MAX`]; `None` where they cannot be read.
    fn head(&self, path: &Path) -> Option<Vec<u8>>;

    /// The SHA-256 of a regular file's content; `None` where it cannot be read, or has more than [`DIGESTED_BYTES_MAX`].
    fn digest(&self, path: &Path) -> Option<[u8; 32]>;
}

/// As much of a file as the kernel looks at to tell a script from a program: `BINPRM_BUF_SIZE` in `include/uapi/linux/binfmts.h`.
pub const HEAD_BYTES_MAX: usize = 256;

/// Of more than that, in bytes, no digest is made: to explain something should take seconds at most.
pub const DIGESTED_BYTES_MAX: u64 = 256 << 20;

/// What stands at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// The file's identity.
    pub inode: InodeId,
    /// Its path without symbolic links, as the kernel half sees it.
    pub canonical: PathBuf,
    /// Whether the path that was asked for is itself a symbolic link; its directories may always be.
    pub name: NameKind,
    /// What the file is.
    pub kind: FileKind,
    /// Permission bits.
    pub mode: u32,
    /// User id of its owner.
    pub owner: u32,
    /// Id of its group.
    pub group: u32,
    /// How many names the file has: its hard links.
    pub names: u32,
}

/// What the last part of a path is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameKind {
    /// The file's own name.
    File,
    /// A symbolic link.
    SymbolicLink,
}

/// What a file is, as far as that matters to whoever wants to execute it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// A regular file.
    Regular,
    /// A directory.
    Directory,
    /// A device, pipe or socket.
    Special,
}

/// Why a path could not be looked up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ResolveError {
    /// Nothing stands there.
    #[error("no such file")]
    NotFound,
    /// The path cannot be opened, for instance because its links go round in a circle.
    #[error("cannot open it")]
    Open(#[source] io::Error),
    /// The file was opened, and its identity cannot be read.
    #[error("cannot read what it is")]
    Identify(#[source] io::Error),
    /// The mount that the file is on is not among this process's mounts, or the kernel is older than 5.8.
    #[error("cannot find the mount that it is on")]
    UnknownMount,
}
