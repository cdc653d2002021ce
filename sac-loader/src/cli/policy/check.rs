// SPDX-License-Identifier: MIT OR Apache-2.0
//! `sac-loader policy check`: whether policies are right, and what is wrong with them. One pass shows everything.

use super::{counted, host_files, load, refuse, show, situation};
use crate::person;
use sac_policy::{
    Affected, Code, Fault, Faults, Files, Loaded, Login, PolicySet, RemoteHost, Severity, Situation, compile,
    lint, lint_lockout, run_assertions,
};
use std::{
    collections::HashSet,
    io::{self, Write as _},
    net::IpAddr,
    path::PathBuf,
    process::ExitCode,
};

/// What `policy check` takes.
#[derive(clap::Args)]
pub(in crate::cli) struct CheckArguments {
    /// Policy files or a directory; without any, those that the daemon loads
    files: Vec<PathBuf>,
    /// Exit with 1 also if there are only warnings; that deny lists can be got around (SAC123) does not count
    #[arg(long)]
    strict: bool,
    /// Print a JSON list of faults for programs
    #[arg(long)]
    json: bool,
}

/// Checks policies.
pub(super) fn run(arguments: &CheckArguments) -> anyhow::Result<ExitCode> {
    let (faults, policies) = match load(&arguments.files) {
        Ok(Loaded { set, warnings, .. }) => (examine(&set, &warnings), set.policies().len()),
        Err(faults) => (faults, 0),
    };
    let is_faulty = faults.count(Severity::Error) > 0;
    let warnings = faults.count(Severity::Warning);
    if arguments.json {
        let list: Vec<_> = faults.iter().map(json).collect();
        let mut out = io::stdout().lock();
        serde_json::to_writer_pretty(&mut out, &list)?;
        writeln!(out)?;
    } else if is_faulty {
        return Ok(refuse(&faults)?);
    } else {
        show(&faults)?;
        let policies = counted(policies, "policy", "policies");
        writeln!(io::stdout(), "{policies}, {}", counted(warnings, "warning", "warnings"))?;
    }
    let has_failed = is_faulty || arguments.strict && faults.iter().any(is_mistake);
    Ok(if has_failed { ExitCode::from(crate::cli::FAILED) } else { ExitCode::SUCCESS })
}

/// Whether something can be mended. What every deny list is warned of is in its nature, and who wants one has to live with it.
fn is_mistake(fault: &Fault) -> bool {
    fault.code() != Code::DenyListCarriers
}

/// Everything about policies that can be read.
pub(super) fn examine(set: &PolicySet, warnings: &Faults) -> Faults {
    let (files, situation) = (host_files(), situation(jiff::Timestamp::now()));
    let mut found: Vec<Fault> = warnings.iter().cloned().collect();
    for policy in set.policies() {
        let compiled = compile(policy, &files, &situation);
        let assertions = run_assertions(policy, &compiled, &files, &situation);
        for faults in [&compiled.warnings, &lint(policy, &files), &assertions] {
            found.extend(faults.iter().cloned());
        }
    }
    found.extend(lockout(set, &files, &situation).iter().cloned());
    // Policies that inherit one rule set all find the same in it.
    let mut seen = HashSet::new();
    found.retain(|fault| {
        let place = fault.place();
        seen.insert((fault.code(), place.source.path().to_owned(), place.span, fault.message().to_owned()))
    });
    let mut faults = Faults::default();
    faults.extend(found);
    faults
}

/// Whether whoever does this would lock themselves out.
fn lockout(set: &PolicySet, files: &impl Files, situation: &Situation) -> Faults {
    let Some((person, shell)) = administrator().and_then(person::look_up_uid) else {
        return Faults::default();
    };
    let from = remote_address().map_or(RemoteHost::Local, RemoteHost::Address);
    let login = Login { service: "sshd".to_owned(), from, terminal: true };
    let Some(winner) = set.choose(&person, &login, situation.at).winner else { return Faults::default() };
    let affected = Affected { name: &person.name, shell: &shell, administers: true };
    lint_lockout(winner.policy, affected, files, situation)
}

/// From where whoever does this has logged in. sudo clears the variable away, and the shell that it was called from has it still.
fn remote_address() -> Option<IpAddr> {
    const NAME: &str = "SSH_CONNECTION=";
    let address = |connection: &str| connection.split(' ').next()?.parse().ok();
    let own = std::env::var("SSH_CONNECTION").ok();
    own.as_deref().and_then(address).or_else(|| {
        let parent = |process: &String| {
            let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
            let parent = status.lines().find_map(|line| line.strip_prefix("PPid:"))?.trim();
            (parent != "0").then(|| parent.to_owned())
        };
        let mut ancestors = std::iter::successors(parent(&"self".to_owned()), parent).take(ANCESTORS_MAX);
        ancestors.find_map(|process| {
            let environment = std::fs::read(format!("/proc/{process}/environ")).ok()?;
            let mut variables = environment.split(|byte| *byte == 0);
            variables.find_map(|variable| address(std::str::from_utf8(variable).ok()?.strip_prefix(NAME)?))
        })
    })
}

/// How many processes are gone up to find out where somebody came from.
const ANCESTORS_MAX: usize = 32;

/// Who logged in before they became root.
fn administrator() -> Option<u32> {
    let own = i32::try_from(std::process::id()).ok().and_then(crate::logins::login_uid);
    own.or_else(|| std::env::var("SUDO_UID").ok()?.parse().ok())
}

fn json(fault: &Fault) -> serde_json::Value {
    let place = fault.place();
    let severity = match fault.code().severity() {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    serde_json::json!({
        "code": fault.code().as_str(), "severity": severity, "file": place.source.path().to_string_lossy(),
        "line": place.span.map(|span| span.line), "column": place.span.map(|span| span.column),
        "message": fault.message(), "help": fault.help_text(),
    })
}
