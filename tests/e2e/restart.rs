// SPDX-License-Identifier: MIT OR Apache-2.0
//! The daemon dies, and nobody notices: what stands in the kernel goes on, and the next daemon takes it over.

use crate::{
    Test,
    dialogue::Dialogue,
    fixture::{Fixture, KILLED, equal},
};
use anyhow::{Context as _, ensure};
use serde_json::Value;
use std::time::Duration;
use xtask::guest::wait_until;

/// Tries df without end, and keeps a line of each try and of each success.
pub(crate) const TRYING: &str =
    "while :; do df / >/dev/null 2>&1 && echo >> ~/e2e/ran; echo >> ~/e2e/tried; done";

/// How many lines there are in one of the files of such a loop of alice's.
pub(crate) fn lines(fixture: &Fixture, file: &str) -> anyhow::Result<u64> {
    Ok(fixture.root(&format!("cat /home/alice/e2e/{file} 2>/dev/null | wc -l"))?.trim().parse()?)
}

/// Waits until alice has tried `more` times more.
pub(crate) fn tried_further(fixture: &Fixture, more: u64) -> anyhow::Result<()> {
    let wanted = lines(fixture, "tried")? + more;
    wait_until(&format!("{more} more tries"), Duration::from_secs(60), || {
        Ok((lines(fixture, "tried")? >= wanted).then_some(()))
    })
}

/// A counter of a session.
pub(crate) fn counter(session: &Value, name: &str) -> anyhow::Result<u64> {
    session[name].as_u64().with_context(|| format!("no {name} in {session}"))
}

/// Kills the daemon and waits for the one that systemd starts in its place.
pub(crate) fn kill_daemon(fixture: &Fixture) -> anyhow::Result<()> {
    let kill = "old=$(systemctl show -P MainPID sac-loader); kill -9 $old
        for _ in $(seq 300); do
            new=$(systemctl show -P MainPID sac-loader)
            [ $new != 0 ] && [ $new != $old ] && systemctl -q is-active sac-loader && exit 0
            sleep 0.1
        done; exit 1";
    fixture.root(kill).map(drop).context("the daemon's restart")
}

/// Somebody who tries a denied program all the time never has it run, while the daemon is killed, is away and comes back;
/// the new daemon knows the session by its id, its counters go on, and its end leaves nothing.
fn killed_under_fire(fixture: &Fixture) -> anyhow::Result<()> {
    let stay = fixture.stay_running("alice", TRYING)?;
    tried_further(fixture, 3)?;
    let before = fixture.session_of("alice")?;
    ensure!(counter(&before, "blocked")? > 0, "nothing is blocked in {before}");
    kill_daemon(fixture)?;
    let after = fixture.session_of("alice")?;
    for key in ["id", "policy", "user", "groups", "service", "from", "since", "cgroup"] {
        equal(&after[key], &before[key], key)?;
    }
    for name in ["executed", "blocked"] {
        let (before, after) = (counter(&before, name)?, counter(&after, name)?);
        ensure!(after >= before, "{name} went back from {before} to {after}");
    }
    tried_further(fixture, 3)?;
    // One that is away for longer: verdicts are the kernel's.
    fixture.root("systemctl stop sac-loader")?;
    tried_further(fixture, 3)?;
    fixture.root("systemctl start sac-loader")?;
    tried_further(fixture, 3)?;
    let last = fixture.session_of("alice")?;
    equal(&last["id"], &before["id"], "the session's id after a stop and a start")?;
    let blocked_meanwhile = counter(&last, "blocked")? - counter(&after, "blocked")?;
    ensure!(blocked_meanwhile >= 6, "{blocked_meanwhile} of 9 tries or more were counted");
    equal(lines(fixture, "ran")?, 0, "how often df ran")?;
    fixture.root("loginctl terminate-user alice")?;
    drop(stay);
    fixture.nothing_stays()
}

/// Negative control of the loop: where the policy says that df may run, it does.
fn the_loop_can_tell(fixture: &Fixture) -> anyhow::Result<()> {
    fixture.root("rm /etc/sac/policies/developers.yaml; sed -i s,/usr/bin/df,/usr/bin/wget, /etc/sac/policies/default.yaml; sac-loader reload")?;
    let _stay = fixture.stay_running("alice", TRYING)?;
    tried_further(fixture, 3)?;
    let ran = lines(fixture, "ran")?;
    ensure!(ran >= 2, "df ran {ran} times");
    Ok(())
}

/// A session that ended while no daemon was there is cleared away by the next one, and only such a session.
fn ended_meanwhile(fixture: &Fixture) -> anyhow::Result<()> {
    let _bob = fixture.stay("bob")?;
    let alice = fixture.stay("alice")?;
    let bob = fixture.session_of("bob")?;
    fixture.session_of("alice")?;
    let records = fixture.root("ls /run/sac/sessions")?;
    equal(records.lines().count(), 2, "records of sessions")?;
    fixture.root("systemctl stop sac-loader; loginctl terminate-user alice")?;
    drop(alice);
    fixture.root("for _ in $(seq 300); do pgrep -u alice >/dev/null || exit 0; sleep 0.1; done; exit 1")?;
    fixture.root("systemctl start sac-loader")?;
    let left = fixture.sessions()?;
    equal(left.len(), 1, "sessions after the start")?;
    equal(&left[0]["id"], &bob["id"], "the session that goes on")?;
    equal(fixture.root("ls /run/sac/sessions")?.lines().count(), 1, "records of sessions")?;
    fixture.root("loginctl terminate-user bob")?;
    fixture.nothing_stays()
}

/// A session for which no policy is any more keeps its own, and so does the next daemon, which has never read it: what is in the kernel
/// of that policy stays there, whatever else comes and goes.
fn a_policy_that_no_set_has(fixture: &Fixture) -> anyhow::Result<()> {
    let denies = |user: &str, path: &str| {
        format!("policy: {user}\napplies_to: {{users: [{user}]}}\nprograms:\n  deny:\n    - {path}\n")
    };
    fixture
        .policies(&[("alice", &denies("alice", "/usr/bin/df")), ("bob", &denies("bob", "/usr/bin/arch"))])?;
    let mut alice = Dialogue::shell(&fixture.ssh("alice"))?;
    let mut bob = Dialogue::shell(&fixture.ssh("bob"))?;
    let mut holds = |when: &str| {
        equal(alice.status(&format!("{when}-denied"), "df /")?, KILLED, when)?;
        equal(alice.status(&format!("{when}-allowed"), "arch")?, 0, when)
    };
    holds("before")?;
    fixture.policies(&[("bob", &denies("bob", "/usr/bin/nproc"))])?;
    holds("without")?;
    fixture.root("systemctl restart sac-loader")?;
    holds("restarted")?;
    // What the new daemon itself has put into the kernel comes and goes.
    for path in ["/usr/bin/tty", "/usr/bin/arch"] {
        fixture.policies(&[("bob", &denies("bob", path))])?;
        holds(path)?;
    }
    equal(bob.status("bob", "arch")?, KILLED, "bob, who has a policy")
}

pub(crate) const TESTS: &[Test] = &[
    ("killed_under_fire", killed_under_fire),
    ("the_loop_can_tell", the_loop_can_tell),
    ("ended_meanwhile", ended_meanwhile),
    ("a_policy_that_no_set_has", a_policy_that_no_set_has),
];
