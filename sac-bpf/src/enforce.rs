// SPDX-License-Identifier: GPL-2.0-only OR MIT
//! From an action to what an lsm_cgroup program has to do and return.

use aya_ebpf::helpers::{bpf_get_retval, bpf_send_signal, bpf_set_retval};
use sac_abi::Action;

/// What an lsm_cgroup program returns to let the hook go on: the reverse of a plain LSM program.
pub(crate) const GO_ON: i32 = 1;
const STOP: i32 = 0;

/// `-EACCES`: the verifier of 7.x wants a constant here.
const MINUS_EACCES: i32 = -13;

const SIGKILL: u32 = 9;

/// Whether a program before this one, on a cgroup further down, has denied already.
///
/// A later program could set the error back to 0; ours leave it as it is.
#[inline(always)]
pub(crate) fn is_denied_already() -> bool {
    // SAFETY: the helper has no preconditions.
    unsafe { bpf_get_retval() != 0 }
}

/// Kills the process that the hook runs in; it does not come to run another instruction of its own.
#[inline(always)]
pub(crate) fn kill() {
    // SAFETY: the helper has no preconditions.
    let _failed = unsafe { bpf_send_signal(SIGKILL) };
}

/// Carries the action out and gives the return value of a program for the whole machine.
#[inline(always)]
pub(crate) fn enforce_on_machine(action: Action) -> i32 {
    match action {
        Action::Allow | Action::Audit => return 0,
        Action::Deny => {}
        Action::Kill => kill(),
    }
    MINUS_EACCES
}

/// Carries the action out and gives the return value of a program for a cgroup.
#[inline(always)]
pub(crate) fn enforce(action: Action) -> i32 {
    match action {
        Action::Allow | Action::Audit => return GO_ON,
        Action::Deny => {}
        // Should the signal fail, the denial below still stands.
        Action::Kill => kill(),
    }
    // SAFETY: a constant within the hook's range of return values.
    let _failed = unsafe { bpf_set_retval(MINUS_EACCES) };
    STOP
}
