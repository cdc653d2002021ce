// SPDX-License-Identifier: MIT OR Apache-2.0
//! Who looks: what root, members of `sac-audit`, users and root inside of a session may ask the service, and that what it tells of a
//! session is true, which is in [`shown`]. What administrators do to a session is in [`interventions`].

mod interventions;
mod shown;

use crate::{
    Test,
    dialogue::Dialogue,
    fixture::{Fixture, equal, holds, lacks},
};
use anyhow::{Context as _, ensure};
use serde_json::Value;
use std::{collections::BTreeSet, time::Duration};
use xtask::guest::wait_until;

pub(crate) const TESTS: &[Test] = &[
    ("everybody_asks_everything", everybody_asks_everything),
    ("everybody_tries_all_commands", everybody_tries_all_commands),
    ("the_group_is_looked_up_again", the_group_is_looked_up_again),
    ("slow_askers_keep_nobody_waiting", slow_askers_keep_nobody_waiting),
    ("show_is_true", shown::show_is_true),
    ("kill_tells_and_kills_all", interventions::kill_tells_and_kills_all),
    ("kill_says_what_is_wrong", interventions::kill_says_what_is_wrong),
    ("freeze_stops_and_thaw_lets_go_on", interventions::freeze_stops_and_thaw_lets_go_on),
];

const PATIENCE: Duration = Duration::from_secs(30);

/// All requests that there are, with what makes nothing of them where they are permitted.
const LOOKING: &[&str] = &[
    r#"{"command":"list-sessions"}"#,
    r#"{"command":"show-session","session":"0000000000"}"#,
    r#"{"command":"grants"}"#,
    r#"{"command":"policy-status"}"#,
];
const CHANGING: &[&str] = &[
    r#"{"command":"reload"}"#,
    r#"{"command":"apply-policies","directory":"/nowhere","confirm_s":60}"#,
    r#"{"command":"confirm-policies"}"#,
    r#"{"command":"roll-back-policies"}"#,
    r#"{"command":"grant","user":"nobody-there","exec":"/usr/bin/df","for_s":60,"reason":"why"}"#,
    r#"{"command":"revoke","number":0}"#,
    r#"{"command":"kill-session","session":"0000000000","reason":"why"}"#,
    r#"{"command":"freeze","session":"0000000000","reason":"why"}"#,
    r#"{"command":"thaw","session":"0000000000"}"#,
];

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// One cannot even connect.
    Unreachable,
    /// The service does not listen to such people.
    TurnedAway,
    /// It does, but this is for root.
    OnlyRoot,
    /// It is done, or would be if there were such a session.
    Permitted,
}

impl Outcome {
    fn of(answer: &str) -> Self {
        match answer {
            "unreachable" => Self::Unreachable,
            refused if refused.contains("only root and members of the group sac-audit may ask") => {
                Self::TurnedAway
            }
            refused if refused.contains("only root may do that") => Self::OnlyRoot,
            _ => Self::Permitted,
        }
    }
}

/// Makes erin, who is a member of the group, with everybody's key; carol is not. Gives the script to all.
fn prepare(fixture: &Fixture) -> anyhow::Result<()> {
    const ERIN: &str =
        "set -e; id erin >/dev/null 2>&1 || useradd --create-home --shell /bin/bash --password '*' erin
        usermod --append --groups sac-audit erin
        install -d -m 700 -o erin -g erin /home/erin/.ssh /home/erin/e2e
        install -m 600 -o erin -g erin /home/carol/.ssh/authorized_keys /home/erin/.ssh/
        cat >/usr/local/bin/ask.py; chmod 755 /usr/local/bin/ask.py";
    fixture.root_ssh().stdin(include_str!("looking/ask.py")).run(ERIN)?.success()?;
    Ok(())
}

/// The command line that asks all of these.
fn asking(requests: &[&str]) -> String {
    let quoted: Vec<_> = requests.iter().map(|request| format!("'{request}'")).collect();
    format!("python3 /usr/local/bin/ask.py {}", quoted.join(" "))
}

