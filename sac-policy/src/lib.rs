// SPDX-License-Identifier: MIT OR Apache-2.0
//! Policies: from YAML files to the compiled rules that the kernel half looks up.
//!
//! The way of a policy: [`PolicySet::load_dir`] reads files and checks all of them in one pass, [`PolicySet::choose`]
//! finds the one policy that holds for a person, [`compile()`] looks its paths up in the file system and writes the
//! entries of its map. Whatever is wrong or doubtful becomes a [`Fault`] that points into the file.
//!
//! Nothing here needs root, BPF or a running loader. No input, however broken, makes it panic. The language is
//! described in `docs/policy.md`.
#![forbid(unsafe_code)]

pub mod choose;
pub mod code;
pub mod compile;
pub mod fault;
pub mod files;
pub mod load;
pub mod policy;
mod read;
pub mod set;
pub mod source;
mod yaml;

pub use choose::{Choice, Group, Person};
pub use code::{Code, Severity};
pub use compile::{Compiled, compile};
pub use fault::{Colour, Fault, Faults, Place};
pub use files::{FileGeneration, Files, HostFiles, Resolved};
pub use load::Trust;
pub use policy::{Account, AccountId, Policy, Rule, Who};
pub use set::{Loaded, PolicySet};
pub use source::{Source, Span};

#[cfg(test)]
mod tests;
