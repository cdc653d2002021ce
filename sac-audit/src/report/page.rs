// SPDX-License-Identifier: MIT OR Apache-2.0
//! The page as a whole: what stands where.

use super::collect::Collected;
use super::{About, counted, machine, overview, sessions, timeline, verification};
use crate::text::shown;
use maud::{DOCTYPE, Markup, PreEscaped, html};

/// How each report begins, so that it can be told from other files.
pub const BEGINNING: &str = r#"<!DOCTYPE html><html lang="en" data-made-by="sac-loader report">"#;

/// Nothing is loaded and nothing is run, whatever got into the page.
const CSP: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

const STYLE: &str = include_str!("style.css");

/// The page.
#[must_use]
pub fn render(about: &About, collected: &Collected) -> String {
    let title = title(collected);
    let page = html! {
        (DOCTYPE)
        html lang="en" data-made-by="sac-loader report" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(CSP);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    h1 { (title) }
                    (subtitle(about, collected))
                    (contents())
                }
                main {
                    (overview::doubt(about))
                    (overview::tiles(about, collected))
                    (overview::left_out(collected))
                    (timeline::timeline(about, collected))
                    (overview::blocked(about, collected))
                    (sessions::table(about, collected))
                    (machine::sections(about, collected))
                    (sessions::each(about, collected))
                    (verification::section(about, collected))
                    (legend())
                }
                footer {
                    p {
                        "Made " (about.time(about.made)) " by sac-loader " (shown(&about.version)) " from the record of "
                        (shown(&collected.host)) ". This page is a view of the record; the record itself is what counts."
                    }
                }
            }
        }
    };
    page.into_string()
}

fn title(collected: &Collected) -> String {
    let filter = &collected.filter;
    match (&filter.session, &filter.user) {
        (Some(id), _) => {
            let of = collected.sessions.first().map(|part| format!(" of {}", shown(&part.session.user)));
            format!("Session {}{}", shown(id), of.unwrap_or_default())
        }
        (None, Some(user)) => format!("Sessions of {}", shown(user)),
        (None, None) => format!("Sessions on {}", shown(&collected.host)),
    }
}

/// Who, from when to when, from where.
fn subtitle(about: &About, collected: &Collected) -> Markup {
    let sessions = (collected.sessions.len() + collected.sessions_left_out.len()) as u64;
    let mut from: Vec<_> = collected.sessions.iter().map(|part| from(&part.session.from)).collect();
    from.sort();
    from.dedup();
    let more = from.len().saturating_sub(FROM_MAX);
    from.truncate(FROM_MAX);
    html! {
        p.subtitle {
            @if let (Some((_, first)), Some((_, last))) = (collected.first, collected.last) {
                (about.time(first)) " to " (about.time(last)) ", "
            }
            "time zone " (shown(&about.zone_name())) " · host " strong { (shown(&collected.host)) } " · "
            (counted(collected.sums.records, "record", "records")) ", " (counted(sessions, "session", "sessions"))
            @if !from.is_empty() {
                " from " (from.join(", "))
                @if more > 0 { " and " (counted(more as u64, "other place", "other places")) }
            }
        }
    }
}

/// The parts of the page, to go there.
fn contents() -> Markup {
    let parts = [
        ("timeline", "Timeline"),
        ("blocked", "What was blocked"),
        ("sessions", "Sessions"),
        ("policies", "Policies"),
        ("interventions", "Administrators"),
        ("losses", "Losses and alarms"),
        ("verification", "Verification"),
    ];
    html! {
        nav aria-label="Parts of this page" { @for (id, name) in parts { a href={ "#" (id) } { (name) } " " } }
    }
}

/// So many places are named where people came from.
const FROM_MAX: usize = 8;

pub(super) fn from(host: &str) -> String {
    if host.is_empty() { "this machine".to_owned() } else { shown(host) }
}

fn legend() -> Markup {
    html! {
        section.legend aria-labelledby="legend" {
            h2 #legend { "How to read this" }
            dl {
                dt { span.tag.blocked { "✗ BLOCKED" } }
                dd { "It did not happen: a policy denied it. Beside it stands the rule, as file and line." }
                dt { span.tag.would { "✗ would be blocked" } }
                dd { "It happened: the policy only records, and would deny it if it were enforced." }
                dt { "→" }
                dd { "The process executed another program in its place." }
                dt { "(name)" }
                dd { "A process that was forked and has executed nothing; the name is that of its parent's program." }
                dt { code { "\\n" } ", " code { "\\u{1b}" } ", " code { "\\xff" } }
                dd { "A character that cannot be seen, or a byte that is no text, in what a user typed or named." }
                dt { code { "***" } }
                dd { "A secret that was taken out before anything was written down." }
                dt { "…" }
                dd { "There was more than a record has room for." }
            }
        }
    }
}
