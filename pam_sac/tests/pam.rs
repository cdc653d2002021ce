// SPDX-License-Identifier: MIT OR Apache-2.0
//! The module in a real PAM stack: pamtester under bwrap, with an `/etc/pam.d` and a `/dev/log` of its own.
//!
//! Nothing of the machine's own PAM configuration or log is read or written, and only the test that enters a real cgroup
//! needs root.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "support/as_root.rs"]
mod as_root;
#[path = "support/fake_loader.rs"]
mod fake_loader;
#[path = "support/module.rs"]
mod module;
#[path = "support/stage.rs"]
mod stage;

use fake_loader::{Listener, SESSION};
use sac_abi::pam::{OpenReply, OpenRequest};
use stage::{Cgroup, Outcome, Stage};
use std::time::Duration;

/// Priorities of a syslog line: LOG_AUTHPRIV (10) and the level, see syslog(3) and RFC 3164, section 4.1.1.
const ERROR: u32 = 10 * 8 + 3;
const WARNING: u32 = 10 * 8 + 4;
const NOTICE: u32 = 10 * 8 + 5;
const DEBUG: u32 = 10 * 8 + 7;

/// A user of every Debian who is not root, with a group of the same name.
const USER: &str = "daemon";

/// The login got this outcome and the log exactly these lines, of which the beginning is given.
fn check(outcome: &Outcome, wanted: Result<(), &str>, log: &[(u32, &str)]) {
    match wanted {
        Ok(()) => assert!(outcome.success, "{outcome:?}"),
        Err(error) => {
            assert!(!outcome.success, "{outcome:?}");
            assert!(outcome.messages.contains(error), "{outcome:?}");
        }
    }
    assert_eq!(outcome.log.len(), log.len(), "{outcome:?}");
    for (line, (priority, beginning)) in outcome.log.iter().zip(log) {
        let beginning = format!("pam_sac(sac-test:session): {beginning}");
        assert_eq!(line.priority, *priority, "{outcome:?}");
        assert!(line.message.starts_with(&beginning), "{outcome:?} lacks {beginning:?}");
    }
}

#[test]
fn without_a_loader_the_login_is_refused() {
    let outcome = Stage::new().session("", USER);
    let line = "session of user \"daemon\" refused: sac-loader at \"";
    check(&outcome, Err("System error"), &[(ERROR, line)]);
    assert!(outcome.log[0].message.contains("No such file or directory"), "{outcome:?}");
    assert!(outcome.log[0].message.ends_with(" (fail=closed)"), "{outcome:?}");
}

#[test]
fn without_a_loader_fail_open_lets_in_and_says_so() {
    let outcome = Stage::new().session("fail=open", USER);
    check(
        &outcome,
        Ok(()),
        &[(ERROR, "session of user \"daemon\" goes on without a policy of its own: sac-loader at")],
    );
    assert!(outcome.log[0].message.ends_with(" (fail=open)"), "{outcome:?}");
}

#[test]
fn a_loader_that_hangs_costs_the_timeout_and_no_more() {
    let stage = Stage::new();
    let _never_accepts = Listener::bind(&stage.socket(), 8);
    let refused = stage.session("timeout=1", USER);
    check(&refused, Err("System error"), &[(ERROR, "session of user \"daemon\" refused:")]);
    let let_in = stage.session("timeout=1 fail=open", USER);
    check(&let_in, Ok(()), &[(ERROR, "session of user \"daemon\" goes on without")]);
    for outcome in [refused, let_in] {
        assert!(outcome.log[0].message.contains("it gave no answer in time"), "{outcome:?}");
        // pamtester and bwrap start within the difference.
        assert!(outcome.took >= Duration::from_secs(1), "{outcome:?}");
        assert!(outcome.took < Duration::from_secs(6), "{outcome:?}");
    }
}

#[test]
fn a_loader_that_talks_nonsense_or_goes_away_is_a_fault() {
    for (packet, cause) in [(&b"220 mail ready"[..], "makes no sense"), (b"", "closed the connection")] {
        let stage = Stage::new();
        let serving = Listener::bind(&stage.socket(), 8).serve(move |connection| {
            connection.receive();
            connection.send(packet);
        });
        let outcome = stage.session("", USER);
        serving.join().unwrap();
        check(&outcome, Err("System error"), &[(ERROR, "session of user \"daemon\" refused:")]);
        assert!(outcome.log[0].message.contains(cause), "{outcome:?}");
    }
}

#[test]
fn the_exempt_get_in_without_a_loader() {
    let stage = Stage::new();
    for entry in ["daemon", "@daemon"] {
        let outcome = stage.session(&format!("exempt=nobody,{entry}"), USER);
        let line = format!("session of user \"daemon\" goes on without a policy of its own: exempt={entry}");
        check(&outcome, Ok(()), &[(NOTICE, &line)]);
    }
    let outcome = stage.session("exempt=nobody,@root", USER);
    check(&outcome, Err("System error"), &[(ERROR, "session of user \"daemon\" refused:")]);
}

#[test]
fn root_gets_in_without_a_loader_and_without_a_line() {
    let stage = Stage::new();
    check(&stage.session("", "root"), Ok(()), &[]);
    let line = "session of user \"root\" goes on: root is under no policy";
    check(&stage.session("debug", "root"), Ok(()), &[(DEBUG, line)]);
}

