// SPDX-License-Identifier: MIT OR Apache-2.0
//! What administrators do to a session: its user is told why, all of its processes follow, and the log has who did it.

use super::PATIENCE;
use crate::{
    dialogue::Dialogue,
    fixture::{Fixture, equal, holds, lacks},
};
use anyhow::{Context as _, ensure};
use serde_json::Value;
use xtask::guest::wait_until;

/// Does something to a session, and gives what is said of it.
fn intervene(fixture: &Fixture, command: &str) -> anyhow::Result<Value> {
    let text = fixture.root(&format!("sac-loader {command} --json"))?;
    serde_json::from_str(&text).with_context(|| text.clone())
}

fn id_of(fixture: &Fixture, user: &str) -> anyhow::Result<String> {
    Ok(fixture.session_of(user)?["id"].as_str().context("no id")?.to_owned())
}

/// The log of the service since a moment.
fn log_since(fixture: &Fixture, begin: &str) -> anyhow::Result<String> {
    fixture.root(&format!("journalctl --sync; journalctl -o cat -t sac-loader --since @{}", begin.trim()))
}

/// Threat: processes that are made to outlive their session, by nohup, setsid, deaf ears and a session of their own in the background.
pub(super) fn kill_tells_and_kills_all(fixture: &Fixture) -> anyhow::Result<()> {
    const SURVIVORS: &str = "pgrep -u alice -f 'sleep 90[0-9]' | wc -l";
    let begin = fixture.root("date +%s.%6N")?;
    let mut alice = Dialogue::shell_on_terminal(fixture.ssh("alice"))?;
    let mut bob = Dialogue::shell(&fixture.ssh("bob"))?;
    let jobs = "nohup sleep 900 >/dev/null 2>&1 & setsid sleep 901 & \
        (trap '' TERM HUP INT; exec sleep 902) & setsid setsid nohup sh -c 'sleep 903 & wait' >/dev/null 2>&1 &";
    alice.status("jobs", &format!("{jobs} sleep 1"))?;
    ensure!(fixture.root(SURVIVORS)?.trim().parse::<u32>()? >= 4, "the jobs do not run");
    let id = id_of(fixture, "alice")?;
    let killed = intervene(fixture, &format!("kill-session {id} --reason 'ticket 4711'"))?;
    for (key, wanted) in [
        ("session", id.as_str()),
        ("user", "alice"),
        ("action", "killed"),
        ("by", "root"),
        ("reason", "ticket 4711"),
    ] {
        equal(killed[key].as_str(), Some(wanted), key)?;
    }
    ensure!(killed["processes"].as_u64() > Some(5), "{killed}");
    equal(&killed["left"], &Value::Array(Vec::new()), "who is left")?;
    equal(fixture.root(SURVIVORS)?.trim(), "0", "jobs that are left")?;
    alice.wait_for("the reason", || {
        alice.output().contains("An administrator ends this session: ticket 4711")
    })?;
    ensure!(alice.end()? != 0, "the connection has ended well");
    wait_until("the end of the session in the list", PATIENCE, || {
        Ok(fixture.sessions()?.iter().all(|session| session["user"] != "alice").then_some(()))
    })?;
    holds(&log_since(fixture, &begin)?, &format!("session {id} of alice ended by root: ticket 4711"))?;
    // Nobody else's has.
    equal(bob.status("still", "true")?, 0, "bob")?;
    // Who did it is who logged in, however they became root; here from a session that ends with it.
    let mut dave = Dialogue::shell(&fixture.ssh("dave"))?;
    let (own, bobs) = (id_of(fixture, "dave")?, id_of(fixture, "bob")?);
    dave.status("kill", &format!("sudo sac-loader kill-session {bobs} --reason 'why not'"))?;
    holds(&dave.output(), &format!("session {bobs} of bob was killed: "))?;
    dave.send(&format!("sudo sac-loader freeze {own} --reason 'my own'"))?;
    wait_until("dave's standstill", PATIENCE, || {
        Ok((fixture.session_of("dave")?["frozen"].as_bool() == Some(true)).then_some(()))
    })?;
    // What stands still can be killed as well.
    let killed = intervene(fixture, &format!("kill-session {own} --reason over"))?;
    equal(&killed["left"], &Value::Array(Vec::new()), "who is left of a session that stood still")?;
    holds(&log_since(fixture, &begin)?, &format!("session {bobs} of bob ended by dave: why not"))?;
    drop((bob, dave));
    fixture.nothing_stays()
}

