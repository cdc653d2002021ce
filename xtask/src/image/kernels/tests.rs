// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which packages hold a kernel.

use super::holds_kernel_files;

#[test]
fn versioned_packages_hold_kernel_files() {
    for name in
        ["linux-image-6.1.0-56-amd64", "linux-binary-7.3.4+deb13-amd64", "linux-modules-7.3.4+deb13-amd64"]
    {
        assert!(holds_kernel_files(name), "{name}");
    }
}

#[test]
fn meta_packages_and_tools_do_not() {
    for name in ["linux-image-amd64", "linux-modules-amd64", "linux-base", "linux-base-amd64", "kmod"] {
        assert!(!holds_kernel_files(name), "{name}");
    }
}
