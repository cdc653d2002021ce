// SPDX-License-Identifier: MIT OR Apache-2.0
//! A deadline only comes nearer.

use super::*;

#[test]
fn what_is_left_shrinks_to_none() {
    let deadline = Deadline::after(Duration::from_millis(30));
    let first = deadline.remaining().unwrap();
    assert!(first <= Duration::from_millis(30));
    std::thread::sleep(Duration::from_millis(1));
    assert!(deadline.remaining().is_none_or(|left| left < first));
    std::thread::sleep(Duration::from_millis(40));
    assert_eq!(deadline.remaining(), None);
}

#[test]
fn no_limit_breaks_it() {
    assert_eq!(Deadline::after(Duration::ZERO).remaining(), None);
    assert!(Deadline::after(Duration::MAX).remaining().is_some());
}
