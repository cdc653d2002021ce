// SPDX-License-Identifier: MIT OR Apache-2.0
//! From what the guest prints to a number, and that the policies are what they are said to be.

use std::collections::BTreeSet;
use std::path::Path;

use clap::{Parser, ValueEnum};

use super::operations::{self, Operation, Under};
use super::part::{Part, Parts};
use super::policies::{self, PROGRAMS};
use super::{Options, median, results};

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
    let all: Vec<_> = policies::all(Path::new("/bench"), &Parts::default()).collect();
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
        ("/trees.", 10),
        ("/files-10.", 10),
        ("/files-10000.", PROGRAMS),
        ("/file-trees-1.", 1),
        ("/file-trees-100.", 100),
        ("/addresses.", 10),
        ("/every-kind.", 2 * PROGRAMS + 10),
    ] {
        assert_eq!(rules_in(part), rules, "{part}");
    }
    let texts: BTreeSet<_> = all.iter().map(|(_, text)| text).collect();
    assert_eq!(texts.len(), all.len(), "no version of a policy is like another");
}

#[test]
fn results_belong_to_the_operation_above_them() {
    let output =
        "operation read\ninstructions 1\ninstructions 2\noperation rename\nsomething\ninstructions 3\n";
    assert_eq!(operations::results_of(Operation::Read, output), [1, 2]);
    assert_eq!(operations::results_of(Operation::Rename, output), [3]);
    assert_eq!(operations::results_of(Operation::Map, output), [0_u64; 0]);
}

#[test]
fn every_operation_is_measured_where_nothing_is_in_its_way() {
    assert_eq!(Operation::ALL, Operation::value_variants());
    for under in [Under::Nothing, Under::Empty, Under::Outside] {
        assert_eq!(under.operations(), Operation::ALL);
    }
    assert_eq!(Under::ALL.first(), Some(&Under::Nothing));
}

#[test]
fn the_policies_of_operations_are_right() {
    let place = tempfile::tempdir().unwrap();
    let policies: Vec<_> =
        Under::policies(place.path()).chain(Under::EveryKind.policy(place.path())).collect();
    assert_eq!(policies.len(), 7);
    for (number, (path, text)) in policies.iter().enumerate() {
        let file = place.path().join(format!("{number}.yaml"));
        std::fs::write(&file, text).unwrap();
        let loaded = sac_policy::PolicySet::load_files(&[file]);
        let faults = loaded.err().map(|faults| faults.render(sac_policy::Colour::Never));
        assert_eq!(faults, None, "{}", path.display());
    }
}

/// What `cargo xtask bench` takes.
#[derive(Debug, Parser)]
struct CommandLine {
    #[command(flatten)]
    options: Options,
}

#[test]
fn parts_are_named_one_by_one() {
    let parts = |arguments: &str| {
        let words = ["bench"].into_iter().chain(arguments.split_whitespace());
        CommandLine::try_parse_from(words).map(|line| line.options.parts)
    };
    let all = parts("").unwrap();
    assert!(Part::value_variants().iter().all(|part| all.has(*part)));
    assert_eq!(all.arguments(), "");
    let quick = parts("--quick").unwrap();
    assert!(Part::value_variants().iter().all(|part| !quick.has(*part)));
    assert!(quick.has_every_kind() && parts(&quick.arguments()).unwrap().quick);
    parts("--quick --only operations").unwrap_err();
    let two = parts("--only operations --only checks").unwrap();
    let has = [Part::Executions, Part::Operations, Part::Checks, Part::Daemon].map(|part| two.has(part));
    assert_eq!(has, [false, true, true, false]);
    assert_eq!(parts(&two.arguments()).unwrap().only, two.only);
    parts("--only everything").unwrap_err();
}

#[test]
fn a_part_gets_the_policies_that_it_measures_with() {
    let paths = |part| -> BTreeSet<_> {
        policies::all(Path::new("/bench"), &Parts::alone(part)).map(|(path, _)| path).collect()
    };
    let operations = paths(Part::Operations);
    for under in Under::ALL {
        let file = under.file(Path::new("/bench"));
        assert!(file.is_none_or(|file| operations.contains(&file)), "{under:?}");
    }
    assert!(paths(Part::Executions).is_subset(&operations));
    assert!(paths(Part::Checks).is_disjoint(&operations));
    let quick: BTreeSet<_> =
        policies::all(Path::new("/bench"), &Parts::quick()).map(|(path, _)| path).collect();
    let wanted = [Under::Empty, Under::EveryKind].map(|under| under.file(Path::new("/bench")).unwrap());
    assert_eq!(quick, BTreeSet::from(wanted.clone()));
    assert!(wanted.iter().all(|file| paths(Part::Peers).contains(file)));
}
