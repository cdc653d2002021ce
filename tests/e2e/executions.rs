// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which programs run: by whatever name they are called, by whoever calls them, and what the caller is told.

use crate::{
    Test,
    dialogue::Dialogue,
    fixture::{Fixture, KILLED, equal, holds, lacks},
};
use anyhow::{Context as _, bail};
use serde_json::Value;
use std::{collections::BTreeMap, time::Duration};
use xtask::guest::wait_until;

pub(crate) const TESTS: &[Test] = &[
    ("demonstrations_on_a_terminal", demonstrations_on_a_terminal),
    ("demonstrations_without_a_terminal", demonstrations_without_a_terminal),
    ("command_without_a_shell_of_its_own", command_without_a_shell_of_its_own),
    ("every_notice_arrives", every_notice_arrives),
    ("three_people_at_once", three_people_at_once),
    ("actions", actions),
    ("notices_are_harmless", notices_are_harmless),
    ("journal_names_user_and_rule", journal_names_user_and_rule),
    ("other_ways_to_name_a_file", other_ways_to_name_a_file),
    ("other_files_in_its_place", other_files_in_its_place),
    ("number_of_a_removed_file", number_of_a_removed_file),
    ("allow_list", allow_list),
];

/// What df prints first; where it was blocked this stands nowhere.
const DF_OUTPUT: &str = "Filesystem";

/// Another exit status that a shell gives for a child.
const PERMISSION_DENIED: i32 = 126;

/// A way to df that does not name it.
struct Demonstration {
    mark: &'static str,
    /// What is typed.
    line: &'static str,
    /// What was executed in the end, which the notice shows.
    path: &'static str,
    /// The status of the whole line where df is killed.
    status: i32,
    /// What later lines of the scripts print.
    later: &'static [&'static str],
}

const DEMONSTRATIONS: [Demonstration; 4] = [
    Demonstration { mark: "symlink", line: "./hello", path: "./hello", status: KILLED, later: &[] },
    Demonstration { mark: "alias", line: "disks", path: "/usr/bin/df", status: KILLED, later: &[] },
    Demonstration {
        mark: "scripts",
        line: "./outer",
        path: "/usr/bin/df",
        status: 0,
        later: &["inner goes on", "outer goes on"],
    },
    Demonstration {
        mark: "pieces",
        line: "./pieces delta foxtrot",
        path: "/usr/bin/df",
        status: 0,
        later: &["pieces go on"],
    },
];

/// Makes what the demonstrations need.
const PREPARE: &str = r#"ln -s /usr/bin/df hello; shopt -s expand_aliases; alias disks=/usr/bin/df
printf '%s\n' '#!/bin/bash' ./inner 'echo "outer goes on"' >outer
printf '%s\n' '#!/bin/bash' df 'echo "inner goes on"' >inner
printf '%s\n' '#!/bin/bash' 'for word; do name+=${word:0:1}; done; "$name"' 'echo "pieces go on"' >pieces
chmod +x outer inner pieces"#;

/// Promise: the four demonstrations stop on a terminal, where the user sees why, and scripts go on. They work for a user
/// whose policy allows df.
fn demonstrations_on_a_terminal(fixture: &Fixture) -> anyhow::Result<()> {
    demonstrate(&mut Dialogue::shell_on_terminal(fixture.ssh("alice"))?, |shell| shell.output())?;
    let mut bob = Dialogue::shell_on_terminal(fixture.ssh("bob"))?;
    bob.send(PREPARE)?;
    for Demonstration { mark, line, later, .. } in DEMONSTRATIONS {
        let begin = bob.output().len();
        equal(bob.status(mark, line)?, 0, line)?;
        let shown = bob.output().split_off(begin);
        holds(&shown, DF_OUTPUT)?;
        later.iter().try_for_each(|later| holds(&shown, later))?;
    }
    lacks(&bob.output(), "blocked!")
}

