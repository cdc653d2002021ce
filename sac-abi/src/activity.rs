// SPDX-License-Identifier: MIT OR Apache-2.0
//! Activity: what the kernel half tells of what goes on without being blocked, through a ring buffer of its own.
//!
//! A denial must find room whatever else is going on, so ordinary work is not in the ring buffer of [`crate::event`]. A program that was
//! executed is told of in one of two lengths, because a ring buffer hands out constant ones: [`Room::SMALL`] holds nearly everything,
//! [`Room::LARGE`] whatever there is up to its limits. As with events, strings are the users', and are read through accessors only.

use crate::event::{CALLER_BYTES, Caller, EventPath, Lines, field, string};
use core::mem::offset_of;

/// Version of the records; a loader refuses those of another one.
pub const ACTIVITY_VERSION: u16 = 2;

/// Size of the ring buffer in bytes: room for about 7,000 executions of ordinary length that the loader has not read yet.
pub const ACTIVITY_BYTES: u32 = 1 << 23;

/// What a record tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// A program was executed.
    Executed = 1,
    /// A process ended.
    Ended = 2,
    /// A process forked.
    Forked = 3,
}

/// How each record begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Head {
    /// [`ACTIVITY_VERSION`].
    pub version: u16,
    /// The [`Kind`].
    pub kind: u8,
    /// Of an execution: the verdict's [`crate::Action`].
    pub action: u8,
    /// Of an execution: number of the rule, as in [`crate::Verdict::rule`].
    pub rule: u32,
    /// Time since boot in nanoseconds, suspended time included (`CLOCK_BOOTTIME`).
    pub boot_ns: u64,
    /// Id of the scope's cgroup.
    pub cgroup: u64,
}

impl Head {
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let head = Self {
            version: u16::from_ne_bytes(field(bytes, offset_of!(Self, version))?),
            kind: u8::from_ne_bytes(field(bytes, offset_of!(Self, kind))?),
            action: u8::from_ne_bytes(field(bytes, offset_of!(Self, action))?),
            rule: u32::from_ne_bytes(field(bytes, offset_of!(Self, rule))?),
            boot_ns: u64::from_ne_bytes(field(bytes, offset_of!(Self, boot_ns))?),
            cgroup: u64::from_ne_bytes(field(bytes, offset_of!(Self, cgroup))?),
        };
        (head.version == ACTIVITY_VERSION).then_some(head)
    }
}

/// A process has come to be, by `fork` or what is like it; threads are not told of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Forked {
    /// How it begins.
    pub head: Head,
    /// Process id of the new process.
    pub tgid: u32,
    /// Process id of its parent.
    pub parent_tgid: u32,
    /// Its real user id, in the initial user namespace.
    pub uid: u32,
    /// Unused.
    pub reserved: u32,
    /// Name of the thread that forked.
    pub comm: [u8; 16],
}

/// A process has ended, with all of its threads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Ended {
    /// How it begins.
    pub head: Head,
    /// Process id.
    pub tgid: u32,
    /// Process id of its parent.
    pub parent_tgid: u32,
    /// Its real user id, in the initial user namespace.
    pub uid: u32,
    /// As `wait` gives it to the parent; see [`Ended::code`] and [`Ended::signal`].
    pub status: u32,
    /// For how long it ran, from fork on.
    pub run_time_ns: u64,
    /// Name of the thread that was the last one.
    pub comm: [u8; 16],
}

impl Ended {
    /// Its exit code; `None` where a signal ended it.
    #[must_use]
    pub const fn code(&self) -> Option<u8> {
        let [_, code, ..] = self.status.to_le_bytes();
        if self.signal().is_some() { None } else { Some(code) }
    }

    /// Number of the signal that ended it.
    #[must_use]
    pub const fn signal(&self) -> Option<u8> {
        // The bit above is set where memory was dumped.
        let [status, ..] = self.status.to_le_bytes();
        match status & 0x7f {
            0 => None,
            signal => Some(signal),
        }
    }
}

/// What is told of an execution beside its strings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Execution {
    /// How it begins.
    pub head: Head,
    /// Who executed it. The name of the thread is that before the execution.
    pub caller: Caller,
    /// Inode number of the file.
    pub ino: u64,
    /// Device of the file, as in [`crate::rule::InodeId::dev`].
    pub dev: u32,
    /// Slot of the policy that decided; 0 where it is not known.
    pub slot: u32,
    /// What was read of each string: bytes with the NUL, or a negative error.
    pub path_len: i32,
    /// As above.
    pub typed_len: i32,
    /// As above; 0 where the file is no script's interpreter.
    pub interpreter_len: i32,
    /// As above.
    pub cwd_len: i32,
    /// What was read of the arguments, with their NULs.
    pub arguments_len: u32,
    /// What was read of the environment.
    pub environment_len: u32,
    /// Not 0 where there are more arguments.
    pub arguments_cut: u16,
    /// Not 0 where there is more of the environment, which was asked for.
    pub environment_cut: u16,
    /// How many arguments the program got, its own name included.
    pub argument_count: u32,
    /// How long it took to judge it, in nanoseconds; of a script, it and its interpreter. 0 where nobody has.
    pub judged_ns: u64,
}

