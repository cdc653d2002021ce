// SPDX-License-Identifier: MIT OR Apache-2.0
//! What policies say: each kind of rule, for whom and which login it holds, and that `explain` says what the kernel does.

use crate::{
    Test,
    agreement::explain_agrees_with_the_kernel,
    fixture::{Fixture, KILLED, equal, holds, lacks},
};
use std::{process::Stdio, time::Duration};
use xtask::guest::wait_until;

pub(crate) const TESTS: &[Test] = &[
    ("each_kind_of_rule", each_kind_of_rule),
    ("allow_list_of_directories", allow_list_of_directories),
    ("arguments_beyond_the_limits", arguments_beyond_the_limits),
    ("policy_changes_within_an_execution", policy_changes_within_an_execution),
    ("by_service_and_address", by_service_and_address),
    ("on_a_terminal", on_a_terminal),
    ("user_manager_is_under_the_sessions_policies", user_manager_is_under_the_sessions_policies),
    ("explain_agrees_with_the_kernel", explain_agrees_with_the_kernel),
];

/// Programs to try rules on.
const PROGRAMS: &str = "rm -rf /srv/e2e; mkdir -p /srv/e2e/games/deep/er /srv/e2e/tools/sub /srv/e2e/free; \
    for at in games/deep/er/play tools/saw tools/sub/saw free/nmap free/ctl free/ok; do cp /usr/bin/true /srv/e2e/$at; done; \
    printf '#!/usr/bin/bash\\nexit 0\\n' > /srv/e2e/free/script; chmod 755 /srv/e2e/free/script";

const EACH_KIND: &str = "policy: developers
applies_to: {groups: [developers]}
action: deny
programs:
  deny:
    - tree: /srv/e2e/games
    - directory: /srv/e2e/tools
    - name: nmap
    - path: /srv/e2e/free/ctl
      args: [stop, '*']
    - path: /srv/e2e/free/ctl
      args_any: [--force]
    - path: /srv/e2e/free/script
      args: [x]
";

const EVERYONE: &str = "policy: default\napplies_to: everyone\n";

/// Another exit status that a shell gives for a child.
const PERMISSION_DENIED: i32 = 126;

/// Promise: trees hold at any depth, directories for what is directly in them, names anywhere, and conditions for the
/// arguments that they name and no others. What the rules do not name runs, and all of it runs for somebody else.
fn each_kind_of_rule(fixture: &Fixture) -> anyhow::Result<()> {
    fixture.root(PROGRAMS)?;
    fixture.policies(&[("developers", EACH_KIND), ("default", EVERYONE)])?;
    let cases = [
        ("/srv/e2e/games/deep/er/play", PERMISSION_DENIED),
        ("/srv/e2e/tools/saw", PERMISSION_DENIED),
        ("/srv/e2e/tools/sub/saw", 0),
        ("/srv/e2e/free/nmap", PERMISSION_DENIED),
        ("/srv/e2e/free/ok", 0),
        ("/srv/e2e/free/ctl", 0),
        ("/srv/e2e/free/ctl stop", 0),
        // Past the point where the caller could get an error.
        ("/srv/e2e/free/ctl stop ssh", KILLED),
        ("/srv/e2e/free/ctl go ssh", 0),
        ("/srv/e2e/free/ctl stop ssh now", 0),
        ("/srv/e2e/free/ctl a b c --force d", KILLED),
        ("exec -a stop /srv/e2e/free/ctl stop ssh", KILLED),
        ("/srv/e2e/free/ctl '' go ''", 0),
        ("/srv/e2e/free/ctl stop ''", KILLED),
        ("/srv/e2e/free/ctl '' --force", KILLED),
        // A script's arguments are its interpreter's by then, so nobody can tell.
        ("/srv/e2e/free/script", PERMISSION_DENIED),
        // Another name of the same file.
        ("ln -sf /srv/e2e/free/ctl e2e/innocent; e2e/innocent stop ssh", KILLED),
        ("cd /srv/e2e/games/deep; ./er/../er/play", PERMISSION_DENIED),
    ];
    fixture.statuses("alice", &cases)?;
    fixture.statuses("bob", &cases.map(|(command, _)| (command, 0)))?;
    // A file that appears later is in the tree at once.
    fixture.root("cp /usr/bin/true /srv/e2e/games/deep/new")?;
    let new = fixture.run("alice", "/srv/e2e/games/deep/new; echo status=$?")?.stdout;
    holds(&new, "status=126")
}

