// SPDX-License-Identifier: MIT OR Apache-2.0
//! PAM session module of SAC: it asks sac-loader for a session and moves the login's process into that session's cgroup.
//!
//! It decides nothing about policies, never talks to the user and keeps no state: everything happens inside
//! `pam_sm_open_session`, as root, in a process that belongs to somebody else (sshd, login, su, sudo). So there are no
//! threads, signal handlers, globals or output but syslog; every wait for the loader has a deadline (name lookups cannot
//! have one, see `sys::names`); every descriptor is closed on the
//! way out and on exec. `unsafe` stands in `ffi` (libpam) and `sys` (libc) alone.
//!
//! - `hooks`: the six entry points of a PAM module; takes what it needs from libpam and writes the log
//! - `args`: the module line's arguments
//! - `open`: what opening a session does, on plain types, from arguments and names to a `cause`
//! - `identity`: root and the exempt users
//! - `client` and `deadline`: the exchange with the loader
//! - `cgroup`: placement, and the proof of it
//! - `cause`: the one table from cause to PAM code and log level
//! - `text`: foreign bytes made harmless for a log line

mod args;
mod cause;
mod cgroup;
mod client;
mod deadline;
#[cfg(any(test, fuzzing))]
#[path = "../tests/support/fake_loader.rs"]
mod fake_loader;
mod ffi;
#[cfg(fuzzing)]
pub mod fuzzing;
mod hooks;
mod identity;
mod open;
mod sys;
mod text;

/// The symbols `pam_sm_*`, which libpam looks up by name.
#[allow(missing_docs, unreachable_pub, reason = "the macro of pam-bindings writes these functions")]
mod symbols {
    use crate::hooks::Module;

    pam::pam_hooks!(Module);
}
