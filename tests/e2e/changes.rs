// SPDX-License-Identifier: MIT OR Apache-2.0
//! What changes for sessions that are open: grants, files, hours, limits and strikes.

use crate::{
    Test,
    fixture::{Fixture, equal, holds, lacks},
};
use anyhow::Context as _;
use std::{process::Stdio, time::Duration};
use xtask::guest::wait_until;

pub(crate) const TESTS: &[Test] = &[
    ("grant_for_a_while", grant_for_a_while),
    ("edited_policy_holds_by_itself", edited_policy_holds_by_itself),
    ("opening_is_judged_where_a_policy_says_so", opening_is_judged_where_a_policy_says_so),
    (
        "names_and_connections_are_judged_where_a_policy_says_so",
        names_and_connections_are_judged_where_a_policy_says_so,
    ),
    ("upgraded_program_of_an_allow_list", upgraded_program_of_an_allow_list),
    ("hours_strike_for_open_sessions", hours_strike_for_open_sessions),
    ("limits_and_refused_logins", limits_and_refused_logins),
    ("strikes_end_a_session", strikes_end_a_session),
    ("strikes_freeze_until_thawed", strikes_freeze_until_thawed),
    ("sessions_end_in_time", sessions_end_in_time),
    ("groups_and_programs_that_come_later", groups_and_programs_that_come_later),
    ("learned_policy", learned_policy),
    ("messages_reach_the_user", messages_reach_the_user),
];

const NO_DF: &str =
    "policy: developers\napplies_to: {groups: [developers]}\naction: deny\nprograms: {deny: [/usr/bin/df]}\n";
const EVERYONE: &str = "policy: default\napplies_to: everyone\n";

/// How long something that the service does by itself may take in an emulated guest.
const SOON: Duration = Duration::from_secs(30);

/// Tries df until it runs, or until it does not, in a session that stays open meanwhile.
const UNTIL_DF_RUNS: &str =
    "for try in $(seq 300); do df / >/dev/null 2>&1 && { echo ran; exit; }; sleep 0.2; done";
const UNTIL_DF_FAILS: &str =
    "for try in $(seq 300); do df / >/dev/null 2>&1 || { echo stopped; exit; }; sleep 0.2; done";

/// Promise: a grant holds for one person and program, in sessions that are open, ends by itself at its time although
/// the service does not run, and both are in the log.
fn grant_for_a_while(fixture: &Fixture) -> anyhow::Result<()> {
    fixture.policies(&[("developers", NO_DF), ("default", EVERYONE)])?;
    holds(&fixture.run("alice", "df /; echo df=$?")?.stdout, "df=126")?;
    fixture.root("sac-loader grant --user alice --exec /usr/bin/df --for 40s --reason 'disk full'")?;
    holds(&fixture.root("sac-loader grants")?, "alice")?;
    holds(&fixture.run("alice", UNTIL_DF_RUNS)?.stdout, "ran")?;
    holds(&fixture.run("dave", "df /; echo df=$?")?.stdout, "df=126")?;
    // It outlives the service, and its end does not need it.
    fixture.root("systemctl kill -s KILL --kill-whom=main sac-loader; systemctl stop sac-loader; sleep 1")?;
    wait_until("the end of the grant", Duration::from_secs(90), || {
        let over = "test $(cut -d. -f1 /proc/uptime) -ge $(sed 's/.*\"until_boot_s\":\\([0-9]*\\).*/\\1/' /run/sac/grants.json) && echo over; true";
        Ok(fixture.root(over)?.contains("over").then_some(()))
    })?;
    fixture.root("systemctl start sac-loader")?;
    holds(&fixture.run("alice", "df /; echo df=$?")?.stdout, "df=126")?;
    wait_until("the log of the grant's end", SOON, || {
        let log = fixture.root("journalctl -t sac-loader --no-pager -o cat | grep -i grant")?;
        Ok((log.contains("disk full") && log.contains("expired")).then_some(()))
    })
}

