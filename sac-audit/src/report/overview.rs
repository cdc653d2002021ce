// SPDX-License-Identifier: MIT OR Apache-2.0
//! What it all comes to: totals as tiles, what had no room, and everything that was blocked.

use super::collect::{Collected, ROWS_MAX, SESSIONS_MAX};
use super::{About, command_line, counted, grouped, head, place};
use crate::brief::{Tone, brief, tone, user, what};
use crate::record::{Event, Record, Severity, Verdict};
use crate::sink::facts;
use crate::text::shown;
use maud::{Markup, html};

/// Whether what follows can be trusted, where there is doubt.
pub(super) fn doubt(about: &About) -> Markup {
    let what = match &about.verification {
        Ok(report) if report.is_sound() => return html! {},
        Ok(_) => "✗ The record is not sound. ",
        Err(_) => "The record could not be verified. ",
    };
    html! {
        p.notice.blocked role="note" {
            strong { (what) } "What stands here may have been changed, and something may be missing: see "
            a href="#verification" { "Verification" } "."
        }
    }
}

/// Totals.
pub(super) fn tiles(about: &About, collected: &Collected) -> Markup {
    let sums = &collected.sums;
    let sessions = (collected.sessions.len() + collected.sessions_left_out.len()) as u64;
    let open = collected.sessions.iter().filter(|part| part.closed.is_none()).count() as u64;
    let numbers = [
        ("Sessions", sessions, "plain"),
        ("Still open", open, "plain"),
        ("Executed", sums.executed, "plain"),
        ("Blocked", sums.blocked, "blocked"),
        ("Would be blocked", sums.would_block, "would"),
        ("Logins refused", sums.refused, "blocked"),
        ("Events lost", sums.lost, "alarm"),
    ];
    let (word, class) = match &about.verification {
        Ok(report) if report.is_sound() => ("✓ sound", "sound"),
        Ok(_) => ("✗ not sound", "blocked"),
        Err(_) => ("not verified", "alarm"),
    };
    html! {
        section aria-labelledby="totals" {
            h2 #totals { "In numbers" }
            dl.tiles {
                div class={ "tile chain " (class) } {
                    dt { "Chain of records" }
                    dd { a href="#verification" { (word) } }
                }
                @for (name, number, class) in numbers {
                    div class={ "tile " (if number > 0 { class } else { "plain" }) } {
                        dt { (name) }
                        dd { (grouped(number)) }
                    }
                }
            }
        }
    }
}

/// What had no room.
pub(super) fn left_out(collected: &Collected) -> Markup {
    let sessions = collected.sessions_left_out.len() as u64;
    html! {
        @if collected.left_out > 0 {
            p.notice role="note" {
                strong { "This report is not complete: " }
                (counted(collected.left_out, "record", "records")) " had no room and are only counted above. A report shows "
                (grouped(ROWS_MAX as u64)) " rows of processes, as many of what was blocked, as many of all else, and "
                (grouped(SESSIONS_MAX as u64)) " sessions"
                @if sessions > 0 { "; " (counted(sessions, "session", "sessions")) " of these are not shown" }
                ". Choose a shorter time, a user or a session."
            }
        }
    }
}

/// All that was blocked, or would have been.
pub(super) fn blocked(about: &About, collected: &Collected) -> Markup {
    let is_blocked = |record: &&Record| matches!(tone(&record.entry.event), Tone::Blocked | Tone::WouldBlock);
    let mut records: Vec<_> = collected.records().filter(is_blocked).collect();
    records.sort_by_key(|record| record.number);
    html! {
        section aria-labelledby="blocked" {
            h2 #blocked { "What was blocked" }
            @if records.is_empty() {
                p { "Nothing was blocked, and nothing would have been." }
            } @else {
                table {
                    caption { (counted(records.len() as u64, "record", "records")) ", in order" }
                    (head(&["Record", "Time", "Who", "What", "Command or operation", "Rule"]))
                    tbody { @for record in records { (row(about, record)) } }
                }
            }
        }
    }
}

fn row(about: &About, record: &Record) -> Markup {
    let event = &record.entry.event;
    let class = if tone(event) == Tone::Blocked { "blocked" } else { "would" };
    let session = record.entry.session.as_ref();
    let is_root = facts::process(event)
        .is_some_and(|process| process.euid == 0 && session.is_some_and(|session| session.uid != 0));
    html! {
        tr class=(class) data-number=(record.number) {
            td.number { (record.number) }
            td { (about.time(record.entry.time)) }
            td {
                (user(record)) @if is_root { " (as root)" }
                @if let Some(session) = session { " " span.under { (shown(&session.id)) } }
            }
            td { span.tag.(class) { (what(event)) } " " span.under { (severity(record.entry.severity)) } }
            td.command { (command_line(&object(record))) }
            td.rule { @if let Some(verdict) = facts::verdict(event) { (rule(verdict)) } }
        }
    }
}

/// What it is about, without the rule, which has a column of its own.
fn object(record: &Record) -> String {
    match &record.entry.event {
        Event::Executed(execution) | Event::Blocked(execution) => crate::brief::command(execution),
        Event::Operation(operation) => crate::brief::object(operation),
        _ => brief(record),
    }
}

/// Where the rule stands, of which policy, and what it did.
fn rule(verdict: &Verdict) -> Markup {
    html! {
        (place(&shown(&verdict.rule)))
        @if let Some(policy) = &verdict.policy { ", policy " (shown(policy)) }
        ": " (shown(&verdict.action))
    }
}

const fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "info",
        Severity::Low => "low",
        Severity::Medium => "medium",
        Severity::High => "high",
        Severity::Critical => "critical",
    }
}
