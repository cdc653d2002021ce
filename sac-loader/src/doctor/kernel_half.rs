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
use std::{collections::BTreeMap, fs, path::Path, time::Instant};

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
            checks.push(loaded(stage.enforcement.verified_instructions().into_iter().collect()));
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

/// What the verifier had to do: all of it, and the program that is nearest to what kernels allow, which is a million for each.
fn loaded(verified_instructions: BTreeMap<&'static str, u32>) -> Check {
    let total: u64 = verified_instructions.values().copied().map(u64::from).sum();
    let most = verified_instructions.iter().max_by_key(|(_, count)| **count);
    let most = most.map_or_else(String::new, |(name, count)| {
        format!(", most for {name}: {}", grouped(u64::from(*count)))
    });
    let found = format!(
        "loads, and attaches to a cgroup and the machine; {} instructions verified in {} programs{most}",
        grouped(total),
        verified_instructions.len()
    );
    Check { verified_instructions, ..Check::ok(KERNEL_HALF, found) }
}

/// A number with its thousands apart.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_has_the_sum_and_the_dearest_and_json_has_all() {
        let check =
            loaded(BTreeMap::from([("file_open", 120_612), ("mmap_file", 90), ("task_alloc", 1_300)]));
        assert_eq!(
            check.found,
            "loads, and attaches to a cgroup and the machine; 122,002 instructions verified in 3 programs, \
             most for file_open: 120,612"
        );
        let json = serde_json::to_value(&check).unwrap();
        assert_eq!(
            json["verified_instructions"],
            serde_json::json!({"file_open": 120_612, "mmap_file": 90, "task_alloc": 1_300})
        );
        assert!(loaded(BTreeMap::new()).found.ends_with("; 0 instructions verified in 0 programs"));
    }
}
