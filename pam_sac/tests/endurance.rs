// SPDX-License-Identifier: MIT OR Apache-2.0
//! What thousands of sessions in one process leave behind there: no memory, no descriptor, no error that valgrind sees.
//!
//! sshd and login end with their session, but a display manager, cron or a service of somebody's own may open any number of them. Each
//! session ends in another way: let in, exempt, entered, and all that can go wrong with a loader, with `fail=open`, because pamtester
//! ends with the first session that is refused.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "support/as_root.rs"]
mod as_root;
#[path = "support/fake_loader.rs"]
mod fake_loader;
#[path = "support/module.rs"]
mod module;
#[path = "support/stage.rs"]
mod stage;

use fake_loader::{Connection, Listener, SESSION};
use sac_abi::pam::{FRAME_BYTES_MAX, OpenReply};
use stage::{Cgroup, Outcome, Stage};
use std::fs;
use std::process::Command;
use std::time::Duration;

/// Sessions in one process.
const SESSIONS: usize = 10_000;

/// Sessions under valgrind, which makes everything some fifty times slower; [`VALGRIND_VARIABLE`] names another number.
const SESSIONS_UNDER_VALGRIND: usize = 300;
const VALGRIND_VARIABLE: &str = "SAC_TEST_VALGRIND_SESSIONS";

/// After so many sessions everything is there that is there for good: the C library's buffers and what names are looked up with.
const SETTLED: usize = 100;

/// What a process may have grown by all sessions since, in KiB. What is lost in each of them, 14 bytes are enough, is more.
const GROWTH_KIB_MAX: u64 = 128;

/// Among so many sessions there is one that gets no answer, which costs a second.
const UNANSWERED_EACH: usize = 5_000;

/// What a process holds.
#[derive(Clone, Copy, Debug)]
struct Holdings {
    resident_kib: u64,
    descriptors: usize,
}

impl Holdings {
    fn of(process: i32) -> Self {
        // Counted, page by page: the number in `status` may be behind.
        let rollup = fs::read_to_string(format!("/proc/{process}/smaps_rollup")).unwrap();
        let resident = rollup.lines().find_map(|line| line.strip_prefix("Rss:")).unwrap();
        let resident_kib = resident.trim().trim_end_matches(" kB").parse().unwrap();
        let descriptors = fs::read_dir(format!("/proc/{process}/fd")).unwrap().count();
        Self { resident_kib, descriptors }
    }
}

/// Answers the session of this number, each in another way.
fn answer(connection: &Connection, number: usize, cgroup: &str) {
    connection.receive();
    if number % UNANSWERED_EACH == UNANSWERED_EACH / 2 {
        connection.wait_for_end();
        return;
    }
    let cgroup = cgroup.as_bytes();
    let _the_client_may_have_given_up = match number % 8 {
        0 => connection.try_send(&fake_loader::frame(&OpenReply::Enter { session: SESSION, cgroup })),
        1 => connection.try_send(&fake_loader::frame(&OpenReply::Nested { session: SESSION })),
        2 => connection.try_send(&fake_loader::frame(&OpenReply::Covered)),
        3 => connection.try_send(&fake_loader::frame(&OpenReply::Exempt)),
        4 => connection.try_send(b"220 mail ready"),
        5 => connection.try_send(&[b'x'; FRAME_BYTES_MAX + 1]),
        6 => {
            let cgroup = b"/sys/fs/cgroup/sac-test-absent";
            connection.try_send(&fake_loader::frame(&OpenReply::Enter { session: SESSION, cgroup }))
        }
        // The connection ends without an answer.
        _ => return,
    };
    connection.wait_for_end();
}

