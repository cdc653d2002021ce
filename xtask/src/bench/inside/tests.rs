// SPDX-License-Identifier: MIT OR Apache-2.0
//! What runs in the guest also runs here.

use std::net::Ipv4Addr;
use std::path::Path;

use super::denied::{is_blocked, is_closed, is_unreachable};
use super::elf::{mapping_program, tiny_program};
use super::operate::Operator;
use super::{prepare_operations, round, write};
use crate::bench::operations::{self, Operation};

#[test]
fn the_tiny_program_runs_and_succeeds() {
    let place = tempfile::tempdir().unwrap();
    let program = place.path().join("program");
    write(&program, &tiny_program(), 0o755).unwrap();
    round(&[program.clone(), "status".into()], 2).unwrap();
    is_blocked(&program).unwrap_err();
    write(&program, &tiny_program(), 0o644).unwrap();
    is_blocked(&program).unwrap();
}

#[test]
fn a_command_that_fails_is_no_result() {
    round(&["/bin/false".into()], 1).unwrap_err();
}

#[test]
fn every_operation_can_be_carried_out() {
    let place = tempfile::tempdir().unwrap();
    prepare_operations(place.path()).unwrap();
    let operator = Operator::new(place.path()).unwrap();
    for operation in Operation::ALL {
        for _ in 0..2 {
            operator.round(operation, 100).unwrap();
        }
    }
    let left = std::fs::read_dir(operations::directory(place.path())).unwrap();
    let left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 3, "the file and two programs: {left:?}");
}

#[test]
fn a_mapping_that_fails_is_noticed() {
    let place = tempfile::tempdir().unwrap();
    let program = place.path().join("maps");
    write(&program, &mapping_program(3), 0o755).unwrap();
    let run = |input: &Path| {
        let input = std::fs::File::open(input).unwrap();
        std::process::Command::new(&program).stdin(input).status().unwrap().code()
    };
    assert_eq!(run(&program), Some(0));
    // A directory cannot be mapped.
    assert_eq!(run(place.path()), Some(1));
}

#[test]
fn what_is_not_denied_is_noticed() {
    let place = tempfile::tempdir().unwrap();
    is_closed(place.path()).unwrap_err();
    is_closed(&place.path().join("nothing")).unwrap_err();
    is_unreachable(Ipv4Addr::LOCALHOST).unwrap_err();
}