/// Promise: an allow list can name trees, and nothing that is not really in them gets in by a mount or a name.
fn allow_list_of_directories(fixture: &Fixture) -> anyhow::Result<()> {
    fixture.root(PROGRAMS)?;
    let policy = "policy: developers
applies_to: {groups: [developers]}
action: deny
programs:
  default: deny
  deny:
    - /usr/bin/df
  allow:
    - tree: /usr
    - directory: /srv/e2e/tools
";
    fixture.policies(&[("developers", policy), ("default", EVERYONE)])?;
    fixture.statuses(
        "alice",
        &[
            ("/usr/bin/true", 0),
            ("/usr/bin/df /", PERMISSION_DENIED),
            ("/srv/e2e/tools/saw", 0),
            ("/srv/e2e/tools/sub/saw", PERMISSION_DENIED),
            ("/srv/e2e/free/ok", PERMISSION_DENIED),
            // A mount namespace of the user's own, where a program of the user's stands below /usr.
            ("cp /usr/bin/true e2e/mine; unshare -rm sh -c 'mount --bind e2e/mine /usr/bin/false && exec /usr/bin/false'", PERMISSION_DENIED),
        ],
    )
}

/// Promise: arguments that are too many or too long to be looked at do not get past a condition.
fn arguments_beyond_the_limits(fixture: &Fixture) -> anyhow::Result<()> {
    fixture.root(PROGRAMS)?;
    fixture.policies(&[("developers", EACH_KIND), ("default", EVERYONE)])?;
    fixture.statuses(
        "alice",
        &[
            ("/srv/e2e/free/ctl $(seq 64)", 0),
            ("/srv/e2e/free/ctl $(seq 65)", KILLED),
            ("/srv/e2e/free/ctl $(printf %254s | tr ' ' x)", 0),
            ("/srv/e2e/free/ctl $(printf %255s | tr ' ' x)", KILLED),
            ("exec -a $(printf %300s | tr ' ' x) /srv/e2e/free/ctl", KILLED),
            // A program without conditions may have as many as it likes.
            ("/srv/e2e/free/ok $(seq 500)", 0),
        ],
    )
}

/// Makes the program /srv/e2e/slow, whose execution stops between the first look at its file and the one at its arguments: root keeps
/// a lease on its dynamic linker, which opening it has to wait for, until /srv/e2e/go is there.
const SLOW_PROGRAM: &str = r#"rm -rf /srv/e2e; mkdir -p /srv/e2e; cp /lib64/ld-linux-x86-64.so.2 /srv/e2e/ld-linux-x86-64.so
cat > /srv/e2e/lease.py <<'END'
import fcntl, os, signal, time
program = open("/usr/bin/true", "rb").read()
linker, mine = b"/lib64/ld-linux-x86-64.so.2", b"/srv/e2e/ld-linux-x86-64.so"
assert program.count(linker) == 1 and len(linker) == len(mine)
with open("/srv/e2e/slow", "wb") as file:
    file.write(program.replace(linker, mine))
os.chmod("/srv/e2e/slow", 0o755)
broken = []
signal.signal(signal.SIGIO, lambda *_: broken.append(open("/srv/e2e/waits", "w")))
file = os.open("/srv/e2e/ld-linux-x86-64.so", os.O_RDONLY)
fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_WRLCK)
open("/srv/e2e/leased", "w")
while not os.path.exists("/srv/e2e/go"):
    time.sleep(0.1)
fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_UNLCK)
END
systemctl stop e2e-lease 2>/dev/null; systemd-run -q --collect --unit e2e-lease python3 /srv/e2e/lease.py
for _ in $(seq 200); do [ -e /srv/e2e/leased ] && exit; sleep 0.1; done; journalctl -u e2e-lease | tail; exit 1"#;

