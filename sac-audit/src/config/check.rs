// SPDX-License-Identifier: MIT OR Apache-2.0
//! From what is written to what is meant: each sink has what its type needs, and nothing that it would ignore.

use super::written::{Fault, Written, WrittenFilter, WrittenKind, WrittenSink};
use super::{Config, Http, Kind, MetricsAddress, RecordConfig, Redact, SinkConfig, To};
use crate::record::Severity;
use crate::sink::address::Address;
use crate::sink::facts::EVENT_NAMES;
use crate::sink::filter::Filter;
use crate::sink::format::syslog::{AUTHPRIV, ENTERPRISE_DEFAULT, Header};
use crate::sink::transport::tls;
use serde_yaml::Spanned;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where the journal listens.
pub(super) const JOURNAL_SOCKET: &str = "/run/systemd/journal/socket";
/// How long a batch may take if nothing is said.
pub(super) const TIMEOUT_DEFAULT: Duration = Duration::from_secs(5);
/// How much is kept for sinks if nothing is said: what the record's own defaults keep.
pub(super) const SPOOL_MB_DEFAULT: u64 = 512;
/// Alerts in a minute if nothing is said.
const PER_MINUTE_DEFAULT: u64 = 60;
/// Longest message over UDP: what RFC 5426, section 3.2, wants every receiver to take.
const UDP_BYTES_MAX: u64 = 2048;
/// Longest message to a socket of this machine: what rsyslog takes without being told otherwise.
const UNIX_BYTES_MAX: u64 = 8192;
/// Longest message over a stream: more than any record has.
const STREAM_BYTES_MAX: u64 = 65536;
/// Shortest longest message: what RFC 5424, section 6.1, wants every receiver to take.
const BYTES_MAX_MIN: u64 = 480;

/// Facilities that a message about logins may have (RFC 5424, table 1).
const FACILITIES: [(&str, u8); 12] = [
    ("daemon", 3),
    ("auth", 4),
    ("authpriv", AUTHPRIV),
    ("audit", 13),
    ("local0", 16),
    ("local1", 17),
    ("local2", 18),
    ("local3", 19),
    ("local4", 20),
    ("local5", 21),
    ("local6", 22),
    ("local7", 23),
];

pub(super) fn check(written: Written) -> Result<Config, Fault> {
    let Written { record, redact, sinks, metrics, spool_mb } = written;
    let defaults = Config::default();
    let record = RecordConfig {
        directory: match &record.directory {
            Some(directory) => absolute(directory)?,
            None => defaults.record.directory,
        },
        rotate_mb: within(record.rotate_mb.as_ref(), 1..=4096, defaults.record.rotate_mb)?,
        keep: within(record.keep.as_ref(), 2..=10_000, defaults.record.keep)?,
        sync: record.sync.unwrap_or(defaults.record.sync),
    };
    if let Some(empty) = redact.patterns.iter().find(|pattern| pattern.value.is_empty()) {
        return Err(Fault::at(empty, "a pattern is empty", "write what it is to find, or remove it"));
    }
    let redact = Redact {
        defaults: redact.defaults.unwrap_or(true),
        patterns: redact.patterns.into_iter().map(|pattern| pattern.value).collect(),
    };
    let sinks = match sinks {
        Some(sinks) => self::sinks(&sinks)?,
        None => defaults.sinks,
    };
    let metrics = metrics.as_ref().map(metrics_address).transpose()?;
    let spool_mb = within(spool_mb.as_ref(), 1..=1 << 20, defaults.spool_mb)?;
    Ok(Config { record, redact, sinks, metrics, spool_mb })
}

