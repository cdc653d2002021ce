// SPDX-License-Identifier: MIT OR Apache-2.0
//! Alerts beyond a limit.

use super::{Files, Test};
use crate::sink::cursor::Position;
use crate::sink::delivery::CURSOR_EVERY;
use crate::sink::filter::Filter;
use crate::sink::format::Format;
use crate::sink::throttle::Throttle;
use serde_json::json;
use std::time::Duration;

/// A storm of alerts: as many as may be, and then how many more there were.
#[test]
fn what_a_limit_holds_back_is_said() {
    let mut test = Test::with(Format::Webhook, Filter::default(), Some(Throttle::new(60)));
    let mut files = Files::up_to(500);
    let outcome = test.steps(&mut files);
    assert_eq!((outcome.delivered, outcome.lost), (60, 0));
    test.wait(CURSOR_EVERY);
    // It is not delivered before it was said.
    let before = test.cursor();
    test.steps(&mut files);
    assert_eq!(before, Position::After(60));
    assert_eq!(test.receiver.numbers(), (1..=60).collect::<Vec<_>>());
    let held = test.receiver.state().received[60].clone();
    assert_eq!(
        (&held["type"], &held["count"], &held["first"], &held["last"]),
        (&json!("held-back"), &json!(440), &json!(61), &json!(500))
    );
    test.wait(CURSOR_EVERY);
    files.last = 501;
    test.steps(&mut files);
    assert_eq!(test.receiver.numbers().last(), Some(&501));
    test.wait(CURSOR_EVERY);
    test.steps(&mut files);
    assert_eq!(test.cursor(), Position::After(501));
}

/// While the storm lasts, alerts still get through: what was held back takes a place once a minute only.
#[test]
fn a_limit_lets_alerts_through() {
    let mut test = Test::with(Format::Webhook, Filter::default(), Some(Throttle::new(60)));
    let mut files = Files::up_to(0);
    for _ in 0..120 {
        files.last += 50;
        test.steps(&mut files);
        test.wait(Duration::from_secs(1));
    }
    let summaries =
        test.receiver.state().received.iter().filter(|message| message["type"] == "held-back").count();
    let alerts = test.receiver.numbers().len();
    assert!((1..=3).contains(&summaries) && (170..=180).contains(&alerts), "{summaries} and {alerts}");
}

#[test]
fn what_was_held_back_is_tried_again() {
    let mut test = Test::with(Format::Webhook, Filter::default(), Some(Throttle::new(60)));
    let mut files = Files::up_to(100);
    test.steps(&mut files);
    test.receiver.state().down = true;
    test.wait(Duration::from_secs(1));
    assert!(test.step(&mut files).fault.is_some());
    test.receiver.state().down = false;
    test.wait(Duration::from_secs(60));
    test.steps(&mut files);
    assert_eq!(test.receiver.state().received.last().unwrap()["count"], 40);
}
