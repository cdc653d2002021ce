// SPDX-License-Identifier: MIT OR Apache-2.0
//! The arguments of the module's line in a PAM configuration.
//!
//! No argument is ever an error: a typing mistake in `/etc/pam.d` must not lock people out. It is a warning that names
//! the argument and what is used instead, and what is used instead is never looser than the default.
#![forbid(unsafe_code)]

use crate::text::quoted;
use sac_abi::pam::SOCKET_PATH;
use std::ffi::{CStr, CString, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Used where `timeout=` is absent or unusable.
const TIMEOUT_DEFAULT: Duration = Duration::from_secs(3);
const TIMEOUT_MIN: Duration = Duration::from_millis(100);
const TIMEOUT_MAX: Duration = Duration::from_secs(60);

/// Bytes of `sockaddr_un.sun_path` without the closing NUL, see unix(7).
const SOCKET_PATH_BYTES_MAX: usize = 107;

/// What becomes of a login when the loader cannot be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FailMode {
    /// It is refused.
    Closed,
    /// It goes on without a policy.
    Open,
}

/// Whether successes are logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verbosity {
    Normal,
    Debug,
}

/// One entry of `exempt=`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Exempt {
    /// A user, by the name that the login uses.
    User(CString),
    /// A group, written with `@` before it.
    Group(CString),
}

impl Exempt {
    /// The entry as the administrator wrote it.
    pub(crate) fn spelling(&self) -> Vec<u8> {
        match self {
            Self::User(name) => name.as_bytes().to_vec(),
            Self::Group(name) => [b"@", name.as_bytes()].concat(),
        }
    }
}

/// All arguments of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) fail: FailMode,
    /// For the whole exchange with the loader.
    pub(crate) timeout: Duration,
    pub(crate) exempt: Vec<Exempt>,
    pub(crate) socket: PathBuf,
    pub(crate) verbosity: Verbosity,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            fail: FailMode::Closed,
            timeout: TIMEOUT_DEFAULT,
            exempt: Vec::new(),
            socket: PathBuf::from(SOCKET_PATH),
            verbosity: Verbosity::Normal,
        }
    }
}

impl Options {
    /// Reads a line's arguments; the second part is one warning per argument that could not be used.
    ///
    /// Of two arguments of one name the later holds, except that `exempt=` adds to the list.
    pub(crate) fn parse(args: &[&CStr]) -> (Self, Vec<String>) {
        let mut options = Self::default();
        let mut warnings = Vec::new();
        for arg in args {
            if let Err(warning) = options.apply(arg.to_bytes()) {
                warnings.push(format!("argument {} {warning}", quoted(arg.to_bytes())));
            }
        }
        (options, warnings)
    }

    fn apply(&mut self, arg: &[u8]) -> Result<(), String> {
        let (name, value) = match arg.iter().position(|&byte| byte == b'=') {
            Some(at) => (arg.get(..at), arg.get(at + 1..)),
            None => (Some(arg), None),
        };
        match (name.unwrap_or_default(), value) {
            (b"debug", None) => self.verbosity = Verbosity::Debug,
            (b"fail", Some(value)) => return self.apply_fail(value),
            (b"timeout", Some(value)) => return self.apply_timeout(value),
            (b"exempt", Some(value)) => return self.apply_exempt(value),
            (b"socket", Some(value)) => return self.apply_socket(value),
            _ => return Err("is unknown and ignored".to_owned()),
        }
        Ok(())
    }

    fn apply_fail(&mut self, value: &[u8]) -> Result<(), String> {
        match value {
            b"closed" => self.fail = FailMode::Closed,
            b"open" => self.fail = FailMode::Open,
            _ => {
                self.fail = FailMode::Closed;
                return Err("is neither fail=closed nor fail=open; fail=closed is used".to_owned());
            }
        }
        Ok(())
    }

    fn apply_timeout(&mut self, value: &[u8]) -> Result<(), String> {
        let timeout = parse_duration(value).filter(|timeout| (TIMEOUT_MIN..=TIMEOUT_MAX).contains(timeout));
        self.timeout = timeout.unwrap_or(TIMEOUT_DEFAULT);
        timeout.map(|_| ()).ok_or_else(|| {
            format!(
                "is no time between {TIMEOUT_MIN:?} and {TIMEOUT_MAX:?}; timeout={TIMEOUT_DEFAULT:?} is used"
            )
        })
    }

    fn apply_exempt(&mut self, value: &[u8]) -> Result<(), String> {
        let mut unusable = false;
        for entry in value.split(|&byte| byte == b',') {
            let (name, group): (&[u8], _) = match entry.strip_prefix(b"@") {
                Some(name) => (name, true),
                None => (entry, false),
            };
            match CString::new(name) {
                Ok(name) if !name.is_empty() => {
                    self.exempt.push(if group { Exempt::Group(name) } else { Exempt::User(name) });
                }
                _ => unusable = true,
            }
        }
        if unusable { Err("has an entry without a name; the others are used".to_owned()) } else { Ok(()) }
    }

    fn apply_socket(&mut self, value: &[u8]) -> Result<(), String> {
        let path = Path::new(OsStr::from_bytes(value));
        if path.is_absolute() && value.len() <= SOCKET_PATH_BYTES_MAX {
            self.socket = path.to_path_buf();
            return Ok(());
        }
        self.socket = PathBuf::from(SOCKET_PATH);
        Err(format!(
            "is no absolute path of at most {SOCKET_PATH_BYTES_MAX} bytes; socket={SOCKET_PATH} is used"
        ))
    }
}

/// Whole seconds as `3` or `3s`, milliseconds as `500ms`.
fn parse_duration(value: &[u8]) -> Option<Duration> {
    let (digits, unit): (&[u8], fn(u64) -> Duration) = if let Some(digits) = value.strip_suffix(b"ms") {
        (digits, Duration::from_millis)
    } else {
        (value.strip_suffix(b"s").unwrap_or(value), Duration::from_secs)
    };
    // `parse` alone would take a plus sign.
    let digits = std::str::from_utf8(digits).ok().filter(|d| d.bytes().all(|byte| byte.is_ascii_digit()))?;
    digits.parse().ok().map(unit)
}

#[cfg(test)]
mod tests;
