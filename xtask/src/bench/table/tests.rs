// SPDX-License-Identifier: MIT OR Apache-2.0
//! Numbers, and bars.

use super::{CHECK_MAX, Cost, SWAP_MAX, Table, difference, grouped, thousandths};
use crate::bench::operations::{Operation, Under};
use crate::bench::part::{Part, Parts};
use crate::bench::policies::{Kind, PROGRAMS};

fn cost(instructions: u64) -> Cost {
    Cost { title: "something".to_owned(), instructions }
}

fn table(many_rules: u64, check: u64, swap: u64) -> Table {
    let mut table = Table::default();
    table.set_plain(cost(90_000));
    table.add_execution(Kind::Empty, cost(95_000));
    table.add_execution(Kind::Paths(10), cost(100_000));
    table.add_execution(Kind::Paths(PROGRAMS), cost(many_rules));
    table.add_check(cost(check));
    table.add_swap(cost(swap));
    add_operations(&mut table, 1_030);
    table
}

/// Each operation, under what has no rule for it as well.
fn add_operations(table: &mut Table, without_rules: u64) {
    for operation in Operation::ALL {
        table.add_operation(operation, Under::Nothing, cost(1_000));
        table.add_operation(operation, Under::Empty, cost(without_rules));
        table.add_operation(operation, Under::Outside, cost(1_000));
    }
    // What has rules has no bar.
    table.add_operation(Operation::Read, Under::Files(10), cost(5_000));
}

/// A table of one part that was measured.
fn of_operations(without_rules: u64) -> Table {
    let mut table = Table::of(Parts { only: vec![Part::Operations] });
    add_operations(&mut table, without_rules);
    table
}

#[test]
fn each_bar_is_at_its_number() {
    assert!(table(102_000, CHECK_MAX, SWAP_MAX).holds());
    assert!(!table(102_001, 1, 1).holds());
    assert!(!table(1, CHECK_MAX + 1, 1).holds());
    assert!(!table(1, 1, SWAP_MAX + 1).holds());
    assert!(of_operations(1_030).holds());
    assert!(!of_operations(1_031).holds());
}

#[test]
fn a_part_has_its_own_bars_and_rows_alone() {
    let text = of_operations(1_031).to_string();
    assert_eq!(text.matches("MISSED").count(), Operation::ALL.len() + 1, "{text}");
    assert!(text.contains("5,000    5.000    +3,969\n"), "{text}");
    for other in ["execution", "the loader's work", "a check", "a swap"] {
        assert!(!text.contains(other), "{other}: {text}");
    }
    assert!(!table(1, 1, 1).to_string().contains("MISSED"));
}

#[test]
fn what_was_not_measured_does_not_hold() {
    assert!(!Table::default().holds());
    assert!(!Table { swaps: Vec::new(), ..table(1, 1, 1) }.holds());
    assert!(!Table { operations: Vec::new(), ..table(1, 1, 1) }.holds());
}

#[test]
fn the_table_compares() {
    let text = table(102_001, 1, 1).to_string();
    assert!(text.contains("102,001    1.133    +7,001"), "{text}");
    assert!(
        text.contains("MISSED: an execution costs at most 2 % more under 10,000 rules than under 10"),
        "{text}"
    );
}

#[test]
fn numbers_are_written_with_commas() {
    assert_eq!(
        ["0", "999", "1,000", "1,234,567"],
        [0, 999, 1_000, 1_234_567].map(grouped).each_ref().map(String::as_str)
    );
    assert_eq!(
        (thousandths(2, 3), difference(1_500, 500), difference(1, 3)),
        ("0.667".into(), "+1,000".into(), "-2".into())
    );
}
