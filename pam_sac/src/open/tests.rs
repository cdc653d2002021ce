// SPDX-License-Identifier: MIT OR Apache-2.0
//! Opening a session against a fake loader and a directory that plays cgroupfs.

use super::*;
use crate::args::{Exempt, FailMode};
use crate::fake_loader::{Connection, Listener, SESSION, make_fifo, own_uid, without_leaks};
use crate::identity::Account;
use crate::sys::filesystem;
use pam::constants::PamResultCode;
use std::ffi::CStr;
use std::fs::{self, File};
use std::io;
use std::os::fd::AsFd;
use std::path::Path;
use std::time::Duration;

/// root is root, everybody else has uid 1000 and no groups.
struct MadeUp;

impl Names for MadeUp {
    fn account(&self, user: &CStr) -> io::Result<Option<Account>> {
        let uid = if user == c"root" { 0 } else { 1000 };
        Ok(Some(Account { uid, gid: uid }))
    }
    fn group(&self, _group: &CStr) -> io::Result<Option<u32>> {
        Ok(None)
    }
    fn groups_of(&self, _user: &CStr, account: Account) -> io::Result<Vec<u32>> {
        Ok(vec![account.gid])
    }
}

fn login(user: &CStr) -> Login {
    Login {
        user: user.to_owned(),
        service: b"sshd".to_vec(),
        tty: b"ssh".to_vec(),
        rhost: b"192.0.2.1".to_vec(),
        xdg_session_id: b"7".to_vec(),
    }
}

/// Opens a session in `directory`, where the loader's socket and the cgroups are.
fn open_in(directory: &Path, login: &Login, exempt: Vec<Exempt>) -> Cause {
    let path = |name: &str| directory.join(name).to_str().unwrap().to_owned();
    let magic = filesystem::filesystem_magic(File::open(directory).unwrap().as_fd()).unwrap();
    let (mount_point, membership) = (path("cgroup"), path("membership"));
    let hierarchy = Hierarchy { mount_point: &mount_point, magic, membership: &membership };
    let machine = Machine { names: &MadeUp, hierarchy, loader_uid: own_uid() };
    let options = Options {
        socket: directory.join("sock"),
        timeout: Duration::from_secs(10),
        exempt,
        ..Options::default()
    };
    open(&machine, &options, login, &mut Vec::new())
}

/// Opens a session of alice with a loader that does `serve`, which gets the cgroup's directory too.
fn open_served(membership: &str, serve: impl FnOnce(Connection, &Path) + Send + 'static) -> Cause {
    without_leaks(|| {
        let directory = tempfile::tempdir().unwrap();
        let cgroup = directory.path().join("cgroup/s");
        fs::create_dir_all(&cgroup).unwrap();
        fs::write(directory.path().join("membership"), membership).unwrap();
        // Opening a FIFO for writing waits for a reader, so the fake loader decides when the process is placed.
        make_fifo(&cgroup.join("cgroup.procs"));
        let listener = Listener::bind(&directory.path().join("sock"), 8);
        let serving = listener.serve(move |connection| serve(connection, &cgroup));
        let cause = open_in(directory.path(), &login(c"alice"), vec![]);
        serving.join().unwrap();
        cause
    })
}

fn bytes(path: &Path) -> &[u8] {
    path.as_os_str().as_encoded_bytes()
}

#[test]
fn the_loader_hears_who_logs_in() {
    let cause = open_served("", |connection, _| {
        let packet = connection.receive();
        let wanted = OpenRequest {
            user: b"alice",
            service: b"sshd",
            tty: b"ssh",
            rhost: b"192.0.2.1",
            xdg_session_id: b"7",
        };
        assert_eq!(OpenRequest::decode(&packet), Ok(wanted));
        connection.reply(&OpenReply::Covered);
    });
    assert!(matches!(cause, Cause::Covered), "{cause:?}");
}

