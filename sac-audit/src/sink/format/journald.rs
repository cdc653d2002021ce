// SPDX-License-Identifier: MIT OR Apache-2.0
//! The journal's native protocol: fields of names and bytes in one datagram.
//!
//! See <https://systemd.io/JOURNAL_NATIVE_PROTOCOL/>. Every field of the record is there, as `SAC_` and its name in capitals.

use super::{Identity, syslog};
use crate::record::Record;
use crate::sink::fields::{Value, fields};
use crate::sink::message;
use crate::text::Text;

/// Longest name of a field that the journal takes (`field_name_valid` in systemd's `journal-file.c`).
const NAME_BYTES_MAX: usize = 64;

/// A record as an entry of the journal.
#[must_use]
pub fn entry(record: &Record, identity: &Identity) -> Vec<u8> {
    let mut entry = Vec::new();
    let priority = syslog::priority(record.entry.severity).to_string();
    add(&mut entry, "MESSAGE", message(record).as_bytes());
    add(&mut entry, "PRIORITY", priority.as_bytes());
    add(&mut entry, "SYSLOG_IDENTIFIER", syslog::APP_NAME.as_bytes());
    add(&mut entry, "SYSLOG_FACILITY", b"10");
    add(&mut entry, "SYSLOG_PID", identity.pid.to_string().as_bytes());
    add(&mut entry, "SAC_VERSION", identity.version.as_bytes());
    add(&mut entry, "SAC_EVENT", record.entry.event.name().as_bytes());
    for field in fields(record) {
        let name = name(&field.name());
        match field.value {
            // The name stands above, also where a record of a later version has none that is known here.
            _ if name == "SAC_EVENT" => {}
            Value::Text(text) => add(&mut entry, &name, text.as_bytes()),
            // A field may stand there more than once.
            Value::List(entries) => {
                entries.iter().map(Text::as_bytes).for_each(|value| add(&mut entry, &name, value))
            }
            value => add(&mut entry, &name, value.shown().as_bytes()),
        }
    }
    entry
}

/// The name in capitals; the journal takes letters, digits and underscores.
fn name(field: &str) -> String {
    let is_taken = |character: char| {
        if character.is_ascii_alphanumeric() { character.to_ascii_uppercase() } else { '_' }
    };
    let mut name = format!("SAC_{}", field.chars().map(is_taken).collect::<String>());
    name.truncate(NAME_BYTES_MAX);
    name
}

/// A line `NAME=value`, or the name, the length and the bytes, where the value could end the line.
fn add(entry: &mut Vec<u8>, name: &str, value: &[u8]) {
    entry.extend_from_slice(name.as_bytes());
    if value.contains(&b'\n') {
        entry.push(b'\n');
        entry.extend_from_slice(&(value.len() as u64).to_le_bytes());
    } else {
        entry.push(b'=');
    }
    entry.extend_from_slice(value);
    entry.push(b'\n');
}

#[cfg(test)]
mod tests;
