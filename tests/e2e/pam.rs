// SPDX-License-Identifier: MIT OR Apache-2.0
//! The PAM module when the loader is not what it should be, and its arguments: whoever logs in is refused or let in, soon
//! and with one line that says why, and root is never kept out.

use crate::{
    Test,
    fixture::{Fixture, equal, holds, lacks},
};
use anyhow::{Context as _, bail, ensure};
use std::time::{Duration, Instant};
use xtask::guest::{Output, wait_until};

/// What any of these logins may take on an emulated and busy machine, all that sshd and systemd do for it included. The module's
/// own limit is far below it; a login that hangs does not end before `LoginGraceTime`, two minutes.
const SOON: Duration = Duration::from_secs(50);

/// A loader that is none, for `python3 - MODE`.
const FAKE_LOADER: &str = r#"
import os, socket, struct, sys, time
mode, path = sys.argv[1], "/run/e2e/fake.sock"
def reply(kind, text, magic=b"SACp", version=1):
    return magic + struct.pack("<HHQH", version, kind, 1, len(text)) + text
answers = {
    "garbage": os.urandom(200),
    "cut": reply(1, b"/sys/fs/cgroup/x")[:-3],
    "version": reply(4, b"", version=99),
    "unknown": reply(77, b""),
    "long": b"x" * 8000,
    "outside": reply(1, b"/tmp/e2e-cgroup"),
    "dots": reply(1, b"/sys/fs/cgroup/../../../tmp"),
    "missing": reply(1, b"/sys/fs/cgroup/user.slice/sac-none"),
    "exempt": reply(4, b""),
}
server = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
if mode == "stranger":
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
    mode = "exempt"
server.bind(path)
server.listen(8)
open("/run/e2e/ready", "w").close()
kept = []
while True:
    connection, _ = server.accept()
    connection.recv(8192)
    if mode == "silent":
        kept.append(connection)
        continue
    if mode != "close":
        connection.send(answers[mode])
        connection.recv(1)
    connection.close()
"#;

/// A login, how long it took, and what the module said about it.
struct Attempt {
    output: Output,
    took: Duration,
    lines: Vec<String>,
}

impl Attempt {
    /// Somebody logs in over ssh.
    fn of(fixture: &Fixture, user: &str) -> anyhow::Result<Self> {
        let begin = fixture.root("date +%s.%6N")?;
        let start = Instant::now();
        let output = fixture.run(user, "echo in")?;
        let took = start.elapsed();
        let log = fixture
            .root(&format!("journalctl --sync; journalctl --no-pager -o cat --since @{}", begin.trim()))?;
        // The user's manager has a PAM session, and lines, of its own.
        let mine = log.lines().filter(|line| line.starts_with("pam_sac(sshd:session)"));
        Ok(Self { output, took, lines: mine.map(str::to_owned).collect() })
    }

    /// Wants the login refused soon, with one line that holds `reason`.
    fn is_refused(&self, reason: &str) -> anyhow::Result<()> {
        ensure!(self.output.status != 0, "the login went on: {:?}", self.output);
        lacks(&self.output.stdout, "in\n")?;
        ensure!(self.took < SOON, "the refusal took {:?}", self.took);
        self.one_line(&["refused: ", reason])
    }

    /// Wants the login to go on, with one line that holds `reason`.
    fn goes_on(&self, reason: &str) -> anyhow::Result<()> {
        equal(self.output.stdout.as_str(), "in\n", "what a user who is in sees")?;
        self.one_line(&[reason])
    }

    fn one_line(&self, wanted: &[&str]) -> anyhow::Result<()> {
        let [line] = self.lines.as_slice() else { bail!("expected one line, got {:#?}", self.lines) };
        wanted.iter().try_for_each(|wanted| holds(line, wanted))
    }
}

/// Gives the module these arguments for ssh logins.
pub(crate) fn arguments(fixture: &Fixture, arguments: &str) -> anyhow::Result<()> {
    let set = format!(
        "sed -i 's|^session.*pam_sac\\.so.*|session required pam_sac.so {arguments}|' /etc/pam.d/common-session"
    );
    fixture.root(&set).map(drop)
}

/// What a login could leave behind: processes of the user and of sshd, descriptors of the loader.
fn remains(fixture: &Fixture) -> anyhow::Result<String> {
    fixture
        .root("pgrep -u alice -l; pgrep -c sshd; ls /proc/$(systemctl show -P MainPID sac-loader)/fd | wc -l")
}

/// Wants the remains to come back to what they were.
fn remains_are(fixture: &Fixture, before: &str) -> anyhow::Result<()> {
    fixture.nothing_stays()?;
    let mut now = String::new();
    wait_until("the same processes and descriptors as before", Duration::from_secs(30), || {
        now = remains(fixture)?;
        Ok((now == before).then_some(()))
    })
    .with_context(|| format!("before:\n{before}now:\n{now}"))
}