#[test]
fn a_mistake_in_the_line_is_a_warning_and_loosens_nothing() {
    let outcome = Stage::new().session("fail=opne tiemout=1", USER);
    check(
        &outcome,
        Err("System error"),
        &[
            (WARNING, "argument \"fail=opne\" is neither fail=closed nor fail=open; fail=closed is used"),
            (WARNING, "argument \"tiemout=1\" is unknown and ignored"),
            (ERROR, "session of user \"daemon\" refused:"),
        ],
    );
}

#[test]
fn the_loader_is_told_what_libpam_knows() {
    let stage = Stage::new();
    let serving = Listener::bind(&stage.socket(), 8).serve(|connection| {
        let packet = connection.receive();
        let wanted = OpenRequest {
            user: USER.as_bytes(),
            service: b"sac-test",
            tty: b"pts/9",
            rhost: b"192.0.2.1",
            xdg_session_id: b"42",
        };
        assert_eq!(OpenRequest::decode(&packet), Ok(wanted));
        connection.reply(&OpenReply::Nested { session: SESSION });
    });
    let items = ["-I", "tty=pts/9", "-I", "rhost=192.0.2.1", "-E", "XDG_SESSION_ID=42"];
    let outcome = stage.line("").pamtester(&items, USER, &["open_session", "close_session"]);
    serving.join().unwrap();
    check(&outcome, Ok(()), &[]);
}

#[test]
fn what_the_loader_decides_holds_whatever_fail_says() {
    for (reply, wanted, log) in [
        (
            OpenReply::Nested { session: SESSION },
            Ok(()),
            (DEBUG, "session of user \"daemon\" goes on: stays in"),
        ),
        (OpenReply::Covered, Ok(()), (DEBUG, "session of user \"daemon\" goes on: held by the policy")),
        (OpenReply::Exempt, Ok(()), (DEBUG, "session of user \"daemon\" goes on: sac-loader has no policy")),
        (
            OpenReply::Refused { reason: b"no policy\nfor daemon" },
            Err("Permission denied"),
            (WARNING, r#"session of user "daemon" refused: sac-loader says: no policy\x0afor daemon"#),
        ),
    ] {
        let stage = Stage::new();
        let serving = Listener::bind(&stage.socket(), 8).serve(move |connection| {
            connection.receive();
            connection.reply(&reply);
            connection.wait_for_end();
        });
        let outcome = stage.session("fail=open debug", USER);
        serving.join().unwrap();
        check(&outcome, wanted, &[log]);
    }
}

#[test]
fn the_module_authenticates_nobody_and_stands_in_nobodys_way() {
    let stage = Stage::new();
    let module = stage.module();
    let operations = [("auth", "authenticate"), ("account", "acct_mgmt"), ("password", "chauthtok")];
    for (kind, operation) in operations {
        let alone = format!("{kind} required {module}\n");
        let outcome = stage.stack(&alone).pamtester(&[], USER, &[operation]);
        assert!(!outcome.success, "{kind}: {outcome:?}");
        let with_another = format!("{alone}{kind} required pam_permit.so\n");
        let outcome = stage.stack(&with_another).pamtester(&[], USER, &[operation]);
        assert!(outcome.success, "{kind}: {outcome:?}");
    }
    let setcred = "setcred(PAM_ESTABLISH_CRED)";
    let with_another = format!("auth required {module}\nauth required pam_permit.so\n");
    let outcome = stage.stack(&with_another).pamtester(&[], USER, &[setcred]);
    assert!(outcome.success, "{outcome:?}");
}

#[test]
fn the_process_and_what_it_starts_are_in_the_cgroup() {
    // Only root may move a process into a new cgroup.
    if !as_root::is_root("the_process_and_what_it_starts_are_in_the_cgroup") {
        return;
    }
    let cgroup = Cgroup::new();
    let stage = Stage::new();
    let directory = cgroup.directory_inside();
    let serving = Listener::bind(&stage.socket(), 8).serve(move |connection| {
        connection.receive();
        connection.reply(&OpenReply::Enter { session: SESSION, cgroup: directory.as_bytes() });
        connection.wait_for_end();
    });
    let witness = stage.path("witness");
    let line = stage.session_line("debug");
    let exec =
        format!("session required pam_exec.so quiet log={} /bin/cat /proc/self/cgroup\n", witness.display());
    let outcome = stage.stack(&(line + &exec)).in_cgroup_of(&cgroup).pamtester(&[], USER, &["open_session"]);
    serving.join().unwrap();
    check(&outcome, Ok(()), &[(DEBUG, "session of user \"daemon\" goes on: in session ")]);
    let witness = std::fs::read_to_string(witness).unwrap();
    let wanted = format!("0::{}", cgroup.path());
    assert!(witness.lines().any(|line| line == wanted), "{witness}");
}

#[test]
fn a_cgroup_that_is_not_there_is_a_fault() {
    let stage = Stage::new();
    let serving = Listener::bind(&stage.socket(), 8).serve(|connection| {
        connection.receive();
        connection.reply(&OpenReply::Enter { session: SESSION, cgroup: b"/sys/fs/cgroup/sac-test-absent" });
        connection.wait_for_end();
    });
    let outcome = stage.session("", USER);
    serving.join().unwrap();
    let line =
        "session of user \"daemon\" refused: cgroup \"/sys/fs/cgroup/sac-test-absent\": cannot open it";
    check(&outcome, Err("System error"), &[(ERROR, line)]);
}
