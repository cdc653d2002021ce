// SPDX-License-Identifier: MIT OR Apache-2.0
//! The record: what is in it is what happened, in order, and it shows whether it is whole.

use crate::{
    Test,
    dialogue::Dialogue,
    fixture::{Fixture, equal},
};
use anyhow::{Context as _, bail, ensure};
use serde_json::Value;
use std::time::Duration;
use xtask::guest::{Kernel, wait_until};

pub(crate) const TESTS: &[Test] = &[
    ("session", session),
    ("what_was_executed", what_was_executed),
    ("environment", environment),
    ("policies_and_logins", policies_and_logins),
    ("chain", chain),
    ("while_the_loader_is_down", while_the_loader_is_down),
    ("thousands_of_executions", thousands_of_executions),
    ("strict", strict),
    ("strict_outside_of_the_cgroup", strict_outside_of_the_cgroup),
    ("outside_of_the_cgroup", outside_of_the_cgroup),
    ("who_reads", who_reads),
];

/// What executes, and writes down what it did.
const EXECUTE: &str = include_str!("record/execute.py");
/// What compares that with the record.
const COMPARE: &str = include_str!("record/compare.py");

/// All records in the guest, in order.
pub(crate) fn records(fixture: &Fixture) -> anyhow::Result<Vec<Value>> {
    let text = fixture.root("cat /var/log/sac/*.jsonl")?;
    text.lines().map(|line| serde_json::from_str(line).with_context(|| line.to_owned())).collect()
}

/// Those of a session, when the last of them is there.
fn records_of(fixture: &Fixture, id: &str, last: &str) -> anyhow::Result<Vec<Value>> {
    wait_until("the last record of the session", Duration::from_secs(30), || {
        let mut records = records(fixture)?;
        records.retain(|record| record["session"]["id"] == id);
        Ok(records.iter().any(|record| record["event"] == last).then_some(records))
    })
}

/// Logs `user` in, does each line, logs out, and gives the session's id and the statuses.
fn session_with(fixture: &Fixture, user: &str, lines: &[&str]) -> anyhow::Result<(String, Vec<i32>)> {
    let mut shell = Dialogue::shell(&fixture.ssh(user))?;
    let id = fixture.session_of(user)?["id"].as_str().context("a session without an id")?.to_owned();
    let run = |(number, line): (usize, &&str)| shell.status(&format!("line-{number}"), line);
    let statuses = lines.iter().enumerate().map(run).collect::<anyhow::Result<_>>()?;
    shell.end()?;
    Ok((id, statuses))
}

/// The one record that is wanted.
fn only<'r>(records: &'r [Value], what: &str, is_it: impl Fn(&Value) -> bool) -> anyhow::Result<&'r Value> {
    let found: Vec<_> = records.iter().filter(|record| is_it(record)).collect();
    match found.as_slice() {
        [only] => Ok(only),
        found => bail!("{what}: {} records instead of one\n{records:#?}", found.len()),
    }
}

/// Promise: a session's records begin with its opening, end with its totals, have numbers without a gap, and name whose it is and where
/// from in each.
fn session(fixture: &Fixture) -> anyhow::Result<()> {
    let (id, statuses) = session_with(fixture, "alice", &["id -un", "df", "sh -c 'exit 7'"])?;
    equal(statuses, vec![0, 137, 7], "the statuses")?;
    let records = records_of(fixture, &id, "session-closed")?;
    let sequences: Vec<_> =
        records.iter().filter_map(|record| record["session"]["sequence"].as_u64()).collect();
    equal(sequences, (1..=records.len() as u64).collect(), "the numbers in the session")?;
    let uid: u64 = fixture.root("id -u alice")?.trim().parse()?;
    for record in &records {
        let session = &record["session"];
        ensure!(
            session["user"] == "alice" && session["uid"] == uid && session["service"] == "sshd",
            "{record:#}"
        );
        ensure!(session["from"].as_str().is_some_and(|from| !from.is_empty()), "{record:#}");
        ensure!(session["login_uid"] == uid && session["audit_session"].is_u64(), "{record:#}");
    }
    let (first, last) = (&records[0], &records[records.len() - 1]);
    ensure!(first["event"] == "session-opened" && first["policies"][0] == "developers", "{first:#}");
    ensure!(last["event"] == "session-closed", "{last:#}");
    let executed = records.iter().filter(|record| record["event"] == "executed").count();
    let blocked = records.iter().filter(|record| record["event"] == "blocked").count();
    ensure!(last["totals"]["blocked"] == blocked && blocked == 1, "{last:#}\n{blocked} blocked");
    ensure!(last["totals"]["events_lost"] == 0, "{last:#}");
    ensure!(executed > 0, "{records:#?}");
    // Whatever began has ended, and each is told of once.
    let count = |event: &str, pid: &Value| {
        records.iter().filter(|record| record["event"] == event && record["pid"] == *pid).count()
    };
    for forked in records.iter().filter(|record| record["event"] == "forked") {
        equal(count("forked", &forked["pid"]), 1, &format!("the begins of {}", forked["pid"]))?;
        equal(count("ended", &forked["pid"]), 1, &format!("the ends of {}", forked["pid"]))?;
    }
    Ok(())
}

