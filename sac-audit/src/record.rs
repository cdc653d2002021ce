// SPDX-License-Identifier: MIT OR Apache-2.0
//! One record: what happened, to whom it is put down, and its place in the chain.
//!
//! Fields are named as in `docs/audit.md`, which says of each what it means. A field that does not apply is left out.

mod name;

use crate::text::Text;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Version of the schema. New fields and new events do not change it; anything else does.
pub const SCHEMA: u32 = 1;

/// A record, as it stands in a line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Record {
    /// Version of the schema.
    #[schemars(extend("const" = SCHEMA))]
    pub schema: u32,
    /// Place in the chain, from 1.
    #[schemars(range(min = 1))]
    pub number: u64,
    /// SHA-256 of the line before, in hexadecimal; 64 zeros for the first one.
    #[schemars(extend("pattern" = "^[0-9a-f]{64}$"))]
    pub previous: String,
    /// Name of the machine.
    pub host: String,
    /// The kernel's id of this boot: `boot_ns` counts within it.
    pub boot_id: String,
    /// What happened.
    #[serde(flatten)]
    pub entry: Entry,
}

/// What happened, before it has a place in the chain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Entry {
    /// When, by the clock on the wall.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub time: Timestamp,
    /// When, in nanoseconds since boot, suspended time included (`CLOCK_BOOTTIME`): for order, whatever happens to the clock on the wall.
    pub boot_ns: u64,
    /// How grave it is.
    pub severity: Severity,
    /// The session that it happened in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<Session>,
    /// What.
    #[serde(flatten)]
    pub event: Event,
}

/// How grave something is, as policies say it.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// What goes on every day.
    #[default]
    Info,
    /// Worth a look.
    Low,
    /// The default of what a policy blocks.
    Medium,
    /// An alert.
    High,
    /// An alert at once.
    Critical,
}

/// A session, in each of its records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Session {
    /// Its id.
    pub id: String,
    /// Number of the record within the session, from 1, so that a gap shows.
    pub sequence: u64,
    /// Who logged in.
    pub user: String,
    /// That user's id.
    pub uid: u32,
    /// PAM service that opened it.
    pub service: String,
    /// Remote host; empty for a local login.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub from: String,
    /// The kernel's login uid, which su and sudo do not change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login_uid: Option<u32>,
    /// The kernel's audit session id, as `ausearch --session` takes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audit_session: Option<u32>,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// A session was opened.
    SessionOpened {
        /// The policies that hold.
        policies: Vec<String>,
        /// Terminal, as PAM named it.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        tty: String,
        /// The user's groups.
        groups: Vec<String>,
        /// Directory of its cgroup.
        cgroup: String,
        /// Process id of the login service.
        pid: u32,
    },
    /// A session ended: its last process has gone.
    SessionClosed {
        /// What it comes to.
        totals: Totals,
        /// For how long it was open, in milliseconds.
        duration_ms: u64,
    },
    /// A login was refused.
    SessionRefused {
        /// Who wanted to log in.
        user: Text,
        /// PAM service.
        service: Text,
        /// Remote host; empty for a local login.
        from: Text,
        /// Why.
        reason: String,
    },
    /// A session that an earlier loader opened was taken over.
    SessionAdopted {
        /// The policies that hold.
        policies: Vec<String>,
    },
    /// Somebody in a session became somebody else, by su, sudo or another service that opens a PAM session.
    IdentityChanged {
        /// The PAM service: `su`, `sudo`.
        by: String,
        /// Who they are now.
        to_user: String,
        /// That user's id.
        to_uid: u32,
        /// The process that asked for it.
        pid: u32,
    },
    /// A session was ended, stopped or let go on by an administrator or by strikes.
    SessionControlled {
        /// What was done.
        action: Control,
        /// Who did it.
        by: String,
        /// Why.
        reason: String,
    },
    /// A program was executed.
    Executed(Execution),
    /// A program was blocked, or would have been: see the verdict.
    Blocked(Execution),
    /// A process forked. What it executes next, if anything, is another record.
    Forked {
        /// The new process.
        pid: u32,
        /// Its parent.
        parent_pid: u32,
        /// Name of the program.
        comm: Text,
    },
    /// A process ended.
    Ended {
        /// The process.
        pid: u32,
        /// Its exit code; absent where a signal ended it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        code: Option<u8>,
        /// Number of the signal that ended it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        signal: Option<u8>,
        /// For how long it ran, from fork on, in nanoseconds.
        run_time_ns: u64,
    },
    /// An operation was blocked, or would have been: see the verdict.
    Operation(Operation),
    /// A set of policies came into force.
    PolicyLoaded {
        /// Names of all policies in force now.
        policies: Vec<String>,
        /// SHA-256 of all of their files, in hexadecimal.
        digest: String,
    },
    /// A set of policies was refused; what was in force stays so.
    PolicyRefused {
        /// The first faults.
        reason: String,
    },
    /// A session came under other policies.
    PolicyChanged {
        /// Those before.
        from_policies: Vec<String>,
        /// Those that hold now.
        to_policies: Vec<String>,
    },
    /// New policies were applied by an administrator, confirmed, or taken back.
    PolicyApplied {
        /// What was done.
        step: Step,
        /// Who did it; `sac` where nobody did.
        by: String,
        /// SHA-256 of the new policies' files where they are tried, as in `policy-loaded`: all records about one set have the same.
        digest: String,
        /// Within how many seconds they have to be confirmed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        confirm_s: Option<u32>,
        /// Why they were taken back.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// A user may execute a program for a while.
    Granted(Grant),
    /// A grant ended.
    GrantEnded {
        /// The grant.
        #[serde(flatten)]
        grant: Grant,
        /// Whether somebody took it back before its time.
        revoked: bool,
    },
    /// Something or somebody is working against SAC.
    Tamper {
        /// What was found.
        what: String,
    },
    /// Somebody logged in past SAC.
    Unlabelled {
        /// Who.
        user: String,
        /// The process.
        pid: u32,
        /// What was done: `reported` or `killed`.
        outcome: String,
    },
    /// The loader came up.
    LoaderStarted {
        /// Its version.
        version: String,
        /// Sessions that it found open.
        sessions: u64,
    },
    /// The loader was told to stop.
    LoaderStopped {},
    /// Events that could not be recorded.
    EventsLost {
        /// How many.
        count: u64,
        /// What had no room: `kernel`, `daemon`, or `sink` and its name; `tracepoint` for begins and ends of processes, at most.
        by: String,
    },
    /// The chain up to here, as the journal and remote sinks got it.
    Checkpoint {},
    /// The last line of a file had no end: the machine or the loader stopped while it was written. It was moved aside.
    ChainRepaired {
        /// The file that it stood in.
        file: String,
        /// The file in the same directory that it is in now.
        moved_to: String,
        /// How long it is, in bytes.
        bytes: u64,
        /// Its SHA-256, in hexadecimal.
        digest: String,
    },
    /// The oldest files are removed next, because there are as many as are kept.
    RecordsRemoved {
        /// Their names.
        files: Vec<String>,
        /// The first record in them.
        from_number: u64,
        /// The last one.
        to_number: u64,
    },
}

