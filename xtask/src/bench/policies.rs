// SPDX-License-Identifier: MIT OR Apache-2.0
//! The policies that are measured, and the programs that they are about.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::operations::Under;
use super::part::{Part, Parts};

/// How many programs rules can be about.
pub(super) const PROGRAMS: usize = 10_000;

/// Policies in a set of many; each has so many rules that they are as many rules as one large policy has.
pub(super) const MANY: usize = 1_000;

/// The users that are logged in while policies are exchanged. In a set of many each has a policy of their own.
pub(super) const USERS: [&str; 4] = ["alice", "bob", "carol", "dave"];

/// How often a set is exchanged for another one of its kind, in which every policy is different.
pub(super) const SWAPS: usize = 2;

/// The program whose execution is measured. No rule is about it, except where a row says so.
pub(super) fn measured(dir: &Path) -> PathBuf {
    dir.join("program")
}

/// A program that waits for ever.
pub(super) fn waiting(dir: &Path) -> PathBuf {
    dir.join("waiting")
}

/// The program that measures, which has to run under every policy.
pub(super) fn measuring(dir: &Path) -> PathBuf {
    dir.join("xtask")
}

/// A program that rules are about.
pub(super) fn denied(dir: &Path, number: usize) -> PathBuf {
    dir.join(format!("denied/program-{:05}", number % PROGRAMS))
}

/// The directories that rules are about. The first is the one of the programs.
pub(super) fn trees(dir: &Path) -> impl Iterator<Item = PathBuf> {
    let others = (1..10).map(|number| format!("tree-{number}"));
    ["denied".to_owned()].into_iter().chain(others).map(|name| dir.join(name))
}

/// Which kind of policy something is measured under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// No rule.
    Empty,
    /// So many programs denied by their paths.
    Paths(usize),
    /// Names denied.
    Names,
    /// Trees denied.
    Trees,
    /// All that may run is listed.
    AllowList,
    /// Nothing denied but certain arguments of the program that is measured.
    Arguments,
}

impl Kind {
    /// All kinds, in the order of the table.
    pub(super) const ALL: [Self; 8] = [
        Self::Empty,
        Self::Paths(10),
        Self::Paths(1_000),
        Self::Paths(PROGRAMS),
        Self::Names,
        Self::Trees,
        Self::AllowList,
        Self::Arguments,
    ];

    /// What the table says.
    pub(super) fn title(self) -> String {
        match self {
            Self::Empty => "empty policy".to_owned(),
            Self::Paths(rules) => format!("{} paths denied", super::grouped(rules as u64)),
            Self::Names => "10 names denied".to_owned(),
            Self::Trees => "10 trees denied".to_owned(),
            Self::AllowList => "allow list of 10 paths".to_owned(),
            Self::Arguments => "arguments of this program denied".to_owned(),
        }
    }

    /// Where its policy lies.
    pub(super) fn file(self, dir: &Path) -> PathBuf {
        let name = match self {
            Self::Empty => "empty".to_owned(),
            Self::Paths(rules) => format!("paths-{rules}"),
            Self::Names => "names".to_owned(),
            Self::Trees => "trees".to_owned(),
            Self::AllowList => "allow-list".to_owned(),
            Self::Arguments => "arguments".to_owned(),
        };
        dir.join("single").join(format!("{name}.yaml"))
    }

    /// Whether the first of the programs that rules are about is denied.
    pub(super) fn blocks_the_first(self) -> bool {
        matches!(self, Self::Paths(_) | Self::Trees | Self::Names | Self::AllowList)
    }

