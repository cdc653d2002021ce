// SPDX-License-Identifier: MIT OR Apache-2.0

use super::{alert, held_back, signature};
use crate::sink::samples::sample;
use crate::sink::throttle::HeldBack;
use serde_json::Value as Json;

#[test]
fn an_alert_has_a_text_and_the_record() {
    let record = sample("tamper");
    let alert: Json = serde_json::from_slice(&alert(&record)).unwrap();
    assert_eq!(alert["type"], "alert");
    assert_eq!(alert["text"], "Tampering: a program was detached");
    assert_eq!(serde_json::from_value::<crate::record::Record>(alert["record"].clone()).unwrap(), record);
}

#[test]
fn what_was_held_back_is_counted() {
    let body: Json = serde_json::from_slice(&held_back(&HeldBack { count: 3, first: 10, last: 20 })).unwrap();
    assert_eq!((&body["type"], &body["count"], &body["first"]), (&"held-back".into(), &3.into(), &10.into()));
}

/// The same with another program: `printf '1700000000.{"a":1}' | openssl dgst -sha256 -hmac Jefe`.
#[test]
fn a_signature_is_hmac_of_time_and_body() {
    assert_eq!(
        signature(b"Jefe", 1_700_000_000, br#"{"a":1}"#),
        "sha256=fa5f6481efc59da48b19c9dc10196c9953e5651f8304b3a318b6b87d70272e0a"
    );
}

#[test]
fn a_signature_is_of_one_time_one_body_and_one_secret() {
    let all = [
        signature(b"a", 1, b"x"),
        signature(b"b", 1, b"x"),
        signature(b"a", 2, b"x"),
        signature(b"a", 1, b"y"),
        signature(&[b'a'; 200], 1, b"x"),
    ];
    for (index, one) in all.iter().enumerate() {
        assert!(all[index + 1..].iter().all(|other| other != one));
    }
}
