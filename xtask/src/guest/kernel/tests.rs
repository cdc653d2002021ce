// SPDX-License-Identifier: MIT OR Apache-2.0
//! Names of kernels.

use super::{Kernel, Release};

#[test]
fn names_are_read_back() {
    for kernel in Kernel::all() {
        assert_eq!(kernel.to_string().parse::<Kernel>().expect("its own name"), kernel);
    }
    assert_eq!("7".parse::<Kernel>().expect("short for 7.x"), Kernel::V7);
}

#[test]
fn an_unknown_kernel_is_answered_with_the_known_ones() {
    let error = "5.10".parse::<Kernel>().expect_err("there is no such guest").to_string();
    for name in ["5.10", "6.1", "6.12", "7.x"] {
        assert!(error.contains(name), "{name} is not in {error}");
    }
}

#[test]
fn each_kernel_boots_one_release() {
    let mut booted = Release::Bookworm.kernels();
    booted.extend(Release::Trixie.kernels());
    booted.sort();
    assert_eq!(booted, Kernel::all());
}
