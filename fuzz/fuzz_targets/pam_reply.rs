// SPDX-License-Identifier: MIT OR Apache-2.0
//! Bytes as what the loader answers to the PAM module: nobody is let in who is not meant to be, nothing outside of cgroupfs is touched, no
//! descriptor is left, and the log gets one harmless line. The first byte says whether they are a packet or the path of a cgroup.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pam_sac::fuzzing::Stage;
use std::sync::LazyLock;

static STAGE: LazyLock<Stage> = LazyLock::new(Stage::default);

fuzz_target!(|bytes: &[u8]| {
    match bytes.split_first() {
        Some((b'/', path)) => STAGE.open(&STAGE.names_cgroup(&[b"/", path].concat())),
        Some((_, packet)) => STAGE.open(packet),
        None => {}
    }
});
