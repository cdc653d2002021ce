// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sessions: every kind of login is one, the list tells what is true of it, and nothing of it stays when it has ended.

use crate::{
    Test,
    dialogue::Dialogue,
    fixture::{Fixture, KILLED, equal, holds, lacks},
};
use anyhow::{Context as _, bail};
use serde_json::Value;
use std::{
    ffi::OsString,
    fs,
    io::Read as _,
    net::{TcpListener, TcpStream},
    process::Command,
    thread,
    time::Duration,
};
use tempfile::TempDir;
use xtask::guest::wait_until;

pub(crate) const TESTS: &[Test] = &[
    ("list_is_true", list_is_true),
    ("list_is_a_table_for_root_only", list_is_a_table_for_root_only),
    ("files_over_scp_and_sftp", files_over_scp_and_sftp),
    ("channels_of_one_connection", channels_of_one_connection),
    ("forwarding_only", forwarding_only),
    ("without_pam_systemd", without_pam_systemd),
    ("background_job_stays_confined", background_job_stays_confined),
    ("ended_from_outside", ended_from_outside),
    ("systemd_knows_the_session", systemd_knows_the_session),
    ("many_logins_leave_nothing", many_logins_leave_nothing),
];

/// How long an end, a file or a state may take to come.
const PATIENCE: Duration = Duration::from_secs(30);

/// Promise: every column of the list is right, for a session on a terminal and for one without.
fn list_is_true(fixture: &Fixture) -> anyhow::Result<()> {
    let mut alice = Dialogue::shell_on_terminal(fixture.ssh("alice"))?;
    let mut bob = Dialogue::shell(&fixture.ssh("bob"))?;
    for (user, policy, shell) in [("alice", "developers", &mut alice), ("bob", "dba", &mut bob)] {
        let before = fixture.session_of(user)?;
        equal(shell.status("facts", "echo facts: $(id -u) $(id -Gn) :$(tty | sed s,/dev/,,)")?, 0, "facts")?;
        let shown = shell.output();
        let (_, facts) = shown.split_once("facts: ").context("no facts")?;
        let (ids, tty) = facts.lines().next().and_then(|line| line.split_once(" :")).context("no facts")?;
        let tty = if tty.starts_with("pts/") { tty.trim_end() } else { "" };
        let groups: Vec<&str> = session_groups(&before)?;
        let wanted = [user, policy, "sshd", "10.0.2.2", tty];
        let got =
            ["user", "policy", "service", "from", "tty"].map(|key| before[key].as_str().unwrap_or("none"));
        equal(got, wanted, "user, policy, service, from and tty")?;
        equal(format!("{} {}", before["uid"], groups.join(" ")).as_str(), ids, "uid and groups")?;
        is_recent(fixture, &before)?;
        if before["processes"].as_u64() < Some(2) {
            bail!("sshd and a shell are two processes at least: {before}");
        }
    }
    equal(is_on_terminal(&alice), true, "alice's terminal")?;
    counts_are_exact(fixture, "alice", &mut alice, "/usr/bin/df")?;
    counts_are_exact(fixture, "bob", &mut bob, "/usr/bin/wget")
}

fn session_groups(session: &Value) -> anyhow::Result<Vec<&str>> {
    let groups = session["groups"].as_array().context("groups is no list")?;
    Ok(groups.iter().filter_map(Value::as_str).collect())
}

fn is_on_terminal(shell: &Dialogue) -> bool {
    shell.output().contains(" :pts/")
}

/// Wants `since` to be a time within the last minutes of the guest's clock.
fn is_recent(fixture: &Fixture, session: &Value) -> anyhow::Result<()> {
    let since = session["since"].as_str().context("since is no text")?;
    let age = fixture.root(&format!("echo $(( $(date +%s) - $(date -d '{since}' +%s) ))"))?;
    match age.trim().parse::<i64>()? {
        0..300 => Ok(()),
        age => bail!("a session that has just begun is {age} s old: {since}"),
    }
}

