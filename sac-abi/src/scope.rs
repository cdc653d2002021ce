// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the kernel half knows about a cgroup that it is attached to.
//!
//! A scope is one such cgroup: a session's own, or the slice that holds everything of a user. [`Scope`] lives in cgroup
//! storage, one value per attachment: zero until the loader has filled it in, and zero means "not ready", which denies.
//! [`Counters`] are apart from it, because replacing a storage value from user space would lose what was counted.

use crate::rule::Operations;

/// Which cgroup of a person a scope is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Layer {
    /// A session's own cgroup.
    Session = 1,
    /// The slice `user-UID.slice`: all sessions and the user manager.
    User = 2,
}

/// How many policies can hold in one scope at a time. For the verifier each of them is the whole work once more.
pub const SCOPE_POLICIES: usize = 2;

/// Value of cgroup storage: which policies hold in this cgroup.
///
/// A session has one, and where that depends on it a second one for what runs on a terminal. What runs in a user's slice outside of sessions has all of the policies that the user's open sessions
/// have, and the strictest verdict counts; otherwise somebody under a strict policy could have the user's manager do what a
/// session of another address allows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Scope {
    /// Slots of the policies in the map of policies; 0 is never used, and ends the list.
    pub slots: [u32; SCOPE_POLICIES],
    /// Id of the cgroup that the program is attached to (its directory's inode number).
    pub cgroup: u64,
    layer: u16,
    /// Operations about which the sieve tells what no rule is about. See [`Scope::sifting`].
    sifted: Operations,
    /// For a user's slice: the level of session cgroups below it, counted from the root cgroup at 0.
    pub session_level: u32,
    /// User id of the person whose scope it is.
    pub owner: u32,
    /// [`Scope::TWICE`], [`Scope::OPENS`], or both.
    judging: u8,
    /// What is recorded. See [`Scope::recording`].
    recording: Recording,
    /// What the policies may say something about. See [`Scope::judging`].
    operations: Operations,
}

impl Scope {
    /// In `judging`: the second hook of an execution judges as well. See [`Scope::judging_twice`].
    const TWICE: u8 = 1;
    /// In `judging`: the hook of files that are opened judges as well. See [`Scope::judging_opens`].
    const OPENS: u8 = 2;

    /// The scope of a session's own cgroup.
    #[must_use]
    pub const fn session(slot: u32, cgroup: u64, owner: u32) -> Self {
        Self::session_on_terminal(slot, 0, cgroup, owner)
    }

    /// The scope of a session's own cgroup, with another policy for what runs on a terminal; 0 for none.
    #[must_use]
    pub const fn session_on_terminal(slot: u32, on_terminal: u32, cgroup: u64, owner: u32) -> Self {
        Self::new([slot, on_terminal], Layer::Session, cgroup, 0, owner)
    }

    /// The scope of a user's slice, with session cgroups at `session_level`.
    #[must_use]
    pub const fn user(slots: [u32; SCOPE_POLICIES], cgroup: u64, session_level: u32, owner: u32) -> Self {
        Self::new(slots, Layer::User, cgroup, session_level, owner)
    }

    /// Until somebody says what the policies are about, everything is looked up.
    const fn new(
        slots: [u32; SCOPE_POLICIES],
        layer: Layer,
        cgroup: u64,
        session_level: u32,
        owner: u32,
    ) -> Self {
        let (layer, operations, sifted) = (layer as u16, Operations::ALL, Operations::NONE);
        let recording = Recording::EVERYTHING;
        Self { slots, cgroup, layer, sifted, session_level, owner, judging: 0, recording, operations }
    }

    /// The scope with policies that say something about these operations only, so that others cost next to nothing.
    #[must_use]
    pub const fn judging(self, operations: Operations) -> Self {
        Self { operations, ..self }
    }

    /// What the policies may say something about.
    #[must_use]
    #[inline(always)]
    pub const fn operations(&self) -> Operations {
        self.operations
    }

    /// The scope with policies of which the sieve tells what no rule for these operations is about; also those that there is no
    /// rule for.
    #[must_use]
    pub const fn sifting(self, sifted: Operations) -> Self {
        Self { sifted, ..self }
    }

    /// Whether the sieve tells what no rule for these operations is about.
    #[must_use]
    #[inline(always)]
    pub const fn sifts(&self, operations: Operations) -> bool {
        self.sifted.has_all(operations)
    }

    /// The scope with the hook of files that are opened judging or not: where it is not, its program need not be there.
    #[must_use]
    pub const fn judging_opens(self, judges: bool) -> Self {
        self.with(Self::OPENS, judges)
    }

    /// Whether the hook of files that are opened judges.
    #[must_use]
    pub const fn judges_opens(&self) -> bool {
        self.judging & Self::OPENS != 0
    }

    const fn with(self, flag: u8, on: bool) -> Self {
        Self { judging: if on { self.judging | flag } else { self.judging & !flag }, ..self }
    }

    /// The scope with the second hook of an execution judging as well, which policies with conditions on arguments need.
    ///
    /// Once so, always so: the first hook leaves the verdict to the second one, and between the two the scope may come under
    /// a policy without conditions, or the process may leave its terminal, and so the policy for terminals.
    #[must_use]
    pub const fn judging_twice(self, judges_twice: bool) -> Self {
        self.with(Self::TWICE, judges_twice)
    }

    /// Whether the second hook of an execution judges as well.
    #[must_use]
    #[inline(always)]
    pub const fn judges_twice(&self) -> bool {
        self.judging & Self::TWICE != 0
    }

