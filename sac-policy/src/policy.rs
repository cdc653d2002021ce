// SPDX-License-Identifier: MIT OR Apache-2.0
//! A policy as it was checked: who it is for, what it says, and where each of its parts stands.
//!
//! What is here has passed every check that needs no file system. It is made by [`crate::PolicySet`] only; what a policy
//! inherits is already among its rules.

#[cfg(test)]
pub(crate) mod fake;

use crate::fault::Place;
use crate::network::{Network, PortRange};
use crate::source::{Source, Span};
use crate::when::When;
use sac_abi::{Action, Operation, rule::Operations};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// One policy.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Policy {
    /// Its name, unique in its set.
    pub name: String,
    /// What it is for, in the administrator's words.
    pub description: Option<String>,
    /// Whom it is for, and for which of their logins.
    pub applies_to: AppliesTo,
    /// Which policy wins where several are for one person: the one with the greater number.
    pub priority: i32,
    /// The rule sets that it takes rules from, as it names them.
    pub inherits: Vec<Inherited>,
    /// Whether it is enforced.
    pub mode: Mode,
    /// Whether those whom it is for may log in at all.
    pub logins: Logins,
    /// What becomes of logins of theirs that came in past SAC, whichever they are.
    pub unlabelled: Unlabelled,
    /// How much of their sessions is recorded.
    pub audit: Audit,
    /// The environment variables that are recorded with what is executed.
    pub environment: Vec<String>,
    /// What a blocked operation gets unless its rule says otherwise; never [`Action::Allow`].
    pub action: Action,
    /// What a user is told in addition when something is blocked.
    pub message: Option<String>,
    /// How grave it is for an auditor that something was blocked, unless its rule says otherwise.
    pub severity: Gravity,
    /// What a program gets that no rule names: [`Action::Allow`], or the policy's own action.
    pub default: Action,
    /// What a connection gets that no rule names: [`Action::Allow`], or the policy's own action.
    pub connections_default: Action,
    /// The rules: first what is inherited, in the order of `inherits`, then its own, in the order of the file.
    pub rules: Vec<Rule>,
    /// What a session may use up.
    pub limits: Limits,
    /// What happens to who tries again and again.
    pub strikes: Option<Strikes>,
    /// What must be so; `policy check` and `policy test` look whether it is.
    pub tests: Vec<Assertion>,
    pub(crate) source: Arc<Source>,
    /// Where the name stands.
    pub(crate) name_span: Span,
}

impl Policy {
    /// The file that the policy was read from.
    #[must_use]
    pub fn file(&self) -> &Path {
        self.source.path()
    }

    /// The rule with this number, which counts from 1 as in [`sac_abi::Verdict::rule`].
    #[must_use]
    pub fn rule(&self, number: u32) -> Option<&Rule> {
        self.rules.get(usize::try_from(number).ok()?.checked_sub(1)?)
    }

    /// What may be restricted, at whatever time.
    #[must_use]
    pub fn operations(&self) -> Operations {
        let of_rules = self.rules.iter().flat_map(|rule| rule.operations.iter().copied());
        let defaults = [(Operation::Execute, self.default), (Operation::Connect, self.connections_default)];
        let by_default = defaults.into_iter().filter(|(_, action)| *action != Action::Allow);
        of_rules.chain(by_default.map(|(operation, _)| operation)).fold(Operations::NONE, Operations::with)
    }

    /// Whether there are rules, at whatever time, that are asked when a file is opened.
    #[must_use]
    pub fn judges_opening(&self) -> bool {
        use Operation::{Administer, Read, Write};
        let of_opening = [Read, Write, Administer].into_iter().fold(Operations::NONE, Operations::with);
        // A program's code can also be written by `/proc/PID/mem`.
        self.operations().has_any(of_opening)
            || self.rules.iter().any(|rule| rule.subject == Subject::ExecutableMemory)
    }

    /// A piece of the policy's own file.
    #[must_use]
    pub fn place(&self, span: Span) -> Place {
        Place::at(&self.source, span)
    }

    /// What an action amounts to under the policy's [`Mode`].
    #[must_use]
    pub fn in_force(&self, action: Action) -> Action {
        match self.mode {
            Mode::Enforce => action,
            Mode::Audit => action.min(Action::Audit),
        }
    }
}

/// How much of a session is recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Audit {
    /// What is blocked, or would be, and what happens to the session itself.
    Blocked,
    /// Also each program that is executed, and where processes begin and end.
    #[default]
    Full,
    /// As above, and what cannot be recorded is not executed.
    Strict,
}

impl Audit {
    /// All of them, in the order of the language's words.
    pub const ALL: [Self; 3] = [Self::Blocked, Self::Full, Self::Strict];

    /// The word that policies use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Blocked => "blocked",
            Self::Full => "full",
            Self::Strict => "strict",
        }
    }
}

/// Whether a policy is enforced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// What is blocked is blocked.
    #[default]
    Enforce,
    /// What would be blocked goes on, and is recorded.
    Audit,
}

/// Whether somebody may log in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Logins {
    /// They may.
    #[default]
    Allow,
    /// They may not. Sessions that are open when such a policy comes to hold for them stay, under it.
    Refuse,
}

