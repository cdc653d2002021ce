// SPDX-License-Identifier: MIT OR Apache-2.0
//! The Open Cybersecurity Schema Framework, version 1.8.0.
//!
//! [`classes`] says which class an event is of, [`objects`] has what classes share. What no attribute is made for stands in
//! `unmapped`, so that a receiver has all of the record.

mod classes;
mod objects;

use super::Identity;
use crate::record::{Record, Severity};
use crate::sink::facts::{Disposition, disposition, verdict};
use crate::sink::fields::fields;
use crate::sink::message;
use classes::Class;
use serde_json::{Map, Value as Json, json};

/// The version of the schema.
pub const VERSION: &str = "1.8.0";

/// Profiles whose attributes are used: `host` adds the device and the actor, `security_control` what became of an act, and
/// `linux/linux_users` the effective and the login user id.
const PROFILES: [&str; 3] = ["host", "security_control", "linux/linux_users"];

/// The records as one list.
#[must_use]
pub fn list(records: &[Record], identity: &Identity) -> Vec<u8> {
    let events: Vec<Json> = records.iter().map(|record| event(record, identity)).collect();
    Json::Array(events).to_string().into_bytes()
}

/// A record as an event.
#[must_use]
pub fn event(record: &Record, identity: &Identity) -> Json {
    let Class { name, uid, category, activity, activity_name, attributes } = classes::of(record, identity);
    let (severity_id, severity) = severity(record.entry.severity);
    let mut event = attributes;
    let mut set = |name: &str, value: Json| event.insert(name.to_owned(), value);
    set("class_uid", json!(uid));
    set("class_name", json!(name));
    set("category_uid", json!(category));
    set("activity_id", json!(activity));
    set("activity_name", json!(activity_name));
    set("type_uid", json!(uid * 100 + activity));
    set("severity_id", json!(severity_id));
    set("severity", json!(severity));
    set("time", json!(record.entry.time.as_millisecond()));
    set("message", json!(message(record)));
    set("device", objects::device(record));
    set("metadata", metadata(record, identity));
    set("unmapped", unmapped(record));
    if let Some(actor) = objects::actor(record) {
        event.entry("actor").or_insert(actor);
    }
    judged(record, &mut event);
    Json::Object(event)
}

fn metadata(record: &Record, identity: &Identity) -> Json {
    let mut metadata = json!({
        "version": VERSION,
        "product": objects::product(identity),
        "profiles": PROFILES,
        // The chain's number is given once only on a machine, whatever its boots.
        "uid": format!("{}:{}", record.host, record.number),
        "sequence": record.number,
        "event_code": record.entry.event.name(),
        "log_name": "sac",
        "original_time": record.entry.time.to_string(),
    });
    if let Some(session) = &record.entry.session {
        metadata["correlation_uid"] = json!(session.id);
    }
    metadata
}

/// What became of an act that a policy judged.
fn judged(record: &Record, event: &mut Map<String, Json>) {
    let Some(disposition) = disposition(&record.entry.event) else {
        return;
    };
    // Pairs of number and name: disposition, action, status.
    let [disposition, action, status] = match disposition {
        Disposition::Allowed => [(1, "Allowed"), (1, "Allowed"), (1, "Success")],
        Disposition::WouldHaveBeenBlocked => [(17, "Logged"), (3, "Observed"), (1, "Success")],
        Disposition::Blocked => [(2, "Blocked"), (2, "Denied"), (2, "Failure")],
    };
    for (name, (id, caption)) in [("disposition", disposition), ("action", action), ("status", status)] {
        event.insert(format!("{name}_id"), json!(id));
        event.insert(name.to_owned(), json!(caption));
    }
    if let Some(verdict) = verdict(&record.entry.event) {
        event.entry("status_detail").or_insert_with(|| json!(verdict.rule));
        event.insert("firewall_rule".to_owned(), json!({"name": verdict.rule, "type": verdict.action}));
        if let Some(policy) = &verdict.policy {
            event.insert("policy".to_owned(), json!({"name": policy}));
        }
    }
}

fn unmapped(record: &Record) -> Json {
    fields(record)
        .into_iter()
        .map(|field| (field.path.clone(), json!(field.value.shown())))
        .collect::<Map<_, _>>()
        .into()
}

const fn severity(severity: Severity) -> (u8, &'static str) {
    match severity {
        Severity::Info => (1, "Informational"),
        Severity::Low => (2, "Low"),
        Severity::Medium => (3, "Medium"),
        Severity::High => (4, "High"),
        Severity::Critical => (5, "Critical"),
    }
}

#[cfg(test)]
mod tests;
