// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which of Debian's versions are of which Rust.

use super::is_same_rust;

#[test]
fn packaging_revisions_do_not_matter() {
    for debian in ["1.95.0+dfsg1-2~bpo13+1", "1.95.0-1"] {
        assert!(is_same_rust(debian, "1.95.0"), "{debian}");
    }
}

#[test]
fn another_release_is_another_rust() {
    for debian in ["1.95.0~beta.1+dfsg-1", "1.95.01-1", "1.94.0+dfsg1-1", "11.95.0-1", "1.95.0"] {
        assert!(!is_same_rust(debian, "1.95.0"), "{debian}");
    }
}
