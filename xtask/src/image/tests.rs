// SPDX-License-Identifier: MIT OR Apache-2.0
//! The hash under which an image is cached.

use super::hash;
use crate::guest::Release;

#[test]
fn everything_that_makes_an_image_changes_its_hash() {
    let base = hash(Release::Bookworm, "key", &["recipe", "build"]);
    assert_eq!(base.len(), 16);
    assert_eq!(base, hash(Release::Bookworm, "key", &["recipe", "build"]));
    assert_ne!(base, hash(Release::Trixie, "key", &["recipe", "build"]));
    assert_ne!(base, hash(Release::Bookworm, "other key", &["recipe", "build"]));
    assert_ne!(base, hash(Release::Bookworm, "key", &["recipe", "changed"]));
    assert_ne!(base, hash(Release::Bookworm, "key", &["recipebuild", ""]));
}
