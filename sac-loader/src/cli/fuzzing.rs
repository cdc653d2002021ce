// SPDX-License-Identifier: MIT OR Apache-2.0
//! Any words as a command line, and any word as a moment.
#![allow(clippy::panic, reason = "a fuzz target fails by panicking")]

use super::{Arguments, FAILED, MISUSED, look::when_at};
use clap::{CommandFactory as _, FromArgMatches as _};
use jiff::{Timestamp, ZonedDateTime, tz::TimeZone};
use std::{
    ffi::{OsStr, OsString},
    os::unix::ffi::OsStrExt as _,
    sync::LazyLock,
};

/// So many words make a command line; what is behind them is another story's.
const WORDS_MAX: usize = 32;

/// To make the whole tree of commands takes longer than to read a line.
static COMMANDS: LazyLock<clap::Command> = LazyLock::new(Arguments::command);

/// Reads `input`, of which each line is a word, as a command line, and each word as a moment.
pub fn command_line(input: &[u8]) {
    let words: Vec<&[u8]> = input.split(|byte| *byte == b'\n').take(WORDS_MAX).collect();
    let mut line = vec![OsString::from("sac-loader")];
    line.extend(words.iter().map(|word| OsStr::from_bytes(word).to_owned()));
    if let Err(refused) = parse(line.clone()) {
        assert!(!refused.to_string().is_empty(), "it is refused without a reason");
        // 1 would say that the command was understood and failed.
        let code = refused.exit_code();
        assert!(code == 0 || code == i32::from(MISUSED), "exit code {code}, and {FAILED} is a failure");
    } else {
        assert!(parse(line).is_ok(), "the same line is refused the second time");
    }
    words.iter().filter_map(|word| std::str::from_utf8(word).ok()).for_each(moment);
}

fn parse(line: Vec<OsString>) -> Result<Arguments, clap::Error> {
    let matches = COMMANDS.clone().try_get_matches_from(line)?;
    Arguments::from_arg_matches(&matches)
}

/// A moment is the same one when it is written as people get to see it, and a span leads back.
fn moment(text: &str) {
    let now = ZonedDateTime::new(Timestamp::constant(1_795_000_000, 0), TimeZone::UTC);
    let Ok(moment) = when_at(text, &now) else { return };
    let again = when_at(&moment.to_string(), &now).ok();
    assert_eq!(again, Some(moment), "{text:?}");
    let is_span = text.parse::<jiff::Span>().is_ok();
    let is_moment = text.parse::<Timestamp>().is_ok() || text.parse::<jiff::civil::DateTime>().is_ok();
    assert!(!is_span || is_moment || moment <= now.timestamp(), "{text:?} is in the future: {moment}");
}
