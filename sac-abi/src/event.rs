// SPDX-License-Identifier: MIT OR Apache-2.0
//! Events: what the kernel half tells the loader through the ring buffer.
//!
//! The kernel writes these records and nobody else can, but the strings in them are the users'. So a record is read with
//! [`Event::from_bytes`], which checks length and version, and strings only through accessors that stop at their NUL.

use crate::rule::Operation;
use core::mem::offset_of;
use core::net::{IpAddr, SocketAddr};

/// Version of the records; a loader refuses those of another one.
pub const EVENT_VERSION: u16 = 3;

/// Room for each string in an event, in bytes, with its NUL; longer ones are cut and marked so.
pub const EVENT_PATH_BYTES: usize = 1024;

/// Room for the arguments in an event, in bytes, with their NULs.
pub const EVENT_ARGUMENT_BYTES: usize = 4096;

/// Size of the ring buffer in bytes: room for about 560 events that the loader has not read yet.
pub const EVENTS_BYTES: u32 = 1 << 22;

/// What the event's last string holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Form {
    /// A path, resolved by the kernel.
    Path = 1,
    /// Names, each with its NUL: the file's own, then that of the directory that it is in, and so on up to the root of its file
    /// system, which has none.
    Names = 2,
    /// Nothing beside what [`Event::act`] says.
    Act = 4,
    /// An address: 16 bytes of IPv6, in which an IPv4 address is mapped, and the port in the machine's byte order.
    Address = 3,
}

/// What root has tried that could free a session of its policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Act {
    /// Load or look at BPF programs and maps.
    Bpf = 1,
    /// Put a module, another kernel or firmware into the kernel.
    LoadIntoKernel = 2,
    /// Reach into the kernel's or the machine's memory and devices: what lockdown mode is about, `kernel_lockdown(7)`.
    ReachIntoKernel = 3,
    /// Mount, move or unmount a file system.
    Mount = 4,
    /// Trace a process of somebody else, or reach into its memory.
    Trace = 5,
    /// Send a signal to the loader or to PID 1.
    Signal = 6,
    /// Ask a service that does things for root: systemd, D-Bus, container engines, SAC itself.
    AskService = 7,
    /// Write to a disk past its file system.
    WriteDisk = 8,
    /// Make a process in another cgroup.
    LeaveCgroup = 9,
}

impl Act {
    /// Every act.
    pub const ALL: [Self; 9] = [
        Self::Bpf,
        Self::LoadIntoKernel,
        Self::ReachIntoKernel,
        Self::Mount,
        Self::Trace,
        Self::Signal,
        Self::AskService,
        Self::WriteDisk,
        Self::LeaveCgroup,
    ];

    /// In words that follow on "blocked from", for people.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bpf => "using BPF",
            Self::LoadIntoKernel => "loading into the kernel",
            Self::ReachIntoKernel => "reaching into the kernel",
            Self::Mount => "mounting or unmounting",
            Self::Trace => "tracing a process outside of the session",
            Self::Signal => "sending a signal to SAC or to PID 1",
            Self::AskService => "asking a service to act for root",
            Self::WriteDisk => "writing to a disk past its file system",
            Self::LeaveCgroup => "making a process in another cgroup",
        }
    }
}

/// Who did something: a process, when it did it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Caller {
    /// Process id (what users call PID).
    pub tgid: u32,
    /// Process id of its parent.
    pub parent_tgid: u32,
    /// Its real user id, in the initial user namespace, as all of them here.
    pub uid: u32,
    /// Its effective user id.
    pub euid: u32,
    /// Its login user id, which su and sudo do not change; `u32::MAX` where nobody's login led to it.
    pub login_uid: u32,
    /// The audit system's number of the login; `u32::MAX` where there is none.
    pub audit_session: u32,
    /// Major number of its controlling terminal; 0 where it has none.
    pub tty_major: u32,
    /// Minor number of its controlling terminal.
    pub tty_minor: u32,
    /// Name of the calling thread.
    pub comm: [u8; 16],
}

