// SPDX-License-Identifier: MIT OR Apache-2.0
//! OpenTelemetry's logs, as JSON of OTLP/HTTP (`POST /v1/logs`).
//!
//! The encoding is that of OTLP 1.x: 64-bit numbers are strings. Attributes are named by OpenTelemetry's semantic conventions where
//! those have a name, and `sac.` and the record's own name otherwise.

use super::Identity;
use crate::record::{Record, Severity};
use crate::sink::fields::{Field, Value, fields};
use crate::sink::message;
use crate::text::Text;
use serde_json::{Value as Json, json};

/// Names of fields that the semantic conventions have a name for.
const CONVENTIONS: [(&str, &str); 15] = [
    ("process.pid", "process.pid"),
    ("process.parent_pid", "process.parent_pid"),
    ("process.uid", "process.real_user.id"),
    ("process.euid", "process.user.id"),
    ("process.cwd", "process.working_directory"),
    ("file.path", "process.executable.path"),
    ("arguments", "process.command_args"),
    ("typed", "process.command"),
    ("session.id", "session.id"),
    ("session.user", "user.name"),
    ("session.uid", "user.id"),
    ("session.from", "client.address"),
    ("code", "process.exit.code"),
    ("host", "host.name"),
    ("event", "sac.event"),
];

/// The records as one request's body.
#[must_use]
pub fn request(records: &[Record], identity: &Identity) -> Vec<u8> {
    let host = records.first().map_or("", |record| record.host.as_str());
    let resource = json!({"attributes": [
        attribute("service.name", json!({"stringValue": "sac"})),
        attribute("service.version", json!({"stringValue": identity.version})),
        attribute("host.name", json!({"stringValue": host})),
        attribute("os.type", json!({"stringValue": "linux"})),
    ]});
    let records: Vec<Json> = records.iter().map(log_record).collect();
    let scope = json!({"name": "sac", "version": identity.version});
    let request = json!({"resourceLogs": [
        {"resource": resource, "scopeLogs": [{"scope": scope, "logRecords": records}]}
    ]});
    request.to_string().into_bytes()
}

fn log_record(record: &Record) -> Json {
    let nanoseconds = record.entry.time.as_nanosecond().to_string();
    let (severity_number, severity_text) = severity(record.entry.severity);
    let is_execution = record_is_execution(record);
    let attributes: Vec<Json> = fields(record)
        .into_iter()
        // These are in places of their own.
        .filter(|field| !matches!(field.path.as_str(), "time" | "severity" | "host"))
        .map(|Field { path, value }| attribute(&convention(&path, is_execution), any_value(value)))
        .collect();
    json!({
        "timeUnixNano": nanoseconds,
        "observedTimeUnixNano": nanoseconds,
        "severityNumber": severity_number,
        "severityText": severity_text,
        "eventName": format!("sac.{}", record.entry.event.name()),
        "body": {"stringValue": message(record)},
        "attributes": attributes,
    })
}

/// The file is the program's in an execution only.
const fn record_is_execution(record: &Record) -> bool {
    use crate::record::Event;
    matches!(record.entry.event, Event::Executed(_) | Event::Blocked(_))
}

fn convention(path: &str, is_execution: bool) -> String {
    if path == "file.path" && !is_execution {
        return path.to_owned();
    }
    CONVENTIONS
        .iter()
        .find(|(own, _)| *own == path)
        .map_or_else(|| format!("sac.{path}"), |(_, convention)| (*convention).to_owned())
}

fn attribute(key: &str, value: Json) -> Json {
    json!({"key": key, "value": value})
}

fn any_value(value: Value) -> Json {
    match value {
        Value::Flag(flag) => json!({"boolValue": flag}),
        // There is no unsigned number; what is larger is a text.
        Value::Number(number) if i64::try_from(number).is_ok() => json!({"intValue": number.to_string()}),
        Value::List(entries) => {
            let entries: Vec<Json> = entries.iter().map(text_value).collect();
            json!({"arrayValue": {"values": entries}})
        }
        Value::Text(text) => text_value(&text),
        value @ Value::Number(_) => json!({"stringValue": value.shown()}),
    }
}

/// As it is where it is UTF-8: JSON escapes what it must. Other bytes are shown.
fn text_value(text: &Text) -> Json {
    match text {
        Text::Text(text) => json!({"stringValue": text}),
        text => json!({"stringValue": text.to_string()}),
    }
}

/// Number and name (`SeverityNumber` in `logs.proto`).
const fn severity(severity: Severity) -> (u8, &'static str) {
    match severity {
        Severity::Info => (9, "INFO"),
        Severity::Low => (10, "INFO2"),
        Severity::Medium => (13, "WARN"),
        Severity::High => (17, "ERROR"),
        Severity::Critical => (21, "FATAL"),
    }
}

#[cfg(test)]
mod tests;
