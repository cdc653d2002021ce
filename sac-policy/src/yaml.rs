// SPDX-License-Identifier: MIT OR Apache-2.0
//! YAML as a tree in which every node knows its place.
//!
//! A tree and not typed structures, because a typed deserializer stops at the first fault. Nothing here knows what a
//! policy is. Anchors, aliases, merge keys, tags of one's own and several documents are refused: they hide what a
//! policy says from whoever reads it, and an alias can make a small file large.

use crate::code::Code;
use crate::fault::{Fault, Place, printable};
use crate::source::{Source, Span};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_yaml::budget::BudgetBreach;
use serde_yaml::{Error, MessageFormatter, Spanned};
use std::fmt;
use std::sync::Arc;

/// Deepest nesting of mappings and lists. The language needs six levels.
const DEPTH_MAX: usize = 16;

/// Most nodes in one file. A rule with all that can be said about it has about thirty.
const NODES_MAX: usize = 400_000;

/// A value and its place. A block mapping or list has an empty span, at its first entry.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    pub(crate) value: Value,
    pub(crate) span: Span,
}

/// A YAML value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Integer(i128),
    Float,
    Text(String),
    List(Vec<Node>),
    /// In the order of the file, repeated keys included.
    Mapping(Vec<(Node, Node)>),
}

impl Node {
    /// Reads the only document of a file.
    ///
    /// # Errors
    ///
    /// The first fault: after one of YAML itself, the rest of the file has no certain meaning.
    pub(crate) fn parse(source: &Arc<Source>) -> Result<Self, Box<Fault>> {
        let options = serde_yaml::options! {
            budget: serde_yaml::budget! {
                max_aliases: 0,
                max_anchors: 0,
                max_depth: DEPTH_MAX,
                flow_nesting_limit: DEPTH_MAX,
                max_documents: 1,
                max_nodes: NODES_MAX,
                max_events: 2 * NODES_MAX,
            },
            duplicate_keys: serde_yaml::options::DuplicateKeyPolicy::PassThrough,
            merge_keys: serde_yaml::MergeKeyPolicy::Error,
            non_finite_float_policy: serde_yaml::NonFiniteFloatPolicy::PassThrough,
            reject_unsupported_tags: true,
            // A user may be called `no` or `007`.
            strict_booleans: true,
            leading_zero_numbers_as_strings: true,
            underscored_numbers_as_strings: true,
            with_snippet: false,
        };
        serde_yaml::from_str_with_options(source.text(), options)
            .map_err(|error| Box::new(fault(source, &error)))
    }

    /// The key with this name, in a mapping.
    pub(crate) fn key(&self, name: &str) -> Option<&Self> {
        let Value::Mapping(entries) = &self.value else {
            return None;
        };
        let mut keys = entries.iter().map(|(key, _)| key);
        keys.find(|key| matches!(&key.value, Value::Text(text) if text == name))
    }

    /// What the value is, for messages.
    pub(crate) fn kind(&self) -> &'static str {
        match self.value {
            Value::Null => "nothing",
            Value::Bool(_) => "true or false",
            Value::Integer(_) | Value::Float => "a number",
            Value::Text(_) => "text",
            Value::List(_) => "a list",
            Value::Mapping(_) => "a mapping",
        }
    }
}

/// The parser's error as a fault.
fn fault(source: &Arc<Source>, error: &Error) -> Fault {
    let span = error.location().map_or_else(Span::default, |location| {
        // Errors of the scanner know line and column, and no offset.
        if location.span().byte_offset().is_some() {
            location.into()
        } else {
            source.span_at(location.line(), location.column())
        }
    });
    let new = |code, message: String| Fault::new(code, Place::at(source, span), message);
    match error {
        Error::Budget { breach: BudgetBreach::Depth { .. }, .. } => {
            new(Code::LimitExceeded, format!("more than {DEPTH_MAX} mappings and lists in each other"))
                .help("remove levels; the language needs six")
        }
        Error::Budget { breach: BudgetBreach::Nodes { .. } | BudgetBreach::Events { .. }, .. } => {
            new(Code::LimitExceeded, format!("more than {NODES_MAX} values in one file"))
                .help("split the policy, or list fewer programs")
        }
        error => unsupported(source, span, error).unwrap_or_else(|| {
            let reason = serde_yaml::UserMessageFormatter.format_message(error);
            new(Code::InvalidYaml, format!("the file is not YAML: {}", printable(&reason)))
                .label("the reading stops here")
                .help("check indentation, colons, brackets and quotes here and just above")
        }),
    }
}

/// The fault of a file that is YAML, and uses what policies do not have. `span` is where the parser stopped.
fn unsupported(source: &Arc<Source>, span: Span, error: &Error) -> Option<Fault> {
    // Of a value with an anchor or a tag the parser gives the place of the value; what is meant stands before it.
    let sign_before = |sign: char| {
        let offset = source.text().get(..span.start as usize).and_then(|before| before.rfind(sign));
        offset.map_or(span, |offset| source.span(offset..offset + sign.len_utf8()))
    };
    let (span, what, help) = match error {
        Error::Budget { breach: BudgetBreach::Anchors { .. }, .. } => (
            sign_before('&'),
            "anchors or aliases",
            "write the value out; put text that begins with `&` in quotes",
        ),
        Error::Budget { breach: BudgetBreach::Aliases { .. }, .. } | Error::UnknownAnchor { .. } => {
            (span, "anchors or aliases", "write the value out; put text that begins with `*` in quotes")
        }
        Error::MergeKeyNotAllowed { .. } => (span, "merge keys", "write the keys out"),
        Error::UnsupportedTag { .. } => {
            (sign_before('!'), "tags", "remove the tag; put text that begins with `!` in quotes")
        }
        Error::Budget { breach: BudgetBreach::Documents { .. }, .. } | Error::MultipleDocuments { .. } => {
            (span, "second document", "write one policy a file, and remove the line `---`")
        }
        _ => return None,
    };
    let message = format!("a policy file has no {what}");
    Some(Fault::new(Code::UnsupportedYaml, Place::at(source, span), message).help(help))
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Spanned { value, referenced, .. } = Spanned::<Value>::deserialize(deserializer)?;
        Ok(Self { value, span: referenced.into() })
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, integer: i64) -> Result<Value, E> {
        Ok(Value::Integer(integer.into()))
    }

    fn visit_u64<E>(self, integer: u64) -> Result<Value, E> {
        Ok(Value::Integer(integer.into()))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Value, E> {
        Ok(Value::Float)
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(node) = sequence.next_element()? {
            list.push(node);
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut mapping = Vec::new();
        while let Some(entry) = map.next_entry()? {
            mapping.push(entry);
        }
        Ok(Value::Mapping(mapping))
    }
}

#[cfg(test)]
mod tests;
