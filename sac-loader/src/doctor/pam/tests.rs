// SPDX-License-Identifier: MIT OR Apache-2.0
//! Verdicts about stacks.

use super::super::Status;
use super::*;
use std::fs;
use tempfile::TempDir;

/// The checks alone; where it matters whether logins come to the loader, the daemon's tests look.
fn checks(host: &Host) -> Vec<Check> {
    super::checks(host).0
}

const MODULE_FILE: &str = "usr/lib/x86_64-linux-gnu/security/pam_sac.so";

fn host(files: &[(&str, &str)]) -> (TempDir, Host) {
    let directory = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = directory.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let host = Host { root: directory.path().to_owned() };
    (directory, host)
}

/// The check of sshd, whose stack is `text`.
fn sshd(text: &str) -> Check {
    let (_directory, host) = host(&[("etc/pam.d/sshd", text), (MODULE_FILE, "")]);
    let [module, sshd] = &checks(&host)[..] else { panic!("two checks") };
    assert_eq!(module.status, Status::Ok);
    assert_eq!(sshd.check, "PAM sshd");
    sshd.clone()
}

#[track_caller]
fn check(text: &str, status: Status, found: &str) {
    let check = sshd(text);
    assert_eq!((check.status, check.found.as_str()), (status, found), "{check:?}");
    assert_eq!(check.help.is_none(), status == Status::Ok, "{check:?}");
}

#[test]
fn a_right_line_is_right() {
    check(
        "session optional pam_systemd.so\nsession required pam_sac.so timeout=1\n",
        Status::Ok,
        "pam_sac.so at /etc/pam.d/sshd:2, after pam_systemd.so",
    );
    check("session required pam_sac.so\n", Status::Ok, "pam_sac.so at /etc/pam.d/sshd:1");
}

#[test]
fn no_line_is_advice() {
    let no_line = "no line with pam_sac.so";
    check("session optional pam_systemd.so\n", Status::Advice, no_line);
    check("auth required pam_sac.so\n# session required pam_sac.so\n", Status::Advice, no_line);
}

#[test]
fn the_way_to_enable_is_the_machines_own() {
    let own = ("etc/pam.d/sshd", "session required pam_unix.so\n");
    let shared = ("etc/pam.d/sshd", "@include common-session\n");
    let common = ("etc/pam.d/common-session", "session required pam_unix.so\n");
    let tool = ("usr/sbin/pam-auth-update", "");
    for (files, help) in [
        ([shared, common, tool], "pam-auth-update --enable sac"),
        ([own, common, tool], "`session required pam_sac.so`"),
        ([shared, common, (MODULE_FILE, "")], "`session required pam_sac.so`"),
    ] {
        let check = checks(&host(&files).1).pop().unwrap();
        assert!(check.help.unwrap().contains(help));
    }
}

#[test]
fn a_line_before_pam_systemd_fails_with_both_places() {
    check(
        "session required pam_sac.so\n-session optional pam_systemd.so\n",
        Status::Fail,
        "/etc/pam.d/sshd:1: pam_sac.so stands before pam_systemd.so (/etc/pam.d/sshd:2)",
    );
    // A second line in the right place does not undo the first one.
    check(
        "session required pam_sac.so\nsession optional pam_systemd.so\nsession required pam_sac.so\n",
        Status::Fail,
        "/etc/pam.d/sshd:1: pam_sac.so stands before pam_systemd.so (/etc/pam.d/sshd:2)",
    );
}

#[test]
fn the_user_managers_stack_may_have_another_order() {
    let text = "session required pam_sac.so\nsession optional pam_systemd.so\n";
    let check = checks(&host(&[("usr/lib/pam.d/systemd-user", text), (MODULE_FILE, "")]).1).pop().unwrap();
    assert_eq!(check, Check::ok("PAM systemd-user", "pam_sac.so at /usr/lib/pam.d/systemd-user:1"));
}

#[test]
fn a_control_that_ignores_refusals_fails() {
    check(
        "session optional pam_sac.so\n",
        Status::Fail,
        "/etc/pam.d/sshd:1: a refusal is ignored under the control `optional`",
    );
    for control in ["sufficient", "[default=ignore]", "[success=ok]", "[default=bad default=ignore]"] {
        assert_eq!(sshd(&format!("session {control} pam_sac.so\n")).status, Status::Fail, "{control}");
    }
    for control in ["required", "Requisite", "[success=ok default=bad]", "[default=DIE success=ok]"] {
        assert_eq!(sshd(&format!("session {control} pam_sac.so\n")).status, Status::Ok, "{control}");
    }
}

#[test]
fn fail_open_is_advice() {
    check(
        "session required pam_sac.so fail=open debug\n",
        Status::Advice,
        "/etc/pam.d/sshd:1: `fail=open` lets sessions go on without a policy when sac-loader is down",
    );
    assert_eq!(sshd("session required pam_sac.so fail=open fail=closed\n").status, Status::Ok);
}

#[test]
fn a_sufficient_line_before_is_advice() {
    check(
        "session sufficient pam_x.so\nsession required pam_sac.so\n",
        Status::Advice,
        "/etc/pam.d/sshd:2: pam_sac.so is left out where /etc/pam.d/sshd:1 succeeds first",
    );
    let files = [
        ("etc/pam.d/sshd", "session substack sub\nsession required pam_sac.so\n"),
        ("etc/pam.d/sub", "session sufficient pam_x.so\n"),
        (MODULE_FILE, ""),
    ];
    assert_eq!(checks(&host(&files).1)[1].status, Status::Ok, "a substack ends by itself");
}

#[test]
fn a_broken_stack_fails() {
    check("@include nothing\n", Status::Fail, "/etc/pam.d/sshd:1 includes `nothing`, which does not exist");
}

#[test]
fn a_missing_module_locks_out_only_those_who_name_it() {
    let own = "session required pam_unix.so\n";
    let check = checks(&host(&[("etc/pam.d/sshd", own)]).1).remove(0);
    assert_eq!((check.check.as_str(), check.status), ("PAM module", Status::Advice));
    let named = "session required pam_sac.so\n";
    let check =
        checks(&host(&[("etc/pam.d/sshd", own), ("etc/pam.d/su", named), ("lib64/security/x", "")]).1);
    assert_eq!(check[0].status, Status::Fail);
    assert_eq!(
        check[0].found,
        "no pam_sac.so in /lib64/security, but these name it and refuse every session: su"
    );
}

#[test]
fn each_service_that_is_there_has_a_line() {
    let text = "session required pam_sac.so\n";
    let files =
        [("etc/pam.d/su", text), ("etc/pam.d/cron", text), ("etc/pam.d/passwd", text), (MODULE_FILE, "")];
    let names: Vec<_> = checks(&host(&files).1).into_iter().map(|check| check.check).collect();
    assert_eq!(names, ["PAM module", "PAM su", "PAM cron"]);
}

#[test]
fn a_machine_without_pam_is_told_so() {
    let checks = checks(&host(&[(MODULE_FILE, "")]).1);
    assert_eq!(checks.len(), 2);
    assert_eq!(checks[1].status, Status::Advice);
}
