// SPDX-License-Identifier: MIT OR Apache-2.0
//! Moments as people write them.

use super::*;
use jiff::tz::{TimeZone, offset};

fn check(text: &str, expected: &str) {
    let now: Timestamp = "2026-11-24T12:00:00Z".parse().unwrap();
    let now = now.to_zoned_datetime(TimeZone::fixed(offset(2)));
    assert_eq!(when_at(text, &now).unwrap().to_string(), expected, "{text}");
}

#[test]
fn moments_are_rfc_3339_local_or_back_from_now() {
    check("2026-11-24T09:35:00Z", "2026-11-24T09:35:00Z");
    check("2026-11-24T09:35:00.5+01:00", "2026-11-24T08:35:00.5Z");
    check("2026-11-24 09:35:10", "2026-11-24T07:35:10Z");
    check("2026-11-24T09:35", "2026-11-24T07:35:00Z");
    check("2026-11-24", "2026-11-23T22:00:00Z");
    // Another day than today is that day.
    check("2026-11-20 09:35", "2026-11-20T07:35:00Z");
    check("09:35", "2026-11-24T07:35:00Z");
    for hour in ["1h", "1 hour", "60m", "PT1H", "1h ago", "-1h"] {
        check(hour, "2026-11-24T11:00:00Z");
    }
    check("2 days", "2026-11-22T12:00:00Z");
    check("1 week, 30 minutes", "2026-11-17T11:30:00Z");
}

#[test]
fn what_is_no_moment_is_refused_with_examples() {
    for text in ["", "soon", "20", "2026-13-01", "2026-11-24 25:00", "99:99", "1 parsec", "99999999 years"] {
        let error = when(text).unwrap_err().to_string();
        assert!(error.starts_with("this is no moment: write `2026-11-24 09:35`"), "{text}: {error}");
    }
}

#[test]
fn only_a_closed_pipe_is_no_error() {
    let with = |kind| unless_closed(Err(io::Error::from(kind).into()));
    assert!(with(io::ErrorKind::BrokenPipe).is_ok());
    assert!(with(io::ErrorKind::StorageFull).is_err());
    assert!(unless_closed(Err(anyhow!("something else"))).is_err());
}
