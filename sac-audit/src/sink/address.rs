// SPDX-License-Identifier: MIT OR Apache-2.0
//! Addresses of receivers, as the configuration has them.

use std::fmt;
use std::net::Ipv6Addr;
use std::path::PathBuf;
use std::str::FromStr;

/// Where a sink sends to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// `unix:/dev/log`: datagrams to a socket of this machine.
    Unix(PathBuf),
    /// `unix-stream:/run/collector`: a stream to a socket of this machine.
    UnixStream(PathBuf),
    /// `udp://host:514`.
    Udp(HostPort),
    /// `tcp://host:601`.
    Tcp(HostPort),
    /// `tls://host:6514`.
    Tls(HostPort),
}

/// A host by name or address, and a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostPort {
    /// A name, or an address without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

/// What is wrong with an address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{written}` is no address: {reason}")]
pub struct InvalidAddress {
    written: String,
    reason: &'static str,
}

impl FromStr for Address {
    type Err = InvalidAddress;

    fn from_str(written: &str) -> Result<Self, InvalidAddress> {
        let invalid = |reason| InvalidAddress { written: written.escape_default().to_string(), reason };
        let path = |path: &str| {
            let path = PathBuf::from(path);
            if path.is_absolute() { Ok(path) } else { Err(invalid("a socket's path begins with `/`")) }
        };
        if let Some(socket) = written.strip_prefix("unix:") {
            return Ok(Self::Unix(path(socket)?));
        }
        if let Some(socket) = written.strip_prefix("unix-stream:") {
            return Ok(Self::UnixStream(path(socket)?));
        }
        let Some((scheme, rest)) = written.split_once("://") else {
            return Err(invalid(
                "write `unix:/PATH`, `udp://HOST:PORT`, `tcp://HOST:PORT` or `tls://HOST:PORT`",
            ));
        };
        let host = rest.parse().map_err(invalid)?;
        match scheme {
            "udp" => Ok(Self::Udp(host)),
            "tcp" => Ok(Self::Tcp(host)),
            "tls" => Ok(Self::Tls(host)),
            _ => Err(invalid("it begins with `unix:`, `unix-stream:`, `udp://`, `tcp://` or `tls://`")),
        }
    }
}

impl FromStr for HostPort {
    type Err = &'static str;

    fn from_str(written: &str) -> Result<Self, &'static str> {
        let (host, port) = written.rsplit_once(':').ok_or("the port is missing, as in `HOST:514`")?;
        let port =
            port.parse().ok().filter(|port| *port != 0).ok_or("the port is a number from 1 to 65535")?;
        let host = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
            Some(host) if host.parse::<Ipv6Addr>().is_ok() => host,
            Some(_) => return Err("what is in brackets is no IPv6 address"),
            None if host.contains(':') => {
                return Err("an IPv6 address stands in brackets, as in `[::1]:514`");
            }
            None => host,
        };
        let is_name = |character: char| character.is_ascii_alphanumeric() || ".-_:".contains(character);
        if host.is_empty() || !host.chars().all(is_name) {
            return Err("the host is a name or an address");
        }
        Ok(Self { host: host.to_owned(), port })
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port } = self;
        if host.contains(':') {
            write!(formatter, "[{host}]:{port}")
        } else {
            write!(formatter, "{host}:{port}")
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(formatter, "unix:{}", path.display()),
            Self::UnixStream(path) => write!(formatter, "unix-stream:{}", path.display()),
            Self::Udp(host) => write!(formatter, "udp://{host}"),
            Self::Tcp(host) => write!(formatter, "tcp://{host}"),
            Self::Tls(host) => write!(formatter, "tls://{host}"),
        }
    }
}

#[cfg(test)]
mod tests;
