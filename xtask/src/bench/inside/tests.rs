// SPDX-License-Identifier: MIT OR Apache-2.0
//! What runs in the guest also runs here.

use std::net::Ipv4Addr;
use std::path::Path;

use super::denied::{is_blocked, is_closed, is_unreachable};
use super::elf::{mapping_program, tiny_program, waiting_program};
use super::operate::Operator;
use super::{prepare_operations, prepare_sources, round, write};
use crate::bench::operations::{self, Operation};

/// Writes a program by another process: what a thread of this one has open to write another thread's child has too, until it executes
/// something, and so long the program is busy (`ETXTBSY`).
fn put(program: &Path, bytes: &[u8], mode: u32) {
    let new = program.with_extension("new");
    write(&new, bytes, 0o644).unwrap();
    let [mode, new, program] =
        [format!("{mode:o}").into(), new.into_os_string(), program.as_os_str().to_owned()];
    let installed = std::process::Command::new("install").arg("-m").args([mode, new, program]).status();
    assert!(installed.unwrap().success());
}

#[test]
fn the_tiny_program_runs_and_succeeds() {
    let place = tempfile::tempdir().unwrap();
    let program = place.path().join("program");
    put(&program, &tiny_program(), 0o755);
    round(&[program.clone(), "status".into()], 2).unwrap();
    is_blocked(&program).unwrap_err();
    put(&program, &tiny_program(), 0o644);
    is_blocked(&program).unwrap();
}

#[test]
fn the_program_that_waits_goes_on_waiting() {
    let place = tempfile::tempdir().unwrap();
    let program = place.path().join("waiting");
    put(&program, &waiting_program(), 0o755);
    let mut child = std::process::Command::new(&program).spawn().unwrap();
    std::thread::sleep(std::time::Duration::from_millis(100));
    assert_eq!(child.try_wait().unwrap(), None);
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Here as in the guest, whose compiler is of the same kind.
#[test]
fn the_program_that_executes_counts_and_notices_failures() {
    let place = tempfile::tempdir().unwrap();
    prepare_sources(place.path()).unwrap();
    let program = place.path().join("executes");
    let compiled = std::process::Command::new("cc")
        .args(["-Wall", "-Wextra", "-Werror", "-o"])
        .args([&program, &place.path().join("executes.c")])
        .status();
    assert!(compiled.unwrap().success());
    let run =
        |command: &str| std::process::Command::new(&program).args(["3", "2", command]).output().unwrap();
    let output = String::from_utf8(run("/bin/true").stdout).unwrap();
    assert_eq!(output.lines().filter(|line| line.starts_with("instructions ")).count(), 3, "{output}");
    assert!(!run("/bin/false").status.success());
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
    put(&program, &mapping_program(3), 0o755);
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
