// SPDX-License-Identifier: MIT OR Apache-2.0
//! `sac-loader policy show`: a whole policy in words, of one name or the one that holds for a login.

use super::{
    explain::{moment, remote_host, write_choice},
    load, plain, refuse, words,
};
use anyhow::Context as _;
use jiff::{Timestamp, tz::TimeZone};
use sac_policy::{Login, Policy, choose::Choice};
use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

/// What `policy show` takes.
#[derive(clap::Args)]
pub(in crate::cli) struct ShowArguments {
    /// Show the policy that holds for this user
    #[arg(long, value_name = "NAME", required_unless_present = "policy", conflicts_with = "policy")]
    user: Option<String>,
    /// Show the policy of this name
    #[arg(long, value_name = "NAME")]
    policy: Option<String>,
    /// By which PAM service they log in
    #[arg(long, default_value = "sshd")]
    service: String,
    /// From which address they log in; without it from the machine itself
    #[arg(long, value_name = "ADDRESS")]
    from: Option<String>,
    /// They have no terminal
    #[arg(long)]
    no_terminal: bool,
    /// When, such as 2026-11-25T20:00:00Z, or `2026-11-25 20:00` in the machine's time zone
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    /// Policy file or directory; without any, those that the daemon loads
    #[arg(long, value_name = "PATH")]
    policies: Vec<PathBuf>,
}

/// Shows a policy.
pub(super) fn run(arguments: &ShowArguments) -> anyhow::Result<ExitCode> {
    let at = moment(arguments.at.as_deref())?;
    let loaded = match load(&arguments.policies) {
        Ok(loaded) => loaded,
        Err(faults) => return Ok(refuse(&faults)?),
    };
    let mut out = io::stdout().lock();
    if let Some(name) = &arguments.policy {
        let policy = loaded.set.get(name).with_context(|| format!("there is no policy {}", plain(name)))?;
        writeln!(out, "Policy   {} ({})", policy.name, policy.file().display())?;
        write_policy(&mut out, policy, at)?;
        write_change(&mut out, next_change([policy], policy, at))?;
        return Ok(ExitCode::SUCCESS);
    }
    let user = arguments.user.as_deref().unwrap_or_default();
    let person = crate::person::look_up(user.as_bytes())
        .with_context(|| format!("cannot look up the user {}", plain(user)))?;
    if person.uid == 0 {
        writeln!(out, "No policy ever holds for root")?;
        return Ok(ExitCode::SUCCESS);
    }
    let login = Login {
        service: arguments.service.clone(),
        from: remote_host(arguments.from.as_deref()),
        terminal: !arguments.no_terminal,
    };
    let choice = loaded.set.choose(&person, &login, at);
    write_choice(&mut out, &choice, user)?;
    let Some(winner) = choice.winner else { return Ok(ExitCode::from(super::explain::DENIED)) };
    write_policy(&mut out, winner.policy, at)?;
    write_change(&mut out, next_change(candidates(&choice), winner.policy, at))?;
    Ok(ExitCode::SUCCESS)
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
