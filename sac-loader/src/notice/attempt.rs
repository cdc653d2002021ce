// SPDX-License-Identifier: MIT OR Apache-2.0
//! What an event is about, in words for people and for the log.

use super::{place, place::Mounts, shown};
use sac_abi::{
    Operation,
    event::{Act, Event, EventPath, Form},
};

/// What somebody did or tried. All texts are harmless to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Attempt {
    /// To execute a program.
    Execution {
        /// Its path.
        path: String,
        /// Its path as it was given.
        executed: String,
    },
    /// To map a program into one that runs already, which could execute it in this way.
    Mapping {
        /// The program's path.
        path: String,
    },
    /// To make memory executable that comes from no file.
    Memory,
    /// Something with a file or a name.
    File {
        /// What.
        operation: &'static str,
        /// The file's path.
        path: String,
    },
    /// As root, something that could free a session of its policy.
    Administration {
        /// What, in words.
        act: &'static str,
    },
    /// To connect.
    Connection {
        /// Address and port.
        address: String,
    },
}

impl Attempt {
    /// What `event` is about.
    pub(crate) fn of(event: &Event, mounts: &mut Mounts) -> Self {
        match event.operation() {
            Some(Operation::Execute) if event.mapped == 0 => {
                Self::Execution { path: shown(event.resolved()), executed: shown(event.executed()) }
            }
            Some(Operation::Execute) if is_about_no_file(event) => Self::Memory,
            Some(Operation::Execute) => Self::Mapping { path: path(event, mounts) },
            Some(Operation::Connect) => {
                let address = event.address();
                let address =
                    address.map_or_else(|| "an unknown address".to_owned(), |address| address.to_string());
                Self::Connection { address }
            }
            Some(Operation::Administer) => {
                Self::Administration { act: event.act().map_or("something unknown", Act::as_str) }
            }
            Some(operation) => Self::File { operation: operation.as_str(), path: path(event, mounts) },
            None => Self::File { operation: "unknown operation", path: path(event, mounts) },
        }
    }

    /// Whether a program was to be executed, and not only mapped.
    pub(crate) const fn is_execution(&self) -> bool {
        matches!(self, Self::Execution { .. })
    }

    /// The operation, as policies call it.
    pub(crate) const fn operation(&self) -> &'static str {
        match self {
            Self::Execution { .. } | Self::Mapping { .. } | Self::Memory => Operation::Execute.as_str(),
            Self::File { operation, .. } => operation,
            Self::Administration { .. } => Operation::Administer.as_str(),
            Self::Connection { .. } => Operation::Connect.as_str(),
        }
    }

    /// The path, where it is about a file.
    pub(crate) fn path(&self) -> Option<&str> {
        match self {
            Self::Execution { path, .. } | Self::Mapping { path } | Self::File { path, .. } => Some(path),
            Self::Memory | Self::Administration { .. } | Self::Connection { .. } => None,
        }
    }

    /// The path as it was given to be executed.
    pub(crate) fn executed(&self) -> Option<&str> {
        if let Self::Execution { executed, .. } = self { Some(executed) } else { None }
    }

    /// The address, where it is a connection.
    pub(crate) fn address(&self) -> Option<&str> {
        if let Self::Connection { address } = self { Some(address) } else { None }
    }

    /// What root has tried, where it is that.
    pub(crate) const fn act(&self) -> Option<&'static str> {
        if let Self::Administration { act } = self { Some(*act) } else { None }
    }

    /// What became of it, for the log, which is sorted and searched by paths.
    pub(crate) fn outcome(&self, happened: &str) -> String {
        match self {
            Self::Execution { path, .. } => format!("{path} {happened}"),
            Self::Mapping { path } => format!("{path}: mapping {happened}"),
            Self::File { operation, path } => format!("{path}: {operation} {happened}"),
            Self::Memory | Self::Administration { .. } | Self::Connection { .. } => {
                format!("{} {happened}", self.named())
            }
        }
    }

    /// What it is, for those who tried it: a program as they called it.
    pub(crate) fn named(&self) -> String {
        match self {
            Self::Execution { executed, .. } => executed.clone(),
            Self::Mapping { path } => format!("mapping of {path}"),
            Self::Memory => "executable memory".to_owned(),
            Self::File { operation, path } => format!("{operation} of {path}"),
            Self::Administration { act } => (*act).to_owned(),
            Self::Connection { address } => format!("connection to {address}"),
        }
    }
}

/// The name of the thread that asked, as it can be shown.
pub(crate) fn comm(event: &Event) -> String {
    let bytes = event.caller.comm.split(|&byte| byte == 0).next().unwrap_or_default();
    shown(EventPath { bytes, cut: false })
}

/// Whether neither a path nor a name was there to be read.
fn is_about_no_file(event: &Event) -> bool {
    event.resolved_len == 0 && event.names().next().is_none()
}

/// The path of the file, as it can be shown.
fn path(event: &Event, mounts: &mut Mounts) -> String {
    match file(event, mounts) {
        Some((path, cut)) => shown(EventPath { bytes: &path, cut }),
        None => shown(event.resolved()),
    }
}

/// The path of the file that an operation is about, and whether it was cut; `None` where it is about something else.
pub(crate) fn file(event: &Event, mounts: &mut Mounts) -> Option<(Vec<u8>, bool)> {
    if event.form == Form::Path as u8 {
        let path = event.resolved();
        return Some((path.bytes.to_vec(), path.cut));
    }
    if event.form != Form::Names as u8 || is_about_no_file(event) {
        return None;
    }
    Some((place::path(event.names(), event.names_are_cut(), event.dev, mounts.text()), false))
}

/// The working directory of whoever did it, where it could be read.
pub(crate) fn cwd(event: &Event, mounts: &mut Mounts) -> Option<Vec<u8>> {
    if event.cwd_form == Form::Names as u8 {
        // The root of a file system has no name, and is a directory all the same.
        let is_read = event.cwd_len >= 0;
        let path = || place::path(event.cwd_names(), event.cwd_cut != 0, event.cwd_dev, mounts.text());
        return is_read.then(path);
    }
    let path = event.cwd();
    (!path.bytes.is_empty()).then(|| path.bytes.to_vec())
}

#[cfg(test)]
pub(crate) mod tests;
