// SPDX-License-Identifier: MIT OR Apache-2.0
//! Rules for connections.
//!
//! A rule is entered once for each block of ports whose size is a power of two and that begins at a multiple of it. What
//! prefixes of address and port a block has is its shape; the kernel half makes one look-up for each shape that there is.

use super::Compiler;
use crate::code::Code;
use crate::fault::Fault;
use crate::files::Files;
use crate::network::{Network, PortRange};
use crate::policy::Rule;
use sac_abi::RuleKey;
use sac_abi::rule::{AddressBits, Family, Shape};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Bits of the prefix that IPv4 addresses have where they are written as IPv6 addresses, `::ffff:0:0/96`.
const MAPPED_PREFIX_BITS: u8 = 96;

/// The shapes that a policy's rules have, and the first rule of each.
#[derive(Clone, Debug, Default)]
pub(super) struct Addresses<'p> {
    shapes: BTreeMap<Shape, &'p Rule>,
}

impl<'p, F: Files> Compiler<'p, F> {
    /// A rule for connections.
    pub(super) fn address(&mut self, rule: &'p Rule, network: Network, ports: &[PortRange]) {
        let (family, bits, prefix_bits) = prefix(network);
        for (port, port_bits) in blocks(ports) {
            if let Some(shape) = Shape::new(family, prefix_bits, port_bits) {
                self.addresses.shapes.entry(shape).or_insert(rule);
                self.hold(RuleKey::address(shape, bits, port), rule);
            }
        }
    }

    /// Writes the list of shapes; `false` where there are too many.
    pub(super) fn shapes(&mut self) -> bool {
        let shapes = std::mem::take(&mut self.addresses).shapes;
        for (index, shape) in (0..Shape::COUNT_MAX).zip(shapes.keys()) {
            self.entries.insert(RuleKey::shape(index), shape.to_bits().into());
        }
        let last = usize::try_from(Shape::COUNT_MAX).unwrap_or(usize::MAX);
        let Some(rule) = shapes.values().skip(last).min_by_key(|rule| rule.number) else {
            return true;
        };
        let message = format!(
            "the rules for connections have {} different sizes of networks and ranges of ports",
            shapes.len()
        );
        let help = format!(
            "{} are possible; use fewer sizes of networks, and ranges such as 1024-2047 that begin at a multiple of their size",
            Shape::COUNT_MAX
        );
        self.warnings.push(Fault::new(Code::TooManyShapes, rule.place(), message).help(help));
        false
    }
}

/// A network as the kernel half knows it: one of IPv4 addresses in IPv6 is one of IPv4.
fn prefix(network: Network) -> (Family, AddressBits, u8) {
    match network.address() {
        IpAddr::V4(address) => (Family::V4, AddressBits::v4(address.to_bits()), network.prefix_bits()),
        IpAddr::V6(address) => {
            match (address.to_ipv4_mapped(), network.prefix_bits().checked_sub(MAPPED_PREFIX_BITS)) {
                (Some(address), Some(prefix_bits)) => {
                    (Family::V4, AddressBits::v4(address.to_bits()), prefix_bits)
                }
                _ => (Family::V6, v6(address.octets()), network.prefix_bits()),
            }
        }
    }
}

fn v6(octets: [u8; 16]) -> AddressBits {
    let half = |octets: &[u8]| octets.iter().fold(0, |bits, octet| bits << 8 | u64::from(*octet));
    AddressBits {
        high: half(octets.get(..8).unwrap_or_default()),
        low: half(octets.get(8..).unwrap_or_default()),
    }
}

/// Ranges of ports as blocks: the first port of each, and how many bits its ports share.
fn blocks(ports: &[PortRange]) -> Vec<(u16, u8)> {
    // Nothing listens on port 0, so leaving it out is no difference, and without one there is one block instead of sixteen.
    if ports.is_empty() || ports.iter().any(|range| range.first <= 1 && range.last == u16::MAX) {
        return vec![(0, 0)];
    }
    let mut blocks = Vec::new();
    for range in ports {
        let mut next = u32::from(range.first);
        let end = u32::from(range.last) + 1;
        while next < end {
            let aligned = if next == 0 { 16 } else { next.trailing_zeros().min(16) };
            let size_bits = aligned.min((end - next).ilog2());
            if let (Ok(port), Ok(size_bits)) = (u16::try_from(next), u8::try_from(size_bits)) {
                blocks.push((port, 16 - size_bits));
            }
            next += 1 << size_bits;
        }
    }
    blocks
}

#[cfg(test)]
mod tests;
