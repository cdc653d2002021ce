// SPDX-License-Identifier: MIT OR Apache-2.0
//! Every byte that crosses a boundary of SAC, and the one verdict function.
//!
//! Boundaries: kernel half and loader share maps and events ([`rule`], [`scope`], [`event`], [`activity`], [`sieve`]) and the list of kernel
//! struct members that are resolved at load time ([`layout`]); the PAM module and the loader share frames ([`pam`]).
//! [`decide`] is compiled for the kernel and for the host, so that there is one verdict and it can be tested
//! without a kernel.
//!
//! The crate is `no_std`, never allocates and never panics. Nothing here knows YAML, sockets or BPF helpers.
#![no_std]
#![forbid(unsafe_code)]
#![warn(clippy::indexing_slicing)]

#[cfg(test)]
extern crate std;

pub mod activity;
pub mod decide;
pub mod event;
pub mod hash;
pub mod layout;
pub mod pam;
pub mod rule;
pub mod scope;
pub mod session;
pub mod sieve;

pub use decide::{Decision, Object, Rules, TextLookup, Verdict, decide};
pub use hash::{HashKey, TextHash};
pub use rule::{Action, Operation, RuleKey, RuleValue};
pub use session::SessionId;
