// SPDX-License-Identifier: MIT OR Apache-2.0
//! Becoming somebody else does not leave a session: sudo and su stay under the policy of whoever logged in. Jobs of cron
//! and at are sessions of their owner.

use crate::{
    Test,
    fixture::{Fixture, equal, holds, lacks},
};
use anyhow::{Context as _, ensure};
use serde_json::Value;
use std::time::Duration;
use xtask::guest::wait_until;

/// What a program that was killed and one that was refused leave in `$?`.
const KILLED: &str = "=137";
const ALLOWED: &str = "=0";

/// The sessions in the output of a script that ran `list-sessions --json` between two lines `LIST`.
fn sessions_in(output: &str) -> anyhow::Result<Vec<Value>> {
    let list = output.split("LIST\n").nth(1).with_context(|| format!("no list in:\n{output}"))?;
    Ok(serde_json::from_str(list)?)
}

/// Runs commands, each of which prints `LABEL=STATUS`, and wants these words in what comes out.
fn expect(output: &str, words: &[(&str, &str)]) -> anyhow::Result<()> {
    words.iter().try_for_each(|(label, status)| holds(output, &format!("{label}{status}\n")))
}

/// Dave may become root by sudo and su. As root he runs what his policy allows and nothing else, in the one session that he
/// logged in to.
fn root_by_sudo_and_su(fixture: &Fixture) -> anyhow::Result<()> {
    const SCRIPT: &str = "sudo df / ; echo sudo=$?
        sudo id -u; echo id=$?
        sudo -i sh -c 'df /; echo sudo-i=$?'
        sudo -i sh -c 'id -un; echo login-name=$?'
        echo root | su -c 'df /; echo su=$?; id -u; echo su-id=$?' root
        echo root | su - -c 'df /; echo su-l=$?'
        sudo setsid sh -c 'df /; echo setsid=$?'
        echo LIST; sudo sac-loader list-sessions --json; echo LIST";
    let output = fixture.run("dave", SCRIPT)?;
    let text = output.stdout.as_str();
    expect(text, &[("\nid", ALLOWED), ("login-name", ALLOWED), ("su-id", ALLOWED)])?;
    expect(text, &[("sudo-i", KILLED), ("su", KILLED), ("su-l", KILLED), ("setsid", KILLED)])?;
    // sudo ends as its command did; the shell says 128 and the signal.
    expect(text, &[("sudo", KILLED)])?;
    lacks(text, "Filesystem")?;
    let sessions = sessions_in(text)?;
    equal(sessions.len(), 1, "sessions while dave is root")?;
    equal(&sessions[0]["user"], &Value::from("dave"), "whose the session is")?;
    let blocked = sessions[0]["blocked"].as_u64();
    ensure!(blocked == Some(5), "blocked in {}", sessions[0]);
    fixture.nothing_stays()
}

/// The same on a terminal, where sudo runs its command on one of its own: the notice still reaches dave.
fn sudo_on_a_terminal(fixture: &Fixture) -> anyhow::Result<()> {
    let seen = fixture
        .on_terminal("dave", "sudo df /; echo df=$?; sudo -i id -un; sudo lsblk; echo lsblk=$?; sleep 2")?;
    let seen = seen.stdout.replace('\r', "");
    holds(&seen, "/usr/bin/df blocked!")?;
    expect(&seen, &[("df", KILLED)])?;
    holds(&seen, "root\n")?;
    holds(&seen, "/usr/bin/lsblk blocked!")?;
    lacks(&seen, "lsblk=0")?;
    lacks(&seen, "Filesystem")
}

/// Alice as bob is under alice's policy: what bob may and she may not stays blocked, what she may and bob may not runs.
fn another_user_by_su(fixture: &Fixture) -> anyhow::Result<()> {
    const SCRIPT: &str =
        "echo bob | su - bob -c 'id -un; df /; echo df=$?; wget --version >/dev/null; echo wget=$?'";
    let begin = fixture.root("date +%s.%6N")?;
    let output = fixture.run("alice", SCRIPT)?.stdout;
    holds(&output, "bob\n")?;
    expect(&output, &[("df", KILLED), ("wget", ALLOWED)])?;
    lacks(&output, "Filesystem")?;
    let log = fixture
        .root(&format!("journalctl --sync; journalctl -o cat -t sac-loader --since @{}", begin.trim()))?;
    let opened: Vec<_> = log.lines().filter(|line| line.contains(" opened: ")).collect();
    equal(opened.len(), 1, "sessions opened")?;
    let id = opened[0].split(' ').nth(1).unwrap_or_default();
    holds(&log, &format!("bob by su-l stays in session {id}"))?;
    // The negative control: bob himself.
    let bob = fixture.run("bob", "df / >/dev/null; echo df=$?; wget --version; echo wget=$?")?.stdout;
    expect(&bob, &[("df", ALLOWED), ("wget", KILLED)])?;
    fixture.nothing_stays()
}

