// SPDX-License-Identifier: MIT OR Apache-2.0
//! Whom a policy wants killed, and that this is done.

use super::*;
use sac_policy::{Group, Source};
use std::{
    io::{BufRead as _, BufReader},
    os::unix::process::ExitStatusExt as _,
    process::{Command, Stdio},
};

fn fate_of(policies: &[&str], uid: u32) -> Option<Fate> {
    let sources = policies.iter().enumerate();
    let sources = sources.map(|(number, text)| Source::new(format!("/{number}.yaml"), *text)).collect();
    let set = PolicySet::from_sources(sources).unwrap().set;
    let groups = vec![Group { gid: 50, name: "staff".to_owned() }];
    fate(&set, &Person { name: "bob".to_owned(), uid, groups })
}

#[test]
fn the_first_policy_for_the_person_decides() {
    let all = "policy: all\napplies_to: everyone\nunlabelled: deny\n";
    let staff = "policy: staff\napplies_to: {groups: [staff], services: [cron]}\n";
    let others = "policy: others\napplies_to: {users: [alice]}\nunlabelled: deny\n";
    assert_eq!(fate_of(&[others], 1000), None);
    assert_eq!(fate_of(&[all], 0), None);
    assert_eq!(fate_of(&[all, others], 1000), Some(Fate::Kill));
    assert_eq!(fate_of(&[all, staff], 1000), Some(Fate::Report));
    let audit = format!("{all}mode: audit\n");
    assert_eq!(fate_of(&[&audit], 1000), Some(Fate::Report));
}

#[test]
fn covered_is_what_is_in_a_cgroup_under_a_policy() {
    let covered = Covered([PathBuf::from("/sys/fs/cgroup/user.slice/sac-1")].into());
    assert!(covered.has(Path::new("/user.slice/sac-1")) && covered.has(Path::new("/user.slice/sac-1/own")));
    assert!(!covered.has(Path::new("/user.slice")) && !covered.has(Path::new("/user.slice/sac-10")));
}

/// A shell in a session of its own, with a process beside it.
fn shell() -> (std::process::Child, Process) {
    let mut command = Command::new("setsid");
    command.args(["sh", "-c", "sleep 600 & echo; wait"]).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut String::new()).unwrap();
    let processes = Processes::read(Path::new(PROC)).unwrap();
    let process = processes.get(i32::try_from(child.id()).unwrap()).unwrap().clone();
    assert_eq!(process.session, process.pid, "all of another session would be killed");
    (child, process)
}

#[test]
fn a_login_is_killed_with_all_that_it_has_started() {
    let (mut child, process) = shell();
    assert_eq!(kill(&process, Path::new(PROC), &|_| true).unwrap(), 0);
    // Another process that has its number.
    let mut other = process.clone();
    (other.started, other.session) = (process.started + 1, 0);
    assert_eq!(kill(&other, Path::new(PROC), &|_| false).unwrap(), 0);
    assert_eq!(kill(&process, Path::new(PROC), &|_| false).unwrap(), 2);
    assert_eq!(child.wait().unwrap().signal(), Some(libc::SIGKILL));
    // The process beside it may take a while to end.
    while kill(&process, Path::new(PROC), &|_| false).unwrap() != 0 {}
}
