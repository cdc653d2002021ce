// SPDX-License-Identifier: MIT OR Apache-2.0
//! The keys and words of the language, once for all who need them: the reader, the schema for editors, and the test of the
//! documentation.
//!
//! The order of a table's keys is the order in which the reader takes their values.

/// A key that can stand in a mapping.
pub(crate) struct Key {
    pub(crate) name: &'static str,
    /// What an editor shows about it.
    pub(crate) about: &'static str,
    pub(crate) shape: Shape,
}

/// What can stand behind a key, as far as a schema can say it.
#[derive(Clone, Copy)]
pub(crate) enum Shape {
    /// Any text.
    Text,
    /// A text that this regular expression describes.
    Pattern(&'static str),
    /// One of these words.
    Words(&'static [&'static str]),
    /// `true` or `false`.
    Flag,
    /// Only `true`.
    True,
    /// A whole number from one to another.
    Whole(i64, i64),
    /// A list.
    List(&'static Shape),
    /// A list that has an entry.
    FullList(&'static Shape),
    /// A mapping with these keys.
    Mapping(&'static Mapping),
    /// One of these.
    Either(&'static [Shape]),
    /// Nothing: the reader knows the key only to say why it cannot stand there.
    Refused,
}

/// A mapping with known keys.
pub(crate) struct Mapping {
    pub(crate) keys: &'static [Key],
    /// These must be there.
    pub(crate) required: &'static [&'static str],
    /// Exactly one of these must be there; empty where that is not asked.
    pub(crate) one_of: &'static [&'static str],
}

const fn key(name: &'static str, shape: Shape, about: &'static str) -> Key {
    Key { name, about, shape }
}

const fn mapping(keys: &'static [Key]) -> Mapping {
    Mapping { keys, required: &[], one_of: &[] }
}

pub(crate) const MODES: [&str; 2] = ["enforce", "audit"];
pub(crate) const LOGINS: [&str; 2] = ["allow", "refuse"];
pub(crate) const UNLABELLED: [&str; 2] = ["report", "deny"];
pub(crate) const AUDITS: [&str; 3] = ["blocked", "full", "strict"];
pub(crate) const ACTIONS: [&str; 3] = ["kill", "deny", "audit"];
pub(crate) const DEFAULTS: [&str; 2] = ["allow", "deny"];
/// What `untrusted` and `execmem` can be.
pub(crate) const FATES: [&str; 3] = ["allow", "audit", "deny"];
pub(crate) const SEVERITIES: [&str; 5] = ["info", "low", "medium", "high", "critical"];
pub(crate) const OPERATIONS: [&str; 5] = ["delete", "rename", "write", "create", "read"];
pub(crate) const STRIKE_ACTIONS: [&str; 3] = ["notify", "freeze", "end"];
pub(crate) const EVERYONE: &str = "everyone";
pub(crate) const LOCAL: &str = "local";
/// In `args`: any one argument, and, as the last one, any number of them.
pub(crate) const ANY_ARGUMENT: &str = "*";
pub(crate) const ANY_ARGUMENTS: &str = "**";

/// Most processes of one machine, `PID_MAX_LIMIT` in the kernel's include/linux/threads.h.
pub(crate) const PROCESSES_MAX: u32 = 4_194_304;
pub(crate) const SESSIONS_MAX: u32 = 65_535;
pub(crate) const BLOCKED_MAX: u32 = 10_000;

const NAME: Shape = Shape::Pattern("^[a-z0-9][a-z0-9_-]{0,62}$");
const PATH: Shape = Shape::Pattern("^/.*[^/]$");
const PROGRAM_NAME: Shape = Shape::Pattern("^[^/]+$");
const DURATION: Shape = Shape::Pattern("^(?=.)([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?$");
const SHA256: Shape = Shape::Pattern("^[0-9A-Fa-f]{64}$");
const NETWORK: Shape = Shape::Pattern("^[0-9A-Fa-f:.]+(/[0-9]+)?$");
const VARIABLES: Shape = Shape::List(&Shape::Pattern("^[A-Za-z_][A-Za-z0-9_]{0,62}$"));
const TEXTS: Shape = Shape::List(&Shape::Text);
const ACCOUNTS: Shape = Shape::List(&Shape::Either(&[Shape::Text, Shape::Whole(0, u32::MAX as i64 - 1)]));
const ACTION: Shape = Shape::Words(&ACTIONS);
const DEFAULT: Shape = Shape::Words(&DEFAULTS);
const INHERITS: Shape = Shape::List(&NAME);
const DESCRIPTION: &str = "What it is for, in your words.";
const ACTION_ABOUT: &str = "What this gets; without it the policy's action.";
const MESSAGE_ABOUT: &str = "What the user is told in addition.";
const SEVERITY_ABOUT: &str = "How grave it is for an auditor; without it the policy's severity.";
const WHEN_ABOUT: &str = "When the rule holds; without it always.";
const OVERRIDE_ABOUT: &str = "Whether this comes before all rules that deny.";
const PATH_ABOUT: &str = "One file, from `/`.";
const DIRECTORY_ABOUT: &str = "What is directly in this directory.";
const TREE_ABOUT: &str = "What is in this directory or anywhere below it.";
const NAME_ABOUT: &str = "Whatever is called so, wherever it is.";
const SHA256_ABOUT: &str = "Whatever has this content, wherever it is: its SHA-256 in 64 hexadecimal digits.";
const ARGS_ABOUT: &str =
    "All arguments in order, without the program's name; `*` is any one, a last `**` any number of them.";
const ARGS_ANY_ABOUT: &str = "At least one argument is one of these.";
const OPERATIONS_ABOUT: &str = "What is done with the file.";
const OPERATION_LIST: Shape = Shape::FullList(&Shape::Words(&OPERATIONS));

pub(crate) static POLICY: [Key; 20] = [
    key("policy", NAME, "The policy's name."),
    key("description", Shape::Text, DESCRIPTION),
    key(
        "applies_to",
        Shape::Either(&[Shape::Words(&[EVERYONE]), Shape::Mapping(&mapping(&APPLIES_TO))]),
        "Whom it is for, and for which of their logins.",
    ),
    key(
        "priority",
        Shape::Whole(i32::MIN as i64, i32::MAX as i64),
        "Of several policies for one person the one with the greater number wins; 0 without it.",
    ),
    key("inherits", INHERITS, "The rule sets that it takes rules from."),
    key("mode", Shape::Words(&MODES), "`audit`: nothing is blocked, everything is recorded."),
    key("logins", Shape::Words(&LOGINS), "`refuse`: they may not log in."),
    key(
        "unlabelled",
        Shape::Words(&UNLABELLED),
        "What becomes of logins that came in past SAC; `deny`: their processes are killed.",
    ),
    key(
        "audit",
        Shape::Words(&AUDITS),
        "How much is recorded. `blocked`: of what is done only what is blocked; `strict`: what cannot be recorded is not executed.",
    ),
    key("environment", VARIABLES, "Environment variables that are recorded with each program, by name."),
    key("action", ACTION, "What is blocked gets this, unless its rule says otherwise; `kill` without it."),
    key("message", Shape::Text, "What the user is told in addition when something is blocked."),
    key("severity", Shape::Words(&SEVERITIES), "How grave it is for an auditor that something was blocked."),
    key("programs", Shape::Mapping(&mapping(&PROGRAMS)), "Which programs may run."),
    key("files", Shape::Mapping(&mapping(&FILES)), "What may be done with files."),
    key("connections", Shape::Mapping(&mapping(&CONNECTIONS)), "Where connections may go."),
    key(
        "confined_root",
        Shape::Flag,
        "`true`: who becomes root in a session cannot take hold of the kernel, of SAC or of the rest of the machine.",
    ),
    key("limits", Shape::Mapping(&mapping(&LIMITS)), "What a session may use up."),
    key(
        "strikes",
        Shape::Mapping(&Mapping { keys: &STRIKES, required: &["blocked", "within", "then"], one_of: &[] }),
        "What happens to who tries again and again.",
    ),
    key("tests", Shape::Mapping(&mapping(&TESTS)), "What must be so under the policy."),
];

pub(crate) static POLICY_MAPPING: Mapping =
    Mapping { keys: &POLICY, required: &["policy", "applies_to"], one_of: &[] };

pub(crate) static RULE_SET: [Key; 6] = [
    key("rule_set", NAME, "The rule set's name."),
    key("description", Shape::Text, DESCRIPTION),
    key("inherits", INHERITS, "Other rule sets that it takes rules from."),
    key("programs", Shape::Mapping(&mapping(&SHARED_PROGRAMS)), "Which programs may run."),
    key("files", Shape::Mapping(&mapping(&FILES)), "What may be done with files."),
    key("connections", Shape::Mapping(&mapping(&SHARED_CONNECTIONS)), "Where connections may go."),
];

pub(crate) static RULE_SET_MAPPING: Mapping =
    Mapping { keys: &RULE_SET, required: &["rule_set"], one_of: &[] };

pub(crate) static APPLIES_TO: [Key; 7] = [
    key("users", ACCOUNTS, "Users, by name or id."),
    key("groups", ACCOUNTS, "Groups, by name or id; primary or supplementary."),
    key(EVERYONE, Shape::True, "Everyone, instead of users and groups; never root."),
    key("services", Shape::FullList(&Shape::Text), "Only logins by these PAM services."),
    key(
        "from",
        Shape::FullList(&Shape::Either(&[Shape::Words(&[LOCAL]), NETWORK])),
        "Only logins from these networks; `local`: without a remote address.",
    ),
    key("terminal", Shape::Flag, "Only logins with a terminal, or only those without."),
    key("when", Shape::Mapping(&mapping(&WHEN)), "Only at these times."),
];

pub(crate) static WHEN: [Key; 5] = [
    key(
        "days",
        Shape::FullList(&Shape::Pattern("^(mon|tue|wed|thu|fri|sat|sun)(-(mon|tue|wed|thu|fri|sat|sun))?$")),
        "Days of the week, `mon` to `sun`, and ranges such as `mon-fri`.",
    ),
    key(
        "hours",
        Shape::Pattern("^[0-9]{2}:[0-9]{2}-[0-9]{2}:[0-9]{2}$"),
        "`HH:MM-HH:MM`, the end not included; may go over midnight.",
    ),
    key("from", Shape::Pattern("^[0-9]{4}-[0-9]{2}-[0-9]{2}$"), "The first day, `YYYY-MM-DD`."),
    key("until", Shape::Pattern("^[0-9]{4}-[0-9]{2}-[0-9]{2}$"), "The last day, `YYYY-MM-DD`."),
    key("timezone", Shape::Text, "The time zone's name, such as `Europe/Berlin`; without it the machine's."),
];

static DENIED_PROGRAM_MAPPING: Mapping = Mapping {
    keys: &DENIED_PROGRAM,
    required: &[],
    one_of: &["path", "directory", "tree", "name", "sha256"],
};
static ALLOWED_PROGRAM_MAPPING: Mapping =
    Mapping { keys: &ALLOWED_PROGRAM, required: &[], one_of: &["path", "directory", "tree"] };
const DENIED_PROGRAMS: Shape = Shape::List(&Shape::Either(&[PATH, Shape::Mapping(&DENIED_PROGRAM_MAPPING)]));
const ALLOWED_PROGRAMS: Shape =
    Shape::List(&Shape::Either(&[PATH, Shape::Mapping(&ALLOWED_PROGRAM_MAPPING)]));

const FATE: Shape = Shape::Words(&FATES);
const UNTRUSTED_ABOUT: &str = "What programs get that their user, or another user, could have written; `allow` without it. `deny` gives them the policy's action.";
const EXECMEM_ABOUT: &str = "What becomes of memory that is made executable and comes from no file; `allow` without it. `deny` gives it the policy's action.";

pub(crate) static PROGRAMS: [Key; 5] = [
    key("default", DEFAULT, "What a program gets that no rule names; `allow` without it."),
    key("deny", DENIED_PROGRAMS, "Programs that do not run."),
    key(
        "allow",
        ALLOWED_PROGRAMS,
        "Programs that run although the default is `deny`, or before those denied.",
    ),
    key("untrusted", FATE, UNTRUSTED_ABOUT),
    key("execmem", FATE, EXECMEM_ABOUT),
];

pub(crate) static SHARED_PROGRAMS: [Key; 4] = [
    key("deny", DENIED_PROGRAMS, "Programs that do not run."),
    key(
        "allow",
        ALLOWED_PROGRAMS,
        "Programs that run although the default is `deny`, or before those denied.",
    ),
    key("untrusted", FATE, UNTRUSTED_ABOUT),
    key("execmem", FATE, EXECMEM_ABOUT),
];

pub(crate) static DENIED_PROGRAM: [Key; 11] = [
    key("path", PATH, PATH_ABOUT),
    key("directory", PATH, DIRECTORY_ABOUT),
    key("tree", PATH, TREE_ABOUT),
    key("name", PROGRAM_NAME, NAME_ABOUT),
    key("sha256", SHA256, SHA256_ABOUT),
    key("args", TEXTS, ARGS_ABOUT),
    key("args_any", Shape::FullList(&Shape::Text), ARGS_ANY_ABOUT),
    key("action", ACTION, ACTION_ABOUT),
    key("message", Shape::Text, MESSAGE_ABOUT),
    key("severity", Shape::Words(&SEVERITIES), SEVERITY_ABOUT),
    key("when", Shape::Mapping(&mapping(&WHEN)), WHEN_ABOUT),
];

pub(crate) static ALLOWED_PROGRAM: [Key; 8] = [
    key("path", PATH, PATH_ABOUT),
    key("directory", PATH, DIRECTORY_ABOUT),
    key("tree", PATH, TREE_ABOUT),
    key("name", Shape::Refused, ""),
    key("args", TEXTS, ARGS_ABOUT),
    key("args_any", Shape::FullList(&Shape::Text), ARGS_ANY_ABOUT),
    key("override", Shape::Flag, OVERRIDE_ABOUT),
    key("when", Shape::Mapping(&mapping(&WHEN)), WHEN_ABOUT),
];

pub(crate) static FILES: [Key; 2] = [
    key(
        "deny",
        Shape::List(&Shape::Mapping(&Mapping {
            keys: &DENIED_FILE,
            required: &["operations"],
            one_of: &["path", "directory", "tree", "name"],
        })),
        "What may not be done with files.",
    ),
    key(
        "allow",
        Shape::List(&Shape::Mapping(&Mapping {
            keys: &ALLOWED_FILE,
            required: &["operations"],
            one_of: &["path", "directory", "tree"],
        })),
        "What may be done although a rule denies it.",
    ),
];

pub(crate) static DENIED_FILE: [Key; 9] = [
    key("path", PATH, PATH_ABOUT),
    key("directory", PATH, DIRECTORY_ABOUT),
    key("tree", PATH, TREE_ABOUT),
    key("name", PROGRAM_NAME, NAME_ABOUT),
    key("operations", OPERATION_LIST, OPERATIONS_ABOUT),
    key("action", ACTION, ACTION_ABOUT),
    key("message", Shape::Text, MESSAGE_ABOUT),
    key("severity", Shape::Words(&SEVERITIES), SEVERITY_ABOUT),
    key("when", Shape::Mapping(&mapping(&WHEN)), WHEN_ABOUT),
];

pub(crate) static ALLOWED_FILE: [Key; 7] = [
    key("path", PATH, PATH_ABOUT),
    key("directory", PATH, DIRECTORY_ABOUT),
    key("tree", PATH, TREE_ABOUT),
    key("name", Shape::Refused, ""),
    key("operations", OPERATION_LIST, OPERATIONS_ABOUT),
    key("override", Shape::Flag, OVERRIDE_ABOUT),
    key("when", Shape::Mapping(&mapping(&WHEN)), WHEN_ABOUT),
];

const DENIED_CONNECTIONS: Shape = Shape::List(&Shape::Either(&[
    NETWORK,
    Shape::Mapping(&Mapping { keys: &DENIED_CONNECTION, required: &["to"], one_of: &[] }),
]));
const ALLOWED_CONNECTIONS: Shape = Shape::List(&Shape::Either(&[
    NETWORK,
    Shape::Mapping(&Mapping { keys: &ALLOWED_CONNECTION, required: &["to"], one_of: &[] }),
]));
const PORTS: Shape =
    Shape::FullList(&Shape::Either(&[Shape::Whole(1, 65_535), Shape::Pattern("^[0-9]+-[0-9]+$")]));

pub(crate) static CONNECTIONS: [Key; 3] = [
    key("default", DEFAULT, "What a connection gets that no rule names; `allow` without it."),
    key("deny", DENIED_CONNECTIONS, "Where connections may not go."),
    key("allow", ALLOWED_CONNECTIONS, "Where they may go although the default or a rule denies it."),
];

pub(crate) static SHARED_CONNECTIONS: [Key; 2] = [
    key("deny", DENIED_CONNECTIONS, "Where connections may not go."),
    key("allow", ALLOWED_CONNECTIONS, "Where they may go although the default or a rule denies it."),
];

pub(crate) static DENIED_CONNECTION: [Key; 6] = [
    key("to", NETWORK, "An address or a network."),
    key("ports", PORTS, "Ports and ranges of ports; without it all."),
    key("action", ACTION, ACTION_ABOUT),
    key("message", Shape::Text, MESSAGE_ABOUT),
    key("severity", Shape::Words(&SEVERITIES), SEVERITY_ABOUT),
    key("when", Shape::Mapping(&mapping(&WHEN)), WHEN_ABOUT),
];

pub(crate) static ALLOWED_CONNECTION: [Key; 4] = [
    key("to", NETWORK, "An address or a network."),
    key("ports", PORTS, "Ports and ranges of ports; without it all."),
    key("override", Shape::Flag, OVERRIDE_ABOUT),
    key("when", Shape::Mapping(&mapping(&WHEN)), WHEN_ABOUT),
];

pub(crate) static LIMITS: [Key; 5] = [
    key("processes", Shape::Whole(1, PROCESSES_MAX as i64), "Most processes and threads in one session."),
    key("sessions", Shape::Whole(1, SESSIONS_MAX as i64), "Most sessions of one person at a time."),
    key("session_length", DURATION, "After how long a session is ended."),
    key("idle", DURATION, "After how long without anything typed a session on a terminal is ended."),
    key("warning", DURATION, "How long before its end a session is told; 5m without it."),
];

pub(crate) static STRIKES: [Key; 3] = [
    key("blocked", Shape::Whole(1, BLOCKED_MAX as i64), "How many blocked attempts in one session."),
    key("within", DURATION, "Within how long."),
    key("then", Shape::Words(&STRIKE_ACTIONS), "What they lead to."),
];

const ASSERTIONS: Shape = Shape::List(&Shape::Either(&[
    PATH,
    Shape::Mapping(&Mapping {
        keys: &ASSERTION,
        required: &[],
        one_of: &["exec", "delete", "rename", "write", "create", "read", "connect"],
    }),
]));

pub(crate) static TESTS: [Key; 2] =
    [key("allowed", ASSERTIONS, "What must be allowed."), key("denied", ASSERTIONS, "What must be denied.")];

pub(crate) static ASSERTION: [Key; 8] = [
    key("exec", PATH, "A program is executed."),
    key("args", TEXTS, "The program's arguments without its name; without it they do not matter."),
    key("delete", PATH, "A file is removed."),
    key("rename", PATH, "A file is renamed or moved."),
    key("write", PATH, "A file is written."),
    key("create", PATH, "A file is created."),
    key("read", PATH, "A file is read."),
    key("connect", Shape::Pattern("^.+:[0-9]+$"), "A connection is made to an address and a port."),
];
