// SPDX-License-Identifier: MIT OR Apache-2.0
//! Every event is held against the published schema: `schema-1.8.0.json` beside this file is an excerpt of it.

use super::{PROFILES, VERSION, event, list};
use crate::record::Record;
use crate::sink::samples::{identity, sample, samples};
use serde_json::{Map, Value as Json, json};

fn schema() -> Json {
    serde_json::from_str(include_str!("schema-1.8.0.json")).unwrap()
}

/// What is wrong with an object: attributes that its kind does not have or that are missing, wrong types, numbers that an
/// enumeration does not have, constraints that are not met.
fn faults(schema: &Json, kind: &Json, object: &Map<String, Json>, path: &str) -> Vec<String> {
    let attributes = kind["attributes"].as_object().unwrap();
    let mut faults = Vec::new();
    for (name, attribute) in attributes {
        if attribute["required"] == true && !object.contains_key(name) {
            faults.push(format!("{path}.{name} is required"));
        }
    }
    for (name, value) in object {
        let path = format!("{path}.{name}");
        match attributes.get(name) {
            None => faults.push(format!("{path} is not in the schema")),
            Some(attribute) if attribute["array"] == true => match value.as_array() {
                None => faults.push(format!("{path} is no list")),
                Some(values) => {
                    values
                        .iter()
                        .for_each(|value| faults.extend(value_faults(schema, attribute, value, &path)));
                }
            },
            Some(attribute) => faults.extend(value_faults(schema, attribute, value, &path)),
        }
    }
    if let Some(names) = kind["constraints"]["at_least_one"].as_array()
        && !names.iter().any(|name| object.contains_key(name.as_str().unwrap()))
    {
        faults.push(format!("{path} has none of {names:?}"));
    }
    faults
}

fn value_faults(schema: &Json, attribute: &Json, value: &Json, path: &str) -> Vec<String> {
    let kind = attribute["type"].as_str().unwrap();
    if attribute["object"] == true && kind != "object" {
        return match value.as_object() {
            Some(object) => faults(schema, &schema["objects"][kind], object, path),
            None => vec![format!("{path} is no object")],
        };
    }
    let is_of_kind = match kind {
        "object" => value.is_object(),
        "integer_t" => {
            value.as_i64().is_some_and(|number| i32::try_from(number).is_ok())
                || value.as_u64().is_some_and(|number| u32::try_from(number).is_ok())
        }
        "long_t" | "timestamp_t" => value.is_i64() || value.is_u64(),
        "port_t" => value.as_u64().is_some_and(|port| port <= 65535),
        "boolean_t" => value.is_boolean(),
        "ip_t" => value.as_str().is_some_and(|ip| ip.parse::<std::net::IpAddr>().is_ok()),
        _ => value.is_string(),
    };
    let is_known = attribute["enum"].as_array().is_none_or(|numbers| numbers.contains(value));
    if is_of_kind && is_known {
        Vec::new()
    } else {
        vec![format!("{path}: {value} is no {kind}, or not one of its numbers")]
    }
}

fn check(event: &Json) {
    let schema = schema();
    let class = &schema["classes"][event["class_uid"].to_string()];
    assert!(class.is_object(), "{event:#}");
    let faults = faults(&schema, class, event.as_object().unwrap(), "event");
    assert!(faults.is_empty(), "{faults:#?}\n{event:#}");
    assert_eq!(event["class_name"], class["name"]);
    let (class, activity) = (event["class_uid"].as_u64().unwrap(), event["activity_id"].as_u64().unwrap());
    assert_eq!(event["category_uid"], class / 1000);
    assert_eq!(event["type_uid"], class * 100 + activity);
}

fn of(record: &Record) -> Json {
    event(record, &identity())
}

#[test]
fn each_event_is_as_the_schema_says() {
    assert_eq!(schema()["version"], VERSION);
    samples().iter().for_each(|record| check(&of(record)));
}

/// Also outside of a session, where most objects are missing.
#[test]
fn each_event_is_as_the_schema_says_without_a_session() {
    for mut record in samples() {
        record.entry.session = None;
        check(&of(&record));
    }
}

