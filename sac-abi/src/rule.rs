// SPDX-License-Identifier: MIT OR Apache-2.0
//! Compiled rules: the keys and values of a policy's map.
//!
//! One map holds everything about one policy, for each operation: the default ([`RuleKey::policy`]), files by inode, by path
//! and by name, directories, conditions on arguments, grants, and addresses. So a policy is replaced by exchanging one map,
//! and no look-up can see half of the old and half of the new one.

mod operation;
mod shape;

pub use self::{
    operation::{Action, Operation, Operations},
    shape::{AddressBits, Family, Shape},
};
use crate::{
    hash::{TextHash, UNUSED},
    sieve::{Grain, NameStart},
};

/// A file's identity: the device of its superblock, its inode number there, and which file it is that has had that number.
///
/// File systems give the number of a removed file to a new one, at once if need be. Most count a generation with it; where that
/// cannot be found out, the number alone has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
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

/// What a key is about. Where a file can be meant by its generation or without, the second kind is the greater number.
mod kind {
    pub(super) const POLICY: u16 = 1;
    pub(super) const INODE: u16 = 2;
    pub(super) const INODE_ANY_GENERATION: u16 = 3;
    pub(super) const PATH: u16 = 4;
    pub(super) const NAME: u16 = 5;
    pub(super) const DIRECTORY: u16 = 6;
    pub(super) const DIRECTORY_ANY_GENERATION: u16 = 7;
    pub(super) const TREE: u16 = 8;
    pub(super) const TREE_ANY_GENERATION: u16 = 9;
    pub(super) const GRANT: u16 = 10;
    pub(super) const GRANT_ANY_GENERATION: u16 = 11;
    pub(super) const ARGUMENT_AT: u16 = 12;
    pub(super) const ARGUMENT_ANYWHERE: u16 = 13;
    pub(super) const ANY_ARGUMENT_AT: u16 = 14;
    pub(super) const ARGUMENT_COUNT: u16 = 15;
    pub(super) const CONDITION: u16 = 16;
    pub(super) const ADDRESS: u16 = 17;
    pub(super) const SHAPE: u16 = 18;
    pub(super) const ENTRY: u16 = 19;
    pub(super) const ENTRY_ANY_GENERATION: u16 = 20;
    pub(super) const UNTRUSTED: u16 = 21;
    pub(super) const EXECUTABLE_MEMORY: u16 = 22;
    pub(super) const ADMINISTRATION: u16 = 23;
    pub(super) const CONTENT: u16 = 24;
    pub(super) const DIRECTORY_OF_ENTRIES: u16 = 25;
    pub(super) const NAME_OF_PATH: u16 = 26;
}

/// Key of a policy's map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(C)]
pub struct RuleKey {
    kind: u16,
    operation: u16,
    detail: u32,
    low: u64,
    high: u64,
}

impl RuleKey {
    #[inline(always)]
    const fn new(kind: u16, operation: Operation, detail: u32, low: u64, high: u64) -> Self {
        Self { kind, operation: operation as u16, detail, low, high }
    }

    /// The policy itself, for one operation: its value is made by [`RuleValue::policy`].
    #[must_use]
    #[inline(always)]
    pub const fn policy(operation: Operation) -> Self {
        Self::new(kind::POLICY, operation, 0, UNUSED, UNUSED)
    }

    /// A file of one of two kinds: that very file, or without a generation whichever has the number.
    #[inline(always)]
    const fn file(exact: u16, any_generation: u16, operation: Operation, inode: InodeId) -> Self {
        match inode.generation {
            Some(generation) => Self::new(exact, operation, generation, inode.dev as u64, inode.ino),
            None => Self::new(any_generation, operation, 0, inode.dev as u64, inode.ino),
        }
    }

    /// A file by its inode.
    #[must_use]
    #[inline(always)]
    pub const fn inode(operation: Operation, inode: InodeId) -> Self {
        Self::file(kind::INODE, kind::INODE_ANY_GENERATION, operation, inode)
    }

    /// A file by its path.
    #[must_use]
    #[inline(always)]
    pub const fn path(operation: Operation, path: TextHash) -> Self {
        Self::new(kind::PATH, operation, 0, path.low, path.high)
    }

    /// A file by the last part of its path.
    #[must_use]
    #[inline(always)]
    pub const fn name(operation: Operation, name: TextHash) -> Self {
        Self::new(kind::NAME, operation, 0, name.low, name.high)
    }