/// Wants the counters to grow by what is run and by nothing else. A script is one execution, as its interpreter is part of it.
fn counts_are_exact(
    fixture: &Fixture,
    user: &str,
    shell: &mut Dialogue,
    blocked: &str,
) -> anyhow::Result<()> {
    let counts = || -> anyhow::Result<_> {
        let session = fixture.session_of(user)?;
        let count = |key: &str| session[key].as_u64().with_context(|| format!("no {key}"));
        Ok((count("executed")?, count("blocked")?))
    };
    equal(shell.status("script", "printf '#!/bin/bash\\n:\\n' >script; chmod +x script")?, 0, "a script")?;
    let before = counts()?;
    shell.status("counted", &format!("/usr/bin/true; ./script; /usr/bin/true; {blocked}; {blocked}"))?;
    let after = counts()?;
    equal((after.0 - before.0, after.1 - before.1), (3, 2), "executions and blocked ones")
}

/// Promise: people get an aligned table, and the list is nothing for users.
fn list_is_a_table_for_root_only(fixture: &Fixture) -> anyhow::Result<()> {
    const HEADER: [&str; 11] = [
        "SESSION", "USER", "GROUPS", "POLICY", "SERVICE", "FROM", "TTY", "SINCE", "PROCS", "EXECUTED",
        "BLOCKED",
    ];
    let mut alice = Dialogue::shell_on_terminal(fixture.ssh("alice"))?;
    let mut carol = Dialogue::shell(&fixture.ssh("carol"))?;
    let ask = "/usr/sbin/sac-loader list-sessions";
    let refused = carol.status("list", ask)?;
    equal(refused, 1, "list-sessions for somebody else than root")?;
    equal(carol.output().as_str(), "ready\nlist=1.\n", "what is listed to somebody else than root")?;
    carol.wait_for("the reason", || carol.errors().contains("/run/sac/control.sock"))?;
    equal(alice.status("list", ask)?, 1, "list-sessions on a terminal")?;
    let mode = fixture
        .root("stat -c '%a %U:%G' /run/sac/control.sock /run/sac/pam.sock /run/sac /run/sac/sessions")?;
    let modes = "660 root:sac-audit\n700 root:root\n711 root:root\n700 root:root\n";
    equal(mode.as_str(), modes, "the sockets, their directory, and the records")?;

    let table = fixture.root(ask)?;
    let mut lines = table.lines();
    let header = lines.next().context("no header")?;
    equal(header.split_whitespace().collect::<Vec<_>>(), HEADER.to_vec(), "header")?;
    let rows: Vec<&str> = lines.collect();
    equal(rows.len(), 2, "rows")?;
    for name in HEADER {
        let begin = header.find(name).context("no such column")?;
        let is_number = ["PROCS", "EXECUTED", "BLOCKED"].contains(&name);
        // Columns of numbers end where their header ends, the others begin where it begins.
        let edge = if is_number { begin + name.len() } else { begin };
        for row in &rows {
            let (left, right) = row.split_at_checked(edge).with_context(|| table.clone())?;
            let before = left.chars().next_back();
            let after = right.chars().next();
            let is_aligned = if is_number {
                before.is_some_and(|digit| digit.is_ascii_digit()) && after.is_none_or(|space| space == ' ')
            } else {
                before.is_none_or(|space| space == ' ') && after.is_some_and(|letter| letter != ' ')
            };
            if !is_aligned {
                bail!("column {name} is not aligned:\n{table}");
            }
        }
    }
    for part in ["alice", "developers", "carol", "default", "sshd", "10.0.2.2", "pts/"] {
        holds(&rows.join("\n"), part)?;
    }
    Ok(())
}