/// Promise: of what is executed the record has what was typed, what it was, with which arguments, where, and what became of it.
fn what_was_executed(fixture: &Fixture) -> anyhow::Result<()> {
    let long = "x".repeat(5000);
    let lines = [
        "cd /usr/share && /usr/bin/env -i /usr/bin/printf '%s\\n' 'a b' '' $'tab\\tnewline\\n'; cd",
        "ln -s /usr/bin/df ~/e2e/link; ~/e2e/link -h /",
        "printf '#!/bin/sh\\nexit 3\\n' >~/e2e/script; chmod +x ~/e2e/script; ~/e2e/script one two",
        &format!("/usr/bin/true {long}"),
        "sh -c 'kill -TERM $$'",
    ];
    let (id, statuses) = session_with(fixture, "alice", &lines)?;
    equal(statuses, vec![0, 137, 3, 0, 143], "the statuses")?;
    let records = records_of(fixture, &id, "session-closed")?;
    let is =
        |record: &Value, event: &str, path: &str| record["event"] == event && record["file"]["path"] == path;

    let printf = only(&records, "printf", |record| is(record, "executed", "/usr/bin/printf"))?;
    equal(
        &printf["arguments"],
        &serde_json::json!(["/usr/bin/printf", "%s\\n", "a b", "", "tab\tnewline\n"]),
        "printf",
    )?;
    ensure!(printf["process"]["cwd"] == "/usr/share" && printf["typed"] == "/usr/bin/printf", "{printf:#}");
    ensure!(
        printf["verdict"]["action"] == "allow" && printf["verdict"]["policy"] == "developers",
        "{printf:#}"
    );
    let inode: u64 = fixture.root("stat -c %i /usr/bin/printf")?.trim().parse()?;
    equal(&printf["file"]["inode"], &Value::from(inode), "the inode of printf")?;

    let df = only(&records, "df", |record| is(record, "blocked", "/usr/bin/df"))?;
    equal(&df["arguments"], &serde_json::json!(["/home/alice/e2e/link", "-h", "/"]), "the arguments of df")?;
    ensure!(df["typed"] == "/home/alice/e2e/link" && df["arguments_of_caller"] == true, "{df:#}");
    ensure!(df["verdict"]["action"] == "kill", "{df:#}");
    ensure!(df["verdict"]["rule"] == "/etc/sac/policies/developers.yaml:6", "{df:#}");

    let script = only(&records, "the script", |record| {
        record["event"] == "executed" && record["typed"] == "/home/alice/e2e/script"
    })?;
    ensure!(script["arguments"][2] == "one" && script["interpreter"] == "/bin/sh", "{script:#}");
    let pid = &script["process"]["pid"];
    let end =
        only(&records, "the script's end", |record| record["event"] == "ended" && record["pid"] == *pid)?;
    ensure!(end["code"] == 3 && end["run_time_ns"].as_u64().is_some_and(|time| time > 0), "{end:#}");

    let cut = only(&records, "the long argument", |record| is(record, "executed", "/usr/bin/true"))?;
    ensure!(
        cut["arguments_cut"] == true && cut["arguments"][1].as_str().is_some_and(|text| text.len() > 4000),
        "{cut:#}"
    );
    only(&records, "what was ended by a signal", |record| {
        record["event"] == "ended" && record["signal"] == 15
    })?;
    Ok(())
}

