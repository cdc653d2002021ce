// SPDX-License-Identifier: MIT OR Apache-2.0
//! `sac-loader policy explain`: what somebody may do, under which policy, and why.

mod batch;

use super::{choice, host_files, json, load, login::LoginArguments, plain, refuse, situation};
use anyhow::{Context as _, bail};
use sac_abi::Operation;
use sac_policy::{Explanation, compile, explain, policy::Request};
use serde_json::{Value, json};
use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

/// What `policy explain` takes.
#[derive(clap::Args)]
pub(in crate::cli) struct ExplainArguments {
    #[command(flatten)]
    login: LoginArguments,
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
    /// Print a JSON object for programs
    #[arg(long)]
    json: bool,
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
    let at = arguments.login.at()?;
    let loaded = match load(&arguments.policies) {
        Ok(loaded) => loaded,
        Err(faults) => return Ok(refuse(&faults)?),
    };
    if let Some(file) = &arguments.batch {
        let [policy] = loaded.set.policies() else { bail!("--policies must name one policy") };
        return batch::run(policy, file, &situation(at));
    }
    let request = request(arguments)?;
    let person = arguments.login.person()?;
    let mut out = io::stdout().lock();
    if person.uid == 0 {
        if arguments.json {
            write_json(&mut out, json!({"user": "root", "policy": null, "allowed": true}))?;
        } else {
            writeln!(out, "No policy ever holds for root, so it is allowed")?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let choice = loaded.set.choose(&person, &arguments.login.login(), at);
    let explained = choice.winner.map(|winner| {
        let (files, situation) = (host_files(), situation(at));
        let compiled = compile(winner.policy, &files, &situation);
        explain(winner.policy, &compiled, &files, &request, &situation)
    });
    let blocks = |explained: &Explanation| explained.verdict.action().blocks();
    let is_allowed = explained.as_ref().is_some_and(|explained| !blocks(explained));
    if arguments.json {
        let user = (!person.name.is_empty()).then_some(&person.name);
        let groups: Vec<_> = person.groups.iter().map(|group| &group.name).collect();
        let head = json!({"user": user, "groups": groups, "at": at.to_string(), "allowed": is_allowed});
        let verdict = explained.as_ref().map_or(Value::Null, json::explanation);
        write_json(&mut out, json::merged(json::merged(head, choice::json(&choice)), verdict))?;
    } else {
        choice::write(&mut out, &choice, &arguments.login.shown())?;
        if let Some(explained) = &explained {
            write_explanation(&mut out, explained)?;
        }
    }
    Ok(if is_allowed { ExitCode::SUCCESS } else { ExitCode::from(DENIED) })
}

fn write_json(out: &mut impl Write, value: Value) -> io::Result<()> {
    writeln!(out, "{value:#}")
}

fn write_explanation(out: &mut impl Write, explained: &Explanation) -> io::Result<()> {
    writeln!(out, "\nRequest  {}", plain(&explained.request))?;
    writeln!(out, "Verdict  {}", plain(&explained.conclusion))?;
    for message in &explained.messages {
        writeln!(out, "Message  {}", plain(message))?;
    }
    writeln!(out, "Steps")?;
    for (number, step) in explained.steps.iter().enumerate() {
        let mark = if step.decides { "  <- decides" } else { "" };
        writeln!(out, "{:3}. {}: {}{mark}", number + 1, plain(&step.looked_at), plain(&step.said))?;
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
            match operation
                .filter(|operation| !matches!(operation, Operation::Connect | Operation::Administer))
            {
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
