// SPDX-License-Identifier: MIT OR Apache-2.0
//! Whether somebody who asks has logged in since policies were applied: that it was possible is what a confirmation says.
//!
//! Of a login under a policy the loader knows itself when it was opened. Root's are under none; those are told apart by the kernel's audit
//! session id, which counts up with every login (`audit_set_loginuid` in kernel/auditsc.c). Both numbers only grow, so it is enough to
//! remember the greatest that there was when the policies were in force: no clock is asked. This keeps people from fooling
//! themselves. It is no boundary: whoever asks is root and could do without asking.

use crate::{
    cgroup::CgroupPath,
    logins::{self, Processes},
};
use sac_abi::SessionId;
use serde::{Deserialize, Serialize};
use std::{
    io,
    path::{Path, PathBuf},
};

/// PAM services that open sessions for what nobody logs in for, or for who has logged in already.
const NO_LOGINS: [&str; 10] =
    ["cron", "crond", "atd", "systemd-user", "su", "su-l", "sudo", "sudo-i", "runuser", "runuser-l"];

/// The newest logins at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Marks {
    /// The last session that was opened.
    pub(super) session: u64,
    /// The greatest audit session id of any process.
    pub(super) audit_session: u32,
}

/// Where somebody is who asks.
#[derive(Clone, Debug)]
pub(in crate::daemon) struct Asker {
    /// The directory of their cgroup.
    pub(super) directory: Option<PathBuf>,
    /// The audit session id of their login.
    audit_session: Option<u32>,
    /// Whether a login service led there.
    came_by_login: bool,
}

/// A session of the loader's that somebody is in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Inside<'s> {
    pub(super) id: SessionId,
    /// PAM service that opened it.
    pub(super) service: &'s str,
}

/// Why somebody cannot confirm.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::daemon) enum NotNew {
    /// The login is older than the policies.
    #[error("this login was open before the policies were applied; log in anew, and confirm there")]
    Old,
    /// It is none.
    #[error("a session of {0} shows of no login that it works; log in anew, and confirm there")]
    NoLogin(String),
    /// Nothing is known of it.
    #[error("no login led to this process; log in anew, by ssh or at the console, and confirm there")]
    Nowhere,
}

impl Marks {
    /// The newest logins now; `last_session` is the last one of the loader's own.
    pub(super) fn now(last_session: SessionId) -> io::Result<Self> {
        Ok(Self {
            session: last_session.get(),
            audit_session: logins::newest_audit_session(Path::new("/proc"))?,
        })
    }

    /// Whether somebody has logged in since.
    ///
    /// # Errors
    ///
    /// Why it does not look so.
    pub(super) fn judge(&self, asker: &Asker, inside: Option<Inside<'_>>) -> Result<(), NotNew> {
        if let Some(Inside { id, service }) = inside {
            return match () {
                () if id.get() <= self.session => Err(NotNew::Old),
                () if NO_LOGINS.contains(&service) => Err(NotNew::NoLogin(service.to_owned())),
                () => Ok(()),
            };
        }
        match asker.audit_session {
            None => Err(NotNew::Nowhere),
            Some(of_login) if of_login <= self.audit_session => Err(NotNew::Old),
            // Jobs of cron and at have numbers of their own as well.
            Some(_) if !asker.came_by_login => Err(NotNew::Nowhere),
            Some(_) => Ok(()),
        }
    }
}

impl Asker {
    /// The process that asks. What cannot be found out speaks against it.
    pub(in crate::daemon) fn of(pid: i32) -> Self {
        let path = CgroupPath::of_process(pid).ok();
        let is_in_scope = path.as_ref().is_some_and(CgroupPath::is_in_session_scope);
        let is_below_service =
            || Processes::read(Path::new("/proc")).is_ok_and(|all| all.is_below_login_service(pid));
        Self {
            directory: path.map(|path| path.directory()),
            audit_session: logins::audit_session(pid),
            came_by_login: is_in_scope || is_below_service(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARKS: Marks = Marks { session: 7, audit_session: 3 };

    fn asker(audit_session: Option<u32>, came_by_login: bool) -> Asker {
        Asker { directory: None, audit_session, came_by_login }
    }

    fn inside(number: u64, service: &str) -> Option<Inside<'_>> {
        Some(Inside { id: SessionId::from_number(number).unwrap(), service })
    }

    #[test]
    fn a_session_that_was_opened_later_confirms_and_no_other() {
        let asker = asker(Some(9), true);
        assert_eq!(MARKS.judge(&asker, inside(8, "sshd")), Ok(()));
        assert_eq!(MARKS.judge(&asker, inside(8, "login")), Ok(()));
        for old in [1, 6, 7] {
            // Its audit session may be newer: that of somebody who has become root by a service that opens one.
            assert_eq!(MARKS.judge(&asker, inside(old, "sshd")), Err(NotNew::Old));
        }
    }

    #[test]
    fn what_nobody_logs_in_for_confirms_nothing() {
        for service in ["cron", "atd", "systemd-user", "sudo", "su"] {
            let judged = MARKS.judge(&asker(Some(9), true), inside(8, service));
            assert_eq!(judged, Err(NotNew::NoLogin(service.to_owned())));
        }
        // A job of root's is in no session; it has an audit session, and no login led to it.
        assert_eq!(MARKS.judge(&asker(Some(9), false), None), Err(NotNew::Nowhere));
        assert_eq!(MARKS.judge(&asker(None, true), None), Err(NotNew::Nowhere));
    }

    #[test]
    fn root_is_known_by_the_audit_session() {
        assert_eq!(MARKS.judge(&asker(Some(4), true), None), Ok(()));
        for old in [1, 2, 3] {
            assert_eq!(MARKS.judge(&asker(Some(old), true), None), Err(NotNew::Old));
        }
    }
}