    /// What is directly in a directory.
    #[must_use]
    #[inline(always)]
    pub const fn directory(operation: Operation, directory: InodeId) -> Self {
        Self::file(kind::DIRECTORY, kind::DIRECTORY_ANY_GENERATION, operation, directory)
    }

    /// What is in a directory or anywhere below it.
    #[must_use]
    #[inline(always)]
    pub const fn tree(operation: Operation, directory: InodeId) -> Self {
        Self::file(kind::TREE, kind::TREE_ANY_GENERATION, operation, directory)
    }

    /// Whatever has a name in a directory: a path, without the way to it. The hash is keyed, so nobody can find a name for
    /// one directory that would pass for another name in another one.
    #[must_use]
    #[inline(always)]
    pub const fn entry(operation: Operation, directory: InodeId, name: TextHash) -> Self {
        let place = Self::file(kind::ENTRY, kind::ENTRY_ANY_GENERATION, operation, directory);
        Self { low: place.low ^ name.low, high: place.high ^ name.high, ..place }
    }

    /// A directory that there are entries of. Nobody looks it up: it is there for [`crate::sieve`], because an entry's own key does not tell its
    /// directory.
    #[must_use]
    pub const fn directory_of_entries(operation: Operation, directory: InodeId) -> Self {
        Self::new(kind::DIRECTORY_OF_ENTRIES, operation, 0, directory.dev as u64, directory.ino)
    }

    /// How the name begins that a path ends with which there is a key for. Nobody looks it up: it is there for [`crate::sieve`], because a
    /// path's own key does not tell its name.
    #[must_use]
    pub const fn name_of_path(operation: Operation, name: NameStart) -> Self {
        let (low, high) = name.to_words();
        Self::new(kind::NAME_OF_PATH, operation, 0, low, high)
    }

    /// What has to be in [`crate::sieve`] for this key, if anything.
    #[must_use]
    pub const fn sifted(&self) -> Option<Grain> {
        const EXECUTE: u16 = Operation::Execute as u16;
        const READ: u16 = Operation::Read as u16;
        const WRITE: u16 = Operation::Write as u16;
        match (self.operation, self.kind) {
            (EXECUTE, kind::NAME_OF_PATH) => Some(Grain::of_name(NameStart::from_words(self.low, self.high))),
            (EXECUTE, kind::INODE | kind::INODE_ANY_GENERATION)
            | (
                READ | WRITE,
                kind::INODE
                | kind::INODE_ANY_GENERATION
                | kind::DIRECTORY
                | kind::DIRECTORY_ANY_GENERATION
                | kind::DIRECTORY_OF_ENTRIES,
            ) => Some(Grain::of_inode(self.high)),
            _ => None,
        }
    }

    /// Programs of which it is not certain that an administrator put them there; see [`crate::Object::is_untrusted`].
    #[must_use]
    #[inline(always)]
    pub const fn untrusted() -> Self {
        Self::new(kind::UNTRUSTED, Operation::Execute, 0, UNUSED, UNUSED)
    }

    /// What only root can do that would free a session of its policy.
    #[must_use]
    #[inline(always)]
    pub const fn administration() -> Self {
        Self::new(kind::ADMINISTRATION, Operation::Administer, 0, UNUSED, UNUSED)
    }

    /// A program by the first half of the SHA-256 of its content. Only rules that deny have such keys, so half of it is enough: it takes
    /// 2^64 attempts to find two contents that agree in it, and both would be denied.
    #[must_use]
    #[inline(always)]
    pub const fn content(first: u64, second: u64) -> Self {
        Self::new(kind::CONTENT, Operation::Execute, 0, first, second)
    }

    /// Memory that is executable and comes from no file.
    #[must_use]
    #[inline(always)]
    pub const fn executable_memory() -> Self {
        Self::new(kind::EXECUTABLE_MEMORY, Operation::Execute, 0, UNUSED, UNUSED)
    }

    /// A file that somebody may execute for a while, whatever the rules say; its value is made by [`RuleValue::grant`].
    #[must_use]
    #[inline(always)]
    pub const fn grant(inode: InodeId) -> Self {
        Self::file(kind::GRANT, kind::GRANT_ANY_GENERATION, Operation::Execute, inode)
    }

    #[inline(always)]
    const fn of_group(kind: u16, group: u32, index: u32, text: TextHash) -> Self {
        Self::new(kind, Operation::Execute, group << 8 | index & 0xff, text.low, text.high)
    }

