// SPDX-License-Identifier: MIT OR Apache-2.0
//! Connections.

use super::Judge;
use crate::files::Files;
use crate::policy::Subject;
use sac_abi::Operation;
use sac_abi::decide::{Address, Verdict, decide_address};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Where the kernel connects to, as [`Address`] has it: an IPv4 address that is written as one of IPv6 is that IPv4 address, and
/// the unspecified ones are the machine itself.
fn meant(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) if address.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(address) if address.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        address => address,
    }
}

impl<F: Files> Judge<'_, F> {
    /// The verdict on a connection.
    pub(super) fn connect(&mut self, address: SocketAddr) -> Verdict {
        let port = address.port();
        let asked = match address.ip() {
            IpAddr::V4(address) => Address::v4(address.to_bits(), port),
            IpAddr::V6(address) => {
                let half = |octets: &[u8]| octets.iter().fold(0, |bits, octet| bits << 8 | u64::from(*octet));
                let octets = address.octets();
                Address::v6(
                    half(octets.get(..8).unwrap_or_default()),
                    half(octets.get(8..).unwrap_or_default()),
                    port,
                )
            }
        };
        let verdict = decide_address(self.compiled, asked);
        let meant = meant(address.ip());
        if meant != address.ip() {
            self.step(format!("the address {address}"), format!("it leads to {meant}"), None);
        }
        let address = SocketAddr::new(meant, port);
        let mut none = true;
        for rule in &self.policy.rules {
            let Subject::Address { network, ports } = &rule.subject else { continue };
            let holds_now = rule.when.as_ref().is_none_or(|when| when.holds(self.situation.at));
            let has_port =
                ports.is_empty() || ports.iter().any(|range| (range.first..=range.last).contains(&port));
            if holds_now && has_port && network.contains(meant) {
                none = false;
                let said = format!("{} holds for it", self.rule_in_words(rule));
                self.step(format!("the address {address}"), said, Some(rule));
            }
        }
        if none {
            self.step(format!("the address {address}"), "no rule holds for it".to_owned(), None);
            self.default_step(Operation::Connect, verdict);
        }
        verdict
    }
}
