// SPDX-License-Identifier: MIT OR Apache-2.0
//! What runs in the guest also runs here.

use super::{is_blocked, round, tiny_program, write};

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
