// SPDX-License-Identifier: MIT OR Apache-2.0
//! Files are finished when they are full, and the oldest go whole, after a record has said so.

use super::*;

fn names(settings: &Settings) -> Vec<String> {
    list(&settings.directory).unwrap().iter().map(RecordFile::name).collect()
}

#[test]
fn a_full_file_is_followed_by_one_that_is_named_after_its_first_record() {
    let directory = tempfile::tempdir().unwrap();
    let settings = Settings { file_bytes_max: 1000, ..settings(directory.path()) };
    write(&settings, (0..9).map(|second| tamper(second, Some("a"))).collect());
    let names = names(&settings);
    assert!(names.len() > 2, "{names:?}");
    for file in list(&settings.directory).unwrap() {
        let text = fs::read_to_string(&file.path).unwrap();
        let first: Record = serde_json::from_str(text.lines().next().unwrap()).unwrap();
        assert_eq!(first.number, file.first);
        // Full is full: not more than the line that filled it.
        let last = text.lines().last().unwrap().len() + 1;
        assert!(text.len() - last < 1000, "{} bytes", text.len());
    }
    check_sound(&settings, &[]);
}

#[test]
fn the_oldest_files_go_after_a_record_has_said_so() {
    let directory = tempfile::tempdir().unwrap();
    let settings = Settings { file_bytes_max: 1000, files_kept: 3, ..settings(directory.path()) };
    write(&settings, (0..7).map(|second| tamper(second, Some("a"))).collect());
    assert_eq!(names(&settings).len(), 3);
    assert!(events(&settings).iter().all(|event| event.starts_with("sample")));
    fs::write(settings.directory.join("record-000000000001.torn"), "{").unwrap();
    write(&settings, (7..11).map(|second| tamper(second, Some("a"))).collect());
    assert_eq!(names(&settings).len(), 3);
    let mut removed = records(&settings).into_iter().filter_map(|record| match record.entry.event {
        Event::RecordsRemoved { files, from_number, to_number } => {
            assert!(record.number > to_number);
            Some((files, from_number, to_number))
        }
        _ => None,
    });
    let first = removed.next_back().unwrap();
    assert_eq!(first.0[0], format!("record-{:012}.jsonl", first.1), "{first:?}");
    assert!(!settings.directory.join("record-000000000001.torn").exists());
    let report = verify(&settings.directory, &[]).unwrap();
    assert!(report.is_sound(), "{:#?}", report.findings);
    assert!(report.from.unwrap().0 > 1);
}

#[test]
fn files_also_go_when_they_are_too_large_together() {
    let directory = tempfile::tempdir().unwrap();
    let settings = Settings { file_bytes_max: 2000, bytes_kept: 6000, ..settings(directory.path()) };
    for second in 0..60 {
        write(&settings, vec![tamper(second, Some("a"))]);
    }
    let total: u64 =
        list(&settings.directory).unwrap().iter().map(|file| fs::metadata(&file.path).unwrap().len()).sum();
    assert!((2000..=6000 + 3000).contains(&total), "{total} bytes");
    check_sound(&settings, &[]);
}

#[test]
fn two_files_are_kept_whatever_is_asked_for() {
    let directory = tempfile::tempdir().unwrap();
    let settings =
        Settings { file_bytes_max: 1000, files_kept: 0, bytes_kept: 0, ..settings(directory.path()) };
    write(&settings, (0..30).map(|second| tamper(second, None)).collect());
    assert_eq!(names(&settings).len(), 2);
    check_sound(&settings, &[]);
}

#[test]
fn files_that_hold_one_record_each_do_not_make_it_write_for_ever() {
    let directory = tempfile::tempdir().unwrap();
    let settings = Settings { file_bytes_max: 1, files_kept: 2, ..settings(directory.path()) };
    write(&settings, (0..9).map(|second| tamper(second, None)).collect());
    assert!(names(&settings).len() <= 4, "{:?}", names(&settings));
    check_sound(&settings, &[]);
}

#[test]
fn only_names_that_the_writer_gives_are_files_of_the_record() {
    let directory = tempfile::tempdir().unwrap();
    let settings = settings(directory.path());
    write(&settings, vec![tamper(0, None)]);
    for name in ["record-1.jsonl", "record-000000000002.jsonl.gz", "record-+00000000002.jsonl", "notes"] {
        fs::write(settings.directory.join(name), "x").unwrap();
    }
    assert_eq!(names(&settings), ["record-000000000001.jsonl"]);
    assert_eq!(files::name(1_234_567_890_123_456), "record-1234567890123456.jsonl");
}

#[test]
fn files_that_cannot_be_removed_are_reported_and_do_not_stop_the_writer() {
    let directory = tempfile::tempdir().unwrap();
    let settings = Settings { file_bytes_max: 1000, files_kept: 2, ..settings(directory.path()) };
    let mut writer = writer(&settings);
    writer.append(tamper(0, None));
    writer.flush(now(0));
    // A directory, which is not removed like a file.
    let first = last_file(&settings);
    (1..6).for_each(|second| writer.append(tamper(second, None)));
    writer.flush(now(1));
    fs::remove_file(&first).unwrap();
    fs::create_dir(&first).unwrap();
    (6..12).for_each(|second| writer.append(tamper(second, None)));
    assert!(writer.flush(now(2)).len() > 6);
    let status = writer.status();
    assert_eq!(status.state, State::Writing);
    let fault = status.removal_fault.unwrap();
    assert!(fault.starts_with("cannot remove ") && fault.contains("record-000000000001.jsonl"), "{fault}");
}
