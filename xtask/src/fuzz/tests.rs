// SPDX-License-Identifier: MIT OR Apache-2.0
//! The targets that are named are those that are there.

use super::*;

fn names(directory: &str) -> Vec<String> {
    let paths = inputs(&workspace::root().join(directory)).unwrap();
    let mut names: Vec<String> =
        paths.iter().map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
    names.sort_unstable();
    names
}

/// A target that is not named would never run, and one without seeds would begin with nothing.
#[test]
fn every_target_is_named_and_has_seeds() {
    assert_eq!(names("fuzz/fuzz_targets"), TARGETS);
    assert_eq!(names("fuzz/corpus"), TARGETS);
}
