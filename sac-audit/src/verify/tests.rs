// SPDX-License-Identifier: MIT OR Apache-2.0
//! What was done to a record is found, said in the right place, and does not hide what comes after it.

mod properties;

use super::*;
use crate::chain::{Digest, Settings};
use crate::record::{Entry, Event, Severity};
use crate::samples::{entry, settings, write};
use std::fs;

fn sample(second: u64, id: Option<&str>) -> Entry {
    entry(second, id, Severity::Low, Event::Tamper { what: format!("sample {second}") })
}

/// Files of records 1 to 9, three in each, and the checkpoint of the last one.
fn nine() -> (tempfile::TempDir, Settings, Checkpoint) {
    let directory = tempfile::tempdir().unwrap();
    let settings = Settings { file_bytes_max: 900, ..settings(directory.path()) };
    let written = write(&settings, (1..10).map(|second| sample(second, Some("a"))).collect());
    let firsts: Vec<_> = list(&settings.directory).unwrap().iter().map(|file| file.first).collect();
    assert_eq!(firsts, [1, 4, 7]);
    let last = written.last().unwrap();
    (directory, settings, Checkpoint { number: last.record.number, digest: last.digest })
}

/// Changes the lines of the file that begins with a record.
fn change(settings: &Settings, first: u64, change: impl FnOnce(&mut Vec<String>)) {
    let path = settings.directory.join(format!("record-{first:012}.jsonl"));
    let mut lines: Vec<String> = fs::read_to_string(&path).unwrap().lines().map(str::to_owned).collect();
    change(&mut lines);
    fs::write(path, lines.iter().map(|line| format!("{line}\n")).collect::<String>()).unwrap();
}

/// What is found after a change.
fn check(act: impl FnOnce(&Settings), checkpointed: bool, expected: &[&str]) {
    let (_directory, settings, checkpoint) = nine();
    act(&settings);
    let checkpoints = if checkpointed { vec![checkpoint] } else { Vec::new() };
    let report = verify(&settings.directory, &checkpoints).unwrap();
    let found: Vec<_> = report.findings.iter().map(ToString::to_string).collect();
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.starts_with(expected), "{found}\n{expected}");
    }
}

#[test]
fn a_sound_record_is_reported_with_its_ends() {
    let (_directory, settings, checkpoint) = nine();
    let report = verify(&settings.directory, &[checkpoint]).unwrap();
    assert!(report.is_sound());
    assert_eq!((report.files, report.records, report.checkpoints_met), (3, 9, 1));
    assert_eq!(report.end, Some(checkpoint));
    assert_eq!(report.from.unwrap(), (1, sample(1, None).time));
    assert_eq!(report.to.unwrap(), (9, sample(9, None).time));
}

#[test]
fn an_empty_directory_has_no_record() {
    let directory = tempfile::tempdir().unwrap();
    assert_eq!(verify(directory.path(), &[]).unwrap(), Report::default());
    assert!(verify(&directory.path().join("missing"), &[]).is_err());
}

#[test]
fn an_edited_line_shows_at_the_next_one() {
    let edit = |settings: &Settings| {
        change(settings, 4, |lines| lines[1] = lines[1].replace("sample 5", "sample 0"))
    };
    let file = "record-000000000004.jsonl:3: record 5 was changed or the one after it was: the SHA-256 of its line is ";
    check(edit, false, &[file]);
}

#[test]
fn an_edit_that_is_also_found_in_the_next_file() {
    let edit = |settings: &Settings| change(settings, 1, |lines| lines[2] = lines[2].replace("alice", "bob"));
    check(edit, false, &["record-000000000004.jsonl:1: record 3 was changed or the one after it was"]);
}

#[test]
fn a_dropped_line_shows_with_its_number_and_in_its_session() {
    let drop = |settings: &Settings| change(settings, 4, |lines| drop(lines.remove(1)));
    let missing = "record-000000000004.jsonl:2: records 5 to 5 are missing here";
    let sequence = "record-000000000004.jsonl:2: session a: its record 5 should be here, and this is 6";
    check(drop, false, &[missing, sequence]);
}

