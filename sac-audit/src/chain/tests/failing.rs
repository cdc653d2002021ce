// SPDX-License-Identifier: MIT OR Apache-2.0
//! Whatever the disk does: nothing blocks, nothing is written twice, and what is lost is counted and said.

use super::*;
use std::cell::Cell;
use std::fs::File;
use std::io::{self, Write as _};

thread_local! {
    /// How many bytes there is room for.
    static ROOM: Cell<usize> = const { Cell::new(0) };
}

/// A disk that gets full.
fn write_to_small_disk(mut file: &File, bytes: &[u8]) -> io::Result<usize> {
    let room = ROOM.get().min(bytes.len());
    if room == 0 {
        return Err(io::ErrorKind::StorageFull.into());
    }
    ROOM.set(ROOM.get() - room);
    file.write(&bytes[..room])
}

fn on_small_disk(settings: &Settings, room: usize) -> Writer {
    let mut writer = writer(settings);
    writer.write = write_to_small_disk;
    ROOM.set(room);
    writer
}

#[test]
fn a_full_disk_keeps_whole_lines_and_the_rest_comes_later() {
    let line = {
        let directory = tempfile::tempdir().unwrap();
        write(&settings(directory.path()), vec![tamper(0, Some("a"))])[0].line.len() + 1
    };
    for room in [0, 1, line - 1, line, line + 1, 2 * line, 2 * line + 7, 5 * line] {
        let directory = tempfile::tempdir().unwrap();
        let settings = settings(directory.path());
        let mut writer = on_small_disk(&settings, room);
        (0..4).for_each(|second| writer.append(tamper(second, Some("a"))));
        let mut written = writer.flush(now(4));
        assert_eq!(written.len(), (room / line).min(4), "room {room}");
        let text = fs::read_to_string(last_file(&settings)).unwrap();
        assert_eq!(text.lines().count(), written.len());
        assert!(text.is_empty() || text.ends_with('\n'));
        assert_eq!(writer.status().waiting, 4 - written.len());
        assert_eq!(matches!(writer.status().state, State::Failing { .. }), written.len() < 4);
        ROOM.set(usize::MAX);
        // Not at once, so that a disk that is full is not asked all the time.
        assert!(writer.flush(now(4)).is_empty());
        written.extend(writer.tick(now(5)));
        assert_eq!(writer.status().state, State::Writing);
        assert_eq!(written.iter().map(|written| written.record.number).collect::<Vec<_>>(), [1, 2, 3, 4]);
        assert_eq!(sequences(&settings, "a"), [1, 2, 3, 4]);
        assert_eq!(events(&settings), ["sample 0", "sample 1", "sample 2", "sample 3"]);
        check_sound(&settings, &[]);
    }
}

#[test]
fn what_has_no_room_is_counted_for_each_session_and_said_where_it_is_missing() {
    let directory = tempfile::tempdir().unwrap();
    let settings = Settings { waiting_bytes_max: 800, ..settings(directory.path()) };
    let mut writer = on_small_disk(&settings, 0);
    (0..3).for_each(|second| writer.append(tamper(second, Some("a"))));
    assert_eq!((writer.status().waiting, writer.status().lost), (3, 0));
    (3..8).for_each(|second| writer.append(tamper(second, Some("b"))));
    (8..10).for_each(|second| writer.append(tamper(second, None)));
    assert_eq!((writer.status().waiting, writer.status().lost), (3, 7));
    assert!(writer.status().waiting_bytes <= 800);
    ROOM.set(usize::MAX);
    writer.flush(now(10));
    writer.append(tamper(10, Some("b")));
    writer.flush(now(11));
    let expected = ["sample 0", "sample 1", "sample 2", "record lost 2", "record lost 5", "sample 10"];
    assert_eq!(events(&settings), expected);
    let lost = records(&settings).remove(4).entry.session.unwrap();
    assert_eq!((lost.id.as_str(), lost.sequence), ("b", 1));
    assert_eq!(writer.status().waiting_bytes, 0);
    check_sound(&settings, &[]);
}

#[test]
fn an_entry_that_is_too_long_for_a_line_is_counted() {
    let directory = tempfile::tempdir().unwrap();
    let settings = settings(directory.path());
    let what = "x".repeat(LINE_BYTES_MAX);
    let written = write(&settings, vec![entry(0, None, Severity::Low, Event::Tamper { what })]);
    assert_eq!(written.len(), 1);
    assert_eq!(events(&settings), ["record lost 1"]);
}

