// SPDX-License-Identifier: MIT OR Apache-2.0
//! The kernel half, as the loader sees it: loading, attaching, maps and events.
//!
//! Programs are loaded once, and attached for each session or, where the kernel has no room for that, once for the machine. What a session may do is data: its scope names a slot, and the
//! slot holds the policy. Nothing here knows who anybody is.

mod btf;
mod enforcement;
mod events;
mod hooks;
mod links;
mod lsm;
mod machine;
mod object;
mod pins;
mod pod;
mod sieve;
pub(crate) mod slots;

#[cfg(test)]
pub(crate) use btf::tests::with_hooks;
pub(crate) use btf::{BtfError, KernelBtf, VMLINUX};
pub(crate) use enforcement::{Attachment, Begin, Enforcement, EnforcementError, Left};
pub(crate) use events::{EventReader, Reported, activity::Executed};
pub(crate) use hooks::{CONTENT, HOOKS, machine_hooks};
pub(crate) use links::{CgroupLsmHooks, LSM_CGROUP_SLOTS};
pub(crate) use pins::Pins;
