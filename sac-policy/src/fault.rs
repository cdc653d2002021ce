// SPDX-License-Identifier: MIT OR Apache-2.0
//! What was found wrong or doubtful, where, and what to do about it.
//!
//! Faults are collected, not thrown: a check goes on after each one, so that one run shows them all. Text that comes
//! from a policy goes into messages through `quoted`, so that no fault can carry a terminal's control sequences or
//! a megabyte of somebody's line.

mod render;

use crate::code::{Code, Severity};
use crate::source::{Source, Span};
use std::collections::HashSet;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

pub use render::Colour;

/// Most errors and most warnings that are kept of one check; beyond that they are only counted.
pub const KEPT_MAX: usize = 200;

/// Most characters of a policy's own text that go into one message.
const QUOTED_CHARS_MAX: usize = 80;

/// A file, and a span in it unless the whole file is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub source: Arc<Source>,
    /// The piece of the file.
    pub span: Option<Span>,
}

impl Place {
    /// A piece of a file.
    #[must_use]
    pub fn at(source: &Arc<Source>, span: Span) -> Self {
        Self { source: Arc::clone(source), span: Some(span) }
    }

    /// A whole file or directory, of which nothing needs to have been read.
    #[must_use]
    pub fn file(path: &Path) -> Self {
        Self { source: Arc::new(Source::new(path, "")), span: None }
    }
}

impl fmt::Display for Place {
    /// `file:line`, or the file where all of it is meant. What a path holds for a terminal is made harmless.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.source.path().display().to_string().escape_debug())?;
        match self.span {
            Some(Span { line, .. }) if line > 0 => write!(formatter, ":{line}"),
            _ => Ok(()),
        }
    }
}

/// One thing that is wrong or doubtful.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    code: Code,
    message: String,
    place: Place,
    label: String,
    related: Option<(Place, String)>,
    help: String,
}

impl Fault {
    pub(crate) fn new(code: Code, place: Place, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            place,
            label: String::new(),
            related: None,
            help: String::new(),
        }
    }

    /// What stands beside the caret.
    pub(crate) fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// Another place that one must see to understand the fault.
    pub(crate) fn related(mut self, place: Place, label: impl Into<String>) -> Self {
        self.related = Some((place, label.into()));
        self
    }

    /// What to do.
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = help.into();
        self
    }

    /// What kind of fault this is.
    #[must_use]
    pub fn code(&self) -> Code {
        self.code
    }

    /// What is wrong, in one sentence.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Where it is wrong.
    #[must_use]
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// What to do about it.
    #[must_use]
    pub fn help_text(&self) -> &str {
        &self.help
    }
}

/// Everything that one check found: errors, which make a policy set unusable, and warnings, which do not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    kept: Vec<Fault>,
    errors: usize,
    warnings: usize,
}

impl Faults {
    pub(crate) fn push(&mut self, fault: Fault) {
        let count = match fault.code.severity() {
            Severity::Error => &mut self.errors,
            Severity::Warning => &mut self.warnings,
        };
        *count += 1;
        if *count <= KEPT_MAX {
            self.kept.push(fault);
        }
    }

    /// Puts the faults into the order of files and lines.
    pub(crate) fn sort(&mut self) {
        self.kept.sort_by(|a, b| {
            let key = |fault: &Fault| fault.place.span.map(|span| span.start);
            a.place.source.path().cmp(b.place.source.path()).then_with(|| key(a).cmp(&key(b)))
        });
    }

    /// The faults, in the order of files and lines: all of them, or the first [`KEPT_MAX`] of each severity.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Fault> {
        self.kept.iter()
    }

    /// Whether nothing was found.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.errors + self.warnings == 0
    }

    /// How many faults of this severity were found, including those that were not kept.
    #[must_use]
    pub fn count(&self, severity: Severity) -> usize {
        match severity {
            Severity::Error => self.errors,
            Severity::Warning => self.warnings,
        }
    }

    /// All faults as text for people, with excerpts. Ends with a line break unless there is no fault.
    #[must_use]
    pub fn render(&self, colour: Colour) -> String {
        let mut text: String = self.kept.iter().map(|fault| render::render(fault, colour)).collect();
        let left_off = self.errors + self.warnings - self.kept.len();
        if left_off > 0 {
            text += &format!("and {left_off} more\n");
        }
        text
    }
}

impl Extend<Fault> for Faults {
    fn extend<I: IntoIterator<Item = Fault>>(&mut self, faults: I) {
        faults.into_iter().for_each(|fault| self.push(fault));
    }
}

impl fmt::Display for Faults {
    /// One line with the counts, such as `3 faults and 1 warning in 2 files`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let files: HashSet<&Path> = self.kept.iter().map(|fault| fault.place.source.path()).collect();
        let counted =
            |count: usize, noun: &str| format!("{count} {noun}{}", if count == 1 { "" } else { "s" });
        match (self.errors, self.warnings) {
            (errors, 0) => write!(f, "{}", counted(errors, "fault"))?,
            (0, warnings) => write!(f, "{}", counted(warnings, "warning"))?,
            (errors, warnings) => {
                write!(f, "{} and {}", counted(errors, "fault"), counted(warnings, "warning"))?;
            }
        }
        write!(f, " in {}", counted(files.len(), "file"))
    }
}

impl std::error::Error for Faults {}

/// A policy's own text, for a message: between backticks, control characters made harmless, not too long.
pub(crate) fn quoted(text: impl AsRef<str>) -> String {
    let text = text.as_ref();
    let mut characters = text.chars();
    let shown: String = characters.by_ref().take(QUOTED_CHARS_MAX).collect();
    let ellipsis = if characters.next().is_some() { "…" } else { "" };
    format!("`{}{ellipsis}`", printable(&shown))
}

/// A path, for a message.
pub(crate) fn quoted_path(path: &Path) -> String {
    quoted(path.to_string_lossy())
}

/// Text in which what a terminal would act upon, or would show in another order, is escaped.
pub(crate) fn printable(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut printable, character| {
        let reorders =
            matches!(character, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if character.is_control() || reorders {
            printable.extend(character.escape_default());
        } else {
            printable.push(character);
        }
        printable
    })
}

#[cfg(test)]
mod tests;
