// SPDX-License-Identifier: MIT OR Apache-2.0

use super::Filter;
use crate::record::Severity;
use crate::sink::samples::samples;

/// Numbers of the samples that pass.
fn passing(filter: &Filter) -> Vec<u64> {
    samples().iter().filter(|record| filter.passes(record)).map(|record| record.number).collect()
}

#[test]
fn nothing_said_lets_everything_pass() {
    assert_eq!(passing(&Filter::default()).len(), samples().len());
}

#[test]
fn events_are_by_name() {
    let filter = Filter { events: vec!["tamper".to_owned(), "executed".to_owned()], ..Filter::default() };
    let names: Vec<_> = samples()
        .iter()
        .filter(|record| filter.passes(record))
        .map(|record| record.entry.event.name())
        .collect();
    assert_eq!(names, ["executed", "tamper"]);
}

#[test]
fn severity_is_a_minimum() {
    let filter = Filter { severity: Severity::Critical, ..Filter::default() };
    assert_eq!(passing(&filter), [9, 30]);
}

/// What would have been blocked went ahead; a login that was refused did not.
#[test]
fn blocked_is_what_did_not_go_ahead() {
    let passing = passing(&Filter { blocked: true, ..Filter::default() });
    assert!(passing.contains(&8) && passing.contains(&9) && !passing.contains(&10), "{passing:?}");
    assert!(passing.contains(&14) && passing.contains(&25) && !passing.contains(&7), "{passing:?}");
}

#[test]
fn policies_are_those_of_the_verdict_or_of_the_session() {
    let filter = Filter { policies: vec!["developers".to_owned()], ..Filter::default() };
    assert_eq!(passing(&filter), [26]);
    let filter = Filter { policies: vec!["contractors".to_owned()], ..Filter::default() };
    let passing = passing(&filter);
    assert!([1, 3, 7, 8, 24, 26].iter().all(|number| passing.contains(number)), "{passing:?}");
    assert!(!passing.contains(&30));
}

#[test]
fn alerts_are_grave_or_blocked() {
    let passing = passing(&Filter { alerts: true, ..Filter::default() });
    assert!([5, 8, 9, 25, 30].iter().all(|number| passing.contains(number)), "{passing:?}");
    assert!([1, 7, 10, 28].iter().all(|number| !passing.contains(number)), "{passing:?}");
}

#[test]
fn all_that_is_said_must_hold() {
    let filter = Filter {
        events: vec!["blocked".to_owned()],
        severity: Severity::High,
        policies: vec!["contractors".to_owned()],
        blocked: true,
        alerts: false,
    };
    assert_eq!(passing(&filter), [9]);
}
