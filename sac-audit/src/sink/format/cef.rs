// SPDX-License-Identifier: MIT OR Apache-2.0
//! The Common Event Format, version 0, for ArcSight and those that read it.
//!
//! Keys and their lengths are those of "ArcSight Common Event Format (CEF) Implementation Standard", version 26.

use super::Identity;
use crate::record::{Entry, Event, Execution, File, Operation, Record, Severity};
use crate::sink::facts::{Disposition, disposition, process, verdict};
use crate::sink::fields::{beginning, words};
use crate::sink::message;
use std::fmt::Write as _;
use std::net::IpAddr;

/// Longest value of most keys, in bytes.
const VALUE_BYTES_MAX: usize = 1023;
/// Longest value of `cs1` to `cs6`.
const CUSTOM_BYTES_MAX: usize = 4000;
/// Longest value of `act`.
const ACT_BYTES_MAX: usize = 63;
/// What a value ends with that was cut.
const CUT_MARK: &str = "…";

/// A record as `CEF:0|…`.
#[must_use]
pub fn event(record: &Record, identity: &Identity) -> String {
    let name = record.entry.event.name();
    let head = [
        "SAC".to_owned(),
        "Server Access Control".to_owned(),
        identity.version.clone(),
        name.to_owned(),
        name.replace('-', " "),
        severity(record.entry.severity).to_string(),
    ];
    let mut cef = "CEF:0|".to_owned();
    for part in head {
        cef += &part.replace('\\', r"\\").replace('|', r"\|").replace(['\n', '\r'], " ");
        cef.push('|');
    }
    cef + &Extension::of(record).text
}

/// A severity as CEF counts it, from 0 to 10.
const fn severity(severity: Severity) -> u8 {
    match severity {
        Severity::Info => 1,
        Severity::Low => 3,
        Severity::Medium => 5,
        Severity::High => 8,
        Severity::Critical => 10,
    }
}

/// The list of keys and values.
#[derive(Default)]
struct Extension {
    text: String,
}

impl Extension {
    fn of(record: &Record) -> Self {
        let mut keys = Self::default();
        let Entry { time, event, session, .. } = &record.entry;
        keys.add("rt", &time.as_millisecond().to_string(), VALUE_BYTES_MAX);
        keys.add("dvchost", &record.host, 100);
        keys.add("externalId", &record.number.to_string(), 40);
        keys.add("msg", &message(record), VALUE_BYTES_MAX);
        if let Some(disposition) = disposition(event) {
            let outcome = if disposition == Disposition::Blocked { "failure" } else { "success" };
            keys.add("outcome", outcome, ACT_BYTES_MAX);
        }
        if let Some(session) = session {
            keys.add("suser", &session.user, VALUE_BYTES_MAX);
            keys.add("suid", &session.uid.to_string(), VALUE_BYTES_MAX);
            keys.source(&session.from);
            keys.custom(1, "session", &session.id);
            keys.number(1, "sequence", session.sequence);
        }
        keys.verdict(event);
        keys.act(event);
        keys
    }

    fn add(&mut self, key: &str, value: &str, bytes_max: usize) {
        if value.is_empty() {
            return;
        }
        if !self.text.is_empty() {
            self.text.push(' ');
        }
        let value = escaped(&cut(value, bytes_max));
        // Formatting into a text cannot fail.
        write!(self.text, "{key}={value}").unwrap_or_default();
    }

    fn custom(&mut self, index: u8, label: &str, value: &str) {
        if !value.is_empty() {
            self.add(&format!("cs{index}Label"), label, VALUE_BYTES_MAX);
            self.add(&format!("cs{index}"), value, CUSTOM_BYTES_MAX);
        }
    }

    fn number(&mut self, index: u8, label: &str, value: u64) {
        self.add(&format!("cn{index}Label"), label, VALUE_BYTES_MAX);
        self.add(&format!("cn{index}"), &value.to_string(), VALUE_BYTES_MAX);
    }

    /// `src` takes addresses only.
    fn source(&mut self, host: &str) {
        let key = if host.parse::<IpAddr>().is_ok() { "src" } else { "shost" };
        self.add(key, host, VALUE_BYTES_MAX);
    }

