// SPDX-License-Identifier: MIT OR Apache-2.0
//! The processes of a session as rows: those that are there, as the daemon tells, or what the record says of them.

use super::model::Attempt;
use crate::cli::sessions::command;
use crate::control::ProcessInfo;
use sac_audit::brief::Tone;
use sac_audit::text::shown;
use sac_audit::tree::{Row, RowKind};
use std::collections::BTreeSet;

/// A process, or something of it that was blocked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ProcessRow {
    /// The process.
    pub(super) pid: String,
    /// What it is, behind the lines or blanks that lead to it.
    pub(super) text: String,
    /// How it is to be told from the rest.
    pub(super) tone: Tone,
}

/// More rows than a screen has.
const ROWS_MAX: usize = 500;
/// What is deeper is shown no deeper, for the sake of its command line.
const DEPTH_MAX: usize = 32;
/// So much of what was just blocked is shown below a process; the rest is at the bottom of the screen.
const ATTEMPTS_MAX: usize = 3;

/// Processes that are there, each with what it tried last: of these there are `attempts`, the newest first. Also tells how many more
/// processes there are.
pub(super) fn present(processes: &[ProcessInfo], attempts: &[&Attempt]) -> (Vec<ProcessRow>, usize) {
    let pids: BTreeSet<u32> = processes.iter().filter_map(|process| process.pid.try_into().ok()).collect();
    let mut rows = Vec::new();
    let mut count = 0;
    for process in processes {
        if rows.len() >= ROWS_MAX {
            break;
        }
        count += 1;
        let depth = process.depth.min(DEPTH_MAX);
        let text = format!("{}{}", "  ".repeat(depth), command(process));
        rows.push(ProcessRow { pid: process.pid.to_string(), text, tone: Tone::Plain });
        // Who was killed for it is not there any more, but most often its parent is.
        let is_of = |attempt: &&&Attempt| {
            let by = if pids.contains(&attempt.pid) { attempt.pid } else { attempt.parent_pid };
            i64::from(by) == i64::from(process.pid)
        };
        let own: Vec<_> = attempts.iter().filter(is_of).take(ATTEMPTS_MAX).collect();
        rows.extend(own.into_iter().rev().map(|attempt| ProcessRow {
            pid: attempt.pid.to_string(),
            text: format!("{}✗ {} {}", "  ".repeat(depth + 1), attempt.what, attempt.text),
            tone: attempt.tone,
        }));
    }
    (rows, processes.len() - count)
}

/// What the record says, as `sac-loader tree` draws it. Of many rows the last ones are wanted: what is old has ended.
pub(super) fn recorded(rows: Vec<Row>) -> Vec<ProcessRow> {
    let first = rows.len().saturating_sub(ROWS_MAX);
    let row = |Row { pid, branch, kind, text, note, .. }: Row| {
        let note = if note.is_empty() { String::new() } else { format!("  [{}]", shown(&note)) };
        ProcessRow {
            pid: pid.to_string(),
            text: format!("{branch}{}{text}{note}", kind.mark()),
            tone: match kind {
                RowKind::Process | RowKind::Executed => Tone::Plain,
                RowKind::Blocked => Tone::Blocked,
                RowKind::WouldBlock => Tone::WouldBlock,
            },
        }
    };
    rows.into_iter().skip(first).map(row).collect()
}