/// Promise: a policy that is written into the directory holds without a command, in sessions that are open, and a faulty
/// one changes nothing.
fn edited_policy_holds_by_itself(fixture: &Fixture) -> anyhow::Result<()> {
    fixture.policies(&[("default", EVERYONE)])?;
    let put = "cat > /etc/sac/policies/developers.yaml";
    let child = fixture.ssh("alice").command(UNTIL_DF_FAILS).stdout(std::process::Stdio::piped()).spawn()?;
    fixture.root_ssh().stdin(NO_DF).run(put)?.success()?;
    let output = child.wait_with_output()?;
    holds(&String::from_utf8_lossy(&output.stdout), "stopped")?;
    fixture.root_ssh().stdin("policy: developers\nprograms: {allow: []}\n").run(put)?.success()?;
    wait_until("the faulty policy in the log", SOON, || {
        let log = fixture.root("journalctl -t sac-loader --no-pager -o cat -n 20")?;
        Ok(log.contains("the ones before stay in force").then_some(()))
    })?;
    holds(&fixture.run("alice", "df /; echo df=$?")?.stdout, "df=126")
}

/// Promise: nothing is asked about files that are opened where no policy says anything about that; where one comes to, it holds in sessions that
/// are open, for that file under each of its names and for no other, and no longer than the policy.
fn opening_is_judged_where_a_policy_says_so(fixture: &Fixture) -> anyhow::Result<()> {
    const NO_NOTE: &str = "policy: developers\napplies_to: {groups: [developers]}\nfiles: {deny: [{path: /srv/e2e/note, operations: [read], action: deny}]}\n";
    // What keeps a hook for SAC, and costs everybody a little.
    const ANCHOR: &str = "ls /sys/fs/bpf/sac/v*/anchor";
    // Each time the file was open or not, until somebody has enough of it.
    const READING: &str = "while :; do
        for f in note link other; do { read -r line </srv/e2e/$f; } 2>/dev/null && printf '%s ' $f; done >/tmp/e2e-read.new; echo >>/tmp/e2e-read.new
        mv /tmp/e2e-read.new /tmp/e2e-read; sleep 0.2; done";
    fixture.root("rm -rf /srv/e2e /tmp/e2e-read; mkdir -p /srv/e2e; cd /srv/e2e; echo of it >note; echo of another >other; ln note link; chmod 644 *")?;
    fixture.policies(&[
        ("developers", "policy: developers\napplies_to: {groups: [developers]}\n"),
        ("default", EVERYONE),
    ])?;
    let _open = fixture.stay_running("alice", READING)?;
    let session = fixture.session_of("alice")?["cgroup"].as_str().context("no cgroup")?.to_owned();
    let attached = || {
        fixture.root(&format!(
            "for cgroup in {session} /sys/fs/cgroup/user.slice/user-$(id -u alice).slice; do
                ls /sys/fs/bpf/sac/v*/scopes/$(stat -c %i $cgroup) | tr '\n' ' '; done"
        ))
    };
    let reads = |what: &str, wanted: &str| {
        wait_until(what, SOON, || Ok((fixture.root("cat /tmp/e2e-read")?.trim() == wanted).then_some(())))
    };
    for _again in 0..2 {
        reads("all files being read", "note link other")?;
        lacks(&attached()?, "file_open")?;
        lacks(&fixture.root(ANCHOR)?, "file_open")?;
        fixture.policies(&[("developers", NO_NOTE), ("default", EVERYONE)])?;
        reads("one file not being read any more", "other")?;
        equal(attached()?.matches("file_open").count(), 2, "programs for files that are opened")?;
        holds(&fixture.root(ANCHOR)?, "file_open")?;
        fixture.policies(&[
            ("developers", "policy: developers\napplies_to: {groups: [developers]}\n"),
            ("default", EVERYONE),
        ])?;
    }
    reads("all files being read", "note link other")?;
    lacks(&attached()?, "file_open")
}

