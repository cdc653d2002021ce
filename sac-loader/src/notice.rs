// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a user is told when something is blocked: `[PID:PATH] PATH blocked!` of a program, `[PID:NAME] delete of PATH blocked!` of
//! what a program does, `[PID:NAME] using BPF blocked!` of what root does.
//!
//! Paths and names are the user's own words, and go to a terminal: whatever a terminal could take for a command is escaped.

pub(crate) mod attempt;
mod deliver;
mod place;

pub(crate) use attempt::{Attempt, comm, cwd, file};
pub(crate) use deliver::{Deliverer, terminal_name, terminal_of_process};
pub(crate) use place::Mounts;

use sac_abi::event::{Event, EventPath};
use std::fmt::Write as _;

/// Longest path that is shown, in bytes; a longer one is cut, so that a notice is one write that needs no waiting.
const SHOWN_BYTES_MAX: usize = 512;

/// The notice that an attempt was blocked, without a line end.
pub(crate) fn blocked(event: &Event, attempt: &Attempt) -> String {
    let by = attempt.executed().map_or_else(|| comm(event), str::to_owned);
    format!("[{}:{by}] {} blocked!", event.caller.tgid, attempt.named())
}

/// A path as it can be shown to anybody: printable, on one line, of bounded length.
pub(crate) fn shown(path: EventPath<'_>) -> String {
    let kept = path.bytes.get(..SHOWN_BYTES_MAX).unwrap_or(path.bytes);
    let mut text = String::with_capacity(kept.len());
    for chunk in kept.utf8_chunks() {
        for character in chunk.valid().chars() {
            if is_harmless(character) {
                text.push(character);
            } else {
                text.extend(character.escape_default());
            }
        }
        for byte in chunk.invalid() {
            // Writing to a string cannot fail.
            let _infallible = write!(text, "\\x{byte:02x}");
        }
    }
    if path.cut || kept.len() < path.bytes.len() {
        text.push('…');
    }
    text
}

/// Control characters move the cursor and worse; formatting characters reorder what is seen; a backslash could pass for
/// the beginning of an escape.
pub(crate) fn is_harmless(character: char) -> bool {
    let reorders = matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    !character.is_control() && !reorders && character != '\\'
}

#[cfg(test)]
mod tests;
