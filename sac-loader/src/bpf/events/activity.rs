// SPDX-License-Identifier: MIT OR Apache-2.0
//! A program that was executed, as the daemon keeps it until it is recorded.

use sac_abi::{
    activity::{self, Execution},
    event::EventPath,
};

/// A text of a user's, as far as it was read. Harmless only after escaping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Text {
    /// The bytes, without a NUL.
    pub(crate) bytes: Box<[u8]>,
    /// Whether there was more, or nothing could be read.
    pub(crate) cut: bool,
}

impl From<EventPath<'_>> for Text {
    fn from(text: EventPath<'_>) -> Self {
        Self { bytes: text.bytes.into(), cut: text.cut }
    }
}

/// A program that was executed.
#[derive(Clone, Debug)]
pub(crate) struct Executed {
    /// All that is no text: when, who, which file, under which rule.
    pub(crate) execution: Execution,
    /// The path, resolved; of a script its interpreter's.
    pub(crate) path: Text,
    /// The path as it was given; of a script the script's.
    pub(crate) typed: Text,
    /// What a script's `#!` line names; `None` where a program was executed itself.
    pub(crate) interpreter: Option<Text>,
    /// The working directory, resolved.
    pub(crate) cwd: Text,
    /// The arguments, the program's own name first.
    pub(crate) arguments: Vec<Box<[u8]>>,
    /// Whether there were more, or the last one was longer.
    pub(crate) arguments_cut: bool,
    /// The environment, where the scope asks for it.
    pub(crate) environment: Vec<Box<[u8]>>,
    /// Whether there was more of it.
    pub(crate) environment_cut: bool,
}

impl From<&activity::Executed<'_>> for Executed {
    fn from(executed: &activity::Executed<'_>) -> Self {
        Self {
            execution: executed.execution,
            path: executed.path().into(),
            typed: executed.typed().into(),
            interpreter: executed.interpreter().map(Text::from),
            cwd: executed.cwd().into(),
            arguments: executed.arguments().map(Box::from).collect(),
            arguments_cut: executed.arguments_are_cut(),
            environment: executed.environment().map(Box::from).collect(),
            environment_cut: executed.environment_is_cut(),
        }
    }
}