/// Promise: the programs that judge what is done to names, and connections, are there only where a policy says something about that, and hold in
/// sessions that are open. They stay for a session that keeps a policy which no set has any more, and a new loader puts back what is missing.
fn names_and_connections_are_judged_where_a_policy_says_so(fixture: &Fixture) -> anyhow::Result<()> {
    const DEVELOPERS: &str = "policy: developers\napplies_to: {groups: [developers]}\naction: deny\n";
    const NO_REMOVAL: &str = "files: {deny: [{tree: /srv/e2e/alice, operations: [delete]}]}\n";
    // Nobody listens there.
    const NO_CONNECTION: &str = "connections: {deny: [{to: 127.0.0.0/8, ports: [9]}]}\n";
    const TRYING: &str = "while :; do
        { rm /srv/e2e/alice/file 2>/dev/null && printf 'removed '; : >/srv/e2e/alice/file
        answer=$( { exec 3<>/dev/tcp/127.0.0.1/9; } 2>&1 ); [[ $answer == *refused* ]] && printf asked; echo; } >/tmp/e2e-tried.new
        mv /tmp/e2e-tried.new /tmp/e2e-tried; sleep 0.5; done";
    fixture.root("rm -rf /srv/e2e /tmp/e2e-tried; mkdir -p /srv/e2e; install -d -o alice /srv/e2e/alice")?;
    let put =
        |says: &str| fixture.policies(&[("developers", &[DEVELOPERS, says].concat()), ("default", EVERYONE)]);
    let done = |what: &str, wanted: &str| {
        wait_until(what, SOON, || Ok((fixture.root("cat /tmp/e2e-tried")?.trim() == wanted).then_some(())))
    };
    // The programs are for everybody on the machine.
    let are_there = |names: bool, connections: bool| {
        let programs = fixture.root("ls /sys/fs/bpf/sac/v*/machine")?;
        let found =
            ["inode_unlink", "inode_rename", "socket_connect"].map(|program| programs.contains(program));
        equal(found, [names, names, connections], "programs for names and connections")?;
        holds(&programs, "bprm_check_outside")
    };
    put("")?;
    let _open = fixture.stay_running("alice", TRYING)?;
    for _again in 0..2 {
        put("")?;
        done("all being done", "removed asked")?;
        are_there(false, false)?;
        put(NO_REMOVAL)?;
        done("nothing being removed", "asked")?;
        are_there(true, false)?;
        put(NO_CONNECTION)?;
        done("nobody being asked", "removed")?;
        are_there(false, true)?;
    }
    // What is let go takes the kernel a while, and is wanted again at once.
    fixture.root(&format!(
        "set -e; cd /etc/sac/policies
        for again in 1 2 3 4; do for says in '' '{NO_REMOVAL}'; do printf '%s' '{DEVELOPERS}'\"$says\" >developers.yaml; sac-loader reload; done; done"
    ))?;
    are_there(true, false)?;
    fixture.policies(&[("bob", "policy: bob\napplies_to: {users: [bob]}\n")])?;
    done("nothing being removed in a session that keeps its policy", "asked")?;
    // Nothing is allowed in her slice any more, connections among it.
    are_there(true, true)?;
    fixture.root("systemctl stop sac-loader; rm /sys/fs/bpf/sac/v*/machine/inode_unlink")?;
    done("files being removed where root has taken the program away", "removed asked")?;
    fixture.root("systemctl start sac-loader")?;
    done("nothing being removed again", "asked")?;
    are_there(true, true)
}

