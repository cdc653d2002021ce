// SPDX-License-Identifier: MIT OR Apache-2.0
//! The language of the record as a JSON Schema, for other programs.
//!
//! It is made from the types, with what they say of themselves, and it is strict: a field that it does not know is refused. That is
//! for tests and for finding mistakes. Who reads records should pass over fields that are new, because those do not change
//! the version.

use crate::record::Record;
use schemars::generate::SchemaSettings;
use serde_json::Value;

/// A JSON Schema (draft 2020-12) of a line of the record.
#[must_use]
pub fn schema() -> String {
    let schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<Record>();
    let mut schema = schema.to_value();
    schema["title"] = "SAC record".into();
    tidy(&mut schema);
    close(&mut schema);
    format!("{schema:#}\n")
}

/// Takes out what is right for Rust and says nothing to others.
fn tidy(schema: &mut Value) {
    for below in below(schema) {
        tidy(below);
    }
    let Some(object) = schema.as_object_mut() else { return };
    // A field that does not apply is left out, and never null.
    if let Some(Value::Array(types)) = object.get_mut("type") {
        types.retain(|kind| kind != "null");
        if let [kind] = types.as_slice() {
            object["type"] = kind.clone();
        }
    }
    if let Some(Value::Array(choices)) = object.get("anyOf")
        && let [Value::Object(one), null] = choices.as_slice()
        && null["type"] == "null"
    {
        let one = one.clone();
        object.remove("anyOf");
        object.extend(one);
    }
    // Links are rustdoc's.
    if let Some(Value::String(description)) = object.get_mut("description") {
        *description = description.replace("[`", "`").replace("`]", "`");
    }
}

/// Refuses unknown fields everywhere. What is put together from several objects is closed as a whole.
fn close(schema: &mut Value) {
    let parts: Vec<Value> =
        schema["oneOf"].as_array().into_iter().flatten().map(|one| one["$ref"].clone()).collect();
    schema["unevaluatedProperties"] = false.into();
    for (name, definition) in schema["$defs"].as_object_mut().into_iter().flatten() {
        let is_part = parts.contains(&format!("#/$defs/{name}").into());
        if !is_part && definition.get("properties").is_some() {
            definition["additionalProperties"] = false.into();
        }
    }
}

fn below(schema: &mut Value) -> Vec<&mut Value> {
    match schema {
        Value::Object(object) => object.values_mut().collect(),
        Value::Array(list) => list.iter_mut().collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests;
