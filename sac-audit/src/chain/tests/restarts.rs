// SPDX-License-Identifier: MIT OR Apache-2.0
//! The chain is taken up where it ended, however it ended.

use super::*;

#[test]
fn numbers_and_sequences_go_on_with_and_without_what_was_saved() {
    for saved in [true, false] {
        let directory = tempfile::tempdir().unwrap();
        let settings = settings(directory.path());
        for round in 0..3 {
            write(
                &settings,
                vec![tamper(round, Some("a")), tamper(round, Some("b")), tamper(round, Some("a"))],
            );
            if !saved {
                fs::remove_file(settings.directory.join("sequences.json")).unwrap();
            }
        }
        assert_eq!(sequences(&settings, "a"), [1, 2, 3, 4, 5, 6]);
        assert_eq!(sequences(&settings, "b"), [1, 2, 3]);
        check_sound(&settings, &[]);
    }
}

#[test]
fn a_writer_that_was_killed_loses_nothing_that_it_wrote() {
    let directory = tempfile::tempdir().unwrap();
    let settings = settings(directory.path());
    let mut killed = writer(&settings);
    killed.append(tamper(0, Some("a")));
    killed.checkpoint(now(0));
    killed.append(tamper(1, Some("a")));
    killed.flush(now(1));
    drop(killed);
    write(&settings, vec![tamper(2, Some("a"))]);
    assert_eq!(sequences(&settings, "a"), [1, 2, 3]);
    check_sound(&settings, &[]);
}

/// Leaves the beginning of a line behind.
fn tear(settings: &Settings, bytes: &[u8]) {
    let path = last_file(settings);
    let mut content = fs::read(&path).unwrap();
    content.extend_from_slice(bytes);
    fs::write(path, content).unwrap();
}

#[test]
fn a_torn_line_is_moved_aside_and_said() {
    let directory = tempfile::tempdir().unwrap();
    let settings = settings(directory.path());
    write(&settings, vec![tamper(0, None)]);
    tear(&settings, b"{\"schema\":1,\"num");
    let report = verify(&settings.directory, &[]).unwrap();
    assert!(report.findings[0].to_string().starts_with("record-000000000001.jsonl:2: this line has no end"));
    write(&settings, vec![tamper(1, None)]);
    assert_eq!(events(&settings), ["sample 0", "chain-repaired", "sample 1"]);
    let Event::ChainRepaired { file, moved_to, bytes, digest } = records(&settings).remove(1).entry.event
    else {
        panic!("it is not said")
    };
    assert_eq!((file.as_str(), bytes), ("record-000000000001.jsonl", 16));
    let torn = fs::read(settings.directory.join(moved_to)).unwrap();
    assert_eq!(torn, b"{\"schema\":1,\"num");
    assert_eq!(digest, Digest::of(&torn).to_string());
    check_sound(&settings, &[]);
}

#[test]
fn a_torn_first_line_of_a_file_is_repaired_too() {
    let directory = tempfile::tempdir().unwrap();
    let settings = Settings { file_bytes_max: 1, ..settings(directory.path()) };
    write(&settings, vec![tamper(0, Some("a"))]);
    fs::write(settings.directory.join("record-000000000002.jsonl"), "{").unwrap();
    write(&settings, vec![tamper(1, Some("a"))]);
    assert_eq!(events(&settings), ["sample 0", "chain-repaired", "sample 1"]);
    check_sound(&settings, &[]);
}

#[test]
fn a_crash_between_moving_aside_and_saying_so_is_made_up_for() {
    let directory = tempfile::tempdir().unwrap();
    let settings = settings(directory.path());
    write(&settings, vec![tamper(0, None)]);
    fs::write(settings.directory.join("record-000000000002.torn"), "{\"sch").unwrap();
    // Before and after the end was cut off.
    for end in ["{\"sch", ""] {
        let directory = tempfile::tempdir().unwrap();
        let copy = self::settings(directory.path());
        fs::create_dir(&copy.directory).unwrap();
        for file in fs::read_dir(&settings.directory).unwrap() {
            let file = file.unwrap();
            fs::copy(file.path(), copy.directory.join(file.file_name())).unwrap();
        }
        tear(&copy, end.as_bytes());
        write(&copy, vec![]);
        write(&copy, vec![]);
        assert_eq!(events(&copy), ["sample 0", "chain-repaired"]);
        assert_eq!(fs::read(copy.directory.join("record-000000000002.torn")).unwrap(), b"{\"sch");
    }
}

