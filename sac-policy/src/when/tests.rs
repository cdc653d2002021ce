// SPDX-License-Identifier: MIT OR Apache-2.0
//! Times against the calendar, and the next change against every minute of many weeks.

use super::*;
use jiff::civil::{date, time};
use proptest::prelude::*;

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap()
}

fn when(zone_name: &str) -> When {
    When { days: vec![], hours: None, from: None, until: None, zone: zone(zone_name) }
}

fn at(clock: &str, zone_name: &str) -> Timestamp {
    zone(zone_name).to_timestamp(clock.parse().unwrap()).unwrap()
}

fn check(when: &When, zone_name: &str, cases: &[(&str, bool)]) {
    for (clock, expected) in cases {
        assert_eq!(when.holds(at(clock, zone_name)), *expected, "{clock}");
    }
}

#[test]
fn hours_have_a_beginning_and_no_end() {
    let office = When {
        days: vec![Weekday::Monday, Weekday::Friday],
        hours: Some((time(9, 0, 0, 0), time(18, 0, 0, 0))),
        ..when("Asia/Seoul")
    };
    // 2026-06-01 is a Monday.
    check(
        &office,
        "Asia/Seoul",
        &[
            ("2026-06-01T08:59:59.999", false),
            ("2026-06-01T09:00", true),
            ("2026-06-01T17:59:59.999", true),
            ("2026-06-01T18:00", false),
            ("2026-06-02T12:00", false),
            ("2026-06-05T12:00", true),
        ],
    );
    check(&office, "UTC", &[("2026-06-01T00:00", true), ("2026-06-01T09:00", false)]);
}

#[test]
fn hours_over_midnight_belong_to_the_day_that_they_begin_on() {
    let night = When {
        days: vec![Weekday::Friday],
        hours: Some((time(22, 0, 0, 0), time(6, 0, 0, 0))),
        ..when("Europe/Berlin")
    };
    check(
        &night,
        "Europe/Berlin",
        &[
            ("2026-06-05T03:00", false),
            ("2026-06-05T21:59", false),
            ("2026-06-05T22:00", true),
            ("2026-06-06T05:59", true),
            ("2026-06-06T06:00", false),
            ("2026-06-06T22:00", false),
        ],
    );
}

#[test]
fn both_dates_are_included() {
    let june = When {
        from: Some(date(2026, 6, 1)),
        until: Some(date(2026, 6, 30)),
        hours: Some((time(22, 0, 0, 0), time(6, 0, 0, 0))),
        ..when("UTC")
    };
    check(
        &june,
        "UTC",
        &[
            ("2026-05-31T23:59", false),
            ("2026-06-01T00:00", true),
            ("2026-06-30T23:59", true),
            ("2026-07-01T00:00", false),
        ],
    );
    assert_eq!(june.next_change(at("2000-01-01T00:00", "UTC")), Some(at("2026-06-01T00:00", "UTC")));
    assert_eq!(june.next_change(at("2026-07-01T00:00", "UTC")), None);
}

#[test]
fn the_clock_of_the_zone_counts_when_it_jumps() {
    let skipped = When { hours: Some((time(2, 0, 0, 0), time(3, 0, 0, 0))), ..when("Europe/Berlin") };
    // On 2026-03-29 the hour from two to three is left out; the next one is a day later.
    let after = at("2026-03-28T03:00", "Europe/Berlin");
    assert_eq!(skipped.next_change(after), Some(at("2026-03-30T02:00", "Europe/Berlin")));
    // On 2026-10-25 it comes twice: two hours in one.
    let begin: Timestamp = "2026-10-25T00:00:00Z".parse().unwrap();
    assert!(skipped.holds(begin));
    assert_eq!(skipped.next_change(begin), Some("2026-10-25T02:00:00Z".parse().unwrap()));
}

#[test]
fn an_end_that_the_clock_goes_back_behind_comes_twice() {
    let until_half = When { hours: Some((time(1, 0, 0, 0), time(2, 30, 0, 0))), ..when("Europe/Berlin") };
    let mut moment: Timestamp = "2026-10-24T23:00:00Z".parse().unwrap();
    let mut changes = Vec::new();
    for _ in 0..3 {
        moment = until_half.next_change(moment).unwrap();
        changes.push(moment.to_string());
    }
    assert_eq!(changes, ["2026-10-25T00:30:00Z", "2026-10-25T01:00:00Z", "2026-10-25T01:30:00Z"]);
}

#[test]
fn what_never_changes_has_no_next_change() {
    let always = when("UTC");
    assert_eq!(always.next_change(Timestamp::UNIX_EPOCH), None);
    let every_day = When {
        days: (1..=7).map(|day| Weekday::from_monday_one_offset(day).unwrap()).collect(),
        ..when("Europe/Berlin")
    };
    assert_eq!(every_day.next_change(Timestamp::UNIX_EPOCH), None);
    for edge in [Timestamp::MIN, Timestamp::MAX] {
        let office = When { hours: Some((time(9, 0, 0, 0), time(18, 0, 0, 0))), ..when("Asia/Seoul") };
        std::hint::black_box(office.next_change(edge));
    }
}