fn sinks(written: &[Spanned<WrittenSink>]) -> Result<Vec<SinkConfig>, Fault> {
    let mut names = BTreeSet::new();
    let mut sinks = Vec::new();
    for sink in written {
        let name = &sink.value.name;
        let is_taken = |character: char| {
            character.is_ascii_lowercase() || character.is_ascii_digit() || character == '-'
        };
        if name.value.is_empty() || name.value.len() > 32 || !name.value.chars().all(is_taken) {
            let what = format!("{:?} cannot be a sink's name", name.value);
            return Err(Fault::at(
                name,
                what,
                "use up to 32 small letters, digits and `-`: a file is named after it",
            ));
        }
        if !names.insert(name.value.clone()) {
            let what = format!("there are two sinks with the name `{}`", name.value);
            return Err(Fault::at(name, what, "give each a name of its own"));
        }
        sinks.push(self::sink(sink)?);
    }
    Ok(sinks)
}

fn sink(written: &Spanned<WrittenSink>) -> Result<SinkConfig, Fault> {
    let sink = &written.value;
    let kind_of = sink.kind.value;
    refuse_ignored(sink)?;
    let kind = match kind_of {
        WrittenKind::Journald => Kind::Journald(journal(sink)?),
        WrittenKind::Syslog => {
            to(written).and_then(|to| Ok(Kind::Syslog(to.clone(), header(sink, &to.address)?)))?
        }
        WrittenKind::Cef => {
            to(written).and_then(|to| Ok(Kind::Cef(to.clone(), header(sink, &to.address)?)))?
        }
        WrittenKind::Ocsf => match (&sink.address, &sink.url) {
            (Some(_), None) => Kind::OcsfLines(to(written)?),
            (None, Some(_)) => Kind::OcsfPost(http(written)?),
            _ => {
                let help = "write `address:` for a line for each event, or `url:` for requests";
                return Err(Fault::at(written, "an ocsf sink has either `address` or `url`", help));
            }
        },
        WrittenKind::Otlp => Kind::Otlp(http(written)?),
        WrittenKind::Webhook => Kind::Webhook {
            http: http(written)?,
            secret_file: match &sink.secret_file {
                Some(file) => absolute(file)?,
                None => {
                    return Err(missing(
                        written,
                        "secret_file",
                        "name a file that has the secret and that only root can read",
                    ));
                }
            },
            per_minute: u32::try_from(within(sink.per_minute.as_ref(), 1..=6000, PER_MINUTE_DEFAULT)?)
                .unwrap_or(u32::MAX),
        },
    };
    let timeout = within(sink.timeout_s.as_ref(), 1..=60, TIMEOUT_DEFAULT.as_secs())?;
    let filter = filter(&sink.filter, kind_of)?;
    Ok(SinkConfig { name: sink.name.value.clone(), filter, timeout: Duration::from_secs(timeout), kind })
}

/// A key that says nothing about this type of sink would be believed to.
fn refuse_ignored(sink: &WrittenSink) -> Result<(), Fault> {
    use WrittenKind::{Cef, Journald, Ocsf, Otlp, Syslog, Webhook};
    fn line<T>(key: Option<&Spanned<T>>) -> Option<u64> {
        key.map(|key| key.referenced.line())
    }
    let tls = [Syslog, Cef, Ocsf, Otlp, Webhook];
    let keys: [(&str, Option<u64>, &[WrittenKind]); 11] = [
        ("address", line(sink.address.as_ref()), &[Journald, Syslog, Cef, Ocsf]),
        ("url", line(sink.url.as_ref()), &[Ocsf, Otlp, Webhook]),
        ("headers", line(sink.headers.as_ref()), &[Ocsf, Otlp, Webhook]),
        ("ca", line(sink.ca.as_ref()), &tls),
        ("certificate", line(sink.certificate.as_ref()), &tls),
        ("key", line(sink.key.as_ref()), &tls),
        ("facility", line(sink.facility.as_ref()), &[Syslog, Cef]),
        ("enterprise", line(sink.enterprise.as_ref()), &[Syslog]),
        ("bytes_max", line(sink.bytes_max.as_ref()), &[Syslog, Cef]),
        ("secret_file", line(sink.secret_file.as_ref()), &[Webhook]),
        ("per_minute", line(sink.per_minute.as_ref()), &[Webhook]),
    ];
    let kind = sink.kind.value;
    for (name, line, kinds) in keys {
        if let Some(line) = line.filter(|_| !kinds.contains(&kind)) {
            let what = format!("a sink of this type has no `{name}`");
            return Err(Fault { line, what, help: "remove it, or change `type:`".to_owned() });
        }
    }
    Ok(())
}

