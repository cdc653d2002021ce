// SPDX-License-Identifier: MIT OR Apache-2.0

use super::entry;
use crate::sink::samples::{identity, sample, samples};
use std::collections::BTreeMap;

/// Reads an entry as the journal does.
fn parsed(mut entry: &[u8]) -> BTreeMap<String, Vec<Vec<u8>>> {
    let mut fields: BTreeMap<String, Vec<Vec<u8>>> = BTreeMap::new();
    while !entry.is_empty() {
        let end = entry.iter().position(|byte| matches!(byte, b'=' | b'\n')).unwrap();
        let name = String::from_utf8(entry[..end].to_vec()).unwrap();
        let is_binary = entry[end] == b'\n';
        entry = &entry[end + 1..];
        let length = if is_binary {
            let (length, rest) = entry.split_first_chunk::<8>().unwrap();
            entry = rest;
            usize::try_from(u64::from_le_bytes(*length)).unwrap()
        } else {
            entry.iter().position(|byte| *byte == b'\n').unwrap()
        };
        fields.entry(name).or_default().push(entry[..length].to_vec());
        assert_eq!(entry[length], b'\n');
        entry = &entry[length + 1..];
    }
    fields
}

#[test]
fn fields_are_named_and_valued() {
    let fields = parsed(&entry(&sample("executed"), &identity()));
    for (name, value) in [
        ("SAC_EVENT", "executed"),
        ("SAC_SESSION", "3f9a2c"),
        ("SAC_USER", "alice"),
        ("SAC_NUMBER", "7"),
        ("SAC_SEQUENCE", "7"),
        ("SAC_FILE_PATH", "/usr/bin/wget"),
        ("SAC_POLICY", "contractors"),
        ("SAC_ENVIRONMENT_LD_PRELOAD", "/tmp/x.so"),
        ("PRIORITY", "6"),
        ("SYSLOG_IDENTIFIER", "sac"),
        ("SYSLOG_FACILITY", "10"),
        ("MESSAGE", "alice executed /usr/bin/wget: wget -q https://example.org/"),
    ] {
        assert_eq!(fields.get(name), Some(&vec![value.as_bytes().to_vec()]), "{name}");
    }
}

/// An argument with a line break must not make a field of its own.
#[test]
fn bytes_stay_what_they_are() {
    let fields = parsed(&entry(&sample("blocked"), &identity()));
    let arguments = &fields["SAC_ARGUMENTS"];
    assert_eq!(arguments.len(), 12);
    assert_eq!(arguments[6], b"line\nbreak\r");
    assert_eq!(arguments[11], [255, 254, 10, 65]);
}

/// The journal drops a field whose name it does not take (letters, digits, underscores, 64 bytes).
#[test]
fn names_are_the_journals() {
    for record in samples() {
        for name in parsed(&entry(&record, &identity())).into_keys() {
            let is_taken = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
            assert!(name.bytes().all(is_taken) && name.len() <= 64 && !name.starts_with('_'), "{name}");
        }
    }
}
