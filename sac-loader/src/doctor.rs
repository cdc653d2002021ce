// SPDX-License-Identifier: MIT OR Apache-2.0
//! What SAC needs of this machine, looked at one thing after the other, with what to do where it is not there.
//!
//! Each check is a function that gives a [`Check`]; none repairs anything. What is loaded and attached to try it is in a
//! cgroup of the doctor's own and goes with it: sessions and the daemon notice nothing. Files are read below the root of
//! a [`Host`], so that tests can have their own.
#![forbid(unsafe_code)]

mod canary;
mod kernel;
mod kernel_half;
mod pam;
mod past;
mod service;
mod slots;

pub(crate) use pam::Stacks;

use serde::Serialize;
use std::{
    collections::BTreeMap,
    error::Error,
    path::{Path, PathBuf},
};

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Status {
    /// As it must be.
    Ok,
    /// Somebody should look at it, but confinement can work.
    Advice,
    /// Confinement cannot work.
    Fail,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Check {
    /// What was looked at, in a word or two.
    pub(crate) check: String,
    /// How it ended.
    pub(crate) status: Status,
    /// What was found, on one line.
    pub(crate) found: String,
    /// What to do about it; lines without a line end.
    pub(crate) help: Option<String>,
    /// How many instructions the verifier went through for each program, where programs were loaded. Only for programs to read: the text
    /// has a line for a check.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) verified_instructions: BTreeMap<&'static str, u32>,
}

impl Check {
    fn ok(check: &str, found: impl Into<String>) -> Self {
        Self {
            check: check.to_owned(),
            status: Status::Ok,
            found: found.into(),
            help: None,
            verified_instructions: BTreeMap::new(),
        }
    }

    fn advice(check: &str, found: impl Into<String>, help: impl Into<String>) -> Self {
        Self { status: Status::Advice, help: Some(help.into()), ..Self::ok(check, found) }
    }

    fn fail(check: &str, found: impl Into<String>, help: impl Into<String>) -> Self {
        Self { status: Status::Fail, help: Some(help.into()), ..Self::ok(check, found) }
    }

    fn has_failed(&self) -> bool {
        self.status == Status::Fail
    }
}

/// The machine that is looked at.
#[derive(Clone, Debug)]
pub(crate) struct Host {
    root: PathBuf,
}

impl Host {
    /// The machine that this runs on.
    pub(crate) fn running() -> Self {
        Self { root: PathBuf::from("/") }
    }

    /// A file, by its absolute path.
    fn at(&self, path: impl AsRef<Path>) -> PathBuf {
        let path = path.as_ref();
        self.root.join(path.strip_prefix("/").unwrap_or(path))
    }
}

/// Whether a program is run to see that it is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    /// No.
    NotAsked,
    /// Yes.
    Canary,
}

/// Looks at everything and gives each check to `report` as soon as it is made.
///
/// # Errors
///
/// Those of `report`.
pub(crate) fn examine<E>(
    host: &Host,
    btf: &Path,
    proof: Proof,
    report: &mut dyn FnMut(Check) -> Result<(), E>,
) -> Result<(), E> {
    let root = kernel::root(rustix::process::geteuid().as_raw());
    let is_root = !root.has_failed();
    report(root)?;
    if !is_root {
        return Ok(());
    }
    let needed = [
        kernel::release(host),
        kernel::bpf_lsm(host),
        kernel::structs(btf),
        kernel::cgroup(host),
        slots::check(btf),
    ];
    let can_load = !needed.iter().any(Check::has_failed);
    for check in needed.into_iter().chain([kernel::bpffs(host)]) {
        report(check)?;
    }
    for check in kernel_half::checks(btf, proof, can_load) {
        report(check)?;
    }
    let (stacks, logins) = pam::checks(host);
    let daemon = [service::policies(host), service::pam_socket(host, logins), service::control_socket(host)];
    stacks.into_iter().chain(service::sshd(host)).chain(daemon).try_for_each(&mut *report)?;
    past::checks(host).into_iter().try_for_each(report)
}

/// An error and what led to it, on one line: of each only the first line, because the verifier's log has hundreds.
fn with_causes(error: &dyn Error) -> String {
    let first_line = |error: &dyn Error| error.to_string().lines().next().unwrap_or_default().to_owned();
    let mut text = first_line(error);
    let mut cause = error.source();
    while let Some(error) = cause {
        let line = first_line(error);
        // Some errors repeat their cause in their own text.
        if !text.ends_with(&line) {
            text = format!("{text}: {line}");
        }
        cause = error.source();
    }
    text
}