#[test]
fn a_far_last_day_is_found_at_once() {
    let long = When { until: Some(date(2999, 12, 31)), ..when("America/New_York") };
    let expected = at("3000-01-01T00:00", "America/New_York");
    assert_eq!(long.next_change(Timestamp::UNIX_EPOCH), Some(expected));
}

const ZONES: [&str; 5] =
    ["Europe/Berlin", "America/New_York", "Asia/Seoul", "America/Sao_Paulo", "Pacific/Apia"];

/// Moments shortly before something happens: clocks jump in Berlin, New York, São Paulo (at midnight), and Samoa left out a day.
const STARTS: [&str; 8] = [
    "2026-03-25T00:00:00Z",
    "2026-10-22T00:00:00Z",
    "2026-03-05T00:00:00Z",
    "2026-10-29T00:00:00Z",
    "2018-11-01T00:00:00Z",
    "2019-02-14T00:00:00Z",
    "2011-12-20T00:00:00Z",
    "2026-06-01T00:00:00Z",
];

const MINUTE: SignedDuration = SignedDuration::from_mins(1);

fn any_time() -> impl Strategy<Value = Time> {
    prop_oneof![(0_i8..24, prop::sample::select(&[0_i8, 30, 59][..])), (0_i8..4, 0_i8..60),]
        .prop_map(|(hour, minute)| time(hour, minute, 0, 0))
}

fn any_when(start: Timestamp) -> impl Strategy<Value = When> {
    let days = prop::collection::vec(0_usize..7, 0..4);
    let hours = prop::option::of((any_time(), any_time()).prop_filter("equal", |(start, end)| start != end));
    let dates = (prop::option::of(-3_i64..20), prop::option::of(-3_i64..20));
    (days, hours, dates, prop::sample::select(&ZONES[..])).prop_map(
        move |(days, hours, (from, until), name)| {
            let today = TimeZone::UTC.to_datetime(start).date();
            let day = |days: i64| today.checked_add(days.days()).unwrap();
            When {
                days: days
                    .into_iter()
                    .map(|day| Weekday::from_monday_zero_offset(i8::try_from(day).unwrap()).unwrap())
                    .collect(),
                hours,
                from: from.map(day),
                until: until.map(day),
                zone: zone(name),
            }
        },
    )
}

/// What [`When::holds`] says, in other words: minute by minute of the day, with the days counted from Monday.
fn oracle(when: &When, at: Timestamp) -> bool {
    let clock = when.zone.to_datetime(at);
    let minutes = |time: Time| i32::from(time.hour()) * 60 + i32::from(time.minute());
    let now = minutes(clock.time());
    let weekday = clock.date().weekday();
    let is_on = |day: Weekday| when.days.is_empty() || when.days.contains(&day);
    let in_time = match when.hours {
        None => is_on(weekday),
        Some((start, end)) => {
            let (start, mut end) = (minutes(start), minutes(end));
            if end < start {
                end += 24 * 60;
            }
            let today = (start..end).contains(&now) && is_on(weekday);
            today || (start..end).contains(&(now + 24 * 60)) && is_on(weekday.previous())
        }
    };
    let number =
        |date: Date| i32::from(date.year()) * 10_000 + i32::from(date.month()) * 100 + i32::from(date.day());
    let today = number(clock.date());
    let not_before = when.from.is_none_or(|from| number(from) <= today);
    in_time && not_before && when.until.is_none_or(|until| today <= number(until))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn the_next_change_is_the_first_one(
        (start, when, minute) in prop::sample::select(&STARTS[..])
            .prop_map(|text| text.parse::<Timestamp>().unwrap())
            .prop_flat_map(|start| (Just(start), any_when(start), 0_i64..10 * 24 * 60)),
    ) {
        let start = start + SignedDuration::from_mins(minute);
        let end = start + SignedDuration::from_hours(24 * 24);
        let mut moment = start;
        let holds = oracle(&when, start);
        while moment < end && oracle(&when, moment) == holds {
            moment += MINUTE;
        }
        prop_assert_eq!(when.holds(start), holds);
        let found = when.next_change(start);
        if moment < end {
            prop_assert_eq!(found, Some(moment), "{:?} from {}", when, start);
            // Just before it the answer is still the old one.
            prop_assert_eq!(when.holds(moment - SignedDuration::from_nanos(1)), holds);
        } else {
            prop_assert!(found.is_none_or(|found| found >= end), "{found:?} {when:?} from {start}");
        }
        // Also from between two seconds.
        if found.is_some_and(|found| found > start + MINUTE) {
            prop_assert_eq!(when.next_change(start + SignedDuration::from_nanos(1)), found);
        }
    }
}
