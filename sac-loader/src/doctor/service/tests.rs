// SPDX-License-Identifier: MIT OR Apache-2.0
//! Policies and sockets in a directory.

use super::super::Status;
use super::*;
use rustix::net::{bind, listen};
use std::{
    fs,
    io::{BufRead as _, BufReader},
    os::unix::net::UnixListener,
    thread,
};
use tempfile::TempDir;

fn host() -> (TempDir, Host) {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir_all(directory.path().join("run/sac")).unwrap();
    let host = Host { root: directory.path().to_owned() };
    (directory, host)
}

#[test]
fn sshd_says_whether_it_uses_pam() {
    assert_eq!(uses_pam("port 22\nusepam yes\n"), Some(true));
    assert_eq!(uses_pam("UsePAM no\r\nport 22\n"), Some(false));
    assert_eq!(uses_pam("usepamx yes\n# usepam\n"), None);
    assert_eq!(uses_pam(""), None);
}

#[test]
fn a_machine_without_sshd_has_no_check_of_it() {
    assert!(sshd(&host().1).is_none());
}

fn policies_of(files: &[(&str, &str)]) -> (TempDir, Check) {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(directory.path().join(name), text).unwrap();
    }
    let check = policies_from(directory.path(), Trust::Anyone);
    (directory, check)
}

const EVERYONE: &str = "policy: default\napplies_to: everyone\n";

#[test]
fn good_policies_are_counted() {
    let (directory, check) = policies_of(&[("default.yaml", EVERYONE)]);
    assert_eq!(check, Check::ok("policies", format!("1 policy in {}", directory.path().display())));
}

#[test]
fn warnings_are_advice() {
    let (_directory, check) = policies_of(&[("default.yaml", EVERYONE), ("old.yml", EVERYONE)]);
    assert_eq!(check.status, Status::Advice);
    assert!(check.found.ends_with(", 1 warning"), "{check:?}");
}

#[test]
fn the_first_fault_is_shown_with_its_place() {
    let (directory, check) = policies_of(&[("a.yaml", "policy: a\napplies_to: everyone\nextra: 1\n")]);
    assert_eq!(check.status, Status::Fail);
    let place = format!("{}:3: ", directory.path().join("a.yaml").display());
    assert!(check.found.starts_with(&place), "{check:?}");
    assert!(check.help.unwrap().contains("sac-loader policy check"));
}

#[test]
fn no_directory_is_a_failure() {
    let check = policies(&host().1);
    assert_eq!(check.status, Status::Fail);
    assert!(check.found.contains("/etc/sac/policies"), "{check:?}");
}

#[test]
fn nobody_at_a_socket_is_advice() {
    let (directory, host) = host();
    for check in [pam_socket(&host, Logins::Untouched), control_socket(&host)] {
        assert_eq!(check.status, Status::Advice);
        assert_eq!(check.help.unwrap(), "not running: systemctl start sac-loader");
    }
    assert_eq!(pam_socket(&host, Logins::AskTheLoader).status, Status::Fail);
    // A socket that a daemon left behind.
    drop(UnixListener::bind(directory.path().join("run/sac/control.sock")).unwrap());
    assert_eq!(control_socket(&host).status, Status::Advice);
}

#[test]
fn a_listener_for_pam_is_seen() {
    let (directory, host) = host();
    let socket = socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None).unwrap();
    bind(&socket, &SocketAddrUnix::new(directory.path().join("run/sac/pam.sock")).unwrap()).unwrap();
    listen(&socket, 1).unwrap();
    assert_eq!(pam_socket(&host, Logins::AskTheLoader).status, Status::Ok);
}

/// What is said of a daemon that answers `answer`.
fn answered(answer: &'static str) -> Check {
    let (directory, host) = host();
    let listener = UnixListener::bind(directory.path().join("run/sac/control.sock")).unwrap();
    let daemon = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut line = String::new();
        BufReader::new(&stream).read_line(&mut line).unwrap();
        stream.write_all(answer.as_bytes()).unwrap();
        line
    });
    let check = control_socket(&host);
    assert_eq!(daemon.join().unwrap(), "{\"command\":\"list-sessions\"}\n");
    check
}

#[test]
fn an_answer_of_the_daemon_is_needed() {
    let check = answered("{\"ok\":[]}");
    assert_eq!(check.status, Status::Ok);
    assert!(check.found.ends_with("(open sessions: 0)"), "{check:?}");
    for answer in ["", "hello", "{\"error\":\"no\"}"] {
        let check = answered(answer);
        assert_eq!(check.status, Status::Advice, "{answer}");
        assert!(check.found.contains("does not answer"), "{check:?}");
    }
}
