// SPDX-License-Identifier: MIT OR Apache-2.0
//! Compiled rules: the keys and values of a policy's map.
//!
//! One map holds everything about one policy: its default ([`RuleKey::POLICY`]), files by inode and files by path. So a
//! policy is replaced by exchanging one map, and no lookup can see half of the old and half of the new one.

/// Longest path, in bytes without the terminating NUL, that a path rule can name.
///
/// The kernel half resolves the path into a buffer on its 512-byte stack: per-CPU scratch memory would be shared with
/// another task that preempts it there, which could then exchange the path under judgement.
pub const PATH_BYTES_MAX: usize = 255;

/// Size of the buffer that receives a path: [`PATH_BYTES_MAX`] and its NUL.
pub const PATH_BUFFER_BYTES: usize = PATH_BYTES_MAX + 1;

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

/// A file's identity: the device of its superblock, its inode number there, and which file it is that has had that number.
///
/// File systems give the number of a removed file to a new one, at once if need be. Most count a generation with it; where that
/// cannot be found out, the number alone has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct InodeId {
    /// Device number as the kernel keeps it in `super_block.s_dev`: 12 bits major, 20 bits minor.
    pub dev: u32,
    /// Inode number, `inode.i_ino`.
    pub ino: u64,
    /// `inode.i_generation`. The kernel always knows it, user space only on file systems that tell
    /// (`FS_IOC_GETVERSION`: ext4, xfs, btrfs, f2fs).
    pub generation: Option<u32>,
}

impl InodeId {
    /// Builds the identity from the major and minor numbers that `/proc/self/mountinfo` shows, for a file of any generation.
    #[must_use]
    pub const fn new(major: u32, minor: u32, ino: u64) -> Self {
        Self { dev: major << 20 | minor & 0xf_ffff, ino, generation: None }
    }

    /// The same number, whichever file has it.
    #[must_use]
    pub const fn of_any_generation(self) -> Self {
        Self { generation: None, ..self }
    }
}

/// A path, as 128 bits of hash.
///
/// Path rules only ever restrict, so a collision could at worst block a program that its owner named on purpose to
/// collide; it can never let one through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PathHash {
    low: u64,
    high: u64,
}

impl PathHash {
    /// Hashes the bytes of `buffer` up to its first NUL.
    ///
    /// FNV-1a, and beside it a second lane with another prime: eight instructions a byte, which the verifier follows
    /// without help.
    #[must_use]
    pub fn of_buffer(buffer: &[u8; PATH_BUFFER_BYTES]) -> Self {
        let mut hash = Self { low: 0xcbf2_9ce4_8422_2325, high: 0x6c62_272e_07bb_0142 };
        for &byte in buffer {
            if byte == 0 {
                break;
            }
            hash.low = (hash.low ^ byte as u64).wrapping_mul(0x0000_0100_0000_01b3);
            hash.high = (hash.high ^ byte as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23);
        }
        hash
    }

    /// Hashes a whole path; `None` where it is longer than [`PATH_BYTES_MAX`] or holds a NUL.
    #[must_use]
    pub fn of_path(path: &[u8]) -> Option<Self> {
        let mut buffer = [0; PATH_BUFFER_BYTES];
        buffer.get_mut(..PATH_BYTES_MAX)?.get_mut(..path.len())?.copy_from_slice(path);
        (!path.contains(&0)).then(|| Self::of_buffer(&buffer))
    }
}

/// Key of a policy's map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(C)]
pub struct RuleKey {
    kind: u32,
    reserved: u32,
    low: u64,
    high: u64,
}

impl RuleKey {
    /// The policy itself: its value holds the default action.
    pub const POLICY: Self = Self { kind: 1, reserved: 0, low: 0, high: 0 };

    /// A file by its inode: that very file, or without a generation whichever has the number.
    #[must_use]
    pub const fn inode(inode: InodeId) -> Self {
        match inode.generation {
            Some(generation) => Self {
                kind: 2,
                reserved: 0,
                low: inode.dev as u64 | (generation as u64) << 32,
                high: inode.ino,
            },
            None => Self { kind: 4, reserved: 0, low: inode.dev as u64, high: inode.ino },
        }
    }

    /// A file by its path.
    #[must_use]
    pub const fn path(path: PathHash) -> Self {
        Self { kind: 3, reserved: 0, low: path.low, high: path.high }
    }
}

/// Value of a policy's map; there as the number that [`RuleValue::to_bits`] gives.
///
/// A number, because a kernel before 6.2 exchanges a policy's map only for one whose value has the same BTF kind, and
/// maps that user space makes have no BTF: it takes an integer for none, but not a struct.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RuleValue {
    /// Number of the rule in its policy, from 1; 0 stands for the policy's default.
    pub rule: u32,
    action: u8,
    /// 1 where the policy has path rules; only in the value of [`RuleKey::POLICY`].
    path_rules: u8,
}

impl RuleValue {
    /// The value as it stands in the map.
    #[must_use]
    pub const fn to_bits(self) -> u64 {
        self.rule as u64 | (self.action as u64) << 32 | (self.path_rules as u64) << 40
    }

    /// The value that stands in the map as `bits`.
    #[must_use]
    pub const fn from_bits(bits: u64) -> Self {
        let [a, b, c, d, action, path_rules, _, _] = bits.to_le_bytes();
        Self { rule: u32::from_le_bytes([a, b, c, d]), action, path_rules }
    }

    /// A rule's value.
    #[must_use]
    pub const fn rule(rule: u32, action: Action) -> Self {
        Self { rule, action: action as u8, path_rules: 0 }
    }

    /// The value of [`RuleKey::POLICY`]. Without path rules the kernel half need not resolve paths.
    #[must_use]
    pub const fn policy(default: Action, path_rules: PathRules) -> Self {
        Self { rule: 0, action: default as u8, path_rules: path_rules as u8 }
    }

    /// What the rule does.
    #[must_use]
    pub const fn action(&self) -> Action {
        Action::from_byte(self.action)
    }

    /// Whether the policy has path rules.
    #[must_use]
    pub const fn has_path_rules(&self) -> bool {
        self.path_rules != PathRules::None as u8
    }
}

/// Whether a policy has path rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum PathRules {
    /// No rule names a path.
    None = 0,
    /// At least one rule does.
    Some = 1,
}

const _: () = assert!(size_of::<RuleKey>() == 24 && align_of::<RuleKey>() == 8);

#[cfg(test)]
mod tests;
