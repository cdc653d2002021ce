// SPDX-License-Identifier: MIT OR Apache-2.0
//! The PAM module's unit tests once more, under valgrind.
//!
//! The module is what other people's programs load, and not all of it is safe code. Miri would be the tool for that, but it comes with
//! nightly compilers only and calls no C library. What libpam does with the module is looked at by the module's own tests.

use std::process::Command;

use super::cargo;

/// What runs a test binary. It lets one thread run at a time, so tests would keep each other waiting, and some wait for no longer than a
/// few hundred milliseconds: they come one after another, and the threads of a test in turn. Whatever valgrind finds is a failure, but for
/// memory that is left at the end and can still be reached.
const RUNNER: &str = r#"target.'cfg(all())'.runner = ["valgrind", "--quiet", "--vgdb=no", "--fair-sched=try",
    "--error-exitcode=99", "--leak-check=full", "--show-leak-kinds=definite", "--errors-for-leak-kinds=definite"]"#;

/// Cases of each property: everything takes some fifty times as long.
const CASES: &str = "16";

/// The command that runs them.
pub(super) fn unit_tests() -> Command {
    let mut command = cargo(&[
        "test",
        "--config",
        RUNNER,
        "--package",
        "pam_sac",
        "--lib",
        "--no-fail-fast",
        "--",
        "--test-threads=1",
    ]);
    command.env("PROPTEST_CASES", CASES);
    command
}
