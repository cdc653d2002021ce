// SPDX-License-Identifier: MIT OR Apache-2.0
//! QEMU's arguments.

use super::{Places, arguments};
use crate::image::BootFiles;

fn joined() -> String {
    let boot = BootFiles {
        disk: "/cache/disk.ext4".into(),
        vmlinuz: "/cache/vmlinuz".into(),
        initrd: "/cache/initrd".into(),
    };
    let places = Places { logs: "/logs".into(), sockets: "/tmp/s".into() };
    let words: Vec<String> =
        arguments(&boot, &places, 4242).into_iter().map(|word| word.to_string_lossy().into_owned()).collect();
    words.join(" ")
}

#[test]
fn the_guest_reaches_nothing_and_only_loopback_reaches_it() {
    assert!(joined().contains("user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:4242-:22"));
}

#[test]
fn the_image_is_never_written() {
    assert!(joined().contains("file=/cache/disk.ext4,if=none,id=disk,format=raw,snapshot=on"));
}

#[test]
fn the_console_is_logged_and_can_be_used() {
    assert!(joined().contains("path=/tmp/s/console,logfile=/logs/console.log"));
}

#[test]
fn a_reboot_stays_in_the_process() {
    assert!(!joined().contains("-no-reboot"));
}
