// SPDX-License-Identifier: MIT OR Apache-2.0
//! `sac-loader policy diff`: what changes when one set of policies takes the place of another. It compares what policies say
//! and not how they are written, so that a rule that only moved is no difference.
//!
//! One file beside a whole directory is compared as if it were put there: it takes the place of the file of its name, and inherits
//! the rule sets of the others.

use super::{load, refuse, words};
use crate::cli::POLICIES;
use sac_abi::Operation;
use sac_policy::{Faults, Loaded, Policy, PolicySet, Subject, policy::ArgumentsCondition};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt::Write as _,
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

/// What `policy diff` takes.
#[derive(clap::Args)]
pub(in crate::cli) struct DiffArguments {
    /// The old policies and the new ones, each a file or a directory; of only one, how it changes those that the daemon loads.
    /// A file beside a directory is compared as if it were put there
    #[arg(value_name = "[OLD] NEW", num_args = 0..=2)]
    paths: Vec<PathBuf>,
}

/// Exit code where they differ.
const DIFFERENT: u8 = 1;

/// Exit code where one of them cannot be read.
const UNUSABLE: u8 = 2;

/// What a rule is about: rules that share this are the same rule with another effect.
type About<'p> = (Operation, &'p Subject, Option<&'p ArgumentsCondition>);

/// Compares policies.
pub(super) fn run(arguments: &DiffArguments) -> anyhow::Result<ExitCode> {
    let (old, new) = match arguments.paths.as_slice() {
        [old, new] => (old.as_path(), new.as_path()),
        [new] => (Path::new(POLICIES), new.as_path()),
        _ => {
            // What is in that directory is in force, or has faults and cannot be compared.
            writeln!(
                io::stderr(),
                "sac-loader: name the new policies, a file or a directory, to compare them with those in {POLICIES}; \
                 whether these are in force says `sac-loader policy check`"
            )?;
            return Ok(ExitCode::from(UNUSABLE));
        }
    };
    let (old, new) = match (read(old), read_beside(old, new)) {
        (Ok(old), Ok(new)) => (old, new),
        (old, new) => {
            for faults in [old, new].into_iter().filter_map(Result::err) {
                refuse(&faults)?;
            }
            return Ok(ExitCode::from(UNUSABLE));
        }
    };
    let text = compare(&old, &new);
    io::stdout().write_all(text.as_bytes())?;
    Ok(if text.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(DIFFERENT) })
}

/// Reads the policies of one path.
fn read(path: &Path) -> Result<Loaded, Faults> {
    // What the daemon loads has to be root's.
    if path == Path::new(POLICIES) { load(&[]) } else { load(&[path.to_owned()]) }
}

/// Reads `new`; if it is a file and `old` a directory, as if it were in there.
fn read_beside(old: &Path, new: &Path) -> Result<Loaded, Faults> {
    let is_put_there = old.is_dir() && new.is_file();
    let Some(entries) = is_put_there.then(|| old.read_dir().ok()).flatten() else { return read(new) };
    let is_policy = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default();
        !name.as_encoded_bytes().starts_with(b".")
            && path.extension().is_some_and(|extension| extension == "yaml")
            && Some(name) != new.file_name()
    };
    let mut files: Vec<_> = entries.flatten().map(|entry| entry.path()).filter(is_policy).collect();
    files.push(new.to_owned());
    files.sort();
    PolicySet::load_files(&files)
}

/// The differences, a line each; nothing where there are none.
fn compare(old: &Loaded, new: &Loaded) -> String {
    let mut text = String::new();
    let names = |loaded: &Loaded| -> BTreeSet<String> {
        loaded.set.policies().iter().map(|policy| policy.name.clone()).collect()
    };
    for name in names(old).union(&names(new)) {
        // Writing to a string cannot fail.
        let _infallible = match (old.set.get(name), new.set.get(name)) {
            (Some(old), Some(new)) => {
                let changes = changes(old, new);
                if changes.is_empty() { Ok(()) } else { write!(text, "changed policy {name}\n{changes}") }
            }
            (Some(old), None) => writeln!(text, "removed policy {name} ({})", old.file().display()),
            (None, Some(new)) => writeln!(text, "added policy {name} ({})", new.file().display()),
            (None, None) => Ok(()),
        };
    }
    text
}

/// What is different between two versions of one policy.
fn changes(old: &Policy, new: &Policy) -> String {
    let mut lines = Vec::new();
    for ((name, was), (_, is)) in words::fields(old).into_iter().zip(words::fields(new)) {
        if was != is {
            lines.push(format!("  {name}: {was} -> {is}"));
        }
    }
    let (was, is) = (effects(old), effects(new));
    let shown = |(operation, subject, arguments): &About<'_>| {
        format!("{} {}", operation.as_str(), words::about(subject, *arguments))
    };
    let mut rules = BTreeMap::new();
    for (about, was) in &was {
        let line = match is.get(about) {
            Some(is) if is == was => continue,
            Some(is) => ("changed", format!("{} -> {}", joined(was), joined(is))),
            None => ("removed", joined(was)),
        };
        rules.insert(shown(about), line);
    }
    for (about, is) in is.iter().filter(|(about, _)| !was.contains_key(*about)) {
        rules.insert(shown(about), ("added", joined(is)));
    }
    lines
        .extend(rules.into_iter().map(|(about, (what, effect))| format!("  {what} rule: {about}: {effect}")));
    lines.iter().map(|line| format!("{line}\n")).collect()
}

/// What the rules of a policy do, by what they are about. Their order means nothing: the strictest counts.
fn effects(policy: &Policy) -> HashMap<About<'_>, BTreeSet<String>> {
    let mut effects: HashMap<_, BTreeSet<_>> = HashMap::new();
    for rule in &policy.rules {
        for operation in &rule.operations {
            let about = (*operation, &rule.subject, rule.arguments.as_ref());
            effects.entry(about).or_default().insert(words::effect(rule));
        }
    }
    effects
}

fn joined(effects: &BTreeSet<String>) -> String {
    effects.iter().map(String::as_str).collect::<Vec<_>>().join(" and ")
}
