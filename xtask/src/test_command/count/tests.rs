// SPDX-License-Identifier: MIT OR Apache-2.0
//! Counting.

use super::Count;

#[test]
fn sums_all_result_lines() {
    let text = "\
running 3 tests
test a ... ok
test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 10 filtered out; finished in 0.00s

test result: FAILED. 11 passed; 2 failed; 1 ignored; 0 measured; 0 filtered out; finished in 1.23s
";
    assert_eq!(Count::in_output(text), Count { passed: 14, failed: 2 });
}

#[test]
fn sees_through_colour() {
    let text = "\u{1b}[0mtest result: \u{1b}[31mFAILED\u{1b}[0m. 1 passed; 5 failed; 0 ignored";
    assert_eq!(Count::in_output(text), Count { passed: 1, failed: 5 });
}

#[test]
fn other_lines_count_nothing() {
    assert_eq!(Count::in_output("5 passed\nresult: 3 failed\n"), Count::default());
    assert_eq!(Count::in_output("test result: ok."), Count::default());
}
