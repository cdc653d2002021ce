// SPDX-License-Identifier: MIT OR Apache-2.0
//! The table, row by row.

use super::*;
use crate::cgroup::PathFault;
use crate::client::Wait;
use crate::fake_loader::SESSION;
use sac_abi::pam::FrameError;
use std::io;

/// What a login gets, by `fail=`.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Row {
    Success(Priority),
    Refused(PamErr, Priority),
    Fault,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum PamErr {
    PermissionDenied,
    SystemError,
}

fn io_error() -> io::Error {
    io::Error::from_raw_os_error(libc::ENOENT)
}

fn no_reply(error: AskError) -> Cause {
    Cause::NoReply("/run/sac/pam.sock".into(), error)
}

fn not_placed(error: PlaceError) -> Cause {
    Cause::NotPlaced(b"/sys/fs/cgroup/x".to_vec(), error)
}

fn misplaced(error: PlaceError) -> Cause {
    Cause::Misplaced(b"/sys/fs/cgroup/x".to_vec(), error)
}

fn table() -> Vec<(Cause, Row, &'static str)> {
    use Row::{Fault, Refused, Success};
    let local = Refused(PamErr::SystemError, Priority::Error);
    let exempt = Exempt::Group(c"wheel".to_owned());
    let socket = "sac-loader at \"/run/sac/pam.sock\":";
    vec![
        (Cause::Entered(SESSION), Success(Priority::Debug), "goes on: in session 35afrg0007"),
        (Cause::Nested(SESSION), Success(Priority::Debug), "goes on: stays in session"),
        (Cause::Covered, Success(Priority::Debug), "goes on: held by the policy on the user's slice"),
        (Cause::Unpoliced, Success(Priority::Debug), "goes on: sac-loader has no policy for this user"),
        (Cause::Root, Success(Priority::Debug), "goes on: root is under no policy"),
        (
            Cause::Exempt(exempt),
            Success(Priority::Notice),
            "goes on without a policy of its own: exempt=@wheel",
        ),
        (Cause::NoUser, local, "refused: PAM_USER is not set"),
        (Cause::NoItem("PAM_TTY"), local, "refused: libpam does not give PAM_TTY"),
        (
            Cause::Oversized(AskError::Request(FrameError::StringTooLong)),
            local,
            "refused: cannot write the request: the frame holds a string beyond its limit",
        ),
        (
            Cause::Refused(b"no policy\nroot logged in".to_vec()),
            Refused(PamErr::PermissionDenied, Priority::Warning),
            r"refused: sac-loader says: no policy\x0aroot logged in",
        ),
        (no_reply(AskError::Connect(io_error())), Fault, socket),
        (no_reply(AskError::Socket("poll", io_error())), Fault, socket),
        (no_reply(AskError::Peer { uid: 7 }), Fault, socket),
        (no_reply(AskError::Timeout(Wait::Reply)), Fault, socket),
        (no_reply(AskError::Closed), Fault, socket),
        (no_reply(AskError::TooLong(5000)), Fault, socket),
        (no_reply(AskError::Reply(FrameError::Magic)), Fault, socket),
        (
            not_placed(PlaceError::Path(PathFault::Outside)),
            Fault,
            "cgroup \"/sys/fs/cgroup/x\": it is not below",
        ),
        (not_placed(PlaceError::NotMoved("cannot enter it", io_error())), Fault, "cannot enter it: No such"),
        (not_placed(PlaceError::Filesystem(0xef53)), Fault, "a filesystem of type 0xef53, not on cgroup2"),
        (
            misplaced(PlaceError::Unproven(io_error())),
            local,
            "refused: cgroup \"/sys/fs/cgroup/x\": the move",
        ),
        (misplaced(PlaceError::Astray(None)), local, "the process is in no cgroup"),
        (misplaced(PlaceError::Astray(Some(b"/".to_vec()))), local, "the process is in \"/\" after the move"),
    ]
}

fn row(verdict: &Verdict) -> Row {
    match verdict.code {
        PamResultCode::PAM_SUCCESS => Row::Success(verdict.priority),
        PamResultCode::PAM_PERM_DENIED => Row::Refused(PamErr::PermissionDenied, verdict.priority),
        PamResultCode::PAM_SYSTEM_ERR => Row::Refused(PamErr::SystemError, verdict.priority),
        // sudo goes on after PAM_SESSION_ERR, and libpam after PAM_IGNORE.
        _ => panic!("{verdict:?} is not a code to return"),
    }
}

#[test]
fn each_cause_has_its_code_and_level_and_fail_decides_about_faults_alone() {
    for (cause, wanted, _) in table() {
        let (closed, open) = (cause.verdict(FailMode::Closed), cause.verdict(FailMode::Open));
        if wanted == Row::Fault {
            assert_eq!(row(&closed), Row::Refused(PamErr::SystemError, Priority::Error), "{cause:?}");
            assert_eq!(row(&open), Row::Success(Priority::Error), "{cause:?}");
        } else {
            assert_eq!(row(&closed), wanted, "{cause:?}");
            assert_eq!(closed, open, "{cause:?}");
        }
    }
}

#[test]
fn each_line_says_who_what_and_why() {
    for (cause, row, part) in table() {
        let closed = cause.line(b"alice", FailMode::Closed);
        let open = cause.line(b"alice", FailMode::Open);
        assert!(closed.contains(part), "{closed:?} lacks {part:?}");
        assert!(closed.starts_with("session of user \"alice\" "), "{closed:?}");
        if row == Row::Fault {
            assert!(closed.starts_with("session of user \"alice\" refused: "), "{closed:?}");
            assert!(closed.ends_with(" (fail=closed)"), "{closed:?}");
            assert!(
                open.starts_with("session of user \"alice\" goes on without a policy of its own: "),
                "{open:?}"
            );
            assert!(open.ends_with(" (fail=open)"), "{open:?}");
        } else {
            assert_eq!(closed, open);
        }
        assert!(crate::text::line(&closed) == closed, "{closed:?} is not fit for a log");
    }
}

#[test]
fn a_name_cannot_forge_a_line() {
    let line = Cause::NoUser.line(b"x\" goes on: root\n\x1b[0m", FailMode::Closed);
    assert_eq!(line, r#"session of user "x\x22 goes on: root\x0a\x1b[0m" refused: PAM_USER is not set"#);
}
