// SPDX-License-Identifier: MIT OR Apache-2.0

use crate::sink::format::Message;

/// Messages with these texts, a record each.
pub(super) fn messages(texts: &[&str]) -> Vec<Message> {
    texts.iter().map(|text| Message { bytes: text.as_bytes().to_vec(), records: 1 }).collect()
}