/// Promise: the variables that the policy asks for are recorded and no others, and secrets are not.
fn environment(fixture: &Fixture) -> anyhow::Result<()> {
    let policy = "policy: developers\napplies_to: {groups: [developers]}\nenvironment: [COLOUR, API_TOKEN]\n";
    fixture.policies(&[("developers", policy), ("default", "policy: default\napplies_to: everyone\n")])?;
    let lines = ["COLOUR=blue OTHER=secret-other /usr/bin/true --password=secret-typed"];
    let (id, _) = session_with(fixture, "alice", &lines)?;
    let records = records_of(fixture, &id, "session-closed")?;
    let of_true = only(&records, "true", |record| record["file"]["path"] == "/usr/bin/true")?;
    equal(&of_true["environment"], &serde_json::json!({"COLOUR": "blue"}), "the environment")?;
    let all = fixture.root("cat /var/log/sac/*.jsonl")?;
    ensure!(
        !all.contains("secret-typed") && !all.contains("secret-other"),
        "a secret is in the record: {of_true:#}"
    );
    Ok(())
}

/// Promise: policies that come or are refused, logins that are refused, grants, and what administrators do are in the record.
fn policies_and_logins(fixture: &Fixture) -> anyhow::Result<()> {
    fixture.root(
        "sac-loader grant --user alice --exec /usr/bin/df --for 1m --reason 'a test' &&
            sac-loader revoke $(sac-loader grants | awk 'END { print $1 }')",
    )?;
    fixture.root("echo 'policy: [' >/etc/sac/policies/broken.yaml; sac-loader reload || true; rm /etc/sac/policies/broken.yaml")?;
    let refuse = "policy: default\napplies_to: everyone\nlogins: refuse\n";
    fixture.policies(&[("default", refuse)])?;
    let refused = fixture.run("carol", "true")?;
    ensure!(refused.status != 0, "carol is in");
    let wanted =
        ["policy-loaded", "policy-refused", "session-refused", "granted", "grant-ended", "loader-started"];
    wait_until("the records", Duration::from_secs(30), || {
        let records = records(fixture)?;
        Ok(wanted.iter().all(|event| records.iter().any(|record| record["event"] == *event)).then_some(()))
    })?;
    let records = records(fixture)?;
    let says_where = |record: &Value| {
        let place = "/etc/sac/policies/broken.yaml:1: SAC005: ";
        record["event"] == "policy-refused"
            && record["reason"].as_str().is_some_and(|reason| reason.contains(place))
    };
    ensure!(records.iter().any(says_where), "nothing says where the policies are faulty");
    let refusal =
        records.iter().rev().find(|record| record["event"] == "session-refused").context("no refusal")?;
    ensure!(refusal["user"] == "carol" && refusal["service"] == "sshd", "{refusal:#}");
    Ok(())
}

/// Promise: each record has the digest of the one before, and whoever knows SHA-256 can see whether it is so.
fn chain(fixture: &Fixture) -> anyhow::Result<()> {
    const VERIFY: &str = "import glob, hashlib, json
previous, number = '0' * 64, 0
for name in sorted(glob.glob('/var/log/sac/*.jsonl')):
    for line in open(name, 'rb'):
        record = json.loads(line)
        number += 1
        assert record['number'] == number, (name, record['number'], number)
        assert record['previous'] == previous, (name, number)
        previous = hashlib.sha256(line.rstrip(b'\\n')).hexdigest()
print('whole up to', number)
";
    session_with(fixture, "alice", &["id"])?;
    fixture.root("systemctl restart sac-loader")?;
    session_with(fixture, "alice", &["id"])?;
    let verified = fixture.root_ssh().stdin(VERIFY).run("python3 -")?.success()?;
    ensure!(verified.starts_with("whole up to"), "{verified}");
    equal(fixture.root("stat -c '%a %U %G' /var/log/sac")?.trim(), "750 root sac-audit", "the directory")?;
    let modes = fixture.root("stat -c '%a %U %G' /var/log/sac/*.jsonl | sort -u")?;
    equal(modes.trim(), "640 root sac-audit", "the files")
}

/// Promise: what happens while the loader is down is recorded when it is back.
fn while_the_loader_is_down(fixture: &Fixture) -> anyhow::Result<()> {
    let mut shell = Dialogue::shell(&fixture.ssh("alice"))?;
    let id = fixture.session_of("alice")?["id"].as_str().context("no id")?.to_owned();
    fixture.root("systemctl stop sac-loader")?;
    equal(shell.status("id", "id meanwhile 2>/dev/null; df; true")?, 0, "commands while the loader is down")?;
    fixture.root("systemctl start sac-loader")?;
    shell.end()?;
    let records = records_of(fixture, &id, "session-closed")?;
    only(&records, "id", |record| record["event"] == "executed" && record["arguments"][1] == "meanwhile")?;
    only(&records, "df", |record| record["event"] == "blocked")?;
    only(&records, "the adoption", |record| record["event"] == "session-adopted")?;
    Ok(())
}

