// SPDX-License-Identifier: MIT OR Apache-2.0
//! `sac-loader policy diff`: what changes when one set of policies takes the place of another. It compares what policies say
//! and not how they are written, so that a rule that only moved is no difference.

use super::{load, refuse, words};
use sac_abi::Operation;
use sac_policy::{Loaded, Policy, Subject, policy::ArgumentsCondition};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt::Write as _,
    io::{self, Write as _},
    path::PathBuf,
    process::ExitCode,
};

/// What `policy diff` takes.
#[derive(clap::Args)]
pub(in crate::cli) struct DiffArguments {
    /// The old policies, a file or directory, unless it is those that the daemon loads; then the new ones
    #[arg(value_name = "[OLD] NEW", required = true, num_args = 1..=2)]
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
        [old, new] => (std::slice::from_ref(old), std::slice::from_ref(new)),
        new => (&[][..], new),
    };
    let (old, new) = match (load(old), load(new)) {
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
