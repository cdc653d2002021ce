// SPDX-License-Identifier: MIT OR Apache-2.0
//! Numbers, and bars.

use super::{CHECK_MAX, Cost, SWAP_MAX, Table, difference, grouped, thousandths};
use crate::bench::operations::{Operation, Under};
use crate::bench::part::{Part, Parts};
use crate::bench::policies::{Kind, PROGRAMS};
use crate::bench::record::Recorded;
use crate::bench::results::{Findings, Group};

fn cost(instructions: u64) -> Cost {
    Cost::of("something", vec![instructions]).unwrap()
}

/// Those of the parts with guests of their own.
fn add_findings(table: &mut Table) {
    for part in [Part::Peers, Part::Logins, Part::Stress] {
        let group = Group::of_costs(format!("of {part:?}"), &[cost(7)]);
        table.add_findings(Findings { part, groups: vec![group], bars: Vec::new() });
    }
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
    add_recorded(&mut table, 1_999, 0);
    add_findings(&mut table);
    table
}

#[test]
fn a_cost_is_the_one_in_the_middle() {
    let cost = Cost::of("something", vec![9, 2, 5]).unwrap();
    assert_eq!((cost.instructions, cost.least, cost.most), (5, 2, 9));
    Cost::of("something", Vec::new()).unwrap_err();
}

#[test]
fn all_that_was_measured_is_in_the_files() {
    let titles: Vec<_> = table(1, 1, 1).groups().into_iter().map(|group| group.title).collect();
    assert_eq!(titles.len(), 1 + Operation::ALL.len() + 2 + 3, "{titles:?}");
    assert!(Table::default().groups().is_empty());
}

#[test]
fn bars_of_findings_are_bars_of_the_table() {
    let with = |holds| {
        let mut table = Table::of(Parts::alone(Part::Peers));
        let bars = vec![("cheap".to_owned(), holds)];
        table.add_findings(Findings { part: Part::Peers, groups: Vec::new(), bars });
        table
    };
    assert!(with(true).holds() && !with(false).holds());
    let missing = Table::of(Parts::alone(Part::Logins));
    assert!(missing.to_string().contains("MISSED: `logins` is measured"), "{missing}");
}

/// With nothing, with auditd and with SAC.
fn add_recorded(table: &mut Table, ours: u64, lost: u64) {
    for (instructions, lost, delay_ns) in
        [(1_000, 0, None), (2_000, 7, Some(1_000_000)), (ours, lost, Some(5_000))]
    {
        table.add_recorded(Recorded { cost: cost(instructions), lost, delay_ns });
    }
}

#[test]
fn what_records_is_compared_with_auditd() {
    let recorded = |ours, lost| {
        let mut table = Table::of(Parts::alone(Part::Record));
        add_recorded(&mut table, ours, lost);
        table
    };
    assert!(recorded(1_999, 0).holds() && !recorded(2_000, 0).holds() && !recorded(1_999, 1).holds());
    let text = recorded(1_999, 0).to_string();
    assert!(text.contains("2,000    2.000       7     1,000 us\n"), "{text}");
    assert!(!Table::of(Parts::alone(Part::Record)).holds());
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
    let mut table = Table::of(Parts::alone(Part::Operations));
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
