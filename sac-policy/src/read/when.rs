// SPDX-License-Identifier: MIT OR Apache-2.0
//! `when`, and lengths of time.

use super::Reader;
use super::language::WHEN;
use crate::code::Code;
use crate::fault::quoted;
use crate::when::When;
use crate::yaml::Node;
use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use std::time::Duration;

const DAYS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Monday),
    ("tue", Weekday::Tuesday),
    ("wed", Weekday::Wednesday),
    ("thu", Weekday::Thursday),
    ("fri", Weekday::Friday),
    ("sat", Weekday::Saturday),
    ("sun", Weekday::Sunday),
];

/// Most entries of `days`: each range of days once.
const DAYS_MAX: usize = 49;

/// Longest name of a time zone, in bytes. The longest in the database has 32.
const ZONE_BYTES_MAX: usize = 64;

/// Units of a length of time, the longest first, in seconds.
const UNITS: [(char, u64); 4] = [('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];

/// Greatest length of time, in seconds: a leap year.
const DURATION_SECONDS_MAX: u64 = 366 * 86_400;

impl Reader<'_> {
    pub(super) fn when(&mut self, node: &Node) -> Option<When> {
        let [days, hours, from, until, zone] = self.fields(node, &WHEN, "`when`")?;
        if [days, hours, from, until].iter().all(Option::is_none) {
            self.says_nothing(node, "`when` names no time".to_owned());
            return None;
        }
        let when = When {
            days: days.map(|list| self.days(list)).unwrap_or_default(),
            hours: hours.and_then(|node| self.hours(node)),
            from: from.and_then(|node| self.date(node)),
            until: until.and_then(|node| self.date(node)),
            zone: zone.map_or_else(|| Some(TimeZone::system()), |node| self.zone(node))?,
        };
        if let (Some(first), Some(last), Some(node)) = (when.from, when.until, until)
            && last < first
        {
            self.not_a_time(
                node,
                "the last day is before the first".to_owned(),
                "exchange `from` and `until`",
            );
        }
        Some(when)
    }

    fn days(&mut self, list: &Node) -> Vec<Weekday> {
        let entries = self.full_list(list, "a list of days", "write a list, also for one: `[mon-fri]`");
        let entries = self.at_most(entries, DAYS_MAX, "`days`");
        let mut days = Vec::new();
        for entry in entries {
            let Some(text) = self.text(entry, "a day or a range of days") else {
                continue;
            };
            let Some(range) = day_range(text) else {
                let message = format!("{} is not a day or a range of days", quoted(text));
                let help =
                    "use `mon`, `tue`, `wed`, `thu`, `fri`, `sat`, `sun`, or two of them as in `mon-fri`";
                self.push(self.fault(Code::UnknownWord, entry.span, message).help(help));
                continue;
            };
            for day in range {
                if !days.contains(&day) {
                    days.push(day);
                }
            }
        }
        days
    }

    fn hours(&mut self, node: &Node) -> Option<(Time, Time)> {
        let text = self.text(node, "hours such as `09:00-18:00`")?;
        let Some((start, end)) = hour_range(text) else {
            let message = format!("{} are no hours of a day", quoted(text));
            self.not_a_time(node, message, "write both ends as HH:MM, from 00:00 to 24:00: `09:00-18:00`");
            return None;
        };
        if start == end {
            let message = format!("{} begins and ends at the same time", quoted(text));
            self.not_a_time(node, message, "remove `hours` if the whole day is meant");
            return None;
        }
        Some((start, end))
    }

    fn date(&mut self, node: &Node) -> Option<Date> {
        let text = self.text(node, "a date such as `2026-12-31`")?;
        let date = date(text);
        if date.is_none() {
            let message = format!("{} is not a date", quoted(text));
            self.not_a_time(node, message, "write it as YYYY-MM-DD, a day that is in the calendar");
        }
        date
    }

    fn zone(&mut self, node: &Node) -> Option<TimeZone> {
        let name = self.text(node, "the name of a time zone")?;
        // The name becomes part of a path.
        let sound = name.len() <= ZONE_BYTES_MAX
            && name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_+-/".contains(&byte));
        // A machine without the time zone database knows this one all the same.
        let zone = if name == "UTC" { Some(TimeZone::UTC) } else { None };
        let zone = zone.or_else(|| sound.then(|| TimeZone::get(name).ok()).flatten());
        if zone.is_none() {
            let message = format!("there is no time zone {}", quoted(name));
            let help = "use a name such as `Europe/Berlin` or `UTC`; `timedatectl list-timezones` shows those \
                        that the machine has, and the package tzdata brings them";
            self.push(self.fault(Code::UnknownTimeZone, node.span, message).help(help));
        }
        zone
    }

    /// A length of time, such as `1h30m`.
    pub(super) fn duration(&mut self, node: &Node) -> Option<Duration> {
        let text = self.text(node, "a length of time such as `30m`")?;
        let seconds = duration_seconds(text);
        if seconds.is_none() {
            let message = format!("{} is not a length of time", quoted(text));
            let help = "write whole numbers with `d`, `h`, `m`, `s`, the longest unit first, from `1s` to `366d`: `1h30m`";
            self.not_a_time(node, message, help);
        }
        seconds.map(Duration::from_secs)
    }

    pub(super) fn not_a_time(&mut self, node: &Node, message: String, help: &str) {
        self.push(self.fault(Code::InvalidTime, node.span, message).help(help));
    }
}

/// The days of a range, which may go over Sunday.
fn day_range(text: &str) -> Option<impl Iterator<Item = Weekday>> {
    let index = |name: &str| DAYS.iter().position(|(day, _)| *day == name);
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (index(first)?, index(last)?);
    let count = (last + DAYS.len() - first) % DAYS.len() + 1;
    Some(DAYS.iter().cycle().skip(first).take(count).map(|(_, day)| *day))
}

fn hour_range(text: &str) -> Option<(Time, Time)> {
    let (start, end) = text.split_once('-')?;
    // The end of a day is the beginning of the next one.
    let end = if end == "24:00" { "00:00" } else { end };
    Some((time(start)?, time(end)?))
}

fn time(text: &str) -> Option<Time> {
    let (hour, minute) = text.split_once(':')?;
    Time::new(digits(hour, 2)?.try_into().ok()?, digits(minute, 2)?.try_into().ok()?, 0, 0).ok()
}

fn date(text: &str) -> Option<Date> {
    let mut parts = text.splitn(3, '-');
    let year = digits(parts.next()?, 4)?;
    let (month, day) = (digits(parts.next()?, 2)?, digits(parts.next()?, 2)?);
    Date::new(year, month.try_into().ok()?, day.try_into().ok()?).ok()
}

/// A number that is written with so many digits.
fn digits(text: &str, count: usize) -> Option<i16> {
    (text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| text.parse().ok())
        .flatten()
}

pub(crate) fn duration_seconds(text: &str) -> Option<u64> {
    let mut rest = text;
    let mut units = UNITS.iter();
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: u64 = rest[..end].parse().ok()?;
        let unit = rest[end..].chars().next()?;
        // Those that come behind a unit are shorter.
        let (_, seconds) = units.find(|(name, _)| *name == unit)?;
        total = total.checked_add(number.checked_mul(*seconds)?)?;
        rest = &rest[end + 1..];
    }
    (1..=DURATION_SECONDS_MAX).contains(&total).then_some(total)
}
