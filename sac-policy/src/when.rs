// SPDX-License-Identifier: MIT OR Apache-2.0
//! When something holds: days of the week, hours of the day, and dates, in a time zone.
//!
//! All of it is said in the wall-clock time of the zone. So at a change to or from daylight saving time, hours that the clock
//! skips do not come, and hours that it repeats come twice.

use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};

/// How far apart two wall clocks can be, and so how far a date can be off from one zone offset to another, in days.
const ZONE_DAYS: i32 = 2;

/// In how many days something that changes at all has changed: a week, another one because the clock may skip the hours that
/// count, as it skipped a whole day in Samoa in 2011, and a third for what the date's own bounds may cut off.
const PATTERN_DAYS: i32 = 23;

/// When something holds. All parts must be so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct When {
    /// On these days of the week; empty for all of them. Hours that go past midnight belong to the day that they begin on.
    pub days: Vec<Weekday>,
    /// Between these times of the day, the second not included; over midnight where it is the earlier one.
    pub hours: Option<(Time, Time)>,
    /// From the beginning of this day on.
    pub from: Option<Date>,
    /// To the end of this day.
    pub until: Option<Date>,
    /// The time zone that all of this is meant in.
    pub zone: TimeZone,
}

impl When {
    /// Whether it holds at a moment.
    #[must_use]
    pub fn holds(&self, at: Timestamp) -> bool {
        self.holds_on_clock(self.zone.to_datetime(at))
    }

    /// The first moment after this one at which [`When::holds`] is not what it was; `None` where there is none.
    ///
    /// It is exact, also over changes of the zone's offset.
    #[must_use]
    pub fn next_change(&self, after: Timestamp) -> Option<Timestamp> {
        let holds = self.holds(after);
        // Long before the first day nothing changes.
        let start = self.around(self.from, -ZONE_DAYS).map_or(after, |first| first.max(after));
        if let Some(change) = self.scan(start, holds, PATTERN_DAYS) {
            return Some(change);
        }
        // The weeks are all the same, so that only the last day can end it.
        let end = self.around(self.until, -ZONE_DAYS)?.max(start);
        self.scan(end, holds, 2 * ZONE_DAYS + 1)
    }

    fn holds_on_clock(&self, clock: DateTime) -> bool {
        let (date, time) = (clock.date(), clock.time());
        if self.from.is_some_and(|from| date < from) || self.until.is_some_and(|until| date > until) {
            return false;
        }
        let today = || self.on(Some(date));
        let yesterday = || self.on(date.yesterday().ok());
        match self.hours {
            None => today(),
            Some((start, end)) if start < end => start <= time && time < end && today(),
            Some((start, end)) => (start <= time && today()) || (time < end && yesterday()),
        }
    }

    fn on(&self, date: Option<Date>) -> bool {
        self.days.is_empty() || date.is_some_and(|date| self.days.contains(&date.weekday()))
    }

    /// The beginning of the day that is `days` after a date.
    fn around(&self, date: Option<Date>, days: i32) -> Option<Timestamp> {
        let day = date?.checked_add(days.days()).ok()?;
        self.zone.to_timestamp(day.to_datetime(Time::midnight())).ok()
    }

    /// The first moment after `start`, and in the `days` that follow, at which the answer is not `holds`.
    ///
    /// Between two changes of the zone's offset the wall clock runs evenly, and the answer can change only at midnight and at
    /// the two ends of the hours. At a change of the offset the clock jumps, and anything can change.
    fn scan(&self, start: Timestamp, holds: bool, days: i32) -> Option<Timestamp> {
        let length = SignedDuration::from_hours(24 * i64::from(days));
        let end = start.checked_add(length).unwrap_or(Timestamp::MAX);
        let mut at = start;
        loop {
            let jump = self.zone.following(at).next().map(|change| change.timestamp());
            let jump = jump.filter(|jump| *jump < end);
            if let Some(change) = self.scan_evenly(at, jump.unwrap_or(end), holds) {
                return Some(change);
            }
            at = jump?;
            if self.holds(at) != holds {
                return Some(at);
            }
        }
    }

    /// [`When::scan`] where the zone's offset stays what it is at `start`; `end` is not looked at.
    fn scan_evenly(&self, start: Timestamp, end: Timestamp, holds: bool) -> Option<Timestamp> {
        let offset = self.zone.to_offset(start);
        let mut edges = vec![Time::midnight()];
        if let Some((first, second)) = self.hours {
            edges.extend([first, second]);
            edges.sort_unstable();
        }
        let mut date = offset.to_datetime(start).date();
        loop {
            for edge in &edges {
                let clock = date.to_datetime(*edge);
                let moment = offset.to_timestamp(clock).ok()?;
                if moment >= end {
                    return None;
                }
                if moment > start && self.holds_on_clock(clock) != holds {
                    return Some(moment);
                }
            }
            date = date.tomorrow().ok()?;
        }
    }
}

/// Reads a length of time as policies write it: `1h30m`, from a second to 366 days.
#[must_use]
pub fn duration(text: &str) -> Option<std::time::Duration> {
    crate::read::duration_seconds(text).map(std::time::Duration::from_secs)
}

#[cfg(test)]
mod tests;
