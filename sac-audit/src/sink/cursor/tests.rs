// SPDX-License-Identifier: MIT OR Apache-2.0

use super::{Cursor, Position};
use std::fs;

#[test]
fn what_was_written_is_read() {
    let directory = tempfile::tempdir().unwrap();
    let cursor = Cursor::new(&directory.path().join("sinks"), "siem");
    assert_eq!(cursor.read().unwrap(), Position::New);
    cursor.write(42).unwrap();
    cursor.write(43).unwrap();
    assert_eq!(cursor.read().unwrap(), Position::After(43));
    let names: Vec<_> = fs::read_dir(directory.path().join("sinks"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names, ["siem"], "nothing temporary stays");
}

/// A new sink begins with what happens from now on; one that was there does not, whatever became of its file.
#[test]
fn nonsense_is_not_taken_for_a_new_sink() {
    let directory = tempfile::tempdir().unwrap();
    let cursor = Cursor::new(directory.path(), "siem");
    for content in [&b""[..], b"x", b"-1", b"\xff\xfe"] {
        fs::write(directory.path().join("siem"), content).unwrap();
        assert_eq!(cursor.read().unwrap(), Position::Unknown, "{content:?}");
    }
}

#[test]
fn what_cannot_be_read_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join("siem")).unwrap();
    let cursor = Cursor::new(directory.path(), "siem");
    assert!(cursor.read().is_err() && cursor.write(1).is_err());
}
