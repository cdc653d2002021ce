// SPDX-License-Identifier: MIT OR Apache-2.0
//! Keys, as terminals send them: letters, and sequences that begin with ESC, see ECMA-48 and xterm's ctlseqs.

/// What a key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    /// The session above.
    Up,
    /// The session below.
    Down,
    /// The first session.
    First,
    /// The last session.
    Last,
    /// All sessions, or only those where something was blocked.
    Filter,
    /// Leave.
    Quit,
}

/// Makes keys of bytes, however they are divided.
#[derive(Debug, Default)]
pub(super) struct Keys {
    state: State,
}

#[derive(Clone, Copy, Debug, Default)]
enum State {
    #[default]
    Ground,
    /// ESC has come.
    Escape,
    /// `ESC [` or `ESC O` has come, and numbers perhaps.
    Sequence,
}

/// What Ctrl-C is where the terminal makes no signal of it.
const END_OF_TEXT: u8 = 0x03;
const ESCAPE: u8 = 0x1b;

impl Keys {
    /// The key that ends with this byte.
    pub(super) fn take(&mut self, byte: u8) -> Option<Key> {
        let state = std::mem::take(&mut self.state);
        match (state, byte) {
            (_, END_OF_TEXT) => Some(Key::Quit),
            (_, ESCAPE) => {
                self.state = State::Escape;
                None
            }
            (State::Escape, b'[' | b'O') | (State::Sequence, 0x20..=0x3f) => {
                self.state = State::Sequence;
                None
            }
            (State::Sequence, b'A') => Some(Key::Up),
            (State::Sequence, b'B') => Some(Key::Down),
            (State::Sequence, b'H') => Some(Key::First),
            (State::Sequence, b'F') => Some(Key::Last),
            (State::Sequence, _) => None,
            // ESC alone means nothing here, so a letter after it is that letter.
            (State::Ground | State::Escape, letter) => of_letter(letter),
        }
    }
}

const fn of_letter(letter: u8) -> Option<Key> {
    match letter {
        b'k' => Some(Key::Up),
        b'j' => Some(Key::Down),
        b'g' => Some(Key::First),
        b'G' => Some(Key::Last),
        b'f' => Some(Key::Filter),
        b'q' => Some(Key::Quit),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
