// SPDX-License-Identifier: MIT OR Apache-2.0
//! The loader is killed again and again: at each step of opening, changing and closing a session, of its own start and of writing the
//! record, and at moments that nobody chose. People are in meanwhile, come and go, and one of them tries what is denied all the time.
//!
//! The places are sac-failpoint's; a loader that has them stands in for the installed one, which has none. `SAC_E2E_KILLS` says how many kills
//! there are, and chance at which place they begin: each place is met once in every 52.

use crate::{
    Test,
    chance::{Chance, SEED},
    fixture::{Fixture, Stay, equal, lacks},
    record::records,
    restart::{TRYING, counter, lines, tried_further},
};
use anyhow::{Context as _, ensure};
use sac_failpoint::{DIRECTORY, Failpoint};
use serde_json::Value;
use std::{
    env,
    process::{Child, Stdio},
    time::Duration,
};
use xtask::guest::wait_until;

pub(crate) const TESTS: &[Test] = &[
    ("what_is_installed_has_no_places", what_is_installed_has_no_places),
    ("errors_are_undone", errors_are_undone),
    ("a_panic_is_a_restart", a_panic_is_a_restart),
    ("what_was_read_is_recorded", what_was_read_is_recorded),
    ("killed_at_every_step", killed_at_every_step),
];

/// How many kills there are.
const KILLS: &str = "SAC_E2E_KILLS";

/// One kill of so many is at a moment that nobody chose.
const BY_CHANCE: usize = 5;

/// How many kills there are with `SAC_E2E_EVERYWHERE`, and otherwise: one takes half a minute.
const KILLS_THOROUGH: usize = 200;
const KILLS_USUALLY: usize = 15;

/// How long a login may take that a kill may have broken.
const LOGIN: Duration = Duration::from_secs(40);

/// Who is killed for df, and who is ended after the third attempt. The record's files are as small as they can be.
const POLICIES: [(&str, &str); 3] = [
    (
        "developers",
        "policy: developers\napplies_to:\n  groups: [developers]\nprograms:\n  deny:\n    - /usr/bin/df\n    - path: /usr/bin/lsblk\n      action: deny\n",
    ),
    ("dba", "policy: dba\napplies_to:\n  groups: [dba]\nprograms:\n  deny:\n    - /usr/bin/wget\n"),
    (
        "default",
        "policy: default\napplies_to: everyone\naction: deny\nstrikes: {blocked: 3, within: 5m, then: end}\nprograms:\n  deny:\n    - /usr/bin/df\n",
    ),
];

/// Changes the policy that alice is under, there and back by turns: there, a file is not to be read.
const CHANGE: &str = "f=/etc/sac/policies/developers.yaml
    if grep -q files: $f; then sed -i /files:/d $f; else echo 'files: {deny: [{path: /etc/issue, operations: [read]}]}' >>$f; fi
    timeout 20 sac-loader reload >/dev/null 2>&1";

/// Gives a grant, and takes one back.
const GRANT: &str =
    "timeout 20 sac-loader grant --user alice --exec /usr/bin/nproc --for 10m --reason storm >/dev/null 2>&1";
const REVOKE: &str =
    "timeout 20 sac-loader revoke $(sac-loader grants | awk '/nproc/ { print $1; exit }') >/dev/null 2>&1";

/// The grant that holds all the time.
const STANDING: &str = "sac-loader grant --user alice --exec /usr/bin/lsblk --for 2h --reason storm";

/// Fills a file of the record: one and a half of the smallest.
const FILL: &str = "long=$(printf %3500s | tr ' ' x); for n in $(seq 450); do /usr/bin/true $long; done";

/// Three attempts, and one more.
const STRIKE: &str = "for n in 1 2 3 4; do df / 2>/dev/null; done; sleep 2";

