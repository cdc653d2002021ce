// SPDX-License-Identifier: MIT OR Apache-2.0
//! Tests that only root can do, where whoever runs them may become root.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use crate::fake_loader::own_uid;
use crate::module;
use std::process::Command;

/// Whether this is root; if not, runs `test` of this binary again as root, and fails as it does.
pub(crate) fn is_root(test: &str) -> bool {
    if own_uid() == 0 {
        return true;
    }
    let module = format!("{}={}", module::MODULE_VARIABLE, module::shared_object().display());
    let mut sudo = Command::new("sudo");
    sudo.args(["-n", "env", &module]).arg(std::env::current_exe().unwrap()).args(["--exact", test]);
    let status = sudo.status().unwrap_or_else(|error| panic!("sudo: {error}; run this test as root"));
    assert!(status.success(), "as root: {status}; run this test as root, or where sudo asks for no password");
    false
}
