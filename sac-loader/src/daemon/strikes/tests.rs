// SPDX-License-Identifier: MIT OR Apache-2.0
//! The window slides, and begins anew.

use super::*;
use sac_policy::policy::StrikeAction;
use std::time::Duration;

const S: u64 = 1_000_000_000;

fn strikes(blocked: u32) -> Strikes {
    Strikes { blocked, within: Duration::from_secs(60), then: StrikeAction::End }
}

#[test]
fn the_last_of_so_many_within_the_time_counts_and_counting_begins_anew() {
    let (mut windows, id) = (Windows::default(), SessionId::new(1, 0));
    assert!(!windows.strike(id, 10 * S, &strikes(3)));
    assert!(!windows.strike(id, 20 * S, &strikes(3)));
    assert!(windows.strike(id, 69 * S, &strikes(3)));
    assert!(!windows.strike(id, 69 * S, &strikes(3)));
    assert!(!windows.strike(id, 69 * S, &strikes(3)));
    assert!(windows.strike(id, 69 * S, &strikes(3)));
}

#[test]
fn what_is_too_long_ago_does_not_count() {
    let (mut windows, id) = (Windows::default(), SessionId::new(1, 0));
    assert!(!windows.strike(id, 10 * S, &strikes(2)));
    assert!(!windows.strike(id, 70 * S, &strikes(2)), "60 s later is not within 60 s");
    assert_eq!(windows.count(id, 71 * S, &strikes(2)), 1);
    assert!(windows.strike(id, 129 * S, &strikes(2)));
    assert_eq!(windows.count(id, 129 * S, &strikes(2)), 0, "counting begins anew");
}

#[test]
fn sessions_are_counted_apart_and_forgotten() {
    let (mut windows, one, two) = (Windows::default(), SessionId::new(1, 0), SessionId::new(2, 0));
    assert!(!windows.strike(one, S, &strikes(2)));
    assert!(!windows.strike(two, S, &strikes(2)));
    windows.forget(one);
    assert!(!windows.strike(one, S, &strikes(2)));
    assert!(windows.strike(two, S, &strikes(2)));
    assert!(windows.strike(one, S, &strikes(1)));
}