/// Promise: an allowed program that is replaced as a package upgrade does it runs again shortly.
fn upgraded_program_of_an_allow_list(fixture: &Fixture) -> anyhow::Result<()> {
    fixture.root("rm -rf /srv/e2e; mkdir -p /srv/e2e; cp /usr/bin/true /srv/e2e/tool")?;
    let policy = "policy: developers\napplies_to: {groups: [developers]}\naction: deny\nprograms:\n  default: deny\n  allow: [/srv/e2e/tool, {tree: /usr}]\n";
    fixture.policies(&[("developers", policy), ("default", EVERYONE)])?;
    holds(&fixture.run("alice", "/srv/e2e/tool; echo tool=$?")?.stdout, "tool=0")?;
    let _open = fixture.stay("alice")?;
    fixture.root(
        "cp /usr/bin/true /srv/e2e/tool.new; echo >> /srv/e2e/tool.new; mv /srv/e2e/tool.new /srv/e2e/tool",
    )?;
    wait_until("the new file", SOON, || {
        Ok(fixture.run("alice", "/srv/e2e/tool; echo tool=$?")?.stdout.contains("tool=0").then_some(()))
    })
}

/// Promise: a rule for some hours begins and ends in sessions that are open, also where the clock is set.
fn hours_strike_for_open_sessions(fixture: &Fixture) -> anyhow::Result<()> {
    let policy = "policy: developers\napplies_to: {groups: [developers]}\naction: deny\nprograms:\n  deny:\n    - {path: /usr/bin/df, when: {hours: '12:00-13:00', timezone: UTC}}\n";
    fixture.policies(&[("developers", policy), ("default", EVERYONE)])?;
    let held = (|| {
        fixture.root("systemctl stop systemd-timesyncd 2>/dev/null; date -u -s 11:59:50")?;
        holds(&fixture.run("alice", "df / >/dev/null; echo df=$?")?.stdout, "df=0")?;
        holds(&fixture.run("alice", UNTIL_DF_FAILS)?.stdout, "stopped")?;
        fixture.root("date -u -s 12:59:58")?;
        holds(&fixture.run("alice", UNTIL_DF_RUNS)?.stdout, "ran")
    })();
    // What was logged in those hours goes: reading the log from a time on would find it again.
    fixture.root("date -u -s \"$(cat /sys/class/rtc/rtc0/date) $(cat /sys/class/rtc/rtc0/time)\"; journalctl -q --sync --rotate; journalctl -q --vacuum-size=1")?;
    held
}

/// Promise: more sessions than a policy allows are refused, so are more processes, and where logins are refused nobody comes in.
fn limits_and_refused_logins(fixture: &Fixture) -> anyhow::Result<()> {
    let policy =
        "policy: developers\napplies_to: {groups: [developers]}\nlimits: {sessions: 1, processes: 12}\n";
    fixture.policies(&[("developers", policy), ("default", EVERYONE)])?;
    fixture.nothing_stays()?;
    let forks = "perl -e 'for (1..30) { my $child = fork; if (!defined $child) { print qq(refused\\n); exit } if (!$child) { sleep 3; exit } }'";
    holds(&fixture.run("alice", forks)?.stdout, "refused")?;
    fixture.nothing_stays()?;
    let open = fixture.stay("alice")?;
    lacks(&fixture.run("alice", "echo second")?.stdout, "second")?;
    drop(open);
    let refuse = "policy: developers\napplies_to: {groups: [developers]}\nlogins: refuse\n";
    fixture.policies(&[("developers", refuse), ("default", EVERYONE)])?;
    lacks(&fixture.run("alice", "echo in")?.stdout, "in\n")?;
    holds(&fixture.run("bob", "echo in")?.stdout, "in\n")
}

/// Promise: who is blocked as often as the policy says is out.
fn strikes_end_a_session(fixture: &Fixture) -> anyhow::Result<()> {
    let policy = "policy: developers\napplies_to: {groups: [developers]}\naction: deny\nprograms: {deny: [/usr/bin/df]}\nstrikes: {blocked: 3, within: 1m, then: end}\n";
    fixture.policies(&[("developers", policy), ("default", EVERYONE)])?;
    let two = fixture.run("alice", "df; df; sleep 3; echo still in")?.stdout;
    holds(&two, "still in")?;
    let three = fixture.run("alice", "df; df; df; sleep 20; echo still in")?.stdout;
    lacks(&three, "still in")
}

