// SPDX-License-Identifier: MIT OR Apache-2.0
//! What users name and type: bytes, most often text.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Bytes of a user's. In JSON a string where they are UTF-8, and otherwise a list of numbers, so that nothing is lost.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Text {
    /// UTF-8.
    Text(String),
    /// Something else.
    Bytes(Vec<u8>),
    /// Nothing was read.
    #[default]
    Unreadable,
}

impl Text {
    /// These bytes.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        std::str::from_utf8(bytes)
            .map_or_else(|_not_utf8| Self::Bytes(bytes.to_owned()), |text| Self::Text(text.to_owned()))
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Bytes(bytes) => bytes,
            Self::Unreadable => &[],
        }
    }
}

/// As people may see it: whatever could move a cursor, change colours or end a line is escaped, and what is no UTF-8 is `\xNN`.
impl std::fmt::Display for Text {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        use std::fmt::Write as _;
        for chunk in self.as_bytes().utf8_chunks() {
            for character in chunk.valid().chars() {
                if character.is_control() || is_invisible(character) {
                    write!(formatter, "{}", character.escape_default())?;
                } else {
                    formatter.write_char(character)?;
                }
            }
            for byte in chunk.invalid() {
                write!(formatter, "\\x{byte:02x}")?;
            }
        }
        Ok(())
    }
}

/// Text that is SAC's own or should be, as people may see it, because it could be somebody's who wrote in the record.
#[must_use]
pub fn shown(text: &str) -> String {
    Text::from(text).to_string()
}

/// Characters that turn text around or hide it.
const fn is_invisible(character: char) -> bool {
    matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}
