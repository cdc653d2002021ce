// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a user starts outside of the login's own cgroup: the user's slice is under the same policy.

use crate::{
    Test,
    dialogue::Dialogue,
    fixture::{Fixture, KILLED, equal, holds, lacks},
};
use anyhow::{Context as _, bail};
use std::time::Duration;
use xtask::guest::wait_until;

pub(crate) const TESTS: &[Test] = &[
    ("services_and_scopes_of_the_user", services_and_scopes_of_the_user),
    ("moved_by_the_user_manager", moved_by_the_user_manager),
    ("slice_is_let_go_and_held_again", slice_is_let_go_and_held_again),
    ("root_in_the_slice", root_in_the_slice),
    ("roots_own_programs", roots_own_programs),
];

/// systemd keeps a user's manager for 10 s after the last session (UserStopDelaySec), and needs a while to stop it.
const SLICE_STAYS: Duration = Duration::from_secs(60);

/// Threat: the user's own service manager, which lives outside of the session, starts the program. The policy of another
/// user's slice does not hold there.
fn services_and_scopes_of_the_user(fixture: &Fixture) -> anyhow::Result<()> {
    const SERVICE: &str = "systemd-run --user --quiet --wait --pipe";
    const SCOPE: &str = "systemd-run --user --quiet --scope";
    let mut alice = Dialogue::shell(&fixture.ssh("alice"))?;
    let mut bob = Dialogue::shell(&fixture.ssh("bob"))?;
    for shell in [&mut alice, &mut bob] {
        for (mark, starter) in [("service", SERVICE), ("scope", SCOPE)] {
            equal(shell.status(mark, &format!("{starter} /usr/bin/echo {mark}-works"))?, 0, starter)?;
            holds(&shell.output(), &format!("{mark}-works"))?;
        }
    }
    let scope = alice.status("scope-df", &format!("{SCOPE} /usr/bin/df"))?;
    equal(scope, KILLED, "df in a scope of the user's")?;
    for (mark, line) in [
        ("service-df", format!("{SERVICE} /usr/bin/df")),
        ("shell-df", format!("{SERVICE} bash -c '/usr/bin/df && echo got-through'")),
        ("link-df", format!("ln -s /usr/bin/df hello; {SERVICE} ~/e2e/hello")),
    ] {
        if alice.status(mark, &line)? == 0 {
            bail!("{line} worked for alice");
        }
    }
    for sign in ["Filesystem", "got-through"] {
        lacks(&alice.output(), sign)?;
    }
    let journal = fixture.root("journalctl --no-pager -o cat -t sac-loader")?;
    holds(&journal, "/usr/bin/df blocked: user alice, session none")?;

    for (mark, starter) in [("scope-df", SCOPE), ("service-df", SERVICE)] {
        let begin = bob.output().len();
        equal(bob.status(mark, &format!("{starter} /usr/bin/df"))?, 0, "df for bob")?;
        holds(&bob.output().split_off(begin), "Filesystem")?;
    }
    // Bob's own policy holds in his slice as alice's does in hers.
    equal(bob.status("scope-wget", &format!("{SCOPE} /usr/bin/wget --version"))?, KILLED, "wget for bob")
}

/// Threat: the user's manager moves a running shell out of the session's cgroup; no privilege is needed for that.
fn moved_by_the_user_manager(fixture: &Fixture) -> anyhow::Result<()> {
    const MOVE: &str = "busctl --user --quiet call org.freedesktop.systemd1 /org/freedesktop/systemd1 \
        org.freedesktop.systemd1.Manager StartTransientUnit 'ssa(sv)a(sa(sv))' moved.scope fail 1 PIDs au 1 $$ 0";
    const WHERE: &str = "cat /proc/self/cgroup";
    let move_shell = |user: &str| -> anyhow::Result<Dialogue> {
        let mut shell = Dialogue::shell(&fixture.ssh(user))?;
        shell.status("before", WHERE)?;
        holds(&shell.output(), "/sac-")?;
        equal(shell.status("move", MOVE)?, 0, "moving")?;
        // The call is answered when the job is queued.
        let line = format!("until {WHERE} | grep moved.scope; do :; done");
        equal(shell.status("moved", &line)?, 0, "waiting for the move")?;
        let output = shell.output();
        let now = output.lines().find(|line| line.contains("moved.scope")).context("not moved")?;
        lacks(now, "/sac-")?;
        Ok(shell)
    };
    let mut alice = move_shell("alice")?;
    equal(alice.status("df", "df")?, KILLED, "df in a moved shell")?;
    equal(alice.status("lsblk", "lsblk")?, 126, "lsblk in a moved shell")?;
    equal(alice.status("id", "id -un")?, 0, "id in a moved shell")?;
    lacks(&alice.output(), "Filesystem")?;
    alice.wait_for("the notice", || alice.errors().contains("/usr/bin/df blocked!"))?;
    let mut bob = move_shell("bob")?;
    equal(bob.status("df", "df")?, 0, "df in bob's moved shell")?;
    holds(&bob.output(), "Filesystem")
}

