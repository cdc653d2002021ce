// SPDX-License-Identifier: MIT OR Apache-2.0
//! The six entry points that libpam knows; only opening a session does something.
//!
//! Takes the login from libpam, hands it to [`open`], writes the log and returns the code. Nothing is
//! stored in the handle and the user is told nothing.
#![forbid(unsafe_code)]

use crate::args::{Options, Verbosity};
use crate::cause::Cause;
use crate::ffi::{self, Priority};
use crate::open::{self, Login, MACHINE};
use crate::text;
use pam::constants::{PamFlag, PamResultCode};
use pam::items::{Item, RHost, Service, Tty, User};
use pam::module::{PamHandle, PamHooks};
use std::ffi::CStr;
use std::ops::Deref;

/// The module.
pub(crate) struct Module;

impl PamHooks for Module {
    fn sm_open_session(pamh: &mut PamHandle, args: Vec<&CStr>, _flags: PamFlag) -> PamResultCode {
        open_session(pamh, &args)
    }

    // A session ends when the last process leaves its cgroup, which the loader sees: background jobs outlive the login,
    // and this process is itself inside. sshd does not even come here when the cgroup is killed.
    fn sm_close_session(_pamh: &mut PamHandle, _args: Vec<&CStr>, _flags: PamFlag) -> PamResultCode {
        PamResultCode::PAM_SUCCESS
    }

    // The module has no say in the rest: PAM_IGNORE leaves it to the other modules, and fails a stack that has no other.
    fn sm_authenticate(_pamh: &mut PamHandle, _args: Vec<&CStr>, _flags: PamFlag) -> PamResultCode {
        PamResultCode::PAM_IGNORE
    }

    fn sm_setcred(_pamh: &mut PamHandle, _args: Vec<&CStr>, _flags: PamFlag) -> PamResultCode {
        PamResultCode::PAM_IGNORE
    }

    fn acct_mgmt(_pamh: &mut PamHandle, _args: Vec<&CStr>, _flags: PamFlag) -> PamResultCode {
        PamResultCode::PAM_IGNORE
    }

    fn sm_chauthtok(_pamh: &mut PamHandle, _args: Vec<&CStr>, _flags: PamFlag) -> PamResultCode {
        PamResultCode::PAM_IGNORE
    }
}

fn open_session(pamh: &mut PamHandle, args: &[&CStr]) -> PamResultCode {
    let (options, mut warnings) = Options::parse(args);
    let mut user = Vec::new();
    let cause = match login(pamh) {
        Ok(login) => {
            login.user.as_bytes().clone_into(&mut user);
            open::open(&MACHINE, &options, &login, &mut warnings)
        }
        Err(item) => Cause::NoItem(item),
    };
    for warning in &warnings {
        ffi::log(pamh, Priority::Warning, &text::line(warning));
    }
    let verdict = cause.verdict(options.fail);
    if verdict.priority != Priority::Debug || options.verbosity == Verbosity::Debug {
        ffi::log(pamh, verdict.priority, &text::line(&cause.line(&user, options.fail)));
    }
    verdict.code
}

/// Copies the login out of libpam; the error is the name of the item that it does not give.
fn login(pamh: &mut PamHandle) -> Result<Login, &'static str> {
    Ok(Login {
        user: item::<User<'_>>(pamh).map_err(|_code| "PAM_USER")?.to_owned(),
        service: item::<Service<'_>>(pamh).map_err(|_code| "PAM_SERVICE")?.to_bytes().to_vec(),
        tty: item::<Tty<'_>>(pamh).map_err(|_code| "PAM_TTY")?.to_bytes().to_vec(),
        rhost: item::<RHost<'_>>(pamh).map_err(|_code| "PAM_RHOST")?.to_bytes().to_vec(),
        xdg_session_id: ffi::environment(pamh, c"XDG_SESSION_ID").unwrap_or_default(),
    })
}

/// An item of the handle; empty where it is unset.
fn item<'h, T: Item<'h> + Deref<Target = &'h CStr>>(pamh: &'h PamHandle) -> Result<&'h CStr, PamResultCode> {
    Ok(pamh.get_item::<T>()?.map_or(c"", |item| *item))
}
