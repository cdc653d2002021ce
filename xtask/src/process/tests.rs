// SPDX-License-Identifier: MIT OR Apache-2.0
//! Steps: their logs, their failures.

use std::process::Command;

use super::{Show, capture, file_name, run, run_logged, tail};

#[test]
fn tail_keeps_the_last_lines() {
    assert_eq!(tail("a\nb\nc\n", 2), "b\nc");
    assert_eq!(tail("a\nb\n", 5), "a\nb");
    assert_eq!(tail("", 5), "");
}

#[test]
fn file_names_hold_no_separators() {
    assert_eq!(file_name("image 6.1 / x"), "image-6.1---x.log");
}

#[test]
fn a_failing_step_shows_its_output_and_its_log() {
    let error =
        run("test of a failing step", Command::new("sh").args(["-c", "echo seen; echo also >&2; exit 3"]))
            .expect_err("the step exits with 3")
            .to_string();
    for part in ["test of a failing step failed", "seen", "also", "test-of-a-failing-step.log"] {
        assert!(error.contains(part), "{part:?} is not in {error}");
    }
}

#[test]
fn live_output_is_logged_too() {
    let mut command = Command::new("sh");
    let log = run_logged("test of a live step", command.args(["-c", "echo out; echo err >&2"]), Show::Live)
        .expect("the step succeeds");
    let text = std::fs::read_to_string(log).expect("the log exists");
    assert!(text.ends_with("out\nerr\n"), "{text}");
}

#[test]
fn a_missing_program_is_named() {
    let error = run("test of a missing program", &mut Command::new("/nonexistent/program"));
    assert!(format!("{:#}", error.expect_err("it does not exist")).contains("/nonexistent/program"));
}

#[test]
fn capture_returns_stdout_only() {
    let text = capture("test of capture", Command::new("sh").args(["-c", "echo out; echo err >&2"]));
    assert_eq!(text.expect("it succeeds"), "out\n");
}
