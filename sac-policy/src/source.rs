// SPDX-License-Identifier: MIT OR Apache-2.0
//! The text of a policy file, and places in it.
//!
//! A source is kept for as long as something points into it, so that what is found late, for instance when a path is
//! looked up, can still show the line that it is about.

use crate::code::Code;
use crate::fault::{Fault, Place};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Largest policy file, in bytes: ten thousand rules with all that can be said about each, several times over. What a file costs
/// to read is bounded by its number of values besides.
pub const SOURCE_BYTES_MAX: usize = 8 << 20;

/// A policy file: its name and its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    path: PathBuf,
    text: String,
}

impl Source {
    /// A file with this name and text. Nothing is read from disk.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>, text: impl Into<String>) -> Self {
        Self { path: path.into(), text: text.into() }
    }

    /// A file with this name and content.
    ///
    /// # Errors
    ///
    /// A fault that points to the first byte that is not UTF-8.
    pub fn from_bytes(path: impl Into<PathBuf>, bytes: Vec<u8>) -> Result<Self, Box<Fault>> {
        let path = path.into();
        let error = match String::from_utf8(bytes) {
            Ok(text) => return Ok(Self { path, text }),
            Err(error) => error,
        };
        let valid = error.utf8_error().valid_up_to();
        let source = Arc::new(Self { path, text: String::from_utf8_lossy(error.as_bytes()).into_owned() });
        let span = source.span(valid..valid);
        let fault = Fault::new(Code::InvalidYaml, Place::at(&source, span), "the file is not UTF-8 text")
            .label("the first byte that is not")
            .help("write the file anew as UTF-8 text");
        Err(Box::new(fault))
    }

    /// The file's name, as it was given.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The whole text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The span of a range of bytes; what lies outside the text is cut off.
    pub(crate) fn span(&self, range: std::ops::Range<usize>) -> Span {
        let start = floor_char_boundary(&self.text, range.start);
        let end = floor_char_boundary(&self.text, range.end).max(start);
        let before = &self.text[..start];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Span {
            start: saturate(start),
            end: saturate(end),
            line: saturate(before.bytes().filter(|&byte| byte == b'\n').count() + 1),
            column: saturate(before[line_start..].chars().count() + 1),
        }
    }

    /// The empty span at a line and a column, both counted from 1; what lies outside the text is cut off.
    pub(crate) fn span_at(&self, line: u64, column: u64) -> Span {
        let nth = |number: u64| usize::try_from(number.saturating_sub(1)).unwrap_or(usize::MAX);
        let mut lines = self.text.split_inclusive('\n');
        let line_start = lines.by_ref().take(nth(line)).map(str::len).sum::<usize>();
        let in_line = lines.next().unwrap_or_default().trim_end_matches(['\n', '\r']);
        let offset = in_line.char_indices().nth(nth(column)).map_or(in_line.len(), |(offset, _)| offset);
        self.span(line_start + offset..line_start + offset)
    }
}

/// A piece of a [`Source`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// Offset of the first byte.
    pub start: u32,
    /// Offset of the byte after the last one.
    pub end: u32,
    /// Line of the first byte, from 1.
    pub line: u32,
    /// Column of the first byte in characters, from 1.
    pub column: u32,
}

impl From<serde_yaml::Location> for Span {
    /// What the parser does not know becomes 0, which is outside every text and therefore shows no excerpt.
    fn from(location: serde_yaml::Location) -> Self {
        let span = location.span();
        let start = span.byte_offset().unwrap_or(0);
        Self {
            start: saturate(start),
            end: saturate(start.saturating_add(span.byte_len().unwrap_or(0))),
            line: saturate(location.line()),
            column: saturate(location.column()),
        }
    }
}

/// The last character boundary of `text` that is not behind `index`.
pub(crate) fn floor_char_boundary(text: &str, index: usize) -> usize {
    (0..=index.min(text.len())).rev().find(|&index| text.is_char_boundary(index)).unwrap_or(0)
}

/// A number as `u32`. Offsets and lines fit because of [`SOURCE_BYTES_MAX`].
fn saturate(number: impl TryInto<u32>) -> u32 {
    number.try_into().unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