#[test]
fn a_second_torn_line_does_not_cover_the_first() {
    let directory = tempfile::tempdir().unwrap();
    let settings = settings(directory.path());
    write(&settings, vec![tamper(0, None)]);
    fs::write(settings.directory.join("record-000000000002.torn"), "first").unwrap();
    tear(&settings, b"second");
    write(&settings, vec![]);
    assert_eq!(fs::read(settings.directory.join("record-000000000002.torn")).unwrap(), b"first\nsecond");
}

#[test]
fn a_last_line_that_is_no_record_is_chained_and_said() {
    let directory = tempfile::tempdir().unwrap();
    let settings = settings(directory.path());
    write(&settings, vec![tamper(0, None)]);
    fs::remove_file(settings.directory.join("sequences.json")).unwrap();
    tear(&settings, b"\0\0\0\n");
    let written = write(&settings, vec![]);
    assert_eq!(written[0].record.number, 3);
    assert_eq!(written[0].record.previous, Digest::of(b"\0\0\0").to_string());
    let what = "the last line of record-000000000001.jsonl is not a record";
    assert_eq!(written[0].record.entry.event, Event::Tamper { what: what.into() });
    let report = verify(&settings.directory, &[]).unwrap();
    assert_eq!(report.findings.len(), 1, "{:#?}", report.findings);
}

#[test]
fn a_tail_that_was_cut_off_while_nobody_looked_is_said_and_leaves_its_gap() {
    let directory = tempfile::tempdir().unwrap();
    let settings = settings(directory.path());
    write(&settings, (0..5).map(|second| tamper(second, Some("a"))).collect());
    let path = last_file(&settings);
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.lines().take(3).map(|line| format!("{line}\n")).collect::<String>()).unwrap();
    let written = write(&settings, vec![tamper(6, Some("a"))]);
    assert_eq!(written[0].record.number, 6);
    let Event::Tamper { what } = &written[0].record.entry.event else { panic!("it is not said") };
    assert_eq!(what, "the record held record 5 and does not hold it any more as it was; it ends at 3");
    assert_eq!(sequences(&settings, "a"), [1, 2, 3, 6]);
    let report = verify(&settings.directory, &[]).unwrap();
    assert!(
        report.findings[0].to_string().contains("records 4 to 5 are missing here: they were gone when"),
        "{:?}",
        report.findings
    );
}

#[test]
fn a_record_that_was_removed_altogether_is_said_and_its_numbers_are_not_given_again() {
    let directory = tempfile::tempdir().unwrap();
    let settings = settings(directory.path());
    write(&settings, (0..5).map(|second| tamper(second, None)).collect());
    fs::remove_file(last_file(&settings)).unwrap();
    let written = write(&settings, vec![]);
    assert_eq!(written[0].record.number, 6);
    let report = verify(&settings.directory, &[]).unwrap();
    assert_eq!(report.findings.len(), 1);
    assert!(
        report.findings[0].to_string().starts_with("records 1 to 5 are not there"),
        "{:?}",
        report.findings
    );
}

#[test]
fn records_of_a_later_version_do_not_stop_an_earlier_one() {
    let directory = tempfile::tempdir().unwrap();
    let settings = settings(directory.path());
    let written = write(&settings, vec![tamper(0, Some("a"))]);
    let mut later = serde_json::to_value(&written[0].record).unwrap();
    later["number"] = 2.into();
    later["previous"] = written[0].digest.to_string().into();
    later["event"] = "not-known-yet".into();
    later["session"]["sequence"] = 2.into();
    tear(&settings, format!("{later}\n").as_bytes());
    let written = write(&settings, vec![tamper(1, Some("a"))]);
    assert_eq!(written.len(), 1);
    assert_eq!(written[0].record.number, 3);
    assert_eq!(written[0].record.entry.session.as_ref().unwrap().sequence, 3);
}

#[test]
fn a_session_that_was_closed_is_remembered_for_what_comes_late() {
    let directory = tempfile::tempdir().unwrap();
    let settings = settings(directory.path());
    let totals = crate::record::Totals::default();
    let closed = entry(1, Some("a"), Severity::Info, Event::SessionClosed { totals, duration_ms: 1 });
    write(&settings, vec![tamper(0, Some("a")), closed]);
    write(&settings, vec![tamper(2, Some("a"))]);
    assert_eq!(sequences(&settings, "a"), [1, 2, 3]);
}
