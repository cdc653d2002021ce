// SPDX-License-Identifier: MIT OR Apache-2.0
//! A report of sessions as one page for a browser, which needs nothing else: no script, no picture, no font, no network.
//!
//! [`Collected`] takes records one after the other, in bounded memory, and [`render`] makes the page of them. Nothing here reads
//! files. Everything that comes from a record is escaped twice: control characters for people, and markup by the templates.

mod collect;
mod machine;
mod overview;
mod page;
mod process_tree;
mod sessions;
mod timeline;
mod verification;

pub use collect::{Collected, ROWS_MAX, SESSIONS_MAX};
pub use page::{BEGINNING, render};

use crate::verify;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use maud::{Markup, html};

/// What a report says of itself.
#[derive(Clone, Debug)]
pub struct About {
    /// When it was made.
    pub made: Timestamp,
    /// The time zone of all times in it.
    pub zone: TimeZone,
    /// Version of the program that made it.
    pub version: String,
    /// What verifying the whole record came to, or why it could not be done.
    pub verification: Result<verify::Report, String>,
    /// With how many checkpoints it was compared.
    pub checkpoints: usize,
}

impl About {
    /// A moment, to the millisecond.
    fn time(&self, time: Timestamp) -> Markup {
        let shown = self.zone.to_datetime(time).strftime("%Y-%m-%d %H:%M:%S.%3f").to_string();
        html! { time datetime=(time) { (shown) } }
    }

    fn zone_name(&self) -> String {
        let offset = self.zone.to_offset(self.made).to_string();
        self.zone.iana_name().map_or_else(|| format!("UTC{offset}"), |name| format!("{name} (UTC{offset})"))
    }
}

/// Columns of numbers, which stand on the right of their columns; so do their heads.
const NUMBERS: [&str; 5] = ["Record", "Process", "Executed", "Blocked", "Would be blocked"];

/// The head of a table.
fn head(names: &[&str]) -> Markup {
    html! {
        thead {
            tr { @for name in names { th scope="col" class=[NUMBERS.contains(name).then_some("number")] { (name) } } }
        }
    }
}

/// Options that are longer may be parted at the end of a line.
const OPTION_CHARS_MAX: usize = 30;

/// A command line. A browser parts words after a hyphen, and an option without its hyphen would be another word.
fn command_line(text: &str) -> Markup {
    let is_option = |word: &str| {
        word.trim_start_matches('\'').starts_with('-') && word.chars().count() <= OPTION_CHARS_MAX
    };
    html! {
        code {
            @for (at, word) in text.split(' ').enumerate() {
                @if at > 0 { " " }
                @if is_option(word) { span.whole { (word) } } @else { (word) }
            }
        }
    }
}

/// Where a rule stands, as file and line. The number of the line is not parted either.
fn place(rule: &str) -> Markup {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match rule.rsplit_once(':') {
        Some((file, line)) if is_number(line) => html! { (file) span.whole { ":" (line) } },
        _ => html! { (rule) },
    }
}

/// A number with blanks that group its digits, and the word for it.
fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(count), if count == 1 { one } else { many })
}

fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push('\u{202f}');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests;
