// SPDX-License-Identifier: MIT OR Apache-2.0
//! The tree as rows: a process, or something that it did, on each, in the order in which it happened.
//!
//! Whatever users chose is escaped, so that nothing of theirs reaches a terminal. What is in rows can be coloured; nothing depends on it.

use super::{Act, Command, End, Moment, Process, Tree, What};
use crate::brief::run_time;
use crate::text::{Text, shown as plain};
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Further down, branches are not indented any more: who forks on purpose could make lines of any length.
const DEPTH_MAX: usize = 40;

/// A row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// When.
    pub time: Timestamp,
    /// The process.
    pub pid: u32,
    /// The lines that lead to it.
    pub branch: String,
    /// What it is.
    pub kind: RowKind,
    /// The command, or what was to be done.
    pub text: String,
    /// How it ended, or which rule blocked it.
    pub note: String,
}

/// What a row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowKind {
    /// A process, with what it executed first.
    Process,
    /// Another program that a process executed.
    Executed,
    /// Something that was blocked.
    Blocked,
    /// Something that would have been blocked.
    WouldBlock,
}

impl RowKind {
    /// What stands before the text.
    #[must_use]
    pub const fn mark(self) -> &'static str {
        match self {
            Self::Process => "",
            Self::Executed => "→ ",
            Self::Blocked => "✗ BLOCKED ",
            Self::WouldBlock => "✗ would be blocked ",
        }
    }
}

impl Row {
    /// The row as a line, with its time in a time zone.
    #[must_use]
    pub fn line(&self, zone: &TimeZone) -> String {
        let Self { time, pid, branch, kind, text, note } = self;
        let time = zone.to_datetime(*time).strftime("%Y-%m-%d %H:%M:%S");
        let note = if note.is_empty() { String::new() } else { format!("  [{note}]") };
        format!("{time} {pid:>7}  {branch}{}{text}{note}", kind.mark())
    }
}

/// Something that is still to be drawn, with the lines before it.
struct Pending<'t> {
    what: Drawn<'t>,
    before: String,
    depth: usize,
    is_last: bool,
}

enum Drawn<'t> {
    Process(&'t Process),
    Act(&'t Process, &'t Act),
}

impl Tree {
    /// All rows, from top to bottom.
    #[must_use]
    pub fn rows(&self) -> Vec<Row> {
        let roots = self.roots.iter().rev().filter_map(|place| self.processes.get(*place));
        let root = |process| Pending {
            what: Drawn::Process(process),
            before: String::new(),
            depth: 0,
            is_last: true,
        };
        let mut pending: Vec<Pending<'_>> = roots.map(root).collect();
        let mut rows = Vec::new();
        // No recursion: a tree may be as deep as there are processes.
        while let Some(Pending { what, before, depth, is_last }) = pending.pop() {
            let branch = match depth {
                0 => String::new(),
                _ => format!("{before}{}", if is_last { "└─ " } else { "├─ " }),
            };
            match what {
                Drawn::Act(process, act) => rows.push(row_of_act(process, act, branch)),
                Drawn::Process(process) => {
                    rows.push(self.row_of_process(process, branch));
                    let before = match depth {
                        0 => String::new(),
                        DEPTH_MAX.. => before,
                        _ => format!("{before}{}", if is_last { "   " } else { "│  " }),
                    };
                    let below = self.below(process);
                    let last = below.len().saturating_sub(1);
                    let below = below.into_iter().enumerate().map(|(at, what)| Pending {
                        what,
                        before: before.clone(),
                        depth: depth + 1,
                        is_last: at == last,
                    });
                    pending.extend(below.collect::<Vec<_>>().into_iter().rev());
                }
            }
        }
        rows
    }

    /// The tree as text, with times of a time zone, readable without colour.
    #[must_use]
    pub fn render(&self, zone: &TimeZone) -> String {
        let mut text = String::new();
        for row in self.rows() {
            text.push_str(&row.line(zone));
            text.push('\n');
        }
        if self.left_out > 0 {
            text.push_str(&format!("and {} more records, which do not fit here\n", self.left_out));
        }
        text
    }