/// Root, who is in no session, becomes alice: that is a session of hers, and root is out of it again afterwards.
fn su_by_root(fixture: &Fixture) -> anyhow::Result<()> {
    const SCRIPT: &str = "su - alice -c 'id -un; df /; echo df=$?; touch e2e/in; while [ -e e2e/in ]; do sleep 0.2; done' > /run/e2e-su &
        while [ ! -e /home/alice/e2e/in ]; do sleep 0.1; done
        echo LIST; sac-loader list-sessions --json; echo LIST
        rm /home/alice/e2e/in; wait; cat /run/e2e-su; rm /run/e2e-su; df / >/dev/null; echo root-df=$?";
    let output = fixture.root(SCRIPT)?;
    let sessions = sessions_in(&output)?;
    equal(sessions.len(), 1, "sessions")?;
    let wanted = [("user", "alice"), ("policy", "developers"), ("service", "su-l"), ("from", "")];
    for (key, value) in wanted {
        equal(&sessions[0][key], &Value::from(value), key)?;
    }
    holds(&output, "alice\n")?;
    expect(&output, &[("\ndf", KILLED), ("root-df", ALLOWED)])?;
    fixture.nothing_stays()
}

/// Jobs of alice's under cron and at are sessions under her policy; those of root are not touched.
fn jobs(fixture: &Fixture) -> anyhow::Result<()> {
    const JOB: &str = "id -un; df / ; echo df=$?";
    let begin = fixture.root(&format!(
        "date +%s.%6N; systemctl is-active cron atd >/dev/null || systemctl start cron atd
        echo \"* * * * * ({JOB}) > /home/alice/e2e/cron 2>&1\" | crontab -u alice -
        echo \"* * * * * ({JOB}) > /run/e2e-cron 2>&1\" | crontab -u root -
        su - alice -c 'echo \"({JOB}) > /home/alice/e2e/at 2>&1\" | at now' 2>/dev/null",
        JOB = JOB.replace('$', "\\$"),
    ))?;
    let waited = wait_until("the jobs", Duration::from_secs(150), || {
        let files = ["/home/alice/e2e/cron", "/home/alice/e2e/at", "/run/e2e-cron"];
        let ended = files.map(|file| format!("grep -q df= {file} 2>/dev/null")).join(" && ");
        Ok(fixture.root(&format!("if {ended}; then echo ended; fi"))?.contains("ended").then_some(()))
    });
    let texts = ["/home/alice/e2e/cron", "/home/alice/e2e/at", "/run/e2e-cron"]
        .map(|file| fixture.root(&format!("cat {file} || true")));
    fixture.root("crontab -u alice -r; crontab -u root -r; rm -f /run/e2e-cron")?;
    waited?;
    let [cron, at, root] = texts;
    for text in [cron?, at?] {
        holds(&text, "alice\n")?;
        expect(&text, &[("df", KILLED)])?;
        lacks(&text, "Filesystem")?;
    }
    expect(&root?, &[("df", ALLOWED)])?;
    let log = fixture
        .root(&format!("journalctl --sync; journalctl -o cat -t sac-loader --since @{}", begin.trim()))?;
    for service in ["cron", "atd"] {
        holds(&log, &format!("opened: alice by {service} from this machine, policy developers"))?;
    }
    fixture.nothing_stays()
}

pub(crate) const TESTS: &[Test] = &[
    ("root_by_sudo_and_su", root_by_sudo_and_su),
    ("sudo_on_a_terminal", sudo_on_a_terminal),
    ("another_user_by_su", another_user_by_su),
    ("su_by_root", su_by_root),
    ("jobs", jobs),
];
