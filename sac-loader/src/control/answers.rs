// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the daemon answers: the objects that `--json` prints.

use sac_audit::{record::Control, text::Text};
use serde::{Deserialize, Serialize};

/// What the daemon says of a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SessionInfo {
    /// Session id.
    pub(crate) id: String,
    /// User name.
    pub(crate) user: String,
    /// User id.
    pub(crate) uid: u32,
    /// Names of the user's groups.
    pub(crate) groups: Vec<String>,
    /// The policy that holds.
    pub(crate) policy: String,
    /// PAM service that opened the session.
    pub(crate) service: String,
    /// Remote host, empty for a local login.
    pub(crate) from: String,
    /// Terminal, empty where there is none.
    pub(crate) tty: String,
    /// When it was opened, RFC 3339, UTC.
    pub(crate) since: String,
    /// Processes in it now.
    pub(crate) processes: usize,
    /// Executions that went ahead.
    pub(crate) executed: u64,
    /// Executions that were blocked.
    pub(crate) blocked: u64,
    /// Events that found no room.
    pub(crate) events_lost: u64,
    /// Directory of its cgroup.
    pub(crate) cgroup: String,
    /// Whether its processes are stopped.
    #[serde(default)]
    pub(crate) frozen: bool,
}

/// What the daemon says of a grant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct GrantInfo {
    /// Its number.
    pub(crate) number: u32,
    /// User name.
    pub(crate) user: String,
    /// User id.
    pub(crate) uid: u32,
    /// The program.
    pub(crate) exec: String,
    /// How long it was for, in seconds.
    pub(crate) for_s: u32,
    /// How much of that is left, in seconds.
    pub(crate) left_s: u32,
    /// When it ends, RFC 3339, UTC, as the clock goes now.
    pub(crate) until: String,
    /// Why it was given.
    pub(crate) reason: String,
    /// Who gave it.
    pub(crate) by: String,
}

/// What a reload did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Reloaded {
    /// Policies in force now.
    pub(crate) policies: usize,
}

/// What new policies did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Applied {
    /// Policies in force now.
    pub(crate) policies: usize,
    /// What is different from the files of before.
    pub(crate) files: FileChanges,
    /// What has to be confirmed; absent where they stay.
    pub(crate) pending: Option<PendingInfo>,
}

/// Differences between two sets of policy files, by their names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FileChanges {
    /// Those that there were not before.
    pub(crate) added: Vec<String>,
    /// Those of another text.
    pub(crate) changed: Vec<String>,
    /// Those that are gone.
    pub(crate) removed: Vec<String>,
}

/// Policies that are on trial.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PendingInfo {
    /// Who applied them.
    pub(crate) by: String,
    /// SHA-256 of their files, as the record has it.
    pub(crate) digest: String,
    /// For how long they are on trial, in seconds; absent where they only have to be installed.
    pub(crate) confirm_s: Option<u32>,
    /// How much of that is left, in seconds.
    pub(crate) left_s: u64,
    /// When it ends, RFC 3339, UTC, as the clock goes now.
    pub(crate) until: String,
}

/// What is in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PolicyStatus {
    /// Names of the policies in force.
    pub(crate) policies: Vec<String>,
    /// The directory that they were loaded from.
    pub(crate) directory: String,
    /// Where they are on trial, until when; absent where they stay.
    pub(crate) pending: Option<PendingInfo>,
}

/// All that the daemon says of a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SessionDetails {
    /// What the list has of it.
    #[serde(flatten)]
    pub(crate) session: SessionInfo,
    /// For how long it has been open, in seconds.
    pub(crate) age_s: u64,
    /// The kernel's login uid of its first process, which su and sudo do not change.
    pub(crate) login_uid: Option<u32>,
    /// The kernel's audit session id of its first process.
    pub(crate) audit_session: Option<u32>,
    /// The policies that it is under: one, or one for what runs without a terminal and one for what runs on a terminal.
    pub(crate) policies: Vec<PolicyInfo>,
    /// The grants that hold for the user.
    pub(crate) grants: Vec<GrantInfo>,
    /// Its processes, each behind its parent.
    pub(crate) tree: Vec<ProcessInfo>,
}

/// What the daemon says of a policy that a session is under.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PolicyInfo {
    /// Its name.
    pub(crate) name: String,
    /// Its file; empty where it is not in force any more and the session keeps it.
    pub(crate) file: String,
    /// For which of the session's processes it is.
    pub(crate) holds: Holds,
    /// What the session may use up.
    pub(crate) limits: LimitsInfo,
    /// What happens to who tries again and again.
    pub(crate) strikes: Option<StrikesInfo>,
}

/// For which processes of a session a policy is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Holds {
    /// For all.
    Everywhere,
    /// For those that have no terminal.
    WithoutTerminal,
    /// For those on a terminal.
    OnTerminal,
}

/// Limits; what is absent has none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LimitsInfo {
    /// Most processes and threads in the session.
    pub(crate) processes: Option<u32>,
    /// Most sessions of its user at a time.
    pub(crate) sessions: Option<u32>,
    /// After how many seconds it ends.
    pub(crate) session_length_s: Option<u64>,
    /// After how many seconds without anything typed it ends.
    pub(crate) idle_s: Option<u64>,
}

/// Strikes, and how many there are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StrikesInfo {
    /// Attempts that were blocked within the last `within_s` seconds.
    pub(crate) count: usize,
    /// How many lead to something.
    pub(crate) blocked: u32,
    /// Within how many seconds.
    pub(crate) within_s: u64,
    /// To what, as policies name it.
    pub(crate) then: String,
}

/// What the daemon says of a process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ProcessInfo {
    /// Its id.
    pub(crate) pid: i32,
    /// Its parent's.
    pub(crate) parent_pid: i32,
    /// How many of its ancestors are in the session.
    pub(crate) depth: usize,
    /// Its real user id.
    pub(crate) uid: u32,
    /// When it was started, RFC 3339, UTC, as the clock goes now.
    pub(crate) started: String,
    /// Name of its first thread, as it can be shown.
    pub(crate) name: String,
    /// Its command line; absent where it has none, or where the process kept us from reading it.
    pub(crate) command: Option<Vec<Text>>,
    /// Whether there is more of it.
    #[serde(default)]
    pub(crate) command_cut: bool,
}

/// What was done to a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Controlled {
    /// Session id.
    pub(crate) session: String,
    /// User name.
    pub(crate) user: String,
    /// What was done.
    pub(crate) action: Control,
    /// Who asked for it.
    pub(crate) by: String,
    /// Why; empty where nobody said.
    pub(crate) reason: String,
    /// Processes that were in the session before.
    pub(crate) processes: usize,
    /// Those that are there still where it has not come true for all of them, after a wait.
    pub(crate) left: Vec<ProcessInfo>,
}
