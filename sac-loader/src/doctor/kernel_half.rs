// SPDX-License-Identifier: MIT OR Apache-2.0
//! Whether the kernel half loads and attaches on this kernel, and what it then does.
//!
//! It is loaded without pins and attached to a cgroup of the doctor's own; closing it takes all of that out again.

use super::{
    Check, Proof,
    canary::{self, Stage},
    with_causes,
};
use crate::{
    bpf::{Begin, Enforcement, KernelBtf},
    cgroup::TemporaryCgroup,
};
use sac_abi::scope::Scope;
use std::{fs, path::Path, time::Instant};

const KERNEL_HALF: &str = "kernel half";
const CANARY: &str = "canary";

/// Loads and attaches, and proves what is asked for. `can_load` says whether there is any sense in trying.
pub(super) fn checks(btf: &Path, proof: Proof, can_load: bool) -> Vec<Check> {
    let mut checks = Vec::new();
    let started = Instant::now();
    if !can_load {
        let help = "first mend what is marked above";
        checks.push(Check::fail(KERNEL_HALF, "not tried", help));
        if proof == Proof::Canary {
            checks.push(Check::fail(CANARY, "not tried", help));
        }
        return checks;
    }
    match load(btf) {
        Ok(mut stage) => {
            checks.push(Check::ok(KERNEL_HALF, loaded(&stage.enforcement)));
            if proof == Proof::Canary {
                checks.push(prove(&mut stage, started));
            }
        }
        Err(error) => {
            let found = with_causes(&*error);
            let whole = format!("{error:#}");
            let help = if whole.lines().count() > 1 {
                // For a refused program the verifier's log.
                format!("this kernel refuses what SAC needs of it, and says:\n{whole}")
            } else {
                "run it as root of the machine, not of a container; if it stays, use another kernel"
                    .to_owned()
            };
            checks.push(Check::fail(KERNEL_HALF, found, help));
        }
    }
    checks
}

fn loaded(enforcement: &Enforcement) -> String {
    let programs = enforcement.verified_instructions();
    let programs: Vec<_> = programs.iter().map(|(name, count)| format!("{name} {count}")).collect();
    format!("loads, and attaches to a cgroup and the machine; instructions verified: {}", programs.join(", "))
}

fn load(btf: &Path) -> anyhow::Result<Stage> {
    let mut enforcement = Enforcement::load(&KernelBtf::read(btf)?, None)?;
    let slot = enforcement.slots().reserve();
    let events = enforcement.take_events()?;
    enforcement.attach_to_machine()?;
    let cgroup = TemporaryCgroup::create("doctor")?;
    let scope = Scope::session(slot.number(), cgroup.cgroup().id(), 0);
    let attachment = enforcement.attach_session(cgroup.cgroup(), scope, Begin::WithUser)?;
    Ok(Stage { attachment, cgroup, slot, events, enforcement })
}

fn prove(stage: &mut Stage, started: Instant) -> Check {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    match canary::prove(stage) {
        Ok(()) => Check::ok(
            CANARY,
            format!("enforcing: proven on kernel {} in {} ms", release.trim(), started.elapsed().as_millis()),
        ),
        Err(error) => Check::fail(
            CANARY,
            format!("not proven: {}", with_causes(&*error)),
            "try again from a root shell that no policy holds; if it stays, SAC does not enforce on this kernel",
        ),
    }
}
