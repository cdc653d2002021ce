// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is sent is read by somebody else's parser.

use super::{AUTHPRIV, CUT_MARK, ENTERPRISE_DEFAULT, Header, escaped, message, octet_counted};
use crate::record::{Record, Severity};
use crate::sink::message as text_of;
use crate::sink::samples::{identity, sample, samples};
use crate::text::Text;
use syslog_loose::{Message, Protocol, SyslogFacility, SyslogSeverity, Variant, parse_message};

const HEADER: Header = Header { facility: AUTHPRIV, enterprise: ENTERPRISE_DEFAULT, bytes_max: 65536 };

fn sent(record: &Record, bytes_max: usize) -> String {
    String::from_utf8(message(record, &Header { bytes_max, ..HEADER }, &identity())).unwrap()
}

fn value(parsed: &Message<&str>, name: &str) -> Option<String> {
    // The parser leaves escapes as they are.
    let unescaped = |value: &str| value.replace("\\\"", "\"").replace("\\]", "]").replace("\\\\", "\\");
    let params = &parsed.structured_data.first()?.params;
    params.iter().find(|(known, _)| *known == name).map(|(_, value)| unescaped(value))
}

#[test]
fn another_parser_reads_every_event() {
    for record in samples() {
        let sent = sent(&record, 65536);
        let parsed = parse_message(&sent, Variant::RFC5424);
        assert_eq!(parsed.protocol, Protocol::RFC5424(1), "{sent}");
        assert_eq!(parsed.facility, Some(SyslogFacility::LOG_AUTHPRIV));
        assert_eq!((parsed.hostname, parsed.appname), (Some("web1"), Some("sac")));
        assert_eq!(parsed.procid, Some(syslog_loose::ProcId::PID(321)));
        let name = serde_json::to_value(&record).unwrap()["event"].as_str().unwrap().to_owned();
        assert_eq!(parsed.msgid, Some(name.as_str()));
        assert_eq!(parsed.timestamp.unwrap().timestamp_micros(), record.entry.time.as_microsecond());
        assert_eq!(parsed.structured_data[0].id, "sac@32473");
        assert_eq!(value(&parsed, "number"), Some(record.number.to_string()));
        assert_eq!(parsed.msg.trim_start_matches('\u{feff}'), text_of(&record));
        assert_eq!(value(&parsed, "cut"), None);
    }
}

#[test]
fn severities_are_syslogs() {
    let mut record = sample("tamper");
    for (severity, expected) in [
        (Severity::Info, SyslogSeverity::SEV_INFO),
        (Severity::Low, SyslogSeverity::SEV_NOTICE),
        (Severity::Medium, SyslogSeverity::SEV_WARNING),
        (Severity::High, SyslogSeverity::SEV_ERR),
        (Severity::Critical, SyslogSeverity::SEV_CRIT),
    ] {
        record.entry.severity = severity;
        assert_eq!(parse_message(&sent(&record, 2048), Variant::RFC5424).severity, Some(expected));
    }
    record.entry.severity = Severity::Critical;
    assert!(
        sent(&record, 2048)
            .starts_with("<82>1 2026-11-26T15:04:05.123456Z web1 sac 321 tamper [sac@32473 number=")
    );
}

/// `"`, `\` and `]` end a value or an element (RFC 5424, section 6.3.3).
#[test]
fn values_end_where_they_should() {
    assert_eq!(escaped(r#"a"b\c]d"#), r#"a\"b\\c\]d"#);
    let sent = sent(&sample("blocked"), 65536);
    let parsed = parse_message(&sent, Variant::RFC5424);
    let arguments = value(&parsed, "arguments").unwrap();
    assert!(arguments.contains(r#"'x="y"]'"#), "{arguments}");
    assert_eq!(value(&parsed, "rule").as_deref(), Some("contractors.yaml:12"));
}

/// A text that is not ASCII begins with a byte order mark, and one that is does not (section 6.4).
#[test]
fn the_byte_order_mark_is_there_where_it_must() {
    assert!(sent(&sample("blocked"), 65536).contains("] \u{feff}alice"));
    assert!(sent(&sample("executed"), 65536).contains("] alice"));
}

/// A message of any limit is a message, says what it is about, and says that something is missing.
#[test]
fn what_is_cut_says_so() {
    let mut record = sample("blocked");
    let crate::record::Event::Blocked(execution) = &mut record.entry.event else { panic!() };
    execution.arguments = vec!["ü".repeat(3000).as_str().into()];
    for bytes_max in [480, 481, 482, 483, 2048, 4096] {
        let sent = sent(&record, bytes_max);
        assert!(sent.len() <= bytes_max, "{} of {bytes_max}", sent.len());
        assert!(sent.ends_with(CUT_MARK), "{sent}");
        let parsed = parse_message(&sent, Variant::RFC5424);
        assert_eq!(value(&parsed, "cut").as_deref(), Some("true"), "{sent}");
        assert_eq!(value(&parsed, "number").as_deref(), Some("8"));
        assert_eq!(value(&parsed, "sequence").as_deref(), Some("8"));
        assert_eq!(value(&parsed, "session").as_deref(), Some("3f9a2c"));
    }
}

proptest::proptest! {
    /// Whatever users type, it is one message within its limit, and what identifies the record is there: also with the longest names
    /// of a host and a user that Linux has.
    #[test]
    fn no_arguments_break_a_message(
        arguments in proptest::collection::vec(proptest::collection::vec(proptest::num::u8::ANY, 0..200), 0..20),
        bytes_max in 480_usize..4096,
    ) {
        let mut record = sample("blocked");
        record.host = "h".repeat(64);
        record.number = u64::from(u32::MAX);
        record.entry.session.as_mut().unwrap().user = "u".repeat(32);
        let crate::record::Event::Blocked(execution) = &mut record.entry.event else { panic!() };
        execution.arguments = arguments.iter().map(|argument| Text::from_bytes(argument)).collect();
        let sent = sent(&record, bytes_max);
        assert!(sent.len() <= bytes_max && !sent.chars().any(char::is_control), "{sent}");
        let parsed = parse_message(&sent, Variant::RFC5424);
        for (name, expected) in [("number", "4294967295"), ("sequence", "8"), ("session", "3f9a2c"), ("event", "blocked")] {
            assert_eq!(value(&parsed, name).as_deref(), Some(expected), "{sent}");
        }
    }
}

/// Of a host's name only what a header takes is left.
#[test]
fn a_header_is_printable() {
    let mut record = sample("tamper");
    record.host = "wëb 1\n".to_owned();
    assert!(sent(&record, 2048).contains("Z wb1 sac "));
    record.host = String::new();
    assert!(sent(&record, 2048).contains("Z - sac "));
}

#[test]
fn lengths_count_octets() {
    assert_eq!(octet_counted("ü".as_bytes()), "2 ü".as_bytes());
}
