// SPDX-License-Identifier: MIT OR Apache-2.0
//! Whole screens, as they look without colour.

use super::super::keys::Key;
use super::super::model::tests::{execution, look, model, process, record, session};
use super::super::source::Processes;
use super::*;
use crate::control::SessionInfo;
use ratatui::{Terminal, backend::TestBackend, buffer::Buffer};
use serde_json::json;

fn drawn(model: &Model, width: u16, height: u16, paint: Paint) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(frame, model, paint)).unwrap();
    terminal.backend().buffer().clone()
}

/// The lines of a screen, without blanks at their ends.
fn lines(model: &Model, width: u16, height: u16) -> String {
    let buffer = drawn(model, width, height, Paint::Plain);
    let line = |row: Rect| {
        let cells: String = row
            .columns()
            .filter_map(|cell| buffer.cell(cell.as_position()))
            .map(|cell| cell.symbol())
            .collect();
        format!("{}\n", cells.trim_end())
    };
    buffer.area.rows().map(line).collect()
}

fn usual() -> Model {
    let mut model = model();
    let records = vec![
        record(20, Some("3b0kmxp000"), execution("blocked", "kill", &["df", "/"])),
        record(
            30,
            None,
            json!({"event": "session-refused", "user": "mallory", "service": "sshd", "from": "198.51.100.9", "reason": "no policy is for mallory"}),
        ),
        record(
            40,
            Some("3b0kmxp000"),
            execution(
                "blocked",
                "deny",
                &["wget", "https://example.org/a/rather/long/path/that/goes/on/and/on", "\u{1b}[2J"],
            ),
        ),
        record(
            50,
            Some("3b0kmxp000"),
            json!({
                "event": "operation", "operation": "delete", "count": 3,
                "process": {"pid": 104, "parent_pid": 102, "uid": 1001, "euid": 1001, "comm": "rm"},
                "file": {"path": "/srv/www/index.html", "inode": 1, "device": "8:1"},
                "verdict": {"action": "deny", "rule": "contractors.yaml:20", "policy": "contractors"},
            }),
        ),
    ];
    let mut bob = SessionInfo { tty: String::new(), from: String::new(), ..session("3b0kmxw000", "bob", 0) };
    bob.frozen = true;
    let mut found = look(vec![session("3b0kmxp000", "alice", 5), bob], records);
    let processes = vec![
        process(4700, 1, 0, &[]),
        process(102, 4700, 1, &["-bash"]),
        process(4712, 102, 2, &["vim", "notes \u{1b}]0;x\u{7}"]),
    ];
    found.processes = Some(("3b0kmxp000".to_owned(), Processes::Present(processes)));
    model.take(found);
    model
}

#[test]
fn all_is_there_at_80x24() {
    let shown = lines(&usual(), 80, 24);
    assert_eq!(shown, include_str!("tests/80x24.txt"), "\n{shown}");
}

#[test]
fn there_is_more_at_120x40() {
    let shown = lines(&usual(), 120, 40);
    assert_eq!(shown, include_str!("tests/120x40.txt"), "\n{shown}");
}

#[test]
fn without_the_daemon_the_record_is_shown_and_a_line_says_so() {
    let mut model = usual();
    let mut found = look(Vec::new(), Vec::new());
    found.sessions = Some(Err("cannot reach the daemon".to_owned()));
    found.record_fault = Some("a line is no record".to_owned());
    model.take(found);
    let shown = lines(&model, 80, 24);
    assert_eq!(shown, include_str!("tests/no-daemon.txt"), "\n{shown}");
}

#[test]
fn on_a_tiny_terminal_there_is_who_and_what() {
    let shown = lines(&usual(), 20, 5);
    let expected = "  USER   BLOCKED
> alice        5
── Just blocked ────
alice  delete /srv/…
q quit  ↑ ↓ select …
";
    assert_eq!(shown, expected, "\n{shown}");
}

#[test]
fn no_size_is_too_small() {
    let mut model = usual();
    for height in 0..30 {
        for width in [0, 1, 2, 3, 10, 25, 45, 79] {
            drawn(&model, width, height, Paint::Colour);
        }
    }
    model.take(look(Vec::new(), Vec::new()));
    for height in 1..12 {
        drawn(&model, 10, height, Paint::Plain);
    }
}

#[test]
fn the_selected_session_is_always_to_be_seen() {
    let mut model = model();
    let sessions = (0..100).map(|number| session(&format!("s{number:02}"), "alice", 0)).collect();
    model.take(look(sessions, Vec::new()));
    for _ in 0..57 {
        model.press(Key::Down);
    }
    let shown = lines(&model, 80, 24);
    assert!(shown.contains("\n> s57 ") && !shown.contains("s00"), "\n{shown}");
    model.press(Key::First);
    let shown = lines(&model, 80, 24);
    assert!(shown.contains("\n> s00 ") && !shown.contains("s57"), "\n{shown}");
}

#[test]
fn nobody_and_nothing_is_said() {
    let mut model = model();
    model.take(look(Vec::new(), Vec::new()));
    let shown = lines(&model, 80, 24);
    assert!(
        shown.contains("\n  nobody is in\n") && shown.contains("\nnothing, as far as it was looked back\n"),
        "\n{shown}"
    );
    model.take(look(vec![session("a", "alice", 0)], Vec::new()));
    model.press(Key::Filter);
    let shown = lines(&model, 80, 24);
    assert!(
        shown.contains("\n  nothing was blocked in any session\n") && shown.contains("f all sessions"),
        "\n{shown}"
    );
}

#[test]
fn more_processes_than_fit_are_counted() {
    let mut model = model();
    let mut found = look(vec![session("a", "alice", 0)], Vec::new());
    let processes = (100..1000).map(|pid| process(pid, 1, 0, &["sleep"])).collect();
    found.processes = Some(("a".to_owned(), Processes::Present(processes)));
    model.take(found);
    let shown = lines(&model, 80, 24);
    assert!(shown.contains("and 888 more, which `sac-loader sessions show a` has as well\n"), "\n{shown}");
}

#[test]
fn colour_is_only_where_it_is_wanted() {
    let plain = drawn(&usual(), 80, 24, Paint::Plain);
    assert!(plain.content().iter().all(|cell| cell.fg == Color::Reset && cell.modifier.is_empty()));
    let coloured = drawn(&usual(), 80, 24, Paint::Colour);
    assert!(coloured.content().iter().any(|cell| cell.fg == Color::Red));
}
