// SPDX-License-Identifier: MIT OR Apache-2.0
//! No text is too strange for the reader.

use super::meaning::{MORE, WHOLE};
use super::*;
use proptest::prelude::*;

/// Reads whatever it is given and shows what is wrong with it; that it comes back is the test.
fn survive(bytes: Vec<u8>) {
    let faults = match Source::from_bytes("p.yaml", bytes).map(|source| PolicySet::from_sources(vec![source]))
    {
        Ok(Ok(loaded)) => loaded.warnings.render(Colour::Always),
        Ok(Err(faults)) => faults.render(Colour::Never),
        Err(fault) => fault.message().to_owned(),
    };
    std::hint::black_box(faults);
}

/// Pieces that mean something to YAML or to the language.
const PIECES: &[&str] = &[
    "policy",
    "applies_to",
    "everyone",
    "users",
    "programs",
    "deny",
    "allow",
    "path",
    "rule_set",
    "inherits",
    "when",
    "hours",
    "09:00-18:00",
    "args",
    "10.0.0.0/8",
    "1h30m",
    "true",
    "action",
    "kill",
    "/usr/bin/df",
    "root",
    ": ",
    ":",
    "- ",
    "-",
    "\n",
    "\r\n",
    "  ",
    "\t",
    "[",
    "]",
    "{",
    "}",
    ",",
    "'",
    "\"",
    "|",
    ">",
    "&a",
    "*a",
    "!t",
    "!!binary",
    "#",
    "%YAML",
    "---",
    "...",
    "? ",
    "<<",
    "~",
    "0x",
    "1e9",
    "ä",
    "\u{feff}",
    "\u{0}",
    "\u{9b}",
    "\u{2028}",
    "\\x00",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        survive(bytes);
    }

    #[test]
    fn any_pieces_of_yaml_are_survived(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..60)) {
        survive(pieces.concat().into_bytes());
    }

    #[test]
    fn any_mutation_of_a_policy_is_survived(
        mutations in prop::collection::vec(
            (any::<prop::sample::Index>(), 0_usize..12, prop::sample::select(PIECES)),
            1..6,
        ),
        which in 0_usize..2,
    ) {
        let mut bytes = [WHOLE, MORE][which].as_bytes().to_vec();
        for (index, removed, piece) in mutations {
            let start = index.index(bytes.len() + 1);
            let end = (start + removed).min(bytes.len());
            bytes.splice(start..end, piece.bytes());
        }
        survive(bytes);
    }
}
