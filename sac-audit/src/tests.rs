// SPDX-License-Identifier: MIT OR Apache-2.0
//! `docs/audit.md` against the types, the writer, the table of redaction and the defaults.

use crate::chain::{Settings, Written};
use crate::redact::{DEFAULTS, PATTERN_BYTES_MAX, PATTERNS_MAX};
use crate::samples::{samples, settings, write};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

fn documentation() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/audit.md")).unwrap()
}

fn schema() -> Value {
    serde_json::from_str(&crate::schema::schema()).unwrap()
}

/// What stands below a heading, up to the next one of any level.
fn section<'d>(documentation: &'d str, heading: &str) -> &'d str {
    let (_before, rest) =
        documentation.split_once(&format!("\n{heading}\n")).unwrap_or_else(|| panic!("no {heading}"));
    rest.split("\n#").next().unwrap()
}

/// Blocks of code in a language.
fn blocks<'d>(text: &'d str, language: &str) -> Vec<&'d str> {
    let fence = format!("```{language}\n");
    text.split(fence.as_str()).skip(1).map(|rest| rest.split("\n```").next().unwrap()).collect()
}

/// Names, whether they may be left out, and descriptions of the fields in the tables of a section.
fn documented(section: &str) -> BTreeSet<(String, bool, String)> {
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| {
        let [name, kind, about] = row.trim_matches('|').splitn(3, " | ").collect::<Vec<_>>()[..] else {
            panic!("{row}")
        };
        let name = name.trim().trim_matches('`');
        (name.to_owned(), kind.contains("may be left out"), about.trim().to_owned())
    })
    .collect()
}

/// The same as the schema has it.
fn defined(object: &Value) -> BTreeSet<(String, bool, String)> {
    let is_required = |name: &str| object["required"].as_array().unwrap().contains(&name.into());
    let properties = object["properties"].as_object().unwrap().iter().filter(|(name, _)| *name != "event");
    let field = |(name, property): (&String, &Value)| {
        (name.clone(), !is_required(name), property["description"].as_str().unwrap().to_owned())
    };
    properties.map(field).collect()
}

#[test]
fn each_field_is_documented_as_it_is() {
    let (documentation, schema) = (documentation(), schema());
    let mut line = documented(section(&documentation, "## A line"));
    line.retain(|(name, _optional, _about)| name != "event");
    assert_eq!(line, defined(&schema));
    for name in ["Session", "Process", "File", "Verdict", "Totals"] {
        assert_eq!(
            documented(section(&documentation, &format!("### {name}"))),
            defined(&schema["$defs"][name])
        );
    }
    for event in schema["oneOf"].as_array().unwrap() {
        let name = event["properties"]["event"]["const"].as_str().unwrap();
        let section = section(&documentation, &format!("### `{name}`"));
        assert!(section.contains(event["description"].as_str().unwrap()), "{name}");
        let part = event["$ref"].as_str().map(|path| &schema["$defs"][path.rsplit('/').next().unwrap()]);
        assert_eq!(documented(section), defined(part.unwrap_or(event)), "{name}");
    }
}

#[test]
fn each_event_has_the_example_that_the_writer_makes() {
    let directory = tempfile::tempdir().unwrap();
    let written = write(&settings(directory.path()), samples());
    let documentation = documentation();
    for Written { record, line, .. } in &written {
        let section = section(&documentation, &format!("### `{}`", record.entry.event.name()));
        assert_eq!(blocks(section, "json"), [line.as_str()]);
    }
    assert_eq!(blocks(&documentation, "json").len(), written.len());
}

#[test]
fn examples_are_valid_by_the_schema() {
    let validator = jsonschema::draft202012::new(&schema()).unwrap();
    for example in blocks(&documentation(), "json") {
        let json: Value = serde_json::from_str(example).unwrap();
        let errors: Vec<_> = validator.iter_errors(&json).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{example}\n{errors:#?}");
    }
}

#[test]
fn the_table_of_redaction_is_that_of_the_program() {
    let documentation = documentation();
    let rows = section(&documentation, "## Secrets").lines().filter(|line| line.starts_with("| ")).skip(1);
    let defaults = DEFAULTS.iter().map(|default| {
        let programs =
            if default.programs.is_empty() { "all".to_owned() } else { default.programs.join(", ") };
        let (first, rest) = default.about.split_at(1);
        format!("| {}{rest} | {programs} | `{}` |", first.to_uppercase(), default.example.1.join(" "))
    });
    assert_eq!(rows.collect::<Vec<_>>(), defaults.collect::<Vec<_>>());
}

#[test]
fn limits_are_documented_as_they_are() {
    let documentation = documentation();
    let Settings { file_bytes_max, files_kept, bytes_kept, waiting_bytes_max, .. } = Settings::default();
    for text in [
        format!("when it has {} MiB", file_bytes_max >> 20),
        format!("| {files_kept} files and {} GiB,", bytes_kept >> 30),
        format!("in up to {} MiB of memory", waiting_bytes_max >> 20),
        format!("There may be {PATTERNS_MAX} patterns, of up to {PATTERN_BYTES_MAX} bytes each"),
        format!(
            "| {} bytes of all arguments together (`ARGUMENT_BYTES_MAX`) |",
            crate::record::ARGUMENT_BYTES_MAX
        ),
        format!("| a line | {} MiB |", crate::chain::LINE_BYTES_MAX >> 20),
    ] {
        assert!(documentation.contains(&text), "{text}");
    }
}

/// Runs the recipe of the documentation; `None` without Python.
fn run_recipe(settings: &Settings) -> Option<(bool, String)> {
    let documentation = documentation();
    let [recipe] = blocks(&documentation, "python")[..] else { panic!("there is one recipe") };
    let output = Command::new("python3").args(["-c", recipe]).arg(&settings.directory).output().ok()?;
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    Some((output.status.success(), String::from_utf8(output.stdout).unwrap()))
}

#[test]
fn the_recipe_without_sac_finds_what_was_changed_and_says_where_the_chain_is() {
    let directory = tempfile::tempdir().unwrap();
    let settings = Settings { file_bytes_max: 4000, ..settings(directory.path()) };
    let written = write(&settings, samples());
    let Some((is_sound, output)) = run_recipe(&settings) else { return };
    let last = written.last().unwrap();
    assert_eq!((is_sound, output), (true, format!("{}:{}\n", last.record.number, last.digest)));
    let files = crate::chain::list(&settings.directory).unwrap();
    assert!(files.len() > 2);
    let sound = fs::read(&files[1].path).unwrap();
    // A byte within a string, a line that goes, and a file that goes.
    let at = sound.windows(4).position(|bytes| bytes == b"web1").unwrap();
    let changed = [&sound[..at], b"web2", &sound[at + 4..]].concat();
    let second_line = sound.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    for harm in [&changed, &sound[second_line..], b"\n", b"x\n", &sound[..sound.len() - 1]] {
        fs::write(&files[1].path, harm).unwrap();
        assert!(!run_recipe(&settings).unwrap().0, "{}", String::from_utf8_lossy(harm));
    }
    fs::write(&files[1].path, &sound).unwrap();
    assert!(run_recipe(&settings).unwrap().0);
    fs::remove_file(&files[1].path).unwrap();
    assert!(!run_recipe(&settings).unwrap().0);
}
