// SPDX-License-Identifier: MIT OR Apache-2.0
//! Mappings with known keys, lists and texts: what every part of the language is made of.
//!
//! A key without a value is an empty mapping or list, so that an administrator can comment out the last entry. A text
//! must be there.

use super::Reader;
use crate::code::Code;
use crate::fault::quoted;
use crate::yaml::{Node, Value};

impl Reader<'_> {
    /// The values of `keys` in a mapping. `what` says what the mapping is, for messages.
    pub(super) fn fields<'n, const N: usize>(
        &mut self,
        node: &'n Node,
        keys: [&str; N],
        what: &str,
    ) -> Option<[Option<&'n Node>; N]> {
        let entries = match &node.value {
            Value::Mapping(entries) => entries.as_slice(),
            Value::Null => &[],
            _ => {
                self.wrong_type(
                    node,
                    what,
                    format!("write it as a mapping with the keys {}", enumerated(&keys)),
                );
                return None;
            }
        };
        let mut key_nodes: [Option<&Node>; N] = [None; N];
        let mut values = [None; N];
        for (key, value) in entries {
            let Value::Text(name) = &key.value else {
                self.wrong_type(key, "a key", format!("the keys of {what} are {}", enumerated(&keys)));
                continue;
            };
            let Some(index) = keys.iter().position(|known| known == name) else {
                self.unknown_key(key, name, &keys, what);
                continue;
            };
            if let Some(first) = key_nodes[index] {
                let fault = self
                    .fault(Code::DuplicateKey, key.span, format!("the key {} stands twice", quoted(name)))
                    .related(self.place(first.span), "first here")
                    .help("put all of its value under one key");
                self.push(fault);
                continue;
            }
            key_nodes[index] = Some(key);
            values[index] = Some(value);
        }
        Some(values)
    }

    /// The entries of a list.
    pub(super) fn list<'n>(&mut self, node: &'n Node, what: &str, help: &str) -> &'n [Node] {
        match &node.value {
            Value::List(entries) => entries,
            Value::Null => &[],
            _ => {
                self.wrong_type(node, what, help);
                &[]
            }
        }
    }

    pub(super) fn text<'n>(&mut self, node: &'n Node, what: &str) -> Option<&'n str> {
        if let Value::Text(text) = &node.value {
            return Some(text);
        }
        let help = if node.value == Value::Null {
            "write a value after the key, or remove the key"
        } else {
            "put it in quotes if it is meant as text"
        };
        self.wrong_type(node, what, help);
        None
    }

    pub(super) fn wrong_type(&mut self, node: &Node, expected: &str, help: impl Into<String>) {
        let message = format!("expected {expected}, found {}", node.kind());
        self.push(self.fault(Code::WrongType, node.span, message).help(help));
    }

    pub(super) fn missing(&mut self, node: &Node, key: &str, help: &str) {
        let message = format!("the key `{key}` is missing");
        self.push(self.fault(Code::MissingKey, node.span, message).label("in this mapping").help(help));
    }

    fn unknown_key(&mut self, key: &Node, name: &str, keys: &[&str], what: &str) {
        let help = match nearest(name, keys) {
            Some(known) => format!("did you mean `{known}`?"),
            None => format!("the keys of {what} are {}", enumerated(keys)),
        };
        let message = format!("{what} has no key {}", quoted(name));
        self.push(self.fault(Code::UnknownKey, key.span, message).help(help));
    }
}

/// The words between backticks, with commas.
fn enumerated(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

/// The word that `written` was probably meant to be: one of a third of its letters or fewer must be wrong.
fn nearest<'w>(written: &str, words: &[&'w str]) -> Option<&'w str> {
    const WRITTEN_BYTES_MAX: usize = 32;
    if written.len() > WRITTEN_BYTES_MAX {
        return None;
    }
    let (distance, word) = words.iter().map(|word| (edit_distance(written, word), *word)).min()?;
    (distance <= (word.len() / 3).max(1)).then_some(word)
}

/// How many bytes must be inserted, removed or replaced to make one text the other (Levenshtein).
fn edit_distance(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (index, a) in from.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = index + 1;
        for (column, b) in to.bytes().enumerate() {
            let replaced = diagonal + usize::from(a != b);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[to.len()]
}
