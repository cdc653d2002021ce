// SPDX-License-Identifier: MIT OR Apache-2.0
//! The package: what installing, enabling, upgrading and removing it changes, and what it leaves.

use crate::{
    Test,
    fixture::{Fixture, equal, holds},
    restart::{TRYING, lines, tried_further},
};
use anyhow::{Context as _, ensure};
use std::time::Duration;

/// What the package has to hold; names that end in a slash are directories, which dpkg shares with other packages.
const FILES: &[(&str, &str)] = &[
    ("-rw-r--r--", "./etc/sac/audit.yaml"),
    ("-rw-r--r--", "./etc/sac/policies/default.yaml"),
    ("-rw-r--r--", "./usr/lib/systemd/system/sac-loader.service"),
    ("-rw-r--r--", "./usr/lib/x86_64-linux-gnu/security/pam_sac.so"),
    ("-rwxr-xr-x", "./usr/sbin/sac-loader"),
    ("-rw-r--r--", "./usr/share/man/man5/sac-policy.5.gz"),
    ("-rw-r--r--", "./usr/share/man/man8/sac-loader.8.gz"),
    ("-rw-r--r--", "./usr/share/pam-configs/sac"),
    ("-rw-r--r--", "./usr/share/sac/sac-policy.schema.json"),
    ("-rw-r--r--", "./usr/share/sac/sac-record.schema.json"),
];

/// Where other files may be.
const PLACES: [&str; 2] = ["./etc/sac/examples/", "./usr/share/doc/sac/"];

/// Runs dpkg as root. Each daemon-reload that a maintainer script asks for takes seconds on a busy emulated machine.
fn dpkg(fixture: &Fixture, command: &str) -> anyhow::Result<String> {
    let ssh = fixture.root_ssh().deadline(Duration::from_secs(300));
    ssh.run(command)?.success().with_context(|| format!("as root: {command}"))
}

