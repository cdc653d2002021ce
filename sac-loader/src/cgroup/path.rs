// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where a process is in the hierarchy, and what systemd's names in that path say.

use std::{
    fs, io,
    path::{Component, Path, PathBuf},
};

/// A cgroup's path below the root of the hierarchy, without a leading slash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CgroupPath(PathBuf);

/// The slice that holds all of a user's sessions and the user's manager.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UserSlice {
    /// The user.
    pub(crate) uid: u32,
    /// The slice's directory.
    pub(crate) directory: PathBuf,
    /// The level at which cgroups that are children of its scopes stand, the root being 0.
    pub(crate) session_level: u32,
}

impl CgroupPath {
    /// Where the process is.
    ///
    /// # Errors
    ///
    /// Where the process is gone, or the machine has no unified hierarchy.
    pub(crate) fn of_process(pid: i32) -> io::Result<Self> {
        let text = fs::read_to_string(format!("/proc/{pid}/cgroup"))?;
        Self::parse(&text)
            .ok_or_else(|| io::Error::other(format!("/proc/{pid}/cgroup names no cgroup of version 2")))
    }

    /// Reads the line of the unified hierarchy from `/proc/PID/cgroup`.
    fn parse(text: &str) -> Option<Self> {
        let path = Path::new(text.lines().find_map(|line| line.strip_prefix("0::/"))?);
        path.components().all(|part| matches!(part, Component::Normal(_))).then(|| Self(path.to_owned()))
    }

    /// Its directory.
    pub(crate) fn directory(&self) -> PathBuf {
        Path::new(super::ROOT).join(&self.0)
    }

    /// The user's slice that it is in: `user.slice/user-UID.slice`.
    pub(crate) fn user_slice(&self) -> Option<UserSlice> {
        let mut parts = self.0.iter();
        let (Some("user.slice"), Some(slice)) = (parts.next()?.to_str(), parts.next()?.to_str()) else {
            return None;
        };
        let uid = slice.strip_prefix("user-")?.strip_suffix(".slice")?.parse().ok()?;
        // user.slice is level 1, the user's slice 2, a scope 3.
        Some(UserSlice {
            uid,
            directory: Path::new(super::ROOT).join("user.slice").join(slice),
            session_level: 4,
        })
    }

    /// Whether a directory is a scope that systemd has made for one session of a user: `user.slice/user-UID.slice/session-N.scope`.
    pub(crate) fn is_session_scope(directory: &Path) -> bool {
        let Some(path) = directory.strip_prefix(super::ROOT).ok().map(|path| Self(path.to_owned())) else {
            return false;
        };
        let scope = path.0.iter().nth(2).and_then(|unit| unit.to_str());
        path.0.iter().count() == 3
            && path.user_slice().is_some()
            && scope.is_some_and(|unit| unit.starts_with("session-") && unit.ends_with(".scope"))
    }

    /// Whether it is such a scope, or in one: systemd makes them for logins, and for nothing else.
    pub(crate) fn is_in_session_scope(&self) -> bool {
        let scope: PathBuf = self.0.iter().take(3).collect();
        Self::is_session_scope(&Path::new(super::ROOT).join(scope))
    }

    /// Whether it belongs to a user's manager, `user@UID.service`.
    pub(crate) fn is_in_user_manager(&self) -> bool {
        self.0.iter().nth(2).and_then(|unit| unit.to_str()).is_some_and(|unit| unit.starts_with("user@"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> CgroupPath {
        CgroupPath::parse(text).unwrap()
    }

    #[test]
    fn a_session_scope_is_in_its_users_slice() {
        let path = path("0::/user.slice/user-1000.slice/session-3.scope\n");
        let slice = path.user_slice().unwrap();
        assert_eq!(slice.uid, 1000);
        assert_eq!(slice.directory, Path::new("/sys/fs/cgroup/user.slice/user-1000.slice"));
        assert!(!path.is_in_user_manager());
    }

    #[test]
    fn the_user_manager_is_known_by_its_unit() {
        assert!(path("0::/user.slice/user-1000.slice/user@1000.service/init.scope\n").is_in_user_manager());
        assert!(!path("0::/system.slice/ssh.service\n").is_in_user_manager());
    }

    #[test]
    fn a_session_scope_is_one_session_s_alone() {
        let is_scope = |path: &str| CgroupPath::is_session_scope(&Path::new(super::super::ROOT).join(path));
        assert!(is_scope("user.slice/user-1000.slice/session-3.scope"));
        assert!(!is_scope("user.slice/user-1000.slice/user@1000.service"));
        assert!(!is_scope("user.slice/user-1000.slice"));
        assert!(!is_scope("user.slice/user-1000.slice/session-3.scope/sac-x"));
        assert!(!is_scope("system.slice/ssh.service"));
        let is_in = |text: &str| path(text).is_in_session_scope();
        assert!(is_in("0::/user.slice/user-0.slice/session-3.scope\n"));
        assert!(is_in("0::/user.slice/user-1000.slice/session-3.scope/sac-x/nested\n"));
        assert!(!is_in("0::/user.slice/user-1000.slice/user@1000.service/session-3.scope\n"));
        assert!(!is_in("0::/system.slice/cron.service\n"));
    }

    #[test]
    fn other_places_have_no_user_slice() {
        for text in
            ["0::/\n", "0::/system.slice/ssh.service\n", "0::/user.slice\n", "0::/user.slice/user-x.slice\n"]
        {
            assert_eq!(path(text).user_slice(), None, "{text}");
        }
    }

    #[test]
    fn what_is_outside_of_our_root_is_refused() {
        assert_eq!(CgroupPath::parse("0::/../init.scope\n"), None);
        assert_eq!(CgroupPath::parse("1:name=systemd:/user.slice\n"), None);
    }
}
