// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is done to a session, with a directory that looks like its cgroup.

use super::*;

fn target(action: Control, directory: &Path) -> Target {
    let [user, by, reason] = ["bob", "alice", "a shell nobody knows"].map(str::to_owned);
    let what = Intervention { session: SessionId::new(1, 0), user, record: None, action, by, reason };
    let (recorder, _inbox) = Recorder::new().unwrap();
    Target { what, recorder, uid: 1000, directory: directory.to_owned() }
}

fn cgroup_with(events: &str) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("cgroup.events"), events).unwrap();
    fs::write(directory.path().join("cgroup.procs"), format!("{}\n", std::process::id())).unwrap();
    directory
}

#[test]
fn killing_and_freezing_are_one_write() {
    let directory = cgroup_with("populated 1\nfrozen 0\n");
    let read = |name: &str| fs::read_to_string(directory.path().join(name)).unwrap();
    let killed = target(Control::Killed, directory.path());
    killed.act(limits::kill).unwrap();
    assert_eq!((read("cgroup.kill").as_str(), killed.count()), ("1", 1));
    assert!(!show::is_frozen(directory.path()));
    killed.act(|directory| limits::freeze(directory, true)).unwrap();
    assert!(show::is_frozen(directory.path()));
    killed.act(|directory| limits::freeze(directory, false)).unwrap();
    assert!(!show::is_frozen(directory.path()));
}

#[test]
fn a_session_that_ended_first_was_not_killed() {
    let directory = tempfile::tempdir().unwrap();
    let gone = target(Control::Killed, &directory.path().join("sac-x"));
    let error = format!("{:#}", gone.act(limits::kill).unwrap_err());
    assert!(error.contains("of bob has ended by itself"), "{error}");
}

#[test]
fn who_follows_late_is_waited_for_and_who_does_not_is_named() {
    let directory = cgroup_with("populated 1\nfrozen 0\n");
    let target = target(Control::Frozen, directory.path());
    let begin = Instant::now();
    let late = || Ok(begin.elapsed() < Duration::from_millis(100));
    assert_eq!(target.done(3, late).unwrap().left, []);
    let never = target.done(3, || Ok(has_stopped(directory.path())? == Some(false))).unwrap();
    assert_eq!((never.processes, never.left.len()), (3, 1));
    assert_eq!(never.left[0].pid.unsigned_abs(), std::process::id());
    assert!(begin.elapsed() >= COMING_TRUE);
}

#[test]
fn a_session_that_has_gone_neither_stops_nor_goes_on() {
    let states = [("populated 1\nfrozen 1\n", Some(true)), ("populated 1\nfrozen 0\n", Some(false))];
    for (events, stopped) in states {
        assert_eq!(has_stopped(cgroup_with(events).path()).unwrap(), stopped);
    }
    assert_eq!(has_stopped(Path::new("/nowhere")).unwrap(), None);
}

#[test]
fn the_line_in_the_log_names_who_did_it_and_why() {
    let what = target(Control::Killed, Path::new("/")).what;
    let id = what.session;
    assert_eq!(what.text(), format!("session {id} of bob ended by alice: a shell nobody knows"));
    let without = Intervention { action: Control::Thawed, reason: String::new(), ..what };
    assert_eq!(without.text(), format!("session {id} of bob thawed by alice"));
}
