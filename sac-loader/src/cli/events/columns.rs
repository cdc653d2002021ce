// SPDX-License-Identifier: MIT OR Apache-2.0
//! Records in columns that fit a terminal: when, session, user, what, and the rest, which goes on below where it is longer.
//!
//! Lines come one by one, so columns are as wide as what has come so far. Where output is not a terminal's, a record is one line.

use super::super::paint::{Paint, colour_of};
use jiff::{civil::Date, tz::TimeZone};
use sac_audit::brief::{Tone, brief, tone, user, what};
use sac_audit::record::Record;
use sac_audit::text::shown;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// A terminal that is not as wide has the date on a line of its own.
const WIDE: usize = 100;
/// Names that are longer push the rest of their line to the right, rather than that of all lines.
const NAME_WIDTH_MAX: usize = 20;
/// If there is less room for the rest, its lines go below at the margin.
const REST_WIDTH_MIN: usize = 16;
const GAP: &str = "  ";

/// Makes lines of records.
pub(super) struct Columns {
    zone: TimeZone,
    paint: Paint,
    /// How wide the terminal is; `None` where there is none.
    width: Option<usize>,
    /// How wide the columns of session, user and what are.
    widths: [usize; 3],
    date: Option<Date>,
}

impl Columns {
    pub(super) const fn new(zone: TimeZone, paint: Paint, width: Option<usize>) -> Self {
        Self { zone, paint, width, widths: [10, 6, 13], date: None }
    }

    /// The lines of a record, each with its newline.
    pub(super) fn lines(&mut self, record: &Record) -> String {
        let local = self.zone.to_datetime(record.entry.time);
        let mut text = String::new();
        let is_narrow = self.width.is_some_and(|width| width < WIDE);
        if is_narrow && self.date.replace(local.date()) != Some(local.date()) {
            text.push_str(&self.paint.paint("2", &format!("── {} ──", local.date())));
            text.push('\n');
        }
        let time =
            local.strftime(if is_narrow { "%H:%M:%S.%3f" } else { "%Y-%m-%d %H:%M:%S.%3f" }).to_string();
        let event = &record.entry.event;
        let session = record.entry.session.as_ref().map(|session| shown(&session.id));
        let names = [or_dash(session.unwrap_or_default()), or_dash(user(record)), what(event).to_owned()];
        for (width, name) in self.widths.iter_mut().zip(&names) {
            *width = name.width().clamp(*width, NAME_WIDTH_MAX.max(*width));
        }
        let tone = tone(event);
        let [session, user, what] = self.padded(&names);
        let before = [time.as_str(), &session, &user, &what].join(GAP) + GAP;
        let rest = self.rest(&brief(record), before.width());
        let colour = colour_of(tone);
        // What only frames the rest is dim as a whole, and of what stands out the first columns stay as they are.
        let (head, tail) = match tone {
            Tone::Quiet => (self.paint.paint(colour, &before), self.paint.paint(colour, &rest)),
            _ => {
                let plain = [time.as_str(), &session, &user].join(GAP) + GAP;
                let painted = self.paint.paint(colour, what.trim_end());
                let blanks = " ".repeat(what.width() - what.trim_end().width());
                (format!("{plain}{painted}{blanks}{GAP}"), self.paint.paint(colour, &rest))
            }
        };
        text.push_str(&head);
        text.push_str(&tail);
        text.push('\n');
        text
    }

    fn padded(&self, names: &[String; 3]) -> [String; 3] {
        let mut padded = names.clone();
        for (name, width) in padded.iter_mut().zip(self.widths) {
            let blanks = width.saturating_sub(name.width());
            name.push_str(&" ".repeat(blanks));
        }
        padded
    }

    /// The rest, on as many lines as it takes, below each other.
    fn rest(&self, rest: &str, before: usize) -> String {
        let Some(width) = self.width else { return rest.to_owned() };
        let (indent, room) = match width.checked_sub(before).filter(|room| *room >= REST_WIDTH_MIN) {
            Some(room) => (before, room),
            None => (GAP.len(), width.saturating_sub(GAP.len()).max(1)),
        };
        let pieces = wrap(rest, room);
        let lines = pieces.join(&format!("\n{}", " ".repeat(indent)));
        // At the margin nothing of it stands beside the columns.
        if indent == before { lines } else { format!("\n{}{lines}", " ".repeat(indent)) }
    }
}

fn or_dash(text: String) -> String {
    if text.is_empty() { "-".to_owned() } else { text }
}

/// Text in pieces that are at most so wide, at blanks where there are some.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut piece = String::new();
    for character in text.chars() {
        if piece.width() + character.width().unwrap_or(0) > width && !piece.is_empty() {
            // The last blank is where to part, unless a word is so long that most of the line would stay empty.
            let blank = piece.rfind(' ').filter(|at| piece.split_at(*at).0.width() >= width / 3);
            let rest = blank.map(|at| piece.split_off(at + 1)).unwrap_or_default();
            pieces.push(piece.trim_end().to_owned());
            piece = rest;
        }
        piece.push(character);
    }
    pieces.push(piece);
    pieces
}

#[cfg(test)]
mod tests;
