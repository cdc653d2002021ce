// SPDX-License-Identifier: MIT OR Apache-2.0
//! What somebody wants to do, and what happens to it.

/// What somebody wants to do. A rule holds for one of these; a policy's map has a default for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u16)]
pub enum Operation {
    /// Execute a file.
    Execute = 1,
    /// Remove a name: unlink, rmdir, or rename over it.
    Delete = 2,
    /// Rename or move.
    Rename = 3,
    /// Open for writing, or truncate.
    Write = 4,
    /// Create a file, directory, link or node.
    Create = 5,
    /// Open for reading.
    Read = 6,
    /// Connect to an address.
    Connect = 7,
    /// As root, take hold of the kernel, of other people's programs, or of what enforces policies. See [`Act`](crate::event::Act).
    Administer = 8,
}

impl Operation {
    /// Every operation.
    pub const ALL: [Self; 8] = [
        Self::Execute,
        Self::Delete,
        Self::Rename,
        Self::Write,
        Self::Create,
        Self::Read,
        Self::Connect,
        Self::Administer,
    ];

    /// The word that policies and records use for this operation.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Execute => "execute",
            Self::Delete => "delete",
            Self::Rename => "rename",
            Self::Write => "write",
            Self::Create => "create",
            Self::Read => "read",
            Self::Connect => "connect",
            Self::Administer => "administer",
        }
    }

    /// The operation with this number.
    #[must_use]
    pub const fn from_number(number: u16) -> Option<Self> {
        match number {
            1 => Some(Self::Execute),
            2 => Some(Self::Delete),
            3 => Some(Self::Rename),
            4 => Some(Self::Write),
            5 => Some(Self::Create),
            6 => Some(Self::Read),
            7 => Some(Self::Connect),
            8 => Some(Self::Administer),
            _ => None,
        }
    }

    /// What this amounts to, itself first: all of it must be allowed. What is moved away can be read and written
    /// where the rules for its old place do not reach, and is no longer there.
    #[must_use]
    pub const fn implied(self) -> &'static [Self] {
        match self {
            Self::Execute => &[Self::Execute],
            Self::Delete => &[Self::Delete],
            Self::Rename => &[Self::Rename, Self::Delete, Self::Write, Self::Read],
            Self::Write => &[Self::Write],
            Self::Create => &[Self::Create],
            Self::Read => &[Self::Read],
            Self::Connect => &[Self::Connect],
            Self::Administer => &[Self::Administer],
        }
    }
}

/// A set of operations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(transparent)]
pub struct Operations(u16);

impl Operations {
    /// None.
    pub const NONE: Self = Self(0);
    /// All of them.
    pub const ALL: Self = Self(u16::MAX);

    /// These and one more.
    #[must_use]
    #[inline(always)]
    pub const fn with(self, operation: Operation) -> Self {
        Self(self.0 | 1 << operation as u16)
    }

    /// Both.
    #[must_use]
    #[inline(always)]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether any of `these` is among them.
    #[must_use]
    #[inline(always)]
    pub const fn has_any(self, these: Self) -> bool {
        self.0 & these.0 != 0
    }

    /// Whether all of `these` are among them.
    #[must_use]
    #[inline(always)]
    pub const fn has_all(self, these: Self) -> bool {
        self.0 & these.0 == these.0
    }

    /// What is among both.
    #[must_use]
    #[inline(always)]
    pub const fn in_common(self, with: Self) -> Self {
        Self(self.0 & with.0)
    }
}

/// What happens to an operation. A greater value is the stricter one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Action {
    /// The operation goes on.
    Allow = 1,
    /// The operation goes on, and is recorded as one that would have been blocked.
    Audit = 2,
    /// The operation fails with `EACCES`.
    Deny = 3,
    /// The operation fails, and the process that asked for it gets `SIGKILL`.
    Kill = 4,
}

impl Action {
    /// Reads an action from its byte; a byte that is none means [`Action::Deny`], because a damaged rule must not allow.
    #[must_use]
    #[inline(always)]
    pub const fn from_byte(byte: u8) -> Self {
        match byte {
            1 => Self::Allow,
            2 => Self::Audit,
            4 => Self::Kill,
            _ => Self::Deny,
        }
    }

    /// Whether the operation fails.
    #[must_use]
    #[inline(always)]
    pub const fn blocks(self) -> bool {
        matches!(self, Self::Deny | Self::Kill)
    }

    /// The word that policies and records use for this action.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Audit => "audit",
            Self::Deny => "deny",
            Self::Kill => "kill",
        }
    }
}