    /// The scope with this much of what goes on in it recorded.
    #[must_use]
    pub const fn recording(self, recording: Recording) -> Self {
        Self { recording, ..self }
    }

    /// What is recorded.
    #[must_use]
    #[inline(always)]
    pub const fn recorded(&self) -> Recording {
        self.recording
    }

    /// The layer, or `None` while the loader has not filled in the scope.
    #[must_use]
    #[inline(always)]
    pub const fn layer(&self) -> Option<Layer> {
        match self.layer {
            1 => Some(Layer::Session),
            2 => Some(Layer::User),
            _ => None,
        }
    }
}

/// What of a scope's activity the kernel half tells of. What is blocked it always tells of, through a ring buffer of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(transparent)]
pub struct Recording(u8);

impl Recording {
    /// Only what is blocked, or would be.
    pub const BLOCKED: Self = Self(0);
    /// Also each program that is executed, and where processes begin and end.
    pub const EVERYTHING: Self = Self(1);
    const ENVIRONMENT: u8 = 2;
    const STRICT: u8 = 4;

    /// As it is written down.
    #[must_use]
    pub const fn to_bits(self) -> u8 {
        self.0
    }

    /// What was written down.
    #[must_use]
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits)
    }

    /// With the environment of each program.
    #[must_use]
    pub const fn with_environment(self) -> Self {
        Self(self.0 | Self::ENVIRONMENT)
    }

    /// Nothing is executed that cannot be recorded.
    #[must_use]
    pub const fn strict(self) -> Self {
        Self(self.0 | Self::STRICT)
    }

    /// Whether more is recorded than what is blocked.
    #[must_use]
    #[inline(always)]
    pub const fn has_activity(self) -> bool {
        self.0 & Self::EVERYTHING.0 != 0
    }

    /// Whether the environment is recorded.
    #[must_use]
    #[inline(always)]
    pub const fn has_environment(self) -> bool {
        self.0 & Self::ENVIRONMENT != 0
    }

    /// Whether nothing may be executed that cannot be recorded.
    #[must_use]
    #[inline(always)]
    pub const fn is_strict(self) -> bool {
        self.0 & Self::STRICT != 0
    }
}

/// What is counted in a scope. The kernel half only adds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Counters {
    /// Executions that went ahead. A script and its interpreter are one.
    pub executed: u64,
    /// Executions that were blocked.
    pub blocked: u64,
    /// Events that found no room in the ring buffer.
    pub events_lost: u64,
    /// 1 while the login service is still setting the session up; see [`Counters::SETTING_UP`].
    pub setting_up: u32,
    /// Process id of the login service in the session; 0 for none, and from the moment on at which that process executes something.
    /// What it does itself as root, such as writing down that somebody has logged out, is not the user's doing.
    pub service: u32,
}

impl Counters {
    /// The login service (sshd, login) runs other PAM modules' programs as root in the session's cgroup, pam_motd's
    /// scripts for one, before anything of the user's runs. Until the first execution that is not root's, root's own
    /// are not judged. No user can use that window: whatever they start is started by a process that is not root.
    pub const SETTING_UP: u32 = 1;

    /// Counters of a session that is being opened by the process `service`.
    #[must_use]
    pub const fn opening(service: u32) -> Self {
        Self { executed: 0, blocked: 0, events_lost: 0, setting_up: Self::SETTING_UP, service }
    }
}

/// Which session a task comes from, wherever it has got to since, and what is known of its last execution until that is recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Label {
    /// Id of the session's cgroup; 0 for none.
    pub cgroup: u64,
    /// The verdict on what the task executes, as [`crate::Decision::to_bits`].
    pub decision: u64,
    /// Name of the thread before it executed that.
    pub comm: [u8; 16],
    /// Slot of the policy that decided; 0 where nobody has.
    pub slot: u32,
    /// What has been recorded of the task: a program of another build may stand beside ours for a moment, and several of a process's
    /// threads may be its last one.
    pub told: u32,
    /// How long it took to judge what the task executes, in nanoseconds.
    pub judged_ns: u64,
    /// The level of the session's cgroup below the root; 0 where it could not be told.
    pub level: u32,
    /// Unused.
    pub reserved: u32,
}

impl Label {
    /// In `told`: that it has come to be.
    pub const FORKED: u32 = 1;
    /// In `told`: its last execution.
    pub const EXECUTED: u32 = 2;
    /// In `told`: that it has ended.
    pub const ENDED: u32 = 4;
}

const _: () = assert!(size_of::<Label>() == 56);

/// A process that has ended: key of the map that keeps it from being told of twice where several of its threads may be its last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(C)]
pub struct EndedProcess {
    /// When it began, in nanoseconds since boot.
    pub start_boot_ns: u64,
    /// Its process id.
    pub tgid: u32,
    /// Unused.
    pub reserved: u32,
}

const _: () = assert!(size_of::<EndedProcess>() == 16);

/// How often the same program of the same person is reported as executed, in seconds.
pub const SIGHTING_EVERY_S: u32 = 3600;

/// A program that somebody has executed: key of the map that keeps the kernel half from reporting it each time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(C)]
pub struct Sighting {
    /// User id of the person whose scope it was in.
    pub owner: u32,
    /// As in [`crate::rule::InodeId`].
    pub dev: u32,
    /// As in [`crate::rule::InodeId`].
    pub ino: u64,
    /// As in [`crate::rule::InodeId`].
    pub generation: u32,
    /// Unused.
    pub reserved: u32,
}

const _: () = assert!(size_of::<Sighting>() == 24);
const _: () = assert!(size_of::<Scope>() == 32 && align_of::<Scope>() == 8);
const _: () = assert!(size_of::<Counters>() == 32);