/// Promise: scp and sftp work both ways, and are sessions: whoever may not run the file server gets no file.
fn files_over_scp_and_sftp(fixture: &Fixture) -> anyhow::Result<()> {
    let directory = TempDir::new().context("making a directory")?;
    let place = |name: &str| directory.path().join(name);
    fs::write(place("up"), "there and back")?;
    let copy = |user: &str, name: &str| -> anyhow::Result<Vec<bool>> {
        let remote = format!("{user}@127.0.0.1");
        let batch = place("batch");
        fs::write(
            &batch,
            format!("put {0}/up e2e/b\nget e2e/b {0}/{name}-sftp\n", directory.path().display()),
        )?;
        let scp = |from: OsString, to: OsString| file_client(fixture, "scp", &[from, to]);
        Ok(vec![
            scp(place("up").into(), format!("{remote}:e2e/a").into())?,
            scp(format!("{remote}:e2e/a").into(), place(&format!("{name}-scp")).into())?,
            file_client(fixture, "sftp", &["-b".into(), batch.into(), remote.into()])?,
        ])
    };
    equal(copy("alice", "alice")?, vec![true; 3], "scp up, scp down, sftp")?;
    for name in ["alice-scp", "alice-sftp"] {
        equal(fs::read_to_string(place(name))?.as_str(), "there and back", name)?;
    }
    fixture.root("rm -f /home/*/e2e/*")?;
    fixture.policies(&[
        ("developers", "policy: developers\napplies_to:\n  groups: [developers]\nprograms:\n  deny: [/usr/lib/openssh/sftp-server]\n"),
        ("default", "policy: default\napplies_to: everyone\n"),
    ])?;
    equal(copy("alice", "denied")?, vec![false; 3], "scp up, scp down, sftp without the file server")?;
    equal(copy("bob", "bob")?, vec![true; 3], "the same for somebody else")?;
    equal(place("denied-scp").exists() || place("denied-sftp").exists(), false, "a file came")?;
    fixture.nothing_stays()
}

/// Runs scp or sftp; whether it succeeded.
fn file_client(fixture: &Fixture, program: &str, arguments: &[OsString]) -> anyhow::Result<bool> {
    let mut command = Command::new(program);
    command.args(fixture.guest().ssh_args()).arg("-P").arg(fixture.guest().ssh_port().to_string()).arg("-q");
    let output = command.args(arguments).output().with_context(|| format!("starting {program}"))?;
    Ok(output.status.success())
}

/// Promise: a connection is one session, whatever number of shells and commands share it, and all of them are confined.
fn channels_of_one_connection(fixture: &Fixture) -> anyhow::Result<()> {
    let directory = TempDir::with_prefix("sac-e2e-").context("making a directory")?;
    let path = format!("-oControlPath={}", directory.path().join("alice").display());
    let ssh = fixture.ssh("alice").arg(&path);
    let mut master = Dialogue::shell(&ssh.clone().arg("-oControlMaster=yes"))?;
    let id = fixture.session_of("alice")?["id"].clone();
    let mut terminal = Dialogue::shell_on_terminal(ssh.clone())?;
    let third = ssh.run("df; echo \"third=$?\"; cat /proc/self/cgroup")?;
    holds(&third.stdout, "third=137")?;
    equal(master.status("first", "df; cat /proc/self/cgroup; (exit 3)")?, 3, "the first channel")?;
    equal(terminal.status("second", "df")?, KILLED, "the second channel")?;
    let cgroup = third.stdout.lines().last().context("no cgroup")?;
    holds(cgroup, &format!("/sac-{}", id.as_str().unwrap_or("none")))?;
    holds(&master.output(), cgroup)?;
    let session = fixture.session_of("alice")?;
    equal(&session["id"], &id, "the session of all channels")?;
    equal(session["blocked"].as_u64(), Some(3), "blocked in all channels")?;
    for text in [master.output(), terminal.output(), third.stdout] {
        lacks(&text, "Filesystem")?;
    }
    drop(terminal);
    master.end()?;
    fixture.nothing_stays()
}

/// Promise: a connection that only forwards is a session as well, and forwards.
fn forwarding_only(fixture: &Fixture) -> anyhow::Result<()> {
    let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
    let forward = format!("-L127.0.0.1:{port}:127.0.0.1:22");
    let connection = Dialogue::start(&fixture.ssh("alice").arg("-N").arg(forward), "")?;
    // The session is open before sshd makes the second of its processes.
    wait_until("sshd's two processes in one session", PATIENCE, || {
        Ok((fixture.session_of("alice")?["processes"].as_u64() == Some(2)).then_some(()))
    })?;
    let mut banner = [0; 4];
    let mut stream =
        wait_until("the forwarded port", PATIENCE, || Ok(TcpStream::connect(("127.0.0.1", port)).ok()))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.read_exact(&mut banner).context("reading from the forwarded port")?;
    equal(&banner, b"SSH-", "what the forwarded port says")?;
    drop(stream);
    connection.cut()?;
    fixture.nothing_stays()
}

