// SPDX-License-Identifier: MIT OR Apache-2.0
//! Lines of a file, one after the other, in bounded memory, with their SHA-256.

use super::Digest;
use sha2::Digest as _;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Seek as _, SeekFrom};
use std::path::Path;

/// The longest line that is written or read. A record is bounded by its own limits and far below this.
pub const LINE_BYTES_MAX: usize = 1 << 20;

/// How a line ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineEnd {
    /// With a newline, as it has to.
    Newline,
    /// With the file: it may still be being written.
    File,
}

/// A line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its bytes, without the newline; only the first [`LINE_BYTES_MAX`].
    pub bytes: Vec<u8>,
    /// Whether it was longer than that.
    pub is_cut: bool,
    /// SHA-256 of all of its bytes.
    pub digest: Digest,
    /// How it ended.
    pub end: LineEnd,
    /// Where it begins in the file.
    pub offset: u64,
    /// How many bytes it has in the file, its newline included.
    pub length: u64,
}

/// The lines of a file. After its end, it can be asked again for what was written since.
#[derive(Debug)]
pub struct Lines {
    reader: BufReader<File>,
    offset: u64,
}

impl Lines {
    /// Opens a file, which is no symbolic link.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open(path: &Path) -> io::Result<Self> {
        Ok(Self { reader: BufReader::with_capacity(1 << 16, super::disk::open_to_read(path)?), offset: 0 })
    }

    /// Goes to a place in the file.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn seek(&mut self, offset: u64) -> io::Result<()> {
        self.offset = self.reader.seek(SeekFrom::Start(offset))?;
        Ok(())
    }

    /// Where the next line begins.
    #[must_use]
    pub const fn offset(&self) -> u64 {
        self.offset
    }

    /// How long the file is now.
    ///
    /// # Errors
    /// When the file cannot be looked at.
    pub fn length(&self) -> io::Result<u64> {
        Ok(self.reader.get_ref().metadata()?.len())
    }

    /// The next line; `None` at the end of the file. A line without a newline is given again the next time, with what it has by then.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn next_line(&mut self) -> io::Result<Option<Line>> {
        let mut bytes = Vec::new();
        let mut sha256 = sha2::Sha256::new();
        let mut content = 0_usize;
        let end = loop {
            let buffer = match self.reader.fill_buf() {
                Ok(buffer) => buffer,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if buffer.is_empty() {
                break LineEnd::File;
            }
            let newline = buffer.iter().position(|byte| *byte == b'\n');
            let piece = buffer.split_at(newline.unwrap_or(buffer.len())).0;
            sha256.update(piece);
            let room = LINE_BYTES_MAX - bytes.len();
            bytes.extend_from_slice(piece.get(..room).unwrap_or(piece));
            content += piece.len();
            let used = piece.len() + usize::from(newline.is_some());
            self.reader.consume(used);
            if newline.is_some() {
                break LineEnd::Newline;
            }
        };
        let offset = self.offset;
        let length = content as u64 + u64::from(end == LineEnd::Newline);
        match end {
            LineEnd::Newline => self.offset += length,
            // Back to its beginning: also where nothing was read, so that the buffer forgets the end.
            LineEnd::File => self.seek(offset)?,
        }
        let is_cut = content > bytes.len();
        Ok((length > 0).then(|| Line { bytes, is_cut, digest: Digest::finish(sha256), end, offset, length }))
    }
}
