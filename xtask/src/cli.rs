// SPDX-License-Identifier: MIT OR Apache-2.0
//! The command line: one line for each verb, and where it goes.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::guest::Release;
use crate::{bench, build_bpf, demo, dist, fuzz, image, mutate, setup, test_command, vm};

/// Set up, build, package and test SAC.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
pub struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Install and build what the other verbs need; they call it themselves
    Setup,
    /// Build the kernel half into target/bpf/sac-bpf.o
    BuildBpf,
    /// Build the Debian package into target/dist
    Dist(dist::Options),
    /// Show what SAC does, as a transcript of real logins
    Demo(demo::Options),
    /// Run all tests: set-up, lints, unit tests, then the end-to-end tests in guests
    Test(test_command::Options),
    /// Look for input that breaks whatever reads what others have written
    Fuzz(fuzz::Options),
    /// Take each check out of the kernel half in turn, and see which end-to-end test notices
    MutateHooks(mutate::Options),
    /// Count what policies cost, in instructions of a guest
    Bench(bench::Options),
    /// Guests for trying things by hand
    #[command(subcommand)]
    Vm(vm::Verb),
    /// Make a guest image as root; `vm images` calls it under sudo
    #[command(hide = true)]
    BuildImage { release: Release, dir: PathBuf, public_key: String },
    /// What `bench` does in the guest
    #[command(hide = true, subcommand)]
    BenchInside(bench::Inside),
}

impl Cli {
    /// Does what was asked.
    ///
    /// # Errors
    /// When it cannot be done. Tests that fail are no error but an exit code.
    pub fn run(self) -> Result<ExitCode> {
        match self.verb {
            Verb::Setup => setup::run()?,
            Verb::BuildBpf => {
                setup::for_build()?;
                build_bpf::run()?;
            }
            Verb::Dist(options) => {
                options.run()?;
            }
            Verb::Demo(options) => return demo::run(&options),
            Verb::Fuzz(options) => return fuzz::run(&options),
            Verb::Test(options) => return test_command::run(&options),
            Verb::MutateHooks(options) => return mutate::run(&options),
            Verb::Bench(options) => return bench::run(&options),
            Verb::BenchInside(inside) => inside.run()?,
            Verb::Vm(verb) => return vm::run(verb),
            Verb::BuildImage { release, dir, public_key } => {
                image::build_as_root(release, &dir, &public_key)?
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}
