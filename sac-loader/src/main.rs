// SPDX-License-Identifier: MIT OR Apache-2.0
//! `sac-loader`: the resident daemon of SAC and its command line.
//!
//! [`daemon`] opens and ends sessions; [`bpf`] is the only module that speaks to the kernel half, [`cgroup`] the only one
//! that speaks to cgroupfs; [`logins`] finds people whom no policy holds. [`cli`] holds one file for each command.

mod bpf;
mod cgroup;
mod cli;
mod control;
mod daemon;
mod doctor;
mod logins;
mod notice;
mod person;
mod sys;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