/// Size of a [`Caller`].
pub(crate) const CALLER_BYTES: usize = size_of::<Caller>();

impl Caller {
    /// In place of a number: nobody's login led to it.
    const UNSET: u32 = u32::MAX;

    pub(crate) fn from_bytes(bytes: &[u8; CALLER_BYTES]) -> Option<Self> {
        let u32_at = |offset| Some(u32::from_ne_bytes(field(bytes, offset)?));
        Some(Self {
            tgid: u32_at(offset_of!(Self, tgid))?,
            parent_tgid: u32_at(offset_of!(Self, parent_tgid))?,
            uid: u32_at(offset_of!(Self, uid))?,
            euid: u32_at(offset_of!(Self, euid))?,
            login_uid: u32_at(offset_of!(Self, login_uid))?,
            audit_session: u32_at(offset_of!(Self, audit_session))?,
            tty_major: u32_at(offset_of!(Self, tty_major))?,
            tty_minor: u32_at(offset_of!(Self, tty_minor))?,
            comm: field(bytes, offset_of!(Self, comm))?,
        })
    }

    /// The login user id, where somebody's login led to it.
    #[must_use]
    pub fn login_uid(&self) -> Option<u32> {
        (self.login_uid != Self::UNSET).then_some(self.login_uid)
    }

    /// The audit system's number of the login.
    #[must_use]
    pub fn audit_session(&self) -> Option<u32> {
        (self.audit_session != Self::UNSET).then_some(self.audit_session)
    }
}

/// An operation that a rule blocked, or would have blocked, or an execution that somebody may want to know of.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Event {
    /// [`EVENT_VERSION`].
    pub version: u16,
    /// The verdict's [`crate::Action`].
    pub action: u8,
    /// The scope's [`crate::scope::Layer`].
    pub layer: u8,
    /// Number of the rule, as in [`crate::Verdict::rule`].
    pub rule: u32,
    /// Time since boot in nanoseconds, suspended time included (`CLOCK_BOOTTIME`).
    pub boot_ns: u64,
    /// Id of the scope's cgroup.
    pub cgroup: u64,
    /// Inode number of the file.
    pub ino: u64,
    /// Device of the file, as in [`crate::rule::InodeId::dev`].
    pub dev: u32,
    /// Slot of the policy that decided.
    pub slot: u32,
    /// Who asked for it.
    pub caller: Caller,
    /// What was read of `executed`: bytes with the NUL, or a negative error. Of [`Form::Names`]: not 0 where there are more.
    pub executed_len: i32,
    /// What was read of `resolved`: bytes with the NULs, or a negative error.
    pub resolved_len: i32,
    /// The [`Operation`].
    pub operation: u16,
    /// The [`Form`] of `resolved`.
    pub form: u8,
    /// Of [`Operation::Execute`]: not 0 where a program is not executed but mapped into one that runs already. Of
    /// [`Operation::Administer`]: the [`Act`].
    pub mapped: u8,
    /// Device of the working directory.
    pub cwd_dev: u32,
    /// What was read of `cwd`: bytes with the NULs, or a negative error.
    pub cwd_len: i32,
    /// The [`Form`] of `cwd`.
    pub cwd_form: u8,
    /// Not 0 where there are more names in `cwd`.
    pub cwd_cut: u8,
    /// Not 0 where there are more arguments, or they could not be read.
    pub arguments_cut: u16,
    /// What was read of the arguments, with their NULs.
    pub arguments_len: u32,
    /// Of an execution: the arguments, the program's own name first. They stand in the caller's memory, where another of its threads can
    /// change them at any time. Before the other strings: the verifier wants more memory behind them than a string can take.
    pub arguments: [u8; EVENT_ARGUMENT_BYTES],
    /// Of an execution: the path as it was given to `execve`, or as the `#!` line gives it.
    pub executed: [u8; EVENT_PATH_BYTES],
    /// What it is about, in the form that `form` says.
    pub resolved: [u8; EVENT_PATH_BYTES],
    /// The working directory, in the form that `cwd_form` says.
    pub cwd: [u8; EVENT_PATH_BYTES],
}

