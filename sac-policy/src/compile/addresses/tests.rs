// SPDX-License-Identifier: MIT OR Apache-2.0
//! Ports in blocks, networks as prefixes.

use super::*;
use proptest::prelude::*;

#[test]
fn all_ports_are_one_block() {
    let range = |first, last| PortRange { first, last };
    for ports in [&[][..], &[range(0, u16::MAX)], &[range(1, u16::MAX)], &[range(22, 22), range(1, u16::MAX)]]
    {
        assert_eq!(blocks(ports), [(0, 0)]);
    }
}

#[test]
fn networks_of_wrapped_addresses_are_those_of_the_addresses() {
    let of = |text: &str| prefix(text.parse().unwrap());
    assert_eq!(of("::ffff:10.0.0.0/104"), of("10.0.0.0/8"));
    assert_eq!(of("::ffff:0:0/96"), of("0.0.0.0/0"));
    let (family, bits, prefix_bits) = of("2001:db8::1");
    assert_eq!(
        (family, bits, prefix_bits),
        (Family::V6, AddressBits { high: 0x2001_0db8 << 32, low: 1 }, 128)
    );
    assert_eq!(of("::/0"), (Family::V6, AddressBits { high: 0, low: 0 }, 0));
}

proptest! {
    #[test]
    fn blocks_have_exactly_the_ports(first: u16, more in 0..5000_u16, probe: u16, near in -3..4_i32) {
        let last = first.saturating_add(more);
        let blocks = blocks(&[PortRange { first, last }]);
        prop_assert!(blocks.len() <= 30);
        let near = |port: u16| u16::try_from(i32::from(port) + near).unwrap_or(port);
        for port in [probe, near(first), near(last), first, last] {
            let shift = |bits: u8| 16 - u32::from(bits);
            let within = blocks.iter().filter(|(start, bits)| {
                port.checked_shr(shift(*bits)).unwrap_or(0) == start.checked_shr(shift(*bits)).unwrap_or(0)
            });
            prop_assert_eq!(within.count(), usize::from((first..=last).contains(&port)));
        }
    }
}
