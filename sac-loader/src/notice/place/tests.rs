// SPDX-License-Identifier: MIT OR Apache-2.0
//! Paths from names, over mounts as /proc/self/mountinfo shows them.

use super::*;
use proptest::prelude::*;

const MOUNTS: &str = r"22 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw
23 22 0:21 / /proc rw - proc proc rw
30 22 254:16 / /srv rw - xfs /dev/vdb rw
31 22 254:16 /records /mnt/part rw - xfs /dev/vdb rw
32 22 0:40 /@home /home rw - btrfs /dev/vdc rw
33 22 0:40 /@logs\040of\134all /var/log\040of rw - btrfs /dev/vdc rw
34 22 0:41 /@a /mnt/a rw - btrfs /dev/vdd rw
35 22 0:41 / /mnt/whole rw - btrfs /dev/vdd rw
";

const fn device(major: u32, minor: u32) -> u32 {
    major << 20 | minor
}

/// The path of `names`, from the root down.
fn at(dev: u32, names: &[&str]) -> String {
    let names = names.iter().rev().map(|name| name.as_bytes());
    String::from_utf8(path(names, false, dev, MOUNTS.as_bytes())).unwrap()
}

#[test]
fn names_stand_below_the_mount_of_their_device() {
    assert_eq!(at(device(254, 1), &["etc", "passwd"]), "/etc/passwd");
    assert_eq!(at(device(254, 16), &["records", "a"]), "/srv/records/a");
}

#[test]
fn the_root_itself_is_where_it_is_mounted() {
    assert_eq!(at(device(254, 1), &[]), "/");
    assert_eq!(at(device(254, 16), &[]), "/srv");
    assert_eq!(at(device(0, 40), &["@home"]), "/home");
}

#[test]
fn a_mount_of_a_part_shows_what_is_in_it() {
    assert_eq!(at(device(0, 40), &["@home", "alice", "a"]), "/home/alice/a");
    assert_eq!(at(device(0, 40), &["@logs of\\all", "a"]), "/var/log of/a");
    // What only begins like it is another name.
    assert_eq!(at(device(0, 40), &["@homes", "a"]), "(device 0:40)/@homes/a");
}

#[test]
fn a_mount_of_the_whole_comes_before_one_of_a_part() {
    assert_eq!(at(device(0, 41), &["@a", "b"]), "/mnt/whole/@a/b");
}

#[test]
fn a_device_that_is_not_mounted_here_is_named() {
    assert_eq!(at(device(7, 3), &["a", "b"]), "(device 7:3)/a/b");
    assert_eq!(at(device(7, 3), &[]), "(device 7:3)/");
    // The start of a number is not the number.
    assert_eq!(at(device(25, 4), &["a"]), "(device 25:4)/a");
}

#[test]
fn where_there_are_more_names_the_path_says_so() {
    let names = [&b"a"[..], b"dir"];
    let shown = path(names.into_iter(), true, device(254, 1), MOUNTS.as_bytes());
    assert_eq!(String::from_utf8(shown).unwrap(), "…/dir/a");
}

#[test]
fn only_whole_escapes_are_taken_out() {
    assert_eq!(unescaped(br"a\040b\134\011"), b"a b\\\t");
    assert_eq!(unescaped(br"a\04"), br"a\04");
    assert_eq!(unescaped(br"\999\+12"), br"\999\+12");
    assert_eq!(unescaped(br"\777"), br"\777");
}

proptest! {
    #[test]
    fn whatever_mounts_say_the_names_are_in_the_path(text in any::<Vec<u8>>(), dev: u32) {
        let found = path([&b"name"[..]].into_iter(), false, dev, &text);
        prop_assert!(found.ends_with(b"/name"));
    }
}