/// Promise: the same without a terminal, with what the user is told on standard error.
fn demonstrations_without_a_terminal(fixture: &Fixture) -> anyhow::Result<()> {
    let mut alice = Dialogue::shell(&fixture.ssh("alice"))?;
    demonstrate(&mut alice, |shell| shell.errors())?;
    // Programs read standard output.
    lacks(&alice.output(), "blocked!")
}

/// Runs the demonstrations for a user who may not use df and is told so in what `told` gives.
fn demonstrate(shell: &mut Dialogue, told: impl Fn(&Dialogue) -> String) -> anyhow::Result<()> {
    shell.send(PREPARE)?;
    for Demonstration { mark, line, path, status, later } in DEMONSTRATIONS {
        let (shown_before, told_before) = (shell.output().len(), told(shell).len());
        equal(shell.status(mark, line)?, status, line)?;
        // The notice comes from another process, so it may come after the shell has gone on.
        shell.wait_for(&format!("the notice about {line}"), || {
            let told = told(shell).split_off(told_before);
            notice_pid(&told, path).is_some() && told.contains("Killed")
        })?;
        let shown = shell.output().split_off(shown_before);
        later.iter().try_for_each(|later| holds(&shown, later))?;
    }
    lacks(&shell.output(), DF_OUTPUT)?;
    lacks(&shell.errors(), DF_OUTPUT)
}

/// Promise: `ssh host df` fails, with a line in the journal. The shell that ssh starts becomes df, so that nobody may be left
/// to be told.
fn command_without_a_shell_of_its_own(fixture: &Fixture) -> anyhow::Result<()> {
    let output = fixture.run("alice", "/usr/lib/../bin/df")?;
    equal(output.stdout.as_str(), "", "df's output")?;
    lacks(&output.stderr, DF_OUTPUT)?;
    if output.status == 0 {
        bail!("ssh said that df had worked");
    }
    let executed = "executed as /usr/lib/../bin/df, kill by /etc/sac/policies/developers.yaml:";
    journal_line(fixture, &["/usr/bin/df blocked: user alice, session ", executed])?;
    holds(&fixture.run("bob", "/usr/bin/df")?.success()?, DF_OUTPUT)
}

/// Promise: nobody is left without the reason, although the shell writes to the same terminal at the same moment.
fn every_notice_arrives(fixture: &Fixture) -> anyhow::Result<()> {
    const TIMES: usize = 100;
    let mut alice = Dialogue::shell_on_terminal(fixture.ssh("alice"))?;
    let status = alice.status("many", &format!("for ((i = 0; i < {TIMES}; i++)); do /usr/bin/df; done"))?;
    equal(status, KILLED, "the last of many")?;
    let count = || alice.output().matches("/usr/bin/df blocked!").count();
    alice.wait_for(&format!("{TIMES} notices"), || count() >= TIMES)?;
    equal(count(), TIMES, "notices")?;
    equal(alice.output().matches("Killed").count(), TIMES, "what the shell says")
}

/// Promise: the same command at the same time gets the verdict of each person's own policy; root has none.
fn three_people_at_once(fixture: &Fixture) -> anyhow::Result<()> {
    let mut people = Vec::new();
    for user in ["alice", "bob", "carol"] {
        people.push((user, Dialogue::shell(&fixture.ssh(user))?));
    }
    for (_, shell) in &mut people {
        shell.ask("df", "df")?;
        shell.ask("wget", "wget --version")?;
    }
    let mut got = Vec::new();
    for (user, shell) in &people {
        got.push((*user, shell.answer("df")?, shell.answer("wget")?));
    }
    let wanted = vec![("alice", KILLED, 0), ("bob", 0, KILLED), ("carol", PERMISSION_DENIED, 0)];
    equal(got, wanted, "user, status of df, status of wget")?;
    for (user, shell) in &people {
        let (df_ran, wget_ran) = (shell.output().contains(DF_OUTPUT), shell.output().contains("GNU Wget"));
        equal((*user, df_ran, wget_ran), (*user, *user == "bob", *user != "bob"), "what ran")?;
    }
    let policies = wait_until("three sessions", Duration::from_secs(20), || {
        let sessions = fixture.sessions()?;
        let text = |session: &Value, key| session[key].as_str().unwrap_or_default().to_owned();
        let policies: BTreeMap<_, _> =
            sessions.iter().map(|session| (text(session, "user"), text(session, "policy"))).collect();
        Ok((sessions.len() == people.len()).then_some(policies))
    })?;
    let wanted = [("alice", "developers"), ("bob", "dba"), ("carol", "default")];
    let wanted = wanted.map(|(user, policy)| (user.to_owned(), policy.to_owned()));
    equal(policies, BTreeMap::from(wanted), "policies by user")?;
    let carol = &people[2].1;
    holds(&carol.errors(), "Permission denied")?;
    holds(&fixture.root("df && wget --version")?, DF_OUTPUT)
}

