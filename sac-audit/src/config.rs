// SPDX-License-Identifier: MIT OR Apache-2.0
//! `/etc/sac/audit.yaml`: how the record is kept and where else it goes.
//!
//! A file with a fault is refused whole, because half of what an auditor asked for looks like all of it. No file at all means the
//! defaults: files in `/var/log/sac`.

mod check;
mod written;

use crate::sink::address::Address;
use crate::sink::filter::Filter;
use crate::sink::format::syslog::Header;
use crate::sink::transport::tls;
use std::fs::File;
use std::io::{self, Read as _};
use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where the file is.
pub const PATH: &str = "/etc/sac/audit.yaml";

/// Longest file, in bytes.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// Bits of a mode that let others than the owner write.
const WRITABLE_BY_OTHERS: u32 = 0o022;

/// Bits of a mode that let others than the owner do anything.
pub(crate) const OPEN_TO_OTHERS: u32 = 0o077;

/// What the file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The record's files.
    pub record: RecordConfig,
    /// What is made unreadable before anything is written.
    pub redact: Redact,
    /// Where else the record goes.
    pub sinks: Vec<SinkConfig>,
    /// Where metrics are served; nowhere if there is nothing.
    pub metrics: Option<MetricsAddress>,
    /// So many megabytes of the record are kept for sinks that are behind, whatever `record` says.
    pub spool_mb: u64,
}

/// The record's files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordConfig {
    /// Where they are.
    pub directory: PathBuf,
    /// When a file is this long, in megabytes, the next one begins.
    pub rotate_mb: u64,
    /// How many files are kept.
    pub keep: u64,
    /// When files are written through to the disk.
    pub sync: Sync,
}

/// When files are written through to the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sync {
    /// After each batch of records.
    Each,
    /// Once a second.
    Second,
    /// When the kernel does so.
    Never,
}

/// What is made unreadable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redact {
    /// Whether the patterns that come with SAC hold.
    pub defaults: bool,
    /// Further ones.
    pub patterns: Vec<String>,
}

/// Where metrics are served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MetricsAddress {
    /// A socket of this machine.
    Unix(PathBuf),
    /// A port that this machine alone reaches.
    Loopback(SocketAddr),
}

impl std::fmt::Display for MetricsAddress {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unix(path) => write!(formatter, "unix:{}", path.display()),
            Self::Loopback(address) => write!(formatter, "{address}"),
        }
    }
}

/// A sink.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SinkConfig {
    /// Its name, which is that of its cursor's file as well.
    pub name: String,
    /// Which records it is for.
    pub filter: Filter,
    /// How long a batch may take.
    pub timeout: Duration,
    /// What it is.
    pub kind: Kind,
}

/// What a sink is, with what it needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The journal of this machine, at this socket.
    Journald(PathBuf),
    /// Syslog messages.
    Syslog(To, Header),
    /// CEF in syslog messages.
    Cef(To, Header),
    /// OCSF, an event in a line.
    OcsfLines(To),
    /// OCSF, a list of events in a request.
    OcsfPost(Http),
    /// OpenTelemetry.
    Otlp(Http),
    /// Signed alerts.
    Webhook {
        /// Where to.
        http: Http,
        /// File of the secret that they are signed with.
        secret_file: PathBuf,
        /// Most alerts in a minute.
        per_minute: u32,
    },
}

/// A receiver of messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct To {
    /// Where it is.
    pub address: Address,
    /// Whom to trust, for `tls://`.
    pub tls: tls::Files,
}

/// A receiver of requests.
#[derive(Clone, PartialEq, Eq)]
pub struct Http {
    /// Where it is.
    pub url: String,
    /// Headers, with what they are to be.
    pub headers: Vec<(String, String)>,
    /// Whom to trust, for `https://`.
    pub tls: tls::Files,
}

/// Without what headers say: there are tokens among them, and this gets into logs.
impl std::fmt::Debug for Http {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { url, headers, tls } = self;
        let names: Vec<&str> = headers.iter().map(|(name, _)| name.as_str()).collect();
        formatter.debug_struct("Http").field("url", url).field("headers", &names).field("tls", tls).finish()
    }
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{path}: {source}; it must be a file that root can read", path = path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Others than root could have written the file.
    #[error("{path} can be written by others than root; run `chown root {path} && chmod go-w {path}`", path = path.display())]
    Distrusted {
        /// The file.
        path: PathBuf,
    },
    /// The file is too long to be meant.
    #[error("{path} has more than {FILE_BYTES_MAX} bytes; a configuration has a few hundred", path = path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
    },
    /// Something in it is wrong.
    #[error("{path}:{line}: {what}; {help}", path = path.display())]
    Faulty {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// What is wrong.
        what: String,
        /// What to do.
        help: String,
    },
}

impl Config {
    /// What a file says; the defaults if there is none.
    ///
    /// # Errors
    ///
    /// The file is there and cannot be read, could have been written by others than its owner, who is root or whoever asks, or has a
    /// fault.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let unreadable = |source| ConfigError::Unreadable { path: path.to_owned(), source };
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(unreadable(error)),
        };
        let status = file.metadata().map_err(unreadable)?;
        let own = rustix::process::geteuid().as_raw();
        if status.mode() & WRITABLE_BY_OTHERS != 0 || ![0, own].contains(&status.uid()) {
            return Err(ConfigError::Distrusted { path: path.to_owned() });
        }
        let mut text = String::new();
        file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text).map_err(unreadable)?;
        if text.len() as u64 > FILE_BYTES_MAX {
            return Err(ConfigError::TooLong { path: path.to_owned() });
        }
        Self::parse(path, &text)
    }

    /// What a text says. `path` is for messages.
    ///
    /// # Errors
    ///
    /// The first fault.
    pub fn parse(path: &Path, text: &str) -> Result<Self, ConfigError> {
        written::read(text).and_then(check::check).map_err(|fault| ConfigError::Faulty {
            path: path.to_owned(),
            line: fault.line,
            what: fault.what,
            help: fault.help,
        })
    }

    /// How many of the record's files are kept: what is said there, and at least what sinks are promised.
    #[must_use]
    pub fn files_kept(&self) -> u64 {
        // The file that is being written is not full.
        self.record.keep.max(self.spool_mb.div_ceil(self.record.rotate_mb.max(1)) + 1)
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            record: RecordConfig::default(),
            redact: Redact { defaults: true, patterns: Vec::new() },
            sinks: Vec::new(),
            metrics: None,
            spool_mb: check::SPOOL_MB_DEFAULT,
        }
    }
}

impl Default for RecordConfig {
    fn default() -> Self {
        Self { directory: "/var/log/sac".into(), rotate_mb: 64, keep: 16, sync: Sync::Second }
    }
}

#[cfg(test)]
mod tests;
