// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a user without root's rights can try: each technique works without the policy, and none works under it. `docs/threats.md`
//! lists them with what stops them, and those that nothing stops.

mod table;

use crate::{Test, fixture::Fixture};
use anyhow::{Context as _, anyhow, ensure};
use std::{collections::BTreeSet, fmt::Write as _, iter, thread, time::Duration};
use xtask::guest::{Kernel, Ssh};

pub(crate) const TESTS: &[Test] = &[("corpus", corpus), ("still_open", still_open)];

/// Who is under the policy, and who is under none.
const CONFINED: &str = "alice";
const FREE: &str = "bob";

/// How long all techniques together may take for one person.
const ALL: Duration = Duration::from_secs(900);

/// Fewer techniques than this that work without the policy would not say much about it.
const ENOUGH: usize = 300;

/// A way to do what the policy denies.
pub(crate) struct Technique {
    /// What it is called, here and in `docs/threats.md`.
    name: &'static str,
    /// What stops it.
    stop: Stop,
    /// A shell snippet. It has worked if it prints what df prints first, or has changed what has to stay.
    how: &'static str,
    /// Why it may fail without the policy as well.
    unless: Option<&'static str>,
}

/// A technique that works everywhere without the policy.
const fn by(name: &'static str, stop: Stop, how: &'static str) -> Technique {
    Technique { name, stop, how, unless: None }
}

impl Technique {
    /// The technique, where it may fail without the policy as well.
    const fn unless(self, reason: &'static str) -> Self {
        Self { unless: Some(reason), ..self }
    }

    /// Its row in `docs/threats.md`.
    fn row(&self) -> String {
        let unless = self.unless.map(|reason| format!(" (not everywhere: {reason})")).unwrap_or_default();
        let test = if matches!(self.stop, Stop::Nothing) { "still_open" } else { "corpus" };
        format!("| {}{unless} | {} | `threats::{test}` |", self.name, self.stop.as_str())
    }
}

/// What stops a technique.
#[derive(Clone, Copy)]
enum Stop {
    Inode,
    Untrusted,
    Mapping,
    Memory,
    Outside,
    File,
    Connection,
    /// It works under the policy.
    Nothing,
}

impl Stop {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Inode => "the file is denied, whoever calls it by whatever name",
            Self::Untrusted => "`untrusted: deny`",
            Self::Mapping => "mapping a program to run it is judged as executing it",
            Self::Memory => "`execmem: deny`",
            Self::Outside => "the user's slice, or a session of its own, is under the policy",
            Self::File => "the operation on the file is judged",
            Self::Connection => "the connection is judged",
            Self::Nothing => "nothing",
        }
    }
}

/// The table of `docs/threats.md`, as its lines: a heading for each group, and a row for each technique.
pub(crate) fn lines() -> impl Iterator<Item = String> {
    let groups = table::GROUPS.iter().copied().chain([("What nothing stops", table::OPEN)]);
    groups
        .flat_map(|(title, group)| iter::once(format!("### {title}")).chain(group.iter().map(Technique::row)))
}

fn techniques() -> impl Iterator<Item = &'static Technique> {
    table::GROUPS.iter().flat_map(|(_, group)| group.iter())
}

const POLICY: &str = "policy: confined
applies_to: {users: [alice]}
action: deny
programs:
  untrusted: deny
  execmem: deny
  deny:
    - {path: /usr/bin/df, action: kill}
files:
  deny:
    - {tree: /srv/e2e/alice/kept, operations: [delete, rename, write, create]}
    - {tree: /srv/e2e/alice/secret, operations: [read]}
connections:
  deny:
    - {to: 0.0.0.0/0, ports: [7070]}
    - {to: '::/0', ports: [7070]}
";

/// Makes what techniques are about, as root: `COUNT` places for each person, files of others, the service to connect to, and a list of
/// what has to stay.
const PREPARE: &str = r"systemctl is-active cron atd >/dev/null || systemctl start cron atd
systemctl stop e2e-server 2>/dev/null; rm -rf /srv/e2e; mkdir -p /srv/e2e/open; cd /srv/e2e/open
install -o carol -m 755 /usr/bin/df of-carol; install -m 777 /dev/null writable-alice; install -m 777 /dev/null writable-bob; chmod 777 .
for user in alice bob; do
    mkdir /srv/e2e/$user; cd /srv/e2e/$user
    mkdir -p {kept/{0..COUNT}/{dir,empty},secret/{0..COUNT}}
    for n in {0..COUNT}; do
        echo kept >kept/$n/file; echo kept >kept/$n/dir/inner; echo 'Filesystem     1K-blocks' >secret/$n/file
    done
    chown -R $user: .