/// Promise: `kill` ends who tried, `deny` is an error that the caller lives to handle, `audit` only writes down.
fn actions(fixture: &Fixture) -> anyhow::Result<()> {
    const EXEC: &str = "python3 -c 'import os, sys\ntry:\n os.execv(sys.argv[1], sys.argv[1:])\nexcept OSError as error:\n print(\"errno\", error.errno, \"lives\", flush=True)' ";
    let mut alice = Dialogue::shell(&fixture.ssh("alice"))?;
    equal(alice.status("kill", &format!("{EXEC} /usr/bin/df"))?, KILLED, "kill")?;
    lacks(&alice.output(), "lives")?;
    equal(alice.status("deny", &format!("{EXEC} /usr/bin/lsblk"))?, 0, "the one who was denied")?;
    holds(&alice.output(), "errno 13 lives")?;
    equal(alice.status("shell", "lsblk")?, PERMISSION_DENIED, "deny in a shell")?;
    holds(&alice.errors(), "Permission denied")?;
    lacks(&alice.output(), "MOUNTPOINT")?;
    alice.wait_for("the notice about lsblk", || notice_pid(&alice.errors(), "/usr/bin/lsblk").is_some())?;
    equal(alice.status("audit", "[ $(nproc) -ge 1 ] && echo counted them")?, 0, "audit")?;
    holds(&alice.output(), "counted them")?;
    lacks(&alice.errors(), "nproc")?;
    journal_line(fixture, &["/usr/bin/nproc would have been blocked: user alice", "audit by"])?;

    let mut bob = Dialogue::shell(&fixture.ssh("bob"))?;
    equal(bob.status("lsblk", &format!("{EXEC} /usr/bin/lsblk"))?, 0, "lsblk for another user")?;
    holds(&bob.output(), "MOUNTPOINT")
}

