// SPDX-License-Identifier: MIT OR Apache-2.0
//! `sac-loader policy show`: a whole policy in words, of one name or the one that holds for a login.

use super::{choice, json, load, login::LoginArguments, plain, refuse, words};
use anyhow::Context as _;
use jiff::{Timestamp, tz::TimeZone};
use sac_policy::{Policy, choose::Choice};
use serde_json::json;
use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

/// What `policy show` takes.
#[derive(clap::Args)]
pub(in crate::cli) struct ShowArguments {
    /// Show the policy of this name, whomever it is for
    #[arg(long, value_name = "NAME", conflicts_with_all = ["user", "groups"])]
    policy: Option<String>,
    #[command(flatten)]
    login: LoginArguments,
    /// Print a JSON object for programs
    #[arg(long)]
    json: bool,
    /// Policy file or directory; without any, those that the daemon loads
    #[arg(long, value_name = "PATH")]
    policies: Vec<PathBuf>,
}

/// Shows a policy.
pub(super) fn run(arguments: &ShowArguments) -> anyhow::Result<ExitCode> {
    let at = arguments.login.at()?;
    let loaded = match load(&arguments.policies) {
        Ok(loaded) => loaded,
        Err(faults) => return Ok(refuse(&faults)?),
    };
    let mut out = io::stdout().lock();
    if let Some(name) = &arguments.policy {
        let policy = loaded.set.get(name).with_context(|| format!("there is no policy {}", plain(name)))?;
        let change = next_change([policy], policy, at);
        if arguments.json {
            writeln!(out, "{:#}", with_change(json::policy(policy, at), change))?;
        } else {
            writeln!(out, "Policy   {} ({})", policy.name, policy.file().display())?;
            write_policy(&mut out, policy, at)?;
            write_change(&mut out, change)?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let person = arguments.login.person()?;
    if person.uid == 0 {
        let text = if arguments.json { "null" } else { "No policy ever holds for root" };
        writeln!(out, "{text}")?;
        return Ok(ExitCode::SUCCESS);
    }
    let choice = loaded.set.choose(&person, &arguments.login.login(), at);
    let policy = choice.winner.map(|winner| winner.policy);
    let change = policy.and_then(|policy| next_change(candidates(&choice), policy, at));
    if arguments.json {
        let said = policy.map_or(json!({}), |policy| with_change(json::policy(policy, at), change));
        writeln!(out, "{:#}", json::merged(said, choice::json(&choice)))?;
    } else {
        choice::write(&mut out, &choice, &arguments.login.shown())?;
        if let Some(policy) = policy {
            write_policy(&mut out, policy, at)?;
            write_change(&mut out, change)?;
        }
    }
    Ok(if policy.is_some() { ExitCode::SUCCESS } else { ExitCode::from(super::explain::DENIED) })
}

fn with_change(policy: serde_json::Value, change: Option<Timestamp>) -> serde_json::Value {
    json::merged(policy, json!({"next_change": change.map(|change| change.to_string())}))
}

/// All policies that are for the person. Whenever the times of one begin or end, another may come to hold.
fn candidates<'s>(choice: &Choice<'s>) -> Vec<&'s Policy> {
    let losers = choice.losers.iter().map(|loser| loser.matched.policy);
    let excluded = choice.excluded.iter().map(|excluded| excluded.matched.policy);
    choice.winner.iter().map(|winner| winner.policy).chain(losers).chain(excluded).collect()
}

fn next_change<'p>(
    candidates: impl IntoIterator<Item = &'p Policy>,
    policy: &Policy,
    at: Timestamp,
) -> Option<Timestamp> {
    let choice = candidates.into_iter().filter_map(|candidate| candidate.applies_to.when.as_ref());
    let rules = policy.rules.iter().filter_map(|rule| rule.when.as_ref());
    choice.chain(rules).filter_map(|when| when.next_change(at)).min()
}

fn write_change(out: &mut impl Write, change: Option<Timestamp>) -> io::Result<()> {
    match change {
        None => writeln!(out, "It never changes with the time"),
        Some(change) => {
            let clock = TimeZone::system().to_datetime(change);
            writeln!(out, "It next changes at {} {}", clock.date(), clock.time())
        }
    }
}

fn write_policy(out: &mut impl Write, policy: &Policy, at: Timestamp) -> io::Result<()> {
    for (name, value) in words::fields(policy) {
        writeln!(out, "  {:<23} {value}", format!("{name}:"))?;
    }
    writeln!(out, "Rules{}", if policy.rules.is_empty() { ": none" } else { "" })?;
    for rule in &policy.rules {
        let operations: Vec<_> = rule.operations.iter().map(|operation| operation.as_str()).collect();
        let about = words::about(&rule.subject, rule.arguments.as_ref());
        let pause = rule.when.as_ref().is_some_and(|when| !when.holds(at));
        writeln!(
            out,
            "{:3}. {} {about}: {}{} ({}:{})",
            rule.number,
            operations.join(", "),
            words::effect(rule),
            if pause { "; not now" } else { "" },
            rule.file().display(),
            rule.line()
        )?;
    }
    Ok(())
}