/// Promise: of thousands of executions, several at a time, none is missing, none is invented, arguments are what they were, and those of a
/// process come in their order; each process's beginning and end is there.
fn thousands_of_executions(fixture: &Fixture) -> anyhow::Result<()> {
    for (name, program) in [("execute", EXECUTE), ("compare", COMPARE)] {
        fixture.root_ssh().stdin(program).run(&format!("cat > /srv/e2e-{name}.py"))?.success()?;
    }
    // Ten thousand take four minutes on an emulated machine.
    let count = match fixture.guest().kernel() {
        Kernel::V6_12 if crate::is_thorough() => 10_000,
        _ => 1000,
    };
    let mut shell = Dialogue::shell(&fixture.ssh("alice"))?;
    let id = fixture.session_of("alice")?["id"].as_str().context("no id")?.to_owned();
    let line = format!("timeout 400 python3 /srv/e2e-execute.py {count} ~/e2e/did");
    equal(shell.status_within(Duration::from_secs(420), "executions", &line)?, 0, "the executions")?;
    shell.end()?;
    records_end(fixture, &id)?;
    let compared = fixture.root(&format!("python3 /srv/e2e-compare.py /home/alice/e2e/did {id}"))?;
    equal(compared.trim(), format!("same {count}").as_str(), "what was done and what was recorded")
}

/// Waits until the last record of a session is in the files.
fn records_end(fixture: &Fixture, id: &str) -> anyhow::Result<()> {
    wait_until("the last record of the session", Duration::from_secs(60), || {
        let found = fixture.root(&format!(
            "grep -h '\"event\":\"session-closed\"' /var/log/sac/*.jsonl | grep -c '\"id\":\"{id}\"' || true"
        ))?;
        Ok((found.trim() == "1").then_some(()))
    })
}

/// Promise: under `audit: strict` what cannot be recorded is not executed: of what was, nothing is missing, and what was not says why.
fn strict(fixture: &Fixture) -> anyhow::Result<()> {
    nothing_without_a_record(fixture, "deny", |_shell, _session| Ok(()))
}

/// Promise: that goes for who was moved out of the session's cgroup as well.
fn strict_outside_of_the_cgroup(fixture: &Fixture) -> anyhow::Result<()> {
    nothing_without_a_record(fixture, "kill", |shell, session| move_out(fixture, shell, session))
}

/// Fills the buffer of records that nobody reads, after `prepare`. The execution for which there is no room gets `action`.
fn nothing_without_a_record(
    fixture: &Fixture,
    action: &str,
    prepare: impl FnOnce(&mut Dialogue, &Value) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let policy = "policy: developers\napplies_to: {groups: [developers]}\naudit: strict\n";
    fixture.policies(&[("developers", policy), ("default", "policy: default\napplies_to: everyone\n")])?;
    let mut shell = Dialogue::shell(&fixture.ssh("alice"))?;
    let session = fixture.session_of("alice")?;
    let id = session["id"].as_str().context("no id")?.to_owned();
    prepare(&mut shell, &session)?;
    fixture.root("pkill -STOP -x sac-loader")?;
    // Records with long arguments fill the buffer soon: there is room for about 500.
    let line = "long=$(printf %3000s | tr ' ' x); n=0; while [ $n -lt 2000 ] && /usr/bin/true strict $n $long; do n=$((n + 1)); done; \
        echo $n >n; [ $n -lt 2000 ]";
    let refused = shell.status_within(Duration::from_secs(200), "executions", line);
    fixture.root("pkill -CONT -x sac-loader")?;
    equal(refused?, 0, "executions while nobody reads records, until one is refused")?;
    let mut tried = 0;
    wait_until("an execution when there is room", Duration::from_secs(30), || {
        tried += 1;
        Ok((shell.status(&format!("after {tried}"), "/usr/bin/true after")? == 0).then_some(()))
    })?;
    let executed: usize = fixture.root("cat /home/alice/e2e/n")?.trim().parse()?;
    shell.end()?;
    let records = records_of(fixture, &id, "session-closed")?;
    let recorded = records
        .iter()
        .filter(|record| record["event"] == "executed" && record["arguments"][1] == "strict")
        .count();
    equal(recorded, executed, "executions that are recorded")?;
    ensure!(executed > 100, "{executed} executions filled the buffer");
    ensure!(
        records.iter().any(|record| record["event"] == "blocked"
            && record["verdict"]["rule"] == "cannot be recorded"
            && record["verdict"]["action"] == action),
        "nothing says why an execution was refused: {:#?}",
        records.iter().filter(|record| record["event"] == "blocked").collect::<Vec<_>>()
    );
    Ok(())
}