done
systemd-run --quiet --collect --unit e2e-server python3 /run/e2e-server.py 7070
for i in {1..200}; do (exec 3<>/dev/tcp/127.0.0.1/7070) 2>/dev/null && break; sleep 0.1; done
";

/// What of the places has to stay, one line for each fact, which begins with the place's number.
const LIST: &str = "list() { cd /srv/e2e/$1/kept && { find . -mindepth 1 -printf '%P/ %y %m %n %s %l\\n'; grep -r '' . | sed 's#^./##'; } | sort; }
";

/// The functions that a session has its techniques run by.
const HARNESS: &str = r#"python3 own.py
ssh-keygen -q -t ed25519 -N '' -C e2e-corpus -f key; cat key.pub >>~/.ssh/authorized_keys
export KIT=$PWD PORT=7070 TERM=vt100 SESSION=$$
export SELF="ssh -F none -i $PWD/key -o IdentitiesOnly=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR"
technique() {
    mkdir -p ~/e2e/t/$1; cd ~/e2e/t/$1; cat >how
    KEPT=/srv/e2e/$USER/kept/$1 SECRET=/srv/e2e/$USER/secret/$1 JOB="/usr/bin/df / >>$PWD/out 2>&1; touch $PWD/done" \
        timeout -k 1 90 bash how </dev/null >>out 2>&1
}
"#;

