// SPDX-License-Identifier: MIT OR Apache-2.0
//! Login services and logins on a machine that is a directory.

use super::super::Status;
use super::*;
use crate::logins::tests::{PTS, write};
use sac_policy::Source;
use std::os::unix::fs::symlink;
use tempfile::TempDir;

/// A machine with PID 1, and with these processes.
fn host(processes: &[crate::logins::tests::Fake<'_>]) -> (TempDir, Host) {
    let directory = tempfile::tempdir().unwrap();
    let host = Host { root: directory.path().to_owned() };
    fs::create_dir_all(host.at("/proc")).unwrap();
    let all = [&[(1, 0, 1, 0, 0, "/sbin/init")], processes].concat();
    all.into_iter().for_each(|process| write(&host.at("/proc"), process, "/a/b"));
    fs::create_dir_all(host.at("/sys/fs/cgroup/a/b")).unwrap();
    (directory, host)
}

fn person(uid: u32) -> Option<Person> {
    (uid != 1002).then(|| Person { name: format!("user{uid}"), uid, groups: Vec::new() })
}

/// What is said where sshd answers so, and policies are for the users 1000 and 1002.
fn look(host: &Host, uses_pam: Option<bool>) -> Vec<Check> {
    let text = "policy: p\napplies_to: {users: [user1000, user1002]}\n";
    let set = PolicySet::from_sources(vec![Source::new("/p.yaml", text)]).unwrap().set;
    let sources = Sources { uses_pam: &|_, _| uses_pam, person: &person };
    checks_with(host, Some(&set), &sources)
}

fn found(checks: &[Check]) -> Vec<&str> {
    checks.iter().map(|check| check.found.as_str()).collect()
}

const SHELL: crate::logins::tests::Fake<'static> = (13, 1, 13, PTS, 1000, "/bin/bash");

#[test]
fn a_machine_without_any_is_well() {
    let (_directory, host) = host(&[(20, 1, 20, 0, 1000, "/bin/sleep")]);
    let checks = look(&host, None);
    assert_eq!((checks.len(), checks[0].status), (1, Status::Ok));
}

#[test]
fn people_for_whom_a_policy_is_are_shown() {
    let others = [(14, 1, 14, PTS, 1001, "/bin/bash"), (15, 1, 15, PTS, 1002, "/bin/bash")];
    let (_directory, host) = host(&[&[SHELL], &others[..]].concat());
    assert_eq!(found(&look(&host, None)), ["under no policy: user1000 (PID 13, bash, on pts/3)"]);
    // Exempt.
    fs::create_dir_all(host.at("/etc/pam.d")).unwrap();
    fs::write(host.at("/etc/pam.d/sshd"), "session required pam_sac.so exempt=user1000\n").unwrap();
    assert_eq!(look(&host, None)[0].status, Status::Ok);
}

#[test]
fn attachments_tell_who_is_under_a_policy() {
    let (_directory, host) = host(&[SHELL]);
    let id = fs::metadata(host.at("/sys/fs/cgroup/a")).unwrap().ino();
    fs::create_dir_all(host.at(format!("/sys/fs/bpf/sac/v9/scopes/{id}"))).unwrap();
    assert_eq!(look(&host, None)[0].status, Status::Ok);
}

#[test]
fn services_without_pam_are_shown_once() {
    let (_directory, host) = host(&[
        (20, 1, 20, 0, 0, "/usr/sbin/dropbear"),
        (21, 20, 20, 0, 0, "/usr/sbin/dropbear"),
        (22, 1, 22, 0, 1001, "/usr/bin/mosh-server"),
    ]);
    assert_eq!(found(&look(&host, None)), ["dropbear (PID 20) lets people in under no policy"]);
}

#[test]
fn an_sshd_of_another_configuration_is_asked() {
    let (_directory, host) = host(&[(20, 1, 20, 0, 0, "/usr/sbin/sshd")]);
    let cmdline = |text: &str| fs::write(host.at("/proc/20/cmdline"), text).unwrap();
    cmdline("/usr/sbin/sshd\0-D\0");
    assert_eq!(look(&host, Some(false))[0].status, Status::Ok);
    cmdline("sshd: /usr/sbin/sshd -D -f /etc/ssh/other [listener] 0 of 10-100 startups");
    assert_eq!(look(&host, Some(true))[0].status, Status::Ok);
    let said = "sshd -f /etc/ssh/other (PID 20): UsePAM no, so its logins are under no policy";
    assert_eq!(found(&look(&host, Some(false))), [said]);
    assert!(look(&host, None)[0].found.starts_with("cannot tell whether sshd -f /etc/ssh/other"));
    // A container's own.
    for (pid, mounts) in [(1, "mnt:[1]"), (20, "mnt:[2]")] {
        fs::create_dir(host.at(format!("/proc/{pid}/ns"))).unwrap();
        symlink(mounts, host.at(format!("/proc/{pid}/ns/mnt"))).unwrap();
    }
    assert_eq!(found(&look(&host, Some(true))), ["sshd of a container (PID 20)"]);
}

#[test]
fn arguments_that_configure_are_kept() {
    let of = |text: &str| listener(text.as_bytes());
    let some = |words: &[&str]| Some(words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
    assert_eq!(of("sshd\0-p\0-f\0-f\0/etc/a b\0"), some(&["-f", "/etc/a b"]));
    assert_eq!(
        of("sshd\0-f/etc/a\0-oUsePAM=no\0-o\0Port=1\0"),
        some(&["-f/etc/a", "-oUsePAM=no", "-o", "Port=1"])
    );
    assert_eq!(of("sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups"), some(&[]));
    for none in ["sshd: bob [priv]", "sshd: bob@pts/0", "sshd\0-D\0-R\0", "sshd\0-i\0", "sshd\0-f\0"] {
        assert_eq!(of(none), None, "{none}");
    }
}
