// SPDX-License-Identifier: MIT OR Apache-2.0
//! Faults as people see them: message, excerpt with a caret, help.
//!
//! Only the lines that a fault is about are handed to the renderer, not the whole file: a check of a large set must
//! not take time by the square of its size.

use super::{Fault, Place, printable};
use crate::code::Severity;
use crate::source::{Source, Span, floor_char_boundary};
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use std::ops::Range;
use std::sync::Arc;

/// Most bytes of a file that one excerpt is cut from.
const EXCERPT_BYTES_MAX: usize = 4096;

/// Whether text for people is coloured. Who writes to a terminal knows; this crate never looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// Plain text.
    Never,
    /// Text with ANSI colours.
    Always,
}

/// A fault as text, followed by an empty line.
pub(super) fn render(fault: &Fault, colour: Colour) -> String {
    let level = match fault.code.severity() {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level.primary_title(fault.message.as_str()).id(fault.code.as_str());
    let mut group = Group::with_title(title);
    for excerpt in excerpts(fault) {
        group = excerpt.add_to(group);
    }
    if !fault.help.is_empty() {
        group = group.element(Level::HELP.message(fault.help.as_str()));
    }
    let renderer = match colour {
        Colour::Never => Renderer::plain(),
        Colour::Always => Renderer::styled(),
    };
    format!("{}\n\n", renderer.render(&[group]))
}

/// The lines around some spans of one file.
struct Excerpt<'f> {
    source: &'f Arc<Source>,
    lines: Range<usize>,
    marks: Vec<(AnnotationKind, Span, &'f str)>,
}

/// The excerpts that show a fault: one where its places are close together in one file, otherwise one for each.
fn excerpts(fault: &Fault) -> Vec<Excerpt<'_>> {
    let mut excerpts = vec![Excerpt::of(&fault.place, AnnotationKind::Primary, &fault.label)];
    if let Some((place, label)) = &fault.related {
        let related = Excerpt::of(place, AnnotationKind::Context, label);
        match excerpts[0].joined(&related) {
            Some(joined) => excerpts[0] = joined,
            None => excerpts.push(related),
        }
    }
    excerpts
}

impl<'f> Excerpt<'f> {
    fn of(place: &'f Place, kind: AnnotationKind, label: &'f str) -> Self {
        let text = place.source.text();
        let Some(span) = place.span else {
            return Self { source: &place.source, lines: 0..0, marks: Vec::new() };
        };
        let range = byte_range(text, span);
        let start = text[..range.start].rfind('\n').map_or(0, |newline| newline + 1);
        let end = text[range.end..].find('\n').map_or(text.len(), |newline| range.end + newline);
        Self { source: &place.source, lines: start..end, marks: vec![(kind, span, label)] }
    }

    /// Both in one, if they are of one file and not far from each other.
    fn joined(&self, other: &Self) -> Option<Self> {
        let lines = self.lines.start.min(other.lines.start)..self.lines.end.max(other.lines.end);
        let joinable = Arc::ptr_eq(self.source, other.source)
            && !self.marks.is_empty()
            && !other.marks.is_empty()
            && lines.len() <= EXCERPT_BYTES_MAX;
        joinable.then(|| Self {
            source: self.source,
            lines,
            marks: self.marks.iter().chain(&other.marks).copied().collect(),
        })
    }

    fn add_to(self, group: Group<'f>) -> Group<'f> {
        let path = printable(&self.source.path().to_string_lossy());
        let Some(&(_, first, _)) = self.marks.first() else {
            return group.element(Origin::path(path));
        };
        if self.lines.len() > EXCERPT_BYTES_MAX {
            let origin = Origin::path(path).line(first.line as usize).char_column(first.column as usize);
            return group.element(origin);
        }
        let text = self.source.text();
        let line_start = text[..self.lines.start].bytes().filter(|&byte| byte == b'\n').count() + 1;
        let annotations = self.marks.iter().map(|&(kind, span, label)| {
            let range = byte_range(text, span);
            let label = (!label.is_empty()).then_some(label);
            kind.span(range.start - self.lines.start..range.end - self.lines.start).label(label)
        });
        let snippet =
            Snippet::source(without_c1(&text[self.lines.clone()])).line_start(line_start).path(path);
        group.element(snippet.annotations(annotations))
    }
}

/// Text without the control characters U+0080 to U+009F, which the renderer leaves as they are although terminals can
/// act upon them. What stands for them has as many bytes, so that spans stay right.
fn without_c1(text: &str) -> String {
    const STAND_IN: char = '\u{bf}';
    text.chars().map(|c| if matches!(c, '\u{80}'..='\u{9f}') { STAND_IN } else { c }).collect()
}

/// The range of a span, at character boundaries of the text.
fn byte_range(text: &str, span: Span) -> Range<usize> {
    let boundary = |offset: u32| floor_char_boundary(text, offset as usize);
    let start = boundary(span.start);
    start..boundary(span.end).max(start)
}
