// SPDX-License-Identifier: MIT OR Apache-2.0
//! How many instructions the kernel's verifier goes through for each program. A kernel refuses a program at a million, and each of them
//! makes the loader's first start slower; so what makes them more is to be noticed when it is made, on each kernel.

use crate::{Test, fixture::Fixture};
use anyhow::{Context as _, ensure};
use std::io::{self, Write as _};
use xtask::{
    guest::Kernel,
    kept::{Costs, Kept, Margin},
};

/// A program may cost so much more than its line says. Another compiler alone makes some differ by a few hundred.
const MARGIN: Margin = Margin { percent: 10, least: 1_000 };

/// Prints what the verifier has gone through for each pinned program; the loader's own are. `BPF_OBJ_GET` is command 7 of bpf(2), which is
/// system call 321 here.
const PINNED: &str = r#"
import ctypes, glob, os, struct
syscall = ctypes.CDLL(None, use_errno=True).syscall
for pin in glob.glob('/sys/fs/bpf/sac/v*/programs/*/*'):
    path = ctypes.create_string_buffer(pin.encode())
    attributes = struct.pack('QII', ctypes.addressof(path), 0, 0)
    descriptor = syscall(321, 7, attributes, len(attributes))
    if descriptor < 0:
        raise OSError(ctypes.get_errno(), pin)
    for line in open(f'/proc/self/fdinfo/{descriptor}'):
        if line.startswith('verified_insns:'):
            print(os.path.basename(pin), line.split()[1])
    os.close(descriptor)
"#;

/// No program costs more than the line in `tests/e2e/verifier/KERNEL.txt` says, within [`MARGIN`]; on the kernel that has `doctor` asked, it tells of
/// all programs, in JSON, and finds nothing to say about the guest.
fn costs(fixture: &Fixture) -> anyhow::Result<()> {
    let found = of_loader(fixture)?;
    let kernel = fixture.guest().kernel();
    // It has everything verified once more, which takes a minute and a half.
    if kernel == Kernel::V6_12 {
        let told: Vec<_> = of_doctor(fixture)?.into_keys().collect();
        ensure!(found.keys().eq(&told), "doctor tells of {told:?}, and the loader has {found:?}");
    }
    let release = fixture.root("uname -r")?;
    let about = format!(
        "Instructions that the verifier of kernel {kernel} goes through for each program; last on {}.\n\
         A program may cost {} % more, and {} instructions more in any case.",
        release.trim(),
        MARGIN.percent,
        MARGIN.least
    );
    let kept = Kept {
        file: &xtask::workspace::root().join(format!("tests/e2e/verifier/{kernel}.txt")),
        about: &about,
        command: &format!("cargo xtask test --kernel {kernel} verifier::costs"),
    };
    for hint in kept.check(&found, |_program| MARGIN)? {
        writeln!(io::stderr(), "on {kernel}: {hint}")?;
    }
    Ok(())
}

/// What is known of the programs of the loader that is running.
fn of_loader(fixture: &Fixture) -> anyhow::Result<Costs> {
    let output = fixture.root_ssh().stdin(PINNED).run("python3 -")?.success()?;
    let costs = output.lines().map(|line| {
        let (program, count) = line.split_once(' ').with_context(|| line.to_owned())?;
        Ok((program.to_owned(), count.parse().with_context(|| line.to_owned())?))
    });
    let costs = costs.collect::<anyhow::Result<Costs>>()?;
    ensure!(costs.contains_key("file_open") && costs.values().all(|count| *count > 0), "{costs:?}");
    Ok(costs)
}

/// What `doctor --json` says of the kernel half.
fn of_doctor(fixture: &Fixture) -> anyhow::Result<Costs> {
    let checks: serde_json::Value = serde_json::from_str(&fixture.root("sac-loader doctor --json")?)?;
    let all_ok = checks
        .as_array()
        .is_some_and(|checks| checks.len() > 10 && checks.iter().all(|check| check["status"] == "ok"));
    ensure!(all_ok, "{checks}");
    let mut all = checks.as_array().into_iter().flatten();
    let kernel_half =
        all.find(|check| check["check"] == "kernel half").context("no check of the kernel half")?;
    let verified = kernel_half["verified_instructions"].as_object().context(kernel_half.clone())?;
    let costs = verified.iter().map(|(program, count)| {
        Ok((program.clone(), count.as_u64().with_context(|| format!("{program}: {count}"))?))
    });
    let costs = costs.collect::<anyhow::Result<Costs>>()?;
    ensure!(costs.contains_key("file_open") && costs.values().all(|count| *count > 0), "{costs:?}");
    Ok(costs)
}

pub(crate) const TESTS: &[Test] = &[("costs", costs)];
