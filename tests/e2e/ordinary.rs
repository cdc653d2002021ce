// SPDX-License-Identifier: MIT OR Apache-2.0
//! Ordinary work is not harmed: what somebody does all day goes on under a policy, and nothing of it is blocked or recorded so.

use crate::{
    Test,
    dialogue::Dialogue,
    fixture::{Fixture, equal, lacks},
    operations::EVERYONE,
    restart::counter,
};
use anyhow::{Context as _, ensure};

pub(crate) const TESTS: &[Test] =
    &[("under_an_example", under_an_example), ("under_a_strict_policy", under_a_strict_policy)];

/// The policy for developers that the package has as an example.
const EXAMPLE: &str = include_str!("../../policies/examples/developers.yaml");

/// What is the user's own runs in one place, root is confined, and records are kept.
const STRICT: &str = "policy: developers
applies_to: {groups: [developers]}
action: deny
confined_root: true
programs:
  untrusted: deny
  deny: [/usr/bin/df]
  allow:
    - {tree: /home/dave/e2e, override: true}
files:
  deny:
    - {tree: /srv/e2e/records, operations: [delete, rename, write, create]}
";

/// Makes the records, and a repository with a package of one file; root does that before.
const PREPARE: &str = r"set -e; rm -rf /srv/e2e; mkdir -p /srv/e2e/records /srv/e2e/repository; cd /srv/e2e
echo kept >records/2026; chmod -R a+rwX records
mkdir -p package/DEBIAN package/usr/share/e2e-tool; echo content >package/usr/share/e2e-tool/file
printf 'Package: e2e-tool\nVersion: 1.0\nArchitecture: all\nMaintainer: Tests <root@localhost>\nDescription: one file\n' >package/DEBIAN/control
dpkg-deb --root-owner-group -b package repository/e2e-tool.deb >/dev/null
cd repository
{ cat ../package/DEBIAN/control; printf 'Filename: ./e2e-tool.deb\nSize: %s\nSHA256: %s\n' \
    $(stat -c %s e2e-tool.deb) $(sha256sum e2e-tool.deb | cut -d ' ' -f 1); } >Packages
echo 'deb [trusted=yes] file:/srv/e2e/repository ./' >../sources.list; chmod -R a+rX /srv/e2e";

/// What is left where no test looks.
const CLEAN: &str = "dpkg -r e2e-tool >/dev/null 2>&1; sed -i /e2e-ordinary/d /home/dave/.ssh/authorized_keys
crontab -u dave -r 2>/dev/null; rm -rf /srv/e2e /var/lib/apt/lists/_srv_e2e_*; true";

