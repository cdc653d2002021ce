// SPDX-License-Identifier: MIT OR Apache-2.0
//! What stress-ng and the record say.

use std::process::{Command, Stdio};

use super::{Row, Work, findings, in_1000_seconds};

#[test]
fn what_was_done_is_read() {
    let yaml = "metrics:\n    - stressor: exec\n      bogo-ops: 1234\n      bogo-ops-per-second-usr-sys-time: 9.5\n      \
                bogo-ops-per-second-real-time: 61.703412\n";
    assert_eq!(in_1000_seconds(yaml).unwrap(), 61_703);
    let few = |number: &str| in_1000_seconds(&format!("bogo-ops-per-second-real-time: {number}\n"));
    assert_eq!((few("2.4").unwrap(), few("7").unwrap()), (2_400, 7_000));
    in_1000_seconds("metrics:\n").unwrap_err();
}

#[test]
fn a_lost_event_misses_the_bar_and_so_does_an_empty_record() {
    let holds = |executed, lost| {
        let record =
            vec![Row::once("exec, executions in the record", executed), Row::once("exec, events lost", lost)];
        findings(Vec::new(), Vec::new(), record).bars.iter().all(|(_, holds)| *holds)
    };
    assert!(holds(5, 0) && !holds(5, 1) && !holds(0, 0));
    assert!(!findings(Vec::new(), Vec::new(), Vec::new()).bars[0].1);
}

#[test]
fn commands_are_shell() {
    for work in Work::ALL {
        let checked = Command::new("bash").args(["-n", "-c", &work.command()]).stdin(Stdio::null()).status();
        assert!(checked.unwrap().success(), "{work:?}");
    }
}