/// Promise: a policy that comes while an execution is under way holds for it: what the policy before left to the arguments does not
/// run where the new one denies it whatever its arguments.
fn policy_changes_within_an_execution(fixture: &Fixture) -> anyhow::Result<()> {
    let by_arguments = "policy: developers\napplies_to: {groups: [developers]}\naction: deny\nprograms:\n  deny:\n    - {path: /srv/e2e/slow, args: [stop]}\n";
    let always = "policy: developers\napplies_to: {groups: [developers]}\naction: deny\nprograms: {deny: [/srv/e2e/slow]}\n";
    for (after, wanted) in [(by_arguments, "status=0"), (always, "status=137")] {
        fixture.root(SLOW_PROGRAM)?;
        fixture.policies(&[("developers", by_arguments), ("default", EVERYONE)])?;
        let run = "( /srv/e2e/slow go ) 2>/dev/null; echo status=$?";
        let child = fixture.ssh("alice").command(run).stdout(Stdio::piped()).spawn()?;
        wait_until("the execution being under way", Duration::from_secs(40), || {
            Ok(fixture.root("ls /srv/e2e")?.contains("waits").then_some(()))
        })?;
        fixture.policies(&[("developers", after), ("default", EVERYONE)])?;
        fixture.root("touch /srv/e2e/go")?;
        let output = child.wait_with_output()?;
        holds(&String::from_utf8_lossy(&output.stdout), wanted)?;
    }
    Ok(())
}

/// Promise: a policy for some services or addresses holds for logins of those, and others get the next one.
fn by_service_and_address(fixture: &Fixture) -> anyhow::Result<()> {
    let remote = "policy: remote
applies_to: {groups: [developers], services: [sshd], from: [10.0.2.0/24]}
action: deny
programs: {deny: [/usr/bin/df]}
";
    let elsewhere = "policy: elsewhere
applies_to: {groups: [developers], from: [192.0.2.0/24]}
priority: 10
action: deny
programs: {deny: [/usr/bin/true]}
";
    fixture.policies(&[("remote", remote), ("elsewhere", elsewhere), ("default", EVERYONE)])?;
    let by_ssh = fixture.run("alice", "true; echo true=$?; df / >/dev/null; echo df=$?")?.stdout;
    holds(&by_ssh, "true=0\ndf=126")?;
    let by_su = fixture.root("su -l alice -c 'df / >/dev/null; echo df=$?'")?;
    holds(&by_su, "df=0")
}

/// Promise: a policy can be for what runs on a terminal, or for what does not.
fn on_a_terminal(fixture: &Fixture) -> anyhow::Result<()> {
    let policy = "policy: interactive
applies_to: {groups: [developers], terminal: true}
action: deny
programs: {deny: [/usr/bin/df]}
";
    fixture.policies(&[("interactive", policy), ("default", EVERYONE)])?;
    holds(&fixture.run("alice", "df / >/dev/null; echo df=$?")?.stdout, "df=0")?;
    holds(&fixture.on_terminal("alice", "df / >/dev/null; echo df=$?")?.stdout, "df=126")
}

/// Promise: nobody gets from their user manager what the policies of their open sessions deny, also where these hold only for
/// the address that they came from.
fn user_manager_is_under_the_sessions_policies(fixture: &Fixture) -> anyhow::Result<()> {
    let policy = "policy: remote
applies_to: {groups: [developers], from: [10.0.2.0/24]}
action: deny
programs: {deny: [/usr/bin/df]}
";
    fixture.policies(&[("remote", policy), ("default", EVERYONE)])?;
    let run = |program: &str| {
        let command = format!("systemd-run --user --wait --quiet --collect {program}; echo status=$?");
        fixture.run("alice", &command)
    };
    wait_until("alice's user manager", Duration::from_secs(60), || {
        Ok(run("/usr/bin/true")?.stdout.contains("status=0").then_some(()))
    })?;
    lacks(&run("/usr/bin/df")?.stdout, "status=0")?;
    // Without the policy for that address it works.
    fixture.policies(&[("default", EVERYONE)])?;
    equal(run("/usr/bin/df")?.stdout.trim(), "status=0", "df by the user manager under no such policy")
}