/// The check itself finds what it is there for.
#[test]
fn the_check_finds_faults() {
    let schema = schema();
    let good = of(&sample("blocked"));
    let faults_of = |change: &dyn Fn(&mut Json)| {
        let mut event = good.clone();
        change(&mut event);
        faults(&schema, &schema["classes"]["1007"], event.as_object().unwrap(), "event")
    };
    assert_eq!(faults_of(&|_| ()), [""; 0]);
    assert_eq!(faults_of(&|event| drop(event.as_object_mut().unwrap().remove("process"))).len(), 1);
    assert_eq!(faults_of(&|event| event["severity_id"] = json!(77)).len(), 1);
    assert_eq!(faults_of(&|event| event["process"]["file"]["type_id"] = json!("8")).len(), 1);
    assert_eq!(faults_of(&|event| event["process"]["nonsense"] = json!(1)).len(), 1);
    assert_eq!(faults_of(&|event| event["device"] = json!({"type_id": 1})).len(), 1);
}

fn class_and_activity(record: &Record) -> (u64, u64) {
    let event = of(record);
    (event["class_uid"].as_u64().unwrap(), event["activity_id"].as_u64().unwrap())
}

#[test]
fn events_are_of_their_classes() {
    let classes: Vec<(u64, u64)> = samples().iter().map(class_and_activity).collect();
    let expected = [
        (3002, 1),
        (3002, 2),
        (3002, 99),
        (3002, 7),
        (3002, 2),
        (3002, 99),
        (1007, 1),
        (1007, 1),
        (1007, 1),
        (1007, 1),
        (1007, 1),
        (1007, 2),
        (1007, 2),
        (1001, 4),
        (1001, 1),
        (1001, 2),
        (1001, 3),
        (1001, 5),
        (1001, 99),
        (1005, 1),
        (4001, 1),
        (4001, 1),
        (1003, 4),
        (3004, 3),
        (3002, 1),
        (3004, 10),
        (3004, 3),
        (3005, 1),
        (3005, 2),
        (2004, 1),
        (2004, 1),
        (6002, 3),
        (6002, 4),
        (1008, 99),
        (1008, 99),
        (1008, 99),
        (1008, 99),
        (3004, 3),
        (3004, 3),
    ];
    assert_eq!(classes, expected);
}

#[test]
fn an_execution_says_who_what_and_with_what_result() {
    let event = of(&sample("blocked"));
    assert_eq!(event["time"], 1_795_705_445_123_i64);
    assert_eq!(event["process"]["file"]["path"], "/usr/bin/wget");
    assert_eq!(event["process"]["pid"], 4711);
    assert_eq!(event["actor"]["process"]["name"], "bash");
    assert_eq!(event["actor"]["user"], json!({"name": "alice", "uid": "1000"}));
    assert_eq!(event["actor"]["session"]["uid"], "3f9a2c");
    assert_eq!(
        (&event["disposition_id"], &event["action_id"], &event["status_id"]),
        (&json!(2), &json!(2), &json!(2))
    );
    assert_eq!(event["metadata"]["sequence"], 8);
    assert_eq!(event["metadata"]["correlation_uid"], "3f9a2c");
    assert_eq!(event["metadata"]["profiles"], json!(PROFILES));
    assert_eq!(event["unmapped"]["session.sequence"], "8");
    assert_eq!(event["policy"]["name"], "contractors");
}

/// What would have been blocked went ahead, and says that it was only looked at.
#[test]
fn a_dry_run_is_observed() {
    let record = samples().into_iter().find(|record| record.number == 10).unwrap();
    let event = of(&record);
    assert_eq!(
        (&event["disposition_id"], &event["action_id"], &event["status_id"]),
        (&json!(17), &json!(3), &json!(1))
    );
}

#[test]
fn a_refused_login_is_a_failed_logon() {
    let event = of(&sample("session-refused"));
    assert_eq!((&event["status_id"], &event["status_detail"]), (&json!(2), &json!("no policy")));
    assert_eq!(event["src_endpoint"], json!({"hostname": "evil.example"}));
}

#[test]
fn a_list_has_all() {
    let events: Json = serde_json::from_slice(&list(&samples(), &identity())).unwrap();
    assert_eq!(events.as_array().unwrap().len(), samples().len());
}