    /// The conditions of a group that want this argument at `position`, from 1; the value is a bit for each.
    #[must_use]
    #[inline(always)]
    pub const fn argument_at(group: u32, position: u32, argument: TextHash) -> Self {
        Self::of_group(kind::ARGUMENT_AT, group, position, argument)
    }

    /// The conditions of a group that want this argument anywhere; the value is a bit for each.
    #[must_use]
    #[inline(always)]
    pub const fn argument_anywhere(group: u32, argument: TextHash) -> Self {
        Self::of_group(kind::ARGUMENT_ANYWHERE, group, 0, argument)
    }

    /// The conditions of a group that take any argument at `position`; the value is a bit for each.
    #[must_use]
    #[inline(always)]
    pub const fn any_argument_at(group: u32, position: u32) -> Self {
        Self::of_group(kind::ANY_ARGUMENT_AT, group, position, TextHash::NONE)
    }

    /// The conditions of a group that take `count` arguments, the program's name not counted; the value is a bit for each.
    #[must_use]
    #[inline(always)]
    pub const fn argument_count(group: u32, count: u32) -> Self {
        Self::of_group(kind::ARGUMENT_COUNT, group, count, TextHash::NONE)
    }

    /// One condition of a group: its value is a rule's.
    #[must_use]
    #[inline(always)]
    pub const fn condition(group: u32, index: u32) -> Self {
        Self::of_group(kind::CONDITION, group, index, TextHash::NONE)
    }

    /// Addresses and ports of one shape: `address` and `port` are masked by it.
    #[must_use]
    #[inline(always)]
    pub const fn address(shape: Shape, address: AddressBits, port: u16) -> Self {
        let detail = shape.masked_port(port) as u32 | shape.to_bits() << 16;
        let (high, low) = shape.masked_address(address);
        Self::new(kind::ADDRESS, Operation::Connect, detail, high, low)
    }

    /// The `index`th shape in use; its value is made by [`Shape::to_bits`], and 0 is none.
    #[must_use]
    #[inline(always)]
    pub const fn shape(index: u32) -> Self {
        Self::new(kind::SHAPE, Operation::Connect, index, UNUSED, UNUSED)
    }
}

/// What is in a policy for one operation, so that nothing is looked up that cannot be there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Contents(u32);

impl Contents {
    /// Nothing but the default and inodes.
    pub const NONE: Self = Self(0);
    /// At least one path.
    pub const PATHS: Self = Self(1);
    /// At least one name.
    pub const NAMES: Self = Self(2);
    /// At least one directory.
    pub const DIRECTORIES: Self = Self(4);
    /// At least one tree.
    pub const TREES: Self = Self(8);
    /// At least one directory whose generation is not known, be it as such, as a tree, or as the place of a name.
    pub const NUMBERED_DIRECTORIES: Self = Self(16);
    /// At least one grant.
    pub const GRANTS: Self = Self(32);
    /// At least one condition on arguments.
    pub const ARGUMENTS: Self = Self(64);
    /// Nothing is blocked in this policy: what cannot be told is let through and recorded, too.
    pub const AUDITED: Self = Self(128);
    /// At least one name in a directory.
    pub const ENTRIES: Self = Self(256);
    /// A rule for untrusted programs.
    pub const UNTRUSTED: Self = Self(1024);
    /// A rule for executable memory that comes from no file.
    pub const EXECUTABLE_MEMORY: Self = Self(2048);
    /// At least one program by its content.
    pub const CONTENTS: Self = Self(4096);
    /// At least one rule, of whatever kind.
    pub const RULES: Self = Self(512);

    /// Both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether any of `these` is there.
    #[must_use]
    #[inline(always)]
    pub const fn has(self, these: Self) -> bool {
        self.0 & these.0 != 0
    }

    /// Whether [`crate::sieve`] holds all that there is about an operation, so that it can tell whether there is anything about a file.
    #[must_use]
    pub const fn is_sifted(self, operation: Operation) -> bool {
        let by_file = Self::RULES.and(Self::AUDITED);
        let all = match operation {
            Operation::Execute => {
                // The last two have hooks, or rules, of their own.
                by_file.and(Self::PATHS).and(Self::ARGUMENTS).and(Self::CONTENTS).and(Self::EXECUTABLE_MEMORY)
            }
            Operation::Read | Operation::Write => {
                by_file.and(Self::ENTRIES).and(Self::DIRECTORIES).and(Self::NUMBERED_DIRECTORIES)
            }
            _ => Self::NONE,
        };
        self.0 & !all.0 == 0
    }
}

