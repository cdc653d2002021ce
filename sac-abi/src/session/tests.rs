// SPDX-License-Identifier: MIT OR Apache-2.0
//! Session ids as people read and type them.

use super::*;
use proptest::prelude::*;
use std::string::ToString;

#[test]
fn an_id_is_ten_readable_characters() {
    assert_eq!(SessionId::new(0, 0).to_string(), "0000000000");
    assert_eq!(SessionId::new(u32::MAX, u16::MAX).to_string(), "7zzzzzzzzz");
}

#[test]
fn what_is_no_id_is_refused() {
    for text in ["", "000000000", "00000000000", "000000000l", "8000000000", "00000000é"] {
        assert_eq!(SessionId::parse(text), None, "{text}");
    }
}

proptest! {
    #[test]
    fn reads_back_and_sorts(seconds: u32, sequence: u16) {
        let id = SessionId::new(seconds, sequence);
        prop_assert_eq!(SessionId::parse(&id.to_string()), Some(id));
        prop_assert_eq!(SessionId::from_number(id.get()), Some(id));
        if id.next() > id {
            prop_assert!(id.next().to_string() > id.to_string());
        }
    }
}