/// Promise: where there is no pam_systemd a session has a cgroup below its service's, and ends as cleanly.
fn without_pam_systemd(fixture: &Fixture) -> anyhow::Result<()> {
    const LINE: &str = "/etc/pam.d/common-session";
    fixture.root(&format!("cp -p {LINE} /root/common-session; sed -i '/pam_systemd/d' {LINE}"))?;
    let attempt = in_service_cgroup(fixture);
    fixture.root(&format!("cp -p /root/common-session {LINE}"))?;
    attempt?;
    fixture.nothing_stays()
}

fn in_service_cgroup(fixture: &Fixture) -> anyhow::Result<()> {
    let mut alice = Dialogue::shell_on_terminal(fixture.ssh("alice"))?;
    let session = fixture.session_of("alice")?;
    let cgroup = session["cgroup"].as_str().context("no cgroup")?;
    holds(cgroup, "/system.slice/ssh.service/sac-")?;
    alice.status("cgroup", "cat /proc/self/cgroup")?;
    holds(&alice.output(), "/system.slice/ssh.service/sac-")?;
    equal(alice.status("df", "df")?, KILLED, "df")?;
    alice.wait_for("the notice", || alice.output().contains("/usr/bin/df blocked!"))?;
    lacks(&alice.output(), "Filesystem")?;
    holds(&fixture.run("bob", "df")?.success()?, "Filesystem")?;
    // sshd can be restarted with people in.
    fixture.root("systemctl restart ssh")?;
    equal(alice.status("again", "df")?, KILLED, "df after sshd was restarted")?;
    let after = fixture.session_of("alice")?;
    equal(&after["id"], &session["id"], "the session after sshd was restarted")
}

/// Threat: a program that waits for the logout, and only then does what it may not.
fn background_job_stays_confined(fixture: &Fixture) -> anyhow::Result<()> {
    const JOB: &str =
        "until [ -e go ]; do sleep 0.1; done; df >output; echo status=$? >verdict; exec sleep 900";
    let mut alice = Dialogue::shell(&fixture.ssh("alice"))?;
    alice.status("job", &format!("setsid bash -c '{JOB}' </dev/null >/dev/null 2>&1 & echo $! >pid"))?;
    let id = fixture.session_of("alice")?["id"].clone();
    alice.end()?;
    wait_until("the end of sshd's part of the session", PATIENCE, || {
        let only_the_job = |session: &Value| session["processes"].as_u64() == Some(1);
        Ok(only_the_job(&fixture.session_of("alice")?).then_some(()))
    })?;
    equal(&fixture.session_of("alice")?["id"], &id, "the session after the logout")?;
    fixture.root("touch /home/alice/e2e/go")?;
    wait_until("the job's end of waiting", PATIENCE, || {
        Ok(fixture.root("cat /home/alice/e2e/verdict 2>/dev/null || true")?.contains("status=").then_some(()))
    })?;
    let seen = fixture.root("cd /home/alice/e2e; cat verdict output; kill $(cat pid)")?;
    equal(seen.as_str(), "status=137\n", "the job's verdict and df's output")?;
    fixture.nothing_stays()
}

