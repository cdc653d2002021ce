// SPDX-License-Identifier: MIT OR Apache-2.0
//! The table of mutations, and what the output of a test says.

use std::fs;

use super::table::TABLE;
use super::{Options, Outcome, Trial, batches, first_line, problems, read_outcome, select};
use crate::guest::Kernel;
use crate::workspace;

#[test]
fn the_table_fits_the_source() {
    let problems = problems(workspace::root());
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn every_program_of_the_kernel_half_is_taken_out() {
    let names: Vec<_> =
        TABLE.iter().flat_map(|(_, mutations)| *mutations).map(|mutation| mutation.name).collect();
    let mut programs = 0;
    for entry in fs::read_dir(workspace::root().join("sac-bpf/src")).expect("the kernel half is there") {
        let path = entry.expect("it can be listed").path();
        // What is in folders is no program.
        if path.is_dir() {
            continue;
        }
        let source = fs::read_to_string(path).expect("it is text");
        for program in source.split("\n#[lsm").skip(1) {
            let (_, program) = program.split_once("pub(crate) fn ").expect("a function follows");
            let (program, _) = program.split_once('(').expect("it has arguments");
            programs += 1;
            // The one without allows everything, and is there for its scope.
            assert!(program == "prime" || names.contains(&program), "{program}");
        }
    }
    assert!(programs > 30, "{programs}");
}

#[test]
fn all_are_tried_unless_some_are_named() {
    let options = |names: &[&str]| Options {
        kernel: Kernel::V7,
        list: false,
        build_only: false,
        without_control: false,
        together: false,
        names: names.iter().map(|name| (*name).to_owned()).collect(),
    };
    let all = select(&options(&[])).expect("none is named");
    assert!(all.len() > 80, "{}", all.len());
    assert!(all.iter().any(|trial| trial.kernel == Kernel::V7));
    let name = all[1].mutation.name;
    let some = select(&options(&[name])).expect("it is there");
    assert_eq!(some.iter().map(|trial| trial.mutation.name).collect::<Vec<_>>(), [name]);
    assert!(select(&options(&["no-such-mutation"])).is_err());
}

#[test]
fn together_are_trials_that_have_nothing_to_do_with_each_other() {
    let trials: Vec<_> = TABLE
        .iter()
        .flat_map(|(test, mutations)| mutations.iter().map(move |mutation| (*test, mutation)))
        .map(|(test, mutation)| Trial { mutation, test, kernel: mutation.kernel.unwrap_or(Kernel::V6_1) })
        .collect();
    let alone = batches(&trials, false);
    assert!(alone.len() == trials.len() && alone.iter().all(|batch| batch.len() == 1));
    let together = batches(&trials, true);
    assert!(together.len() < trials.len() / 3, "{}", together.len());
    assert_eq!(together.iter().map(Vec::len).sum::<usize>(), trials.len());
    for batch in &together {
        for (at, one) in batch.iter().enumerate() {
            for other in batch.iter().skip(at + 1) {
                assert!(one.test != other.test && one.kernel == other.kernel);
                assert!(!one.mutation.touches(other.mutation), "{}", one.mutation.name);
            }
        }
    }
}

#[test]
fn every_outcome_is_told_from_the_others() {
    let name = "6.1::operations::files";
    let failed = |message: &str| {
        format!(
            "running 1 test\ntest {name} ... FAILED\n\nfailures:\n\n---- {name} ----\n{message}\nmore\n\n\
             test result: FAILED. 0 passed; 1 failed; 0 ignored\n"
        )
    };
    let passed = "running 1 test\ntest result: ok. 1 passed; 0 failed; 0 ignored\n";
    let none = "running 0 tests\ntest result: ok. 0 passed; 0 failed; 0 ignored\n";
    let noticed = read_outcome(&failed("alice: status of `rm`"), name);
    assert!(matches!(noticed, Outcome::Noticed(line) if line == "alice: status of `rm`"));
    for message in ["preparing the guest: installing the package", "resetting the guest: as root"] {
        assert!(matches!(read_outcome(&failed(message), name), Outcome::Unclear(_)));
    }
    assert!(matches!(read_outcome(passed, name), Outcome::NotNoticed));
    assert!(matches!(read_outcome(none, name), Outcome::Unclear(_)));
    assert!(matches!(read_outcome("error: could not compile", name), Outcome::Unclear(_)));
}

#[test]
fn long_lines_are_cut() {
    assert_eq!(first_line("\none\ntwo"), "one");
    assert_eq!(first_line(&"é".repeat(200)).chars().count(), 161);
}
