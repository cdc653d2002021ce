// SPDX-License-Identifier: MIT OR Apache-2.0
//! The walk along the chain, line by line. It reads no files, so that anything can be given to it.

use super::checkpoints::Checkpoints;
use super::{FINDINGS_MAX, Finding, Report, Wrong};
use crate::chain::sequences::Sequences;
use crate::chain::{Checkpoint, Digest, Line, LineEnd};
use crate::record::{Event, Record, SCHEMA};

/// A walk.
#[derive(Clone, Debug)]
pub struct Walk {
    checkpoints: Checkpoints,
    report: Report,
    file: String,
    /// The number in the name of a file whose first line has not come yet.
    named: Option<u64>,
    line: u64,
    /// Number of the first line of all.
    first: Option<u64>,
    before: Option<Before>,
    sequences: Sequences,
    /// The furthest that a record says files were removed.
    removed_to: u64,
}

/// The line before.
#[derive(Clone, Copy, Debug)]
struct Before {
    number: u64,
    digest: Digest,
}

impl Walk {
    /// A walk that compares with checkpoints.
    #[must_use]
    pub fn new(checkpoints: &[Checkpoint]) -> Self {
        Self {
            checkpoints: Checkpoints::new(checkpoints),
            report: Report::default(),
            file: String::new(),
            named: None,
            line: 0,
            first: None,
            before: None,
            sequences: Sequences::default(),
            removed_to: 0,
        }
    }

    /// The next file, and the number in its name.
    pub fn file(&mut self, name: &str, first: u64) {
        name.clone_into(&mut self.file);
        self.line = 0;
        self.named = Some(first);
        self.report.files += 1;
    }

    /// The next line.
    pub fn line(&mut self, line: &Line) {
        self.line += 1;
        let counted =
            self.before.map_or_else(|| self.named.unwrap_or(1), |before| before.number.saturating_add(1));
        let number = match (parse(line), line.end) {
            (Err(why), LineEnd::Newline) => {
                self.find(None, Wrong::NotARecord(why));
                counted
            }
            // What has no end is no record yet, even if it looks like one.
            (_, LineEnd::File) => return self.find(None, Wrong::Unfinished),
            (Ok(record), LineEnd::Newline) => {
                self.place(&record);
                self.content(&record);
                record.number
            }
        };
        let (met, wrong) = self.checkpoints.compare(number, line.digest);
        self.report.checkpoints_met += met;
        wrong.into_iter().for_each(|wrong| self.find(Some(number), wrong));
        self.named = None;
        self.first.get_or_insert(number);
        self.before = Some(Before { number, digest: line.digest });
    }

    /// The end of the chain.
    #[must_use]
    pub fn finish(mut self) -> Report {
        let first = self.first;
        if let Some(first) = first.filter(|first| first.saturating_sub(1) > self.removed_to) {
            self.file.clear();
            self.find(None, Wrong::Beginning { to: first.saturating_sub(1) });
        }
        self.report.end = self.before.map(|Before { number, digest }| Checkpoint { number, digest });
        let last = self.before.map_or(0, |before| before.number);
        let (removed, wrong) = self.checkpoints.clone().rest(first, last);
        self.report.checkpoints_removed = removed;
        self.file.clear();
        wrong.into_iter().for_each(|wrong| self.find(None, wrong));
        self.report
    }

    /// Whether a record stands where it should.
    fn place(&mut self, record: &Record) {
        let number = record.number;
        if let Some(named) = self.named.filter(|named| *named != number) {
            self.find(Some(number), Wrong::FileName { named, found: number });
        }
        match self.before {
            Some(before) => self.after(before, record),
            None if number == 1 && record.previous != Digest::NONE.to_string() => {
                self.find(Some(number), Wrong::First);
            }
            None => {}
        }
    }

    fn after(&mut self, before: Before, record: &Record) {
        let found = record.number;
        let expected = before.number.saturating_add(1);
        let is = before.digest.to_string();
        let fits = record.previous == is;
        let wrong = match found.cmp(&expected) {
            std::cmp::Ordering::Equal if fits => return,
            std::cmp::Ordering::Equal => {
                let says = record.previous.clone();
                Wrong::Changed { before: before.number, after: found, is, says }
            }
            std::cmp::Ordering::Greater if fits => {
                Wrong::Gone { from: expected, to: found.saturating_sub(1), next: found }
            }
            _ if fits => Wrong::Number { expected, found },
            std::cmp::Ordering::Greater => Wrong::Missing { from: expected, to: found.saturating_sub(1) },
            std::cmp::Ordering::Less => Wrong::OutOfOrder { found, after: before.number },
        };
        self.find(Some(found), wrong);
    }

    /// What a record says of itself, of its session, and of what is not there.
    fn content(&mut self, record: &Record) {
        self.report.records += 1;
        let here = (record.number, record.entry.time);
        self.report.from.get_or_insert(here);
        self.report.to = Some(here);
        if let Event::RecordsRemoved { to_number, .. } = record.entry.event {
            self.removed_to = self.removed_to.max(to_number);
        }
        let Some(session) = &record.entry.session else { return };
        let last = self.sequences.last(&session.id);
        let expected = last.saturating_add(1);
        // The beginning of a session may have been removed with the beginning of the chain.
        let is_known = last > 0 || self.first.unwrap_or(record.number) == 1;
        if is_known && session.sequence != expected {
            let found = session.sequence;
            self.find(Some(record.number), Wrong::Sequence { session: session.id.clone(), expected, found });
        }
        self.sequences.set(&session.id, session.sequence);
        if let Event::SessionClosed { .. } = record.entry.event {
            self.sequences.close(&session.id);
        }
    }

    fn find(&mut self, number: Option<u64>, wrong: Wrong) {
        if self.report.findings.len() >= FINDINGS_MAX {
            self.report.findings_left_out += 1;
            return;
        }
        let line = if self.file.is_empty() { 0 } else { self.line };
        self.report.findings.push(Finding { file: self.file.clone(), line, number, wrong });
    }
}

fn parse(line: &Line) -> Result<Record, String> {
    if line.is_cut {
        return Err("it is longer than any record".to_owned());
    }
    let record: Record = serde_json::from_slice(&line.bytes).map_err(|error| error.to_string())?;
    if record.schema != SCHEMA {
        return Err(format!("its schema is {}, and this program knows {SCHEMA}", record.schema));
    }
    Ok(record)
}
