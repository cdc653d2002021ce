// SPDX-License-Identifier: MIT OR Apache-2.0
//! The file as it is written: which keys there are, of which types, and where in the file they stand.

use super::Sync;
use crate::record::Severity;
use serde::Deserialize;
use serde_yaml::{MessageFormatter as _, Spanned};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What is wrong, and where.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) line: u64,
    pub(super) what: String,
    pub(super) help: String,
}

impl Fault {
    pub(super) fn at<T>(place: &Spanned<T>, what: impl Into<String>, help: impl Into<String>) -> Self {
        Self { line: place.referenced.line(), what: what.into(), help: help.into() }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Written {
    pub(super) record: WrittenRecord,
    pub(super) redact: WrittenRedact,
    pub(super) sinks: Option<Vec<Spanned<WrittenSink>>>,
    pub(super) metrics: Option<Spanned<String>>,
    pub(super) spool_mb: Option<Spanned<u64>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct WrittenRecord {
    pub(super) directory: Option<Spanned<PathBuf>>,
    pub(super) rotate_mb: Option<Spanned<u64>>,
    pub(super) keep: Option<Spanned<u64>>,
    pub(super) sync: Option<Sync>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct WrittenRedact {
    pub(super) defaults: Option<bool>,
    pub(super) patterns: Vec<Spanned<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenSink {
    pub(super) name: Spanned<String>,
    #[serde(rename = "type")]
    pub(super) kind: Spanned<WrittenKind>,
    #[serde(default)]
    pub(super) filter: WrittenFilter,
    pub(super) timeout_s: Option<Spanned<u64>>,
    pub(super) address: Option<Spanned<String>>,
    pub(super) url: Option<Spanned<String>>,
    pub(super) headers: Option<Spanned<BTreeMap<String, String>>>,
    pub(super) ca: Option<Spanned<PathBuf>>,
    pub(super) certificate: Option<Spanned<PathBuf>>,
    pub(super) key: Option<Spanned<PathBuf>>,
    pub(super) facility: Option<Spanned<String>>,
    pub(super) enterprise: Option<Spanned<u32>>,
    pub(super) bytes_max: Option<Spanned<u64>>,
    pub(super) secret_file: Option<Spanned<PathBuf>>,
    pub(super) per_minute: Option<Spanned<u64>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum WrittenKind {
    Journald,
    Syslog,
    Cef,
    Ocsf,
    Otlp,
    Webhook,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct WrittenFilter {
    pub(super) events: Vec<Spanned<String>>,
    pub(super) severity: Option<Severity>,
    pub(super) policies: Vec<String>,
    pub(super) blocked: bool,
}

/// Reads a text. One of comments only says nothing, which is the defaults.
pub(super) fn read(text: &str) -> Result<Written, Fault> {
    let options = serde_yaml::options! {
        budget: serde_yaml::budget! {
            max_aliases: 0,
            max_anchors: 0,
            max_documents: 1,
        },
        strict_booleans: true,
        with_snippet: false,
    };
    let written: Result<Option<Written>, _> = serde_yaml::from_str_with_options(text, options);
    written.map(Option::unwrap_or_default).map_err(|error| Fault {
        line: error.location().map_or(1, |location| location.line()),
        what: crate::text::Text::from(serde_yaml::UserMessageFormatter.format_message(&error).as_ref())
            .to_string(),
        help: "docs/sinks.md has all keys, and an example of each sink".to_owned(),
    })
}