/// Promise: strikes can stop a session's processes where they are, for somebody to look at, and `thaw` lets them go on.
fn strikes_freeze_until_thawed(fixture: &Fixture) -> anyhow::Result<()> {
    let policy = "policy: developers\napplies_to: {groups: [developers]}\naction: deny\nprograms: {deny: [/usr/bin/df]}\nstrikes: {blocked: 2, within: 1m, then: freeze}\n";
    fixture.policies(&[("developers", policy), ("default", EVERYONE)])?;
    let script = "for tick in $(seq 600); do echo $tick > e2e/tick; [ $tick -lt 3 ] && df; sleep 0.2; [ -e e2e/stop ] && break; done; echo over";
    let child = fixture.ssh("alice").command(script).stdout(Stdio::piped()).spawn()?;
    let frozen = wait_until("the frozen session", Duration::from_secs(50), || {
        let sessions = fixture.sessions()?;
        Ok(sessions
            .into_iter()
            .find(|session| session["user"] == "alice" && session["frozen"].as_bool() == Some(true)))
    })?;
    let tick = "sleep 1; cat /home/alice/e2e/tick; sleep 2; cat /home/alice/e2e/tick";
    let ticks = fixture.root(tick)?;
    let [before, after] = ticks.lines().collect::<Vec<_>>()[..] else { anyhow::bail!("no ticks: {ticks}") };
    equal(after, before, "what a frozen session does")?;
    let id = frozen["id"].as_str().context("no id")?;
    fixture.root(&format!("sac-loader thaw {id}; touch /home/alice/e2e/stop"))?;
    holds(&String::from_utf8_lossy(&child.wait_with_output()?.stdout), "over")
}

/// Promise: a session ends at its length, and one at whose terminal nobody types when that has been so for long enough, each with a
/// warning before.
fn sessions_end_in_time(fixture: &Fixture) -> anyhow::Result<()> {
    let long = "policy: developers\napplies_to: {groups: [developers]}\nlimits: {session_length: 40s, warning: 20s}\n";
    let idle = "policy: dba\napplies_to: {groups: [dba]}\nlimits: {idle: 40s, warning: 20s}\n";
    fixture.policies(&[("developers", long), ("dba", idle), ("default", EVERYONE)])?;
    let stay = |user: &str| {
        let ssh = fixture.ssh(user).tty();
        ssh.command("sleep 200; echo still in").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()
    };
    let (mut alice, mut bob) = (stay("alice")?, stay("bob")?);
    // What is typed counts for idling only, so that somebody who types is out all the same at the end of the length.
    let (mut typed, silent) = (alice.stdin.take().context("no input")?, bob.stdin.take());
    let typing = std::thread::spawn(move || {
        while std::io::Write::write_all(&mut typed, b"x").is_ok() {
            std::thread::sleep(Duration::from_secs(5));
        }
    });
    let (alice, bob) = (alice.wait_with_output()?, bob.wait_with_output()?);
    drop(silent);
    typing.join().map_err(|_panic| anyhow::anyhow!("a thread panicked"))?;
    for (output, because) in [(alice, "session_length"), (bob, "idle")] {
        let shown = String::from_utf8_lossy(&output.stdout).into_owned();
        holds(&shown, "This session ends in").context(because)?;
        lacks(&shown, "still in").context(because)?;
    }
    let log = fixture.root("journalctl -t sac-loader --no-pager -o cat -n 40")?;
    holds(&log, "of alice ended by session_length")?;
    holds(&log, "of bob ended by idle")
}

