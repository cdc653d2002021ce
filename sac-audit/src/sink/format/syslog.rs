// SPDX-License-Identifier: MIT OR Apache-2.0
//! Syslog messages, RFC 5424.
//!
//! A message that has to fit into a datagram is cut and says so: fields that have no room are left off and `cut="true"` stands in
//! their place, and the text ends with [`CUT_MARK`]. The record itself is whole in the files.

use super::Identity;
use crate::record::{Record, Severity};
use crate::sink::fields::{beginning, fields};
use crate::sink::message as text_of;
use std::fmt::Write as _;

/// APP-NAME in each message.
pub const APP_NAME: &str = "sac";

/// What a text ends with that was cut.
pub const CUT_MARK: &str = "…[cut]";

/// Longest HOSTNAME, MSGID and name of a parameter (RFC 5424, section 6).
const HOSTNAME_BYTES_MAX: usize = 255;
const MSGID_BYTES_MAX: usize = 32;
const PARAM_NAME_BYTES_MAX: usize = 32;

/// Room for the parameter that says that others were left off, and for the closing bracket.
const CUT_PARAM: &str = " cut=\"true\"]";

/// What the configuration says about messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Number of the facility; 10 is `authpriv`.
    pub facility: u8,
    /// Private enterprise number in the name of the structured data.
    pub enterprise: u32,
    /// Longest message, in bytes.
    pub bytes_max: usize,
}

/// The private enterprise number that RFC 5612 sets aside for examples: SAC has none of its own, and does not take another's.
pub const ENTERPRISE_DEFAULT: u32 = 32473;

/// The number of `authpriv` (RFC 5424, table 1).
pub const AUTHPRIV: u8 = 10;

/// A severity as syslog and the journal count it (RFC 5424, table 2).
#[must_use]
pub const fn priority(severity: Severity) -> u8 {
    match severity {
        Severity::Info => 6,
        Severity::Low => 5,
        Severity::Medium => 4,
        Severity::High => 3,
        Severity::Critical => 2,
    }
}

/// A record as a message with all of its fields as structured data.
#[must_use]
pub fn message(record: &Record, header: &Header, identity: &Identity) -> Vec<u8> {
    let mut message = head(record, header, identity);
    // The text says the most to people; the fields get what is left of three quarters.
    let data_max = (header.bytes_max / 4 * 3).saturating_sub(message.len());
    message += &structured_data(record, header.enterprise, data_max);
    with_text(message, &text_of(record), header.bytes_max)
}

/// A text of another format, in a message without structured data.
#[must_use]
pub fn around(record: &Record, header: &Header, identity: &Identity, text: &str) -> Vec<u8> {
    with_text(head(record, header, identity) + "-", text, header.bytes_max)
}

/// All that stands before the structured data.
fn head(record: &Record, header: &Header, identity: &Identity) -> String {
    let priority = u16::from(header.facility) * 8 + u16::from(priority(record.entry.severity));
    // Six digits are the most that there may be.
    let time = record.entry.time.strftime("%Y-%m-%dT%H:%M:%S.%6fZ");
    let host = printable(&record.host, HOSTNAME_BYTES_MAX);
    let event = printable(record.entry.event.name(), MSGID_BYTES_MAX);
    format!("<{priority}>1 {time} {host} {APP_NAME} {} {event} ", identity.pid)
}

/// The characters of PRINTUSASCII; `-` stands for nothing.
fn printable(text: &str, bytes_max: usize) -> String {
    let printable: String = text.chars().filter(char::is_ascii_graphic).take(bytes_max).collect();
    if printable.is_empty() { "-".to_owned() } else { printable }
}

/// The fields as one element. What identifies the record comes first, so that it is never cut off.
fn structured_data(record: &Record, enterprise: u32, bytes_max: usize) -> String {
    let mut fields: Vec<(String, String)> =
        fields(record).into_iter().map(|field| (field.name(), field.value.shown())).collect();
    let first = ["number", "session", "sequence", "event", "severity", "user", "boot_id"];
    fields.sort_by_key(|(name, _)| first.iter().position(|known| known == name).unwrap_or(first.len()));
    let mut data = format!("[sac@{enterprise}");
    let mut is_cut = false;
    for (name, value) in fields.iter().filter(|(name, _)| name != "host" && name != "time") {
        let param = format!(" {}=\"{}\"", param_name(name), escaped(value));
        if data.len() + param.len() + CUT_PARAM.len() > bytes_max {
            is_cut = true;
        } else {
            data += &param;
        }
    }
    data + if is_cut { CUT_PARAM } else { "]" }
}

/// A name as PARAM-NAME may be: printable, without what ends it.
fn param_name(name: &str) -> String {
    let is_taken = |character: &char| character.is_ascii_graphic() && !"=]\"".contains(*character);
    name.chars().filter(is_taken).take(PARAM_NAME_BYTES_MAX).collect()
}

/// A value as PARAM-VALUE (RFC 5424, section 6.3.3).
fn escaped(value: &str) -> String {
    value.chars().fold(String::with_capacity(value.len()), |mut escaped, character| {
        if matches!(character, '"' | '\\' | ']') {
            escaped.push('\\');
        }
        escaped.push(character);
        escaped
    })
}

/// Adds the text, with a byte order mark where it is not ASCII (RFC 5424, section 6.4), and cuts it to what there is room for.
fn with_text(mut message: String, text: &str, bytes_max: usize) -> Vec<u8> {
    message.push(' ');
    let bom = |text: &str| if text.is_ascii() { "" } else { "\u{feff}" };
    if message.len() + bom(text).len() + text.len() <= bytes_max {
        message += bom(text);
        message += text;
        return message.into_bytes();
    }
    let room = bytes_max.saturating_sub(message.len() + bom(CUT_MARK).len() + CUT_MARK.len());
    // Formatting into a text cannot fail.
    write!(message, "{}{}{CUT_MARK}", bom(CUT_MARK), beginning(text, room)).unwrap_or_default();
    message.into_bytes()
}

/// The message with its length before it, as streams carry it (RFC 6587, section 3.4.1; RFC 5425, section 4.3).
#[must_use]
pub fn octet_counted(message: &[u8]) -> Vec<u8> {
    let mut framed = format!("{} ", message.len()).into_bytes();
    framed.extend_from_slice(message);
    framed
}

#[cfg(test)]
mod tests;