/// Promise: a mistake ends nothing, and the message says what could be meant.
pub(super) fn kill_says_what_is_wrong(fixture: &Fixture) -> anyhow::Result<()> {
    let mut alice = Dialogue::shell(&fixture.ssh("alice"))?;
    let id = id_of(fixture, "alice")?;
    let (beginning, _) = id.split_at(6);
    let close = format!("did you mean {id} (alice)");
    let newest = format!("the newest are {id} (alice)");
    for command in ["kill-session", "freeze"] {
        for (arguments, status, reason) in [
            (id.clone(), 2, "--reason"),
            (format!("{id} --reason ''"), 1, "the reason must be one line of 1 to 512 bytes"),
            (format!("{id} --reason \"$(printf 'a\\033[2Jb')\""), 1, "without control characters"),
            (format!("{beginning} --reason why"), 1, close.as_str()),
            ("alice --reason why".to_owned(), 1, newest.as_str()),
        ] {
            let refused = fixture.root_ssh().run(&format!("sac-loader {command} {arguments}"))?;
            equal(
                (refused.status, refused.stdout.as_str()),
                (status, ""),
                &format!("{command} {arguments}"),
            )?;
            holds(&refused.stderr, reason)?;
        }
    }
    equal(fixture.session_of("alice")?["frozen"].as_bool(), Some(false), "alice's session")?;
    equal(alice.status("still", "true")?, 0, "alice")
}

/// Promise: a frozen session does nothing at all until it is thawed, and then goes on where it was; both are told its user.
pub(super) fn freeze_stops_and_thaw_lets_go_on(fixture: &Fixture) -> anyhow::Result<()> {
    const TICKS: &str = "cat /home/alice/e2e/tick; sleep 2; cat /home/alice/e2e/tick";
    let begin = fixture.root("date +%s.%6N")?;
    let mut alice = Dialogue::shell_on_terminal(fixture.ssh("alice"))?;
    alice.status("loop", "(setsid sh -c 'tick=0; while :; do tick=$((tick + 1)); echo $tick >new; mv new tick; sleep 0.1; done' &) ; sleep 1")?;
    let ticks = || -> anyhow::Result<(u64, u64)> {
        let text = fixture.root(TICKS)?;
        let (before, after) = text.trim().split_once('\n').with_context(|| format!("no ticks: {text}"))?;
        Ok((before.parse()?, after.parse()?))
    };
    let (before, after) = ticks()?;
    ensure!(after > before, "the loop does not run: {before}, {after}");
    let id = id_of(fixture, "alice")?;
    let frozen = intervene(fixture, &format!("freeze {id} --reason 'have a look'"))?;
    equal(
        (frozen["action"].as_str(), &frozen["left"]),
        (Some("frozen"), &Value::Array(Vec::new())),
        "freezing",
    )?;
    let (before, after) = ticks()?;
    equal(after, before, "what a frozen session does")?;
    holds(&fixture.root(&format!("sac-loader sessions show {id}"))?, "Frozen    yes")?;
    lacks(&alice.output(), "This session goes on")?;
    let thawed = intervene(fixture, &format!("thaw {id} --reason 'nothing found'"))?;
    equal((thawed["action"].as_str(), thawed["by"].as_str()), (Some("thawed"), Some("root")), "thawing")?;
    alice
        .wait_for("why it stopped", || alice.output().contains("stops this session for now: have a look"))?;
    alice.wait_for("that it goes on", || alice.output().contains("This session goes on: nothing found"))?;
    let (before, after) = ticks()?;
    ensure!(after > before, "the loop does not go on: {before}, {after}");
    equal(alice.status("still", "true")?, 0, "the shell of a thawed session")?;
    let log = log_since(fixture, &begin)?;
    for line in ["frozen by root: have a look", "thawed by root: nothing found"] {
        holds(&log, &format!("session {id} of alice {line}"))?;
    }
    fixture.root(&format!("sac-loader kill-session {id} --reason over"))?;
    fixture.nothing_stays()
}