/// Room for the strings of an execution, in bytes, in the order in which they stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Arguments. They stand first: the verifier wants more memory behind them than a string can take.
    pub arguments: usize,
    /// The file's path, resolved.
    pub path: usize,
    /// The path as it was given to `execve`.
    pub typed: usize,
    /// What a script's `#!` line names.
    pub interpreter: usize,
    /// The working directory.
    pub cwd: usize,
    /// The environment.
    pub environment: usize,
}

impl Room {
    /// For nearly every execution.
    pub const SMALL: Self =
        Self { arguments: 448, path: 192, typed: 128, interpreter: 64, cwd: 160, environment: 0 };
    /// For all others. The kernel takes no longer paths, and no longer `#!` lines.
    pub const LARGE: Self =
        Self { arguments: 4096, path: 4096, typed: 4096, interpreter: 256, cwd: 4096, environment: 4096 };

    /// Where the path begins, counted from the first string.
    #[must_use]
    pub const fn path_at(&self) -> usize {
        self.arguments
    }

    /// Where the path as it was typed begins.
    #[must_use]
    pub const fn typed_at(&self) -> usize {
        self.path_at() + self.path
    }

    /// Where the interpreter begins.
    #[must_use]
    pub const fn interpreter_at(&self) -> usize {
        self.typed_at() + self.typed
    }

    /// Where the working directory begins.
    #[must_use]
    pub const fn cwd_at(&self) -> usize {
        self.interpreter_at() + self.interpreter
    }

    /// Where the environment begins.
    #[must_use]
    pub const fn environment_at(&self) -> usize {
        self.cwd_at() + self.cwd
    }

    /// All of it.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.environment_at() + self.environment
    }

    /// A whole record.
    #[must_use]
    pub const fn record_bytes(&self) -> usize {
        size_of::<Execution>() + self.bytes()
    }

    /// The room of a record of this length.
    fn of_record(bytes: usize) -> Option<&'static Self> {
        [&Self::SMALL, &Self::LARGE].into_iter().find(|room| room.record_bytes() == bytes)
    }
}

/// A program that was executed.
#[derive(Clone, Copy, Debug)]
pub struct Executed<'a> {
    /// All but the strings.
    pub execution: Execution,
    room: &'static Room,
    texts: &'a [u8],
}

impl<'a> Executed<'a> {
    fn from_bytes(bytes: &'a [u8]) -> Option<Self> {
        let i32_at = |offset| Some(i32::from_ne_bytes(field(bytes, offset)?));
        let u32_at = |offset| Some(u32::from_ne_bytes(field(bytes, offset)?));
        let u16_at = |offset| Some(u16::from_ne_bytes(field(bytes, offset)?));
        let room = Room::of_record(bytes.len())?;
        let execution = Execution {
            head: Head::from_bytes(bytes)?,
            caller: Caller::from_bytes(&field::<CALLER_BYTES>(bytes, offset_of!(Execution, caller))?)?,
            ino: u64::from_ne_bytes(field(bytes, offset_of!(Execution, ino))?),
            dev: u32_at(offset_of!(Execution, dev))?,
            slot: u32_at(offset_of!(Execution, slot))?,
            path_len: i32_at(offset_of!(Execution, path_len))?,
            typed_len: i32_at(offset_of!(Execution, typed_len))?,
            interpreter_len: i32_at(offset_of!(Execution, interpreter_len))?,
            cwd_len: i32_at(offset_of!(Execution, cwd_len))?,
            arguments_len: u32_at(offset_of!(Execution, arguments_len))?,
            environment_len: u32_at(offset_of!(Execution, environment_len))?,
            arguments_cut: u16_at(offset_of!(Execution, arguments_cut))?,
            environment_cut: u16_at(offset_of!(Execution, environment_cut))?,
            argument_count: u32_at(offset_of!(Execution, argument_count))?,
            judged_ns: u64::from_ne_bytes(field(bytes, offset_of!(Execution, judged_ns))?),
        };
        Some(Self { execution, room, texts: bytes.get(size_of::<Execution>()..)? })
    }

