// SPDX-License-Identifier: MIT OR Apache-2.0
//! How it is drawn: sessions at the top, the processes of the selected one in the middle, what was just blocked below, and keys on
//! the last line. What does not fit is left out, the least important first.
//!
//! Nothing depends on colour. All text that others chose was escaped by the model, or is here.

mod areas;
mod columns;

use super::model::{Attempt, Model, ProcessList};
use crate::cli::paint::Paint;
use areas::Areas;
use ratatui::{
    Frame,
    layout::Rect,
    style::{Color, Modifier, Style},
    text::{Line, Span},
};
use sac_audit::brief::Tone;
use unicode_width::UnicodeWidthStr as _;

/// A terminal that is narrower has what was blocked without the rule.
const WIDE: u16 = 60;
const GAP: &str = "  ";

/// Draws all of it.
pub(super) fn draw(frame: &mut Frame<'_>, model: &Model, paint: Paint) {
    let faults = model.faults();
    let areas = Areas::of(frame.area(), model.sessions().len(), faults.len());
    let mut sheet = Sheet { frame, paint };
    sheet.lines(areas.title, [title(model, areas.title.width)]);
    sheet.lines(areas.faults, faults.into_iter().map(|fault| (Tone::Alarm, format!("! {fault}"))));
    sheet.sessions(areas.sessions, model);
    let processes = areas.processes;
    sheet.lines(processes, [(Tone::Quiet, heading(&of_selected(model), processes.width))]);
    sheet.lines(below_first(processes), processes_of(model, processes.height.saturating_sub(1)));
    let attempts = areas.attempts;
    sheet.lines(attempts, [(Tone::Quiet, heading("Just blocked", attempts.width))]);
    sheet.lines(below_first(attempts), blocked(model, below_first(attempts)));
    sheet.lines(areas.help, [(Tone::Quiet, help(model))]);
}

/// A line, and how it is to be told from the rest.
type Toned = (Tone, String);

struct Sheet<'s, 'f> {
    frame: &'s mut Frame<'f>,
    paint: Paint,
}

impl Sheet<'_, '_> {
    /// Lines from the top of an area on, as many as fit.
    fn lines(&mut self, area: Rect, lines: impl IntoIterator<Item = Toned>) {
        for (row, (tone, text)) in area.rows().zip(lines) {
            let text = columns::cut(&text, usize::from(area.width));
            let style = self.style(tone);
            self.frame.render_widget(Line::styled(text, style), row);
        }
    }

    /// The table of sessions, such that the selected one is among those that are shown.
    fn sessions(&mut self, area: Rect, model: &Model) {
        let sessions = model.sessions();
        let selected = model.selected().map(|(place, _session)| place);
        let table = columns::Table::of(model, &sessions, usize::from(area.width));
        let mut rows = area.rows();
        let Some(header) = rows.next() else { return };
        let style = self.emphasis(Style::new(), Modifier::BOLD);
        self.frame.render_widget(Line::styled(table.header(), style), header);
        let room = usize::from(area.height.saturating_sub(1)).max(1);
        let first = selected.map_or(0, |place| (place + 1).saturating_sub(room));
        for (row, (place, session)) in rows.zip(sessions.iter().enumerate().skip(first)) {
            let is_selected = Some(place) == selected;
            let mark = if is_selected { "> " } else { "  " };
            let tone = if session.blocked > 0 { Tone::Blocked } else { Tone::Plain };
            let mut style = self.style(Tone::Plain);
            if is_selected {
                style = self.emphasis(style, Modifier::REVERSED);
            }
            let (before, last) = table.row(place);
            let last = Span::styled(last, style.patch(self.style(tone)));
            let line = Line::from(vec![Span::raw(mark), Span::raw(before), last]).style(style);
            self.frame.render_widget(line, row);
        }
        if sessions.is_empty() && area.height > 1 {
            let nobody =
                if model.is_filtered { "nothing was blocked in any session" } else { "nobody is in" };
            self.lines(below_first(area), [(Tone::Quiet, format!("  {nobody}"))]);
        }
    }

    fn emphasis(&self, style: Style, modifier: Modifier) -> Style {
        if self.paint == Paint::Colour { style.add_modifier(modifier) } else { style }
    }

    /// As [`crate::cli::paint::colour_of`] has it.
    fn style(&self, tone: Tone) -> Style {
        let style = Style::new();
        if self.paint == Paint::Plain {
            return style;
        }
        match tone {
            Tone::Blocked => style.fg(Color::Red).add_modifier(Modifier::BOLD),
            Tone::WouldBlock => style.fg(Color::Yellow),
            Tone::Alarm => style.fg(Color::Magenta).add_modifier(Modifier::BOLD),
            Tone::Notice => style.fg(Color::Cyan),
            Tone::Plain => style,
            Tone::Quiet => style.add_modifier(Modifier::DIM),
        }
    }
}

