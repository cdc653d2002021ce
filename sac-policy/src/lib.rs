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

pub mod assertions;
pub mod choose;
pub mod code;
pub mod compile;
pub mod explain;
pub mod fault;
pub mod files;
mod inherit;
pub mod lint;
pub mod load;
pub mod network;
pub mod policy;
mod read;
pub mod schema;
pub mod set;
pub mod source;
pub mod when;
mod yaml;

pub use assertions::run_assertions;
pub use choose::{Choice, Group, Login, Person, RemoteHost};
pub use code::{Code, Severity};
pub use compile::{Compiled, Grant, Situation, compile, sockets_of_services};
pub use explain::{Decider, Explanation, RuleReference, Step, explain};
pub use fault::{Colour, Fault, Faults, Place};
pub use files::{FileGeneration, Files, HostFiles, Resolved};
pub use lint::{Affected, lint, lint_lockout};
pub use load::{Sources, Trust};
pub use policy::{Account, AccountId, AppliesTo, Policy, Rule, Subject, Who};
pub use schema::schema;
pub use set::{Loaded, PolicySet};
pub use source::{Source, Span};

#[cfg(test)]
mod tests;
