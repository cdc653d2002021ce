// SPDX-License-Identifier: MIT OR Apache-2.0
//! The proof that a policy blocks: a harmless program that runs where it may and is stopped where it may not.
//!
//! The program is one that the system has; nothing is copied. It runs in the same cgroup both times, so that only the
//! policy makes the difference.

use crate::{
    bpf::{Attachment, Enforcement, EventReader, Reported, slots::Slot},
    cgroup::TemporaryCgroup,
    sys,
};
use anyhow::{Context as _, bail, ensure};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, PidfdFlags, pidfd_open},
};
use sac_abi::{Action, HashKey, RuleKey, event::Event};
use sac_policy::{HostFiles, PolicySet, Situation, Source, compile};
use std::{
    fs::{self, OpenOptions},
    os::{
        fd::{AsFd as _, BorrowedFd},
        unix::process::{CommandExt as _, ExitStatusExt as _},
    },
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

/// A confined cgroup to run something in. Fields are dropped in their order: the cgroup goes before what holds it.
pub(super) struct Stage {
    #[expect(dead_code, reason = "held for as long as it is to be attached")]
    pub(super) attachment: Attachment,
    pub(super) cgroup: TemporaryCgroup,
    pub(super) slot: Slot,
    pub(super) events: EventReader,
    pub(super) enforcement: Enforcement,
}

/// Programs that do nothing; the first that is there is taken.
const CANARIES: [&str; 2] = ["/usr/bin/true", "/bin/true"];

/// How long the canary may take.
const RUN_TIMEOUT: Duration = Duration::from_secs(10);

/// How long its event may take; it is in the ring buffer before the process is dead.
const EVENT_TIMEOUT: Duration = Duration::from_secs(2);

type Rules = Vec<(RuleKey, u64)>;

/// Proves that the policy, and nothing else, decides whether the canary runs.
///
/// # Errors
///
/// What happened in place of that.
pub(super) fn prove(stage: &mut Stage) -> anyhow::Result<()> {
    let program = find()?;
    let shown = program.display();

    let key = stage.enforcement.hash_key();
    publish(stage, &rules(None, key)?)?;
    let allowed = run(stage, &program)?;
    ensure!(allowed.status.success(), "{shown} does not run where its policy allows it: {}", allowed.status);
    ensure!(event_about(stage, &allowed, Duration::ZERO)?.is_none(), "{shown} was reported although allowed");

    publish(stage, &rules(Some(&program), key)?)?;
    let denied = run(stage, &program)?;
    match (denied.status.code(), denied.status.signal()) {
        (_, Some(libc::SIGKILL)) => {}
        (Some(_), _) => bail!("{shown} ran although its policy denies it"),
        _ => bail!("{shown} was not killed as its policy says: {}", denied.status),
    }
    let event = event_about(stage, &denied, EVENT_TIMEOUT)?;
    let event = event.with_context(|| format!("{shown} was stopped, but no event came about it"))?;
    let action = Action::from_byte(event.action);
    ensure!(action == Action::Kill, "{shown} was stopped, but its event says `{}`", action.as_str());
    Ok(())
}

/// The canary's canonical path.
fn find() -> anyhow::Result<PathBuf> {
    let found = CANARIES.iter().find_map(|path| fs::canonicalize(path).ok());
    found.with_context(|| format!("none of {} is there to try it with", CANARIES.join(", ")))
}

/// The rules of a policy that denies one program, or nothing.
fn rules(denied: Option<&Path>, key: HashKey) -> anyhow::Result<Rules> {
    let mut text = "policy: canary\napplies_to: everyone\naction: kill\n".to_owned();
    if let Some(path) = denied {
        // A JSON string is a YAML string.
        text += &format!("programs:\n  deny:\n    - {}\n", serde_json::to_string(path)?);
    }
    let loaded = PolicySet::from_sources(vec![Source::new("the canary's policy", text)]);
    let loaded = loaded.map_err(|faults| match faults.iter().next() {
        Some(fault) => anyhow::anyhow!("the canary's policy is refused: {}", fault.message()),
        None => anyhow::anyhow!("the canary's policy is refused"),
    })?;
    let [policy] = loaded.set.policies() else { bail!("the canary's policy is not one policy") };
    let situation = Situation { at: jiff::Timestamp::now(), key, grants: Vec::new() };
    Ok(compile(policy, &HostFiles::new(crate::sys::file_generation), &situation).entries().collect())
}

fn publish(stage: &mut Stage, rules: &[(RuleKey, u64)]) -> anyhow::Result<()> {
    Ok(stage.enforcement.slots().publish(&[(stage.slot, rules)])?)
}

/// A canary that has ended.
struct Ended {
    tgid: u32,
    status: ExitStatus,
}

fn run(stage: &Stage, program: &Path) -> anyhow::Result<Ended> {
    let procs = stage.cgroup.cgroup().directory().join("cgroup.procs");
    let procs = OpenOptions::new()
        .write(true)
        .open(&procs)
        .with_context(|| format!("opening {}", procs.display()))?;
    let mut command = Command::new(program);
    // Where one program is many, it asks its name which of them it is.
    command.arg0("true").env_clear().stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    sys::start_in_cgroup(&mut command, procs.into());
    let mut child = command.spawn().with_context(|| format!("starting {}", program.display()))?;
    let tgid = child.id();
    if let Err(error) = wait_for_end(&child) {
        // It may have ended between the two; it is waited for in any case.
        let _ended_meanwhile = child.kill();
        child.wait()?;
        return Err(error);
    }
    Ok(Ended { tgid, status: child.wait()? })
}

fn wait_for_end(child: &Child) -> anyhow::Result<()> {
    let ended = pidfd_open(Pid::from_child(child), PidfdFlags::empty()).context("watching the canary")?;
    ensure!(
        becomes_readable(ended.as_fd(), Instant::now() + RUN_TIMEOUT)?,
        "the canary did not end within {} s",
        RUN_TIMEOUT.as_secs()
    );
    Ok(())
}

/// The event about this canary, if it comes in time. Whatever else comes is none of ours.
fn event_about(stage: &mut Stage, ended: &Ended, timeout: Duration) -> anyhow::Result<Option<Box<Event>>> {
    let deadline = Instant::now() + timeout;
    loop {
        stage.events.read();
        while let Some(next) = stage.events.next() {
            match next {
                Reported::Blocked(event)
                    if event.caller.tgid == ended.tgid
                        && event.cgroup == stage.cgroup.cgroup().id()
                        && event.action != Action::Allow as u8 =>
                {
                    return Ok(Some(event));
                }
                _ => {}
            }
        }
        stage.events.done();
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(None);
        }
        stage.events.wait(Some(left), None).context("waiting for the canary's event")?;
    }
}