/// Puts a loader with places in the place of the installed one, and takes it away again.
fn with_places(fixture: &Fixture, test: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<()> {
    const SWAP: &str = "set -e; cmp -s /root/sac-loader.places /usr/sbin/sac-loader || cp -a /usr/sbin/sac-loader /root/sac-loader.installed
        install -m 755 /root/sac-loader.places /usr/sbin/sac-loader.new; mv /usr/sbin/sac-loader.new /usr/sbin/sac-loader
        printf 'record:\\n  rotate_mb: 1\\n' >/etc/sac/audit.yaml
        systemctl restart sac-loader";
    const BACK: &str = "rm -rf /run/sac/failpoints; cp -a /root/sac-loader.installed /usr/sbin/sac-loader.new
        mv /usr/sbin/sac-loader.new /usr/sbin/sac-loader; cp /root/audit.yaml /etc/sac/audit.yaml; systemctl restart sac-loader";
    fixture.guest().put(&xtask::dist::loader_with_failpoints()?, "/root/sac-loader.places")?;
    let result = fixture.root(SWAP).context("putting the loader with places in").and_then(|_| test());
    let back = fixture.root(BACK).context("putting the installed loader back");
    result.and(back.map(drop))
}

/// Has something happen at a place, once. The file comes whole, so that nobody reads half of it.
fn arm(fixture: &Fixture, place: Failpoint, action: &str) -> anyhow::Result<()> {
    let file = format!("{DIRECTORY}/{}", place.name());
    let put =
        format!("install -d -m 700 {DIRECTORY}; echo {action} >{DIRECTORY}/.new; mv {DIRECTORY}/.new {file}");
    fixture.root(&put).map(drop)
}

/// The process id of the loader.
fn loader(fixture: &Fixture) -> anyhow::Result<String> {
    Ok(fixture.root("systemctl show -P MainPID sac-loader")?.trim().to_owned())
}

/// Waits until somebody has come to a place and another loader than `old` is there.
fn wait_for_next(fixture: &Fixture, old: &str, place: Option<Failpoint>) -> anyhow::Result<()> {
    let file = place.map_or_else(|| "/nowhere".to_owned(), |place| format!("{DIRECTORY}/{}", place.name()));
    let wait = format!(
        "for _ in $(seq 300); do
            new=$(systemctl show -P MainPID sac-loader)
            [ ! -e {file} ] && [ \"$new\" != 0 ] && [ \"$new\" != {old} ] && systemctl -q is-active sac-loader &&
                timeout 10 sac-loader list-sessions >/dev/null 2>&1 && exit 0
            sleep 0.1
        done
        [ ! -e {file} ] || echo 'nobody came to that place' >&2; rm -f {file}; systemctl status sac-loader >&2; exit 1"
    );
    fixture.root(&wait).map(drop)
}

/// A login that may be broken: whatever becomes of it.
fn login(fixture: &Fixture, user: &str, command: &str) {
    // It may be refused, or be cut off.
    let _whatever = fixture.ssh(user).deadline(LOGIN).run(command);
}

/// The same, without waiting for it.
fn login_meanwhile(fixture: &Fixture, user: &str, command: &str) -> anyhow::Result<Child> {
    let mut ssh = fixture.ssh(user).command(command);
    Ok(ssh.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?)
}

/// Runs command lines of root's, whatever becomes of them.
fn try_as_root(fixture: &Fixture, script: &str) -> anyhow::Result<()> {
    fixture.root_ssh().run(script).map(drop)
}

/// Brings the loader to a place.
fn go_to(fixture: &Fixture, place: Failpoint, old: &str) -> anyhow::Result<()> {
    use Failpoint::*;
    match place {
        SlicePinned => {
            // A slice is new where its user was out.
            let out = "loginctl terminate-user bob 2>/dev/null
                for _ in $(seq 600); do [ -e /sys/fs/cgroup/user.slice/user-$(id -u bob).slice ] || exit 0; sleep 0.1; done; exit 1";
            fixture.root(out).context("bob being out")?;
            login(fixture, "bob", "true");
        }
        LoginAsked | SessionCgroup | SessionCounters | SessionAttached | ScopeByCgroup | ScopeSet
        | ScopeHalfPinned | SessionPinned | RecordWritten | SessionWritten | SessionAnswered
        | ClosingCgroup | ClosingTold | ClosingForgotten | ClosingUnmapped => {
            login(fixture, "bob", "true");
        }
        PolicyFilled | PolicyPublished | PoliciesReplaced | SessionMoved | EverybodyMoved
        | PolicyWithdrawn => try_as_root(fixture, CHANGE)?,
        // In one of two directions.
        ScopeOpening | MachineJudging => try_as_root(fixture, &format!("{CHANGE}\n{CHANGE}"))?,
        GrantWritten | GrantGiven => try_as_root(fixture, GRANT)?,
        GrantRevoked => try_as_root(fixture, &format!("{GRANT}\n{REVOKE}"))?,
        StrikesOut | SessionControlled => login(fixture, "carol", STRIKE),
        StartLoaded | StartMachine | StartAnchor | StartAdopted | StartCleared | StartReady | RecordSave => {
            try_as_root(fixture, &format!("kill -9 {old}"))?;
        }
        RecordRotate | RecordRotated => login(fixture, "bob", FILL),
        // Alice's attempts bring it there.
        EventsRead | RecordBefore | RecordAfter => {}
    }
    Ok(())
}

/// Kills the loader at a moment that nobody chose, while somebody comes, policies change and grants are given.
fn kill_by_chance(fixture: &Fixture, old: &str, chance: &mut Chance) -> anyhow::Result<()> {
    let mut coming = login_meanwhile(fixture, "bob", "true")?;
    let ms = chance.below(3000);
    let script =
        format!("({CHANGE}; {GRANT}; {REVOKE}) & sleep {}.{:03}; kill -9 {old}; wait", ms / 1000, ms % 1000);
    let killed = try_as_root(fixture, &script);
    let ended = wait_until("the end of a login", LOGIN, || Ok(coming.try_wait()?.map(drop)));
    if ended.is_err() {
        coming.kill()?;
        coming.wait()?;
    }
    killed.with_context(|| format!("killed after {ms} ms"))
}

/// Sessions that stay, as they were when they began.
struct Held {
    sessions: Vec<Value>,
    _stays: Vec<Stay>,
}

impl Held {
    fn begin(fixture: &Fixture) -> anyhow::Result<Self> {
        let stays =
            vec![fixture.stay_running("alice", TRYING)?, fixture.stay_running("dave", "exec sleep 7200")?];
        tried_further(fixture, 2)?;
        let sessions = vec![fixture.session_of("alice")?, fixture.session_of("dave")?];
        fixture.root(STANDING)?;
        Ok(Self { sessions, _stays: stays })
    }

    /// Nothing that was denied ran, and each of them is the same session still, under the same policy; counters only grow, and the grant
    /// that holds is there.
    fn check(&mut self, fixture: &Fixture) -> anyhow::Result<()> {
        equal(lines(fixture, "ran")?, 0, "how often df ran")?;
        let now = fixture.sessions()?;
        for before in &mut self.sessions {
            let after = now.iter().find(|session| session["id"] == before["id"]);
            let after = after.with_context(|| format!("{before} is not among {now:?}"))?;
            for key in ["policy", "user", "groups", "service", "from", "since", "cgroup"] {
                equal(&after[key], &before[key], key)?;
            }
            for name in ["executed", "blocked"] {
                let (was, is) = (counter(before, name)?, counter(after, name)?);
                ensure!(is >= was, "{name} went back from {was} to {is}");
            }
            before.clone_from(after);
        }
        let grants = fixture.root("sac-loader grants")?;
        equal(grants.matches("/usr/bin/lsblk").count(), 1, &format!("grants that hold in\n{grants}"))
    }
}

/// How many kills there are in this run.
fn kills() -> anyhow::Result<usize> {
    match env::var(KILLS) {
        Ok(kills) => kills.parse().context(KILLS),
        Err(_unset) if crate::is_thorough() => Ok(KILLS_THOROUGH),
        Err(_unset) => Ok(KILLS_USUALLY),
    }
}

/// Promise: `kill -9` of the loader, wherever it is just then, loosens nothing and loses no session, policy, grant or counter; what had begun is
/// either there or not there, and nothing of it stays; the record is whole.
fn killed_at_every_step(fixture: &Fixture) -> anyhow::Result<()> {
    let mut chance = Chance::new()?;
    let seed = chance.seed();
    with_places(fixture, || storm(fixture, &mut chance).with_context(|| format!("with {SEED}={seed}")))
}

fn storm(fixture: &Fixture, chance: &mut Chance) -> anyhow::Result<()> {
    fixture.policies(&POLICIES)?;
    let mut held = Held::begin(fixture)?;
    let first = usize::try_from(chance.below(Failpoint::ALL.len() as u64))?;
    let mut places = Failpoint::ALL.iter().cycle().skip(first);
    for number in 1..=kills()? {
        let old = loader(fixture)?;
        let place = if number % BY_CHANCE == 0 { None } else { places.next().copied() };
        let what =
            || format!("kill {number}, {}", place.map_or("at a moment that nobody chose", Failpoint::name));
        match place {
            Some(place) => {
                arm(fixture, place, "kill")?;
                go_to(fixture, place, &old).with_context(what)?;
            }
            None => kill_by_chance(fixture, &old, chance).with_context(what)?,
        }
        wait_for_next(fixture, &old, place).with_context(what)?;
        held.check(fixture).with_context(what)?;
    }
    // Policies can be changed still, and the grant that holds is one.
    fixture.root(CHANGE)?;
    tried_further(fixture, 3)?;
    held.check(fixture)?;
    let of_grant = fixture.run("alice", "lsblk >/dev/null; echo lsblk=$?")?;
    ensure!(of_grant.stdout.contains("lsblk="), "{of_grant:?}");
    lacks(&of_grant.stdout, "lsblk=126").context("lsblk of alice, who has a grant")?;
    let (tried, alice) = (lines(fixture, "tried")?, fixture.sessions()?);
    let alice = alice.iter().find(|session| session["id"] == held.sessions[0]["id"]).context("alice")?;
    let blocked = counter(alice, "blocked")?;
    ensure!(blocked >= tried, "{blocked} of {tried} attempts or more were counted");
    drop(held);
    nothing_is_left(fixture)
}

/// When all are out nothing stays of anybody, neither in cgroupfs nor in bpffs nor in /run, and the record is whole.
fn nothing_is_left(fixture: &Fixture) -> anyhow::Result<()> {
    fixture.root(
        // logind ends no session that it takes for closing already.
        "for cgroup in $(find /sys/fs/cgroup -type d -name 'sac-*' ! -name sac-anchor ! -name 'sac-loader*'); do
            { echo 1 >$cgroup/cgroup.kill; } 2>/dev/null || true
        done
        for user in alice bob carol dave; do loginctl terminate-user $user 2>/dev/null || true; done",
    )?;
    fixture.nothing_stays()?;
    // What is of slices stays for as long as their users' managers do.
    const LEFT: &str = "ls -A /run/sac/sessions; cd /sys/fs/bpf/sac/v*/scopes; for id in *; do
        [ ! -d $id ] || find /sys/fs/cgroup -type d -inum $id | grep -q . || echo scope $id; done";
    let mut left = String::new();
    let nothing = wait_until("the end of all that is of sessions", Duration::from_secs(150), || {
        left = fixture.root_ssh().run(LEFT)?.stdout;
        Ok(left.trim().is_empty().then_some(()))
    });
    nothing.with_context(|| format!("something stays:\n{left}"))?;
    fixture.root("sac-loader audit verify").map(drop).context("verifying the record")
}

/// Promise: what a loader has read of the kernel half and not written down when it is killed, the next one records, and nothing twice.
fn what_was_read_is_recorded(fixture: &Fixture) -> anyhow::Result<()> {
    const EXECUTIONS: usize = 3000;
    with_places(fixture, || {
        fixture.policies(&[(
            "everything",
            "policy: everything\naudit: full\napplies_to: everyone\nprograms:\n  deny:\n    - /usr/bin/df\n",
        )])?;
        let marked = || -> anyhow::Result<Vec<usize>> {
            let number = |record: &Value| {
                let is_executed = record["event"] == "executed";
                let mark = record["arguments"][1].as_str()?.strip_prefix("mark-")?;
                is_executed.then(|| mark.parse().ok()).flatten()
            };
            Ok(records(fixture)?.iter().filter_map(number).collect())
        };
        let work = format!("for n in $(seq {EXECUTIONS}); do /usr/bin/true mark-$n; done");
        let mut alice = login_meanwhile(fixture, "alice", &work)?;
        let wait = Duration::from_secs(120);
        wait_until("the first record", wait, || Ok((!marked()?.is_empty()).then_some(())))?;
        for _ in 0..3 {
            let old = loader(fixture)?;
            arm(fixture, Failpoint::EventsRead, "kill")?;
            wait_for_next(fixture, &old, Some(Failpoint::EventsRead))?;
        }
        ensure!(alice.try_wait()?.is_none(), "alice has ended before the last kill");
        ensure!(alice.wait()?.success(), "alice's work failed");
        let all: Vec<_> = (1..=EXECUTIONS).collect();
        wait_until("the last record", wait, || Ok(marked()?.contains(&EXECUTIONS).then_some(())))?;
        equal(marked()?, all, "the marks of what was executed")
    })
}

/// Promise: what is installed has no places where it could be told to end.
fn what_is_installed_has_no_places(fixture: &Fixture) -> anyhow::Result<()> {
    let has = |file: &str| fixture.root(&format!("grep -c -a {DIRECTORY} {file} || true"));
    equal(has("/usr/sbin/sac-loader")?.trim(), "0", "lines with the name of the directory of places")?;
    let alice = fixture.run("alice", "true")?;
    arm(fixture, Failpoint::LoginAsked, "kill")?;
    let again = fixture.run("alice", "true");
    let left = fixture.root(&format!("ls {DIRECTORY}; rm -r {DIRECTORY}"))?;
    equal(left.trim(), Failpoint::LoginAsked.name(), "what nobody has taken")?;
    equal((alice.status, again?.status), (0, 0), "logins")?;
    // Negative control: the loader for tests has them.
    fixture.guest().put(&xtask::dist::loader_with_failpoints()?, "/root/sac-loader.places")?;
    ensure!(has("/root/sac-loader.places")?.trim() != "0", "the loader for tests has no places either");
    Ok(())
}

/// Promise: a login that cannot be written down, or not be put under a policy whole, is refused with its reason, and nothing of it stays; the
/// next one opens.
fn errors_are_undone(fixture: &Fixture) -> anyhow::Result<()> {
    with_places(fixture, || {
        for (place, reason) in [
            (Failpoint::RecordWritten, "cannot write down in /run/sac who is in"),
            (Failpoint::ScopeHalfPinned, "cannot prepare bpffs"),
        ] {
            // The slice first, so that it is the session that fails.
            let stay = fixture.stay("bob")?;
            arm(fixture, place, "error")?;
            let begin = fixture.root("date +%s")?;
            let refused = fixture.run("bob", "echo in")?;
            lacks(&refused.stdout, "in\n")?;
            let log = fixture.root(&format!(
                "journalctl --sync; journalctl -u sac-loader -o cat --no-pager --since @{}",
                begin.trim()
            ))?;
            ensure!(
                log.lines()
                    .any(|line| line.contains("login of bob by sshd refused") && line.contains(reason)),
                "nothing says {reason:?}:\n{log}"
            );
            equal(fixture.run("bob", "echo in")?.stdout.as_str(), "in\n", "the next login")?;
            fixture.root("loginctl terminate-user bob")?;
            drop(stay);
            fixture.nothing_stays()?;
        }
        nothing_is_left(fixture)
    })
}

/// Promise: a thread of the loader's that panics does not leave half a loader behind: a whole one takes over, and nothing denied runs.
fn a_panic_is_a_restart(fixture: &Fixture) -> anyhow::Result<()> {
    with_places(fixture, || {
        let mut held = Held::begin(fixture)?;
        let old = loader(fixture)?;
        arm(fixture, Failpoint::EventsRead, "panic")?;
        wait_for_next(fixture, &old, Some(Failpoint::EventsRead))?;
        held.check(fixture)?;
        // A login's own thread is nobody else's: the login is refused, and the loader is the same. He is in already, so that it is this login
        // that comes to the place and not his user manager.
        let _bob = fixture.stay_running("bob", "exec sleep 7200")?;
        let old = loader(fixture)?;
        arm(fixture, Failpoint::LoginAsked, "panic")?;
        lacks(&fixture.run("bob", "echo in")?.stdout, "in\n")?;
        equal(loader(fixture)?, old, "the loader after a login's thread has panicked")?;
        equal(fixture.run("bob", "echo in")?.stdout.as_str(), "in\n", "the next login")?;
        tried_further(fixture, 3)?;
        held.check(fixture)
    })
}