/// Promise: a user's slice is let go when systemd removes it, and whoever comes again is under the policy again, at once
/// and in a slice of its own.
fn slice_is_let_go_and_held_again(fixture: &Fixture) -> anyhow::Result<()> {
    let uid = fixture.root("id -u alice")?;
    let uid = uid.trim();
    let slice = format!("/sys/fs/cgroup/user.slice/user-{uid}.slice");
    let confined = |at: &str| -> anyhow::Result<String> {
        let mut alice = Dialogue::shell(&fixture.ssh("alice"))?;
        equal(alice.status("df", "df")?, KILLED, at)?;
        let run = "systemd-run --user --quiet --scope /usr/bin/df";
        equal(alice.status("scope", run)?, KILLED, at)?;
        let id = fixture.root(&format!("stat -c %i {slice}"))?.trim().to_owned();
        let held = fixture.root(&format!("ls /run/sac/users/{uid} /sys/fs/bpf/sac/v*/scopes/{id}"))?;
        holds(&held, "bprm_check_security").context("the slice's attachment")?;
        equal(alice.end()?, 0, "the end of the shell")?;
        Ok(id)
    };
    let first = confined("the first login")?;
    // While systemd still keeps the slice.
    equal(&confined("a login right after a logout")?, &first, "the slice")?;
    let left =
        format!("ls -d {slice} /run/sac/users/{uid} /sys/fs/bpf/sac/v*/scopes/{first} 2>/dev/null || true");
    wait_until("the end of the user's slice", SLICE_STAYS, || {
        Ok(fixture.root(&left)?.trim().is_empty().then_some(()))
    })?;
    let second = confined("a login after the slice had gone")?;
    if first == second {
        bail!("the slice was there all the time");
    }
    Ok(())
}

/// Threat: the user's own manager starts sudo, so that root is in the user's slice and in no session.
fn root_in_the_slice(fixture: &Fixture) -> anyhow::Result<()> {
    const SERVICE: &str = "systemd-run --user --quiet --wait --pipe sudo -n";
    let policy = "policy: developers
applies_to: {groups: [developers]}
action: deny
programs:
  deny: [/usr/bin/df]
files:
  deny:
    - {tree: /srv/e2e/kept, operations: [delete]}
";
    let everyone = ("default", "policy: default\napplies_to: everyone\n");
    for (policies, is_free) in [([everyone].as_slice(), true), (&[("developers", policy), everyone], false)] {
        fixture.root("rm -rf /srv/e2e; mkdir -p /srv/e2e/kept; touch /srv/e2e/kept/a")?;
        fixture.policies(policies)?;
        let mut dave = Dialogue::shell(&fixture.ssh("dave"))?;
        equal(dave.status("id", &format!("{SERVICE} id -u"))?, 0, "root in a service of the user's")?;
        holds(&dave.output(), "0\n")?;
        let df = dave.status("df", &format!("{SERVICE} df /"))?;
        let rm = dave.status("rm", &format!("{SERVICE} rm -f /srv/e2e/kept/a"))?;
        if (df == 0, rm == 0) != (is_free, is_free) {
            bail!("free: {is_free}; df ended with {df}, rm with {rm}\n{}\n{}", dave.output(), dave.errors());
        }
        let left = fixture.root("ls /srv/e2e/kept")?;
        equal(left.trim(), if is_free { "" } else { "a" }, "what is left")?;
    }
    fixture.root("rm -rf /srv/e2e").map(drop)
}

/// Promise: what the system does for a login with root's rights works, whatever the user's policy lists: what sshd shows at
/// the beginning, and systemd's own service in the user's slice, which clears away at the end.
fn roots_own_programs(fixture: &Fixture) -> anyhow::Result<()> {
    let uid = fixture.root("id -u alice")?;
    let uid = uid.trim();
    let is_away = || {
        wait_until("the end of the user's slice", SLICE_STAYS, || {
            let left = fixture
                .root(&format!("ls -d /sys/fs/cgroup/user.slice/user-{uid}.slice 2>/dev/null || true"))?;
            Ok(left.trim().is_empty().then_some(()))
        })
    };
    is_away()?;
    let only_bash = "policy: developers\napplies_to:\n  groups: [developers]\nprograms:\n  default: deny\n  allow: [/bin/bash]\n";
    fixture.policies(&[("developers", only_bash), ("default", "policy: default\napplies_to: everyone\n")])?;
    // Twice: at the first login the slice is not under the policy yet.
    for login in ["first", "second"] {
        fixture.root("rm -f /run/motd.dynamic")?;
        let mut alice = Dialogue::start(&fixture.ssh("alice").tty(), "")?;
        // pam_motd runs scripts that write this file, and one of them says which system this is.
        alice.shows("Linux sac-guest").with_context(|| format!("the {login} login's greeting"))?;
        equal(alice.status("uname", "set +o emacs; /usr/bin/uname")?, KILLED, "the user's own uname")?;
        alice.send("exit 0")?;
        equal(alice.end()?, 0, "the end of the shell")?;
    }
    is_away()?;
    let left = fixture.root(&format!(
        "ls -d /run/user/{uid} 2>/dev/null; systemctl is-failed user-runtime-dir@{uid} || true"
    ))?;
    equal(left.trim(), "inactive", "what stays of the user's folder, and its service")
}
