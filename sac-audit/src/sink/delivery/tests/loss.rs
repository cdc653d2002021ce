// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a sink never gets, and what it makes of damage.

use super::{Files, Test};
use crate::sink::filter::Filter;
use crate::sink::format::Format;
use std::time::Duration;

#[test]
fn a_cursor_that_says_nothing_means_from_the_beginning() {
    let test = Test::new();
    std::fs::write(test.directory.path().join("siem"), "?").unwrap();
    let mut files = Files { first: 3, ..Files::up_to(5) };
    let mut test = test.restarted(&files);
    assert_eq!(test.steps(&mut files).lost, 0);
    assert_eq!(test.receiver.numbers(), [3, 4, 5]);
}

/// Files that are gone before a sink came to them are lost for it, and counted once.
#[test]
fn what_is_gone_is_counted() {
    let mut test = Test::new();
    let mut files = Files::up_to(10);
    test.steps(&mut files);
    test.receiver.state().down = true;
    files.last = 1000;
    test.steps(&mut files);
    files.first = 901;
    test.wait(Duration::from_secs(60));
    let outcome = test.step(&mut files);
    assert_eq!(outcome.lost, 890);
    test.wait(Duration::from_secs(60));
    assert_eq!(test.step(&mut files).lost, 0);
    test.receiver.state().down = false;
    test.wait(Duration::from_secs(60));
    assert_eq!(test.steps(&mut files).lost, 0);
    assert_eq!(test.receiver.numbers(), (1..=10).chain(901..=1000).collect::<Vec<_>>());
}

/// A line that cannot be read any more is a gap, and counted once however often it is come by.
#[test]
fn gaps_are_counted_once() {
    let mut test = Test::new();
    test.receiver.state().doubt = Duration::from_secs(20);
    let mut files = Files { damaged: vec![1, 4, 5], ..Files::up_to(6) };
    assert_eq!(test.steps(&mut files).lost, 3);
    test.receiver.state().broken = true;
    test.steps(&mut files);
    test.wait(Duration::from_secs(1));
    assert_eq!(test.steps(&mut files).lost, 0);
    assert_eq!(test.receiver.numbers(), [2, 3, 6, 2, 3, 6]);
}

/// Somebody moved the files away, and numbers begin anew: the sink does not wait for the old number to come up again.
#[test]
fn a_record_that_begins_anew_is_followed() {
    let mut test = Test::new();
    test.steps(&mut Files::up_to(100));
    let mut files = Files::up_to(3);
    let outcome = test.steps(&mut files);
    assert!(outcome.fault.unwrap().contains("begins anew"));
    assert_eq!(test.receiver.numbers()[100..], [1, 2, 3]);
}

#[test]
fn files_that_cannot_be_read_are_a_failure_that_passes() {
    let mut test = Test::new();
    let mut files = Files { unreadable: true, ..Files::up_to(3) };
    let outcome = test.step(&mut files);
    assert!(outcome.fault.unwrap().contains("no disk") && outcome.lost == 0);
    files.unreadable = false;
    test.wait(Duration::from_secs(1));
    assert_eq!(test.steps(&mut files).delivered, 3);
}

/// One record that a receiver refuses takes none of its batch with it, and does not stop those that follow.
#[test]
fn a_refused_record_is_lost_alone() {
    for format in [Format::Ocsf, Format::OcsfList] {
        let mut test = Test::with(format, Filter::default(), None);
        test.receiver.state().refuses = Some(37);
        let outcome = test.steps(&mut Files::up_to(300));
        assert_eq!((outcome.delivered, outcome.lost), (299, 1));
        assert_eq!(test.receiver.numbers(), (1..=300).filter(|number| *number != 37).collect::<Vec<_>>());
        // And batches are large again.
        assert!(test.receiver.state().batches.len() < 60);
    }
}

#[test]
fn a_cursor_that_cannot_be_written_is_said() {
    let mut test = Test::new();
    std::fs::create_dir(test.directory.path().join(".siem.new")).unwrap();
    let outcome = test.steps(&mut Files::up_to(3));
    assert_eq!(outcome.delivered, 3);
    assert!(outcome.fault.unwrap().contains("the cursor cannot be written"));
}

/// The machine lost its power, and with it the end of the record: the numbers are given again, to other records, before the sink
/// comes to look.
#[test]
fn numbers_that_are_given_again_are_delivered() {
    let mut test = Test::new();
    test.steps(&mut Files::up_to(100));
    test.wait(Duration::from_secs(1));
    test.steps(&mut Files::up_to(100));
    let mut test = test.restarted(&Files::up_to(95));
    test.steps(&mut Files::up_to(110));
    assert!((96..=110).all(|number| test.receiver.numbers()[100..].contains(&number)));
}
