// SPDX-License-Identifier: MIT OR Apache-2.0
//! System calls for which neither std nor rustix has a safe form.

use std::{
    io,
    os::{fd::OwnedFd, unix::process::CommandExt as _},
    process::Command,
};

/// Lets `command` start inside of the cgroup whose `cgroup.procs` is open as `procs`.
pub(crate) fn start_in_cgroup(command: &mut Command, procs: OwnedFd) {
    let enter = move || {
        // "0" stands for the writing process itself.
        rustix::io::write(&procs, b"0").map(drop).map_err(io::Error::from)
    };
    // SAFETY: between fork and exec only async-signal-safe calls are allowed; this is one `write`.
    unsafe { command.pre_exec(enter) };
}
