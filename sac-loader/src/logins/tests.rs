// SPDX-License-Identifier: MIT OR Apache-2.0
//! Logins in a directory that looks like `/proc`.

use super::*;
use std::os::unix::fs::symlink;
use tempfile::TempDir;

/// A process to be: number, parent, session, terminal device, user, program.
pub(crate) type Fake<'f> = (i32, i32, i32, u32, u32, &'f str);

/// The device of `pts/3`.
pub(crate) const PTS: u32 = 136 << 8 | 3;

/// Writes a process into `proc`.
pub(crate) fn write(proc: &Path, process: Fake<'_>, cgroup: &str) {
    let (pid, parent, session, terminal, uid, program) = process;
    let directory = proc.join(pid.to_string());
    fs::create_dir_all(&directory).unwrap();
    let name = program.rsplit('/').next().unwrap();
    let started = 1000 + pid;
    let stat = format!(
        "{pid} ({name}) S {parent} {session} {session} {terminal} -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 {started} 9 9\n"
    );
    fs::write(directory.join("stat"), stat).unwrap();
    fs::write(directory.join("status"), format!("Name:\t{name}\nUid:\t{uid}\t0\t0\t0\n")).unwrap();
    fs::write(directory.join("cgroup"), format!("0::{cgroup}\n")).unwrap();
    symlink(program, directory.join("exe")).unwrap();
}

const SSH: &str = "/system.slice/ssh.service";