/// The command line that does the same as somebody outside of sessions whom `setpriv` makes.
fn as_other(who: &str, command: &str) -> String {
    format!("setpriv {who} {command}")
}

const ERIN: &str = "--reuid erin --regid erin --init-groups";
const ERIN_WITHOUT_GROUPS: &str = "--reuid erin --regid erin --clear-groups";
const CAROL_IN_THE_GROUP: &str = "--reuid carol --regid sac-audit --clear-groups";
/// Of so many groups the kernel does not tell at the first asking.
const CAROL_IN_MANY_GROUPS: &str =
    "--reuid carol --regid carol --groups $(seq -s, 20000 20099),$(getent group sac-audit | cut -d: -f3)";
const CAROL: &str = "--reuid carol --regid carol --init-groups";
/// Somebody whom permissions of files do not keep from connecting.
const CAROL_WITH_A_CAPABILITY: &str =
    "--reuid carol --regid carol --clear-groups --inh-caps +dac_override --ambient-caps +dac_override";

/// Wants these outcomes of everything that can be asked.
fn outcomes(output: &str, who: &str, looking: Outcome, changing: Outcome) -> anyhow::Result<()> {
    let answers: Vec<_> = output.lines().collect();
    equal(answers.len(), LOOKING.len() + CHANGING.len(), &format!("answers to {who}:\n{output}"))?;
    let wanted = LOOKING.iter().map(|_| looking).chain(CHANGING.iter().map(|_| changing));
    for ((answer, wanted), request) in answers.iter().zip(wanted).zip(LOOKING.iter().chain(CHANGING)) {
        equal(Outcome::of(answer), wanted, &format!("{request} of {who}: {answer}"))?;
    }
    Ok(())
}

/// Threat: somebody asks the service for what is not theirs to know or to do, in its own language, past the commands.
fn everybody_asks_everything(fixture: &Fixture) -> anyhow::Result<()> {
    use Outcome::{OnlyRoot, Permitted, TurnedAway, Unreachable};
    prepare(fixture)?;
    let all = [LOOKING, CHANGING].concat();
    nothing_is_left_out(fixture, &all)?;
    let ask = asking(&all);
    let mut alice = Dialogue::shell(&fixture.ssh("alice"))?;
    outcomes(&fixture.root(&ask)?, "root", Permitted, Permitted)?;
    for (who, looking, changing) in [
        (ERIN, Permitted, OnlyRoot),
        (CAROL_IN_THE_GROUP, Permitted, OnlyRoot),
        (CAROL_IN_MANY_GROUPS, Permitted, OnlyRoot),
        (ERIN_WITHOUT_GROUPS, Unreachable, Unreachable),
        (CAROL, Unreachable, Unreachable),
        (CAROL_WITH_A_CAPABILITY, TurnedAway, TurnedAway),
    ] {
        outcomes(&fixture.root(&as_other(who, &ask))?, who, looking, changing)?;
    }
    // The same in sessions, under a policy: who logs in there is who the kernel says they are.
    for (user, command, looking, changing) in [
        ("erin", ask.clone(), Permitted, OnlyRoot),
        ("carol", ask.clone(), Unreachable, Unreachable),
        ("alice", ask.clone(), Unreachable, Unreachable),
        ("dave", ask.clone(), Unreachable, Unreachable),
        ("dave", format!("sudo {ask}"), Permitted, Permitted),
    ] {
        let output = fixture.run(user, &command)?.success().with_context(|| user.to_owned())?;
        outcomes(&output, user, looking, changing)?;
    }
    others_are_root_s(fixture)?;
    // Nothing of it has changed anything.
    equal(fixture.root("sac-loader grants --json")?.trim(), "[]", "grants")?;
    equal(fixture.session_of("alice")?["frozen"].as_bool(), Some(false), "alice's session")?;
    equal(alice.status("still", "true")?, 0, "alice")
}

