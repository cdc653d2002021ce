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
}

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