#[test]
fn no_checkpoint_is_given_while_nothing_can_be_written() {
    let directory = tempfile::tempdir().unwrap();
    let settings = settings(directory.path());
    let mut writer = on_small_disk(&settings, 0);
    writer.append(tamper(0, None));
    assert_eq!(writer.checkpoint(now(0)).checkpoint, None);
    ROOM.set(usize::MAX);
    assert!(writer.checkpoint(now(1)).checkpoint.is_some());
    check_sound(&settings, &[]);
}

#[test]
fn a_directory_that_cannot_be_made_is_tried_again() {
    let directory = tempfile::tempdir().unwrap();
    let settings = settings(&directory.path().join("missing"));
    let mut writer = writer(&settings);
    writer.append(tamper(0, None));
    assert!(writer.flush(now(0)).is_empty());
    let State::Failing { reason } = writer.status().state else { panic!("it writes nowhere") };
    assert!(reason.starts_with("cannot make the directory"), "{reason}");
    fs::create_dir(directory.path().join("missing")).unwrap();
    assert_eq!(writer.tick(now(1)).len(), 1);
}

#[test]
fn a_file_that_is_removed_or_changed_under_the_writer_is_said_and_its_numbers_are_not_given_again() {
    type Act = fn(&Settings);
    let acts: [(Act, &str); 3] = [
        (|settings| fs::remove_file(last_file(settings)).unwrap(), "was removed while it was written to"),
        (
            |settings| File::options().write(true).open(last_file(settings)).unwrap().set_len(5).unwrap(),
            "has 5 bytes",
        ),
        (|settings| fs::remove_dir_all(&settings.directory).unwrap(), "was removed while it was written to"),
    ];
    for (act, what) in acts {
        let directory = tempfile::tempdir().unwrap();
        let settings = settings(directory.path());
        let mut writer = writer(&settings);
        (0..3).for_each(|second| writer.append(tamper(second, Some("a"))));
        writer.flush(now(3));
        act(&settings);
        writer.append(tamper(4, Some("a")));
        let mut written = writer.tick(now(4));
        written.extend(writer.tick(now(5)));
        written.extend(writer.tick(now(6)));
        assert_eq!(writer.status().state, State::Writing, "{what}");
        assert!(!written.is_empty(), "{what}");
        let Event::Tamper { what: said } = &written[0].record.entry.event else { panic!("it is not said") };
        assert!(said.contains(what) || said.contains("the record ends at 0 and not at 3"), "{said}");
        assert!(written[0].record.number > 3);
        assert_eq!(written.last().unwrap().record.entry.session.as_ref().unwrap().sequence, 4);
        assert!(!verify(&settings.directory, &[]).unwrap().is_sound());
    }
}

#[test]
fn a_link_in_the_place_of_the_directory_or_a_file_is_not_followed() {
    let directory = tempfile::tempdir().unwrap();
    let settings = settings(directory.path());
    let elsewhere = directory.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &settings.directory).unwrap();
    let mut writer = writer(&settings);
    writer.append(tamper(0, None));
    assert!(writer.flush(now(0)).is_empty());
    fs::remove_file(&settings.directory).unwrap();
    fs::create_dir(&settings.directory).unwrap();
    fs::write(elsewhere.join("file"), "").unwrap();
    let link = settings.directory.join("record-000000000001.jsonl");
    std::os::unix::fs::symlink(elsewhere.join("file"), &link).unwrap();
    assert!(writer.tick(now(2)).is_empty());
    assert_eq!(fs::read(elsewhere.join("file")).unwrap(), b"");
    fs::remove_file(link).unwrap();
    assert_eq!(writer.tick(now(4)).len(), 1);
}

#[test]
fn what_could_be_brought_to_the_disk_does_not_hide_what_could_not_be_written() {
    let directory = tempfile::tempdir().unwrap();
    let settings = settings(directory.path());
    let mut writer = on_small_disk(&settings, usize::MAX);
    writer.append(tamper(0, None));
    writer.flush(now(0));
    ROOM.set(0);
    writer.append(tamper(1, None));
    writer.tick(now(5));
    assert!(matches!(writer.status().state, State::Failing { .. }));
    let (written, status) = writer.close(now(5));
    assert!(written.is_empty() && status.waiting == 1 && matches!(status.state, State::Failing { .. }));
}
