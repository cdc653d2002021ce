// SPDX-License-Identifier: MIT OR Apache-2.0

use super::{HeldBack, Throttle};
use std::time::{Duration, Instant};

#[test]
fn a_bucket_fills_up_evenly_and_no_further() {
    let start = Instant::now();
    let mut throttle = Throttle::new(30);
    assert_eq!(throttle.available(start), 30);
    throttle.take(30);
    assert_eq!(throttle.available(start), 0);
    assert_eq!(throttle.available(start + Duration::from_millis(1999)), 0);
    assert_eq!(throttle.available(start + Duration::from_millis(2000)), 1);
    assert_eq!(throttle.available(start + Duration::from_secs(3600)), 30);
}

/// What trickles in between two looks is not rounded away.
#[test]
fn many_looks_lose_nothing() {
    let start = Instant::now();
    let mut throttle = Throttle::new(60);
    throttle.available(start);
    throttle.take(60);
    let mut available = 0;
    for millisecond in 1..=1001 {
        available = throttle.available(start + Duration::from_millis(millisecond));
    }
    assert_eq!(available, 1);
}

#[test]
fn what_was_held_back_is_said_once_a_minute() {
    let start = Instant::now();
    let mut throttle = Throttle::new(60);
    assert_eq!(throttle.due(start), None);
    throttle.hold(7);
    throttle.hold(9);
    let held = HeldBack { count: 2, first: 7, last: 9 };
    assert_eq!(throttle.due(start), Some(held));
    throttle.said(start);
    throttle.hold(12);
    assert_eq!(throttle.due(start + Duration::from_secs(59)), None);
    assert_eq!(
        throttle.due(start + Duration::from_secs(60)),
        Some(HeldBack { count: 1, first: 12, last: 12 })
    );
}

#[test]
fn nothing_is_said_while_there_is_no_room() {
    let start = Instant::now();
    let mut throttle = Throttle::new(1);
    throttle.available(start);
    throttle.take(1);
    throttle.hold(3);
    assert_eq!(throttle.due(start + Duration::from_secs(59)), None);
    assert!(throttle.due(start + Duration::from_secs(60)).is_some());
}
