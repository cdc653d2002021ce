// SPDX-License-Identifier: MIT OR Apache-2.0
//! The processes of a session as a table: when, which, what, and how it ended.

use super::{About, command_line, head, place};
use crate::record::Record;
use crate::tree::{Row, RowKind, Tree};
use maud::{Markup, html};

/// As many letters of [`Row::branch`] are a level.
const LEVEL_CHARS: usize = 3;

/// The tree of a session's records.
pub(super) fn process_tree(about: &About, heading: &str, records: &[Record]) -> Markup {
    let tree = Tree::of(records.iter().cloned());
    let rows = tree.rows();
    html! {
        h3 { "Its processes" }
        @if rows.is_empty() {
            p { "No process of it is in the record." }
        } @else {
            table.tree aria-labelledby=(heading) {
                (head(&["Time", "Process", "What it was, and what it did", "How it ended, or by which rule"]))
                tbody { @for row in &rows { (row_of(about, row)) } }
            }
        }
        @if tree.left_out > 0 {
            p.notice role="note" { (tree.left_out) " more records do not fit in the tree." }
        }
    }
}

fn row_of(about: &About, row: &Row) -> Markup {
    let class = match row.kind {
        RowKind::Process | RowKind::Executed => None,
        RowKind::Blocked => Some("blocked"),
        RowKind::WouldBlock => Some("would"),
    };
    html! {
        tr class=[class] {
            td { (about.time(row.time)) }
            td.number { (row.pid) }
            td.command {
                div.line {
                    (branch(&row.branch))
                    span {
                        @if !row.kind.mark().is_empty() { strong { (row.kind.mark()) } }
                        (command_line(&row.text))
                    }
                }
            }
            td.rule { (place(&row.note)) }
        }
    }
}

/// The lines that lead to a row. Those that go on below it are as long as the row is high.
fn branch(lines: &str) -> Markup {
    let letters: Vec<_> = lines.chars().collect();
    html! {
        @if !letters.is_empty() {
            span.branch {
                @for level in letters.chunks(LEVEL_CHARS) {
                    @let goes_on = matches!(level.first(), Some('│' | '├'));
                    i class=[goes_on.then_some("on")] { (level.iter().collect::<String>()) }
                }
            }
        }
    }
}
