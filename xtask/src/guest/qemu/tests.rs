// SPDX-License-Identifier: MIT OR Apache-2.0
//! QEMU's arguments.

use super::{Places, arguments};
use crate::guest::Processors;
use crate::image::BootFiles;

fn joined() -> String {
    joined_with(Processors::Two)
}

fn joined_with(processors: Processors) -> String {
    let boot = BootFiles {
        disk: "/cache/disk.ext4".into(),
        vmlinuz: "/cache/vmlinuz".into(),
        initrd: "/cache/initrd".into(),
    };
    let places = Places { logs: "/logs".into(), sockets: "/tmp/s".into() };
    let words = arguments(&boot, &places, 4242, processors);
    let words: Vec<String> = words.into_iter().map(|word| word.to_string_lossy().into_owned()).collect();
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

#[test]
fn only_a_guest_that_counts_has_a_clock_of_instructions() {
    assert!(!joined().contains("-icount") && joined().contains("-smp 2"));
    let one = joined_with(Processors::One);
    assert!(!one.contains("-icount") && one.contains("-smp 1"));
    let counted = joined_with(Processors::OneCounted);
    assert!(
        counted.contains("-accel tcg,thread=single") && counted.contains("-icount shift=0,sleep=off -smp 1")
    );
}
