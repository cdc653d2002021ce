// SPDX-License-Identifier: MIT OR Apache-2.0
//! All of a record as a flat list of fields, for formats that know names and values only.
//!
//! The list is made from the record's own JSON, so that no field can be forgotten.

use crate::record::Record;
use crate::text::Text;
use serde_json::Value as Json;

/// A field: its place in the record, with dots between, and its value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Field {
    pub(crate) path: String,
    pub(crate) value: Value,
}

/// The value of a field.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Flag(bool),
    Number(u64),
    Text(Text),
    List(Vec<Text>),
}

impl Field {
    /// The name where there are no dots: `process_pid`. What the session and the verdict say is named without them (`user`,
    /// `rule`), and the session's id is `session`.
    pub(crate) fn name(&self) -> String {
        let path = self.path.as_str();
        if path == "session.id" {
            return "session".to_owned();
        }
        let bare = path.strip_prefix("session.").or_else(|| path.strip_prefix("verdict."));
        bare.unwrap_or(path).replace('.', "_")
    }
}

impl Value {
    /// As people may see it; the entries of a list as a shell would take them.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Flag(flag) => flag.to_string(),
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text.to_string(),
            Self::List(entries) => words(entries),
        }
    }
}

/// Words as a shell would take them, whatever could confuse a terminal escaped.
pub(crate) fn words(words: &[Text]) -> String {
    words.iter().map(word).collect::<Vec<_>>().join(" ")
}

fn word(word: &Text) -> String {
    let is_plain = |character: char| character.is_alphanumeric() || "-_./:=@,+%".contains(character);
    let shown = word.to_string();
    if !shown.is_empty() && shown.chars().all(is_plain) {
        return shown;
    }
    format!("'{}'", shown.replace('\'', r"'\''"))
}

/// The beginning of a text, as much of it as so many bytes hold.
pub(crate) fn beginning(text: &str, bytes_max: usize) -> &str {
    let end = (0..=bytes_max.min(text.len())).rev().find(|index| text.is_char_boundary(*index));
    end.and_then(|end| text.get(..end)).unwrap_or_default()
}

/// All fields, but those that every message carries in a place of its own: the schema's version and the chain's hash are not
/// for receivers, because neither says what happened.
pub(crate) fn fields(record: &Record) -> Vec<Field> {
    let mut fields = Vec::new();
    // A record that came out of a line of JSON goes into one again: its maps have keys of text only.
    if let Ok(Json::Object(mut object)) = serde_json::to_value(record) {
        object.remove("schema");
        object.remove("previous");
        add(String::new(), Json::Object(object), &mut fields);
    }
    fields
}

fn add(path: String, json: Json, fields: &mut Vec<Field>) {
    let value = match json {
        Json::Null => return,
        Json::Object(entries) => {
            for (name, json) in entries {
                let path = if path.is_empty() { name } else { format!("{path}.{name}") };
                add(path, json, fields);
            }
            return;
        }
        Json::Bool(flag) => Value::Flag(flag),
        Json::Number(number) => Value::Number(number.as_u64().unwrap_or_default()),
        Json::String(text) => Value::Text(Text::Text(text)),
        Json::Array(entries) => match bytes(&entries) {
            Some(bytes) => Value::Text(Text::Bytes(bytes)),
            None => Value::List(entries.into_iter().map(text).collect()),
        },
    };
    fields.push(Field { path, value });
}

/// The bytes of a text that is not UTF-8: the only lists of numbers that a record has.
fn bytes(entries: &[Json]) -> Option<Vec<u8>> {
    if entries.is_empty() {
        return None;
    }
    entries.iter().map(|entry| u8::try_from(entry.as_u64()?).ok()).collect()
}

fn text(json: Json) -> Text {
    match json {
        Json::String(text) => Text::Text(text),
        Json::Array(entries) => bytes(&entries).map_or(Text::Unreadable, Text::Bytes),
        _ => Text::Unreadable,
    }
}

#[cfg(test)]
mod tests;
