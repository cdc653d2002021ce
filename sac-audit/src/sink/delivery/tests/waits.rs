// SPDX-License-Identifier: MIT OR Apache-2.0
//! How long a sink waits after a failure.

use super::{Files, Test};
use std::time::Duration;

/// Each wait is twice as long as the one before, up to a minute, and short again after a success.
#[test]
fn waits_grow_up_to_a_minute() {
    let mut test = Test::new();
    let mut files = Files::up_to(1);
    test.receiver.state().down = true;
    let waits: Vec<u128> = (0..10)
        .map(|_| {
            let next_try = test.step(&mut files).next_try;
            let wait = next_try - test.now;
            // Not a moment before.
            let batches = test.receiver.state().batches.len();
            test.now = next_try - Duration::from_millis(1);
            assert_eq!(test.step(&mut files).next_try, next_try);
            assert_eq!(test.receiver.state().batches.len(), batches);
            test.now = next_try;
            wait.as_millis()
        })
        .collect();
    assert_eq!(waits, [500, 1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000, 60000]);
    test.receiver.state().down = false;
    assert_eq!(test.steps(&mut files).delivered, 1);
    test.receiver.state().down = true;
    files.last = 2;
    assert_eq!(test.step(&mut files).next_try, test.now + Duration::from_millis(500));
}

/// A receiver that takes some of each batch until its time is up is slow, and not down.
#[test]
fn who_makes_progress_is_not_waited_for_longer_and_longer() {
    let mut test = Test::new();
    let mut files = Files::up_to(100);
    for _ in 0..5 {
        test.receiver.state().until_down = Some(3);
        let next_try = test.step(&mut files).next_try;
        assert_eq!(next_try - test.now, Duration::from_millis(500));
        test.receiver.state().down = false;
        test.now = next_try;
    }
    assert_eq!(test.receiver.numbers(), (1..=15).collect::<Vec<_>>());
}

#[test]
fn a_receiver_that_wants_more_time_gets_it() {
    let mut test = Test::new();
    test.receiver.state().down = true;
    test.receiver.state().retry_after = Some(Duration::from_secs(300));
    let outcome = test.step(&mut Files::up_to(1));
    assert_eq!(outcome.next_try, test.now + Duration::from_secs(300));
}