/// Promise: who joins a group comes under its policy, and a program that appears at a denied path is denied, both in sessions that are
/// open and by itself.
fn groups_and_programs_that_come_later(fixture: &Fixture) -> anyhow::Result<()> {
    let policy = "policy: developers\napplies_to: {groups: [developers]}\naction: deny\nprograms: {deny: [/usr/bin/df, /srv/e2e/later]}\n";
    fixture.root("rm -rf /srv/e2e; mkdir -p /srv/e2e; gpasswd -d bob developers 2>/dev/null || true")?;
    fixture.policies(&[("developers", policy), ("default", EVERYONE)])?;
    let later = "for try in $(seq 300); do [ -e /srv/e2e/later ] && break; sleep 0.2; done; sleep 3; /srv/e2e/later; echo later=$?";
    let alice = fixture.ssh("alice").command(later).stdout(Stdio::piped()).spawn()?;
    let bob = fixture
        .ssh("bob")
        .command(&format!("df / >/dev/null && echo ran | tee e2e/ran; {UNTIL_DF_FAILS}"))
        .stdout(Stdio::piped())
        .spawn()?;
    fixture.session_of("alice")?;
    wait_until("bob's first df", SOON, || {
        Ok(fixture.root("ls /home/bob/e2e")?.contains("ran").then_some(()))
    })?;
    fixture.root("gpasswd -a bob developers; cp /usr/bin/true /srv/e2e/later")?;
    let (alice, bob) = (alice.wait_with_output()?, bob.wait_with_output()?);
    fixture.root("gpasswd -d bob developers")?;
    holds(&String::from_utf8_lossy(&alice.stdout), "later=126")?;
    holds(&String::from_utf8_lossy(&bob.stdout), "ran\nstopped")
}

/// Promise: what somebody has executed becomes an allow list that holds: what ran runs, anything else does not.
fn learned_policy(fixture: &Fixture) -> anyhow::Result<()> {
    let audit = "policy: developers\napplies_to: {groups: [developers]}\nmode: audit\nprograms: {default: deny, allow: [/usr/bin/true]}\n";
    fixture.policies(&[("developers", audit), ("default", EVERYONE)])?;
    // Files that nobody has executed before: each program of a person is reported once an hour.
    fixture.root("rm -rf /srv/e2e; mkdir -p /srv/e2e; cp /usr/bin/true /srv/e2e/habit; cp /usr/bin/true /srv/e2e/other")?;
    fixture.run("alice", "/srv/e2e/habit; echo done")?.success()?;
    let mut learned = String::new();
    // What was executed is written down every 30 s.
    wait_until("the program in what was learned", 3 * SOON, || {
        learned = fixture.root("sac-loader policy learn --user alice --name learned")?;
        Ok(learned.contains("/srv/e2e/habit").then_some(()))
    })
    .with_context(|| learned.clone())?;
    holds(&fixture.root("sac-loader policy learn --user alice --since 2h")?, "/srv/e2e/habit")?;
    lacks(&fixture.root("sac-loader policy learn --user bob --since 2h || true")?, "/srv/e2e/habit")?;
    // It is for review first.
    holds(&learned, "\nmode: audit\n")?;
    let reviewed = learned.replace("\nmode: audit\n", "\n");
    fixture.policies(&[("learned", &reviewed), ("default", EVERYONE)])?;
    fixture.statuses("alice", &[("/srv/e2e/habit", 0), ("/srv/e2e/other", 126)])
}

/// Promise: a rule's message stands behind the notice.
fn messages_reach_the_user(fixture: &Fixture) -> anyhow::Result<()> {
    let policy = "policy: developers\napplies_to: {groups: [developers]}\naction: deny\nprograms:\n  deny:\n    - {path: /usr/bin/df, message: Ask the operators}\n";
    fixture.policies(&[("developers", policy), ("default", EVERYONE)])?;
    let shown = fixture.on_terminal("alice", "df; sleep 2")?.stdout;
    holds(&shown, "blocked!")?;
    holds(&shown, "Ask the operators")
}
