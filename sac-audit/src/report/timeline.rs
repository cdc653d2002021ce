// SPDX-License-Identifier: MIT OR Apache-2.0
//! When what happened, as a picture: a lane for each session, with what was blocked in red and in a shape of its own.

use super::collect::{Collected, Part};
use super::{About, counted};
use crate::brief::{Tone, tone};
use crate::record::{Event, Record};
use crate::text::shown;
use jiff::{SignedDuration, Timestamp};
use maud::{Markup, html};
use std::collections::BTreeMap;

/// So many sessions have lanes.
const LANES_MAX: usize = 40;

// Hundredths of a percent of the picture's width, which is the page's; so letters are as large on a telephone as on a wall.
const WIDTH: i64 = 10_000;
/// What happens within so many is one mark.
const MARK: i64 = 50;
/// A session that was short is still so wide.
const OPEN_MIN: i64 = 30;

// From top to bottom in pixels.
const TOP: i64 = 4;
const LANE: i64 = 46;
/// The name stands above the lane's middle.
const NAME_ABOVE: i64 = 15;
const HALF: i64 = 8;
const AXIS: i64 = 24;

const TIMES: i64 = 4;
/// As many letters of a name as there is room for.
const NAME_CHARS: usize = 40;

/// The time that is shown.
#[derive(Clone, Copy)]
struct Range {
    from: Timestamp,
    length_ms: i64,
}

impl Range {
    fn of(collected: &Collected) -> Option<Self> {
        let times = || {
            let ends = collected.sessions.iter().flat_map(|part| [part.first, part.last]);
            ends.chain(collected.machine().map(|record| record.entry.time))
        };
        let (from, to) = (times().min()?, times().max()?);
        Some(Self { from, length_ms: to.as_millisecond().saturating_sub(from.as_millisecond()).max(1) })
    }

    /// How far to the right a moment is.
    fn x(self, time: Timestamp) -> i64 {
        let after_ms = time.as_millisecond().saturating_sub(self.from.as_millisecond());
        let after_ms = i128::from(after_ms.clamp(0, self.length_ms));
        let x = after_ms * i128::from(WIDTH) / i128::from(self.length_ms);
        i64::try_from(x).unwrap_or(0)
    }

    fn time(self, part: i64) -> Timestamp {
        let after = SignedDuration::from_millis(self.length_ms / TIMES * part);
        self.from.saturating_add(after).unwrap_or(self.from)
    }
}

/// The picture.
pub(super) fn timeline(about: &About, collected: &Collected) -> Markup {
    let Some(range) = Range::of(collected) else { return html! {} };
    let parts: Vec<_> = collected.sessions.iter().take(LANES_MAX).collect();
    let without_lane = collected.sessions.len().saturating_sub(LANES_MAX) as u64;
    let machine: Vec<_> = collected.machine().collect();
    let lanes = i64::try_from(parts.len()).unwrap_or(0) + 1;
    let bottom = TOP + lanes * LANE;
    html! {
        section aria-labelledby="timeline" {
            h2 #timeline { "Timeline" }
            figure {
                svg height=(bottom + AXIS) role="img" aria-labelledby="timeline-title timeline-about" {
                    title #timeline-title { "When what happened in each session" }
                    desc #timeline-about {
                        "A lane for each session. Thin marks are programs that were executed, diamonds are what was blocked. "
                        "All of it is in the tables below."
                    }
                    (axis(about, range, bottom))
                    @for (at, part) in (0..).zip(&parts) { (lane_of(range, TOP + at * LANE, part)) }
                    (lane(range, bottom - LANE, "the machine", None, machine.iter().copied()))
                }
                figcaption {
                    span { span.key-executed { "|" } " executed" }
                    span { span.key-would { "◇" } " would be blocked" }
                    span { span.key-blocked { "◆" } " blocked or refused" }
                    span { span.key-alarm { "△" } " alarm" }
                    @if without_lane > 0 {
                        span { (counted(without_lane, "session", "sessions")) " more are in the tables only" }
                    }
                    @if collected.left_out > 0 { span { "What had no room is not in the picture" } }
                }
            }
        }
    }
}

fn axis(about: &About, range: Range, bottom: i64) -> Markup {
    let format = match range.length_ms {
        ..10_000 => "%H:%M:%S.%3f",
        10_000..86_400_000 => "%H:%M:%S",
        _ => "%m-%d %H:%M",
    };
    html! {
        @for part in 0..=TIMES {
            @let time = range.time(part);
            @let x = percent(WIDTH / TIMES * part);
            @let anchor = match part { 0 => "start", TIMES => "end", _ => "middle" };
            line.grid x1=(x) y1="0" x2=(x) y2=(bottom) {}
            text.when.between[part % 2 == 1] x=(x) y=(bottom + AXIS - 6) text-anchor=(anchor) {
                (about.zone.to_datetime(time).strftime(format))
            }
        }
    }
}

fn percent(x: i64) -> String {
    format!("{}.{:02}%", x / 100, x % 100)
}

fn lane_of(range: Range, top: i64, part: &Part) -> Markup {
    let name = format!("{} {}", shown(&part.session.id), shown(&part.session.user));
    lane(range, top, &name, Some((part.first, part.last)), part.records.iter())
}

/// What a mark stands for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Executed,
    WouldBlock,
    Alarm,
    Blocked,
}

fn kind(event: &Event) -> Option<Kind> {
    Some(match tone(event) {
        Tone::Blocked => Kind::Blocked,
        Tone::WouldBlock => Kind::WouldBlock,
        Tone::Alarm => Kind::Alarm,
        Tone::Plain => Kind::Executed,
        Tone::Notice | Tone::Quiet => return None,
    })
}

fn lane<'r>(
    range: Range,
    top: i64,
    name: &str,
    open: Option<(Timestamp, Timestamp)>,
    records: impl Iterator<Item = &'r Record>,
) -> Markup {
    let begin = open.map_or(0, |(first, _last)| range.x(first));
    // What matters most is drawn last, on top of the rest.
    let mut marks: BTreeMap<(Kind, i64), u64> = BTreeMap::new();
    for record in records {
        if let Some(kind) = kind(&record.entry.event) {
            let x = begin + (range.x(record.entry.time) - begin) / MARK * MARK;
            *marks.entry((kind, x)).or_default() += 1;
        }
    }
    let cut: String = name.chars().take(NAME_CHARS).collect();
    let middle = top + LANE - HALF - 8;
    html! {
        text.lane x="0" y=(middle - NAME_ABOVE) {
            title { (name) }
            (cut) @if cut.len() < name.len() { "…" }
        }
        @if let Some((first, last)) = open {
            @let (from, to) = (range.x(first), range.x(last));
            rect.open x=(percent(from)) y=(middle - HALF) width=(percent((to - from).max(OPEN_MIN))) height=(2 * HALF) rx="3" {}
        }
        @for ((kind, x), count) in marks { (mark(kind, x, middle, count)) }
    }
}

fn mark(kind: Kind, x: i64, y: i64, count: u64) -> Markup {
    let (class, path, word) = match kind {
        Kind::Executed => ("executed", "M0 -7v14", "executed"),
        Kind::WouldBlock => ("would", DIAMOND, "would be blocked"),
        Kind::Blocked => ("blocked", DIAMOND, "blocked"),
        Kind::Alarm => ("alarm", "M0 -7l7 13h-14z", "to look at"),
    };
    // A path has no percents; what it stands in has.
    html! { svg x=(percent(x)) y=(y) { path class=(class) d=(path) { title { (count) " " (word) } } } }
}

const DIAMOND: &str = "M0 -8l7 8l-7 8l-7 -8z";
