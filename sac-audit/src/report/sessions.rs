// SPDX-License-Identifier: MIT OR Apache-2.0
//! The sessions: a table of all, and each with its processes and what else happened in it.

use super::collect::{Collected, Opened, Part};
use super::page::from;
use super::process_tree::process_tree;
use super::{About, counted, grouped, head};
use crate::brief::{brief, listed, run_time, what};
use crate::record::{Event, Record};
use crate::text::shown;
use maud::{Markup, html};

const COLUMNS: [&str; 9] =
    ["Session", "User", "From", "Policies", "Opened", "Closed", "Executed", "Blocked", "Would be blocked"];

/// All sessions.
pub(super) fn table(about: &About, collected: &Collected) -> Markup {
    html! {
        section aria-labelledby="sessions" {
            h2 #sessions { "Sessions" }
            @if collected.sessions.is_empty() {
                p { "There is no session in this report." }
            } @else {
                table.sessions {
                    caption { "One row for each session; its id leads to its processes" }
                    (head(&COLUMNS))
                    tbody { @for (at, part) in collected.sessions.iter().enumerate() { (row(about, at, part)) } }
                }
            }
        }
    }
}

fn row(about: &About, at: usize, part: &Part) -> Markup {
    let Part { session, opened, closed, policies, sums, .. } = part;
    html! {
        tr {
            th scope="row" { a href={ "#session-" (at) } { (shown(&session.id)) } }
            td { (shown(&session.user)) }
            td { (from(&session.from)) ", by " (shown(&session.service)) }
            td { (shown(&listed(policies))) }
            td data-name="opened" {
                @match opened {
                    Some(opened) => (about.time(opened.time)),
                    None => { "before " (about.time(part.first)) }
                }
            }
            td data-name=[closed.is_some().then_some("closed")] {
                @match closed { Some((time, ..)) => (about.time(*time)), None => strong { "still open" } }
            }
            td.number data-name="executed" { (grouped(sums.executed)) }
            td.number.blocked[sums.blocked > 0] data-name="blocked" { (grouped(sums.blocked)) }
            td.number.would[sums.would_block > 0] data-name="would be blocked" { (grouped(sums.would_block)) }
        }
    }
}

/// Each session.
pub(super) fn each(about: &About, collected: &Collected) -> Markup {
    html! { @for (at, part) in collected.sessions.iter().enumerate() { (one(about, at, part)) } }
}

fn one(about: &About, at: usize, part: &Part) -> Markup {
    let heading = format!("session-{at}");
    html! {
        section.session aria-labelledby=(heading) {
            h2 id=(heading) { "Session " (shown(&part.session.id)) " of " (shown(&part.session.user)) }
            (facts(about, part))
            @if part.left_out > 0 {
                p.notice role="note" {
                    (counted(part.left_out, "record", "records")) " of this session had no room here."
                }
            }
            (process_tree(about, &heading, &part.records))
            (others(about, part))
        }
    }
}

fn facts(about: &About, part: &Part) -> Markup {
    let Part { session, opened, closed, policies, sums, .. } = part;
    let tty = opened.as_ref().map(|opened| opened.tty.as_str()).filter(|tty| !tty.is_empty());
    let number = |number: Option<u32>| number.map_or_else(|| "none".to_owned(), |number| number.to_string());
    html! {
        dl.facts {
            dt { "Who" }
            dd {
                (shown(&session.user)) " (uid " (session.uid) ")"
                @if let Some(Opened { groups, .. }) = opened { ", groups " (shown(&groups.join(", "))) }
            }
            dt { "From where" }
            dd {
                (from(&session.from)) ", by " (shown(&session.service))
                @if let Some(tty) = tty { ", terminal " (shown(tty)) }
            }
            dt { "When" }
            dd {
                @match opened {
                    Some(opened) => (about.time(opened.time)),
                    None => { "opened before " (about.time(part.first)) }
                }
                @match closed {
                    Some((time, _, duration_ms)) => {
                        " to " (about.time(*time)) ", for " (run_time(duration_ms.saturating_mul(1_000_000)))
                    }
                    None => { ", still open at " (about.time(part.last)) }
                }
            }
            dt { "Kernel's audit" }
            dd { "login uid " (number(session.login_uid)) ", audit session " (number(session.audit_session)) }
            dt { "Policies" }
            dd { (shown(&listed(policies))) }
            dt { "Counted here" }
            dd {
                (grouped(sums.executed)) " executed, " (grouped(sums.blocked)) " blocked, "
                (grouped(sums.would_block)) " would be blocked, " (grouped(sums.lost)) " lost"
            }
            @if let Some((_, totals, _)) = closed {
                dt { "Counted by the kernel" }
                dd {
                    (grouped(totals.executed)) " executed, " (grouped(totals.blocked)) " blocked, "
                    (grouped(totals.events_lost)) " lost"
                }
            }
        }
    }
}

/// What happened in a session that is not an act of one of its processes.
fn others(about: &About, part: &Part) -> Markup {
    let is_other = |record: &&Record| {
        !matches!(
            record.entry.event,
            Event::Executed(_)
                | Event::Blocked(_)
                | Event::Operation(_)
                | Event::Forked { .. }
                | Event::Ended { .. }
        )
    };
    let mut records = part.records.iter().filter(is_other).peekable();
    let is_none = records.peek().is_none();
    html! {
        @if !is_none {
            h3 { "What else happened in it" }
            (list(about, records))
        }
    }
}

/// Records as a table of when and what.
pub(super) fn list<'r>(about: &About, records: impl Iterator<Item = &'r Record>) -> Markup {
    html! {
        table.list {
            (head(&["Record", "Time", "What", "Details"]))
            tbody {
                @for record in records {
                    tr class=(class(record)) data-number=(record.number) {
                        td.number { (record.number) }
                        td { (about.time(record.entry.time)) }
                        td { span.tag.(class(record)) { (what(&record.entry.event)) } }
                        td { (brief(record)) }
                    }
                }
            }
        }
    }
}

fn class(record: &Record) -> &'static str {
    use crate::brief::{Tone, tone};
    match tone(&record.entry.event) {
        Tone::Blocked => "blocked",
        Tone::WouldBlock => "would",
        Tone::Alarm => "alarm",
        Tone::Notice => "note",
        Tone::Plain | Tone::Quiet => "plain",
    }
}
