// SPDX-License-Identifier: MIT OR Apache-2.0
//! `sac-loader policy explain`: what somebody may do, under which policy, and why.

mod batch;

use super::{host_files, load, plain, refuse, situation};
use anyhow::{Context as _, bail};
use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use sac_abi::Operation;
use sac_policy::{
    Login, RemoteHost,
    choose::{Choice, LostBy, MatchedBy, Unmet},
    compile, explain,
    policy::{Logins, Request},
};
use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

/// What `policy explain` takes.
#[derive(clap::Args)]
pub(in crate::cli) struct ExplainArguments {
    /// Who does it
    #[arg(long, value_name = "NAME", required_unless_present = "batch")]
    user: Option<String>,
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
    /// They delete this file
    #[arg(long, value_name = "FILE", conflicts_with_all = ["connect", "operation", "path"])]
    unlink: Option<PathBuf>,
    /// They connect to this address and port
    #[arg(long, value_name = "ADDRESS:PORT", conflicts_with_all = ["operation", "path"])]
    connect: Option<String>,
    /// What they do with PATH: execute, delete, rename, write, create or read
    #[arg(long, default_value = "execute")]
    operation: String,
    /// Answer the requests of this file, one JSON object a line, for the only policy of `--policies`
    #[arg(long, value_name = "FILE", hide = true)]
    batch: Option<PathBuf>,
    /// The program that they run, or the file
    path: Option<PathBuf>,
    /// The program's arguments
    #[arg(last = true)]
    arguments: Vec<String>,
}

/// Exit code where it is denied.
pub(super) const DENIED: u8 = 3;

/// Explains.
pub(super) fn run(arguments: &ExplainArguments) -> anyhow::Result<ExitCode> {
    let at = moment(arguments.at.as_deref())?;
    let loaded = match load(&arguments.policies) {
        Ok(loaded) => loaded,
        Err(faults) => return Ok(refuse(&faults)?),
    };
    if let Some(file) = &arguments.batch {
        let [policy] = loaded.set.policies() else { bail!("--policies must name one policy") };
        return batch::run(policy, file, &situation(at));
    }
    let request = request(arguments)?;
    let user = arguments.user.as_deref().unwrap_or_default();
    let person = crate::person::look_up(user.as_bytes())
        .with_context(|| format!("cannot look up the user {}", plain(user)))?;
    let mut out = io::stdout().lock();
    if person.uid == 0 {
        writeln!(out, "No policy ever holds for root, so it is allowed")?;
        return Ok(ExitCode::SUCCESS);
    }
    let from = remote_host(arguments.from.as_deref());
    let login = Login { service: arguments.service.clone(), from, terminal: !arguments.no_terminal };
    let choice = loaded.set.choose(&person, &login, at);
    write_choice(&mut out, &choice, user)?;
    let Some(winner) = choice.winner else { return Ok(ExitCode::from(DENIED)) };
    let (files, situation) = (host_files(), situation(at));
    let compiled = compile(winner.policy, &files, &situation);
    let explained = explain(winner.policy, &compiled, &files, &request, &situation);
    writeln!(out, "\nRequest  {}", plain(&explained.request))?;
    writeln!(out, "Verdict  {}", plain(&explained.conclusion))?;
    if !explained.enforced {
        writeln!(
            out,
            "         this version does not enforce such rules yet, so it goes on whatever they say"
        )?;
    }
    for message in &explained.messages {
        writeln!(out, "Message  {}", plain(message))?;
    }
    writeln!(out, "Steps")?;
    for (number, step) in explained.steps.iter().enumerate() {
        let mark = if step.decides { "  <- decides" } else { "" };
        writeln!(out, "{:3}. {}: {}{mark}", number + 1, plain(&step.looked_at), plain(&step.said))?;
    }
    let is_denied = explained.enforced && explained.verdict.action().blocks();
    Ok(if is_denied { ExitCode::from(DENIED) } else { ExitCode::SUCCESS })
}

/// Where a login comes from, as somebody names it.
pub(super) fn remote_host(from: Option<&str>) -> RemoteHost {
    match from {
        None | Some("local") => RemoteHost::Local,
        Some(host) => {
            host.parse().map_or_else(|_name| RemoteHost::Name(host.to_owned()), RemoteHost::Address)
        }
    }
}

/// Says which policy holds, and why the others do not.
pub(super) fn write_choice(out: &mut impl Write, choice: &Choice<'_>, user: &str) -> io::Result<()> {
    match choice.winner {
        None => {
            writeln!(out, "Policy   none is for this login of {}, so it is refused", plain(user))?;
        }
        Some(winner) => {
            let by = match winner.by {
                MatchedBy::User(id) => format!("it names the user {id}"),
                MatchedBy::Group(id) => format!("it names the group {id}"),
                MatchedBy::Everyone => "it is for everyone".to_owned(),
            };
            writeln!(
                out,
                "Policy   {}, because {by} ({})",
                winner.policy.name,
                winner.policy.file().display()
            )?;
            if winner.policy.logins == Logins::Refuse {
                writeln!(out, "         new logins are refused; what follows is for sessions that are open")?;
            }
        }
    }
    for loser in &choice.losers {
        let because = match loser.because {
            LostBy::Priority => "its priority is lower",
            LostBy::Specificity => "it names the person less closely",
            LostBy::Conditions => "it has fewer conditions on the login",
            LostBy::Name => "all else is equal, and its name sorts later",
        };
        writeln!(out, "         not {}: {because}", loser.matched.policy.name)?;
    }
    for excluded in &choice.excluded {
        let because = match excluded.because {
            Unmet::Service => "it is for logins by other services",
            Unmet::Origin => "it is for logins from elsewhere",
            Unmet::Terminal => "it is for logins with or without a terminal, and this is the other kind",
            Unmet::Time => "it holds at other times",
        };
        writeln!(out, "         not {}: {because}", excluded.matched.policy.name)?;
    }
    Ok(())
}

fn request(arguments: &ExplainArguments) -> anyhow::Result<Request> {
    if let Some(address) = &arguments.connect {
        let address =
            address.parse().context("--connect takes an address and a port, such as 10.1.2.3:443")?;
        return Ok(Request::Connect { address });
    }
    let (operation, path) = match (&arguments.unlink, &arguments.path) {
        (Some(path), _) => (Operation::Delete, path),
        (None, Some(path)) => {
            let named = |operation: &Operation| operation.as_str() == arguments.operation;
            let operation = Operation::ALL.into_iter().find(named);
            match operation.filter(|operation| *operation != Operation::Connect) {
                Some(operation) => (operation, path),
                None => bail!("--operation is one of execute, delete, rename, write, create and read"),
            }
        }
        (None, None) => bail!("say what is done: PATH, --unlink PATH or --connect ADDRESS:PORT"),
    };
    if !path.is_absolute() {
        bail!("{} does not begin with `/`; write the whole path", plain(&path.to_string_lossy()));
    }
    let path = path.clone();
    Ok(match operation {
        Operation::Execute => Request::Execute { path, arguments: Some(arguments.arguments.clone()) },
        operation => Request::File { operation, path },
    })
}

/// A moment that somebody names; without a name now.
pub(super) fn moment(text: Option<&str>) -> anyhow::Result<Timestamp> {
    let Some(text) = text else { return Ok(Timestamp::now()) };
    if let Ok(at) = text.parse() {
        return Ok(at);
    }
    let clock: DateTime = text.parse().context("a time is written like `2026-11-25 20:00`")?;
    Ok(TimeZone::system().to_timestamp(clock)?)
}
