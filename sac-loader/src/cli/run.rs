// SPDX-License-Identifier: MIT OR Apache-2.0
//! `sac-loader run`: one confined command, the quickest way to see SAC work.
//!
//! It loads a kernel half of its own that goes when it ends, so it neither needs nor disturbs the daemon.

use crate::{
    bpf::{Begin, Enforcement, EventReader, KernelBtf, Reported},
    cgroup::{Cgroup, TemporaryCgroup},
    notice::{self, Attempt, Mounts},
    sys,
};
use anyhow::{Context as _, bail, ensure};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use sac_abi::{
    Action, HashKey, RuleKey,
    scope::{Recording, Scope},
};
use sac_policy::{Colour, HostFiles, Loaded, PolicySet, Situation, compile};
use std::{
    ffi::OsString,
    fs::OpenOptions,
    io::{self, Write as _},
    os::{fd::AsFd as _, unix::process::ExitStatusExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, ExitCode, ExitStatus},
};

/// What `run` takes.
#[derive(clap::Args)]
pub(super) struct RunArguments {
    /// The policy; whom it applies to does not matter here
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
    /// The command and its arguments; whatever it leaves running is killed when it ends
    #[arg(required = true, last = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

/// Runs the command; the exit code is the command's own, or 128 and the signal that ended it.
pub(super) fn run(arguments: &RunArguments, btf: &Path) -> anyhow::Result<ExitCode> {
    // First, since the kernel takes seconds to verify the programs and a moment to load a policy.
    let loaded = load(&arguments.policy)?;
    let (mut enforcement, rules) = Enforcement::load_for(&KernelBtf::read(btf)?, |key| rules(&loaded, key))?;
    let slot = enforcement.slots().reserve();
    enforcement.slots().publish(&[(slot, &rules)])?;
    let mut events = enforcement.take_events()?;
    enforcement.attach_to_machine()?;

    let cgroup = TemporaryCgroup::create("run")?;
    let owner = rustix::process::getuid().as_raw();
    // Nothing is recorded here, and nobody has to be told of what goes on.
    let scope = Scope::session(slot.number(), cgroup.cgroup().id(), owner).recording(Recording::BLOCKED);
    let _attachment = enforcement.attach_session(cgroup.cgroup(), scope, Begin::WithUser)?;
    let child = start(&arguments.command, cgroup.cgroup())?;
    let status = follow(child, &mut events)?;
    Ok(exit_code(status))
}

/// The one policy of a file. Faults end the command.
fn load(path: &PathBuf) -> anyhow::Result<Loaded> {
    let loaded = match PolicySet::load_files(std::slice::from_ref(path)) {
        Ok(loaded) => loaded,
        Err(faults) => bail!("{}\n{}", faults, faults.render(Colour::Never)),
    };
    ensure!(loaded.set.policies().len() == 1, "{} must hold one policy", path.display());
    Ok(loaded)
}

/// The compiled policy. Warnings are shown.
fn rules(loaded: &Loaded, key: HashKey) -> anyhow::Result<Vec<(RuleKey, u64)>> {
    let [policy] = loaded.set.policies() else { bail!("a file must hold one policy") };
    let situation = Situation { at: jiff::Timestamp::now(), key, grants: Vec::new() };
    let compiled = compile(policy, &HostFiles::new(crate::sys::file_generation), &situation);
    for warnings in [&loaded.warnings, &compiled.warnings] {
        if !warnings.is_empty() {
            io::stderr().write_all(warnings.render(Colour::Never).as_bytes())?;
        }
    }
    Ok(compiled.entries().collect())
}

fn start(command: &[OsString], cgroup: &Cgroup) -> anyhow::Result<Child> {
    let [program, arguments @ ..] = command else { bail!("no command") };
    let procs = cgroup.directory().join("cgroup.procs");
    let procs = OpenOptions::new()
        .write(true)
        .open(&procs)
        .with_context(|| format!("opening {}", procs.display()))?;
    let mut command = Command::new(program);
    command.args(arguments);
    sys::start_in_cgroup(&mut command, procs.into());
    command.spawn().with_context(|| format!("cannot start {}", program.display()))
}

/// Shows what is blocked until the command has ended.
fn follow(mut child: Child, events: &mut EventReader) -> anyhow::Result<ExitStatus> {
    let pid = Pid::from_child(&child);
    let ended = pidfd_open(pid, PidfdFlags::empty()).context("watching the command")?;
    let mut mounts = Mounts::default();
    loop {
        let has_ended = events.wait(None, Some(ended.as_fd())).context("waiting for the command")?;
        events.read();
        while let Some(next) = events.next() {
            show(&next, &mut mounts)?;
        }
        events.done();
        if has_ended {
            return child.wait().context("waiting for the command");
        }
    }
}

fn show(next: &Reported, mounts: &mut Mounts) -> io::Result<()> {
    let Reported::Blocked(event) = next else { return Ok(()) };
    let action = Action::from_byte(event.action);
    if action == Action::Allow {
        return Ok(());
    }
    let attempt = Attempt::of(event, mounts);
    if action.blocks() {
        writeln!(io::stderr(), "{}", notice::blocked(event, &attempt))
    } else {
        writeln!(io::stderr(), "{} would be blocked", attempt.named())
    }
}

fn exit_code(status: ExitStatus) -> ExitCode {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    ExitCode::from(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(super::FAILED))
}