/// Opens and closes so many sessions in one pamtester; what it held early and in the last one, and what became of it.
fn open_and_close(sessions: usize, wrapper: &[&str]) -> ([Holdings; 2], Outcome) {
    let cgroup = Cgroup::new();
    let stage = Stage::new();
    let directory = cgroup.directory_inside();
    let listener = Listener::bind(&stage.socket(), 8);
    let serving = std::thread::spawn(move || {
        let mut early = None;
        for number in 1..=sessions {
            let connection = listener.accept();
            if number == sessions {
                let last = Holdings::of(connection.peer());
                answer(&connection, number, &directory);
                return [early.unwrap_or(last), last];
            }
            if number == SETTLED {
                early = Some(Holdings::of(connection.peer()));
            }
            answer(&connection, number, &directory);
        }
        unreachable!("there is a last session")
    });
    // bwrap takes 9,000 arguments at most.
    let operations = stage.path("operations");
    fs::write(&operations, "open_session close_session ".repeat(sessions)).unwrap();
    let shell = format!("exec \"$@\" $(cat {})", operations.display());
    let wrapper = [&["sh", "-c", &shell, "sh"], wrapper].concat();
    let line = stage.line("fail=open timeout=1 exempt=nobody,@nogroup");
    let outcome = line.in_cgroup_of(&cgroup).under(&wrapper).pamtester(&[], "daemon", &[]);
    assert!(outcome.success, "{outcome:?}");
    assert_eq!(outcome.messages.matches("opened a session").count(), sessions);
    (serving.join().unwrap(), outcome)
}

/// Threat: a process that opens many sessions loses memory or descriptors to the module, until logins fail.
#[test]
fn ten_thousand_sessions_leave_nothing_behind() {
    // Only root may move a process into a new cgroup.
    if !as_root::is_root("ten_thousand_sessions_leave_nothing_behind") {
        return;
    }
    let ([early, last], outcome) = open_and_close(SESSIONS, &[]);
    // Half of them have gone wrong, those without an answer among them: the ways on which something could be left have been gone.
    let faults = outcome.log.iter().filter(|line| line.message.ends_with("(fail=open)")).count();
    assert_eq!(faults, SESSIONS / 2);
    assert_eq!(early.descriptors, last.descriptors, "{early:?}, {last:?}");
    let growth_kib = last.resident_kib.saturating_sub(early.resident_kib);
    assert!(growth_kib <= GROWTH_KIB_MAX, "{growth_kib} KiB more: {early:?}, {last:?}");
    assert!(outcome.took < Duration::from_secs(120), "{:?}", outcome.took);
}

/// What valgrind says of so many sessions: bytes that are lost for sure.
fn lost_under_valgrind(sessions: usize) -> u64 {
    let report = tempfile::NamedTempFile::new_in("/tmp").unwrap();
    let log = format!("--log-file={}", report.path().display());
    // 99 where there is an error, and pamtester's own code otherwise. The module is unloaded in the end and named all the same.
    let program =
        ["valgrind", &log, "--vgdb=no", "--error-exitcode=99", "--keep-debuginfo=yes", "--num-callers=30"];
    let leaks = ["--leak-check=full", "--show-leak-kinds=definite", "--errors-for-leak-kinds=none"];
    let wrapper = [&program[..], &leaks].concat();
    let ([early, last], _outcome) = open_and_close(sessions, &wrapper);
    assert_eq!(early.descriptors, last.descriptors, "{early:?}, {last:?}");
    let report = fs::read_to_string(report.path()).unwrap();
    assert!(report.contains("ERROR SUMMARY: 0 errors"), "{report}");
    assert!(!report.contains("pam_sac"), "valgrind says something of the module:\n{report}");
    let lost = report.lines().find_map(|line| line.split_once("definitely lost: "));
    let bytes = lost.and_then(|(_, lost)| lost.split(' ').next()).map(|bytes| bytes.replace(',', ""));
    // Where nothing is left at all, it says so in other words.
    bytes.map_or(0, |bytes| bytes.parse().unwrap())
}

/// Threat: the module reads or writes where it must not, or loses memory that is given back too late to be noticed from outside.
#[test]
fn valgrind_finds_nothing_in_it() {
    if !as_root::is_root("valgrind_finds_nothing_in_it") {
        return;
    }
    let is_there = Command::new("valgrind").arg("--version").output();
    is_there.unwrap_or_else(|error| panic!("valgrind: {error}; install it"));
    let sessions =
        std::env::var(VALGRIND_VARIABLE).map_or(SESSIONS_UNDER_VALGRIND, |text| text.parse().unwrap());
    let few = lost_under_valgrind(SETTLED);
    let many = lost_under_valgrind(sessions);
    assert_eq!(few, many, "what is lost depends on the number of sessions: {SETTLED} and {sessions}");
}
