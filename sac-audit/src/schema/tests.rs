// SPDX-License-Identifier: MIT OR Apache-2.0
//! The schema against one record of each event.

use super::*;
use crate::record::{Event, Record};
use crate::samples::{samples, settings, write};
use serde_json::json;
use std::collections::BTreeSet;

fn value() -> Value {
    serde_json::from_str(&schema()).unwrap()
}

fn validator() -> jsonschema::Validator {
    jsonschema::draft202012::new(&value()).unwrap()
}

fn records() -> Vec<Record> {
    let directory = tempfile::tempdir().unwrap();
    let written = write(&settings(directory.path()), samples());
    written.into_iter().map(|written| written.record).collect()
}

#[test]
fn the_schema_is_one() {
    assert!(jsonschema::meta::is_valid(&value()));
}

#[test]
fn one_record_of_each_event_is_valid_and_is_read_again() {
    let validator = validator();
    let mut names = BTreeSet::new();
    for record in records() {
        let json = serde_json::to_value(&record).unwrap();
        let errors: Vec<_> = validator.iter_errors(&json).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{json:#}\n{errors:#?}");
        assert_eq!(serde_json::from_value::<Record>(json.clone()).unwrap(), record);
        assert_eq!(json["event"], record.entry.event.name());
        names.insert(json["event"].as_str().unwrap().to_owned());
    }
    let known = value()["oneOf"].as_array().unwrap().clone();
    let known = known.iter().map(|event| event["properties"]["event"]["const"].as_str().unwrap().to_owned());
    assert_eq!(names, known.collect());
}

/// Each way of making one field wrong.
fn spoilt(json: &Value) -> Vec<(String, Value)> {
    let mut all = Vec::new();
    match json {
        Value::Object(object) => {
            let mut more = json.clone();
            more["no_such_field"] = 1.into();
            all.push((".no_such_field".to_owned(), more));
            for (key, below) in object {
                for (path, spoilt) in spoilt(below) {
                    let mut json = json.clone();
                    json[key] = spoilt;
                    all.push((format!(".{key}{path}"), json));
                }
            }
        }
        _ => all.push((String::new(), json!({"wrong": true}))),
    }
    all
}

#[test]
fn an_unknown_field_and_a_wrong_type_are_refused_everywhere() {
    let validator = validator();
    for record in records() {
        let json = serde_json::to_value(&record).unwrap();
        for (path, json) in spoilt(&json) {
            // Names of variables are anybody's.
            let is_variable = path == ".environment.no_such_field";
            assert!(is_variable || !validator.is_valid(&json), "{path}: {json:#}");
        }
    }
}

#[test]
fn a_field_that_is_missing_is_refused_unless_it_may_be_left_out() {
    let validator = validator();
    let record = records().into_iter().find(|record| matches!(record.entry.event, Event::Executed(_)));
    let json = serde_json::to_value(record.unwrap()).unwrap();
    let mut optional = BTreeSet::new();
    for key in json.as_object().unwrap().keys() {
        let mut less = json.clone();
        less.as_object_mut().unwrap().remove(key);
        if validator.is_valid(&less) {
            optional.insert(key.as_str());
        }
        assert_eq!(validator.is_valid(&less), serde_json::from_value::<Record>(less).is_ok(), "{key}");
    }
    assert_eq!(optional, BTreeSet::from(["environment", "session"]));
}

#[test]
fn what_is_no_text_and_what_could_not_be_read_is_valid() {
    let mut json = serde_json::to_value(&records()[5]).unwrap();
    assert_eq!(json["event"], "executed");
    json["typed"] = json!([255, 0, 47]);
    json["file"]["path"] = Value::Null;
    assert!(validator().is_valid(&json));
    json["typed"] = json!([256]);
    assert!(!validator().is_valid(&json));
}

#[test]
fn each_field_is_described() {
    fn check(schema: &Value, path: &str) {
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            assert!(name == "event" || property["description"].is_string(), "{path}.{name}");
        }
    }
    let schema = value();
    check(&schema, "");
    for (name, definition) in schema["$defs"].as_object().unwrap() {
        check(definition, name);
    }
    for event in schema["oneOf"].as_array().unwrap() {
        assert!(event["description"].is_string());
        check(event, "event");
    }
}