const _: () = assert!(size_of::<Event>() == 120 + EVENT_ARGUMENT_BYTES + 3 * EVENT_PATH_BYTES);
const _: () = assert!(size_of::<Caller>() == 48);

/// A string from an event, as far as it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventPath<'a> {
    /// The bytes, without a NUL. They are the user's: harmless only after escaping.
    pub bytes: &'a [u8],
    /// Whether there was more, or nothing could be read.
    pub cut: bool,
}

impl Event {
    /// Reads a record from the ring buffer; `None` where length or version are not ours.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        if bytes.len() != size_of::<Self>() {
            return None;
        }
        let event = Self {
            version: u16::from_ne_bytes(field(bytes, offset_of!(Self, version))?),
            action: u8::from_ne_bytes(field(bytes, offset_of!(Self, action))?),
            layer: u8::from_ne_bytes(field(bytes, offset_of!(Self, layer))?),
            rule: u32::from_ne_bytes(field(bytes, offset_of!(Self, rule))?),
            boot_ns: u64::from_ne_bytes(field(bytes, offset_of!(Self, boot_ns))?),
            cgroup: u64::from_ne_bytes(field(bytes, offset_of!(Self, cgroup))?),
            ino: u64::from_ne_bytes(field(bytes, offset_of!(Self, ino))?),
            dev: u32::from_ne_bytes(field(bytes, offset_of!(Self, dev))?),
            slot: u32::from_ne_bytes(field(bytes, offset_of!(Self, slot))?),
            caller: Caller::from_bytes(&field(bytes, offset_of!(Self, caller))?)?,
            executed_len: i32::from_ne_bytes(field(bytes, offset_of!(Self, executed_len))?),
            resolved_len: i32::from_ne_bytes(field(bytes, offset_of!(Self, resolved_len))?),
            operation: u16::from_ne_bytes(field(bytes, offset_of!(Self, operation))?),
            form: u8::from_ne_bytes(field(bytes, offset_of!(Self, form))?),
            mapped: u8::from_ne_bytes(field(bytes, offset_of!(Self, mapped))?),
            cwd_dev: u32::from_ne_bytes(field(bytes, offset_of!(Self, cwd_dev))?),
            cwd_len: i32::from_ne_bytes(field(bytes, offset_of!(Self, cwd_len))?),
            cwd_form: u8::from_ne_bytes(field(bytes, offset_of!(Self, cwd_form))?),
            cwd_cut: u8::from_ne_bytes(field(bytes, offset_of!(Self, cwd_cut))?),
            arguments_cut: u16::from_ne_bytes(field(bytes, offset_of!(Self, arguments_cut))?),
            arguments_len: u32::from_ne_bytes(field(bytes, offset_of!(Self, arguments_len))?),
            arguments: field(bytes, offset_of!(Self, arguments))?,
            executed: field(bytes, offset_of!(Self, executed))?,
            resolved: field(bytes, offset_of!(Self, resolved))?,
            cwd: field(bytes, offset_of!(Self, cwd))?,
        };
        (event.version == EVENT_VERSION).then_some(event)
    }

    /// The path as it was executed.
    #[must_use]
    pub fn executed(&self) -> EventPath<'_> {
        string(&self.executed, self.executed_len)
    }

    /// What was done or tried; `None` for what this version does not know.
    #[must_use]
    pub const fn operation(&self) -> Option<Operation> {
        Operation::from_number(self.operation)
    }

    /// The resolved path, of [`Form::Path`]; otherwise nothing, cut.
    #[must_use]
    pub fn resolved(&self) -> EventPath<'_> {
        if self.form == Form::Path as u8 {
            string(&self.resolved, self.resolved_len)
        } else {
            EventPath { bytes: &[], cut: true }
        }
    }

    /// The names of [`Form::Names`], the file's own first; none for other forms.
    pub fn names(&self) -> impl Iterator<Item = &[u8]> {
        names(&self.resolved, self.form, self.resolved_len)
    }

    /// The working directory, of [`Form::Path`]; otherwise nothing, cut.
    #[must_use]
    pub fn cwd(&self) -> EventPath<'_> {
        if self.cwd_form == Form::Path as u8 {
            string(&self.cwd, self.cwd_len)
        } else {
            EventPath { bytes: &[], cut: true }
        }
    }

    /// The names of the working directory where its form is [`Form::Names`], its own first; none for other forms.
    pub fn cwd_names(&self) -> impl Iterator<Item = &[u8]> {
        names(&self.cwd, self.cwd_form, self.cwd_len)
    }

    /// Of an execution: its arguments, the program's own name first. They are what the caller's memory held at the time.
    #[must_use]
    pub fn arguments(&self) -> Lines<'_> {
        Lines::new(&self.arguments, self.arguments_len)
    }

    /// Whether there are more arguments, or they could not be read.
    #[must_use]
    pub const fn arguments_are_cut(&self) -> bool {
        self.arguments_cut != 0
    }

    /// Whether there were more names than the event has room for.
    #[must_use]
    pub fn names_are_cut(&self) -> bool {
        self.executed_len != 0
    }

    /// What root has tried, of [`Operation::Administer`].
    #[must_use]
    pub fn act(&self) -> Option<Act> {
        let administers = self.operation == Operation::Administer as u16;
        Act::ALL.into_iter().find(|act| administers && *act as u8 == self.mapped)
    }

    /// The address of [`Form::Address`].
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        if self.form != Form::Address as u8 {
            return None;
        }
        let address = IpAddr::from(self.resolved.first_chunk::<16>().copied()?);
        let port = u16::from_ne_bytes(self.resolved.get(16..)?.first_chunk().copied()?);
        Some(SocketAddr::new(address.to_canonical(), port))
    }
}