    fn verdict(&mut self, event: &Event) {
        if let Some(verdict) = verdict(event) {
            self.add("act", &verdict.action, ACT_BYTES_MAX);
            self.custom(2, "policy", verdict.policy.as_deref().unwrap_or_default());
            self.custom(3, "rule", &verdict.rule);
        }
        if let Some(process) = process(event) {
            self.add("spid", &process.pid.to_string(), VALUE_BYTES_MAX);
            self.add("sproc", &process.comm.to_string(), VALUE_BYTES_MAX);
            let cwd = process.cwd.as_ref().map(ToString::to_string);
            self.custom(5, "working directory", cwd.as_deref().unwrap_or_default());
            self.custom(6, "terminal", process.tty.as_deref().unwrap_or_default());
            self.number(2, "effective uid", process.euid.into());
            self.number(3, "parent pid", process.parent_pid.into());
        }
    }

    /// What only some events have.
    fn act(&mut self, event: &Event) {
        match event {
            Event::Executed(execution) | Event::Blocked(execution) => self.execution(execution),
            Event::Operation(operation) => self.operation(operation),
            Event::SessionRefused { user, service, from, reason } => {
                self.add("suser", &user.to_string(), VALUE_BYTES_MAX);
                self.source(&from.to_string());
                self.add("sproc", &service.to_string(), VALUE_BYTES_MAX);
                self.add("reason", reason, VALUE_BYTES_MAX);
            }
            Event::IdentityChanged { by, to_user, to_uid, pid } => {
                self.add("duser", to_user, VALUE_BYTES_MAX);
                self.add("duid", &to_uid.to_string(), VALUE_BYTES_MAX);
                self.add("sproc", by, VALUE_BYTES_MAX);
                self.add("spid", &pid.to_string(), VALUE_BYTES_MAX);
            }
            Event::Granted(grant) | Event::GrantEnded { grant, .. } => {
                self.add("duser", &grant.user, VALUE_BYTES_MAX);
                self.add("dproc", &grant.program.to_string(), VALUE_BYTES_MAX);
                self.add("reason", &grant.reason, VALUE_BYTES_MAX);
            }
            Event::SessionControlled { reason, .. } | Event::PolicyRefused { reason } => {
                self.add("reason", reason, VALUE_BYTES_MAX);
            }
            Event::EventsLost { count, .. } => self.add("cnt", &count.to_string(), VALUE_BYTES_MAX),
            Event::Ended { pid, code, signal, .. } => {
                self.add("dpid", &pid.to_string(), VALUE_BYTES_MAX);
                if let Some(code) = code {
                    self.number(2, "exit code", (*code).into());
                }
                if let Some(signal) = signal {
                    self.number(3, "signal", (*signal).into());
                }
            }
            Event::Unlabelled { user, pid, outcome } => {
                self.add("suser", user, VALUE_BYTES_MAX);
                self.add("spid", &pid.to_string(), VALUE_BYTES_MAX);
                self.add("act", outcome, ACT_BYTES_MAX);
            }
            // The text of the message says the rest.
            _ => {}
        }
    }

    fn execution(&mut self, execution: &Execution) {
        let path = execution.file.path.to_string();
        self.add("dproc", &path, VALUE_BYTES_MAX);
        self.file(&execution.file);
        self.custom(4, "arguments", &words(&execution.arguments));
    }

    fn operation(&mut self, operation: &Operation) {
        if let Some(file) = &operation.file {
            self.file(file);
        }
        if let Some(Ok(address)) = operation.address.as_deref().map(str::parse::<std::net::SocketAddr>) {
            self.add("dst", &address.ip().to_string(), VALUE_BYTES_MAX);
            self.add("dpt", &address.port().to_string(), VALUE_BYTES_MAX);
        }
        self.add("cnt", &operation.count.to_string(), VALUE_BYTES_MAX);
        let what = operation.act.as_deref().unwrap_or(&operation.operation);
        self.custom(4, "operation", what);
    }

    fn file(&mut self, file: &File) {
        let path = file.path.to_string();
        let name = path.rsplit('/').next().unwrap_or_default();
        self.add("fname", name, VALUE_BYTES_MAX);
        self.add("filePath", &path, VALUE_BYTES_MAX);
        self.add("fileId", &file.inode.to_string(), VALUE_BYTES_MAX);
    }
}

fn cut(value: &str, bytes_max: usize) -> String {
    if value.len() <= bytes_max {
        return value.to_owned();
    }
    format!("{}{CUT_MARK}", beginning(value, bytes_max - CUT_MARK.len()))
}

/// A value: backslashes and equal signs are escaped, and ends of lines written as letters.
fn escaped(value: &str) -> String {
    value.replace('\\', r"\\").replace('=', r"\=").replace('\n', r"\n").replace('\r', r"\r")
}

#[cfg(test)]
mod tests;
