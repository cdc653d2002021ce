// SPDX-License-Identifier: MIT OR Apache-2.0
//! What policies say: each kind of rule, for whom and which login it holds, and that `explain` says what the kernel does.

use crate::{
    Test,
    agreement::explain_agrees_with_the_kernel,
    fixture::{Fixture, equal, holds, lacks},
};
use std::time::Duration;
use xtask::guest::wait_until;

pub(crate) const TESTS: &[Test] = &[
    ("each_kind_of_rule", each_kind_of_rule),
    ("allow_list_of_directories", allow_list_of_directories),
    ("arguments_beyond_the_limits", arguments_beyond_the_limits),
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

/// Exit statuses that a shell gives for a child.
const KILLED: i32 = 137;
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
        // A script's arguments are its interpreter's by then, so nobody can tell.
        ("/srv/e2e/free/script", PERMISSION_DENIED),
        // Another name of the same file.
        ("ln -sf /srv/e2e/free/ctl e2e/innocent; e2e/innocent stop ssh", KILLED),
        ("cd /srv/e2e/games/deep; ./er/../er/play", PERMISSION_DENIED),
    ];
    for (command, wanted) in cases {
        let command_in_child = format!("( {command} ) 2>/dev/null; echo status=$?");
        let alice = fixture.run("alice", &command_in_child)?.stdout;
        holds(&alice, &format!("status={wanted}\n")).map_err(|error| error.context(command))?;
        let bob = fixture.run("bob", &command_in_child)?.stdout;
        holds(&bob, "status=0\n").map_err(|error| error.context(format!("as bob: {command}")))?;
    }
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
    let status = |command: &str| fixture.run("alice", &format!("{command}; echo status=$?"));
    holds(&status("/usr/bin/true")?.stdout, "status=0")?;
    holds(&status("/usr/bin/df /")?.stdout, "status=126")?;
    holds(&status("/srv/e2e/tools/saw")?.stdout, "status=0")?;
    holds(&status("/srv/e2e/tools/sub/saw")?.stdout, "status=126")?;
    holds(&status("/srv/e2e/free/ok")?.stdout, "status=126")?;
    // A mount namespace of the user's own, where a program of the user's stands below /usr.
    let mounted = "cp /usr/bin/true e2e/mine; unshare -rm sh -c 'mount --bind e2e/mine /usr/bin/false && /usr/bin/false'";
    lacks(&status(mounted)?.stdout, "status=0")
}

/// Promise: arguments that are too many or too long to be looked at do not get past a condition.
fn arguments_beyond_the_limits(fixture: &Fixture) -> anyhow::Result<()> {
    fixture.root(PROGRAMS)?;
    fixture.policies(&[("developers", EACH_KIND), ("default", EVERYONE)])?;
    let status = |command: &str| fixture.run("alice", &format!("( {command} ) 2>/dev/null; echo status=$?"));
    let killed = format!("status={KILLED}");
    holds(&status("/srv/e2e/free/ctl $(seq 64)")?.stdout, "status=0")?;
    holds(&status("/srv/e2e/free/ctl $(seq 65)")?.stdout, &killed)?;
    holds(&status("/srv/e2e/free/ctl $(printf %254s | tr ' ' x)")?.stdout, "status=0")?;
    holds(&status("/srv/e2e/free/ctl $(printf %255s | tr ' ' x)")?.stdout, &killed)?;
    holds(&status("exec -a $(printf %300s | tr ' ' x) /srv/e2e/free/ctl")?.stdout, &killed)?;
    // A program without conditions may have as many as it likes.
    holds(&status("/srv/e2e/free/ok $(seq 500)")?.stdout, "status=0")
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
