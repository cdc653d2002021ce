// SPDX-License-Identifier: MIT OR Apache-2.0
//! What happened around the sessions: policies, what administrators did, and what to worry about.

use super::About;
use super::collect::Collected;
use super::sessions::list;
use crate::brief::{Tone, listed, tone};
use crate::record::{Event, Record};
use crate::text::shown;
use maud::{Markup, html};

/// All of it.
pub(super) fn sections(about: &About, collected: &Collected) -> Markup {
    html! {
        (policies(about, collected))
        (section(about, collected, "interventions", "What administrators did", "Nobody intervened.", is_intervention))
        (section(about, collected, "losses", "Losses and alarms", "Nothing was lost, and nothing raised an alarm.", is_alarm))
        (section(about, collected, "service", "SAC itself", "SAC neither started nor stopped meanwhile.", is_service))
    }
}

/// Policies in force, and how they changed.
fn policies(about: &About, collected: &Collected) -> Markup {
    let is_change = |event: &Event| {
        matches!(
            event,
            Event::PolicyLoaded { .. }
                | Event::PolicyRefused { .. }
                | Event::PolicyChanged { .. }
                | Event::PolicyApplied { .. }
        )
    };
    let records = of(collected, is_change);
    html! {
        section aria-labelledby="policies" {
            h2 #policies { "Policies in force" }
            @match &collected.policies_before {
                Some(record) => (in_force(about, record)),
                None => p { "Which policies were in force at the beginning is not in the record." },
            }
            @if records.is_empty() {
                p { "They did not change." }
            } @else {
                h3 { "Changes" }
                (list(about, records.into_iter()))
                @for record in of(collected, |event| matches!(event, Event::PolicyLoaded { .. })) {
                    (in_force(about, record))
                }
            }
        }
    }
}

fn in_force(about: &About, record: &Record) -> Markup {
    html! {
        @if let Event::PolicyLoaded { policies, digest } = &record.entry.event {
            p {
                "In force since " (about.time(record.entry.time)) ": " strong { (shown(&listed(policies))) }
                "; SHA-256 of all of their files " code.digest { (shown(digest)) }
            }
        }
    }
}

fn section(
    about: &About,
    collected: &Collected,
    id: &str,
    title: &str,
    nothing: &str,
    is_of: fn(&Event) -> bool,
) -> Markup {
    let records = of(collected, is_of);
    html! {
        section aria-labelledby=(id) {
            h2 id=(id) { (title) }
            @if records.is_empty() { p { (nothing) } } @else { (list(about, records.into_iter())) }
        }
    }
}

/// Records of a kind, from sessions and outside of them, in order.
fn of(collected: &Collected, is_of: impl Fn(&Event) -> bool) -> Vec<&Record> {
    let mut records: Vec<_> = collected.records().filter(|record| is_of(&record.entry.event)).collect();
    records.sort_by_key(|record| record.number);
    records
}

const fn is_intervention(event: &Event) -> bool {
    matches!(event, Event::SessionControlled { .. } | Event::Granted(_) | Event::GrantEnded { .. })
}

fn is_alarm(event: &Event) -> bool {
    tone(event) == Tone::Alarm && !matches!(event, Event::PolicyRefused { .. } | Event::PolicyApplied { .. })
}

const fn is_service(event: &Event) -> bool {
    matches!(
        event,
        Event::LoaderStarted { .. }
            | Event::LoaderStopped {}
            | Event::RecordsRemoved { .. }
            | Event::Checkpoint {}
    )
}
