// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is shown of a session is what the kernel and ps say of it.

use crate::{
    dialogue::Dialogue,
    fixture::{Fixture, equal, holds, lacks},
};
use anyhow::{Context as _, ensure};
use serde_json::Value;

/// Promise: all that is shown of a session is so: processes as ps has them, what the kernel says of its audit session, its policy,
/// limits, grants and counters. What its user has chosen does nothing to the terminal of whoever looks.
pub(super) fn show_is_true(fixture: &Fixture) -> anyhow::Result<()> {
    const FILE: &str = "/etc/sac/policies/developers.yaml";
    const POLICY: &str = "policy: developers\napplies_to: {groups: [developers]}\naction: deny\nprograms: {deny: [/usr/bin/df]}
limits: {session_length: 8h, idle: 30m, sessions: 7}\nstrikes: {blocked: 5, within: 1h, then: freeze}\n";
    fixture.policies(&[("developers", POLICY), ("default", "policy: default\napplies_to: everyone\n")])?;
    let mut alice = Dialogue::shell_on_terminal(fixture.ssh("alice"))?;
    alice.status(
        "jobs",
        "sleep 900 & (sleep 901; :) & bash -c 'exec -a \"$(printf \"\\033[31mred\")\" sleep 902' & sleep 1",
    )?;
    alice.status("blocked", "df; df")?;
    fixture.root("sac-loader grant --user alice --exec /usr/bin/df --for 1h --reason 'disk full'")?;
    let id = fixture.session_of("alice")?["id"].as_str().context("no id")?.to_owned();
    let shown: Value =
        serde_json::from_str(&fixture.root(&format!("sac-loader sessions show {id} --json"))?)?;
    is_as_ps_has_it(fixture, &shown)?;
    let first = &shown["tree"][0]["pid"];
    let kernel = fixture.root(&format!("cd /proc/{first}; echo $(cat loginuid) $(cat sessionid)"))?;
    equal(format!("{} {}", shown["login_uid"], shown["audit_session"]).as_str(), kernel.trim(), "audit ids")?;
    equal(&shown["uid"], &shown["login_uid"], "who logged in")?;
    let policy = &shown["policies"][0];
    let strikes = serde_json::json!({"count": 2, "blocked": 5, "within_s": 3600, "then": "freeze"});
    let limits =
        serde_json::json!({"processes": null, "sessions": 7, "session_length_s": 28800, "idle_s": 1800});
    for (key, wanted) in
        [("name", "developers".into()), ("file", FILE.into()), ("strikes", strikes), ("limits", limits)]
    {
        equal(&policy[key], &wanted, key)?;
    }
    equal(&shown["grants"][0]["reason"], &"disk full".into(), "the grant")?;
    let listed = fixture.session_of("alice")?;
    for key in ["id", "user", "groups", "service", "from", "tty", "since", "cgroup", "frozen", "blocked"] {
        equal(&shown[key], &listed[key], key)?;
    }
    let text = fixture.root(&format!(
        "sac-loader sessions show {id}; sac-loader revoke {}",
        shown["grants"][0]["number"]
    ))?;
    for part in
        [FILE, "2 of 5 within 1h, then freeze", "/usr/bin/df until", "disk full", r"'\u{1b}[31mred' 902"]
    {
        holds(&text, part)?;
    }
    lacks(&text, "\u{1b}")
}

/// Wants the processes that are shown to be those that ps finds in the session's cgroup, each behind its parent.
fn is_as_ps_has_it(fixture: &Fixture, shown: &Value) -> anyhow::Result<()> {
    let cgroup = shown["cgroup"].as_str().context("no cgroup")?;
    let pids = fixture.root(&format!("find {cgroup} -name cgroup.procs -exec cat '{{}}' + | paste -sd,"))?;
    let ps =
        fixture.root(&format!("ps -ww -o pid=,ppid=,ruid=,etimes=,args= -p {}; date +%s", pids.trim()))?;
    let (ps, now) = ps.trim_end().rsplit_once('\n').context("no processes")?;
    let tree = shown["tree"].as_array().context("no tree")?;
    equal(tree.len(), ps.lines().count(), &format!("processes of\n{ps}\nin {tree:#?}"))?;
    let mut above: Vec<&Value> = Vec::new();
    for process in tree {
        let line =
            ps.lines().find(|line| line.split_whitespace().next() == Some(&process["pid"].to_string()));
        let line = line.with_context(|| format!("no {process} in\n{ps}"))?;
        let (numbers, command) = fields(line, 4);
        equal(numbers[1].as_str(), process["parent_pid"].to_string().as_str(), line)?;
        equal(numbers[2].as_str(), process["uid"].to_string().as_str(), line)?;
        let words = process["command"].as_array().with_context(|| format!("no command line: {process}"))?;
        let words: Vec<_> = words.iter().filter_map(Value::as_str).collect();
        // ps shows a question mark for what a terminal would obey, and since version 4 of procps a full stop.
        let shown = ["?", "."].map(|mark| words.join(" ").replace('\u{1b}', mark));
        ensure!(shown.iter().any(|shown| shown == command), "{shown:?}: {line}");
        let started = process["started"].as_str().and_then(|time| time.parse::<jiff::Timestamp>().ok());
        let age = now.trim().parse::<i64>()? - started.context("no start")?.as_second();
        ensure!((age - numbers[3].parse::<i64>()?).abs() <= 3, "{process} has run for {age} s: {line}");
        let depth = usize::try_from(process["depth"].as_u64().context("no depth")?)?;
        above.truncate(depth);
        equal(above.len(), depth, &format!("the place of {process}"))?;
        if let Some(parent) = above.last() {
            equal(&parent["pid"], &process["parent_pid"], &format!("above {process}"))?;
        }
        above.push(process);
    }
    Ok(())
}

/// The first fields of a line, and the rest of it.
fn fields(line: &str, count: usize) -> (Vec<String>, &str) {
    let mut rest = line.trim_start();
    let mut found = Vec::new();
    for _ in 0..count {
        let (field, behind) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        found.push(field.to_owned());
        rest = behind.trim_start();
    }
    (found, rest.trim_end())
}
