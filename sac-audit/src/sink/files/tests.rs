// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a sink reads is what was written: from any number on, across files, and what cannot be read shows.

use super::*;
use crate::chain::{Settings, Writer};
use crate::record::{Entry, Event, Severity};
use crate::samples::{entry, now, origin, settings};
use std::fs;

fn sample(second: u64) -> Entry {
    entry(second, None, Severity::Low, Event::Tamper { what: format!("sample {second}") })
}

/// A record of many small files.
fn write(settings: &Settings, count: u64) -> u64 {
    let mut writer = Writer::new(Settings { file_bytes_max: 2048, ..settings.clone() }, origin());
    for second in 0..count {
        writer.append(sample(second));
        writer.flush(now(second));
    }
    writer.status().last_number
}

fn numbers(files: &mut Files, after: u64, max: usize) -> Vec<u64> {
    files.next_after(after, max).unwrap().iter().map(|record| record.number).collect()
}

#[test]
fn any_number_is_found_and_reading_goes_on_from_there() {
    let directory = tempfile::tempdir().unwrap();
    let settings = settings(directory.path());
    let last = write(&settings, 60);
    assert!(list(&settings.directory).unwrap().len() > 3);
    let mut files = Files::new(settings.directory.clone(), Arc::new(AtomicU64::new(last)));
    assert_eq!((files.first_available(), files.last()), (1, last));
    assert_eq!(numbers(&mut files, 0, 3), [1, 2, 3]);
    assert_eq!(numbers(&mut files, 3, 3), [4, 5, 6]);
    // Back, as after a failure, and on from there.
    assert_eq!(numbers(&mut files, 1, 2), [2, 3]);
    for after in 0..last {
        assert_eq!(numbers(&mut files, after, 1), [after + 1]);
    }
    assert!(numbers(&mut files, last, 9).is_empty());
    let after = write(&settings, 1);
    assert_eq!(numbers(&mut files, last, 9), (last + 1..=after).collect::<Vec<_>>());
}

#[test]
fn what_is_gone_or_is_no_record_is_not_there() {
    let directory = tempfile::tempdir().unwrap();
    let settings = settings(directory.path());
    let last = write(&settings, 60);
    let listed = list(&settings.directory).unwrap();
    fs::remove_file(&listed[0].path).unwrap();
    let mut text = fs::read_to_string(&listed[1].path).unwrap();
    text.insert(0, 'x');
    fs::write(&listed[1].path, text).unwrap();
    let mut files = Files::new(settings.directory.clone(), Arc::new(AtomicU64::new(last)));
    assert_eq!(files.first_available(), listed[1].first);
    assert_eq!(numbers(&mut files, 0, 1), [listed[1].first + 1]);
}

#[test]
fn no_files_are_no_records() {
    let directory = tempfile::tempdir().unwrap();
    let mut files = Files::new(directory.path().to_owned(), Arc::new(AtomicU64::new(7)));
    assert_eq!(files.first_available(), 8);
    assert!(numbers(&mut files, 7, 9).is_empty());
}
