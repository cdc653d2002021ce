// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is within a margin, and what the file says.

use super::{Comparison, Costs, Kept, Margin, compare, parse};

/// As for the verifier.
const MARGIN: Margin = Margin { percent: 10, least: 1_000 };

fn costs(list: &[(&str, u64)]) -> Costs {
    list.iter().map(|(name, cost)| ((*name).to_owned(), *cost)).collect()
}

fn compared(kept: &[(&str, u64)], found: &[(&str, u64)]) -> Comparison {
    compare(&costs(kept), &costs(found), |_| MARGIN)
}

#[test]
fn the_margin_is_the_greater_one_of_both() {
    for (kept, may_be) in [(100_000, 110_000), (5_000, 6_000), (0, 1_000)] {
        assert_eq!(compared(&[("a", kept)], &[("a", may_be)]), Comparison::default(), "{kept}");
        let beyond = compared(&[("a", kept)], &[("a", may_be + 1)]);
        assert_eq!(beyond.faults.len(), 1, "{kept}: {beyond:?}");
    }
    let beyond = compared(&[("a", 100_000)], &[("a", 110_001)]);
    assert_eq!(beyond.faults, ["a: 110001, was 100000 and may be 110000"]);
}

#[test]
fn what_is_cheaper_is_said_and_no_fault() {
    assert_eq!(compared(&[("a", 100_000)], &[("a", 90_000)]), Comparison::default());
    let cheaper = compared(&[("a", 100_000)], &[("a", 89_999)]);
    assert_eq!(cheaper.hints, ["a has become cheaper: 89999, was 100000"]);
    assert!(cheaper.faults.is_empty());
}

#[test]
fn what_no_line_is_for_is_a_fault_and_what_is_gone_is_none() {
    let comparison = compared(&[("gone", 1)], &[("new", 1)]);
    assert_eq!(comparison.faults, ["new: 1, and no line is for it"]);
    assert_eq!(comparison.hints, ["gone is not there any more"]);
}

#[test]
fn a_file_says_what_it_is_and_holds_what_was_written() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("costs/6.1.txt");
    let kept = Kept { file: &file, about: "One thing\nand another.", command: "cargo xtask bench" };
    let found = costs(&[("file_open", 120_612), ("exec, nothing", 7)]);
    let missing = format!("{:#}", kept.judge(&found, |_| MARGIN).unwrap_err());
    assert!(missing.contains("`SAC_UPDATE_COSTS=1 cargo xtask bench` makes it"), "{missing}");
    kept.write(&found).unwrap();
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(
        text.starts_with("# One thing\n# and another.\n# `SAC_UPDATE_COSTS=1 cargo xtask bench`"),
        "{text}"
    );
    assert_eq!(parse(&text).unwrap(), found);
    assert_eq!(kept.judge(&found, |_| MARGIN).unwrap(), [""; 0]);
    let dearer = format!("{:#}", kept.judge(&costs(&[("file_open", 200_000)]), |_| MARGIN).unwrap_err());
    assert!(dearer.contains("file_open: 200000") && dearer.contains("writes the file anew"), "{dearer}");
    let cheaper = kept.judge(&costs(&[("file_open", 1)]), |_| MARGIN).unwrap();
    assert_eq!(cheaper.len(), 3, "{cheaper:?}");
    parse("file_open").unwrap_err();
    parse("file_open many").unwrap_err();
}