fn below_first(area: Rect) -> Rect {
    let height = area.height.saturating_sub(1);
    Rect { y: area.y.saturating_add(1), height, ..area }
}

/// Where and when, and how much there is.
fn title(model: &Model, width: u16) -> Toned {
    let (all, blocked) = model.counts();
    let sessions = if all == 1 { "session" } else { "sessions" };
    let text = format!("SAC on {}: {all} {sessions}, {blocked} with something blocked", model.host);
    let time = model.time();
    let blanks = usize::from(width).saturating_sub(text.width() + time.width()).max(GAP.len());
    (Tone::Plain, format!("{text}{}{time}", " ".repeat(blanks)))
}

/// A title with a line through the rest of the screen.
fn heading(text: &str, width: u16) -> String {
    let rest = usize::from(width).saturating_sub(text.width() + 4);
    format!("── {text} {}", "─".repeat(rest))
}

fn of_selected(model: &Model) -> String {
    model.selected().map_or_else(
        || "Processes".to_owned(),
        |(_place, session)| {
            let frozen = if session.frozen { ", frozen" } else { "" };
            let [id, user] = [&session.id, &session.user].map(|text| sac_audit::text::shown(text));
            format!("Processes of {id}, {user}{frozen}")
        },
    )
}

/// The processes, such that they fit into so many lines.
fn processes_of(model: &Model, height: u16) -> Vec<Toned> {
    let room = usize::from(height);
    let Some((_place, session)) = model.selected() else { return Vec::new() };
    let (rows, more) = match model.processes() {
        None => return vec![(Tone::Quiet, "…".to_owned())],
        Some(ProcessList::Unknown(reason)) => return vec![(Tone::Alarm, format!("! {reason}"))],
        Some(ProcessList::Present(rows, more)) => (rows.as_slice(), *more),
        // What is over stands above.
        Some(ProcessList::Recorded(rows)) => {
            (rows.get(rows.len().saturating_sub(room)..).unwrap_or_default(), 0)
        }
    };
    let width = rows.iter().map(|row| row.pid.len()).max().unwrap_or(0);
    let line = |row: &super::processes::ProcessRow| (row.tone, format!("{:>width$}  {}", row.pid, row.text));
    let mut lines: Vec<Toned> = rows.iter().take(room).map(line).collect();
    if rows.len() > room || more > 0 {
        lines.truncate(room.saturating_sub(1));
        let count = rows.len() - lines.len() + more;
        let id = sac_audit::text::shown(&session.id);
        lines.push((
            Tone::Quiet,
            format!("and {count} more, which `sac-loader sessions show {id}` has as well"),
        ));
    }
    lines
}

/// What was blocked, the newest first.
fn blocked(model: &Model, area: Rect) -> Vec<Toned> {
    let shown: Vec<_> = model.attempts.iter().take(usize::from(area.height)).collect();
    if shown.is_empty() {
        return vec![(Tone::Quiet, "nothing, as far as it was looked back".to_owned())];
    }
    let cells = |attempt: &Attempt| {
        let time = model.time_of(attempt);
        let Attempt { user, what, rule, .. } = attempt;
        let rule = if rule.is_empty() { "-" } else { rule };
        [time.as_str(), user, what, rule].map(|cell| columns::cut(cell, columns::NAME_WIDTH_MAX))
    };
    let rows: Vec<_> = shown.iter().map(|attempt| cells(attempt)).collect();
    let kept: &[usize] = match area.width {
        WIDE.. => &[0, 1, 2, 3],
        40.. => &[0, 1],
        _ => &[1],
    };
    let column = |at: usize| rows.iter().filter_map(move |row| row.get(at));
    let widths: Vec<_> =
        kept.iter().map(|at| column(*at).map(|cell| cell.width()).max().unwrap_or(0)).collect();
    let line = |(attempt, row): (&&Attempt, &[String; 4])| {
        let cells = kept.iter().filter_map(|at| row.get(*at)).zip(&widths);
        let before: String = cells.map(|(cell, width)| columns::left(cell, *width) + GAP).collect();
        (attempt.tone, before + &attempt.text)
    };
    shown.iter().zip(&rows).map(line).collect()
}

fn help(model: &Model) -> String {
    let filter = if model.is_filtered { "f all sessions" } else { "f only sessions with something blocked" };
    format!("q quit{GAP}↑ ↓ select{GAP}{filter}")
}

#[cfg(test)]
mod tests;
