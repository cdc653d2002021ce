// SPDX-License-Identifier: MIT OR Apache-2.0
//! End-to-end tests: real ssh logins to guests with a real sshd, PAM stack, systemd and kernel.
//!
//! `SAC_E2E_KERNELS` names the kernels (all by default); the first argument filters by name, for instance
//! `6.1::terminal`. Each kernel has one guest, booted at its first test, with the package that `cargo xtask dist` made.
//! Its tests run one after the other, each from the same state; guests run side by side.
#![forbid(unsafe_code)]

mod fixture;

use anyhow::Context as _;
use fixture::{Fixture, Machine};
use libtest_mimic::{Arguments, Failed, Trial};
use std::{env, process::ExitCode, sync::Arc};
use xtask::guest::Kernel;

/// A test: its name, and what it does with a guest.
type Test = (&'static str, fn(&Fixture) -> anyhow::Result<()>);

/// The modules, each about one capability.
const MODULES: &[(&str, &[Test])] = &[];

fn main() -> anyhow::Result<ExitCode> {
    let mut arguments = Arguments::from_args();
    let kernels = kernels()?;
    // A thread for each guest; a second one would only wait for the first.
    arguments.test_threads = Some(kernels.len());
    let machines: Vec<_> = kernels.into_iter().map(|kernel| Arc::new(Machine::new(kernel))).collect();
    let mut trials = Vec::new();
    for (module, tests) in MODULES {
        for (name, test) in *tests {
            // Neighbours in the list are for different guests, so that no guest waits for another.
            for machine in &machines {
                let machine = Arc::clone(machine);
                let name = format!("{}::{module}::{name}", machine.kernel());
                trials.push(Trial::test(name, move || {
                    machine.run(*test).map_err(|error| Failed::from(format!("{error:#}")))
                }));
            }
        }
    }
    Ok(libtest_mimic::run(&arguments, trials).exit_code())
}

fn kernels() -> anyhow::Result<Vec<Kernel>> {
    match env::var("SAC_E2E_KERNELS") {
        Ok(names) => names.split(',').map(|name| name.trim().parse().context("SAC_E2E_KERNELS")).collect(),
        Err(_unset) => Ok(Kernel::all().to_vec()),
    }
}
