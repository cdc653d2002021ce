// SPDX-License-Identifier: MIT OR Apache-2.0
//! Patterns, and how they are compiled.

use regex::bytes::{Captures, Regex, RegexBuilder, RegexSet, RegexSetBuilder};
use std::ops::Range;

/// So many patterns there may be, the default ones included.
pub const PATTERNS_MAX: usize = 256;
/// So long a pattern may be.
pub const PATTERN_BYTES_MAX: usize = 1024;
/// So much memory a pattern may take when it is compiled.
const COMPILED_BYTES_MAX: usize = 1 << 20;
/// So much all of them together.
const SET_BYTES_MAX: usize = 16 << 20;

/// How secrets are recognised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    /// The regular expression, over bytes: letters of classes such as `\w` are ASCII. Where it has named groups, only these are
    /// secret; else only its first group, where it has one; else all that it matches.
    pub regex: String,
    /// What it says.
    pub form: Form,
    /// The programs that it is about, by name; all of them if none is named. It counts from the program's own name on, so that it
    /// also does after `sudo`.
    pub programs: Vec<String>,
}

/// What a pattern says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Form {
    /// The secret is in what it matches.
    Within,
    /// The whole argument after one that it matches is secret.
    Next,
    /// In the argument after one that it matches this finds the secret.
    WithinNext(String),
}

/// Patterns that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RedactError {
    /// There are too many.
    #[error(
        "there are {0} patterns for redaction with the default ones, and {PATTERNS_MAX} are possible: put some together with `|`"
    )]
    TooMany(usize),
    /// One is too long.
    #[error("the pattern for redaction that begins with `{0}` is longer than {PATTERN_BYTES_MAX} bytes")]
    TooLong(String),
    /// One is faulty or too large.
    #[error("the pattern for redaction `{pattern}` cannot be used: {reason}")]
    Faulty {
        /// The regular expression.
        pattern: String,
        /// What is wrong.
        reason: String,
    },
    /// One matches everything or nothing at all.
    #[error("the pattern for redaction `{0}` matches where nothing is")]
    MatchesNothing(String),
}

/// Patterns that are ready.
#[derive(Clone, Debug)]
pub(super) struct Compiled {
    /// What is in force where, to be looked up at once; `within` has them in the same order.
    set: RegexSet,
    within: Vec<Within>,
    next: Vec<Next>,
}

#[derive(Clone, Debug)]
struct Within {
    regex: Regex,
    groups: Vec<usize>,
    programs: Vec<String>,
}

#[derive(Clone, Debug)]
struct Next {
    option: Regex,
    value: Option<Within>,
    programs: Vec<String>,
}

impl Compiled {
    pub(super) fn new(patterns: &[Pattern]) -> Result<Self, RedactError> {
        if patterns.len() > PATTERNS_MAX {
            return Err(RedactError::TooMany(patterns.len()));
        }
        let (mut within, mut next) = (Vec::new(), Vec::new());
        for Pattern { regex, form, programs } in patterns {
            let programs = programs.clone();
            match form {
                Form::Within => within.push(Within::new(regex, programs)?),
                Form::Next => next.push(Next { option: compile(regex)?, value: None, programs }),
                Form::WithinNext(value) => {
                    let value = Some(Within::new(value, Vec::new())?);
                    next.push(Next { option: compile(regex)?, value, programs });
                }
            }
        }
        let regexes = within.iter().map(|within| within.regex.as_str());
        let set = RegexSetBuilder::new(regexes).unicode(false).size_limit(SET_BYTES_MAX).build();
        let set = set.map_err(|error| faulty("all of them together", &error))?;
        Ok(Self { set, within, next })
    }

    /// Where secrets are in one argument, while these programs are at work.
    pub(super) fn within(&self, argument: &[u8], programs: &[&[u8]]) -> Vec<Range<usize>> {
        let matching = self.set.matches(argument).into_iter().filter_map(|at| self.within.get(at));
        let matching = matching.filter(|within| is_about(&within.programs, programs));
        matching.flat_map(|within| within.find(argument)).collect()
    }

    /// Where secrets are in the argument after another one.
    pub(super) fn next(&self, before: &[u8], argument: &[u8], programs: &[&[u8]]) -> Vec<Range<usize>> {
        let matching = self.next.iter().filter(|next| is_about(&next.programs, programs));
        let matching = matching.filter(|next| next.option.is_match(before));
        let whole = || std::iter::once(0..argument.len()).collect();
        matching
            .flat_map(|next| next.value.as_ref().map_or_else(whole, |value| value.find(argument)))
            .collect()
    }

    /// Whether a pattern is about this program.
    pub(super) fn is_program(&self, name: &[u8]) -> bool {
        let all = self.within.iter().map(|within| &within.programs);
        all.chain(self.next.iter().map(|next| &next.programs))
            .flatten()
            .any(|program| program.as_bytes() == name)
    }
}

impl Within {
    fn new(regex: &str, programs: Vec<String>) -> Result<Self, RedactError> {
        let compiled = compile(regex)?;
        if compiled.is_match(b"") {
            return Err(RedactError::MatchesNothing(regex.to_owned()));
        }
        let named = compiled.capture_names().enumerate().filter(|(_at, name)| name.is_some());
        let mut groups: Vec<_> = named.map(|(at, _name)| at).collect();
        if groups.is_empty() {
            groups.push(usize::from(compiled.captures_len() > 1));
        }
        Ok(Self { regex: compiled, groups, programs })
    }

    fn find(&self, argument: &[u8]) -> Vec<Range<usize>> {
        let secrets = |captures: Captures<'_>| -> Vec<Range<usize>> {
            self.groups.iter().filter_map(|group| captures.get(*group)).map(|secret| secret.range()).collect()
        };
        let all = self.regex.captures_iter(argument).flat_map(secrets);
        all.filter(|secret| !secret.is_empty()).collect()
    }
}

fn is_about(programs: &[String], at_work: &[&[u8]]) -> bool {
    programs.is_empty() || programs.iter().any(|program| at_work.contains(&program.as_bytes()))
}

fn compile(regex: &str) -> Result<Regex, RedactError> {
    if regex.len() > PATTERN_BYTES_MAX {
        return Err(RedactError::TooLong(regex.chars().take(40).collect()));
    }
    let mut builder = RegexBuilder::new(regex);
    builder.unicode(false).size_limit(COMPILED_BYTES_MAX).dfa_size_limit(COMPILED_BYTES_MAX);
    builder.build().map_err(|error| faulty(regex, &error))
}

fn faulty(pattern: &str, error: &regex::Error) -> RedactError {
    RedactError::Faulty { pattern: pattern.to_owned(), reason: error.to_string() }
}