/// Promise: a session that somebody else ends is gone as well: by logind, by the session's cgroup, by the death of sshd.
fn ended_from_outside(fixture: &Fixture) -> anyhow::Result<()> {
    let ends = [
        "loginctl terminate-session $(basename $(dirname $CGROUP) .scope | cut -d- -f2)",
        "echo 1 >$CGROUP/cgroup.kill",
        // The monitor is root's, and the only one of root's here; what it leaves behind dies with its connection.
        "kill -9 $(ps -o user=,pid= -p $(paste -sd, $CGROUP/cgroup.procs) | sed -n 's/^root//p')",
    ];
    for end in ends {
        let alice = Dialogue::shell_on_terminal(fixture.ssh("alice"))?;
        let session = fixture.session_of("alice")?;
        let cgroup = session["cgroup"].as_str().context("no cgroup")?;
        is_in_kernel(fixture, cgroup)?;
        fixture.root(&format!("CGROUP={cgroup}; {end}"))?;
        if end.starts_with("kill") {
            alice.cut()?;
        }
        fixture.nothing_stays().with_context(|| end.to_owned())?;
    }
    only_live_scopes(fixture)
}

/// Promise: logind and systemd still see the session and what runs in it, and reloading systemd changes nothing.
fn systemd_knows_the_session(fixture: &Fixture) -> anyhow::Result<()> {
    let mut alice = Dialogue::shell_on_terminal(fixture.ssh("alice"))?;
    equal(alice.status("job", "sleep 901 &")?, 0, "a job")?;
    let session = fixture.session_of("alice")?;
    let cgroup = session["cgroup"].as_str().context("no cgroup")?;
    let status = "loginctl session-status $(basename $(dirname $CGROUP) .scope | cut -d- -f2) --no-pager -l";
    for what in ["true", "systemctl daemon-reload", "systemctl daemon-reexec"] {
        let status = fixture.root(&format!("CGROUP={cgroup}; {what} && {status}"))?;
        for part in ["sleep 901", "State: active", "alice"] {
            holds(&status, part).context(what)?;
        }
        let mark = what.replace(' ', "-");
        equal(alice.status(&mark, "df")?, KILLED, what)?;
        equal(&fixture.session_of("alice")?["cgroup"], &session["cgroup"], what)?;
        is_in_kernel(fixture, cgroup).context(what)?;
    }
    lacks(&alice.output(), "Filesystem")
}

/// Promise: a machine that people come to and leave all day does not fill up.
fn many_logins_leave_nothing(fixture: &Fixture) -> anyhow::Result<()> {
    const SIDE_BY_SIDE: usize = 4;
    const IN_A_ROW: usize = 3;
    let users = ["alice", "bob", "carol", "dave"];
    let log_in = |user: &str| -> anyhow::Result<()> {
        for _ in 0..IN_A_ROW {
            equal(fixture.run(user, "echo in")?.success()?.as_str(), "in\n", user)?;
        }
        Ok(())
    };
    let opened = "journalctl --no-pager -o cat -t sac-loader | grep -c 'opened: '";
    let before: usize = fixture.root(&format!("{opened} || true"))?.trim().parse()?;
    thread::scope(|scope| {
        let all: Vec<_> = users.iter().map(|user| scope.spawn(|| log_in(user))).collect();
        all.into_iter()
            .try_for_each(|one| one.join().map_err(|_panic| anyhow::anyhow!("a thread panicked"))?)
    })?;
    fixture.nothing_stays()?;
    let after: usize = fixture.root(opened)?.trim().parse()?;
    equal(after - before, SIDE_BY_SIDE * IN_A_ROW, "sessions that were opened")?;
    only_live_scopes(fixture)
}

/// Wants the kernel to hold attachments of a session's cgroup.
fn is_in_kernel(fixture: &Fixture, cgroup: &str) -> anyhow::Result<()> {
    let pins = format!("ls /sys/fs/bpf/sac/v*/scopes/$(stat -c %i {cgroup})");
    holds(&fixture.root(&pins)?, "bprm_check_security")
}

/// Wants what the kernel holds to be of cgroups that are there.
fn only_live_scopes(fixture: &Fixture) -> anyhow::Result<()> {
    const DEAD: &str = "for id in $(ls /sys/fs/bpf/sac/v*/scopes); do \
        find /sys/fs/cgroup -type d -inum $id | grep -q . || echo $id; done";
    wait_until("the end of all attachments of ended sessions", PATIENCE, || {
        Ok(fixture.root(DEAD)?.trim().is_empty().then_some(()))
    })
}
