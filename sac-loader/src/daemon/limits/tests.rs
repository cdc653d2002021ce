// SPDX-License-Identifier: MIT OR Apache-2.0
//! The arithmetic of limits.

use super::*;

fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn limits(length: Option<u64>, idle: Option<u64>) -> Limits {
    Limits { session_length: length.map(s), idle: idle.map(s), warning: s(300), ..Limits::default() }
}

#[test]
fn a_session_is_warned_and_then_over() {
    let limits = limits(Some(3600), None);
    let at = |age| plan(&limits, s(age), None).unwrap();
    assert_eq!(at(0), Plan { cause: Cause::Length, left: s(3600), warn: false, again: s(3300) });
    assert_eq!(at(3299), Plan { cause: Cause::Length, left: s(301), warn: false, again: s(1) });
    assert_eq!(at(3300), Plan { cause: Cause::Length, left: s(300), warn: true, again: s(300) });
    assert_eq!(at(3600).left, s(0));
    assert_eq!(at(9000).left, s(0));
}

#[test]
fn what_comes_first_counts_and_without_a_terminal_nobody_is_idle() {
    let limits = limits(Some(3600), Some(1800));
    assert_eq!(plan(&limits, s(0), Some(s(0))).unwrap().cause, Cause::Idle);
    assert_eq!(plan(&limits, s(3000), Some(s(0))).unwrap().cause, Cause::Length);
    assert_eq!(plan(&limits, s(0), None).unwrap().cause, Cause::Length);
    assert_eq!(plan(&self::limits(None, Some(60)), s(0), None), None);
    assert_eq!(plan(&self::limits(None, None), s(0), Some(s(9))), None);
}

#[test]
fn a_clock_that_is_set_makes_nobody_idle() {
    let mut seen = Seen::default();
    assert_eq!(seen.idle(1000, 1030, 500, s(100)), s(30));
    assert_eq!(seen.idle(1000, 99_999, 510, s(110)), s(40), "the wall clock went ahead");
    assert_eq!(seen.idle(1000, 5, 520, s(120)), s(50), "the wall clock went back");
    assert_eq!(seen.idle(2000, 2000, 530, s(130)), s(0), "somebody typed");
    assert_eq!(Seen::default().idle(1000, 99_999, 500, s(7)), s(7), "not longer than the session");
}

#[test]
fn times_are_told_as_policies_write_them() {
    assert_eq!([s(300), s(3661), s(45)].map(in_words), ["5m", "1h1m1s", "45s"]);
}

#[test]
fn a_limit_goes_to_the_session_s_own_cgroup_or_to_nobody() {
    let directory = tempfile::tempdir().unwrap();
    let session = directory.path().join("sac-x");
    fs::create_dir(&session).unwrap();
    let error = limit_processes(&session, Some(7)).unwrap_err().to_string();
    assert!(error.contains("pam_systemd"), "{error}");
    fs::write(session.join("pids.max"), "max\n").unwrap();
    limit_processes(&session, Some(7)).unwrap();
    assert_eq!(fs::read_to_string(session.join("pids.max")).unwrap(), "7");
    limit_processes(&session, None).unwrap();
    assert_eq!(fs::read_to_string(session.join("pids.max")).unwrap(), "max");
}
