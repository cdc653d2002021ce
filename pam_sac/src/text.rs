// SPDX-License-Identifier: MIT OR Apache-2.0
//! Foreign bytes made harmless for a log line.
//!
//! User names, module arguments and a loader's reasons end up in syslog, where a newline would begin a forged entry and
//! an escape sequence would reach the terminal of whoever reads it. Only printable ASCII passes as it is.
#![forbid(unsafe_code)]

use std::fmt::Write;

/// Longest log message in bytes, without what syslog puts before it.
pub(crate) const LINE_BYTES_MAX: usize = 512;

/// The mark of a message that was cut.
const CUT: &str = "...";

/// `bytes` with everything but printable ASCII, and the backslash, written as `\xNN`.
pub(crate) fn printable(bytes: &[u8]) -> String {
    escape(bytes, |byte| byte != b'\\')
}

/// `bytes` in quotation marks, so that a name with spaces cannot pass for the words around it.
pub(crate) fn quoted(bytes: &[u8]) -> String {
    format!("\"{}\"", escape(bytes, |byte| byte != b'\\' && byte != b'"'))
}

/// A whole message as it goes out: at most [`LINE_BYTES_MAX`] bytes, all of them printable ASCII.
///
/// Escapes that [`printable`] and [`quoted`] wrote stay as they are.
pub(crate) fn line(message: &str) -> String {
    let mut line = escape(message.as_bytes(), |_| true);
    if line.len() > LINE_BYTES_MAX {
        // The line is ASCII, so every place is between two characters.
        line.truncate(LINE_BYTES_MAX - CUT.len());
        line.push_str(CUT);
    }
    line
}

fn escape(bytes: &[u8], plain: impl Fn(u8) -> bool) -> String {
    // Longer texts are cut later in any case, and an unbounded one should not be copied first.
    bytes.iter().take(4 * LINE_BYTES_MAX).fold(String::new(), |mut text, &byte| {
        if (byte.is_ascii_graphic() || byte == b' ') && plain(byte) {
            text.push(char::from(byte));
        } else if write!(text, "\\x{byte:02x}").is_err() {
            // Writing to a string cannot fail; if it ever did, the byte would be missing, which is harmless.
            return text;
        }
        text
    })
}

#[cfg(test)]
mod tests;
