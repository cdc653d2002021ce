// SPDX-License-Identifier: MIT OR Apache-2.0
//! Mappings with known keys, lists and texts: what every part of the language is made of.
//!
//! A key without a value is an empty mapping or list, so that an administrator can comment out the last entry. A text
//! must be there. So must the entries of a list that restricts something: empty, it could be taken for nothing as well as for
//! everything.

use super::Reader;
use super::language::{Key, Shape};
use crate::code::Code;
use crate::fault::quoted;
use crate::yaml::{Node, Value};

/// Longest message to a user, in bytes: a few lines of a terminal.
const MESSAGE_BYTES_MAX: usize = 255;

/// Longest description, in bytes.
const DESCRIPTION_BYTES_MAX: usize = 1024;

impl Reader<'_> {
    /// The values of `keys` in a mapping. `what` says what the mapping is, for messages.
    pub(super) fn fields<'n, const N: usize>(
        &mut self,
        node: &'n Node,
        table: &'static [Key; N],
        what: &str,
    ) -> Option<[Option<&'n Node>; N]> {
        let keys = table.each_ref().map(|key| key.name);
        let shown = || {
            enumerated(table.iter().filter(|key| !matches!(key.shape, Shape::Refused)).map(|key| key.name))
        };
        let entries = match &node.value {
            Value::Mapping(entries) => entries.as_slice(),
            Value::Null => &[],
            _ => {
                self.wrong_type(node, what, format!("write it as a mapping with the keys {}", shown()));
                return None;
            }
        };
        let mut key_nodes: [Option<&Node>; N] = [None; N];
        let mut values = [None; N];
        for (key, value) in entries {
            let Value::Text(name) = &key.value else {
                self.wrong_type(key, "a key", format!("the keys of {what} are {}", shown()));
                continue;
            };
            let Some(index) = keys.iter().position(|known| known == name) else {
                let help = did_you_mean(name, &keys)
                    .unwrap_or_else(|| format!("the keys of {what} are {}", shown()));
                let message = format!("{what} has no key {}", quoted(name));
                self.push(self.fault(Code::UnknownKey, key.span, message).help(help));
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

    /// A list that must have an entry.
    pub(super) fn full_list<'n>(&mut self, node: &'n Node, what: &str, help: &str) -> &'n [Node] {
        let entries = self.list(node, what, help);
        if entries.is_empty() && matches!(node.value, Value::List(_) | Value::Null) {
            self.says_nothing(node, format!("{what} has no entry"));
        }
        entries
    }

    pub(super) fn says_nothing(&mut self, node: &Node, message: String) {
        let help = "write what is meant, or remove the key";
        self.push(self.fault(Code::SaysNothing, node.span, message).help(help));
    }

    /// The entries up to a number of them; the first one too many is a fault.
    pub(super) fn at_most<'n>(&mut self, entries: &'n [Node], max: usize, what: &str) -> &'n [Node] {
        let Some(excess) = entries.get(max) else {
            return entries;
        };
        let fault = self
            .fault(Code::LimitExceeded, excess.span, format!("{what} has more than {max} entries"))
            .label("the first one too many")
            .help("list fewer");
        self.push(fault);
        &entries[..max]
    }

    /// One of some words; `meanings` has what each of them stands for. `what` is what the word is, such as "an action".
    pub(super) fn word<T: Copy, const N: usize>(
        &mut self,
        node: &Node,
        words: &[&'static str; N],
        meanings: [T; N],
        what: &str,
    ) -> Option<T> {
        let written = self.text(node, &enumerated(words.iter().copied()))?;
        if let Some((_, meaning)) = words.iter().zip(meanings).find(|(word, _)| **word == written) {
            return Some(meaning);
        }
        let help = did_you_mean(written, words)
            .unwrap_or_else(|| format!("use one of {}", enumerated(words.iter().copied())));
        let message = format!("{} is not {what}", quoted(written));
        self.push(self.fault(Code::UnknownWord, node.span, message).help(help));
        None
    }

    pub(super) fn flag(&mut self, node: &Node) -> Option<bool> {
        if let Value::Bool(flag) = node.value {
            return Some(flag);
        }
        self.wrong_type(node, "`true` or `false`", "write `true` or `false`, without quotes");
        None
    }

    /// A whole number from 1 to `max`.
    pub(super) fn count(&mut self, node: &Node, max: u32, what: &str) -> Option<u32> {
        let Value::Integer(number) = node.value else {
            self.wrong_type(node, "a whole number", format!("write {what} as a number from 1 to {max}"));
            return None;
        };
        let count = u32::try_from(number).ok().filter(|count| (1..=max).contains(count));
        if count.is_none() {
            let message = format!("{number} cannot be {what}");
            let help = format!("use a number from 1 to {max}");
            self.push(self.fault(Code::NumberOutOfRange, node.span, message).help(help));
        }
        count
    }

    /// A text that is shown to people as it is.
    pub(super) fn message(&mut self, node: &Node) -> Option<String> {
        self.shown_text(node, "a message", MESSAGE_BYTES_MAX, |c| c.is_control())
    }

    /// A text for administrators, which may have several lines.
    pub(super) fn description(&mut self, node: &Node) -> Option<String> {
        let forbidden = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
        self.shown_text(node, "a description", DESCRIPTION_BYTES_MAX, forbidden)
    }

    fn shown_text(
        &mut self,
        node: &Node,
        what: &str,
        bytes_max: usize,
        forbidden: fn(char) -> bool,
    ) -> Option<String> {
        let text = self.text(node, "a text")?;
        let (message, help) = if text.len() > bytes_max {
            (format!("{what} of {} bytes is too long", text.len()), format!("use at most {bytes_max} bytes"))
        } else if text.contains(forbidden) {
            (format!("{what} has a control character"), "remove it; a terminal could act upon it".to_owned())
        } else {
            return Some(text.to_owned());
        };
        self.push(self.fault(Code::InvalidText, node.span, message).help(help));
        None
    }
}

/// The words between backticks, with commas.
pub(super) fn enumerated(words: impl IntoIterator<Item = &'static str>) -> String {
    words.into_iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

/// The question whether a word was meant that resembles what is written.
pub(crate) fn did_you_mean(written: &str, words: &[&str]) -> Option<String> {
    nearest(written, words).map(|word| format!("did you mean `{word}`?"))
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