/// Waits until there is something to read, at most until `deadline`.
fn becomes_readable(fd: BorrowedFd<'_>, deadline: Instant) -> anyhow::Result<bool> {
    loop {
        let left = Timespec::try_from(deadline.saturating_duration_since(Instant::now()))?;
        match poll(&mut [PollFd::from_borrowed_fd(fd, PollFlags::IN)], Some(&left)) {
            Ok(ready) => return Ok(ready > 0),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error).context("waiting for the canary"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sac_abi::RuleValue;

    #[test]
    fn the_two_policies_differ_in_the_canary() {
        let allows = rules(None, HashKey::default()).unwrap();
        let denies = rules(Some(&find().unwrap()), HashKey::default()).unwrap();
        assert!(
            allows.iter().all(|(_, value)| RuleValue::from_bits(*value).action() == Action::Allow),
            "{allows:?}"
        );
        assert!(
            denies.iter().any(|(_, value)| RuleValue::from_bits(*value).action() == Action::Kill),
            "{denies:?}"
        );
        assert!(denies.len() > allows.len());
    }

    #[test]
    fn waiting_ends_with_the_deadline() {
        let (reader, writer) = rustix::pipe::pipe().unwrap();
        let soon = || Instant::now() + Duration::from_millis(5);
        assert!(!becomes_readable(reader.as_fd(), soon()).unwrap());
        rustix::io::write(&writer, b"x").unwrap();
        assert!(becomes_readable(reader.as_fd(), soon()).unwrap());
        assert!(
            becomes_readable(reader.as_fd(), Instant::now()).unwrap(),
            "a deadline that is over still looks"
        );
    }
}
