// SPDX-License-Identifier: MIT OR Apache-2.0
//! How far a sink came, in a small file.
//!
//! The file has the number of the last record that is delivered for certain, and nothing else. It is replaced as a whole, so that
//! whoever reads it finds the old number or the new one.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// The file of one sink.
#[derive(Debug)]
pub struct Cursor {
    path: PathBuf,
    temporary: PathBuf,
}

/// What the file says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Position {
    /// There is no file: the sink is new.
    New,
    /// The record with this number is delivered, and all before it.
    After(u64),
    /// There is a file, and it says nothing that can be understood.
    Unknown,
}

impl Cursor {
    /// The file of the sink with this name.
    #[must_use]
    pub fn new(directory: &Path, sink: &str) -> Self {
        Self { path: directory.join(sink), temporary: directory.join(format!(".{sink}.new")) }
    }

    /// What the file says.
    ///
    /// # Errors
    ///
    /// It is there and cannot be read.
    pub fn read(&self) -> io::Result<Position> {
        match fs::read_to_string(&self.path) {
            Ok(text) => Ok(text.trim_end().parse().map_or(Position::Unknown, Position::After)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Position::New),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => Ok(Position::Unknown),
            Err(error) => Err(error),
        }
    }

    /// Writes the number, so that it is there after the machine lost its power as well.
    ///
    /// # Errors
    ///
    /// The file cannot be replaced; it says what it said before.
    pub fn write(&self, number: u64) -> io::Result<()> {
        if let Some(directory) = self.path.parent() {
            fs::create_dir_all(directory)?;
        }
        let mut file = File::create(&self.temporary)?;
        writeln!(file, "{number}")?;
        file.sync_data()?;
        fs::rename(&self.temporary, &self.path)
    }
}

#[cfg(test)]
mod tests;
