// SPDX-License-Identifier: MIT OR Apache-2.0
//! The language as a JSON Schema, for editors that complete and check YAML.
//!
//! It is made from the reader's own tables. It says less than the reader does: what it refuses the reader refuses, too, but not
//! the other way round.

use crate::read::language::{Mapping, POLICY_MAPPING, RULE_SET_MAPPING, Shape};
use serde_json::{Map, Value, json};

/// A JSON Schema (draft 2020-12) of policy and rule set files.
#[must_use]
pub fn schema() -> String {
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "SAC policy or rule set",
        "description": "A file in /etc/sac/policies",
        "type": "object",
        // Not one of the two by trial: an editor is to complain about the key that is wrong, and about nothing else.
        "if": {"required": ["rule_set"]},
        "then": of_mapping(&RULE_SET_MAPPING, "object"),
        "else": of_mapping(&POLICY_MAPPING, "object"),
    });
    format!("{schema:#}\n")
}

fn of_mapping(mapping: &Mapping, kind: impl Into<Value>) -> Value {
    let known = mapping.keys.iter().filter(|key| !matches!(key.shape, Shape::Refused));
    let properties: Map<String, Value> = known
        .map(|key| {
            let mut property = of_shape(key.shape);
            property["description"] = key.about.into();
            (key.name.to_owned(), property)
        })
        .collect();
    let mut schema = json!({"type": kind.into(), "properties": properties, "additionalProperties": false});
    if !mapping.required.is_empty() {
        schema["required"] = json!(mapping.required);
    }
    if !mapping.one_of.is_empty() {
        schema["oneOf"] = mapping.one_of.iter().map(|key| json!({"required": [key]})).collect();
    }
    schema
}

fn of_shape(shape: Shape) -> Value {
    match shape {
        Shape::Text => json!({"type": "string"}),
        Shape::Pattern(pattern) => json!({"type": "string", "pattern": pattern}),
        Shape::Words(words) => json!({"enum": words}),
        Shape::Flag => json!({"type": "boolean"}),
        Shape::True => json!({"const": true}),
        Shape::Whole(min, max) => json!({"type": "integer", "minimum": min, "maximum": max}),
        // A key without a value is an empty list or mapping.
        Shape::List(entry) => json!({"type": ["array", "null"], "items": of_shape(*entry)}),
        Shape::FullList(entry) => json!({"type": "array", "minItems": 1, "items": of_shape(*entry)}),
        Shape::Mapping(mapping) if mapping.required.is_empty() && mapping.one_of.is_empty() => {
            of_mapping(mapping, json!(["object", "null"]))
        }
        Shape::Mapping(mapping) => of_mapping(mapping, "object"),
        Shape::Either(shapes) => {
            json!({"anyOf": shapes.iter().map(|shape| of_shape(*shape)).collect::<Value>()})
        }
        Shape::Refused => json!(false),
    }
}

#[cfg(test)]
mod tests;