/// Value of a policy's map; there as the number that [`RuleValue::to_bits`] gives. The values of argument keys are plain
/// bit sets instead.
///
/// A number, because a kernel before 6.2 exchanges a policy's map only for one whose value has the same BTF kind, and
/// maps that user space makes have no BTF: it takes an integer for none, but not a struct.
///
/// ```text
/// bits 0–23 rule number | 24–27 action, 0 for none | 28 overrides | 32–63 contents, group of conditions, or end of a grant
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RuleValue(u64);

impl RuleValue {
    /// No rule.
    pub const NONE: Self = Self(0);

    /// Greatest rule number.
    pub const RULE_MAX: u32 = (1 << 24) - 1;

    const OVERRIDES: u64 = 1 << 28;

    #[inline(always)]
    const fn new(rule: u32, action: u8, extra: u32) -> Self {
        Self((rule & Self::RULE_MAX) as u64 | (action as u64 & 0xf) << 24 | (extra as u64) << 32)
    }

    /// The value as it stands in the map.
    #[must_use]
    #[inline(always)]
    pub const fn to_bits(self) -> u64 {
        self.0
    }

    /// The value that stands in the map as `bits`.
    #[must_use]
    #[inline(always)]
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// A rule's value.
    #[must_use]
    pub const fn rule(rule: u32, action: Action) -> Self {
        Self::new(rule, action as u8, 0)
    }

    /// The value of [`RuleKey::policy`].
    #[must_use]
    pub const fn policy(default: Action, contents: Contents) -> Self {
        Self::new(0, default as u8, contents.0)
    }

    /// The value of [`RuleKey::grant`]: it holds before `until_boot_s`, in seconds of `CLOCK_BOOTTIME`.
    #[must_use]
    pub const fn grant(number: u32, until_boot_s: u32) -> Self {
        Self::new(number, Action::Allow as u8, until_boot_s)
    }

    /// A file that no rule names as such, for which there are conditions.
    #[must_use]
    pub const fn only_conditions(group: u32) -> Self {
        Self::new(0, 0, group)
    }

    /// The same rule, coming before rules that deny.
    #[must_use]
    pub const fn overriding(self) -> Self {
        Self(self.0 | Self::OVERRIDES)
    }

    /// The same rule for a file that there are also conditions for.
    #[must_use]
    pub const fn with_conditions(self, group: u32) -> Self {
        Self(self.0 & u32::MAX as u64 | (group as u64) << 32)
    }

    /// Number of the rule in its policy, from 1; 0 stands for the policy's default.
    #[must_use]
    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "the lower half is meant")]
    pub const fn number(self) -> u32 {
        self.0 as u32 & Self::RULE_MAX
    }

    /// Whether there is a rule: [`RuleValue::action`] means nothing without one.
    #[must_use]
    #[inline(always)]
    pub const fn is_some(self) -> bool {
        self.action_byte() != 0
    }

    /// What the rule does.
    #[must_use]
    #[inline(always)]
    pub const fn action(self) -> Action {
        Action::from_byte(self.action_byte())
    }

    /// The action as a number: greater is stricter, and 0 is none.
    #[must_use]
    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "what is cut off is masked anyway")]
    pub const fn action_byte(self) -> u8 {
        (self.0 >> 24) as u8 & 0xf
    }

    /// Whether the rule comes before rules that deny.
    #[must_use]
    #[inline(always)]
    pub const fn overrides(self) -> bool {
        self.0 & Self::OVERRIDES != 0
    }

    /// Of the value of [`RuleKey::policy`]: what the policy has.
    #[must_use]
    #[inline(always)]
    pub const fn contents(self) -> Contents {
        Contents(self.extra())
    }

    /// The group of conditions that there is for the file; 0 for none.
    #[must_use]
    #[inline(always)]
    pub const fn group(self) -> u32 {
        self.extra()
    }

    /// Of a grant: when it ends, in seconds of `CLOCK_BOOTTIME`.
    #[must_use]
    #[inline(always)]
    pub const fn until_boot_s(self) -> u32 {
        self.extra()
    }

    #[inline(always)]
    const fn extra(self) -> u32 {
        (self.0 >> 32) as u32
    }
}

const _: () = assert!(size_of::<RuleKey>() == 24 && align_of::<RuleKey>() == 8);

#[cfg(test)]
mod tests;
