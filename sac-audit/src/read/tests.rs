// SPDX-License-Identifier: MIT OR Apache-2.0
//! Records are found by filters, from any moment on, and followed across files.

use super::*;
use crate::chain::{Settings, Writer};
use crate::record::{Entry, Event, Severity};
use crate::samples::{entry, now, origin, samples, settings, write};
use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;

fn numbers(records: &mut Records) -> Vec<u64> {
    records.map(|record| record.unwrap().number).collect()
}

fn open(settings: &Settings, filter: Filter) -> Records {
    Records::open(&settings.directory, filter).unwrap()
}

fn sample(second: u64) -> Entry {
    entry(second, Some("a"), Severity::Low, Event::Tamper { what: format!("sample {second}") })
}

/// Events that a filter lets through.
fn events(filter: Filter) -> Vec<String> {
    let directory = tempfile::tempdir().unwrap();
    let settings = settings(directory.path());
    write(&settings, samples());
    open(&settings, filter).map(|record| record.unwrap().entry.event.name().to_owned()).collect()
}

#[test]
fn filters_take_what_fits_all_of_them() {
    let all = events(Filter::default());
    assert_eq!(all.len(), samples().len());
    let blocked = events(Filter { blocked: true, ..Filter::default() });
    assert_eq!(blocked, ["blocked", "operation", "session-refused"]);
    let session = events(Filter { session: Some("7f3a".into()), ..Filter::default() });
    assert_eq!(session.len(), 12);
    assert!(events(Filter { session: Some("7f3b".into()), ..Filter::default() }).is_empty());
    for user in ["alice", "1001"] {
        let of_user = events(Filter { user: Some(user.into()), ..Filter::default() });
        // Grants are for somebody, whether they are there or not; they have no number.
        assert_eq!(of_user.len(), if user == "alice" { 14 } else { 12 });
    }
    assert_eq!(events(Filter { user: Some("bob".into()), ..Filter::default() }), ["session-refused"]);
    let named = Filter { events: vec!["tamper".into(), "ended".into()], ..Filter::default() };
    assert_eq!(events(named.clone()), ["ended", "tamper"]);
    assert_eq!(events(Filter { severity: Severity::Critical, ..named }), ["tamper"]);
}

#[test]
fn since_and_until_are_the_ends() {
    let (since, until) = (now(3).time, now(6).time);
    let filter = Filter { since: Some(since), until: Some(until), ..Filter::default() };
    let all = events(Filter::default());
    assert_eq!(events(filter), all[3..6]);
}

#[test]
fn a_moment_is_found_without_reading_everything() {
    let directory = tempfile::tempdir().unwrap();
    let settings = Settings { file_bytes_max: 200_000, ..settings(directory.path()) };
    // A record a minute, for two days.
    write(&settings, (0..2880).map(|minute| sample(minute * 60)).collect());
    let files = list(&settings.directory).unwrap();
    assert!(files.len() > 3);
    for minute in [0, 1, 59, 60, 61, 700, 1439, 1440, 2000, 2879, 2880] {
        let since = Some(now(minute * 60).time);
        let mut records = open(&settings, Filter { since, ..Filter::default() });
        let current = records.current.as_ref().unwrap();
        let begun: Record = {
            let mut lines = Lines::open(&current.file.path).unwrap();
            lines.seek(current.lines.offset()).unwrap();
            serde_json::from_slice(&lines.next_line().unwrap().unwrap().bytes).unwrap()
        };
        // An hour for the clock, and what 64 KiB hold.
        assert!(begun.number + 60 + 250 > minute, "{minute} from {}", begun.number);
        assert_eq!(numbers(&mut records), (minute + 1..=2880).collect::<Vec<_>>());
    }
}

#[test]
fn a_clock_that_was_set_back_hides_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let settings = Settings { file_bytes_max: 1000, ..settings(directory.path()) };
    let seconds = [0, 1000, 2000, 3000, 4000, 4100, 1000, 2000, 3000, 4200, 4300];
    write(&settings, seconds.iter().map(|second| sample(*second)).collect());
    let filter = Filter { since: Some(now(4000).time), until: Some(now(4200).time), ..Filter::default() };
    assert_eq!(numbers(&mut open(&settings, filter)), [5, 6]);
}

#[test]
fn following_gives_each_record_once_across_files_and_restarts() {
    let directory = tempfile::tempdir().unwrap();
    let settings = Settings { file_bytes_max: 700, ..settings(directory.path()) };
    fs::create_dir(&settings.directory).unwrap();
    let mut records = open(&settings, Filter::default());
    assert!(numbers(&mut records).is_empty());
    let mut all = Vec::new();
    for round in 0..20_u64 {
        let mut writer = Writer::new(settings.clone(), origin());
        for second in 0..=round % 4 {
            writer.append(sample(second));
            writer.flush(now(second));
            if second % 2 == 0 {
                all.extend(numbers(&mut records));
            }
        }
        if round % 5 == 0 {
            all.extend(numbers(&mut records));
        }
    }
    all.extend(numbers(&mut records));
    assert_eq!(all, (1..=50).collect::<Vec<_>>());
    assert!(list(&settings.directory).unwrap().len() > 10);
}

