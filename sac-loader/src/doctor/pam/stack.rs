// SPDX-License-Identifier: MIT OR Apache-2.0
//! The session stack of a PAM service, as libpam puts it together: files, included files, lines and their parts.
//!
//! It follows libpam/pam_handlers.c of Linux-PAM 1.5 and pam.d(5). Only lines of type `session` are kept. What a control
//! such as `[success=2 default=ignore]` would skip is not worked out.

use super::super::Host;
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Where libpam looks for a service's file, the administrator's directory first (`PAM_CONFIG_DF`, `PAM_CONFIG_DIST_DF`).
const DIRECTORIES: [&str; 2] = ["/etc/pam.d", "/usr/lib/pam.d"];

/// How deep files may include each other (`PAM_SUBSTACK_MAX_LEVEL`).
const DEPTH_MAX: usize = 16;

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The file's absolute path.
    pub(super) file: PathBuf,
    /// Line number, from 1; of a continued line its first one.
    pub(super) line: usize,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.file.display(), self.line)
    }
}

/// One module in the stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) place: Place,
    /// The control, with its brackets if it has some.
    pub(super) control: String,
    /// The module as it is written, a name or a path.
    pub(super) module: String,
    pub(super) arguments: Vec<String>,
    /// How many `substack`s it is inside of: a decision made there ends only the innermost.
    pub(super) substack_level: usize,
}

impl Entry {
    /// Whether this is the module with the file name `name`.
    pub(super) fn is(&self, name: &str) -> bool {
        Path::new(&self.module).file_name().is_some_and(|file| file == name)
    }
}

/// Why a stack cannot be put together; libpam then refuses every login through it.
#[derive(Debug, thiserror::Error)]
pub(super) enum StackError {
    /// A file that another one includes is not there.
    #[error("{place} includes `{name}`, which does not exist")]
    NoFile {
        /// The line that includes it.
        place: Place,
        /// What it includes.
        name: String,
    },
    /// A file cannot be read.
    #[error("cannot read {}: {source}", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Files include each other in a circle, or as good as that.
    #[error("{place} includes more than {DEPTH_MAX} files in one another")]
    TooDeep {
        /// The line that goes too far.
        place: Place,
    },
}

/// The session stack of a service; `None` where it has no file, and libpam takes the one of `other`.
pub(super) fn session_stack(host: &Host, service: &str) -> Result<Option<Vec<Entry>>, StackError> {
    let Some((file, text)) = open(host, service)? else { return Ok(None) };
    let mut stack = Vec::new();
    let level = Level { depth: 0, substacks: 0 };
    collect(host, &file, &text, level, &mut stack)?;
    Ok(Some(stack))
}

/// Where a file is among those that include it.
#[derive(Clone, Copy)]
struct Level {
    depth: usize,
    substacks: usize,
}

fn collect(
    host: &Host,
    file: &Path,
    text: &str,
    level: Level,
    stack: &mut Vec<Entry>,
) -> Result<(), StackError> {
    for (number, line) in lines(text) {
        let place = Place { file: file.to_owned(), line: number };
        let words = words(&line);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let (included, substacks) = match words[..] {
            [at, name, ..] if at.eq_ignore_ascii_case("@include") => (name, level.substacks),
            [kind, control, name, ref arguments @ ..] if is_session(kind) => {
                if control.eq_ignore_ascii_case("include") {
                    (name, level.substacks)
                } else if control.eq_ignore_ascii_case("substack") {
                    (name, level.substacks + 1)
                } else {
                    stack.push(Entry {
                        place,
                        control: control.to_owned(),
                        module: name.to_owned(),
                        arguments: arguments.iter().map(|word| (*word).to_owned()).collect(),
                        substack_level: level.substacks,
                    });
                    continue;
                }
            }
            _ => continue,
        };
        let level = Level { depth: level.depth + 1, substacks };
        if level.depth > DEPTH_MAX {
            return Err(StackError::TooDeep { place });
        }
        match open(host, included)? {
            Some((file, text)) => collect(host, &file, &text, level, stack)?,
            None => return Err(StackError::NoFile { place, name: included.to_owned() }),
        }
    }
    Ok(())
}

/// A dash says that a missing module is no reason for a log line.
fn is_session(kind: &str) -> bool {
    kind.strip_prefix('-').unwrap_or(kind).eq_ignore_ascii_case("session")
}

/// A file by the name of a service or by its path: its path, and its text.
fn open(host: &Host, name: &str) -> Result<Option<(PathBuf, String)>, StackError> {
    // An absolute name takes the directory's place in `join`.
    for file in DIRECTORIES.map(|directory| Path::new(directory).join(name)) {
        match fs::read(host.at(&file)) {
            Ok(bytes) => return Ok(Some((file, String::from_utf8_lossy(&bytes).into_owned()))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(source) => return Err(StackError::Read { file, source }),
        }
    }
    Ok(None)
}

/// The lines that say something, each with the number of its first line. A `#` begins a comment; a backslash at the end
/// continues a line, but not a comment.
fn lines(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut continued: Option<(usize, String)> = None;
    for (index, line) in text.lines().enumerate() {
        let (first, mut whole) = continued.take().unwrap_or((index + 1, String::new()));
        match line.split_once('#') {
            Some((before, _comment)) => whole += before,
            None => {
                if let Some(before) = line.trim_end().strip_suffix('\\') {
                    continued = Some((first, whole + before + " "));
                    continue;
                }
                whole += line;
            }
        }
        found.push((first, whole));
    }
    // A backslash at the end of the file continues nothing.
    found.extend(continued);
    found.retain(|(_, line)| !line.trim().is_empty());
    found
}

/// The words of a line. `[` at the beginning of a word makes one word of all up to `]`; `\]` does not end it. The
/// brackets stay.
fn words(line: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = line.trim_start();
    while !rest.is_empty() {
        let end = if rest.starts_with('[') { bracket_end(rest) } else { rest.find(char::is_whitespace) };
        let (word, behind) = rest.split_at(end.unwrap_or(rest.len()));
        found.push(word.to_owned());
        rest = behind.trim_start();
    }
    found
}

/// The offset behind the `]` that ends the word.
fn bracket_end(text: &str) -> Option<usize> {
    let mut is_escaped = false;
    for (offset, character) in text.char_indices() {
        match character {
            ']' if !is_escaped => return Some(offset + 1),
            _ => is_escaped = character == '\\' && !is_escaped,
        }
    }
    None
}

#[cfg(test)]
mod tests;
