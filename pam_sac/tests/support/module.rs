// SPDX-License-Identifier: MIT OR Apache-2.0
//! The module as it is installed: a shared object, built for the tests.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Names a module that is built already, for a test that runs itself again as another user.
pub(crate) const MODULE_VARIABLE: &str = "SAC_TEST_PAM_MODULE";

/// Builds the module, once per test binary, and returns the shared object's path.
///
/// It has a target directory of its own: the outer cargo holds the lock of the usual one, and what lies about there may be
/// of yesterday.
pub(crate) fn shared_object() -> &'static Path {
    static MODULE: OnceLock<PathBuf> = OnceLock::new();
    MODULE.get_or_init(|| {
        if let Some(module) = std::env::var_os(MODULE_VARIABLE) {
            return module.into();
        }
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("module");
        let build = Command::new(env!("CARGO"))
            .args(["build", "--frozen", "--quiet", "--package", "pam_sac", "--lib", "--target-dir"])
            .arg(&target)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .unwrap();
        assert!(build.status.success(), "cargo build: {}", String::from_utf8_lossy(&build.stderr));
        target.join("debug/libpam_sac.so")
    })
}
