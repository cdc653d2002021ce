// SPDX-License-Identifier: MIT OR Apache-2.0
//! Formats: from records to the bytes that a receiver takes. Nothing here waits, reads a clock or keeps anything.

pub mod cef;
pub mod journald;
pub mod ocsf;
pub mod otlp;
pub mod syslog;
pub mod webhook;

use super::throttle::HeldBack;
use crate::record::Record;

/// What is known about the sender, and is in no record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Version of SAC.
    pub version: String,
    /// Process id of the loader.
    pub pid: u32,
}

/// The bytes of one message, and how many records are in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// What is sent, without what a transport puts around it.
    pub bytes: Vec<u8>,
    /// How many of the records that were given are in it, in order.
    pub records: usize,
}

/// A format, with what was said about it in the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Format {
    /// The journal's native protocol.
    Journald,
    /// RFC 5424.
    Syslog(syslog::Header),
    /// CEF in a syslog message.
    Cef(syslog::Header),
    /// OCSF, a message for each record.
    Ocsf,
    /// OCSF, a list of all records.
    OcsfList,
    /// OpenTelemetry's logs as JSON.
    Otlp,
    /// Alerts as JSON, a message for each.
    Webhook,
}

impl Format {
    /// The records as messages.
    #[must_use]
    pub fn encode(&self, records: &[Record], identity: &Identity) -> Vec<Message> {
        let one_each = |encode: &dyn Fn(&Record) -> Vec<u8>| {
            records.iter().map(|record| Message { bytes: encode(record), records: 1 }).collect()
        };
        let together = |bytes| vec![Message { bytes, records: records.len() }];
        match self {
            Self::Journald => one_each(&|record| journald::entry(record, identity)),
            Self::Syslog(header) => one_each(&|record| syslog::message(record, header, identity)),
            Self::Cef(header) => {
                one_each(&|record| syslog::around(record, header, identity, &cef::event(record, identity)))
            }
            Self::Ocsf => one_each(&|record| ocsf::event(record, identity).to_string().into_bytes()),
            Self::OcsfList => together(ocsf::list(records, identity)),
            Self::Otlp => together(otlp::request(records, identity)),
            Self::Webhook => one_each(&webhook::alert),
        }
    }

    /// The message that says what a rate limit held back, where the format has one.
    #[must_use]
    pub fn held_back(&self, held: &HeldBack) -> Option<Message> {
        matches!(self, Self::Webhook).then(|| Message { bytes: webhook::held_back(held), records: 0 })
    }
}
