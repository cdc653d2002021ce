// SPDX-License-Identifier: MIT OR Apache-2.0
//! Bytes as lines of the record: whatever they are, verifying, filtering, redacting and drawing the tree end without a panic, and what is
//! read is read again from what is written of it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sac_audit::chain::{Checkpoint, Digest, Line, LineEnd};
use sac_audit::read::Filter;
use sac_audit::record::Record;
use sac_audit::redact::Redactor;
use sac_audit::tree::Tree;
use sac_audit::verify::{FINDINGS_MAX, Walk};
use std::sync::LazyLock;

static REDACTOR: LazyLock<Option<Redactor>> = LazyLock::new(|| Redactor::new(&[]).ok());

fn line(bytes: &[u8]) -> Line {
    let (content, end) = match bytes.split_last() {
        Some((b'\n', content)) => (content, LineEnd::Newline),
        _ => (bytes, LineEnd::File),
    };
    let length = bytes.len() as u64;
    Line { bytes: content.to_vec(), is_cut: false, digest: Digest::of(content), end, offset: 0, length }
}

fn verify(lines: &[Line]) {
    let last = lines.iter().rfind(|line| line.end == LineEnd::Newline);
    let checkpoints = last.map(|line| Checkpoint { number: lines.len() as u64, digest: line.digest });
    let mut walk = Walk::new(checkpoints.as_slice());
    walk.file("record-000000000001.jsonl", 1);
    lines.iter().for_each(|line| walk.line(line));
    let report = walk.finish();
    assert!(report.findings.len() <= FINDINGS_MAX);
    assert!(report.records <= lines.len() as u64);
    for finding in &report.findings {
        assert!(!finding.to_string().is_empty());
    }
}

fuzz_target!(|bytes: &[u8]| {
    let lines: Vec<Line> = bytes.split_inclusive(|byte| *byte == b'\n').map(line).collect();
    verify(&lines);
    let mut records = Vec::new();
    for line in &lines {
        let Ok(record) = serde_json::from_slice::<Record>(&line.bytes) else { continue };
        let written = serde_json::to_string(&record).expect("what was read can be written");
        let again: Record = serde_json::from_str(&written).expect("what was written can be read");
        assert_eq!(serde_json::to_string(&again).expect("it can be written"), written);
        let everything = Filter::default();
        assert!(everything.matches(&record));
        let mut redacted = record.entry.clone();
        REDACTOR.as_ref().expect("the defaults can be used").entry(&mut redacted);
        assert_eq!(redacted.event.name(), record.entry.event.name());
        records.push(record);
    }
    let text = Tree::of(records).render(&jiff::tz::TimeZone::UTC);
    assert!(text.chars().all(|letter| letter == '\n' || !letter.is_control()));
});
