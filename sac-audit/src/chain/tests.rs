// SPDX-License-Identifier: MIT OR Apache-2.0
//! The writer, over restarts, rotations and disks that are full.

mod failing;
mod restarts;
mod rotation;

use super::*;
use crate::record::{Entry, Event, Record, Severity};
use crate::samples::{entry, now, origin, settings, write};
use crate::verify::verify;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

/// An entry of a session, or of none.
fn tamper(second: u64, id: Option<&str>) -> Entry {
    entry(second, id, Severity::Low, Event::Tamper { what: format!("sample {second}") })
}

fn writer(settings: &Settings) -> Writer {
    Writer::new(settings.clone(), origin())
}

fn records(settings: &Settings) -> Vec<Record> {
    let files = list(&settings.directory).unwrap().into_iter();
    let text: String = files.map(|file| fs::read_to_string(file.path).unwrap()).collect();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// All events, with what tells them apart.
fn events(settings: &Settings) -> Vec<String> {
    let shown = |record: Record| match record.entry.event {
        Event::Tamper { what } => what,
        Event::EventsLost { count, by } => format!("{by} lost {count}"),
        event => event.name().to_owned(),
    };
    records(settings).into_iter().map(shown).collect()
}

fn sequences(settings: &Settings, id: &str) -> Vec<u64> {
    let sessions = records(settings).into_iter().filter_map(|record| record.entry.session);
    sessions.filter(|session| session.id == id).map(|session| session.sequence).collect()
}

fn check_sound(settings: &Settings, checkpoints: &[Checkpoint]) {
    let report = verify(&settings.directory, checkpoints).unwrap();
    assert!(report.is_sound(), "{:#?}", report.findings);
    assert_eq!(report.checkpoints_met, checkpoints.len());
}

fn last_file(settings: &Settings) -> PathBuf {
    list(&settings.directory).unwrap().pop().unwrap().path
}

fn mode(path: &std::path::Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn lines_are_chained_numbered_and_counted_for_each_session() {
    let directory = tempfile::tempdir().unwrap();
    let settings = settings(directory.path());
    let entries = [(0, None), (1, Some("a")), (2, Some("b")), (3, Some("a"))];
    let written = write(&settings, entries.iter().map(|(second, id)| tamper(*second, *id)).collect());
    let text = fs::read_to_string(settings.directory.join("record-000000000001.jsonl")).unwrap();
    assert_eq!(text, written.iter().map(|written| format!("{}\n", written.line)).collect::<String>());
    let mut previous = Digest::NONE;
    for (written, number) in written.iter().zip(1..) {
        assert_eq!(written.record.number, number);
        assert_eq!(written.record.previous, previous.to_string());
        assert_eq!(written.digest, Digest::of(written.line.as_bytes()));
        previous = written.digest;
    }
    assert_eq!(sequences(&settings, "a"), [1, 2]);
    assert_eq!(sequences(&settings, "b"), [1]);
    check_sound(&settings, &[Checkpoint { number: 4, digest: previous }]);
}

#[test]
fn files_and_directory_are_for_the_owner_and_a_group() {
    let directory = tempfile::tempdir().unwrap();
    let settings = settings(directory.path());
    write(&settings, vec![tamper(0, None)]);
    assert_eq!(mode(&settings.directory), 0o750);
    assert_eq!(mode(&last_file(&settings)), 0o640);
    assert_eq!(mode(&settings.directory.join("sequences.json")), 0o640);
}

#[test]
fn files_and_directory_are_given_to_the_group_that_may_read() {
    use std::os::unix::fs::MetadataExt as _;
    // Only root may give files to any group.
    let own = rustix::process::getegid().as_raw();
    let group = if rustix::process::geteuid().is_root() { 54_321 } else { own };
    let directory = tempfile::tempdir().unwrap();
    let settings = Settings { group: Some(group), ..settings(directory.path()) };
    write(&settings, vec![tamper(0, None)]);
    for path in [settings.directory.clone(), last_file(&settings), settings.directory.join("sequences.json")]
    {
        assert_eq!(fs::metadata(path).unwrap().gid(), group);
    }
}

#[test]
fn a_checkpoint_is_a_record_and_is_not_made_twice_of_the_same() {
    let directory = tempfile::tempdir().unwrap();
    let settings = settings(directory.path());
    let mut writer = writer(&settings);
    writer.append(tamper(0, None));
    let first = writer.checkpoint(now(1));
    assert_eq!(first.written.len(), 2);
    let checkpoint = first.checkpoint.unwrap();
    assert_eq!(checkpoint.number, 2);
    assert_eq!(checkpoint.to_string().parse::<Checkpoint>().unwrap(), checkpoint);
    let again = writer.checkpoint(now(2));
    assert_eq!((again.checkpoint, again.written.len()), (Some(checkpoint), 0));
    check_sound(&settings, &[checkpoint]);
    // Nor after a restart.
    writer.close(now(3));
    let mut writer = self::writer(&settings);
    assert_eq!(writer.checkpoint(now(4)).checkpoint, Some(checkpoint));
}

#[test]
fn text_that_is_no_checkpoint_is_refused() {
    let digest = "ab".repeat(32);
    for text in ["", "1", ":", &format!("x:{digest}"), &format!("1:{}", digest.to_uppercase()), "1:ab"] {
        let error = text.parse::<Checkpoint>().unwrap_err().to_string();
        assert!(error.starts_with(&format!("`{text}` is no checkpoint")), "{error}");
    }
}

#[test]
fn a_second_writer_does_not_get_in() {
    let directory = tempfile::tempdir().unwrap();
    let settings = settings(directory.path());
    let mut first = writer(&settings);
    first.append(tamper(0, None));
    assert_eq!(first.flush(now(0)).len(), 1);
    let mut second = writer(&settings);
    second.append(tamper(1, None));
    assert!(second.flush(now(1)).is_empty());
    let State::Failing { reason } = second.status().state else { panic!("the second one writes") };
    assert!(reason.contains("cannot lock"), "{reason}");
    first.close(now(2));
    assert_eq!(second.tick(now(3)).len(), 1);
    check_sound(&settings, &[]);
}

#[test]
fn a_directory_that_others_may_write_to_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let settings = settings(directory.path());
    fs::create_dir(&settings.directory).unwrap();
    fs::set_permissions(&settings.directory, fs::Permissions::from_mode(0o770)).unwrap();
    let mut writer = writer(&settings);
    writer.flush(now(0));
    let State::Failing { reason } = writer.status().state else { panic!("it is used") };
    assert!(reason.contains("others than its owner may write to it"), "{reason}");
}

#[test]
fn what_is_written_goes_to_the_disk_when_it_should() {
    let unsynchronised = |synchronise, second| {
        let directory = tempfile::tempdir().unwrap();
        let settings = Settings { synchronise, ..settings(directory.path()) };
        let mut writer = writer(&settings);
        writer.append(tamper(0, None));
        writer.tick(now(0));
        writer.tick(now(second));
        writer.is_unsynchronised()
    };
    assert!(!unsynchronised(Synchronise::EachBatch, 0));
    assert!(unsynchronised(Synchronise::default(), 0));
    assert!(!unsynchronised(Synchronise::default(), 1));
    assert!(unsynchronised(Synchronise::Never, 1000));
}