/// With the loader stopped a login is refused at once, unless `fail=open` says otherwise; root gets in.
fn stopped_loader(fixture: &Fixture) -> anyhow::Result<()> {
    fixture.root("systemctl stop sac-loader")?;
    let refused = Attempt::of(fixture, "alice")?;
    refused.is_refused("cannot connect")?;
    holds(&refused.lines[0], "session of user \"alice\"")?;
    holds(&refused.lines[0], "(fail=closed)")?;
    equal(fixture.run("root", "df / >/dev/null; echo in")?.stdout.as_str(), "in\n", "root's login")?;
    arguments(fixture, "fail=open")?;
    Attempt::of(fixture, "alice")?.goes_on("goes on without a policy of its own: sac-loader at")?;
    fixture.root("systemctl start sac-loader")?;
    fixture.nothing_stays()
}

/// A loader that hangs costs a login its time limit and no more, and nothing of the login stays when it wakes up.
fn hung_loader(fixture: &Fixture) -> anyhow::Result<()> {
    arguments(fixture, "timeout=1")?;
    fixture.root("loginctl terminate-user alice 2>/dev/null || true")?;
    wait_until("alice being out", Duration::from_secs(60), || {
        Ok(fixture.root("pgrep -u alice -c || true")?.trim().eq("0").then_some(()))
    })?;
    let before = remains(fixture)?;
    fixture.root("systemctl kill -s STOP sac-loader")?;
    Attempt::of(fixture, "alice")?.is_refused("gave no answer in time")?;
    equal(fixture.run("root", "echo in")?.stdout.as_str(), "in\n", "root's login")?;
    fixture.root("systemctl kill -s CONT sac-loader")?;
    remains_are(fixture, &before)?;
    equal(fixture.run("alice", "echo in")?.stdout.as_str(), "in\n", "alice's login afterwards")
}

/// Runs a fake loader at the socket that the module is told of.
fn with_fake<T>(
    fixture: &Fixture,
    mode: &str,
    test: impl FnOnce() -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let start = format!(
        "systemctl stop e2e-fake 2>/dev/null; rm -rf /run/e2e; install -d -m 1777 /run/e2e; cat > /run/e2e/fake.py
        systemd-run -q --collect --unit e2e-fake python3 /run/e2e/fake.py {mode}
        for _ in $(seq 100); do [ -e /run/e2e/ready ] && exit; sleep 0.1; done; journalctl -u e2e-fake | tail; exit 1"
    );
    fixture.root_ssh().stdin(FAKE_LOADER).run(&start)?.success().context("starting a fake loader")?;
    let result = test();
    fixture.root("systemctl stop e2e-fake; rm -rf /run/e2e")?;
    result.with_context(|| format!("fake loader: {mode}"))
}

/// Whatever a loader answers that is no answer, the login is refused and the process is where it was.
fn senseless_answers(fixture: &Fixture) -> anyhow::Result<()> {
    arguments(fixture, "socket=/run/e2e/fake.sock timeout=1")?;
    for (mode, reason) in [
        ("garbage", "its answer makes no sense"),
        ("cut", "wrong length"),
        ("version", "version 99"),
        ("unknown", "unknown kind 77"),
        ("long", "more than the 4096 of a frame"),
    ] {
        with_fake(fixture, mode, || Attempt::of(fixture, "alice")?.is_refused(reason))?;
    }
    fixture.nothing_stays()
}

/// A loader that goes away, or stays and says nothing, ends in a refusal; with `fail=open` in a login.
fn broken_exchange(fixture: &Fixture) -> anyhow::Result<()> {
    arguments(fixture, "socket=/run/e2e/fake.sock timeout=1")?;
    with_fake(fixture, "close", || {
        Attempt::of(fixture, "alice")?.is_refused("closed the connection without an answer")
    })?;
    with_fake(fixture, "silent", || {
        Attempt::of(fixture, "alice")?.is_refused("gave no answer in time")?;
        arguments(fixture, "socket=/run/e2e/fake.sock timeout=1 fail=open")?;
        Attempt::of(fixture, "alice")?.goes_on("without a policy of its own")
    })?;
    fixture.nothing_stays()
}

/// A loader that sends a login to what is no session's cgroup is not obeyed.
fn wrong_cgroups(fixture: &Fixture) -> anyhow::Result<()> {
    arguments(fixture, "socket=/run/e2e/fake.sock timeout=1")?;
    for (mode, reason) in [
        ("outside", "it is not below the cgroup filesystem"),
        ("dots", "its path has an empty, . or .. component"),
        ("missing", "cannot open it"),
    ] {
        with_fake(fixture, mode, || Attempt::of(fixture, "alice")?.is_refused(reason))?;
    }
    fixture.nothing_stays()
}

