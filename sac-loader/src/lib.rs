// SPDX-License-Identifier: MIT OR Apache-2.0
//! `sac-loader`: the resident daemon of SAC and its command line.
//!
//! [`daemon`] opens and ends sessions; [`bpf`] is the only module that speaks to the kernel half, [`cgroup`] the only one
//! that speaks to cgroupfs; [`logins`] finds people whom no policy holds. [`cli`] holds one file for each command.
//!
//! It is a library so that fuzz targets reach what is theirs; for all others there is [`main`] alone.

mod bpf;
mod cgroup;
mod cli;
mod control;
mod daemon;
mod doctor;
#[cfg(fuzzing)]
pub mod fuzzing;
mod logins;
mod notice;
mod person;
mod sys;

pub use cli::main;