/// What somebody did to a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Control {
    /// All of its processes were killed.
    Killed,
    /// Its processes were stopped.
    Frozen,
    /// They were let go on.
    Thawed,
}

/// What was done with policies that somebody applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// They came into force for good.
    Installed,
    /// They came into force until somebody confirms them, or else the time is over.
    Tried,
    /// Somebody confirmed them.
    Confirmed,
    /// The policies before came back.
    RolledBack,
}

/// What a session comes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Totals {
    /// Executions that went ahead.
    pub executed: u64,
    /// What was blocked.
    pub blocked: u64,
    /// Events that could not be recorded.
    pub events_lost: u64,
}

/// An execution.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Execution {
    /// Who did it.
    pub process: Process,
    /// What was executed.
    pub file: File,
    /// The path as it was typed, or as the `#!` line has it.
    pub typed: Text,
    /// What a script's `#!` line names, which is what was executed in the end; absent where it was no script.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interpreter: Option<Text>,
    /// The arguments, the program's own name first, as far as [`ARGUMENT_BYTES_MAX`] bytes go.
    pub arguments: Vec<Text>,
    /// Whether there were more.
    #[serde(default, skip_serializing_if = "is_false")]
    pub arguments_cut: bool,
    /// Whether the arguments are the caller's memory as it was when the execution was blocked: another thread could have changed them.
    #[serde(default, skip_serializing_if = "is_false")]
    pub arguments_of_caller: bool,
    /// Environment variables that the policy asks for.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub environment: BTreeMap<String, Text>,
    /// Whether the environment was longer than could be read, so that variables may be missing.
    #[serde(default, skip_serializing_if = "is_false")]
    pub environment_cut: bool,
    /// What became of it.
    pub verdict: Verdict,
}

/// How many bytes of arguments a record has room for, their NULs included.
pub const ARGUMENT_BYTES_MAX: usize = 4096;

/// An operation other than an execution.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Operation {
    /// Who did it.
    pub process: Process,
    /// What, as policies name it: `delete`, `write`, `connect` …; `map` for a program that is mapped, `administer` for an act of root's.
    pub operation: String,
    /// The file that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<File>,
    /// The address that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// The act of root's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act: Option<String>,
    /// How often, where the same happened many times within a second and was put together.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub count: u64,
    /// What became of it.
    pub verdict: Verdict,
}

/// A process, when it did something.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Process {
    /// Its id, in the initial namespace, as everything here.
    pub pid: u32,
    /// Its parent's.
    pub parent_pid: u32,
    /// Real user id.
    pub uid: u32,
    /// Effective user id.
    pub euid: u32,
    /// Name of the thread, before an execution.
    pub comm: Text,
    /// Working directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cwd: Option<Text>,
    /// Controlling terminal, without `/dev/`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tty: Option<String>,
}

/// A file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct File {
    /// Its path, resolved.
    pub path: Text,
    /// Whether the path was longer than could be read.
    #[serde(default, skip_serializing_if = "is_false")]
    pub path_cut: bool,
    /// Its inode number; 0 where it has none.
    pub inode: u64,
    /// Its device, `major:minor`.
    pub device: String,
}

/// What became of something, and by which rule.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Verdict {
    /// `allow`, `audit`, `deny` or `kill`, as policies name it.
    pub action: String,
    /// Where the rule stands, `file:line`, or what decided in place of one.
    pub rule: String,
    /// The policy's name; absent where there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
}

/// A grant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Grant {
    /// Its number.
    pub grant: u32,
    /// Whom it is for.
    pub user: String,
    /// The program.
    pub program: Text,
    /// For how long, in seconds.
    pub for_s: u32,
    /// Why.
    pub reason: String,
    /// Who gave it.
    pub by: String,
}

const fn one() -> u64 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
const fn is_one(count: &u64) -> bool {
    *count == 1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
const fn is_false(is: &bool) -> bool {
    !*is
}
