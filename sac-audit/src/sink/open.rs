// SPDX-License-Identifier: MIT OR Apache-2.0
//! From a sink's configuration to the sink at work.

use super::address::Address;
use super::cursor::Cursor;
use super::delivery::{Delivery, Parts, Source};
use super::format::{Format, Identity};
use super::throttle::Throttle;
use super::transport::Transport;
use super::transport::datagram::{self, Datagrams};
use super::transport::http::{Endpoint, Http};
use super::transport::stream::{self, Framing, Stream};
use super::transport::tls::{Credentials, TlsError};
use crate::config::{self, Kind, OPEN_TO_OTHERS, SinkConfig, To};
use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where cursors are.
pub const CURSORS: &str = "/var/lib/sac/sinks";

/// Longest secret, in bytes.
const SECRET_BYTES_MAX: u64 = 4096;

/// Why a sink cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Certificates.
    #[error("sink {name}: {source}")]
    Tls {
        /// The sink.
        name: String,
        /// Why.
        source: TlsError,
    },
    /// The secret.
    #[error("sink {name}: {path}: {reason}; it must be a file with the secret that only root can read (`chmod 600`)", path = path.display())]
    Secret {
        /// The sink.
        name: String,
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The cursor.
    #[error("sink {name}: how far it came cannot be read or written: {source}; look at {CURSORS}")]
    Cursor {
        /// The sink.
        name: String,
        /// Why.
        source: io::Error,
    },
}

/// Opens a sink. Nothing is sent yet, and nobody is connected to. `cursors` is the directory of the cursors' files.
///
/// # Errors
///
/// A file that the sink needs cannot be used.
pub fn open(
    config: &SinkConfig,
    identity: &Identity,
    cursors: &Path,
    source: &impl Source,
) -> Result<Delivery, OpenError> {
    let SinkConfig { name, filter, timeout, kind } = config;
    let (format, transport) = parts(kind, name, *timeout)?;
    let throttle = match kind {
        Kind::Webhook { per_minute, .. } => Some(Throttle::new(*per_minute)),
        _ => None,
    };
    let parts = Parts {
        name: name.clone(),
        filter: filter.clone(),
        format,
        transport,
        throttle,
        cursor: Cursor::new(cursors, name),
        identity: identity.clone(),
    };
    Delivery::new(parts, source).map_err(|source| OpenError::Cursor { name: name.clone(), source })
}

fn parts(kind: &Kind, name: &str, timeout: Duration) -> Result<(Format, Box<dyn Transport>), OpenError> {
    let tls = |source| OpenError::Tls { name: name.to_owned(), source };
    Ok(match kind {
        Kind::Journald(path) => {
            (Format::Journald, Box::new(Datagrams::new(datagram::Receiver::Unix(path.clone()), timeout)))
        }
        Kind::Syslog(to, header) => {
            (Format::Syslog(*header), messages(to, Framing::OctetCounted, timeout).map_err(tls)?)
        }
        Kind::Cef(to, header) => {
            (Format::Cef(*header), messages(to, Framing::OctetCounted, timeout).map_err(tls)?)
        }
        Kind::OcsfLines(to) => (Format::Ocsf, messages(to, Framing::Lines, timeout).map_err(tls)?),
        Kind::OcsfPost(http) => (Format::OcsfList, requests(http, None, timeout).map_err(tls)?),
        Kind::Otlp(http) => (Format::Otlp, requests(http, None, timeout).map_err(tls)?),
        Kind::Webhook { http, secret_file, .. } => {
            let secret = secret(secret_file).map_err(|reason| OpenError::Secret {
                name: name.to_owned(),
                path: secret_file.clone(),
                reason,
            })?;
            (Format::Webhook, requests(http, Some(secret), timeout).map_err(tls)?)
        }
    })
}

fn messages(to: &To, framing: Framing, timeout: Duration) -> Result<Box<dyn Transport>, TlsError> {
    let stream = |receiver| Box::new(Stream::new(receiver, framing, timeout));
    Ok(match &to.address {
        Address::Unix(path) => Box::new(Datagrams::new(datagram::Receiver::Unix(path.clone()), timeout)),
        Address::Udp(host) => Box::new(Datagrams::new(datagram::Receiver::Udp(host.clone()), timeout)),
        Address::UnixStream(path) => stream(stream::Receiver::Unix(path.clone())),
        Address::Tcp(host) => stream(stream::Receiver::Tcp(host.clone())),
        Address::Tls(host) => {
            let config = Credentials::read(&to.tls)?.for_streams()?;
            stream(stream::Receiver::Tls(host.clone(), config))
        }
    })
}

fn requests(
    http: &config::Http,
    secret: Option<Vec<u8>>,
    timeout: Duration,
) -> Result<Box<dyn Transport>, TlsError> {
    let is_https = http.url.get(..6).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https:"));
    let credentials = if is_https { Some(Credentials::read(&http.tls)?) } else { None };
    let endpoint = Endpoint { url: http.url.clone(), headers: http.headers.clone(), secret };
    Ok(Box::new(Http::new(endpoint, credentials.as_ref(), timeout)))
}

/// The secret, without the end of line that editors leave.
fn secret(path: &Path) -> Result<Vec<u8>, String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    let status = file.metadata().map_err(|error| error.to_string())?;
    if status.mode() & OPEN_TO_OTHERS != 0 {
        return Err("others than its owner can open it".to_owned());
    }
    let mut secret = Vec::new();
    file.take(SECRET_BYTES_MAX + 1).read_to_end(&mut secret).map_err(|error| error.to_string())?;
    while secret.last().is_some_and(u8::is_ascii_whitespace) {
        secret.pop();
    }
    match secret.len() {
        0 => Err("it is empty".to_owned()),
        length if length as u64 > SECRET_BYTES_MAX => Err("it is too long".to_owned()),
        _ => Ok(secret),
    }
}

#[cfg(test)]
mod tests;
