// SPDX-License-Identifier: MIT OR Apache-2.0
//! `sac-loader policy check` by somebody who would be locked out by what they check.

use super::{directory, holds};
use std::{fs, path::Path, process::Command};

/// Whom the kernel says that whoever runs this logged in as, or else what sudo would say.
fn administrator() -> u32 {
    let login_uid = fs::read_to_string("/proc/self/loginuid").unwrap_or_default();
    login_uid.trim().parse().ok().filter(|uid| *uid != u32::MAX).unwrap_or(65534)
}

/// What a check says to whoever came by sudo, from an address: `around` runs the command.
fn check(directory: &Path, around: &str) -> String {
    let loader = env!("CARGO_BIN_EXE_sac-loader");
    let mut command = Command::new("sh");
    command
        .current_dir(directory)
        .args(["-c", &around.replace("CHECK", &format!("{loader} policy check ."))]);
    command.env("SUDO_UID", "65534").env("SSH_CONNECTION", "192.0.2.7 1 192.0.2.1 22");
    let output = command.output().unwrap();
    // With warnings alone the policies can be used.
    assert!(output.status.success());
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn whoever_applies_a_policy_is_told_that_it_locks_them_out() {
    let refuse = "policy: all\napplies_to: {everyone: true, from: [192.0.2.0/24]}\nlogins: refuse\n";
    let deny = "policy: all\napplies_to: everyone\nprograms: {default: deny, allow: [/usr/bin/ls]}\n";
    let elsewhere = refuse.replace("192.0.2.0/24", "198.51.100.0/24");
    if administrator() == 0 {
        // No policy is for root, so nothing locks out who logged in as root.
        assert!(!check(directory(&[("all.yaml", refuse)]).path(), "CHECK").contains("SAC128"));
        return;
    }
    let said = check(directory(&[("all.yaml", refuse)]).path(), "CHECK");
    holds(&said, "warning[SAC128]");
    holds(&said, "could not log in any more");
    let said = check(directory(&[("all.yaml", deny)]).path(), "CHECK");
    holds(&said, "their login shell");
    let said = check(directory(&[("all.yaml", &elsewhere)]).path(), "CHECK");
    assert!(!said.contains("SAC128"), "{said}");
}

#[test]
fn sudo_does_not_hide_where_somebody_came_from() {
    let refuse = "policy: all\napplies_to: {everyone: true, from: [192.0.2.0/24]}\nlogins: refuse\n";
    // As sudo does: the variable is in the shell's environment, and no longer in the command's.
    let said = check(directory(&[("all.yaml", refuse)]).path(), "env -u SSH_CONNECTION CHECK; true");
    assert_eq!(said.contains("SAC128"), administrator() != 0, "{said}");
}