/// The first processes of the logins among these, which are all in sshd's cgroup.
fn logins(processes: &[Fake<'_>]) -> Vec<i32> {
    let proc = tempfile::tempdir().unwrap();
    processes.iter().for_each(|process| write(proc.path(), *process, SSH));
    let found = Processes::read(proc.path()).unwrap().uncovered(&|_| false);
    found.iter().map(|login| login.process.pid).collect()
}

/// systemd, sshd, sshd for bob's connection, and its half that is bob's.
const SSHD: [Fake<'static>; 4] = [
    (1, 0, 1, 0, 0, "/usr/lib/systemd/systemd"),
    (10, 1, 10, 0, 0, "/usr/sbin/sshd"),
    (11, 10, 11, 0, 0, "/usr/sbin/sshd (deleted)"),
    (12, 11, 11, 0, 1000, "/usr/sbin/sshd"),
];

fn with(more: &[Fake<'_>]) -> Vec<i32> {
    logins(&[&SSHD, more].concat())
}

#[test]
fn a_terminal_is_a_login_and_what_it_starts_is_part_of_it() {
    let shell = (13, 12, 13, PTS, 1000, "/usr/bin/bash");
    let command = (14, 13, 13, PTS, 1000, "/usr/bin/vi");
    let own_terminal = (15, 14, 15, PTS + 1, 1000, "/usr/bin/bash");
    assert_eq!(with(&[shell, command, own_terminal]), [13]);
    // The shell has gone, and who is left belongs to init.
    assert_eq!(with(&[(14, 1, 13, PTS, 1000, "/usr/bin/vi"), (16, 1, 13, PTS, 1000, "/usr/bin/vi")]), [14]);
}

#[test]
fn a_command_without_a_terminal_is_a_login() {
    assert_eq!(with(&[(13, 12, 13, 0, 1000, "/usr/bin/rsync")]), [13]);
    assert_eq!(with(&[(13, 10, 13, 0, 1000, "/usr/bin/dash"), (14, 13, 13, 0, 1000, "/bin/df")]), [13]);
    let dropbear = (20, 1, 20, 0, 0, "/usr/sbin/dropbear");
    assert_eq!(with(&[dropbear, (21, 20, 21, 0, 1000, "/bin/ash")]), [21]);
}

#[test]
fn services_and_what_they_start_are_no_logins() {
    let database = (20, 1, 20, 0, 110, "/usr/bin/postgres");
    let job = (21, 1, 21, 0, 1000, "/usr/bin/backup");
    assert_eq!(with(&[database, job, (22, 21, 22, 0, 1000, "/usr/bin/dash")]), [] as [i32; 0]);
}

#[test]
fn what_root_does_on_its_terminal_is_roots() {
    let root = (20, 11, 20, PTS, 0, "/usr/bin/bash");
    assert_eq!(with(&[root, (21, 20, 20, PTS, 1000, "/usr/bin/bash")]), [] as [i32; 0]);
    // A login service may hold the terminal for somebody.
    let login = (20, 1, 20, 4 << 8 | 1, 0, "/usr/bin/login");
    assert_eq!(with(&[login, (21, 20, 20, 4 << 8 | 1, 1000, "/usr/bin/bash")]), [21]);
}

#[test]
fn who_is_covered_is_left_out() {
    let proc = tempfile::tempdir().unwrap();
    SSHD.iter().for_each(|process| write(proc.path(), *process, SSH));
    write(proc.path(), (13, 12, 13, PTS, 1000, "/usr/bin/bash"), "/user.slice/sac-x");
    write(proc.path(), (14, 12, 14, PTS, 1001, "/usr/bin/bash"), "/user.slice");
    let processes = Processes::read(proc.path()).unwrap();
    let found = processes.uncovered(&|cgroup| cgroup.starts_with("/user.slice/sac-x"));
    let [login] = &found[..] else { panic!("{found:?}") };
    assert_eq!(login.cgroup, Path::new("/user.slice"));
    assert_eq!(login.of("bob"), "bob (PID 14, bash, on pts/3, by sshd)");
    assert!(processes.is_there_still(&login.process));
    fs::remove_dir_all(proc.path().join("14")).unwrap();
    assert!(!processes.is_there_still(&login.process));
}

#[test]
fn all_that_belongs_to_a_login_is_found() {
    let proc = tempfile::tempdir().unwrap();
    let more: [Fake<'_>; 6] = [
        (13, 12, 13, PTS, 1000, "/usr/bin/bash"),
        (14, 13, 13, PTS, 0, "/usr/bin/sudo"),
        (15, 14, 15, 0, 0, "/usr/bin/bash"),
        // Left behind in the session.
        (16, 1, 13, PTS, 1000, "/usr/bin/sleep"),
        (17, 1, 13, PTS, 1001, "/usr/bin/sleep"),
        (18, 1, 18, 0, 1000, "/usr/bin/tmux"),
    ];
    [&SSHD, &more[..]].concat().into_iter().for_each(|process| write(proc.path(), process, SSH));
    let processes = Processes::read(proc.path()).unwrap();
    let of_login = processes.of_login(processes.get(13).unwrap());
    assert_eq!(of_login.iter().map(|process| process.pid).collect::<Vec<_>>(), [13, 14, 15, 16]);
}

fn one(stat: &str, status: &str) -> (TempDir, Option<Process>) {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("stat"), stat).unwrap();
    fs::write(directory.path().join("status"), status).unwrap();
    let process = read(directory.path(), 7);
    (directory, process)
}

#[test]
fn names_are_the_users_own_words() {
    let numbers = "S 1 7 7 1025 -1 0 0 0 0 0 0 0 0 0 -20 0 1 0 55 0";
    let (_directory, process) = one(&format!("7 () R 9 (\x1b[2J) {numbers}"), "Uid:\t1000\t0\t0\t0\n");
    let process = process.unwrap();
    assert_eq!((process.parent, process.session, process.started, process.uid), (1, 7, 55, 1000));
    assert_eq!(process.terminal, Some((4, 1)));
    assert_eq!(process.name(), r") R 9 (\u{1b}[2J");
    assert_eq!(one(&format!("7 (a) {}", numbers.replace('S', "Z")), "Uid:\t0\n").1, None);
    assert_eq!(one("7 (a) S 1", "Uid:\t0\n").1, None);
    assert_eq!(one(&format!("7 (a) {numbers}"), "Gid:\t0\n").1, None);
}

#[test]
fn one_program_of_many_names_goes_by_that_of_the_process() {
    let proc = tempfile::tempdir().unwrap();
    write(proc.path(), (5, 1, 5, 0, 0, "/bin/busybox"), SSH);
    let stat = fs::read_to_string(proc.path().join("5/stat")).unwrap();
    fs::write(proc.path().join("5/stat"), stat.replace("(busybox)", "(telnetd)")).unwrap();
    let processes = Processes::read(proc.path()).unwrap();
    assert_eq!(processes.program(processes.get(5).unwrap()), "telnetd");
}

#[test]
fn exempt_are_users_and_groups() {
    let mut exempt = Exempt::default();
    ["debug", "exempt=alice,@wheel,", "[exempt=bob smith]"].into_iter().for_each(|word| exempt.add(word));
    let person = |name: &str, group: &str| sac_policy::Person {
        name: name.to_owned(),
        uid: 1000,
        groups: vec![sac_policy::Group { gid: 10, name: group.to_owned() }],
    };
    assert!(exempt.has(&person("alice", "staff")) && exempt.has(&person("eve", "wheel")));
    assert!(exempt.has(&person("bob smith", "staff")));
    assert!(!exempt.has(&person("wheel", "alice")) && !exempt.has(&person("", "")));
}

#[test]
fn what_a_login_service_led_to_is_told_by_its_parents() {
    let proc = tempfile::tempdir().unwrap();
    let cron = (30, 1, 30, 0, 0, "/usr/sbin/cron");
    let job = (31, 30, 31, 0, 0, "/usr/bin/dash");
    let (shell, sudo) = ((13, 12, 13, PTS, 1000, "/usr/bin/bash"), (14, 13, 13, PTS, 0, "/usr/bin/sudo"));
    [&SSHD[..], &[cron, job, shell, sudo]]
        .concat()
        .iter()
        .for_each(|process| write(proc.path(), *process, SSH));
    let processes = Processes::read(proc.path()).unwrap();
    let led: Vec<_> =
        [1, 13, 14, 30, 31, 99].into_iter().filter(|pid| processes.is_below_login_service(*pid)).collect();
    assert_eq!(led, [13, 14]);
}

#[test]
fn the_newest_audit_session_is_the_greatest_that_is_one() {
    let proc = tempfile::tempdir().unwrap();
    for (pid, session) in
        [("1", "4294967295"), ("20", "7\n"), ("21", "12\n"), ("22", "3"), ("self", "99"), ("23", "?")]
    {
        fs::create_dir(proc.path().join(pid)).unwrap();
        fs::write(proc.path().join(pid).join("sessionid"), session).unwrap();
    }
    // One that has just gone.
    fs::create_dir(proc.path().join("24")).unwrap();
    assert_eq!(newest_audit_session(proc.path()).unwrap(), 12);
    assert!(newest_audit_session(&proc.path().join("none")).is_err());
}