fn filter(written: &WrittenFilter, kind: WrittenKind) -> Result<Filter, Fault> {
    let WrittenFilter { events, severity, policies, blocked } = written;
    if let Some(unknown) = events.iter().find(|event| !EVENT_NAMES.contains(&event.value.as_str())) {
        let what = format!("there is no event {:?}", unknown.value);
        return Err(Fault::at(unknown, what, format!("the events are {}", EVENT_NAMES.join(", "))));
    }
    let says_nothing = events.is_empty() && severity.is_none() && policies.is_empty() && !blocked;
    Ok(Filter {
        events: events.iter().map(|event| event.value.clone()).collect(),
        severity: severity.unwrap_or(Severity::Info),
        policies: policies.clone(),
        blocked: *blocked,
        // A webhook wakes people up: all of the record goes there only if somebody says so.
        alerts: kind == WrittenKind::Webhook && says_nothing,
    })
}

fn journal(sink: &WrittenSink) -> Result<PathBuf, Fault> {
    let Some(written) = &sink.address else {
        return Ok(PathBuf::from(JOURNAL_SOCKET));
    };
    match address(written)? {
        Address::Unix(path) => Ok(path),
        _ => {
            Err(Fault::at(written, "the journal is on this machine", "write `unix:/PATH`, or remove the key"))
        }
    }
}

fn to(written: &Spanned<WrittenSink>) -> Result<To, Fault> {
    let Some(written_address) = &written.value.address else {
        return Err(missing(
            written,
            "address",
            "write `unix:/dev/log`, `udp://HOST:514`, `tcp://HOST:601` or `tls://HOST:6514`",
        ));
    };
    let address = address(written_address)?;
    let tls = tls_files(&written.value, matches!(address, Address::Tls(_)))?;
    Ok(To { address, tls })
}

fn address(written: &Spanned<String>) -> Result<Address, Fault> {
    written.value.parse().map_err(|error| {
        Fault::at(written, format!("{error}"), "the kinds of addresses are in docs/sinks.md")
    })
}

fn http(written: &Spanned<WrittenSink>) -> Result<Http, Fault> {
    let sink = &written.value;
    let Some(url) = &sink.url else {
        return Err(missing(written, "url", "write `https://HOST/PATH`"));
    };
    let uri: Option<ureq::http::Uri> = url.value.parse().ok();
    let scheme = uri.as_ref().and_then(|uri| uri.host().and(uri.scheme_str()));
    let is_https = match scheme {
        Some("https") => true,
        Some("http") => false,
        _ => return Err(Fault::at(url, format!("{:?} is no URL", url.value), "write `https://HOST/PATH`")),
    };
    let headers = sink.headers.as_ref().map(headers).transpose()?.unwrap_or_default();
    Ok(Http { url: url.value.clone(), headers, tls: tls_files(sink, is_https)? })
}

fn headers(
    written: &Spanned<std::collections::BTreeMap<String, String>>,
) -> Result<Vec<(String, String)>, Fault> {
    use ureq::http::{HeaderName, HeaderValue};
    for (name, value) in &written.value {
        if name.parse::<HeaderName>().is_err() || value.parse::<HeaderValue>().is_err() {
            let what = format!("{name:?} and its value are no header");
            return Err(Fault::at(written, what, "write a name without spaces, and a value in one line"));
        }
    }
    Ok(written.value.clone().into_iter().collect())
}

