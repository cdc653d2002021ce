// SPDX-License-Identifier: MIT OR Apache-2.0
//! The edges of what is said about people, times and sessions.

use super::*;

#[test]
fn conditions_on_logins_say_something() {
    let codes = |conditions: &str| match load(format!("policy: p\napplies_to: {{{conditions}}}\n")) {
        Ok(_) => vec![],
        Err(faults) => faults.iter().map(Fault::code).collect(),
    };
    for (conditions, expected) in [
        ("everyone: true", &[][..]),
        ("everyone: true, terminal: false", &[]),
        ("everyone: false", &[Code::UnknownWord]),
        ("everyone: yes", &[Code::WrongType]),
        ("everyone: true, users: [bob]", &[Code::ConflictingKeys]),
        ("terminal: true", &[Code::AppliesToNobody]),
        ("users: [bob], services: ", &[Code::SaysNothing]),
        ("users: [bob], from: []", &[Code::SaysNothing]),
        ("users: [bob], when: {}", &[Code::SaysNothing]),
        ("users: [bob], when: {timezone: UTC}", &[Code::SaysNothing]),
        ("users: [bob], services: ['']", &[Code::InvalidService]),
        ("users: [bob], services: [a b]", &[Code::InvalidService]),
        ("users: [bob], from: [example.org]", &[Code::InvalidAddress]),
        ("users: [bob], from: [10.0.0.0/33]", &[Code::InvalidAddress]),
        ("users: [bob], terminal: on", &[Code::WrongType]),
    ] {
        assert_eq!(codes(conditions), expected, "{conditions}");
    }
}

#[test]
fn times_are_written_in_one_way() {
    let when = |text: &str| codes(&format!("programs: {{deny: [{{path: /bin/a, when: {{{text}}}}}]}}"));
    for text in [
        "days: [mon]",
        "days: [sun-sat]",
        "hours: 00:00-24:00, days: [mon]",
        "hours: 23:59-00:00",
        "hours: 22:00-06:00, timezone: America/New_York",
        "from: 2028-02-29",
        "from: 2026-01-01, until: 2026-01-01",
    ] {
        let expected = if text.starts_with("hours: 00:00-24:00") { vec![Code::InvalidTime] } else { vec![] };
        assert_eq!(when(text), expected, "{text}");
    }
    for (text, code) in [
        ("days: [Mon]", Code::UnknownWord),
        ("days: [mon-]", Code::UnknownWord),
        ("days: [mon-tue-wed]", Code::UnknownWord),
        ("days: mon", Code::WrongType),
        ("days: []", Code::SaysNothing),
        ("hours: 9:00-18:00", Code::InvalidTime),
        ("hours: 09:00", Code::InvalidTime),
        ("hours: 09:00-18:60", Code::InvalidTime),
        ("hours: 24:00-06:00", Code::InvalidTime),
        ("hours: +9:00-18:00", Code::InvalidTime),
        ("hours: 09:00-09:00", Code::InvalidTime),
        ("from: 2027-02-29", Code::InvalidTime),
        ("from: 2027-2-9", Code::InvalidTime),
        ("from: 2027-02-01T00", Code::InvalidTime),
        ("until: 2027", Code::WrongType),
        ("from: 2026-02-01, until: 2026-01-31", Code::InvalidTime),
        ("days: [mon], timezone: Europe/Atlantis", Code::UnknownTimeZone),
        ("days: [mon], timezone: ../../../etc/passwd", Code::UnknownTimeZone),
        ("days: [mon], timezone: /etc/localtime", Code::UnknownTimeZone),
        ("days: [mon], timezone: ''", Code::UnknownTimeZone),
    ] {
        assert_eq!(when(text), [code], "{text}");
    }
}

#[test]
fn lengths_of_time_have_units() {
    let idle = |text: &str| match load(format!("policy: p\napplies_to: everyone\nlimits: {{idle: {text}}}\n"))
    {
        Ok(loaded) => loaded.set.policies()[0].limits.idle.map(|idle| idle.as_secs()),
        Err(faults) => {
            let codes: Vec<_> = faults.iter().map(Fault::code).collect();
            assert!(codes == [Code::InvalidTime] || codes == [Code::WrongType], "{text} {codes:?}");
            None
        }
    };
    for (text, expected) in [
        ("1s", Some(1)),
        ("90m", Some(5400)),
        ("1h30m", Some(5400)),
        ("2d", Some(172_800)),
        ("1d1h1m1s", Some(90_061)),
        ("366d", Some(31_622_400)),
        ("366d1s", None),
        ("0s", None),
        ("30", None),
        ("''", None),
        ("m", None),
        ("1.5h", None),
        ("-1h", None),
        ("1h 30m", None),
        ("30m1h", None),
        ("1h1h", None),
        ("1ä", None),
        ("1H", None),
        ("99999999999999999999d", None),
    ] {
        assert_eq!(idle(text), expected, "{text}");
    }
}

#[test]
fn limits_and_strikes_have_bounds() {
    check(&[
        ("limits:", &[]),
        ("limits: {processes: 4194304, sessions: 65535}", &[]),
        ("limits: {processes: 0}", &[Code::NumberOutOfRange]),
        ("limits: {processes: 4194305}", &[Code::NumberOutOfRange]),
        ("limits: {sessions: -1}", &[Code::NumberOutOfRange]),
        ("limits: {sessions: many}", &[Code::WrongType]),
        ("limits: {session_length: 1h, warning: 1h}", &[Code::InvalidTime]),
        ("limits: {session_length: 1h, warning: 59m}", &[]),
        ("limits: {session_length: 1m}", &[]),
        ("strikes: {}", &[Code::MissingKey, Code::MissingKey, Code::MissingKey]),
        ("strikes: {blocked: 5, within: 10m}", &[Code::MissingKey]),
        ("strikes: {blocked: 0, within: 10m, then: end}", &[Code::NumberOutOfRange]),
        ("strikes: {blocked: 5, within: 10m, then: kill}", &[Code::UnknownWord]),
    ]);
}

#[test]
fn names_of_people() {
    let codes = |name: &str| match load(format!("policy: p\napplies_to: {{users: [{name}]}}\n")) {
        Ok(_) => vec![],
        Err(faults) => faults.iter().map(Fault::code).collect(),
    };
    for name in [
        "alice",
        "no",
        "www-data",
        "'DOMAIN\\alice'",
        "alice@example.org",
        "'domain users'",
        "machine$",
        "4294967294",
    ] {
        assert_eq!(codes(name), [], "{name}");
    }
    for name in [
        "''",
        "'1000'",
        "007",
        "-1",
        "4294967295",
        "99999999999",
        "a:b",
        "'-x'",
        "' a'",
        "'%wheel'",
        "'@wheel'",
    ] {
        assert_eq!(codes(name), [Code::InvalidAccount], "{name}");
    }
    for name in ["root", "0", "0x0"] {
        assert_eq!(codes(name), [Code::RootConfined], "{name}");
    }
    for name in ["[a]", "{a: b}", "1.5", "true", "~"] {
        assert_eq!(codes(name), [Code::WrongType], "{name}");
    }
}