    fn text(self, dir: &Path) -> String {
        let mut text = "policy: bench\napplies_to: everyone\n".to_owned();
        let rules: Vec<String> = match self {
            Self::Empty => return text,
            Self::Paths(rules) => (0..rules).map(|number| path_rule(dir, number)).collect(),
            // The first is the name of a program, the others are nobody's.
            Self::Names => (0..10).map(|number| format!("name: program-{number:05}")).collect(),
            Self::Trees => trees(dir).map(|tree| format!("tree: {}", tree.display())).collect(),
            Self::AllowList => [measured(dir), measuring(dir)]
                .iter()
                .map(|path| path.display().to_string())
                .chain((1..9).map(|number| path_rule(dir, number)))
                .collect(),
            Self::Arguments => vec![format!("path: {}\n      args: [stop, \"*\"]", measured(dir).display())],
        };
        let list = if self == Self::AllowList { "default: deny\n  allow" } else { "deny" };
        add_programs(&mut text, list, rules);
        text
    }
}

/// A set of policies that the daemon loads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Set {
    /// One policy for everyone, with all rules.
    One,
    /// Many policies of few rules.
    Many,
}

impl Set {
    /// Where a version of this set lies.
    pub(super) fn directory(self, dir: &Path, version: usize) -> PathBuf {
        let name = match self {
            Self::One => "one",
            Self::Many => "many",
        };
        dir.join(format!("{name}-{version}"))
    }

    /// What the table says.
    pub(super) fn title(self) -> String {
        let rules = super::grouped(PROGRAMS as u64);
        match self {
            Self::One => format!("1 policy of {rules} rules"),
            Self::Many => format!("{} policies of {} rules", super::grouped(MANY as u64), PROGRAMS / MANY),
        }
    }

    /// Its files. In each version every policy is another one.
    fn files(self, dir: &Path, version: usize) -> Vec<(PathBuf, String)> {
        let directory = self.directory(dir, version);
        match self {
            Self::One => {
                let mut text = "policy: one\napplies_to: everyone\n".to_owned();
                // Each version begins with another one, so that every rule has another number.
                let rules = (version..).take(PROGRAMS).map(|number| path_rule(dir, number));
                add_programs(&mut text, "deny", rules);
                vec![(directory.join("one.yaml"), text)]
            }
            Self::Many => (0..MANY)
                .map(|number| {
                    // Users that nobody is have numbers.
                    let user = USERS.get(number).map_or((100_000 + number).to_string(), ToString::to_string);
                    let mut text = format!("policy: many-{number}\napplies_to:\n  users: [{user}]\n");
                    let first = number * (PROGRAMS / MANY) + version;
                    add_programs(
                        &mut text,
                        "deny",
                        (first..).take(PROGRAMS / MANY).map(|of| path_rule(dir, of)),
                    );
                    (directory.join(format!("many-{number}.yaml")), text)
                })
                .collect(),
        }
    }
}

pub(super) fn path_rule(dir: &Path, number: usize) -> String {
    denied(dir, number).display().to_string()
}

pub(super) fn add_programs(text: &mut String, list: &str, rules: impl IntoIterator<Item = String>) {
    // Writing to a string cannot fail.
    writeln!(text, "programs:\n  {list}:").ok();
    for rule in rules {
        writeln!(text, "    - {rule}").ok();
    }
}

/// The path and text of every policy that these parts measure with.
pub(super) fn all(dir: &Path, parts: &Parts) -> impl Iterator<Item = (PathBuf, String)> {
    let single = parts
        .has_any(&[Part::Executions, Part::Operations])
        .then(|| Kind::ALL.into_iter().map(move |kind| (kind.file(dir), kind.text(dir))));
    let empty = (single.is_none() && (parts.has_every_kind() || parts.has(Part::Logins)))
        .then(|| (Kind::Empty.file(dir), Kind::Empty.text(dir)));
    let every_kind = parts.has_every_kind().then(|| Under::EveryKind.policy(dir)).flatten();
    let of_operations = parts.has(Part::Operations).then(|| Under::policies(dir));
    let sets = parts.has_any(&[Part::Checks, Part::Daemon]).then(|| {
        let versions = (0..=SWAPS).flat_map(|version| [Set::One, Set::Many].map(|set| (set, version)));
        versions.flat_map(move |(set, version)| set.files(dir, version))
    });
    let single = single.into_iter().flatten().chain(empty).chain(every_kind);
    single.chain(of_operations.into_iter().flatten()).chain(sets.into_iter().flatten())
}
