// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which part of the screen is for what.

use ratatui::layout::Rect;

/// Parts of the screen, from top to bottom. Where there is no room for one, it has no height.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Areas {
    pub(super) title: Rect,
    pub(super) faults: Rect,
    pub(super) sessions: Rect,
    pub(super) processes: Rect,
    pub(super) attempts: Rect,
    pub(super) help: Rect,
}

/// Below this there are no processes: a heading and three lines is the least that is worth it.
const ROOM_FOR_PROCESSES: u16 = 10;
/// Below this nothing that was blocked has room.
const ROOM_FOR_ATTEMPTS: u16 = 4;

impl Areas {
    /// For so many sessions and faults.
    pub(super) fn of(screen: Rect, sessions: usize, faults: usize) -> Self {
        let height = screen.height;
        let help = u16::from(height >= 4);
        let title = u16::from(height >= 8);
        let faults = number(faults).min(height / 4);
        let body = height - help - title - faults;
        let attempts = if body < ROOM_FOR_ATTEMPTS { 0 } else { (body * 3 / 10).max(2) };
        let rest = body - attempts;
        // The header is a line as well, and without sessions there is a line that says so.
        let wanted = number(sessions).max(1).saturating_add(1);
        let sessions = if body < ROOM_FOR_PROCESSES { rest } else { wanted.min(rest / 2) };
        let processes = rest - sessions;
        let mut y = screen.y;
        let mut next = |height: u16| {
            let area = Rect { y, height, ..screen };
            y = y.saturating_add(height);
            area
        };
        Self {
            title: next(title),
            faults: next(faults),
            sessions: next(sessions),
            processes: next(processes),
            attempts: next(attempts),
            help: next(help),
        }
    }
}

fn number(count: usize) -> u16 {
    u16::try_from(count).unwrap_or(u16::MAX)
}