/// The service names all of its requests where it is asked for one that it has not: a new one must be tried here as well.
fn nothing_is_left_out(fixture: &Fixture, tried: &[&str]) -> anyhow::Result<()> {
    let answer = fixture.root(&asking(&[r#"{"command":"?"}"#]))?;
    let (_, list) = answer.split_once("expected one of").with_context(|| answer.clone())?;
    let known: BTreeSet<_> = list.split('`').skip(1).step_by(2).map(str::to_owned).collect();
    let name = |request: &&str| -> anyhow::Result<String> {
        let request: Value = serde_json::from_str(request)?;
        Ok(request["command"].as_str().context("no command")?.to_owned())
    };
    let tried = tried.iter().map(name).collect::<anyhow::Result<BTreeSet<_>>>()?;
    equal(tried, known, "requests that are tried")
}

/// Beside the one socket nothing of the service's is anything for those who may look.
fn others_are_root_s(fixture: &Fixture) -> anyhow::Result<()> {
    const PAM: &str =
        "import socket; socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET).connect('/run/sac/pam.sock')";
    for command in [
        "ls /run/sac",
        "ls /run/sac/sessions",
        // A session may end between the two.
        "sh -c 'cat /run/sac/sessions/* || ls -l /run/sac/sessions'",
        "ls /var/lib/sac",
        &format!("python3 -c \"{PAM}\""),
    ] {
        let tried = fixture.run("erin", command)?;
        ensure!(tried.status != 0, "erin: {command}: {tried:?}");
        holds(&tried.stderr, "ermission denied")?;
        // The negative control: it is there for root.
        fixture.root(command)?;
    }
    Ok(())
}

/// Promise: the commands keep to that, and say who may.
fn everybody_tries_all_commands(fixture: &Fixture) -> anyhow::Result<()> {
    prepare(fixture)?;
    let mut alice = Dialogue::shell(&fixture.ssh("alice"))?;
    let id = fixture.session_of("alice")?["id"].as_str().context("no id")?.to_owned();
    let looking: Vec<String> =
        ["list-sessions", "sessions list", "sessions list --json", "grants", "policy status"]
            .map(str::to_owned)
            .into_iter()
            .chain([format!("sessions show {id}"), format!("sessions show {id} --json")])
            .collect();
    let changing = [
        "reload".to_owned(),
        "policy apply /etc/sac/policies".to_owned(),
        "policy confirm".to_owned(),
        "policy rollback".to_owned(),
        "grant --user alice --exec /usr/bin/df --for 1m --reason why".to_owned(),
        "revoke 1".to_owned(),
        format!("kill-session {id} --reason why"),
        format!("freeze {id} --reason why"),
        format!("thaw {id}"),
    ];
    for (user, may_look, reason) in [
        ("erin", true, "only root may do that; members of the group sac-audit may look and change nothing"),
        ("carol", false, "only root and members of the group sac-audit may ask it"),
        ("alice", false, "only root and members of the group sac-audit may ask it"),
    ] {
        let mut shell = Dialogue::shell(&fixture.ssh(user))?;
        for (index, command) in looking.iter().chain(&changing).enumerate() {
            let wanted = if may_look && index < looking.len() { 0 } else { 1 };
            let status =
                shell.status(&format!("tried{index}"), &format!("/usr/sbin/sac-loader {command}"))?;
            equal(status, wanted, &format!("{user}: {command}"))?;
        }
        let refused = if may_look { changing.len() } else { looking.len() + changing.len() };
        shell.wait_for("the reasons", || shell.errors().matches(reason).count() == refused)?;
        if may_look {
            ["/etc/sac/policies/developers.yaml", id.as_str()]
                .iter()
                .try_for_each(|part| holds(&shell.output(), part))?;
        } else {
            lacks(&shell.output(), &id)?;
        }
    }
    let root = looking.iter().chain(&changing[..1]).map(|command| format!("sac-loader {command}\n"));
    fixture.root(&format!("set -e\n{}", root.collect::<String>()))?;
    holds(&fixture.root("sac-loader sessions list --json")?, &id)?;
    equal(alice.status("still", "true")?, 0, "alice")
}

/// Promise: who is let in follows the group, without a restart, and without it only root is.
fn the_group_is_looked_up_again(fixture: &Fixture) -> anyhow::Result<()> {
    const HANG_UP: &str = "kill -HUP $(systemctl show -P MainPID sac-loader)";
    const MODE: &str = "stat -c '%a %G' /run/sac/control.sock";
    prepare(fixture)?;
    let becomes = |wanted: &str| {
        wait_until(&format!("the socket being {wanted}"), PATIENCE, || {
            Ok((fixture.root(MODE)?.trim() == wanted).then_some(()))
        })
    };
    let erin = || -> anyhow::Result<_> {
        let asked = fixture.root(&as_other(ERIN, &asking(&LOOKING[..1])))?;
        Ok(Outcome::of(asked.trim()))
    };
    becomes("660 sac-audit")?;
    equal(erin()?, Outcome::Permitted, "erin in the group")?;
    let begin = fixture.root("date +%s.%6N")?;
    let without = (|| {
        fixture.root(&format!("groupdel sac-audit; {HANG_UP}"))?;
        wait_until("the socket being root's alone", PATIENCE, || {
            Ok(fixture.root(MODE)?.starts_with("600 ").then_some(()))
        })?;
        equal(erin()?, Outcome::Unreachable, "erin without the group")?;
        let log = format!("journalctl --sync; journalctl -o cat -t sac-loader --since @{}", begin.trim());
        let told = fixture.root(&format!("{HANG_UP}; sac-loader reload; {log}"))?;
        equal(
            told.matches("there is no group sac-audit: only root may look").count(),
            1,
            "how often that is told",
        )?;
        fixture.root("sac-loader list-sessions").map(drop)
    })();
    // As the package does it; a reload looks as well.
    fixture.root("getent group sac-audit >/dev/null || groupadd --system sac-audit; sac-loader reload")?;
    without?;
    becomes("660 sac-audit")?;
    prepare(fixture)?;
    equal(erin()?, Outcome::Permitted, "erin in the new group")
}

/// Threat: somebody who may look keeps all connections busy, so that nobody else can look, and root can end nothing.
fn slow_askers_keep_nobody_waiting(fixture: &Fixture) -> anyhow::Result<()> {
    prepare(fixture)?;
    let hold = Dialogue::start(&fixture.ssh("erin"), "exec python3 /usr/local/bin/ask.py hold 4")?;
    hold.shows("one more:")?;
    hold.shows("too many are asking at the moment")?;
    let list = asking(&LOOKING[..1]);
    let carol = as_other(CAROL_IN_THE_GROUP, &list);
    let answers = fixture.root(&format!(
        "date +%s%N; {carol}; sac-loader list-sessions >/dev/null && echo root; date +%s%N"
    ))?;
    let lines: Vec<_> = answers.lines().collect();
    let [begin, carol, root, end] = lines.as_slice() else { anyhow::bail!("answers:\n{answers}") };
    holds(carol, "\"ok\"")?;
    equal(*root, "root", "root")?;
    let took = Duration::from_nanos(end.parse::<u64>()? - begin.parse::<u64>()?);
    ensure!(took < Duration::from_secs(20), "others waited {took:?}");
    // Nobody holds a place for long.
    hold.shows("over")?;
    let told = hold.output().matches("was not there within 5 s").count();
    ensure!(told >= 4, "those who say nothing were told so {told} times:\n{}", hold.output());
    hold.end()?;
    holds(&fixture.root(&as_other(ERIN, &list))?, "\"ok\"")
}
