// SPDX-License-Identifier: MIT OR Apache-2.0
//! `sac-loader policy learn`: a first policy from what somebody has executed so far, to be reviewed by an administrator.
//!
//! It records habits and judges nothing: what was executed is not thereby harmless. So the policy begins in audit mode, and what
//! lies where its users can write is only written as a comment.

mod executed;
mod write;

use super::{login::moment, plain, refuse};
use anyhow::{Context as _, bail};
use executed::Executed;
use jiff::{Span, Timestamp, tz::TimeZone};
use sac_abi::scope::SIGHTING_EVERY_S;
use sac_policy::{PolicySet, Source};
use std::{
    fs::File,
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

/// What `policy learn` takes.
#[derive(clap::Args)]
pub(in crate::cli) struct LearnArguments {
    /// The user to learn from, whom the policy is for
    #[arg(long, value_name = "NAME", required_unless_present = "group", conflicts_with = "group")]
    user: Option<String>,
    /// The group to learn from, all of its members, which the policy is for
    #[arg(long, value_name = "NAME")]
    group: Option<String>,
    /// Only what was executed since then, or up to an hour before: a time such as `2026-11-25 20:00`, or how long ago, such as 30d
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// The policy's name; without it `learned-` and the user or group
    #[arg(long, value_name = "POLICY")]
    name: Option<String>,
    /// Write the policy to this new file
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Where the daemon's records are
    #[arg(long, value_name = "DIRECTORY", hide = true, default_value = executed::DIRECTORY)]
    from_directory: PathBuf,
}

/// Whom a policy is learned from.
#[derive(Clone, Copy)]
enum Whom<'a> {
    User(&'a str),
    Group(&'a str),
}

/// Learns a policy.
pub(super) fn run(arguments: &LearnArguments) -> anyhow::Result<ExitCode> {
    let now = Timestamp::now();
    let since = arguments.since.as_deref().map(|text| since(text, now)).transpose()?;
    let whom = match (&arguments.user, &arguments.group) {
        (Some(user), _) => Whom::User(user),
        (None, Some(group)) => Whom::Group(group),
        (None, None) => bail!("say whom to learn from: --user NAME or --group NAME"),
    };
    let directory = &arguments.from_directory;
    let mut executed = match whom {
        Whom::User(user) => Executed::of_user(directory, user)?,
        Whom::Group(group) => Executed::of_group(directory, group)?,
    };
    let all = executed.programs.len();
    if let Some(since) = since {
        // What was reported within this time before may have been executed again since.
        let unreported = Span::new().seconds(i64::from(SIGHTING_EVERY_S));
        let reported = since.checked_sub(unreported).unwrap_or(Timestamp::MIN);
        executed.programs.retain(|_path, seen| seen.last >= reported);
    }
    let (Whom::User(who) | Whom::Group(who)) = whom;
    if executed.programs.is_empty() {
        let since = if all > 0 { " since then; choose an earlier time for --since" } else { "" };
        bail!("{} has no record that {} executed anything{since}", directory.display(), plain(who));
    }
    let name = arguments.name.clone().unwrap_or_else(|| format!("learned-{who}"));
    let text = write::policy(&name, whom, &executed, since, now);
    let file = arguments.output.as_deref().unwrap_or(Path::new("learned.yaml"));
    // A name that cannot be one, or more programs than a policy can have.
    if let Err(faults) = PolicySet::from_sources(vec![Source::new(file, text.as_str())]) {
        return Ok(refuse(&faults)?);
    }
    match &arguments.output {
        None => io::stdout().write_all(text.as_bytes())?,
        Some(file) => {
            let write = || File::create_new(file)?.write_all(text.as_bytes());
            write().with_context(|| format!("cannot write the new file {}", file.display()))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// A moment, or how long ago it was.
fn since(text: &str, now: Timestamp) -> anyhow::Result<Timestamp> {
    match text.parse::<Span>() {
        Ok(ago) if !ago.is_negative() => {
            let zone = TimeZone::system();
            let clock = zone.to_datetime(now).checked_sub(ago).context("--since is too long ago")?;
            Ok(zone.to_timestamp(clock)?)
        }
        _ => moment(Some(text)),
    }
}
