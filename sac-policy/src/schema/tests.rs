// SPDX-License-Identifier: MIT OR Apache-2.0
//! The schema against the reader, and against everything that is shipped.

use super::*;
use crate::read;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

fn validator() -> jsonschema::Validator {
    jsonschema::draft202012::new(&serde_json::from_str(&schema()).unwrap()).unwrap()
}

fn parsed(yaml: &str) -> Value {
    serde_yaml::from_str(yaml).unwrap()
}

fn check(name: &str, yaml: &str) {
    let value = parsed(yaml);
    let errors: Vec<_> = validator().iter_errors(&value).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{name}: {errors:?}");
}

#[test]
fn the_schema_is_one() {
    let schema: Value = serde_json::from_str(&schema()).unwrap();
    assert!(jsonschema::meta::is_valid(&schema));
}

#[test]
fn what_is_shipped_and_documented_is_valid() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut count = 0;
    for directory in ["policies", "policies/examples"] {
        for entry in fs::read_dir(repository.join(directory)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "yaml") {
                check(&path.display().to_string(), &fs::read_to_string(&path).unwrap());
                count += 1;
            }
        }
    }
    let documentation = fs::read_to_string(repository.join("docs/policy.md")).unwrap();
    for rest in documentation.split("```yaml\n").skip(1) {
        let block = rest.split("```").next().unwrap();
        check(block, block);
        count += 1;
    }
    assert!(count > 3);
}

/// Paths of all properties, with `[]` for the entries of lists.
fn properties(schema: &Value, path: &str, into: &mut BTreeSet<String>) {
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let below = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        into.insert(below.clone());
        properties(property, &below, into);
    }
    if schema["items"].is_object() {
        properties(&schema["items"], &format!("{path}[]"), into);
    }
    for alternative in schema["anyOf"].as_array().into_iter().flatten() {
        properties(alternative, path, into);
    }
}

#[test]
fn the_schema_has_exactly_the_keys_of_the_reader() {
    let schema: Value = serde_json::from_str(&schema()).unwrap();
    let mut all = BTreeSet::new();
    properties(&schema["then"], "", &mut all);
    properties(&schema["else"], "", &mut all);
    // The keys of `when` are counted once.
    let keys: BTreeSet<String> =
        all.iter().map(|key| key.find("when.").map_or(key.as_str(), |at| &key[at..]).to_owned()).collect();
    assert_eq!(keys, read::keys().into_iter().collect());
}

#[test]
fn each_property_is_described() {
    fn check(schema: &Value) {
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            assert!(property["description"].as_str().is_some_and(|text| text.ends_with('.')), "{name}");
            check(property);
        }
        check_all(schema["anyOf"].as_array());
        check_all(schema.get("items").map(std::slice::from_ref));
    }
    fn check_all<'v>(schemas: Option<impl AsRef<[Value]> + 'v>) {
        schemas.iter().flat_map(|schemas| schemas.as_ref()).for_each(check);
    }
    let schema: Value = serde_json::from_str(&schema()).unwrap();
    check(&schema["then"]);
    check(&schema["else"]);
}

#[test]
fn what_the_schema_refuses() {
    for yaml in [
        "applies_to: everyone",
        "{policy: p, applies_to: all}",
        "{policy: P, applies_to: everyone}",
        "{policy: p, applies_to: everyone, program: {}}",
        "{policy: p, applies_to: everyone, action: allow}",
        "{policy: p, applies_to: {users: bob}}",
        "{policy: p, applies_to: {users: [bob], from: []}}",
        "{policy: p, applies_to: everyone, programs: {deny: [df]}}",
        "{policy: p, applies_to: everyone, programs: {deny: [{path: /a, tree: /b}]}}",
        "{policy: p, applies_to: everyone, programs: {allow: [{name: a}]}}",
        "{policy: p, applies_to: everyone, programs: {deny: [{sha256: ab}]}}",
        "{policy: p, applies_to: everyone, confined_root: deny}",
        "{rule_set: p, confined_root: true}",
        "{policy: p, applies_to: everyone, files: {deny: [{path: /a}]}}",
        "{policy: p, applies_to: everyone, limits: {idle: 30}}",
        "{policy: p, applies_to: everyone, limits: {idle: ''}}",
        "{policy: p, applies_to: everyone, strikes: {blocked: 5}}",
        "{rule_set: p, priority: 1}",
        "{rule_set: p, programs: {default: deny}}",
    ] {
        assert!(!validator().is_valid(&parsed(yaml)), "{yaml}");
    }
}