/// Waits for what others do for the session. cron looks for new jobs once in a minute.
const WAIT: &str = "for pending in ~/e2e/t/*/pending; do
    [ -e \"$pending\" ] || continue
    until [ -e \"${pending%/*}/done\" ] || [ $SECONDS -gt 240 ]; do sleep 1; done
done
echo all tried
";

/// Says which techniques have worked, by `PERSON NUMBER`.
const FIND: &str = r#"for user in alice bob; do
    for late in /home/$user/e2e/t/*/late; do
        [ -e "$late" ] || continue
        for i in {1..60}; do [ -e "${late%/*}/done" ] && break; sleep 0.5; done
    done
    cd /home/$user/e2e/t 2>/dev/null || continue
    grep -lE 'Filesystem +1K-blocks' */out | sed "s#^#$user #; s#/out##"
    list $user | diff /run/e2e-$user - | sed -n "s#^[<>] \([0-9]*\)/.*#$user \1#p" | sort -u
done
"#;

/// Takes away what techniques have left where no test looks.
const CLEAN: &str = "systemctl stop e2e-server; rm -rf /srv/e2e /run/e2e-*
for user in alice bob; do
    crontab -u $user -r 2>/dev/null; sed -i /e2e-corpus/d /home/$user/.ssh/authorized_keys
    rm -f /home/$user/.local/share/dbus-1/services/org.example.E2e.service /run/user/$(id -u $user)/systemd/user/e2e-*
done
true";

/// The programs that techniques use.
const KIT: [(&str, &str); 3] = [
    ("own.py", include_str!("threats/own.py")),
    ("loader.py", include_str!("threats/loader.py")),
    ("tracer.py", include_str!("threats/tracer.py")),
];

/// All that a session does to try these.
fn script(techniques: impl Iterator<Item = &'static Technique>) -> anyhow::Result<String> {
    let mut script = "mkdir -p ~/e2e/kit ~/e2e/t; cd ~/e2e/kit\n".to_owned();
    for (name, content) in KIT {
        writeln!(script, "cat >{name} <<'END_OF_FILE'\n{content}\nEND_OF_FILE")?;
    }
    script.push_str(HARNESS);
    for (number, technique) in techniques.enumerate() {
        writeln!(script, "technique {number} <<'END_OF_TECHNIQUE'\n{}\nEND_OF_TECHNIQUE", technique.how)?;
    }
    script.push_str(WAIT);
    Ok(script)
}

/// Promise: of everything here that works for somebody under no policy, nothing works for somebody under it. That it works is tried on the
/// newest kernel; it takes as long as the rest.
fn corpus(fixture: &Fixture) -> anyhow::Result<()> {
    prepare(fixture)?;
    let judged = try_all(fixture).and_then(|()| judge(fixture));
    fixture.root(CLEAN)?;
    judged
}

fn prepare(fixture: &Fixture) -> anyhow::Result<()> {
    let last = techniques().count().saturating_sub(1).to_string();
    let server = include_str!("threats/server.py");
    fixture.root_ssh().stdin(server).run("cat >/run/e2e-server.py")?.success()?;
    let lists = "for user in alice bob; do list $user >/run/e2e-$user; done\n";
    let prepare = [&PREPARE.replace("COUNT", &last), LIST, lists].concat();
    fixture.root_ssh().stdin(prepare).run("bash -s")?.success().context("preparing the places")?;
    fixture.policies(&[("confined", POLICY), ("default", "policy: default\napplies_to: everyone\n")])
}

fn has_control(fixture: &Fixture) -> bool {
    crate::is_thorough() || Kernel::all().last() == Some(&fixture.guest().kernel())
}

/// Has both people try everything, at the same time.
fn try_all(fixture: &Fixture) -> anyhow::Result<()> {
    let script = script(techniques())?;
    if !has_control(fixture) {
        return run(&session(fixture, CONFINED, &script));
    }
    let (confined, free) = (session(fixture, CONFINED, &script), session(fixture, FREE, &script));
    let (confined, free) = thread::scope(|scope| {
        let confined = scope.spawn(|| run(&confined));
        let free = run(&free);
        let confined = confined.join().map_err(|_panic| anyhow!("a session's thread panicked"));
        (confined.and_then(|result| result), free)
    });
    confined.context(CONFINED).and(free.context(FREE))
}

fn session(fixture: &Fixture, user: &str, script: &str) -> Ssh {
    fixture.ssh(user).stdin(script).deadline(ALL)
}

/// Runs the script of a session.
fn run(session: &Ssh) -> anyhow::Result<()> {
    let output = session.run("bash -s")?;
    ensure!(output.stdout.contains("all tried"), "a session did not try everything: {output:?}");
    Ok(())
}

/// What has worked, as `PERSON NUMBER`.
fn worked(fixture: &Fixture) -> anyhow::Result<BTreeSet<String>> {
    let found = fixture.root_ssh().stdin([LIST, FIND].concat()).run("bash -s")?.success()?;
    Ok(found.lines().map(str::to_owned).collect())
}

/// The end of what a technique has printed.
fn printed(fixture: &Fixture, user: &str, number: usize) -> anyhow::Result<String> {
    fixture.root(&format!("tail -c 300 /home/{user}/e2e/t/{number}/out 2>/dev/null || true"))
}

/// Finds out what has worked for whom, and whether it should have.
fn judge(fixture: &Fixture) -> anyhow::Result<()> {
    let (worked, has_control) = (worked(fixture)?, has_control(fixture));
    let mut wrong = String::new();
    let mut count = 0;
    for (number, technique) in techniques().enumerate() {
        let has_worked = |user: &str| worked.contains(&format!("{user} {number}"));
        count += usize::from(has_worked(FREE));
        let (user, what) = match (has_worked(CONFINED), has_worked(FREE), technique.unless) {
            (true, _, _) => (CONFINED, "works under the policy"),
            (false, false, None) if has_control => (FREE, "does not work without the policy either"),
            _ => continue,
        };
        writeln!(wrong, "“{}” {what}: {:?}", technique.name, printed(fixture, user, number)?)?;
    }
    ensure!(wrong.is_empty(), "{wrong}");
    ensure!(count >= ENOUGH || !has_control, "only {count} techniques work without the policy");
    Ok(())
}

/// What `docs/threats.md` says that nothing stops: whoever stops one of them has to say so there.
fn still_open(fixture: &Fixture) -> anyhow::Result<()> {
    prepare(fixture)?;
    let script = script(table::OPEN.iter())?;
    let worked = run(&session(fixture, CONFINED, &script)).and_then(|()| worked(fixture));
    let mut stopped = String::new();
    for (number, technique) in table::OPEN.iter().enumerate() {
        let works = worked.as_ref().is_ok_and(|worked| worked.contains(&format!("{CONFINED} {number}")));
        if !works && technique.unless.is_none() {
            let printed = printed(fixture, CONFINED, number)?;
            writeln!(stopped, "“{}” does not work any more: {printed:?}", technique.name)?;
        }
    }
    fixture.root(CLEAN)?;
    worked?;
    ensure!(stopped.is_empty(), "{stopped}");
    Ok(())
}
