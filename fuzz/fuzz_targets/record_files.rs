// SPDX-License-Identifier: MIT OR Apache-2.0
//! Bytes as the files of a record: whatever somebody has put there, verifying and reading them ends, finds no more than there is, and the
//! last records are the same ones from whichever end they are looked for. A line `# NUMBER` begins the file of that number.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sac_audit::read::{Filter, Found, ReadError, Records};
use sac_audit::record::Severity;
use sac_audit::verify::{FINDINGS_MAX, verify};
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

/// More would only be more of the same.
const FILES_MAX: usize = 4;

static DIRECTORY: LazyLock<tempfile::TempDir> = LazyLock::new(|| {
    let memory = Path::new("/dev/shm");
    let place = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
    tempfile::tempdir_in(place).expect("a directory can be made")
});

/// Writes the files and returns how many lines they have at most. The last line of all has an end: the verifier would wait for one.
fn write(bytes: &[u8]) -> usize {
    for entry in fs::read_dir(DIRECTORY.path()).expect("it can be read") {
        fs::remove_file(entry.expect("it can be read").path()).expect("it can be removed");
    }
    let mut files: Vec<(u64, Vec<u8>)> = vec![(1, Vec::new())];
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let number = line.strip_prefix(b"# ").and_then(|number| std::str::from_utf8(number).ok());
        match number.and_then(|number| number.trim_end().parse().ok()) {
            Some(number) if files.len() < FILES_MAX => files.push((number, Vec::new())),
            _ => files.iter_mut().last().expect("there is one").1.extend_from_slice(line),
        }
    }
    files.sort_by_key(|(number, _)| *number);
    let last = files.last_mut().expect("there is one");
    last.1.push(b'\n');
    let mut lines = 0;
    for (number, content) in files {
        lines += content.split(|byte| *byte == b'\n').count();
        let path = DIRECTORY.path().join(format!("record-{number:012}.jsonl"));
        fs::write(path, content).expect("it can be written");
    }
    lines
}

/// All that is read, which ends.
fn read(mut records: Records, lines: usize) -> Vec<Found> {
    let mut found = Vec::new();
    for _at_most in 0..=2 * lines {
        match records.next_found() {
            None => return found,
            Some(Ok(next)) => found.push(next),
            Some(Err(ReadError::NotARecord { reason, .. })) => assert!(!reason.is_empty()),
            Some(Err(error)) => panic!("{error}"),
        }
    }
    panic!("{lines} lines give more than twice as many answers")
}

fn open(filter: &Filter) -> Records {
    Records::open(DIRECTORY.path(), filter.clone()).expect("it can be opened")
}

fn last(filter: &Filter, count: usize) -> Records {
    Records::open_last(DIRECTORY.path(), filter.clone(), count).expect("it can be opened")
}

fuzz_target!(|bytes: &[u8]| {
    let lines = write(bytes);
    let report = verify(DIRECTORY.path(), &[]).expect("it can be read");
    assert!(report.files <= FILES_MAX && report.records <= lines as u64);
    assert!(report.findings.len() <= FINDINGS_MAX);
    let all = read(open(&Filter::default()), lines);
    assert!(all.len() <= lines);
    let grave = Filter { severity: Severity::Medium, ..Filter::default() };
    for filter in [Filter::default(), grave] {
        let fitting: Vec<_> = all.iter().filter(|found| filter.matches(&found.record)).collect();
        assert_eq!(read(open(&filter), lines).iter().collect::<Vec<_>>(), fitting);
        for count in [1, 3] {
            let wanted = fitting.get(fitting.len().saturating_sub(count)..).unwrap_or_default();
            assert_eq!(read(last(&filter, count), lines).iter().collect::<Vec<_>>(), wanted);
        }
    }
    if let Some(middle) = all.get(all.len() / 2) {
        let since = Some(middle.record.entry.time);
        for found in read(open(&Filter { since, ..Filter::default() }), lines) {
            assert!(Some(found.record.entry.time) >= since && all.contains(&found));
        }
        let near = Records::open_near(DIRECTORY.path(), middle.record.number).expect("it can be opened");
        assert!(read(near, lines).iter().all(|found| all.contains(found)));
    }
});