/// What dave does, by a name: command lines in a folder of their own that all have to succeed.
const WORK: &[(&str, &str)] = &[
    (
        "c",
        r#"mkdir c; cd c
printf '#include <stdio.h>\n#include <math.h>\nint twice(int);\nint main(int n, char **v) { printf("%%d %%.1f\\n", twice(n), sqrt(n)); return 0; }\n' >main.c
printf 'int twice(int n) { return 2 * n; }\n' >twice.c
printf 'OBJECTS = main.o twice.o\nCFLAGS = -O1 -Wall\nprogram: $(OBJECTS)\n\t$(CC) -o $@ $(OBJECTS) -lm\ntest: program\n\t./program x | grep -qx "4 1.4"\nclean:\n\trm -f program $(OBJECTS)\n' >Makefile
make; make test; ./program; touch twice.c; make; make clean; ls"#,
    ),
    (
        "shared",
        r#"mkdir shared; cd shared; printf 'int answer(void) { return 42; }\n' >answer.c
gcc -shared -fPIC -o libanswer.so answer.c
python3 -c 'import ctypes; assert ctypes.CDLL("./libanswer.so").answer() == 42'"#,
    ),
    (
        "python",
        r#"mkdir -p python/package/tests; cd python
printf 'def double(n):\n    return 2 * n\n' >package/__init__.py; touch package/tests/__init__.py
printf 'import unittest, package\nclass Doubling(unittest.TestCase):\n    def test(self):\n        self.assertEqual(package.double(2), 4)\n' >package/tests/test_double.py
python3 -m unittest discover -v; python3 -c 'import json, sqlite3, ssl, subprocess; subprocess.run(["true"], check=True)'"#,
    ),
    (
        "environment",
        // Debian has parts of it in a package of its own, which may not be there.
        r#"python3 -c 'import venv' || exit 0
python3 -m venv --without-pip environment; . environment/bin/activate
python -c 'import sys; assert sys.prefix != sys.base_prefix'"#,
    ),
    (
        "git",
        r#"mkdir git; cd git; git init -q -b main .; git config user.name Dave; git config user.email dave@example.org
echo one >file; git add file; git commit -qm one; git checkout -qb side; echo side >side; git add side; git commit -qm side
git checkout -q main; echo two >>file; git commit -qam two; git merge -q -m merged side; git gc -q; git log --oneline --graph
git clone -q . ../clone; git -C ../clone fsck; git diff HEAD~1 --stat; git status; git stash list"#,
    ),
    (
        "editor",
        r#"printf 'one\ntwo\n' >text; vim.tiny -N -u NONE -es -c '%s/one/three/' -c wq text; grep -qx three text
less text | grep -qx two"#,
    ),
    (
        "terminals",
        r#"export TERM=vt100; tmux -f /dev/null new-session -d -s e2e; tmux send-keys -t e2e "touch $PWD/typed" Enter
until [ -e typed ]; do sleep 0.2; done; seq 200 >text; tmux send-keys -t e2e "less $PWD/text; touch $PWD/read" Enter
until [ -e read ]; do sleep 1; tmux send-keys -t e2e q; done; tmux list-sessions; tmux kill-server"#,
    ),
    (
        "ssh",
        r#"ssh-keygen -q -t ed25519 -N '' -C e2e-ordinary -f key; cat key.pub >>~/.ssh/authorized_keys; echo content >file
options="-F none -i key -o IdentitiesOnly=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR"
ssh $options dave@localhost id -un | grep -qx dave; scp $options file "dave@localhost:$PWD/copied"; cmp file copied
ssh $options dave@localhost "cat $PWD/file" | cmp - file"#,
    ),
    (
        "files",
        r#"mkdir -p files/sub; cd files; for n in 1 2 3; do echo "line $n" >sub/$n; done
tar czf all.tar.gz sub; mkdir out; tar xzf all.tar.gz -C out; diff -r sub out/sub; gzip -k sub/1; zcat sub/1.gz | grep -q 'line 1'
find . -name '[0-9]' -print0 | xargs -0 grep -h line | sort | uniq | awk '{ sum += $2 } END { exit sum != 6 }'
sed -i s/line/word/ sub/2; perl -pi -e 's/line/item/' sub/3; cut -d ' ' -f 1 sub/* | sort; chmod 600 sub/2; ln -s sub/2 link
mv sub/3 sub/4; cp -a sub copy; rm -rf copy; touch -d yesterday sub/2; mkfifo pipe; rm pipe; du -s .; ls -la; stat link"#,
    ),
    ("records", "cat /srv/e2e/records/2026; ls -l /srv/e2e/records; cp /srv/e2e/records/2026 copied"),
    (
        "processes",
        r#"sleep 60 & kill -STOP $!; kill -CONT $!; kill $!; ps aux | grep -q sleep; pgrep -u dave bash; uptime; free; id; date
nice -n 5 true; timeout 5 true; setsid -w true; (trap 'exit 0' TERM; kill -TERM $BASHPID; sleep 5); cat /proc/meminfo /proc/1/status
unshare -rm true; flock lock true; env -i /usr/bin/true; bash -lc true; dmesg || true"#,
    ),
    (
        "sudo",
        "sudo -n id -u | grep -qx 0; sudo -n cat /etc/shadow; sudo -n -u carol id -un | grep -qx carol; sudo -n -l",
    ),
    (
        "administration",
        r#"sudo -n sh -c 'echo setting >/etc/e2e-ordinary; chmod 600 /etc/e2e-ordinary; rm /etc/e2e-ordinary'
sudo -n install -d -o dave /srv/e2e/deployed; cp /srv/e2e/records/2026 /srv/e2e/deployed; sudo -n rm -r /srv/e2e/deployed
sudo -n tail -n 1 /var/log/dpkg.log; sudo -n ss -ltn; sudo -n ip address; sudo -n ps aux; sudo -n true"#,
    ),
];

/// Installing and removing a package.
const INSTALLING: &[(&str, &str)] = &[
    ("update", "APT update"),
    ("install", "APT install -y e2e-tool; cat /usr/share/e2e-tool/file; dpkg -l e2e-tool"),
    ("remove", "sudo -n dpkg -r e2e-tool; [ ! -e /usr/share/e2e-tool ]"),
    ("purge", "APT install -y e2e-tool; APT purge -y e2e-tool"),
];

/// What stands for `APT` there: it looks at the one repository alone.
const APT: &str = "sudo -n apt-get -q -o Dir::Etc::SourceList=/srv/e2e/sources.list -o Dir::Etc::SourceParts=- \
    -o APT::Get::List-Cleanup=0";

/// What somebody has done at another time, without being root.
const LATER: &[(&str, &str)] = &[
    (
        "manager",
        r"systemctl --user list-units; systemctl --user --no-pager status | head -n 1
systemd-run --user --quiet --on-active=1s --timer-property=AccuracySec=100ms --unit e2e-ordinary touch $PWD/timed; systemctl --user list-timers
until [ -e timed ]; do sleep 0.2; done; systemctl --user stop e2e-ordinary.timer || true; systemd-run --user --quiet --wait true",
    ),
    ("crontab", "echo '0 0 1 1 * true' | crontab -; crontab -l | grep -q true; crontab -r"),
    ("at", "at -l; echo true | at 03:00 tomorrow; atrm $(at -l | cut -f 1)"),
];

/// What root asks services, and mounting. A policy with `confined_root` closes that, as its documentation says.
const CLOSED: &[(&str, &str)] = &[
    (
        "services",
        "sudo -n systemctl status ssh; systemctl is-active ssh; loginctl; sudo -n journalctl -n 1; busctl list",
    ),
    ("mounts", "mkdir mounted; sudo -n mount -t tmpfs e2e mounted; sudo -n umount mounted"),
];

/// Has dave work, and wants nothing of it to have been blocked.
fn work(fixture: &Fixture, work: &[(&str, String)]) -> anyhow::Result<()> {
    let begin = fixture.root("date +%s")?;
    let mut dave = Dialogue::shell(&fixture.ssh("dave"))?;
    for (name, commands) in work {
        // What the commands say is in a file; what reads from the session would read the next command.
        let line = format!(
            "mkdir -p ~/e2e/jobs/{name}; cd ~/e2e/jobs/{name}; ( set -e\n{commands}\n) </dev/null >~/e2e/{name}.log 2>&1"
        );
        let status = dave.status(name, &line)?;
        if status != 0 {
            let log = fixture.root(&format!("tail -n 20 /home/dave/e2e/{name}.log"))?;
            let journal = fixture.root("journalctl --no-pager -o cat -t sac-loader | tail -n 10")?;
            anyhow::bail!("{name} ended with {status}:\n{log}\n{journal}");
        }
    }
    let session = fixture.session_of("dave")?;
    ensure!(counter(&session, "executed")? > 100, "little was executed in {session}");
    let log = fixture.root(&format!(
        "journalctl --sync; journalctl --no-pager -o cat -t sac-loader --since @{}",
        begin.trim()
    ))?;
    let blocked: Vec<_> = log.lines().filter(|line| line.contains(" blocked: user dave,")).collect();
    ensure!(blocked.is_empty(), "blocked: {blocked:#?}");
    equal(counter(&session, "blocked")?, 0, "what was blocked in the session")?;
    // The negative control: the policy holds.
    let status = dave.status("df", "df /")?;
    ensure!(status != 0, "df ran");
    lacks(&dave.output(), "Filesystem")?;
    let session = fixture.session_of("dave").context("after the negative control")?;
    equal(counter(&session, "blocked")?, 1, "what was blocked by the negative control")
}

fn owned(work: &[(&'static str, &str)]) -> Vec<(&'static str, String)> {
    work.iter().map(|(name, commands)| (*name, (*commands).to_owned())).collect()
}

fn installing(options: &str) -> impl Iterator<Item = (&'static str, String)> {
    let apt = format!("{APT} {options}");
    INSTALLING.iter().map(move |(name, commands)| (*name, commands.replace("APT ", &format!("{apt} "))))
}

/// Promise: under the example for developers all of it works.
fn under_an_example(fixture: &Fixture) -> anyhow::Result<()> {
    fixture.root(PREPARE)?;
    fixture.policies(&[("developers", EXAMPLE), ("default", EVERYONE)])?;
    let mut all = owned(WORK);
    all.extend(installing(""));
    all.extend(owned(LATER));
    all.extend(owned(CLOSED));
    let worked = work(fixture, &all);
    fixture.root(CLEAN)?;
    worked
}

/// Promise: under a strict policy all of it works but what the policy closes.
fn under_a_strict_policy(fixture: &Fixture) -> anyhow::Result<()> {
    fixture.root(PREPARE)?;
    fixture.policies(&[("developers", STRICT), ("default", EVERYONE)])?;
    let mut all = owned(WORK);
    // apt would ask systemd not to shut down meanwhile, which is closed, and goes on without that.
    all.extend(installing("-o DPkg::Inhibit-Shutdown=false"));
    all.extend(owned(LATER));
    let worked = work(fixture, &all);
    fixture.root(CLEAN)?;
    worked
}