/// Runs a test that may remove the package, and installs and enables it again in any case.
fn then_installed(fixture: &Fixture, test: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<()> {
    let result = test();
    let again =
        "dpkg -i --force-confdef --force-confold /root/sac.deb 2>&1 && rm -f /etc/sac/policies/*.dpkg-* &&
        pam-auth-update --enable sac 2>&1 && systemctl start sac-loader";
    let again = dpkg(fixture, again).context("installing the package again");
    result.and(again.map(drop))
}

/// The files in /etc/pam.d that have a line of the module's.
fn pam_files(fixture: &Fixture) -> anyhow::Result<String> {
    fixture.root("cd /etc/pam.d && grep -l '^[^#]*pam_sac' * || true")
}

/// The package holds what it should, with modes that let nobody but root change anything, and a unit that systemd
/// understands.
fn contents(fixture: &Fixture) -> anyhow::Result<()> {
    let list = fixture.root("dpkg -c /root/sac.deb")?;
    let mut wanted: Vec<_> = FILES.to_vec();
    for line in list.lines() {
        let words: Vec<_> = line.split_whitespace().collect();
        let [mode, owner, .., path] = words.as_slice() else { continue };
        ensure!(["0/0", "root/root"].contains(owner), "not root's: {line}");
        if path.ends_with('/') {
            equal(*mode, "drwxr-xr-x", path)?;
        } else if let Some(at) = wanted.iter().position(|(_, wanted)| wanted == path) {
            equal(*mode, wanted.remove(at).0, path)?;
        } else {
            ensure!(PLACES.iter().any(|place| path.starts_with(place)), "not wanted: {line}");
            equal(*mode, "-rw-r--r--", path)?;
        }
    }
    ensure!(wanted.is_empty(), "not in the package: {wanted:?}");
    // Policies are the tests' own, and a guest has no documentation and no manual.
    let changed = fixture
        .root("dpkg --verify sac | grep -v -e /etc/sac/ -e /usr/share/doc/ -e /usr/share/man/ || true")?;
    equal(changed.as_str(), "", "files that were changed")?;
    // What stands in the package for editors is what the program says, and the pages of the manual are whole.
    let schema = fixture
        .root("sac-loader policy schema | cmp - /usr/share/sac/sac-policy.schema.json && echo same")?;
    equal(schema.as_str(), "same\n", "the schema")?;
    let manual = fixture.root(
        "dpkg --fsys-tarfile /root/sac.deb | tar -xO ./usr/share/man/man5/sac-policy.5.gz | gzip -dc &&
        dpkg --fsys-tarfile /root/sac.deb | tar -xO ./usr/share/man/man8/sac-loader.8.gz | gzip -dc",
    )?;
    for wanted in
        [".TH sac\\-policy 5 ", "programs.deny[].args", "SAC129", ".TH sac\\-loader 8 ", "\\-\\-groups"]
    {
        ensure!(manual.contains(wanted), "the manual has no {wanted}");
    }
    let verified = fixture.root("systemd-analyze verify sac-loader.service 2>&1")?;
    equal(verified.as_str(), "", "what systemd says of the unit")
}

/// Installing changes no login, even with the service stopped; enabling puts the module after pam_systemd, into both stacks.
fn installing_enables_nothing(fixture: &Fixture) -> anyhow::Result<()> {
    then_installed(fixture, || {
        dpkg(fixture, "dpkg --purge sac 2>&1")?;
        equal(pam_files(fixture)?.as_str(), "", "files with the module after purging")?;
        fixture.root(
            "test ! -e /etc/sac -a ! -e /usr/sbin/sac-loader -a ! -e /run/sac -a ! -e /sys/fs/bpf/sac",
        )?;
        dpkg(
            fixture,
            "dpkg -i /root/sac.deb 2>&1 && systemctl is-active sac-loader && systemctl is-enabled sac-loader",
        )?;
        equal(pam_files(fixture)?.as_str(), "", "files with the module after installing")?;
        fixture.root("systemctl stop sac-loader")?;
        equal(fixture.run("alice", "echo in")?.stdout.as_str(), "in\n", "a login with the service stopped")?;
        fixture.root("pam-auth-update --enable sac")?;
        equal(
            pam_files(fixture)?.as_str(),
            "common-session\ncommon-session-noninteractive\n",
            "files with the module",
        )?;
        let stacks = fixture.root("cd /etc/pam.d && grep -h '^session' common-session && echo -- && grep -h '^session' common-session-noninteractive")?;
        let (interactive, other) = stacks.split_once("--\n").context(stacks.clone())?;
        for stack in [interactive, other] {
            let ours: Vec<_> = stack.lines().filter(|line| line.contains("pam_sac")).collect();
            let [line] = ours.as_slice() else { anyhow::bail!("lines in\n{stack}") };
            equal(line.split_whitespace().collect(), vec!["session", "required", "pam_sac.so"], "the line")?;
        }
        let place =
            |module| interactive.find(module).with_context(|| format!("no {module} in\n{interactive}"));
        ensure!(place("pam_systemd.so")? < place("pam_sac.so")?, "pam_sac comes too early:\n{interactive}");
        // The negative control: now the service is asked.
        // A refused session may still be shown the message of the day, which has the word in it.
        let refused = fixture.run("alice", "echo in")?;
        ensure!(
            !refused.stdout.lines().any(|line| line == "in"),
            "let in without the daemon:\n{}",
            refused.stdout
        );
        fixture.root("systemctl start sac-loader")?;
        equal(fixture.run("alice", "echo in")?.stdout.as_str(), "in\n", "a login with the service")
    })
}

/// Removing the package while somebody is in leaves nothing that could keep people out or that nobody will clear away.
fn removing_leaves_nothing(fixture: &Fixture) -> anyhow::Result<()> {
    const EMPTY_CGROUPS: &str =
        "find /sys/fs/cgroup -type d -name 'sac-*' -exec grep -l 'populated 0' {}/cgroup.events ';'";
    then_installed(fixture, || {
        let stay = fixture.stay("alice")?;
        dpkg(fixture, "dpkg -r sac 2>&1")?;
        equal(pam_files(fixture)?.as_str(), "", "files with the module")?;
        equal(fixture.root(EMPTY_CGROUPS)?.as_str(), "", "cgroups that nobody is in")?;
        for (left, what) in [
            ("ls -d /sys/fs/bpf/sac /run/sac /usr/sbin/sac-loader", "files"),
            ("grep -w sac /proc/self/mountinfo", "mounts"),
            ("systemctl cat sac-loader", "a unit"),
            ("pgrep -x sac-loader", "a process"),
        ] {
            equal(fixture.root(&format!("{left} 2>/dev/null || true"))?.as_str(), "", what)?;
        }
        let output = fixture.run("alice", "df / >/dev/null; echo df=$?")?;
        equal(output.stdout.as_str(), "df=0\n", "alice without the package")?;
        fixture.root("loginctl terminate-user alice; test -d /etc/sac/policies")?;
        drop(stay);
        let left = "for _ in $(seq 300); do
                [ -z \"$(find /sys/fs/cgroup -type d -name 'sac-*')\" ] && exit 0; sleep 0.1
            done; find /sys/fs/cgroup -name 'sac-*'; exit 1";
        fixture.root(left).context("the session's cgroup")?;
        dpkg(fixture, "dpkg --purge sac 2>&1; test ! -e /etc/sac -a ! -e /var/lib/sac").map(drop)
    })
}

/// However an administrator changed the PAM configuration, removing the package takes the module's lines out of it:
/// one that stays would keep everybody out, root too, because the module is gone.
fn removing_after_local_changes(fixture: &Fixture) -> anyhow::Result<()> {
    const CHANGE: &str =
        "rm -rf /root/pam; mkdir /root/pam; cp -a /etc/pam.d /var/lib/pam /root/pam/; cd /etc/pam.d
        sed -i 's/pam_sac.so/& exempt=carol/; /pam_sac.so/a session optional pam_permit.so' common-session
        sed -i 's/^session.*pam_sac.so/session    required    pam_sac.so/' common-session-noninteractive
        echo 'session required pam_sac.so' >> sshd; echo '# pam_sac.so: a remark' >> login";
    const RESTORE: &str =
        "cp -a /root/pam/pam.d/. /etc/pam.d/; cp -a /root/pam/pam/. /var/lib/pam/; rm -r /root/pam";
    then_installed(fixture, || {
        fixture.root(CHANGE)?;
        let test = || {
            equal(
                fixture.run("alice", "echo in")?.stdout.as_str(),
                "in\n",
                "a login with the changed files",
            )?;
            dpkg(fixture, "dpkg -r sac 2>&1")?;
            equal(pam_files(fixture)?.as_str(), "", "files with the module")?;
            let kept = fixture
                .root("cd /etc/pam.d; grep -c pam_permit.so common-session; grep -c pam_sac.so login")?;
            ensure!(!kept.lines().any(|count| count == "0"), "more went than the module's lines: {kept}");
            for user in ["root", "alice"] {
                equal(fixture.run(user, "echo in")?.stdout.as_str(), "in\n", user)?;
            }
            Ok(())
        };
        let result = test();
        let restored = fixture.root(RESTORE);
        result.and(restored.map(drop))
    })
}

/// Upgrading while somebody is in: a denied program never runs, the session goes on, with the new version's programs in the place of the old
/// one's, and the administrator's policies and PAM lines stay as they are.
fn upgrading_holds_sessions(fixture: &Fixture) -> anyhow::Result<()> {
    const NEXT: &str = "set -e; rm -rf /root/next; dpkg-deb -R /root/sac.deb /root/next
        sed -i 's/^Version: .*/Version: 99.0/' /root/next/DEBIAN/control
        # The name of a type, in the kernel half only, which makes it another build.
        sed -i 's/EndedProcess/EndedProgram/g' /root/next/usr/sbin/sac-loader
        echo '# of the next version' >> /root/next/etc/sac/policies/default.yaml
        dpkg-deb -Znone --root-owner-group -b /root/next /root/next.deb; rm -r /root/next";
    const STATE: &str = "cksum /etc/sac/policies/*.yaml /etc/pam.d/common-session*";
    // Of the session and of the user's slice.
    const REPLACED: &str = "journalctl -q --sync; journalctl -t sac-loader -o cat | grep -c 'programs of another build replaced' || true";
    const BUILDS: &str = "ls /sys/fs/bpf/sac/v*/programs";
    then_installed(fixture, || {
        dpkg(fixture, NEXT)?;
        let _stay = fixture.stay_running("alice", TRYING)?;
        tried_further(fixture, 3)?;
        let (session, state) = (fixture.session_of("alice")?, fixture.root(STATE)?);
        let build = fixture.root(BUILDS)?;
        let daemon = fixture.root("systemctl show -P MainPID sac-loader")?;
        let upgraded = dpkg(
            fixture,
            "dpkg -i --force-confdef --force-confold /root/next.deb 2>&1; rm /root/next.deb; dpkg-query -W sac; systemctl is-active sac-loader",
        )?;
        holds(&upgraded, "99.0\nactive\n")?;
        ensure!(fixture.root("systemctl show -P MainPID sac-loader")? != daemon, "the daemon is the old one");
        ensure!(fixture.root(BUILDS)? != build, "the kernel half is of the same build, {build}");
        equal(fixture.root(REPLACED)?.trim(), "2", "scopes whose programs were replaced")?;
        tried_further(fixture, 3)?;
        // Those that are there now are the next loader's own.
        fixture.root("systemctl restart sac-loader")?;
        equal(fixture.root(REPLACED)?.trim(), "2", "scopes whose programs were replaced, after a restart")?;
        tried_further(fixture, 3)?;
        equal(lines(fixture, "ran")?, 0, "how often df ran")?;
        let after = fixture.session_of("alice")?;
        equal(&after["id"], &session["id"], "the session's id")?;
        ensure!(after["blocked"].as_u64() > session["blocked"].as_u64(), "{session} became {after}");
        equal(fixture.root(STATE)?, state, "the administrator's files")?;
        fixture.root("loginctl terminate-user alice")?;
        fixture.nothing_stays()
    })
}

pub(crate) const TESTS: &[Test] = &[
    ("contents", contents),
    ("upgrading_holds_sessions", upgrading_holds_sessions),
    ("removing_leaves_nothing", removing_leaves_nothing),
    ("removing_after_local_changes", removing_after_local_changes),
    ("installing_enables_nothing", installing_enables_nothing),
];