/// Texts of which each ends with a NUL; the last one may have been cut before it.
#[derive(Clone, Copy, Debug)]
pub struct Lines<'a>(&'a [u8]);

impl<'a> Lines<'a> {
    /// The first `len` bytes of `buffer`: the kernel does not clear the ring buffer, so nothing behind them is ours.
    pub(crate) fn new(buffer: &'a [u8], len: u32) -> Self {
        let len = usize::try_from(len).unwrap_or(0).min(buffer.len());
        Self(buffer.get(..len).unwrap_or_default())
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.0.is_empty() {
            return None;
        }
        let mut parts = self.0.splitn(2, |&byte| byte == 0);
        let line = parts.next()?;
        self.0 = parts.next().unwrap_or_default();
        Some(line)
    }
}

/// The names in `buffer`, where `form` is [`Form::Names`].
fn names(buffer: &[u8; EVENT_PATH_BYTES], form: u8, len: i32) -> impl Iterator<Item = &[u8]> {
    let len = if form == Form::Names as u8 { len } else { 0 };
    let read = buffer.get(..usize::try_from(len).unwrap_or(0).min(EVENT_PATH_BYTES));
    // Each name ends with a NUL, so what is behind the last one is no name.
    let names = read.unwrap_or_default().split_inclusive(|&byte| byte == 0);
    names.filter_map(|name| name.strip_suffix(&[0]))
}

/// The `N` bytes at `offset`.
pub(crate) fn field<const N: usize>(bytes: &[u8], offset: usize) -> Option<[u8; N]> {
    bytes.get(offset..)?.first_chunk().copied()
}

/// What a string helper left in `buffer`. The kernel does not clear the ring buffer, so nothing behind the NUL is ours.
pub(crate) fn string(buffer: &[u8], len: i32) -> EventPath<'_> {
    let with_nul = usize::try_from(len).unwrap_or(0).min(buffer.len());
    let read = buffer.get(..with_nul).unwrap_or_default();
    let bytes = read.split(|&byte| byte == 0).next().unwrap_or_default();
    EventPath { bytes, cut: len <= 0 || with_nul == buffer.len() }
}

#[cfg(test)]
mod tests;
