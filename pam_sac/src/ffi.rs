// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the module needs of libpam and pam-bindings does not have.
//!
//! Declarations first, then safe functions over them that take care of pointers and NUL bytes. No decisions are taken
//! here.

use pam::module::PamHandle;
use std::ffi::{CStr, CString, c_char, c_int};

// pam-bindings links libpam.
unsafe extern "C" {
    /// pam_getenv(3).
    fn pam_getenv(pamh: *mut PamHandle, name: *const c_char) -> *const c_char;
    /// pam_syslog(3); it puts `pam_sac(SERVICE:session): ` before the message and LOG_AUTHPRIV to the priority.
    fn pam_syslog(pamh: *const PamHandle, priority: c_int, fmt: *const c_char, ...);
}

/// Urgency of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Priority {
    /// Somebody must act.
    Error,
    /// Something is not as it was meant to be; nothing is loosened by it.
    Warning,
    /// Worth keeping.
    Notice,
    /// Only with the argument `debug`.
    Debug,
}

impl Priority {
    fn number(self) -> c_int {
        match self {
            Self::Error => libc::LOG_ERR,
            Self::Warning => libc::LOG_WARNING,
            Self::Notice => libc::LOG_NOTICE,
            Self::Debug => libc::LOG_DEBUG,
        }
    }
}

/// Writes one line to syslog.
pub(crate) fn log(pamh: &PamHandle, priority: Priority, message: &str) {
    // A NUL byte is escaped long before; a line that held one all the same is cut there rather than lost.
    let message = CString::new(message).unwrap_or_else(|nul| {
        let end = nul.nul_position();
        CString::new(nul.into_vec().get(..end).unwrap_or_default()).unwrap_or_default()
    });
    // SAFETY: the handle is a live reference, both strings end in NUL and outlive the call, and the format takes exactly
    // the one string that is passed. libpam has no other way to write its log.
    unsafe { pam_syslog(pamh, priority.number(), c"%s".as_ptr(), message.as_ptr()) }
}

/// A variable of the PAM environment (not of the process's); `None` where it is unset.
pub(crate) fn environment(pamh: &mut PamHandle, name: &CStr) -> Option<Vec<u8>> {
    // SAFETY: the handle is a live exclusive reference and the name ends in NUL. pam-bindings does not wrap this call.
    let value = unsafe { pam_getenv(pamh, name.as_ptr()) };
    if value.is_null() {
        return None;
    }
    // SAFETY: pam_getenv(3) returns a string that ends in NUL and belongs to the handle; it is copied before the handle
    // can be used again.
    let value = unsafe { CStr::from_ptr(value) };
    Some(value.to_bytes().to_vec())
}
