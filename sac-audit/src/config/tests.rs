// SPDX-License-Identifier: MIT OR Apache-2.0

use super::{Config, ConfigError, Kind, MetricsAddress, Sync};
use crate::record::Severity;
use crate::sink::format::syslog::{AUTHPRIV, ENTERPRISE_DEFAULT};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

fn parse(text: &str) -> Result<Config, String> {
    Config::parse(Path::new("audit.yaml"), text).map_err(|error| error.to_string())
}

/// The fault of a text, which is at this line and says all of this.
fn check(text: &str, line: u64, says: &[&str]) {
    let fault = parse(text).expect_err(text);
    assert!(fault.starts_with(&format!("audit.yaml:{line}: ")), "{text}\n{fault}");
    for part in says {
        assert!(fault.contains(part), "{text}\n{fault}");
    }
}

/// The configuration that is shipped has comments only, and says the defaults.
#[test]
fn the_shipped_file_is_the_defaults() {
    let shipped = include_str!("../../../packaging/audit.yaml");
    assert_eq!(parse(shipped), Ok(Config::default()));
    // The lines that are not sentences are the configuration itself: without their mark they say the same.
    let uncommented: String =
        shipped.lines().filter_map(|line| line.strip_prefix("#: ")).map(|line| format!("{line}\n")).collect();
    assert_eq!(parse(&uncommented), Ok(Config::default()));
    assert!(uncommented.contains("rotate_mb: 64"));
}

/// Each example in the documentation is a configuration.
#[test]
fn the_documentations_examples_are_taken() {
    let documentation = include_str!("../../../docs/sinks.md");
    let mut kinds = Vec::new();
    for example in documentation.split("```yaml\n").skip(1) {
        let example = example.split("```").next().unwrap();
        kinds.extend(
            parse(example)
                .unwrap_or_else(|fault| panic!("{fault}\n{example}"))
                .sinks
                .into_iter()
                .map(|sink| sink.kind),
        );
    }
    let has = |is: fn(&Kind) -> bool| kinds.iter().any(is);
    assert!(has(|kind| matches!(kind, Kind::Journald(_))) && has(|kind| matches!(kind, Kind::Syslog(..))));
    assert!(has(|kind| matches!(kind, Kind::Cef(..))) && has(|kind| matches!(kind, Kind::OcsfLines(_))));
    assert!(has(|kind| matches!(kind, Kind::OcsfPost(_))) && has(|kind| matches!(kind, Kind::Otlp(_))));
    assert!(has(|kind| matches!(kind, Kind::Webhook { .. })));
}

#[test]
fn everything_that_is_said_is_taken() {
    let config = parse(
        "record: {directory: /srv/sac, rotate_mb: 10, keep: 3, sync: each}
redact:
  defaults: false
  patterns: ['--password=*']
metrics: 127.0.0.1:9464
spool_mb: 100
sinks:
  - name: siem
    type: syslog
    address: tls://siem.example.org:6514
    ca: /etc/sac/ca.pem
    certificate: /etc/sac/own.pem
    key: /etc/sac/own.key
    facility: local3
    enterprise: 99
    bytes_max: 4096
    timeout_s: 9
    filter: {events: [blocked, tamper], severity: high, policies: [contractors], blocked: true}
",
    )
    .unwrap();
    assert_eq!((config.record.rotate_mb, config.record.keep, config.record.sync), (10, 3, Sync::Each));
    assert_eq!(config.record.directory, Path::new("/srv/sac"));
    assert!(!config.redact.defaults && config.redact.patterns == ["--password=*"]);
    assert_eq!(config.metrics, Some(MetricsAddress::Loopback("127.0.0.1:9464".parse().unwrap())));
    let sink = &config.sinks[0];
    assert_eq!((sink.name.as_str(), sink.timeout), ("siem", Duration::from_secs(9)));
    assert_eq!((sink.filter.severity, sink.filter.blocked), (Severity::High, true));
    assert_eq!(sink.filter.events, ["blocked", "tamper"]);
    let Kind::Syslog(to, header) = &sink.kind else { panic!() };
    assert_eq!(to.address.to_string(), "tls://siem.example.org:6514");
    assert!(to.tls.ca.is_some() && to.tls.own.is_some());
    assert_eq!((header.facility, header.enterprise, header.bytes_max), (19, 99, 4096));
}

/// So much is kept for sinks, whatever is said about the record: ten full files and the one that is being written.
#[test]
fn the_spool_is_kept() {
    assert_eq!(parse("record: {rotate_mb: 10, keep: 3}\nspool_mb: 100\n").unwrap().files_kept(), 11);
    assert_eq!(parse("record: {rotate_mb: 10, keep: 50}\nspool_mb: 100\n").unwrap().files_kept(), 50);
}

#[test]
fn what_is_left_out_has_a_default() {
    let sinks = "sinks: [{name: a, type: syslog, address: 'udp://x:514'}, {name: b, type: syslog, address: 'unix:/dev/log'}]";
    let config = parse(sinks).unwrap();
    let longest = config.sinks.iter().map(|sink| match &sink.kind {
        Kind::Syslog(_, header) => {
            assert_eq!((header.facility, header.enterprise), (AUTHPRIV, ENTERPRISE_DEFAULT));
            header.bytes_max
        }
        kind => panic!("{kind:?}"),
    });
    assert_eq!(longest.collect::<Vec<_>>(), [2048, 8192]);
    assert_eq!(parse("sinks: []\n").unwrap().sinks, []);
    assert_eq!(parse("").unwrap(), Config::default());
}