fn tls_files(sink: &WrittenSink, is_tls: bool) -> Result<tls::Files, Fault> {
    let given = [&sink.ca, &sink.certificate, &sink.key];
    if let (false, Some(file)) = (is_tls, given.into_iter().flatten().next()) {
        let what = "certificates are for `tls://` and `https://`";
        return Err(Fault::at(file, what, "change the address, or remove the key"));
    }
    let own = match (&sink.certificate, &sink.key) {
        (Some(certificate), Some(key)) => Some((absolute(certificate)?, absolute(key)?)),
        (None, None) => None,
        (Some(alone), None) | (None, Some(alone)) => {
            return Err(Fault::at(alone, "`certificate` and `key` go together", "write both"));
        }
    };
    Ok(tls::Files { ca: sink.ca.as_ref().map(absolute).transpose()?, own })
}

fn header(sink: &WrittenSink, address: &Address) -> Result<Header, Fault> {
    let facility = match &sink.facility {
        None => AUTHPRIV,
        Some(written) => {
            let known = FACILITIES.iter().find(|(name, _)| *name == written.value);
            let names: Vec<&str> = FACILITIES.iter().map(|(name, _)| *name).collect();
            let what = || format!("there is no facility {:?}", written.value);
            known
                .map(|(_, number)| *number)
                .ok_or_else(|| Fault::at(written, what(), format!("use one of {}", names.join(", "))))?
        }
    };
    let default = match address {
        Address::Udp(_) => UDP_BYTES_MAX,
        Address::Unix(_) => UNIX_BYTES_MAX,
        _ => STREAM_BYTES_MAX,
    };
    let bytes_max = within(sink.bytes_max.as_ref(), BYTES_MAX_MIN..=STREAM_BYTES_MAX, default)?;
    Ok(Header {
        facility,
        enterprise: sink.enterprise.as_ref().map_or(ENTERPRISE_DEFAULT, |number| number.value),
        bytes_max: usize::try_from(bytes_max).unwrap_or(usize::MAX),
    })
}

fn metrics_address(written: &Spanned<String>) -> Result<MetricsAddress, Fault> {
    if let Some(path) = written.value.strip_prefix("unix:").map(Path::new).filter(|path| path.is_absolute()) {
        return Ok(MetricsAddress::Unix(path.to_owned()));
    }
    match written.value.parse::<SocketAddr>() {
        Ok(address) if address.ip().is_loopback() => Ok(MetricsAddress::Loopback(address)),
        Ok(_) => {
            let help = "write `unix:/run/sac/metrics.sock` or `127.0.0.1:9464`, and put a proxy before it";
            Err(Fault::at(written, "metrics are served to this machine only", help))
        }
        Err(_no_address) => {
            let what = format!("{:?} is no address", written.value);
            Err(Fault::at(written, what, "write `unix:/run/sac/metrics.sock` or `127.0.0.1:9464`"))
        }
    }
}

fn absolute(written: &Spanned<PathBuf>) -> Result<PathBuf, Fault> {
    if written.value.is_absolute() {
        return Ok(written.value.clone());
    }
    let what = format!("{:?} is no absolute path", written.value);
    Err(Fault::at(written, what, "write the path from `/` on"))
}

fn within(
    written: Option<&Spanned<u64>>,
    range: std::ops::RangeInclusive<u64>,
    default: u64,
) -> Result<u64, Fault> {
    let Some(written) = written else {
        return Ok(default);
    };
    if range.contains(&written.value) {
        return Ok(written.value);
    }
    let what = format!("{} is not possible here", written.value);
    Err(Fault::at(written, what, format!("use a number from {} to {}", range.start(), range.end())))
}

fn missing(sink: &Spanned<WrittenSink>, key: &str, help: &str) -> Fault {
    Fault::at(sink, format!("the sink `{}` has no `{key}`", sink.value.name.value), help)
}
