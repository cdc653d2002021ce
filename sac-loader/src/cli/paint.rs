// SPDX-License-Identifier: MIT OR Apache-2.0
//! Whether output is coloured: only where it is a terminal's and `NO_COLOR` is unset. Nothing may depend on colour.

use sac_audit::brief::Tone;
use std::io::IsTerminal;

/// Whether output is coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Paint {
    Plain,
    Colour,
}

impl Paint {
    /// As it fits for an output.
    pub(super) fn for_output(output: &impl IsTerminal) -> Self {
        let is_coloured = output.is_terminal() && std::env::var_os("NO_COLOR").is_none();
        if is_coloured { Self::Colour } else { Self::Plain }
    }

    /// Text in the colour with this number in `ESC [ … m`, see ECMA-48; in no colour where it is empty.
    pub(super) fn paint(self, colour: &str, text: &str) -> String {
        if self == Self::Plain || colour.is_empty() || text.is_empty() {
            return text.to_owned();
        }
        format!("\x1b[{colour}m{text}\x1b[0m")
    }
}

/// The colour of what is to be told from the rest.
pub(super) const fn colour_of(tone: Tone) -> &'static str {
    match tone {
        Tone::Blocked => "1;31",
        Tone::WouldBlock => "33",
        Tone::Alarm => "1;35",
        Tone::Notice => "36",
        Tone::Plain => "",
        Tone::Quiet => "2",
    }
}
