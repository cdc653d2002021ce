// SPDX-License-Identifier: MIT OR Apache-2.0
//! Secrets on command lines and in environments, replaced by `***` before anything is written or sent.
//!
//! A [`Pattern`] finds a secret within an argument, or says that the argument after it is one. Patterns see arguments as they
//! are, the words of arguments that are command lines themselves (`sh -c '…'`), and variables as `NAME=value`. Searching takes time
//! that grows with the length of what is searched and no faster, whatever the pattern. Nobody can be kept from hiding
//! something of their own behind what looks like a password; what they executed stays visible.

mod command_line;
mod defaults;
mod pattern;

pub use defaults::{DEFAULTS, Default};
pub use pattern::{Form, PATTERN_BYTES_MAX, PATTERNS_MAX, Pattern, RedactError};

use crate::record::{Entry, Event, Execution};
use crate::text::Text;
use command_line::Line;
use pattern::Compiled;
use std::ops::Range;

/// What stands in the place of a secret.
pub const REDACTED: &str = "***";

/// Takes secrets out of entries.
#[derive(Clone, Debug)]
pub struct Redactor {
    patterns: Compiled,
}

impl Redactor {
    /// One that uses these patterns and the default ones.
    ///
    /// # Errors
    /// When a pattern is faulty, too large, or there are too many.
    pub fn new(patterns: &[Pattern]) -> Result<Self, RedactError> {
        let defaults: Vec<_> = DEFAULTS.iter().map(Default::pattern).collect();
        Self::only(&[&defaults, patterns].concat())
    }

    /// One that uses these patterns and no others.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn only(patterns: &[Pattern]) -> Result<Self, RedactError> {
        Ok(Self { patterns: Compiled::new(patterns)? })
    }

    /// Takes secrets out of an entry: of arguments, environment, and the path as it was typed.
    pub fn entry(&self, entry: &mut Entry) {
        if let Event::Executed(execution) | Event::Blocked(execution) = &mut entry.event {
            self.execution(execution);
        }
    }

    fn execution(&self, execution: &mut Execution) {
        let secrets = {
            let arguments: Vec<&[u8]> = execution.arguments.iter().map(Text::as_bytes).collect();
            Line::new(&self.patterns, execution.file.path.as_bytes()).arguments(&arguments)
        };
        for (argument, secrets) in execution.arguments.iter_mut().zip(secrets) {
            replace(argument, secrets);
        }
        let typed = self.patterns.within(execution.typed.as_bytes(), &[]);
        replace(&mut execution.typed, typed);
        for (name, value) in &mut execution.environment {
            let assignment = [name.as_bytes(), b"=", value.as_bytes()].concat();
            let at = name.len() + 1;
            let secrets = self.patterns.within(&assignment, &[]).into_iter().filter(|secret| secret.end > at);
            let secrets = secrets
                .map(|secret| secret.start.saturating_sub(at)..secret.end.saturating_sub(at))
                .collect();
            replace(value, secrets);
        }
    }
}

/// Replaces ranges, which may overlap.
fn replace(text: &mut Text, mut secrets: Vec<Range<usize>>) {
    if secrets.is_empty() {
        return;
    }
    secrets.sort_unstable_by_key(|secret| secret.start);
    let bytes = text.as_bytes();
    let mut redacted = Vec::with_capacity(bytes.len());
    let mut at = 0;
    for secret in secrets {
        // What begins within another one belongs to it.
        if secret.start >= at {
            redacted.extend_from_slice(bytes.get(at..secret.start).unwrap_or_default());
            redacted.extend_from_slice(REDACTED.as_bytes());
        }
        at = at.max(secret.end);
    }
    redacted.extend_from_slice(bytes.get(at..).unwrap_or_default());
    *text = Text::from_bytes(&redacted);
}

#[cfg(test)]
mod tests;
