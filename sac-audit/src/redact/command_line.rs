// SPDX-License-Identifier: MIT OR Apache-2.0
//! A command line: its arguments in turn, what programs are at work in it, and command lines within arguments.

use super::pattern::Compiled;
use std::ops::Range;

/// So many programs at once; a line with more names of programs that patterns are about is no ordinary one.
const PROGRAMS_MAX: usize = 16;

/// A command line.
pub(super) struct Line<'l> {
    patterns: &'l Compiled,
    /// Names of programs that have been seen.
    programs: Vec<&'l [u8]>,
    /// The argument before.
    before: Option<&'l [u8]>,
}

impl<'l> Line<'l> {
    /// That of a program, by its path.
    pub(super) fn new(patterns: &'l Compiled, program: &'l [u8]) -> Self {
        let mut line = Self { patterns, programs: Vec::new(), before: None };
        line.see(program);
        line
    }

    /// Where secrets are in each argument.
    pub(super) fn arguments(mut self, arguments: &[&'l [u8]]) -> Vec<Vec<Range<usize>>> {
        arguments.iter().map(|argument| self.argument(argument)).collect()
    }

    fn argument(&mut self, argument: &'l [u8]) -> Vec<Range<usize>> {
        let is_command = self.before.is_some_and(takes_command);
        // What is a command line is no more than its words: `PASSWORD=a psql` is not one long password.
        let mut secrets = if is_command { Vec::new() } else { self.word(argument) };
        if is_command || argument.iter().any(u8::is_ascii_whitespace) {
            secrets.extend(self.words(argument));
        }
        self.before = Some(argument);
        secrets
    }

    /// The words of an argument, as a command line of their own that begins where this one is.
    fn words(&self, argument: &'l [u8]) -> Vec<Range<usize>> {
        let mut line = Self { patterns: self.patterns, programs: self.programs.clone(), before: None };
        let mut secrets = Vec::new();
        for range in words(argument) {
            let word = argument.get(range.clone()).unwrap_or_default();
            if word.first().is_some_and(ends_command) {
                line.end_command();
            }
            let separators = word.iter().rev().take_while(|byte| ends_command(byte)).count();
            let found = line.word(word.split_at(word.len() - separators).0).into_iter();
            secrets.extend(found.map(|secret| range.start + secret.start..range.start + secret.end));
            if word.last().is_some_and(ends_command) {
                line.end_command();
            }
        }
        secrets
    }

    fn word(&mut self, word: &'l [u8]) -> Vec<Range<usize>> {
        let mut secrets = self.patterns.within(word, &self.programs);
        if let Some(before) = self.before {
            secrets.extend(self.patterns.next(before, word, &self.programs));
        }
        self.see(word);
        self.before = Some(word);
        secrets
    }

    /// Notes a program, if this is one that patterns are about.
    fn see(&mut self, word: &'l [u8]) {
        let name = word.rsplit(|byte| *byte == b'/').next().unwrap_or(word);
        if self.programs.len() < PROGRAMS_MAX
            && !self.programs.contains(&name)
            && self.patterns.is_program(name)
        {
            self.programs.push(name);
        }
    }

    fn end_command(&mut self) {
        self.programs.clear();
        self.before = None;
    }
}

const fn ends_command(byte: &u8) -> bool {
    matches!(byte, b';' | b'|' | b'&')
}

/// Whether the argument after this one is a command line: `-c` of shells and su, also with others, as in `-lc`.
fn takes_command(argument: &[u8]) -> bool {
    match argument {
        b"--command" => true,
        [b'-', others @ .., b'c'] => others.iter().all(u8::is_ascii_alphabetic),
        _ => false,
    }
}

/// Words as a shell sees them, more or less: what is quoted belongs together, and quotes around a whole word are no part of it.
fn words(text: &[u8]) -> Vec<Range<usize>> {
    let mut words = Vec::new();
    let mut start = None;
    let mut quote = None;
    let mut is_escaped = false;
    for (at, byte) in text.iter().enumerate() {
        let is_gap = quote.is_none() && !is_escaped && byte.is_ascii_whitespace();
        match start {
            Some(begin) if is_gap => {
                words.push(unquoted(text, begin..at));
                start = None;
            }
            None if !is_gap => start = Some(at),
            _ => {}
        }
        if is_escaped {
            is_escaped = false;
        } else if *byte == b'\\' && quote != Some(b'\'') {
            is_escaped = true;
        } else if quote == Some(*byte) {
            quote = None;
        } else if quote.is_none() && matches!(byte, b'"' | b'\'') {
            quote = Some(*byte);
        }
    }
    words.extend(start.map(|begin| unquoted(text, begin..text.len())));
    words
}

fn unquoted(text: &[u8], word: Range<usize>) -> Range<usize> {
    match text.get(word.clone()) {
        Some([first @ (b'"' | b'\''), .., last]) if first == last => word.start + 1..word.end - 1,
        _ => word,
    }
}