/// A webhook gets alerts only, unless somebody says what it gets.
#[test]
fn a_webhook_is_for_alerts() {
    let hook = |filter: &str| {
        let text = format!("sinks: [{{name: a, type: webhook, url: 'https://x/', secret_file: /s{filter}}}]");
        parse(&text).unwrap().sinks[0].filter.alerts
    };
    assert!(hook(""));
    assert!(!hook(", filter: {severity: info}"));
}

#[test]
fn faults_have_a_line_and_say_what_to_do() {
    check("records: {}\n", 1, &["records"]);
    check("record:\n  keep: many\n", 2, &[]);
    check("record: {keep: 3}\nrecord: {keep: 4}\n", 2, &["record"]);
    check("record:\n  keep: 1\n", 2, &["1 is not possible here", "from 2 to 10000"]);
    check("record:\n  directory: log\n", 2, &["no absolute path", "from `/` on"]);
    check("record:\n  sync: sometimes\n", 2, &["sometimes"]);
    check("redact:\n  patterns: ['']\n", 2, &["empty"]);
    check("sinks:\n  - name: a\n    type: pigeon\n", 3, &["pigeon"]);
    check("sinks:\n  - name: A b\n    type: journald\n", 2, &["cannot be a sink's name"]);
    check("sinks:\n  - {name: a, type: journald}\n  - {name: a, type: journald}\n", 3, &["two sinks"]);
    check("sinks:\n  - type: journald\n", 2, &["name"]);
    check("sinks:\n  - name: a\n    type: syslog\n", 2, &["`a` has no `address`", "unix:/dev/log"]);
    check("sinks:\n  - name: a\n    type: syslog\n    address: logs\n", 4, &["`logs` is no address"]);
    check("sinks:\n  - name: a\n    type: otlp\n", 2, &["no `url`"]);
    check("sinks:\n  - name: a\n    type: otlp\n    url: ftp://x/\n", 4, &["is no URL"]);
    check("sinks:\n  - name: a\n    type: ocsf\n", 2, &["either `address` or `url`"]);
    check("sinks:\n  - name: a\n    type: webhook\n    url: https://x/\n", 2, &["no `secret_file`"]);
    check(
        "sinks:\n  - name: a\n    type: journald\n    url: https://x/\n",
        4,
        &["has no `url`", "remove it"],
    );
    check("sinks:\n  - name: a\n    type: journald\n    address: tcp://x:1\n", 4, &["on this machine"]);
    check(
        "sinks:\n  - name: a\n    type: syslog\n    address: tcp://x:1\n    ca: /ca\n",
        5,
        &["certificates are for"],
    );
    check(
        "sinks:\n  - name: a\n    type: syslog\n    address: tls://x:1\n    key: /k\n",
        5,
        &["go together"],
    );
    check(
        "sinks:\n  - name: a\n    type: syslog\n    address: tls://x:1\n    facility: mail\n",
        5,
        &["no facility", "authpriv"],
    );
    check(
        "sinks:\n  - name: a\n    type: syslog\n    address: tls://x:1\n    bytes_max: 10\n",
        5,
        &["from 480"],
    );
    check(
        "sinks:\n  - name: a\n    type: journald\n    filter:\n      events: [blokced]\n",
        5,
        &["no event", "blocked"],
    );
    check("sinks:\n  - name: a\n    type: journald\n    filter: {severity: big}\n", 4, &["big"]);
    check(
        "sinks:\n  - name: a\n    type: otlp\n    url: https://x/\n    headers: {'a b': c}\n",
        5,
        &["no header"],
    );
    check("metrics: 0.0.0.0:9464\n", 1, &["this machine only"]);
    check("metrics: nowhere\n", 1, &["no address"]);
    check("a: &x 1\nb: *x\n", 1, &[]);
    check("record: {}\n---\nrecord: {}\n", 2, &[]);
    check("record: [\n", 1, &[]);
}

/// Tokens in headers do not get into logs.
#[test]
fn headers_are_not_shown() {
    let text = "sinks: [{name: a, type: otlp, url: 'https://x/', headers: {Authorization: Bearer hush}}]";
    let shown = format!("{:?}", parse(text).unwrap());
    assert!(shown.contains("Authorization") && !shown.contains("hush"), "{shown}");
}

#[test]
fn no_file_is_the_defaults_and_a_file_of_others_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audit.yaml");
    assert_eq!(Config::load(&path).unwrap(), Config::default());
    fs::write(&path, "spool_mb: 7\n").unwrap();
    for (mode, is_taken) in [(0o600, true), (0o644, true), (0o664, false), (0o602, false)] {
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        match Config::load(&path) {
            Ok(config) => assert!(is_taken && config.spool_mb == 7, "{mode:o}"),
            Err(error) => assert!(!is_taken && matches!(error, ConfigError::Distrusted { .. }), "{error}"),
        }
    }
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    fs::write(&path, [0xff, 0xfe]).unwrap();
    assert!(matches!(Config::load(&path), Err(ConfigError::Unreadable { .. })));
    fs::write(&path, vec![b'#'; (1 << 20) + 1]).unwrap();
    assert!(matches!(Config::load(&path), Err(ConfigError::TooLong { .. })));
}
