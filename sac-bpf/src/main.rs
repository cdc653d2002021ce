// SPDX-License-Identifier: GPL-2.0-only OR MIT
//! The kernel half of SAC: eBPF LSM programs, for cgroups, and where there is no room for those, for the machine.
//!
//! One file for each hook family; each hook is a few lines around [`sac_abi::decide`]. Nothing here logs, allocates or
//! loops without bound. Whatever cannot be known is denied, and no program ever undoes a denial that stands already.
#![cfg_attr(target_arch = "bpf", expect(internal_features, reason = "see `maps::atomic_add`"))]
#![cfg_attr(target_arch = "bpf", feature(core_intrinsics, adt_const_params))]
#![cfg_attr(target_arch = "bpf", no_std, no_main)]
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "helpers return 64 bits of which a narrower value is defined, and a checked conversion is code that never runs"
)]

mod activity;
mod administration;
mod arguments;
mod connect;
mod content;
mod enforce;
mod exec;
mod files;
mod inquiry;
mod kernel;
mod label;
mod lifetime;
mod mapping;
mod maps;
mod object;
mod open;
mod record;
mod scope;
mod strictest;
mod strings;
mod text;

/// Some helpers (`bpf_probe_read_kernel_str`) are lent only to programs under a GPL-compatible licence.
#[unsafe(no_mangle)]
#[unsafe(link_section = "license")]
static LICENSE: [u8; 13] = *b"Dual MIT/GPL\0";

/// On the host this crate is only linted, and a binary of std needs no panic handler but a main.
#[cfg(not(target_arch = "bpf"))]
fn main() {}

/// Never reached: the verifier refuses a program that could panic.
#[cfg(target_arch = "bpf")]
#[panic_handler]
fn panic(_info: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
