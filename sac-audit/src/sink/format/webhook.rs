// SPDX-License-Identifier: MIT OR Apache-2.0
//! Alerts as JSON, signed.

use crate::record::Record;
use crate::sink::message;
use crate::sink::throttle::HeldBack;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::json;
use sha2::Sha256;

/// An alert: a text for people, and the whole record.
#[must_use]
pub fn alert(record: &Record) -> Vec<u8> {
    json!({"type": "alert", "text": message(record), "record": record}).to_string().into_bytes()
}

/// What the rate limit held back.
#[must_use]
pub fn held_back(held: &HeldBack) -> Vec<u8> {
    let HeldBack { count, first, last } = held;
    let text =
        format!("{count} more alerts were held back; they are in the record, numbers {first} to {last}");
    json!({"type": "held-back", "text": text, "count": count, "first": first, "last": last})
        .to_string()
        .into_bytes()
}

/// The value of `X-SAC-Signature`: HMAC-SHA-256 of the time, a full stop and the body, so that a message that somebody copied is
/// not taken for a new one.
#[must_use]
pub fn signature(secret: &[u8], timestamp: i64, body: &[u8]) -> String {
    // HMAC takes keys of any length: `new_from_slice` does not fail for it, and an empty digest would be no signature that anybody
    // accepts.
    let Ok(mut hmac) = Hmac::<Sha256>::new_from_slice(secret) else {
        return "sha256=".to_owned();
    };
    hmac.update(timestamp.to_string().as_bytes());
    hmac.update(b".");
    hmac.update(body);
    let digest: String = hmac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256={digest}")
}

#[cfg(test)]
mod tests;
