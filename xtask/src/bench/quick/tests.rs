// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is compared with what is kept.

use super::{EXECUTION, Group, OF_EXECUTIONS, OF_OPERATIONS, Row, margin, ratios};
use crate::bench::results::INSTRUCTIONS;

#[test]
fn ratios_are_thousandths_of_the_first_row_and_have_their_groups_margins() {
    let group = |title: &str, values: [u64; 3]| {
        let rows = ["nothing attached", "empty policy", "10,000 rules of every kind"].into_iter().zip(values);
        let rows = rows.map(|(title, value)| Row::once(title, value)).collect();
        Group { title: title.to_owned(), unit: INSTRUCTIONS, rows }
    };
    let groups = [
        group(EXECUTION, [300_000, 300_900, 303_100]),
        group("open to read, close", [12_000, 12_000, 18_000]),
    ];
    let ratios: Vec<_> = ratios(&groups).into_iter().collect();
    let wanted = [
        ("exec, 10,000 rules of every kind", 1_010),
        ("exec, empty policy", 1_003),
        ("open to read, close, 10,000 rules of every kind", 1_500),
        ("open to read, close, empty policy", 1_000),
    ];
    assert_eq!(ratios, wanted.map(|(name, ratio)| (name.to_owned(), ratio)));
    let margins: Vec<_> = wanted.map(|(name, _)| margin(name)).into();
    assert_eq!(margins, [OF_EXECUTIONS, OF_EXECUTIONS, OF_OPERATIONS, OF_OPERATIONS]);
}
