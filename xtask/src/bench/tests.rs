// SPDX-License-Identifier: MIT OR Apache-2.0
//! From what the guest prints to a number, and that the policies are what they are said to be.

use std::collections::BTreeSet;
use std::path::Path;

use super::policies::{self, PROGRAMS};
use super::{median, results};

#[test]
fn only_results_count() {
    let output =
        "2 policies are in force\ninstructions 30\ninstructions 10\ninstructions many\ninstructions 20\n";
    assert_eq!(results(output), [30, 10, 20]);
    assert_eq!(median(results(output)).unwrap(), 20);
    median(results("")).unwrap_err();
}

#[test]
fn the_policies_have_the_rules_that_they_are_said_to_have() {
    let all: Vec<_> = policies::all(Path::new("/bench")).collect();
    let rules_in = |part: &str| -> usize {
        let of = all.iter().filter(|(path, _)| path.to_string_lossy().contains(part));
        of.map(|(_, text)| text.lines().filter(|line| line.starts_with("    - ")).count()).sum()
    };
    for (part, rules) in [
        ("paths-10.", 10),
        ("paths-1000.", 1_000),
        ("one-1/", PROGRAMS),
        ("many-2/", PROGRAMS),
        ("allow-list", 10),
        ("trees", 10),
    ] {
        assert_eq!(rules_in(part), rules, "{part}");
    }
    let texts: BTreeSet<_> = all.iter().map(|(_, text)| text).collect();
    assert_eq!(texts.len(), all.len(), "no version of a policy is like another");
}