    /// What is below a process, in order: its children, and what it did after it first executed something.
    fn below<'t>(&'t self, process: &'t Process) -> Vec<Drawn<'t>> {
        let first = first_execution(process);
        let acts = process.acts.iter().enumerate().filter(|(at, _act)| Some(*at) != first);
        let acts = acts.map(|(_at, act)| (act.at, Drawn::Act(process, act)));
        let children = process.children.iter().filter_map(|place| self.processes.get(*place));
        let children = children.map(|child| (child.began, Drawn::Process(child)));
        let mut all: Vec<(Moment, Drawn<'t>)> = acts.chain(children).collect();
        all.sort_by_key(|(at, _what)| at.boot_ns);
        all.into_iter().map(|(_at, what)| what).collect()
    }

    fn row_of_process(&self, process: &Process, branch: String) -> Row {
        let executed = first_execution(process).and_then(|at| process.acts.get(at));
        let text = match executed.map(|act| &act.what) {
            Some(What::Executed(command)) => shown(command),
            // It never executed anything: what it is was its parent's program.
            _ if process.comm.as_bytes().is_empty() => "?".to_owned(),
            _ => format!("({})", process.comm),
        };
        let mut note = match process.end {
            Some(end) => ended(&end),
            None if self.is_closed => "its end is not in the record".to_owned(),
            None => "running".to_owned(),
        };
        if let Some(parent) = process.adopted_by {
            note = format!("{note}, now below {parent}");
        }
        Row { time: process.began.time, pid: process.pid, branch, kind: RowKind::Process, text, note }
    }
}

fn first_execution(process: &Process) -> Option<usize> {
    process.acts.iter().position(|act| matches!(act.what, What::Executed(_)))
}

fn row_of_act(process: &Process, act: &Act, branch: String) -> Row {
    let (kind, text, note) = match &act.what {
        What::Executed(command) => (RowKind::Executed, shown(command), String::new()),
        What::Blocked(command, verdict) => (blocked(&verdict.action), shown(command), plain(&verdict.rule)),
        What::Operation(operation) => {
            let object = operation.file.as_ref().map(|file| file.path.to_string());
            let object =
                object.or_else(|| operation.address.as_deref().or(operation.act.as_deref()).map(plain));
            let times =
                if operation.count > 1 { format!(" ({} times)", operation.count) } else { String::new() };
            let text = format!("{} {}{times}", plain(&operation.operation), object.unwrap_or_default());
            (blocked(&operation.verdict.action), text, plain(&operation.verdict.rule))
        }
    };
    Row { time: act.at.time, pid: process.pid, branch, kind, text, note }
}

fn blocked(action: &str) -> RowKind {
    if action == "audit" { RowKind::WouldBlock } else { RowKind::Blocked }
}

/// The command line: the program by its path, because its name in the arguments can be anything.
fn shown(command: &Command) -> String {
    let mut text = command.path.to_string();
    for argument in command.arguments.iter().skip(1) {
        text.push(' ');
        text.push_str(&quoted(argument));
    }
    if command.is_cut {
        text.push_str(" …");
    }
    text
}

/// An argument, with quotes where its ends would not show.
fn quoted(argument: &Text) -> String {
    let shown = argument.to_string();
    let is_plain =
        !shown.is_empty() && !shown.contains(|letter: char| letter.is_whitespace() || "'\"".contains(letter));
    if is_plain { shown } else { format!("'{}'", shown.replace('\'', r"'\''")) }
}

fn ended(end: &End) -> String {
    let how = match (end.code, end.signal) {
        (_, Some(signal)) => format!("ended by signal {signal}"),
        (Some(code), None) => format!("exit {code}"),
        (None, None) => "ended".to_owned(),
    };
    format!("{how} after {}", run_time(end.run_time_ns))
}