/// Threat: a program's name holds what a terminal obeys: clearing the screen, a line of its own, text that runs backwards.
fn notices_are_harmless(fixture: &Fixture) -> anyhow::Result<()> {
    const ESCAPED: &str = r"./\u{1b}[2Jx\n[1:y] y blocked!\u{7}\u{202e}\xff\\";
    let mut alice = Dialogue::shell_on_terminal(fixture.ssh("alice"))?;
    alice.send(r#"n=$'\e[2Jx\n[1:y] y blocked!\a\xe2\x80\xae\xff\\'; ln -s /usr/bin/df "./$n""#)?;
    equal(alice.status("run", "\"./$n\"")?, KILLED, "df under a strange name")?;
    alice.wait_for("the notice", || notice_pid(&alice.output(), ESCAPED).is_some())?;
    // What bash showed when it began is its own.
    let shown = alice.output();
    let (_, shown) = shown.rsplit_once("quiet").context("no beginning")?;
    for command in ["\u{1b}", "\u{7}", "\u{202e}", "\n[1:y]"] {
        lacks(shown, command)?;
    }
    let line = journal_line(fixture, &["executed as ./\\u{1b}[2Jx\\n[1:y] y blocked!"])?;
    lacks(&line, "\u{1b}")
}

/// Promise: the journal says who was blocked, at what, and by which line of which file.
fn journal_names_user_and_rule(fixture: &Fixture) -> anyhow::Result<()> {
    let mut alice = Dialogue::shell(&fixture.ssh("alice"))?;
    let session = fixture.session_of("alice")?;
    let id = session["id"].as_str().context("a session without id")?;
    let rule = fixture.root("grep -n /usr/bin/df /etc/sac/policies/developers.yaml")?;
    let (line, _) = rule.split_once(':').context("no line number")?;
    equal(alice.status("run", "ln -s /usr/bin/df remembered; ./remembered")?, KILLED, "df")?;
    alice.wait_for("the notice", || notice_pid(&alice.errors(), "./remembered").is_some())?;
    let pid = notice_pid(&alice.errors(), "./remembered").context("no notice")?;
    let wanted = format!(
        "/usr/bin/df blocked: user alice, session {id}, PID {pid}, executed as ./remembered, \
         kill by /etc/sac/policies/developers.yaml:{line}"
    );
    equal(journal_line(fixture, &["./remembered"])?, wanted.clone(), "the journal's line")?;
    // Programs find it by fields.
    let by_field = fixture.root(&format!(
        "journalctl -o cat -t sac-loader SAC_USER=alice SAC_PID={pid} SAC_ACTION=kill SAC_SESSION={id}"
    ))?;
    holds(&by_field, &wanted)
}

/// Two policies for tests about one program: developers may not run `path`, everyone else may run all.
fn deny_developers(fixture: &Fixture, paths: &[&str]) -> anyhow::Result<()> {
    let list: String = paths.iter().map(|path| format!("    - {path}\n")).collect();
    let developers =
        format!("policy: developers\napplies_to:\n  groups: [developers]\nprograms:\n  deny:\n{list}");
    fixture.policies(&[("developers", &developers), ("default", "policy: default\napplies_to: everyone\n")])
}

/// Runs each line for alice, who must be killed at it, and for bob, for whom it works and prints `ran`.
fn killed_for_alice_only(fixture: &Fixture, lines: &[(&str, &str)]) -> anyhow::Result<()> {
    killed_after(fixture, || Ok(()), lines)
}

/// As above, when both are logged in and something has been done.
fn killed_after(
    fixture: &Fixture,
    change: impl FnOnce() -> anyhow::Result<()>,
    lines: &[(&str, &str)],
) -> anyhow::Result<()> {
    let mut alice = Dialogue::shell(&fixture.ssh("alice"))?;
    let mut bob = Dialogue::shell(&fixture.ssh("bob"))?;
    change()?;
    let mut wrong = Vec::new();
    for (mark, line) in lines {
        let (blocked, begin) = (alice.status(mark, line)?, bob.output().len());
        let ran = bob.status(mark, line)?;
        if (blocked, ran) != (KILLED, 0) || !bob.output().split_off(begin).contains("ran") {
            wrong.push(format!("{mark}: alice's status {blocked}, bob's status {ran}"));
        }
    }
    if !wrong.is_empty() {
        bail!("{}\n{}\n{}\n{}", wrong.join("\n"), alice.output(), alice.errors(), bob.errors());
    }
    lacks(&alice.output(), "ran")
}

/// Empties the folder for programs that are not the system's.
const AWAY: &str = "umount -q /usr/local/bin/bound /usr/local/bin/mounted; rm -f /usr/local/bin/*";

/// Threat: a program is reached without its path: by a descriptor, as an interpreter, through links and other starters, or
/// where root put it under another name after the policy was loaded.
fn other_ways_to_name_a_file(fixture: &Fixture) -> anyhow::Result<()> {
    fixture
        .root(&format!("{AWAY}; cd /usr/local/bin && install /usr/bin/echo victim && cp -p victim moved"))?;
    deny_developers(fixture, &["/usr/local/bin/victim", "/usr/local/bin/moved"])?;
    fixture.root(
        "cd /usr/local/bin; ln victim linked; touch bound; mount --bind victim bound; mv moved elsewhere",
    )?;
    // Of the interpreter's arguments only the script's own name is printed.
    let held = killed_for_alice_only(
        fixture,
        &[
            ("path", "/usr/local/bin/victim ran"),
            ("search", "victim ran"),
            ("dots", "/usr/../usr/local//bin/./victim ran"),
            ("symlinks", "ln -s /usr/local/bin/victim one; ln -s one two; ./two ran"),
            ("folder", "ln -s /usr/local/bin programs; programs/victim ran"),
            ("root", "/proc/self/root/usr/local/bin/victim ran"),
            ("interpreter", "printf '#!/usr/local/bin/victim' >ran; chmod +x ran; ./ran"),
            (
                "descriptor",
                "python3 -c 'import os; f=os.open(\"/usr/local/bin/victim\", os.O_RDONLY); os.execve(f, [\"a\", \"ran\"], {})'",
            ),
            (
                "o_path",
                "python3 -c 'import os; f=os.open(\"/usr/local/bin/victim\", os.O_PATH); os.execve(f, [\"a\", \"ran\"], {})'",
            ),
            ("self_fd", "exec 7</usr/local/bin/victim; /proc/self/fd/7 ran"),
            ("replace", "(exec -a bash /usr/local/bin/victim ran)"),
            ("env", "env -i /usr/local/bin/victim ran"),
            ("nice", "nice setsid -w /usr/local/bin/victim ran"),
            ("hidden", "bash -c 'eval $(echo L3Vzci9sb2NhbC9iaW4vdmljdGltIHJhbg== | base64 -d)'"),
            (
                "thread",
                "python3 -c 'import threading, os; t=threading.Thread(target=os.execv, args=(\"/usr/local/bin/victim\", [\"a\", \"ran\"])); t.start(); t.join()'",
            ),
            (
                "namespace",
                "unshare -rm bash -c 'mount --bind /usr/local/bin/victim /usr/bin/tty && exec /usr/bin/tty ran'",
            ),
            ("chroot", "unshare -rm /usr/sbin/chroot / /usr/local/bin/victim ran"),
            ("hard_link", "linked ran"),
            ("bind_mount", "bound ran"),
            ("renamed", "elsewhere ran"),
        ],
    );
    fixture.root(AWAY)?;
    held
}

/// Promise: a rule holds for the path that it names, whatever root puts there after the policy was loaded, and at once: while the
/// loader, which would look again what is there, stands still.
fn other_files_in_its_place(fixture: &Fixture) -> anyhow::Result<()> {
    fixture.root(&format!("{AWAY}; cd /usr/local/bin && install /usr/bin/echo replaced"))?;
    deny_developers(fixture, &["/usr/local/bin/replaced", "/usr/local/bin/later", "/usr/local/bin/mounted"])?;
    // What was there goes last: a file made after that could get its inode number.
    let replace = "systemctl kill -s STOP sac-loader; cd /usr/local/bin
        for name in new later other free; do install /usr/bin/echo $name; done; mv new replaced
        touch mounted; mount --bind other mounted";
    let lines = [("replaced", "replaced ran"), ("later", "later ran"), ("mounted", "mounted ran")];
    let held = killed_after(fixture, || fixture.root(replace).map(drop), &lines);
    fixture.root("systemctl kill -s CONT sac-loader")?;
    // The same bytes at a path that no rule names are none of the policy's business.
    let free = fixture.run("alice", "free ran; echo status=$?");
    fixture.root(AWAY)?;
    held?;
    holds(&free?.success()?, "ran\nstatus=0")
}

/// Threat: a listed file is removed, as upgrades do, and another file gets its inode number.
fn number_of_a_removed_file(fixture: &Fixture) -> anyhow::Result<()> {
    fixture.root(&format!("{AWAY}; cd /usr/local/bin && install /usr/bin/echo tool && cp -p tool other"))?;
    let listed = "policy: developers\napplies_to:\n  groups: [developers]\nprograms:\n  default: deny\n  allow: [/bin/bash, /usr/local/bin/tool]\n";
    fixture.policies(&[("developers", listed), ("default", "policy: default\napplies_to: everyone\n")])?;
    let mut alice = Dialogue::shell(&fixture.ssh("alice"))?;
    equal(alice.status("tool", "tool ran")?, 0, "what is listed")?;
    equal(alice.status("other", "other slipped")?, KILLED, "what is not listed")?;
    // The file system gives the lowest number that is free, so all below have to be taken.
    let reused = "python3 -c 'import os, shutil
os.chdir(\"/usr/local/bin\")
wanted = os.stat(\"tool\").st_ino
os.remove(\"tool\")
for number in range(20000):
    name = f\"new{number}\"
    open(name, \"w\").close()
    if os.stat(name).st_ino == wanted:
        break
shutil.copy(\"/usr/bin/echo\", name)
os.rename(name, \"thief\")
assert os.stat(\"thief\").st_ino == wanted'";
    fixture.root(reused).context("the file system did not give the number again")?;
    let status = alice.status("thief", "thief slipped")?;
    fixture.root(AWAY)?;
    lacks(&alice.output(), "slipped")?;
    equal(status, KILLED, "another file with the number of a listed one")
}

/// Promise: with `default: deny` only what is listed runs. Threat: in a namespace of one's own any file can be put at a
/// listed path.
fn allow_list(fixture: &Fixture) -> anyhow::Result<()> {
    let allowed = ["/bin/bash", "/usr/bin/id", "/usr/bin/unshare", "/usr/bin/mount"];
    let list: String = allowed.iter().map(|path| format!("    - {path}\n")).collect();
    let listed = format!(
        "policy: developers\napplies_to:\n  groups: [developers]\nprograms:\n  default: deny\n  allow:\n{list}"
    );
    fixture.policies(&[("developers", &listed), ("default", "policy: default\napplies_to: everyone\n")])?;
    const IN_NAMESPACE: &str =
        "unshare -rm bash -c 'id -u; mount --bind /usr/bin/arch /usr/bin/id && echo mounted; id; echo id=$?'";
    let mut alice = Dialogue::shell(&fixture.ssh("alice"))?;
    equal(alice.status("id", "id -un")?, 0, "what is listed")?;
    holds(&alice.output(), "alice\n")?;
    for program in ["nproc", "/bin/sh -c :", "df", "/lib64/ld-linux-x86-64.so.2 --version"] {
        let mark = format!("status{}", program.len());
        equal(alice.status(&mark, program)?, KILLED, program)?;
    }
    equal(alice.status("namespace", IN_NAMESPACE)?, 0, "a namespace")?;
    holds(&alice.output(), "\n0\nmounted\nid=137\n")?;
    lacks(&alice.output(), DF_OUTPUT)?;

    let bob = fixture.run("bob", &format!("arch && {IN_NAMESPACE}"))?.success()?;
    equal(bob.as_str(), "x86_64\n0\nmounted\nx86_64\nid=0\n", "the same without the policy")
}

/// The process id of a notice about `path`, if `text` holds one.
fn notice_pid(text: &str, path: &str) -> Option<u32> {
    let rest = format!(":{path}] {path} blocked!");
    text.match_indices(&rest).find_map(|(at, _)| {
        let (_, pid) = text.get(..at)?.rsplit_once('[')?;
        pid.parse().ok()
    })
}

/// The first line of the loader's journal that holds all of `parts`, waited for.
fn journal_line(fixture: &Fixture, parts: &[&str]) -> anyhow::Result<String> {
    let what = format!("a line with {parts:?} in the journal");
    wait_until(&what, Duration::from_secs(20), || {
        let journal = fixture.root("journalctl --no-pager -o cat -t sac-loader")?;
        let found = journal.lines().rev().find(|line| parts.iter().all(|part| line.contains(part)));
        Ok(found.map(str::to_owned))
    })
}
