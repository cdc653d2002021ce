// SPDX-License-Identifier: MIT OR Apache-2.0
//! Addresses and ports, and how much of them a rule names.

/// How much of an address and a port a rule names: prefixes of both. Rules of one shape are found by one look-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Shape {
    family: Family,
    address_bits: u8,
    port_bits: u8,
}

/// Address family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Family {
    /// IPv4.
    V4 = 1,
    /// IPv6. An IPv4-mapped address is one of IPv4.
    V6 = 2,
}

impl Family {
    /// Bits of an address.
    #[must_use]
    #[inline(always)]
    pub const fn bits(self) -> u8 {
        match self {
            Self::V4 => 32,
            Self::V6 => 128,
        }
    }
}

impl Shape {
    /// Most shapes in one policy.
    pub const COUNT_MAX: u32 = 64;

    /// The first `address_bits` of an address and the first `port_bits` of a port; `None` where it has fewer.
    #[must_use]
    pub const fn new(family: Family, address_bits: u8, port_bits: u8) -> Option<Self> {
        if address_bits > family.bits() || port_bits > 16 {
            return None;
        }
        Some(Self { family, address_bits, port_bits })
    }

    /// As it stands in the map; never 0.
    #[must_use]
    #[inline(always)]
    pub const fn to_bits(self) -> u32 {
        self.address_bits as u32 | (self.port_bits as u32) << 8 | (self.family as u32) << 13
    }

    /// The shape that stands in the map as `bits`; `None` for 0 and for what is none.
    #[must_use]
    #[inline(always)]
    pub const fn from_bits(bits: u32) -> Option<Self> {
        let family = match bits >> 13 {
            1 => Family::V4,
            2 => Family::V6,
            _ => return None,
        };
        Self::new(family, (bits & 0xff) as u8, (bits >> 8 & 0x1f) as u8)
    }

    /// The family that it is for.
    #[must_use]
    #[inline(always)]
    pub const fn family(self) -> Family {
        self.family
    }

    #[inline(always)]
    pub(super) const fn masked_address(self, address: AddressBits) -> (u64, u64) {
        let bits = self.address_bits as u32;
        let low_bits = bits.saturating_sub(64);
        (address.high & prefix_mask(bits - low_bits), address.low & prefix_mask(low_bits))
    }

    #[inline(always)]
    pub(super) const fn masked_port(self, port: u16) -> u16 {
        if self.port_bits == 0 { 0 } else { port >> (16 - self.port_bits) << (16 - self.port_bits) }
    }
}

/// The upper `bits` bits of a word, at most 64.
#[inline(always)]
const fn prefix_mask(bits: u32) -> u64 {
    if bits == 0 { 0 } else { u64::MAX << ((64 - bits) & 63) }
}

/// The bits of an address from the first on; an IPv4 address fills the upper half of `high`. Two words, because BPF has no
/// arithmetic of 128 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AddressBits {
    /// The first 64 bits.
    pub high: u64,
    /// The last 64 bits.
    pub low: u64,
}

impl AddressBits {
    /// The bits of an IPv4 address.
    #[must_use]
    #[inline(always)]
    pub const fn v4(address: u32) -> Self {
        Self { high: (address as u64) << 32, low: 0 }
    }
}