#[test]
fn a_line_is_given_when_it_is_whole() {
    let directory = tempfile::tempdir().unwrap();
    let settings = settings(directory.path());
    let written = write(&settings, vec![sample(0), sample(1)]);
    let path = list(&settings.directory).unwrap().remove(0).path;
    let line = format!("{}\n", written[1].line);
    let mut file = fs::File::create(&path).unwrap();
    let mut records = open(&settings, Filter::default());
    for at in [0, 1, 100, line.len() - 1] {
        file.set_len(0).unwrap();
        file = fs::OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(&line.as_bytes()[..at]).unwrap();
        assert!(records.next().is_none());
    }
    file.write_all(b"\n").unwrap();
    assert_eq!(numbers(&mut records), [2]);
    assert!(records.next().is_none());
}

#[test]
fn what_is_no_record_is_said_and_passed_over() {
    let directory = tempfile::tempdir().unwrap();
    let settings = Settings { file_bytes_max: 1, ..settings(directory.path()) };
    write(&settings, vec![sample(0), sample(1), sample(2)]);
    let file = |number| settings.directory.join(format!("record-{number:012}.jsonl"));
    fs::write(file(1), "{}\n").unwrap();
    let mut second = fs::read(file(2)).unwrap();
    second.extend(b"{\"sch");
    fs::write(file(2), second).unwrap();
    let mut records = open(&settings, Filter::default());
    let first = records.next().unwrap().unwrap_err().to_string();
    assert!(
        first.contains("record-000000000001.jsonl, from byte 0 on: this line is not a record: missing"),
        "{first}"
    );
    assert_eq!(records.next().unwrap().unwrap().number, 2);
    let torn = records.next().unwrap().unwrap_err().to_string();
    assert!(torn.ends_with("it has no end"), "{torn}");
    assert_eq!(numbers(&mut records), [3]);
}

#[test]
fn files_that_are_removed_meanwhile_do_not_stop_a_reader() {
    let directory = tempfile::tempdir().unwrap();
    let settings = Settings { file_bytes_max: 1, ..settings(directory.path()) };
    write(&settings, (0..5).map(sample).collect());
    let mut records = open(&settings, Filter::default());
    assert_eq!(records.next().unwrap().unwrap().number, 1);
    for number in 1..4 {
        fs::remove_file(settings.directory.join(format!("record-{number:012}.jsonl"))).unwrap();
    }
    assert_eq!(numbers(&mut records), [4, 5]);
}

#[test]
fn each_event_has_a_name_of_its_own() {
    let names: BTreeSet<_> = samples().iter().map(|entry| entry.event.name()).collect();
    assert_eq!(names.len(), samples().len());
}

#[test]
fn the_last_ones_are_found_from_the_end_backwards() {
    let directory = tempfile::tempdir().unwrap();
    let settings = Settings { file_bytes_max: 300_000, ..settings(directory.path()) };
    // More than a chunk in a file, and more than a file. Every hundredth is grave.
    let grave = |second| if second % 100 == 99 { Severity::High } else { Severity::Low };
    let entries = (0..2000).map(|second| Entry { severity: grave(second), ..sample(second) });
    write(&settings, entries.collect());
    assert!(list(&settings.directory).unwrap().len() > 2);
    let last = |filter: &Filter, count| {
        numbers(&mut Records::open_last(&settings.directory, filter.clone(), count).unwrap())
    };
    for count in [1, 2, 20, 200, 700, 1999, 2000, 5000] {
        let first = 2000_u64.saturating_sub(count) + 1;
        assert_eq!(
            last(&Filter::default(), usize::try_from(count).unwrap()),
            (first..=2000).collect::<Vec<_>>()
        );
    }
    let grave = Filter { severity: Severity::High, ..Filter::default() };
    assert_eq!(last(&grave, 3), [1800, 1900, 2000]);
    assert_eq!(last(&grave, 100), (1..=20).map(|hundred| hundred * 100).collect::<Vec<_>>());
    let since = Filter { since: Some(now(1850).time), ..grave.clone() };
    assert_eq!(last(&since, 100), [1900, 2000]);
    let until = Filter { until: Some(now(1850).time), ..grave };
    assert_eq!(last(&until, 2), [1700, 1800]);
    assert!(last(&Filter { session: Some("b".into()), ..Filter::default() }, 5).is_empty());
}

#[test]
fn of_a_line_that_is_not_whole_nothing_is_taken_and_following_goes_on_after_the_last_ones() {
    let directory = tempfile::tempdir().unwrap();
    let settings = settings(directory.path());
    let written = write(&settings, (0..5).map(sample).collect());
    let path = list(&settings.directory).unwrap().remove(0).path;
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() - 10]).unwrap();
    let mut records = Records::open_last(&settings.directory, Filter::default(), 2).unwrap();
    assert_eq!(numbers(&mut records), [3, 4]);
    let mut file = fs::OpenOptions::new().append(true).open(&path).unwrap();
    file.write_all(&whole[whole.len() - 10..]).unwrap();
    let found = records.next_found().unwrap().unwrap();
    assert_eq!((found.record.number, found.line), (5, written[4].line.clone().into_bytes()));
}
