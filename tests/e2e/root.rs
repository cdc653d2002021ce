// SPDX-License-Identifier: MIT OR Apache-2.0
//! No policy can brick the machine: root's logins, sshd, the console and the boot work under a policy that allows nothing.

use crate::{
    Test,
    fixture::{Fixture, equal, holds},
};
use anyhow::{Context as _, ensure};
use std::{process::Stdio, time::Duration};
use xtask::guest::wait_until;

/// Nothing runs, for anybody.
const NOTHING: &[(&str, &str)] =
    &[("nothing", "policy: nothing\napplies_to: everyone\naction: deny\nprograms:\n  default: deny\n")];

/// Nobody writes where the script of [`scripts_of_the_login_run`] does.
const NO_FILES: &[(&str, &str)] = &[(
    "nofiles",
    "policy: nofiles\napplies_to: everyone\naction: deny\nfiles:\n  deny:\n    - {tree: /run/e2e, operations: [write, create, delete]}\n",
)];

/// Wants alice's own first program, her shell, blocked.
fn alice_runs_nothing(fixture: &Fixture) -> anyhow::Result<()> {
    let output = fixture.run("alice", "echo in")?;
    ensure!(output.status != 0, "alice's shell ran: {output:?}");
    anyhow::ensure!(!output.stdout.lines().any(|line| line == "in"), "let in:\n{}", output.stdout);
    Ok(())
}

/// Wants a login of root's own to work.
fn root_is_in(fixture: &Fixture) -> anyhow::Result<()> {
    equal(fixture.run("root", "df / >/dev/null && echo in")?.stdout.as_str(), "in\n", "root's login")
}

/// Under a policy that allows nothing root logs in over ssh, restarts sshd and logs in again.
fn sshd_and_root(fixture: &Fixture) -> anyhow::Result<()> {
    fixture.policies(NOTHING)?;
    alice_runs_nothing(fixture)?;
    root_is_in(fixture)?;
    fixture.root("systemctl restart ssh && systemctl is-active ssh")?;
    root_is_in(fixture)?;
    alice_runs_nothing(fixture)?;
    fixture.nothing_stays()
}

/// Root at the console is untouched.
fn console(fixture: &Fixture) -> anyhow::Result<()> {
    fixture.policies(NOTHING)?;
    let mut console = fixture.guest().console()?;
    console.log_in("root", "root")?;
    console.send("df / > /dev/null; echo status=$?; exit\n")?;
    console.expect("status=0", Duration::from_secs(30))?;
    console.expect("login: ", Duration::from_secs(60)).map(drop)
}

/// The guest boots with the policy in place; the service is ready before anybody can log in, and root can.
fn reboot(fixture: &Fixture) -> anyhow::Result<()> {
    fixture.policies(NOTHING)?;
    fixture.reboot()?;
    root_is_in(fixture)?;
    let times = fixture.root(
        "for unit in sac-loader ssh systemd-user-sessions; do
            systemctl show -P ActiveEnterTimestampMonotonic $unit
        done; systemctl is-failed sac-loader ssh cron || true",
    )?;
    let mut lines = times.lines();
    let mut time = || lines.next().unwrap_or_default().parse::<u64>();
    let (loader, ssh, users) = (time()?, time()?, time()?);
    ensure!(0 < loader && loader < ssh && loader < users, "in µs: loader {loader}, ssh {ssh}, users {users}");
    equal(lines.collect::<Vec<_>>(), vec!["active"; 3], "the services after the boot")?;
    alice_runs_nothing(fixture)
}

/// What root's PAM modules run while a session is set up, in its cgroup, is not the user's: pam_motd's scripts run under a
/// policy that allows nothing, and the first program of the user's own does not. Nor are the files that they write.
fn scripts_of_the_login_run(fixture: &Fixture) -> anyhow::Result<()> {
    const SCRIPT: &str = "#!/bin/sh\nhead -n1 /proc/self/cgroup > /run/e2e/motd\n";
    const PUT: &str = "cat > /etc/update-motd.d/99-e2e && chmod 755 /etc/update-motd.d/99-e2e";
    fixture.root_ssh().stdin(SCRIPT).run(PUT)?.success()?;
    let script_ran = || {
        let cgroup = fixture.root("cat /run/e2e/motd; rm -f /run/e2e/motd")?;
        holds(&cgroup, "/sac-")?;
        holds(&cgroup, "/user.slice/user-")
    };
    let test = || {
        fixture.root("mkdir -m 777 /run/e2e")?;
        let written = fixture.run("alice", "echo x >/run/e2e/alice && echo in")?;
        equal(written.stdout.as_str(), "in\n", "alice under her own policy")?;
        script_ran()?;
        fixture.policies(NO_FILES)?;
        let denied = fixture.run("alice", "echo x >/run/e2e/alice && echo written")?;
        ensure!(denied.stderr.contains("Permission denied"), "a file of alice's: {denied:?}");
        script_ran().context("under a policy about files")?;
        fixture.policies(NOTHING)?;
        alice_runs_nothing(fixture)?;
        script_ran()
    };
    let result = test();
    let removed = fixture.root("rm -rf /run/e2e /etc/update-motd.d/99-e2e");
    result.and(removed.map(drop))
}

/// sshd's monitor stands in the session's cgroup as root and does its work there: the session is known to logind, and the
/// terminal to utmp where this system has one.
fn the_monitor_does_its_work(fixture: &Fixture) -> anyhow::Result<()> {
    const KNOWN: &str = "loginctl list-sessions --no-legend; [ ! -s /run/utmp ] || who";
    let mut ssh = fixture.ssh("alice").tty().command("echo in; exec sleep 600");
    let mut child = ssh.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    let look = || {
        let session = wait_until("alice's sleep", Duration::from_secs(60), || {
            let session = fixture.session_of("alice")?;
            Ok((session["tty"].as_str().is_some_and(|tty| tty.starts_with("pts/"))).then_some(session))
        })?;
        let cgroup = session["cgroup"].as_str().context("no cgroup")?;
        let procs = fixture.root(&format!("ps -o user=,args= -p $(paste -sd, {cgroup}/cgroup.procs)"))?;
        Ok::<_, anyhow::Error>((session, procs, fixture.root(KNOWN)?))
    };
    let seen = look();
    child.kill()?;
    child.wait()?;
    let (session, procs, known) = seen?;
    let monitor = procs.lines().find(|line| line.starts_with("root") && line.contains("[priv]"));
    ensure!(monitor.is_some(), "no monitor in\n{procs}");
    let mine: Vec<_> =
        known.lines().filter(|line| line.split_whitespace().any(|word| word == "alice")).collect();
    ensure!(!mine.is_empty(), "{session}:\n{known}");
    if fixture.root("test ! -s /run/utmp || echo utmp")?.contains("utmp") {
        ensure!(mine.iter().any(|line| line.contains("pts/")), "{session}:\n{known}");
    }
    fixture.root("loginctl terminate-user alice")?;
    fixture.nothing_stays()
}

pub(crate) const TESTS: &[Test] = &[
    ("sshd_and_root", sshd_and_root),
    ("console", console),
    ("scripts_of_the_login_run", scripts_of_the_login_run),
    ("the_monitor_does_its_work", the_monitor_does_its_work),
    ("reboot", reboot),
];
