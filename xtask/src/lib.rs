// SPDX-License-Identifier: MIT OR Apache-2.0
//! Set-up, builds, guests and tests of SAC. The binary is `cargo xtask`; the end-to-end tests use [`guest`] as a library.
#![forbid(unsafe_code)]

pub mod apt;
pub mod bench;
pub mod build_bpf;
pub mod cli;
pub mod demo;
pub mod dist;
pub mod fuzz;
pub mod guest;
pub mod image;
pub mod kept;
pub mod manual;
pub mod mutate;
pub mod process;
pub mod setup;
pub mod test_command;
pub mod vm;
pub mod workspace;