/// What becomes of a login that no policy holds, because it came in past SAC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unlabelled {
    /// It is reported.
    #[default]
    Report,
    /// Its processes are killed.
    Deny,
}

/// How grave something is for an auditor. Not called severity, which a [`crate::Fault`] has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Gravity {
    /// Worth knowing.
    Info,
    /// Of little consequence.
    Low,
    /// To be looked at.
    #[default]
    Medium,
    /// To be looked at soon.
    High,
    /// To be looked at now.
    Critical,
}

impl Gravity {
    /// Every gravity, the least grave first.
    pub const ALL: [Self; 5] = [Self::Info, Self::Low, Self::Medium, Self::High, Self::Critical];

    /// The word that policies and records use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// A rule set that a policy takes rules from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inherited {
    /// The rule set's name.
    pub name: String,
    /// Where it is named.
    pub span: Span,
}

/// Whom a policy is for, and for which of their logins. All parts must hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppliesTo {
    /// The people.
    pub who: Who,
    /// Only logins by these PAM services; empty for all.
    pub services: Vec<String>,
    /// Only logins from there; empty for everywhere.
    pub from: Vec<Origin>,
    /// Only logins with a terminal, or only those without.
    pub terminal: Option<bool>,
    /// Only at these times.
    pub when: Option<When>,
}

impl AppliesTo {
    /// How many conditions there are besides the people; each makes the policy more specific.
    #[must_use]
    pub fn conditions(&self) -> usize {
        [!self.services.is_empty(), !self.from.is_empty(), self.terminal.is_some(), self.when.is_some()]
            .into_iter()
            .filter(|is_there| *is_there)
            .count()
    }
}

/// Where a login comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// From the machine itself: there is no remote address.
    Local,
    /// From an address in this network.
    Network(Network),
}

/// The people that a policy is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// Everyone for whom there is no other policy, except root.
    Everyone {
        /// Where this is said.
        span: Span,
    },
    /// These users, and the members of these groups.
    Accounts {
        /// Users.
        users: Vec<Account>,
        /// Groups, primary or supplementary.
        groups: Vec<Account>,
    },
}

/// A user or a group that a policy names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// How it is named.
    pub id: AccountId,
    /// Where it is named.
    pub span: Span,
}

/// A user or a group, by name or by number.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum AccountId {
    /// The name in the system's user database.
    Name(String),
    /// The numeric user or group id.
    Id(u32),
}

impl AccountId {
    /// Whether this is the account with this name and number.
    #[must_use]
    pub fn matches(&self, name: &str, id: u32) -> bool {
        match self {
            Self::Name(own) => own == name,
            Self::Id(own) => *own == id,
        }
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Id(id) => write!(f, "{id}"),
        }
    }
}

/// One thing that a policy allows or denies.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Rule {
    /// Its number in the policy, from 1. The numbers are those of [`Policy::rules`].
    pub number: u32,
    /// What it is about.
    pub subject: Subject,
    /// The operations that it holds for, each once: [`Operation::Execute`], [`Operation::Connect`],
    /// [`Operation::Administer`], or some of the others.
    pub operations: Vec<Operation>,
    /// What happens.
    pub action: Action,
    /// Whether an allow rule comes before rules that deny.
    pub overrides: bool,
    /// Which arguments a program must have for the rule to hold.
    pub arguments: Option<ArgumentsCondition>,
    /// What the user is told in addition.
    pub message: Option<String>,
    /// How grave it is for an auditor.
    pub severity: Option<Gravity>,
    /// When it holds; without it always.
    pub when: Option<When>,
    /// The file that it stands in: the policy's own, or a rule set's.
    pub(crate) source: Arc<Source>,
    /// Where the subject stands.
    pub span: Span,
}

impl Rule {
    /// The file that the rule stands in.
    #[must_use]
    pub fn file(&self) -> &Path {
        self.source.path()
    }

    /// The line of that file, from 1.
    #[must_use]
    pub fn line(&self) -> u32 {
        self.span.line
    }

    /// Where the rule stands.
    #[must_use]
    pub fn place(&self) -> Place {
        Place::at(&self.source, self.span)
    }
}

/// What a rule is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// One file, as it was written: absolute and without `.`, `..` or empty parts.
    Path(PathBuf),
    /// What is directly in a directory.
    Directory(PathBuf),
    /// What is in a directory or anywhere below it.
    Tree(PathBuf),
    /// Whatever has this name, wherever it is. Never in an allow rule.
    Name(String),
    /// Programs that somebody other than an administrator could have written; see [`sac_abi::Object::is_untrusted`]. Never in an
    /// allow rule.
    Untrusted,
    /// Memory that is executable and comes from no file. Never in an allow rule.
    ExecutableMemory,
    /// Programs with this SHA-256. Never in an allow rule.
    Content([u8; 32]),
    /// What root could free itself of the policy with: [`sac_abi::Operation::Administer`], and files and sockets that the compiler
    /// knows. Never in an allow rule.
    Administration,
    /// Addresses, and ports in these ranges; without a range all ports.
    Address {
        /// The addresses.
        network: Network,
        /// The ports.
        ports: Vec<PortRange>,
    },
}

