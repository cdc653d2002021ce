// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the shared object exports and what it is made of: it is loaded into sshd, login, su and sudo.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "support/module.rs"]
mod module;

use std::collections::BTreeSet;
use std::process::Command;

/// Output of a program that must be there and succeed.
fn run(command: &mut Command, package: &str) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}; install {package}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn only_the_entry_points_of_pam_are_exported() {
    let symbols =
        run(Command::new("nm").args(["-D", "--defined-only"]).arg(module::shared_object()), "binutils");
    let symbols: BTreeSet<&str> = symbols.lines().filter_map(|line| line.split(' ').nth(2)).collect();
    let wanted = ["acct_mgmt", "authenticate", "chauthtok", "close_session", "open_session", "setcred"]
        .map(|name| format!("pam_sm_{name}"));
    assert_eq!(symbols, wanted.iter().map(String::as_str).collect());
}

#[test]
fn only_libpam_and_the_c_library_are_needed() {
    let dynamic = run(Command::new("readelf").args(["-d", "-W"]).arg(module::shared_object()), "binutils");
    let needed: BTreeSet<&str> = dynamic
        .lines()
        .filter(|line| line.contains("(NEEDED)"))
        .filter_map(|line| line.split(['[', ']']).nth(1))
        .map(|library| library.split(".so").next().unwrap_or(library))
        .collect();
    assert!(needed.contains("libpam"), "{needed:?}");
    let known = BTreeSet::from(["libpam", "libc", "libgcc_s", "ld-linux-x86-64", "ld-linux-aarch64"]);
    assert!(needed.is_subset(&known), "{needed:?}");
}

#[test]
fn nothing_but_libc_pam_bindings_and_sac_abi_comes_in() {
    let tree = run(
        Command::new(env!("CARGO"))
            .args(["tree", "--frozen", "--package", "pam_sac", "--edges", "normal", "--prefix", "none"])
            .args(["--target", "all", "--format", "{lib}"])
            .current_dir(env!("CARGO_MANIFEST_DIR")),
        "cargo",
    );
    let crates: BTreeSet<&str> = tree.lines().map(|line| line.trim_end_matches(" (*)").trim()).collect();
    // `pam` is the library of pam-bindings, which brings zeroize.
    assert_eq!(crates, BTreeSet::from(["pam_sac", "libc", "pam", "zeroize", "sac_abi"]));
}
