// SPDX-License-Identifier: MIT OR Apache-2.0
//! Columns of sessions: as wide as what is in them, and as many as fit.

use super::super::model::Model;
use super::GAP;
use crate::control::SessionInfo;
use sac_audit::text::shown;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// Names that are longer are cut.
pub(super) const NAME_WIDTH_MAX: usize = 20;
/// What stands before each row.
const MARK_WIDTH: usize = 2;
const COLUMNS: usize = 10;
const HEADER: [&str; COLUMNS] =
    ["SESSION", "USER", "POLICY", "SERVICE", "FROM", "TTY", "SINCE", "PROCS", "EXECUTED", "BLOCKED"];
/// Columns from here on are numbers.
const FIRST_NUMBER: usize = 7;
/// What is left out first where there is no room: who, and whether something was blocked, stay.
const LEAST_IMPORTANT: [usize; 8] = [3, 5, 6, 8, 4, 7, 2, 0];

/// Sessions in columns.
pub(super) struct Table {
    rows: Vec<[String; COLUMNS]>,
    widths: [usize; COLUMNS],
    is_left_out: [bool; COLUMNS],
}

impl Table {
    /// Those that fit into a width.
    pub(super) fn of(model: &Model, sessions: &[&SessionInfo], width: usize) -> Self {
        let rows: Vec<_> = sessions.iter().map(|session| cells(model, session)).collect();
        let mut widths = HEADER.map(str::len);
        for row in &rows {
            widths.iter_mut().zip(row).for_each(|(width, cell)| *width = cell.width().max(*width));
        }
        let mut table = Self { rows, widths, is_left_out: [false; COLUMNS] };
        for column in LEAST_IMPORTANT {
            if table.width() <= width {
                break;
            }
            if let Some(is_left_out) = table.is_left_out.get_mut(column) {
                *is_left_out = true;
            }
        }
        table
    }

    fn width(&self) -> usize {
        let kept = self.widths.iter().zip(self.is_left_out).filter(|(_width, is_left_out)| !is_left_out);
        let widths = kept.map(|(width, _is_left_out)| width + GAP.len());
        (MARK_WIDTH + widths.sum::<usize>()).saturating_sub(GAP.len())
    }

    pub(super) fn header(&self) -> String {
        format!("{}{}", " ".repeat(MARK_WIDTH), self.joined(HEADER.iter().copied()).concat())
    }

    /// A row without its mark: all but the last column, and that one.
    pub(super) fn row(&self, place: usize) -> (String, String) {
        let cells = self.rows.get(place).into_iter().flatten().map(String::as_str);
        let mut cells = self.joined(cells);
        let last = cells.pop().unwrap_or_default();
        (cells.concat(), last)
    }

    /// The cells that are not left out, as wide as they are to be.
    fn joined<'c>(&self, cells: impl Iterator<Item = &'c str>) -> Vec<String> {
        let columns = cells.zip(self.widths).zip(self.is_left_out).enumerate();
        let kept = columns.filter(|(_at, (_cell, is_left_out))| !is_left_out);
        let cell = |(at, ((cell, width), _)): (usize, ((&str, usize), bool))| {
            if at >= FIRST_NUMBER { format!("{cell:>width$}") } else { left(cell, width) }
        };
        let mut cells: Vec<_> = kept.map(cell).collect();
        let last = cells.len().saturating_sub(1);
        cells.iter_mut().take(last).for_each(|cell| cell.push_str(GAP));
        cells
    }
}

fn cells(model: &Model, session: &SessionInfo) -> [String; COLUMNS] {
    let SessionInfo { id, user, policy, service, from, tty, since, processes, executed, blocked, .. } =
        session;
    let since = since.parse().map_or_else(|_no_time| since.clone(), |time| model.moment(time));
    let names = [id, user, policy, service, from, tty, &since].map(|text| match text.as_str() {
        "" => "-".to_owned(),
        text => cut(&shown(text), NAME_WIDTH_MAX),
    });
    let [id, user, policy, service, from, tty, since] = names;
    let [processes, executed, blocked] = [processes.to_string(), executed.to_string(), blocked.to_string()];
    [id, user, policy, service, from, tty, since, processes, executed, blocked]
}

/// Text with blanks behind it.
pub(super) fn left(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(text.width())))
}

/// As much of a text as fits into a width, with `…` where there was more.
pub(super) fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut used = 0;
    let fits = |letter: &char| {
        used += letter.width().unwrap_or(0);
        used < width
    };
    let mut cut: String = text.chars().take_while(fits).collect();
    if width > 0 {
        cut.push('…');
    }
    cut
}
