// SPDX-License-Identifier: MIT OR Apache-2.0
//! `sac-loader policy apply`, `confirm`, `rollback` and `status`: new policies in the place of those in force, for good or on trial.
//!
//! What is checked here, against this machine and whoever does it, are the very texts that the service gets: they are laid into a
//! directory of root's for it, and it checks them again.

use super::{check::examine, counted, refuse, show};
use crate::{
    cli::POLICIES,
    control::{Applied, FileChanges, PendingInfo, PolicyStatus, Reloaded, Request, ask},
};
use anyhow::{Context as _, bail};
use sac_policy::{Faults, Severity, Source, Sources, Trust};
use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fs::{self, DirBuilder},
    io::{self, Write as _},
    os::unix::{ffi::OsStrExt as _, fs::DirBuilderExt as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

/// What `policy apply` takes.
#[derive(clap::Args)]
pub(in crate::cli) struct ApplyArguments {
    /// The new policies, all of them: a directory, or files; what is not among them is gone. Without any, those that the daemon loads
    files: Vec<PathBuf>,
    /// Take them back after so many seconds, 10 to 86400, unless `policy confirm` comes from a new login
    #[arg(long, value_name = "SECONDS")]
    confirm: Option<u32>,
}

/// What `policy status` takes.
#[derive(clap::Args)]
pub(in crate::cli) struct StatusArguments {
    /// Print a JSON object for programs
    #[arg(long)]
    json: bool,
}

/// Applies policies.
pub(super) fn run(arguments: &ApplyArguments) -> anyhow::Result<ExitCode> {
    let sources = match read(&arguments.files) {
        Ok(sources) => sources,
        Err(faults) => return Ok(refuse(&faults)?),
    };
    let faults = match sources.clone().check() {
        Ok(loaded) => examine(&loaded.set, &loaded.warnings),
        Err(faults) => faults,
    };
    if faults.count(Severity::Error) > 0 {
        return Ok(refuse(&faults)?);
    }
    show(&faults)?;
    let applied = apply(sources.files(), arguments.confirm)?;
    io::stdout().write_all(told(&applied).as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

/// Confirms policies that are on trial.
pub(super) fn confirm() -> anyhow::Result<ExitCode> {
    let Reloaded { policies } = ask(Request::ConfirmPolicies {})?;
    writeln!(io::stdout(), "confirmed: {} in {POLICIES}, in force", counted(policies, "policy", "policies"))?;
    Ok(ExitCode::SUCCESS)
}

/// Takes policies back that are on trial.
pub(super) fn roll_back() -> anyhow::Result<ExitCode> {
    let Reloaded { policies } = ask(Request::RollBackPolicies {})?;
    let earlier = counted(policies, "earlier policy is", "earlier policies are");
    writeln!(io::stdout(), "rolled back: {earlier} in force")?;
    Ok(ExitCode::SUCCESS)
}

/// Says what is in force, and whether it stays.
pub(super) fn status(arguments: &StatusArguments) -> anyhow::Result<ExitCode> {
    let status: PolicyStatus = ask(Request::PolicyStatus {})?;
    let mut out = io::stdout().lock();
    if arguments.json {
        serde_json::to_writer_pretty(&mut out, &status)?;
        writeln!(out)?;
    } else {
        out.write_all(in_words(&status).as_bytes())?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Reads the new policies.
fn read(files: &[PathBuf]) -> Result<Sources, Faults> {
    match files {
        [] => Sources::of_dir(Path::new(POLICIES), Trust::ROOT),
        [directory] if directory.is_dir() => Sources::of_dir(directory, Trust::Anyone),
        files => Ok(Sources::of_files(files)),
    }
}

/// Lays policies where the service takes them from, and tells it.
fn apply(sources: &[Source], confirm_s: Option<u32>) -> anyhow::Result<Applied> {
    let files = by_name(sources)?;
    let directory = PathBuf::from(format!("/run/sac/apply-{}", std::process::id()));
    // The service says to everybody else who may.
    if !rustix::process::geteuid().is_root() {
        return ask(Request::ApplyPolicies { directory, confirm_s });
    }
    let lay = || -> io::Result<()> {
        DirBuilder::new().mode(0o700).create(&directory)?;
        files.iter().try_for_each(|(name, text)| fs::write(directory.join(name), text))?;
        // Whoever has a looser umask has not let others write.
        files.keys().try_for_each(|name| {
            fs::set_permissions(directory.join(name), std::os::unix::fs::PermissionsExt::from_mode(0o600))
        })
    };
    let laid =
        lay().with_context(|| format!("cannot give the policies to the service, in {}", directory.display()));
    let applied = laid.and_then(|()| ask(Request::ApplyPolicies { directory: directory.clone(), confirm_s }));
    // In /run it goes with the machine's next start at the latest.
    let _stays = fs::remove_dir_all(&directory);
    applied
}

/// Texts by the names that the files will have.
fn by_name(sources: &[Source]) -> anyhow::Result<BTreeMap<&OsStr, &str>> {
    let mut files = BTreeMap::new();
    for source in sources {
        let name = source.path().file_name().unwrap_or_default();
        if !name.as_bytes().ends_with(b".yaml") || name.as_bytes().starts_with(b".") {
            bail!(
                "{}: names of policies end in `.yaml`, and do not begin with a dot",
                source.path().display()
            );
        }
        if files.insert(name, source.text()).is_some() {
            bail!("{}: there is another file of this name among them", source.path().display());
        }
    }
    Ok(files)
}

/// What came of it, in words.
fn told(applied: &Applied) -> String {
    let Applied { policies, files, pending } = applied;
    let mut text = changes(files);
    let in_force = format!("{} in force", counted(*policies, "policy is", "policies are"));
    match pending {
        None => text.push_str(&format!("{in_force}\n")),
        Some(PendingInfo { left_s, until, .. }) => text.push_str(&format!(
            "{in_force} until {until}, for {left_s} s\n\
             Leave this login open. Log in anew, and keep them from there with\n\
             \n    sac-loader policy confirm\n\
             \nUnless that happens in time the earlier policies come back.\n"
        )),
    }
    text
}

fn changes(files: &FileChanges) -> String {
    let kinds = [("added", &files.added), ("changed", &files.changed), ("removed", &files.removed)];
    let lines = kinds.into_iter().filter(|(_, names)| !names.is_empty());
    lines.map(|(kind, names)| format!("{kind:<8} {}\n", super::plain(&names.join(", ")))).collect()
}

/// What is in force, in words.
fn in_words(status: &PolicyStatus) -> String {
    let PolicyStatus { policies, directory, pending } = status;
    let names = if policies.is_empty() { "none: logins are refused".to_owned() } else { policies.join(", ") };
    let mut text = format!("Policies  {names}\nFrom      {directory}\n");
    match pending {
        None => text.push_str("On trial  no\n"),
        Some(PendingInfo { confirm_s: None, by, .. }) => {
            text.push_str(&format!("On trial  no; applied by {by}, and not installed in {POLICIES} yet\n"));
        }
        Some(PendingInfo { by, left_s, until, .. }) => text.push_str(&format!(
            "On trial  for {left_s} s yet, until {until}; applied by {by}\n          \
             `sac-loader policy confirm` from a new login keeps them, `sac-loader policy rollback` takes them back\n"
        )),
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(path: &str) -> Source {
        Source::new(path, "policy: a\n")
    }

    #[test]
    fn each_file_keeps_its_name_and_no_two_have_one() {
        let sources = [source("/new/a.yaml"), source("b.yaml")];
        let names: Vec<_> = by_name(&sources).unwrap().into_keys().map(OsStr::to_owned).collect();
        assert_eq!(names, ["a.yaml", "b.yaml"]);
        for (wrong, because) in [
            ([source("/new/a.yaml"), source("/other/a.yaml")], "another file of this name"),
            ([source("/new/a.yaml"), source("/new/b.txt")], "end in `.yaml`"),
            ([source("/new/a.yaml"), source("/new/.b.yaml")], "begin with a dot"),
        ] {
            let error = by_name(&wrong).unwrap_err().to_string();
            assert!(error.contains(because), "{error}");
        }
    }

    fn pending(confirm_s: Option<u32>) -> PendingInfo {
        let [by, digest, until] = ["dave", "ab", "2026-01-01T00:01:00Z"].map(str::to_owned);
        PendingInfo { by, digest, confirm_s, left_s: 58, until }
    }

    #[test]
    fn who_applies_is_told_what_changes_and_how_to_keep_it() {
        let [added, removed] = [["b.yaml", "c.yaml"].as_slice(), ["a.yaml"].as_slice()]
            .map(|names| names.iter().map(|name| (*name).to_owned()).collect());
        let files = FileChanges { added, changed: Vec::new(), removed };
        let applied = Applied { policies: 2, files, pending: Some(pending(Some(60))) };
        let expected = "\
added    b.yaml, c.yaml
removed  a.yaml
2 policies are in force until 2026-01-01T00:01:00Z, for 58 s
Leave this login open. Log in anew, and keep them from there with

    sac-loader policy confirm

Unless that happens in time the earlier policies come back.
";
        assert_eq!(told(&applied), expected);
        let for_good = Applied { policies: 1, files: FileChanges::default(), pending: None };
        assert_eq!(told(&for_good), "1 policy is in force\n");
    }

    #[test]
    fn a_status_says_how_long_it_holds() {
        let mut status = PolicyStatus {
            policies: vec!["dba".to_owned(), "default".to_owned()],
            directory: "/var/lib/sac/apply/new".to_owned(),
            pending: Some(pending(Some(60))),
        };
        let expected = "\
Policies  dba, default
From      /var/lib/sac/apply/new
On trial  for 58 s yet, until 2026-01-01T00:01:00Z; applied by dave
          `sac-loader policy confirm` from a new login keeps them, `sac-loader policy rollback` takes them back
";
        assert_eq!(in_words(&status), expected);
        status.pending = None;
        assert!(in_words(&status).ends_with("On trial  no\n"));
        status.policies.clear();
        assert!(in_words(&status).starts_with("Policies  none: logins are refused\n"));
    }
}