    /// The path, resolved by the kernel; of a script its interpreter's.
    #[must_use]
    pub fn path(&self) -> EventPath<'a> {
        self.text(self.room.path_at(), self.room.path, self.execution.path_len)
    }

    /// The path as it was given to `execve`; of a script the script's.
    #[must_use]
    pub fn typed(&self) -> EventPath<'a> {
        self.text(self.room.typed_at(), self.room.typed, self.execution.typed_len)
    }

    /// What a script's `#!` line names; `None` where a program was executed itself.
    #[must_use]
    pub fn interpreter(&self) -> Option<EventPath<'a>> {
        let len = self.execution.interpreter_len;
        (len != 0).then(|| self.text(self.room.interpreter_at(), self.room.interpreter, len))
    }

    /// The working directory, resolved by the kernel.
    #[must_use]
    pub fn cwd(&self) -> EventPath<'a> {
        self.text(self.room.cwd_at(), self.room.cwd, self.execution.cwd_len)
    }

    /// The arguments, the program's own name first. The last one may not be whole, see [`Executed::arguments_are_cut`].
    #[must_use]
    pub fn arguments(&self) -> Lines<'a> {
        let texts = self.texts.get(..self.room.arguments).unwrap_or_default();
        Lines::new(texts, self.execution.arguments_len)
    }

    /// Whether there are more arguments, or the last one is longer.
    #[must_use]
    pub const fn arguments_are_cut(&self) -> bool {
        self.execution.arguments_cut != 0
    }

    /// The environment, where the scope asks for it.
    #[must_use]
    pub fn environment(&self) -> Lines<'a> {
        let texts = self.texts.get(self.room.environment_at()..).unwrap_or_default();
        Lines::new(texts, self.execution.environment_len)
    }

    /// Whether there is more of the environment, which was asked for.
    #[must_use]
    pub const fn environment_is_cut(&self) -> bool {
        self.execution.environment_cut != 0
    }

    fn text(&self, at: usize, room: usize, len: i32) -> EventPath<'a> {
        string(self.texts.get(at..at + room).unwrap_or_default(), len)
    }
}

/// A record of activity.
#[derive(Clone, Copy, Debug)]
pub enum Activity<'a> {
    /// A program was executed.
    Executed(Executed<'a>),
    /// A process ended.
    Ended(Ended),
    /// A process forked.
    Forked(Forked),
}

impl<'a> Activity<'a> {
    /// Reads a record from the ring buffer; `None` where length or version are not ours.
    #[must_use]
    pub fn from_bytes(bytes: &'a [u8]) -> Option<Self> {
        let head = Head::from_bytes(bytes)?;
        let u32_at = |offset| Some(u32::from_ne_bytes(field(bytes, offset)?));
        match head.kind {
            kind if kind == Kind::Executed as u8 => Executed::from_bytes(bytes).map(Self::Executed),
            kind if kind == Kind::Ended as u8 && bytes.len() == size_of::<Ended>() => {
                Some(Self::Ended(Ended {
                    head,
                    tgid: u32_at(offset_of!(Ended, tgid))?,
                    parent_tgid: u32_at(offset_of!(Ended, parent_tgid))?,
                    uid: u32_at(offset_of!(Ended, uid))?,
                    status: u32_at(offset_of!(Ended, status))?,
                    run_time_ns: u64::from_ne_bytes(field(bytes, offset_of!(Ended, run_time_ns))?),
                    comm: field(bytes, offset_of!(Ended, comm))?,
                }))
            }
            kind if kind == Kind::Forked as u8 && bytes.len() == size_of::<Forked>() => {
                Some(Self::Forked(Forked {
                    head,
                    tgid: u32_at(offset_of!(Forked, tgid))?,
                    parent_tgid: u32_at(offset_of!(Forked, parent_tgid))?,
                    uid: u32_at(offset_of!(Forked, uid))?,
                    reserved: 0,
                    comm: field(bytes, offset_of!(Forked, comm))?,
                }))
            }
            _ => None,
        }
    }
}

const _: () = assert!(size_of::<Head>() == 24);
const _: () = assert!(size_of::<Forked>() == 56);
const _: () = assert!(size_of::<Ended>() == 64);
const _: () = assert!(size_of::<Execution>() == 128);
// A ring buffer aligns records to eight bytes, and what is written last must not stand behind the end.
const _: () =
    assert!(Room::SMALL.record_bytes().is_multiple_of(8) && Room::LARGE.record_bytes().is_multiple_of(8));

#[cfg(test)]
mod tests;