impl Subject {
    /// The path that has to be looked up, if there is one.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Path(path) | Self::Directory(path) | Self::Tree(path) => Some(path),
            Self::Name(_)
            | Self::Untrusted
            | Self::ExecutableMemory
            | Self::Content(_)
            | Self::Administration
            | Self::Address { .. } => None,
        }
    }
}

impl fmt::Display for Subject {
    /// A path or name as it was written; a digest in lower case; an address with its ports in brackets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) | Self::Directory(path) | Self::Tree(path) => write!(f, "{}", path.display()),
            Self::Name(name) => f.write_str(name),
            Self::Untrusted => f.write_str("untrusted programs"),
            Self::ExecutableMemory => f.write_str("executable memory"),
            Self::Content(digest) => digest.iter().try_for_each(|byte| write!(f, "{byte:02x}")),
            Self::Administration => f.write_str("what root could free itself of the policy with"),
            Self::Address { network, ports } if ports.is_empty() => write!(f, "{network}"),
            Self::Address { network, ports } => {
                let ports: Vec<_> = ports.iter().map(ToString::to_string).collect();
                write!(f, "{network} [{}]", ports.join(", "))
            }
        }
    }
}

/// Which arguments a program must have; its own name, `argv[0]`, is not counted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ArgumentsCondition {
    /// These in this order.
    All {
        /// One for each argument.
        patterns: Vec<ArgumentPattern>,
        /// Whether any more may follow.
        more: bool,
    },
    /// At least one argument is one of these.
    Any(Vec<String>),
}

/// What one argument must be.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ArgumentPattern {
    /// This text.
    Exactly(String),
    /// Whatever.
    Anything,
}

/// What a session may use up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Most processes and threads in one session.
    pub processes: Option<u32>,
    /// Most sessions of one person at a time.
    pub sessions: Option<u32>,
    /// After how long a session is ended.
    pub session_length: Option<Duration>,
    /// After how long without anything typed a session on a terminal is ended.
    pub idle: Option<Duration>,
    /// How long before its end a session is told.
    pub warning: Duration,
}

/// What happens to who tries again and again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Strikes {
    /// So many blocked attempts in one session …
    pub blocked: u32,
    /// … within so long …
    pub within: Duration,
    /// … lead to this.
    pub then: StrikeAction,
}

/// What strikes lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StrikeAction {
    /// A line in the log, and one on the terminal.
    Notify,
    /// All processes of the session stop until an administrator thaws it.
    Freeze,
    /// All processes of the session are killed.
    End,
}

impl StrikeAction {
    /// The word that policies and records use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Notify => "notify",
            Self::Freeze => "freeze",
            Self::End => "end",
        }
    }
}

/// Something that must be so under a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assertion {
    /// What somebody does.
    pub request: Request,
    /// Whether it must be allowed; otherwise it must be denied.
    pub allowed: bool,
    /// Where it is said.
    pub span: Span,
}

/// Something that somebody does, as an assertion or a question names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Execute a program.
    Execute {
        /// Its path.
        path: PathBuf,
        /// Its arguments without its name; `None` where they do not matter.
        arguments: Option<Vec<String>>,
    },
    /// Use a file.
    File {
        /// How; neither [`Operation::Execute`] nor [`Operation::Connect`]. [`Operation::Administer`] stands for whatever root would do
        /// with it but reading; nobody can write that in a policy.
        operation: Operation,
        /// Its path.
        path: PathBuf,
    },
    /// Connect to an address.
    Connect {
        /// The address and port.
        address: std::net::SocketAddr,
    },
}

#[cfg(test)]
mod tests {
    use super::{fake::policy, *};

    #[test]
    fn what_may_be_restricted_is_what_rules_and_defaults_are_about() {
        use Operation::{Connect, Delete, Execute, Write};
        let operations = |these: &[Operation]| these.iter().copied().fold(Operations::NONE, Operations::with);
        assert_eq!(policy("").operations(), Operations::NONE);
        let of_rules = policy("kill /usr/bin/df\ndeny delete,write tree:/srv\nallow connect 10.0.0.0/8 22\n");
        assert_eq!(of_rules.operations(), operations(&[Execute, Delete, Write, Connect]));
        let of_defaults = Policy { default: Action::Deny, ..policy("") };
        assert_eq!(of_defaults.operations(), operations(&[Execute]));
        let of_defaults = Policy { connections_default: Action::Kill, ..policy("") };
        assert_eq!(of_defaults.operations(), operations(&[Connect]));
    }

    #[test]
    fn opening_is_judged_where_a_rule_is_about_what_is_opened() {
        for rules in
            ["deny read /etc/issue", "deny write tree:/srv", "deny administer confined_root", "deny execmem"]
        {
            assert!(policy(rules).judges_opening(), "{rules}");
        }
        for rules in
            ["", "kill /usr/bin/df", "deny delete,rename,create tree:/srv", "deny connect 10.0.0.0/8 22"]
        {
            assert!(!policy(rules).judges_opening(), "{rules}");
        }
    }
}