/// A socket that somebody else than root listens at is not believed, whatever it answers. The same answer of root's is.
fn strangers_are_not_believed(fixture: &Fixture) -> anyhow::Result<()> {
    arguments(fixture, "socket=/run/e2e/fake.sock timeout=1 debug")?;
    with_fake(fixture, "stranger", || {
        Attempt::of(fixture, "alice")?.is_refused("uid 65534 listens there instead of root")
    })?;
    with_fake(fixture, "exempt", || Attempt::of(fixture, "alice")?.goes_on("has no policy for this user"))
}

/// `exempt=` lets in the named users and the members of the named groups while the loader is down, nobody else, and says so.
fn exempt_users_and_groups(fixture: &Fixture) -> anyhow::Result<()> {
    fixture.root("systemctl stop sac-loader")?;
    arguments(fixture, "exempt=alice,nobody")?;
    Attempt::of(fixture, "alice")?.goes_on("goes on without a policy of its own: exempt=alice")?;
    arguments(fixture, "exempt=@developers")?;
    Attempt::of(fixture, "alice")?.goes_on("exempt=@developers")?;
    let notices = fixture.root(
        "journalctl --no-pager -o cat -p notice..notice -b -g 'pam_sac.sshd.*exempt=@developers' | wc -l",
    )?;
    equal(notices.trim(), "1", "lines of the level notice")?;
    Attempt::of(fixture, "bob")?.is_refused("cannot connect")
}

/// A typing mistake in the arguments is a warning, not a lock-out; `debug` says what the module did.
fn unknown_argument_and_debug(fixture: &Fixture) -> anyhow::Result<()> {
    arguments(fixture, "fial=open")?;
    Attempt::of(fixture, "alice")?.goes_on("argument \"fial=open\" is unknown and ignored")?;
    arguments(fixture, "debug")?;
    Attempt::of(fixture, "alice")?.goes_on("session of user \"alice\" goes on: in session ")?;
    arguments(fixture, "")?;
    let quiet = Attempt::of(fixture, "alice")?;
    equal((quiet.output.stdout.as_str(), quiet.lines), ("in\n", Vec::new()), "a login without `debug`")
}

/// Nobody for whom there is no policy gets in by accident, and the refusal names the cure.
fn user_without_a_policy(fixture: &Fixture) -> anyhow::Result<()> {
    fixture.root("rm /etc/sac/policies/default.yaml; sac-loader reload")?;
    let refused = Attempt::of(fixture, "carol")?;
    refused.is_refused("no policy is for user carol")?;
    holds(&refused.lines[0], "applies_to: everyone")?;
    equal(fixture.run("alice", "echo in")?.stdout.as_str(), "in\n", "the login of who has a policy")?;
    fixture.nothing_stays()
}

/// A faulty policy is refused with its whole set; what was in force stays in force.
fn faulty_policy_changes_nothing(fixture: &Fixture) -> anyhow::Result<()> {
    fixture.root("rm /etc/sac/policies/developers.yaml; echo 'policy: [' > /etc/sac/policies/zz.yaml")?;
    let reload = fixture.root_ssh().run("sac-loader reload")?;
    equal(reload.status, 1, "exit status of a reload that was refused")?;
    holds(&reload.stderr, "the policies were refused, nothing changed")?;
    holds(&reload.stderr, "/etc/sac/policies/zz.yaml:")?;
    // The policy whose file is gone holds all the same.
    holds(&fixture.run("alice", "df / ; echo $?")?.stdout, "137")?;
    equal(fixture.run("bob", "df / >/dev/null; echo $?")?.stdout.as_str(), "0\n", "df of bob, who may")
}

/// A loader that started with faulty policies refuses everybody but root, says why, and lets people in once they are right.
fn only_faulty_policies(fixture: &Fixture) -> anyhow::Result<()> {
    fixture.root("echo 'policy: [' > /etc/sac/policies/zz.yaml; systemctl restart sac-loader")?;
    Attempt::of(fixture, "alice")?.is_refused("no policies are in force, because they do not load")?;
    equal(fixture.run("root", "df / >/dev/null; echo in")?.stdout.as_str(), "in\n", "root's login")?;
    fixture.root("rm /etc/sac/policies/zz.yaml; sac-loader reload")?;
    holds(&fixture.run("alice", "df / ; echo $?")?.stdout, "137")
}

pub(crate) const TESTS: &[Test] = &[
    ("stopped_loader", stopped_loader),
    ("hung_loader", hung_loader),
    ("senseless_answers", senseless_answers),
    ("broken_exchange", broken_exchange),
    ("wrong_cgroups", wrong_cgroups),
    ("strangers_are_not_believed", strangers_are_not_believed),
    ("exempt_users_and_groups", exempt_users_and_groups),
    ("unknown_argument_and_debug", unknown_argument_and_debug),
    ("user_without_a_policy", user_without_a_policy),
    ("faulty_policy_changes_nothing", faulty_policy_changes_nothing),
    ("only_faulty_policies", only_faulty_policies),
];