/// Promise: who was moved out of the session's cgroup is recorded all the same: what they execute, and where it begins and ends.
fn outside_of_the_cgroup(fixture: &Fixture) -> anyhow::Result<()> {
    // Also where there is nothing to judge.
    let policy = "policy: developers\napplies_to: {groups: [developers]}\n";
    fixture.policies(&[("developers", policy), ("default", "policy: default\napplies_to: everyone\n")])?;
    let mut shell = Dialogue::shell(&fixture.ssh("alice"))?;
    let session = fixture.session_of("alice")?;
    let id = session["id"].as_str().context("no id")?;
    move_out(fixture, &mut shell, &session)?;
    equal(shell.status("true", "bash -c 'exec /usr/bin/true outside'")?, 0, "an execution there")?;
    let found = wait_until("the record of it", Duration::from_secs(30), || {
        let mut records = records(fixture)?;
        records.retain(|record| record["session"]["id"] == id);
        let is_it = |record: &&Value| record["event"] == "executed" && record["arguments"][1] == "outside";
        let pid = records.iter().find(is_it).map(|record| record["process"]["pid"].clone());
        let has_ended =
            |pid: &Value| records.iter().any(|record| record["event"] == "ended" && record["pid"] == *pid);
        Ok(pid.filter(has_ended))
    });
    shell.end()?;
    found.map(drop)
}

/// Moves alice's processes from their session's cgroup to the root cgroup, as root.
fn move_out(fixture: &Fixture, shell: &mut Dialogue, session: &Value) -> anyhow::Result<()> {
    let cgroup = session["cgroup"].as_str().context("a session without a cgroup")?;
    fixture.root(&format!(
        "for pid in $(cat {cgroup}/cgroup.procs); do
            [ \"$(ps -o user= -p $pid)\" != alice ] || echo $pid >/sys/fs/cgroup/cgroup.procs
        done"
    ))?;
    equal(shell.status("moved", "grep -qx 0::/ /proc/self/cgroup")?, 0, "being in the root cgroup")
}

/// Promise: root and members of `sac-audit` may read the record and see that it is whole; others may not, and members may not write it.
fn who_reads(fixture: &Fixture) -> anyhow::Result<()> {
    fixture.root("usermod -aG sac-audit bob")?;
    let looking = || {
        equal(fixture.run("alice", "/usr/bin/df; exit 5")?.status, 5, "a session")?;
        let seen = || {
            fixture
                .run("bob", "/usr/sbin/sac-loader events --user alice --blocked")
                .map(|output| output.stdout)
        };
        wait_until("what was blocked", Duration::from_secs(30), || {
            Ok(seen()?.contains("/usr/bin/df").then_some(()))
        })?;
        let verified = fixture.run("bob", "/usr/sbin/sac-loader audit verify")?;
        equal(verified.status, 0, &format!("verification by a member: {verified:?}"))?;
        let report = fixture.run(
            "bob",
            "/usr/sbin/sac-loader report --user alice -o e2e/report.html && grep -c '/usr/bin/df' e2e/report.html",
        )?;
        equal(report.status, 0, &format!("a report by a member: {report:?}"))?;
        let write = fixture.run("bob", "echo >> $(ls /var/log/sac/record-*.jsonl | tail -1)")?;
        ensure!(write.status != 0, "a member has written to the record");
        let other = fixture.run("alice", "/usr/sbin/sac-loader events")?;
        ensure!(other.status != 0 && other.stderr.contains("sac-audit"), "{other:?}");
        fixture.root("/usr/sbin/sac-loader audit verify").map(drop)
    };
    let looked = looking();
    fixture.root("gpasswd --delete bob sac-audit")?;
    looked
}