#[test]
fn the_connection_lasts_until_the_process_is_placed_and_no_longer() {
    let cause = open_served("0::/s\n", |connection, cgroup| {
        connection.receive();
        connection.reply(&OpenReply::Enter { session: SESSION, cgroup: bytes(cgroup) });
        let ended_early = connection.stirs(Duration::from_millis(200));
        assert_eq!(fs::read(cgroup.join("cgroup.procs")).unwrap(), b"0");
        assert!(!ended_early, "the connection ended before the move");
        connection.wait_for_end();
    });
    assert!(matches!(cause, Cause::Entered(SESSION)), "{cause:?}");
}

#[test]
fn a_process_that_lands_elsewhere_is_refused_with_fail_open_too() {
    let cause = open_served("0::/other\n", |connection, cgroup| {
        connection.receive();
        connection.reply(&OpenReply::Enter { session: SESSION, cgroup: bytes(cgroup) });
        assert_eq!(fs::read(cgroup.join("cgroup.procs")).unwrap(), b"0");
        connection.wait_for_end();
    });
    assert!(matches!(cause, Cause::Misplaced(..)), "{cause:?}");
    assert_ne!(cause.verdict(FailMode::Open).code, PamResultCode::PAM_SUCCESS);
}

#[test]
fn a_cgroup_that_is_none_is_a_fault_and_ends_the_connection() {
    for directory in [&b"/etc"[..], b"", b"/sys/fs/cgroup/../../../etc"] {
        let cause = open_served("", |connection, _| {
            connection.receive();
            connection.reply(&OpenReply::Enter { session: SESSION, cgroup: directory });
            connection.wait_for_end();
        });
        assert!(matches!(cause, Cause::NotPlaced(..)), "{cause:?}");
    }
}

type IsWanted = fn(&Cause) -> bool;

#[test]
fn the_other_replies_move_nobody() {
    let cases: [(OpenReply<'static>, IsWanted); 4] = [
        (OpenReply::Nested { session: SESSION }, |cause| matches!(cause, Cause::Nested(SESSION))),
        (OpenReply::Covered, |cause| matches!(cause, Cause::Covered)),
        (OpenReply::Exempt, |cause| matches!(cause, Cause::Unpoliced)),
        (
            OpenReply::Refused { reason: b"no policy" },
            |cause| matches!(cause, Cause::Refused(reason) if reason == b"no policy"),
        ),
    ];
    for (reply, is_wanted) in cases {
        let cause = open_served("", move |connection, _| {
            connection.receive();
            connection.reply(&reply);
            connection.wait_for_end();
        });
        assert!(is_wanted(&cause), "{reply:?}: {cause:?}");
    }
}

#[test]
fn root_and_the_exempt_get_in_without_a_loader_and_nobody_else() {
    without_leaks(|| {
        let directory = tempfile::tempdir().unwrap();
        let open = |user| open_in(directory.path(), &login(user), vec![Exempt::User(c"alice".to_owned())]);
        assert!(matches!(open(c"root"), Cause::Root));
        assert!(matches!(open(c"alice"), Cause::Exempt(_)));
        assert!(matches!(open(c"bob"), Cause::NoReply(_, AskError::Connect(_))));
        assert!(matches!(open(c""), Cause::NoUser));
    });
}

#[test]
fn a_name_beyond_its_limit_opens_nothing() {
    without_leaks(|| {
        let directory = tempfile::tempdir().unwrap();
        let long = vec![b'a'; 257];
        for login in [
            Login { user: CString::new(long.clone()).unwrap(), ..login(c"") },
            Login { tty: long.clone(), ..login(c"alice") },
            Login { rhost: long, ..login(c"alice") },
        ] {
            let cause = open_in(directory.path(), &login, vec![]);
            assert!(matches!(cause, Cause::Oversized(_)), "{cause:?}");
            assert_ne!(cause.verdict(FailMode::Open).code, PamResultCode::PAM_SUCCESS);
        }
    });
}