#[test]
fn a_missing_file_shows_in_the_next_one() {
    let remove =
        |settings: &Settings| fs::remove_file(settings.directory.join("record-000000000004.jsonl")).unwrap();
    let missing = "record-000000000007.jsonl:1: records 4 to 6 are missing here";
    check(remove, false, &[missing, "record-000000000007.jsonl:1: session a"]);
}

#[test]
fn swapped_lines_show() {
    let swap = |settings: &Settings| change(settings, 4, |lines| lines.swap(1, 2));
    let (_directory, settings, _checkpoint) = nine();
    swap(&settings);
    let report = verify(&settings.directory, &[]).unwrap();
    let wrongs: Vec<_> = report.findings.iter().map(|finding| &finding.wrong).collect();
    assert!(wrongs.contains(&&Wrong::Missing { from: 5, to: 5 }), "{wrongs:#?}");
    assert!(wrongs.contains(&&Wrong::OutOfOrder { found: 5, after: 6 }), "{wrongs:#?}");
}

#[test]
fn an_inserted_line_shows() {
    let insert = |settings: &Settings| change(settings, 1, |lines| lines.insert(1, lines[0].clone()));
    let doubled =
        "record-000000000001.jsonl:2: record 1 stands after record 1: it was moved, inserted or doubled";
    check(insert, false, &[doubled, "record-000000000001.jsonl:2: session a"]);
    let insert = |settings: &Settings| change(settings, 1, |lines| lines.insert(1, "{}".into()));
    let none = "record-000000000001.jsonl:2: this line is not a record: missing field";
    check(insert, false, &[none, "record-000000000001.jsonl:3: record 2 stands after record 2"]);
}

#[test]
fn a_tail_that_was_cut_off_shows_by_a_checkpoint() {
    let cut = |settings: &Settings| change(settings, 7, |lines| lines.truncate(1));
    check(cut, false, &[]);
    check(
        cut,
        true,
        &["the record ends at 7, but a checkpoint was made of record 9: what came after 7 was cut off"],
    );
    let half = |settings: &Settings| {
        let path = settings.directory.join("record-000000000007.jsonl");
        let bytes = fs::read(&path).unwrap();
        fs::write(path, &bytes[..bytes.len() - 1]).unwrap();
    };
    check(half, false, &["record-000000000007.jsonl:3: this line has no end"]);
}

#[test]
fn a_chain_that_was_made_anew_shows_by_a_checkpoint() {
    let anew = |settings: &Settings| {
        fs::remove_dir_all(&settings.directory).unwrap();
        write(settings, (1..10).map(|second| sample(second + 1, Some("a"))).collect());
    };
    check(anew, false, &[]);
    check(
        anew,
        true,
        &["record-000000000007.jsonl:3: record 9 is not the one that a checkpoint was made of"],
    );
}

#[test]
fn the_last_record_is_covered_by_a_checkpoint_alone() {
    let edit =
        |settings: &Settings| change(settings, 7, |lines| lines[2] = lines[2].replace("alice", "mallo"));
    check(edit, false, &[]);
    check(edit, true, &["record-000000000007.jsonl:3: record 9 is not the one"]);
}

