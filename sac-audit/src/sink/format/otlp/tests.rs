// SPDX-License-Identifier: MIT OR Apache-2.0

use super::request;
use crate::record::Severity;
use crate::sink::samples::{identity, sample, samples};
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;

fn sent(records: &[crate::record::Record]) -> Json {
    serde_json::from_slice(&request(records, &identity())).unwrap()
}

fn log(name: &str) -> Json {
    sent(&[sample(name)])["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0].clone()
}

fn attribute(of: &Json, key: &str) -> Json {
    let attributes = of["attributes"].as_array().unwrap();
    attributes.iter().find(|attribute| attribute["key"] == key).unwrap_or_else(|| panic!("{key} in {of:#}"))["value"].clone()
}

#[test]
fn the_resource_is_the_machine() {
    let sent = sent(&samples());
    let resource = &sent["resourceLogs"][0]["resource"];
    assert_eq!(attribute(resource, "service.name"), json!({"stringValue": "sac"}));
    assert_eq!(attribute(resource, "host.name"), json!({"stringValue": "web1"}));
    let scope = &sent["resourceLogs"][0]["scopeLogs"][0];
    assert_eq!(scope["scope"], json!({"name": "sac", "version": "0.1.0"}));
    assert_eq!(scope["logRecords"].as_array().unwrap().len(), samples().len());
}

#[test]
fn an_execution_has_the_conventions_names() {
    let log = log("blocked");
    assert_eq!(log["timeUnixNano"], "1795705445123456789");
    assert_eq!((&log["severityNumber"], &log["severityText"]), (&json!(13), &json!("WARN")));
    assert_eq!(log["eventName"], "sac.blocked");
    assert!(log["body"]["stringValue"].as_str().unwrap().starts_with("alice may not execute /usr/bin/wget"));
    assert_eq!(attribute(&log, "process.pid"), json!({"intValue": "4711"}));
    assert_eq!(attribute(&log, "process.parent_pid"), json!({"intValue": "4700"}));
    assert_eq!(attribute(&log, "process.executable.path"), json!({"stringValue": "/usr/bin/wget"}));
    assert_eq!(attribute(&log, "user.name"), json!({"stringValue": "alice"}));
    assert_eq!(attribute(&log, "session.id"), json!({"stringValue": "3f9a2c"}));
    assert_eq!(attribute(&log, "sac.number"), json!({"intValue": "8"}));
    assert_eq!(attribute(&log, "sac.session.sequence"), json!({"intValue": "8"}));
    assert_eq!(attribute(&log, "sac.verdict.policy"), json!({"stringValue": "contractors"}));
    let arguments = attribute(&log, "process.command_args");
    assert_eq!(arguments["arrayValue"]["values"][6], json!({"stringValue": "line\nbreak\r"}));
    assert_eq!(arguments["arrayValue"]["values"][11], json!({"stringValue": r"\xff\xfe\nA"}));
}

/// A file that somebody deletes is not the program that they run.
#[test]
fn an_operations_file_is_a_file() {
    assert_eq!(attribute(&log("operation"), "file.path"), json!({"stringValue": "/etc/passwd"}));
}

/// Keys are unique, and each value has one kind (`AnyValue` in `common.proto`; 64-bit numbers are strings).
#[test]
fn each_record_is_well_formed() {
    for log in sent(&samples())["resourceLogs"][0]["scopeLogs"][0]["logRecords"].as_array().unwrap() {
        let mut keys = BTreeSet::new();
        for attribute in log["attributes"].as_array().unwrap() {
            assert!(keys.insert(attribute["key"].as_str().unwrap()), "{attribute} twice");
            let value = attribute["value"].as_object().unwrap();
            let (kind, value) = value.iter().next().unwrap();
            let is_well_formed = match kind.as_str() {
                "stringValue" => value.is_string(),
                "intValue" => value.as_str().is_some_and(|number| number.parse::<i64>().is_ok()),
                "boolValue" => value.is_boolean(),
                "arrayValue" => value["values"].is_array(),
                _ => false,
            };
            assert!(is_well_formed, "{attribute}");
        }
        assert!(log["timeUnixNano"].as_str().unwrap().parse::<u64>().is_ok());
    }
}

#[test]
fn severities_are_in_their_ranges() {
    let mut record = sample("tamper");
    let severities = [Severity::Info, Severity::Low, Severity::Medium, Severity::High, Severity::Critical];
    let numbers = severities.map(|severity| {
        record.entry.severity = severity;
        sent(std::slice::from_ref(&record))["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0]["severityNumber"].clone()
    });
    assert_eq!(numbers, [9, 10, 13, 17, 21]);
}
