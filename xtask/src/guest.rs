// SPDX-License-Identifier: MIT OR Apache-2.0
//! Virtual machines that tests log in to: boot, ssh, console, files, power.
//!
//! A [`Guest`] is a QEMU process (emulated processors, no KVM needed), an ssh port on the loopback address and a directory
//! with its logs. Its disk is an overlay that ends with the process but survives a reboot inside the guest. The guest reaches no network.

mod console;
mod kernel;
mod machine;
mod qemu;
mod ssh;
mod wait;

pub use console::Console;
pub use kernel::{Kernel, Release};
pub use machine::{Guest, Lifetime, Processors};
pub use ssh::{Output, Ssh};
pub use wait::wait_until;