#[test]
fn a_missing_beginning_shows_unless_it_was_said() {
    let remove =
        |settings: &Settings| fs::remove_file(settings.directory.join("record-000000000001.jsonl")).unwrap();
    check(
        remove,
        false,
        &["records 1 to 3 are not there, and no record says that they were removed to make room"],
    );
    let (_directory, settings, _checkpoint) = nine();
    let event = Event::RecordsRemoved { files: Vec::new(), from_number: 1, to_number: 3 };
    write(&settings, vec![entry(10, None, Severity::Info, event)]);
    remove(&settings);
    let old = Checkpoint { number: 2, digest: Digest::NONE };
    let report = verify(&settings.directory, &[old]).unwrap();
    assert!(report.is_sound(), "{:#?}", report.findings);
    assert_eq!((report.checkpoints_removed, report.from.unwrap().0), (1, 4));
    // More than was said.
    fs::remove_file(settings.directory.join("record-000000000004.jsonl")).unwrap();
    let report = verify(&settings.directory, &[]).unwrap();
    assert_eq!(report.findings[0].wrong, Wrong::Beginning { to: 6 });
}

#[test]
fn a_file_under_another_name_shows() {
    let rename = |settings: &Settings| {
        let name = |first| settings.directory.join(format!("record-{first:012}.jsonl"));
        fs::rename(name(4), name(5)).unwrap();
    };
    check(
        rename,
        false,
        &["record-000000000005.jsonl:1: the file is named after record 5 and begins with record 4"],
    );
}

#[test]
fn a_checkpoint_within_a_gap_shows() {
    let (_directory, settings, _checkpoint) = nine();
    fs::remove_file(settings.directory.join("record-000000000004.jsonl")).unwrap();
    let report = verify(&settings.directory, &[Checkpoint { number: 5, digest: Digest::NONE }]).unwrap();
    assert_eq!(report.findings.last().unwrap().wrong, Wrong::CheckpointMissing { number: 5 });
}

#[test]
fn findings_are_bounded_and_the_others_counted() {
    let directory = tempfile::tempdir().unwrap();
    let settings = settings(directory.path());
    write(&settings, vec![sample(0, None)]);
    fs::write(settings.directory.join("record-000000000001.jsonl"), "x\n".repeat(FINDINGS_MAX + 7)).unwrap();
    let report = verify(&settings.directory, &[]).unwrap();
    assert_eq!((report.findings.len(), report.findings_left_out), (FINDINGS_MAX, 7));
}

#[test]
fn another_schema_is_not_taken_for_this_one() {
    let edit = |settings: &Settings| {
        change(settings, 7, |lines| lines[2] = lines[2].replace("\"schema\":1", "\"schema\":2"))
    };
    check(
        edit,
        false,
        &[
            "record-000000000007.jsonl:3: this line is not a record: its schema is 2, and this program knows 1",
        ],
    );
}

#[test]
fn a_first_record_that_has_one_before_it_shows() {
    let edit = |settings: &Settings| {
        let zeros = "0".repeat(64);
        change(settings, 1, |lines| lines[0] = lines[0].replace(&zeros, &"1".repeat(64)));
    };
    let changed = "record-000000000001.jsonl:2: record 1 was changed or the one after it was";
    check(
        edit,
        false,
        &["record-000000000001.jsonl:1: record 1 says that there is a record before it", changed],
    );
}

#[test]
fn a_number_that_is_wrong_in_a_chain_that_fits_shows() {
    // Whoever makes the chain anew and miscounts.
    let edit = |settings: &Settings| {
        change(settings, 7, |lines| lines[2] = lines[2].replace("\"number\":9", "\"number\":7"))
    };
    check(edit, false, &["record-000000000007.jsonl:3: the number of this record is 7 and should be 9"]);
}

#[test]
fn a_line_that_is_being_written_is_waited_for() {
    let (_directory, settings, _checkpoint) = nine();
    let path = settings.directory.join("record-000000000007.jsonl");
    let bytes = fs::read(&path).unwrap();
    let (begun, rest) = bytes.split_at(bytes.len() - 30);
    fs::write(&path, begun).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(UNFINISHED_WAIT);
            let mut file = fs::OpenOptions::new().append(true).open(&path).unwrap();
            std::io::Write::write_all(&mut file, rest).unwrap();
        });
        let report = verify(&settings.directory, &[]).unwrap();
        assert!(report.is_sound(), "{:#?}", report.findings);
    });
}
