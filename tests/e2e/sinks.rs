// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where the record goes besides its files: real receivers in the guest get all of it, also after they were gone for a while.

use crate::{
    Test,
    fixture::{Fixture, equal, holds},
};
use anyhow::{Context as _, bail, ensure};
use serde_json::Value;
use std::{collections::BTreeSet, time::Duration};
use xtask::guest::wait_until;

pub(crate) const TESTS: &[Test] = &[
    ("journal", journal),
    ("receivers_that_go_and_come_back", receivers_that_go_and_come_back),
    ("a_receiver_that_is_somebody_else", a_receiver_that_is_somebody_else),
    ("a_fault_in_the_configuration", a_fault_in_the_configuration),
];

const PATIENCE: Duration = Duration::from_secs(60);

/// An independent receiver of what goes over HTTP.
const RECEIVER: &str = include_str!("sinks/receiver.py");

/// Where receivers write.
const RECEIVED: &str = "/run/e2e-received";

const RSYSLOG: &str = r#"module(load="imtcp")
global(DefaultNetstreamDriverCAFile="/run/e2e-tls/ca.pem" DefaultNetstreamDriverCertFile="/run/e2e-tls/localhost.pem"
    DefaultNetstreamDriverKeyFile="/run/e2e-tls/localhost.key")
template(name="e2e" type="string" string="rsyslog %app-name% %msgid% %structured-data%\n")
ruleset(name="plain") { action(type="omfile" file="/run/e2e-rsyslog-plain" template="e2e") }
ruleset(name="tls") { action(type="omfile" file="/run/e2e-rsyslog-tls" template="e2e") }
input(type="imtcp" address="127.0.0.1" port="6601" ruleset="plain")
input(type="imtcp" address="127.0.0.1" port="6604" ruleset="tls"
    StreamDriver.Name="ossl" StreamDriver.Mode="1" StreamDriver.AuthMode="x509/name" PermittedPeer=["sac.example.org"])
"#;

/// Makes an authority, what it says of rsyslog and of the loader, and another authority that nobody knows.
const CERTIFICATES: &str = "rm -rf /run/e2e-tls; mkdir /run/e2e-tls; cd /run/e2e-tls; exec 2>&1
key='openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes'
for name in ca unknown; do $key -x509 -days 2 -subj /CN=e2e-$name -keyout $name.key -out $name.pem || exit; done
for name in localhost sac.example.org; do
    $key -subj /CN=$name -keyout $name.key -out $name.csr && echo subjectAltName=DNS:$name >$name.ext &&
        openssl x509 -req -in $name.csr -CA ca.pem -CAkey ca.key -days 2 -extfile $name.ext -out $name.pem || exit
done";

const EVERY_KIND: &str = "sinks:
  - {name: rsyslog, type: syslog, address: 'tcp://127.0.0.1:6601'}
  - name: rsyslog-tls
    type: syslog
    address: 'tls://localhost:6604'
    ca: /run/e2e-tls/ca.pem
    certificate: /run/e2e-tls/sac.example.org.pem
    key: /run/e2e-tls/sac.example.org.key
  - {name: collector, type: otlp, url: 'http://127.0.0.1:6602/otlp'}
  - {name: lake, type: ocsf, url: 'http://127.0.0.1:6602/ocsf', filter: {events: [executed, blocked, session-opened, session-closed]}}
  - {name: oncall, type: webhook, url: 'http://127.0.0.1:6602/hook', secret_file: /root/e2e-secret, per_minute: 1000}
metrics: 127.0.0.1:6603
";

/// Gives the loader a configuration.
fn configure(fixture: &Fixture, configuration: &str) -> anyhow::Result<()> {
    fixture.root_ssh().stdin(configuration).run("cat > /etc/sac/audit.yaml")?.success()?;
    fixture.root("systemctl restart sac-loader").map(drop)
}

/// The records in the files.
fn records(fixture: &Fixture) -> anyhow::Result<Vec<Value>> {
    let text = fixture.root("cat /var/log/sac/*.jsonl")?;
    text.lines().map(|line| serde_json::from_str(line).with_context(|| line.to_owned())).collect()
}

/// Numbers of the records from `first` on that a filter is for.
fn numbers(fixture: &Fixture, first: u64, is_for: impl Fn(&Value) -> bool) -> anyhow::Result<BTreeSet<u64>> {
    let records = records(fixture)?;
    let wanted =
        records.iter().filter(|record| is_for(record)).filter_map(|record| record["number"].as_u64());
    Ok(wanted.filter(|number| *number >= first).collect())
}

/// Promise: the journal gets each record with its fields, and what is blocked can be found there by them.
fn journal(fixture: &Fixture) -> anyhow::Result<()> {
    configure(fixture, "sinks:\n  - {name: journald, type: journald, filter: {blocked: true}}\n")?;
    equal(fixture.run("alice", "/usr/bin/df -h /; exit 5")?.status, 5, "a session")?;
    let found = wait_until("the record in the journal", PATIENCE, || {
        let text = fixture.root("journalctl -o json SAC_EVENT=blocked SAC_USER=alice")?;
        Ok(text.lines().last().map(ToOwned::to_owned))
    })?;
    let found: Value = serde_json::from_str(&found)?;
    let records = records(fixture)?;
    let wanted = records.iter().rev().find(|record| record["event"] == "blocked").context("no record")?;
    for (field, wanted) in [
        ("SAC_NUMBER", &wanted["number"]),
        ("SAC_SESSION", &wanted["session"]["id"]),
        ("SAC_FILE_PATH", &wanted["file"]["path"]),
        ("SAC_RULE", &wanted["verdict"]["rule"]),
        ("SAC_POLICY", &wanted["verdict"]["policy"]),
        ("SAC_PROCESS_PID", &wanted["process"]["pid"]),
    ] {
        let text = wanted.as_str().map_or_else(|| wanted.to_string(), ToOwned::to_owned);
        equal(found[field].as_str().unwrap_or_default(), text.as_str(), field)?;
    }
    equal(&found["SAC_ARGUMENTS"], &serde_json::json!(["/usr/bin/df", "-h", "/"]), "the arguments")
}

/// Promise: rsyslog, a collector of OpenTelemetry's, a receiver of OCSF events and one of signed alerts get every record that they are
/// for, also those of the time when they were down; no session waits for them meanwhile.
fn receivers_that_go_and_come_back(fixture: &Fixture) -> anyhow::Result<()> {
    const DOWN: &str = "systemctl stop e2e-receiver e2e-rsyslog 2>/dev/null || true";
    const UP: &str = "systemctl reset-failed e2e-receiver e2e-rsyslog 2>/dev/null
        systemd-run --quiet --unit=e2e-receiver /usr/bin/python3 /run/e2e-receiver.py 6602 /run/e2e-received &&
        systemd-run --quiet --unit=e2e-rsyslog rsyslogd -n -f /run/e2e-rsyslog.conf -i /run/e2e-rsyslog.pid";
    for (name, content) in [("receiver.py", RECEIVER), ("rsyslog.conf", RSYSLOG)] {
        fixture.root_ssh().stdin(content).run(&format!("cat > /run/e2e-{name}"))?.success()?;
    }
    fixture.root(CERTIFICATES)?;
    fixture.root("printf 'a secret of the test\\n' > /root/e2e-secret && chmod 600 /root/e2e-secret")?;
    fixture.root(&format!(
        "{DOWN}; rm -rf {RECEIVED} /run/e2e-rsyslog-plain /run/e2e-rsyslog-tls /var/lib/sac/sinks; {UP}"
    ))?;
    let run = || {
        configure(fixture, EVERY_KIND)?;
        let first = wait_until("the first record", PATIENCE, || {
            // A new sink begins with what happens from then on.
            fixture.run("alice", "true")?;
            let text = fixture.root(&format!("cat {RECEIVED} || true"))?;
            Ok(received(&text, "ocsf")?.first().copied())
        })?;
        fixture.root(DOWN)?;
        equal(fixture.run("alice", "/usr/bin/id; /usr/bin/df; exit 3")?.status, 3, "a session meanwhile")?;
        fixture.root(UP)?;
        equal(fixture.run("alice", "/usr/bin/df; exit 4")?.status, 4, "a session after that")?;
        all_arrive(fixture, first)?;
        let metrics = fixture.root(
            "python3 -c \"import urllib.request; print(urllib.request.urlopen('http://127.0.0.1:6603/metrics').read().decode())\"",
        )?;
        holds(&metrics, "sac_sink_errors_total{sink=\"collector\"}")?;
        holds(&metrics, "sac_blocked_total{policy=\"developers\"} 2")?;
        // The kernel half measures how long it judges.
        for of in ["count", "sum"] {
            let name = format!("sac_decision_seconds_{of} ");
            let number = metrics.lines().find_map(|line| line.strip_prefix(&name)?.parse::<f64>().ok());
            ensure!(number.is_some_and(|number| number > 0.0), "{name}is {number:?}");
        }
        Ok(())
    };
    let result = run();
    fixture.root(DOWN)?;
    result
}

/// Numbers that a receiver wrote down, in its order.
fn received(text: &str, name: &str) -> anyhow::Result<Vec<u64>> {
    if let Some(fault) = text.lines().find(|line| line.starts_with("fault")) {
        bail!("a receiver found: {fault}");
    }
    let lines = text.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    lines.map(|number| number.parse().with_context(|| number.to_owned())).collect()
}

/// Waits until every receiver has everything that it is for from the record `first` on, and looks at the order.
fn all_arrive(fixture: &Fixture, first: u64) -> anyhow::Result<()> {
    let of_lake = ["executed", "blocked", "session-opened", "session-closed"];
    let is_event = |record: &Value, events: &[&str]| events.iter().any(|event| record["event"] == *event);
    // What happens after this is looked at by nobody.
    wait_until("the end of the sessions", PATIENCE, || Ok(fixture.sessions()?.is_empty().then_some(())))?;
    let all = numbers(fixture, first, |_| true)?;
    let wanted = [
        ("otlp", all),
        ("ocsf", numbers(fixture, first, |record| is_event(record, &of_lake))?),
        ("hook", numbers(fixture, first, |record| is_event(record, &["blocked"]))?),
    ];
    ensure!(wanted.iter().all(|(_, numbers)| numbers.len() > 1), "{wanted:?}");
    for (name, wanted) in &wanted {
        wait_until(&format!("all that {name} is for"), PATIENCE, || {
            let got = received(&fixture.root(&format!("cat {RECEIVED}"))?, name)?;
            let set: BTreeSet<_> = got.iter().copied().collect();
            Ok(wanted.is_subset(&set).then_some(()))
        })?;
        let got = received(&fixture.root(&format!("cat {RECEIVED}"))?, name)?;
        // Something may come twice, and never a newer one in place of an older one.
        let mut newest = 0;
        let mut firsts = Vec::new();
        for number in got {
            if number > newest {
                newest = number;
                firsts.push(number);
            }
        }
        let firsts: Vec<_> = firsts.into_iter().filter(|number| wanted.contains(number)).collect();
        equal(firsts, wanted.iter().copied().collect(), &format!("what {name} got, in order"))?;
    }
    let (_, all) = &wanted[0];
    for input in ["plain", "tls"] {
        has_all(fixture, input, all)?;
    }
    Ok(())
}

/// Waits until rsyslog has had all of these by one of its inputs.
fn has_all(fixture: &Fixture, input: &str, all: &BTreeSet<u64>) -> anyhow::Result<()> {
    wait_until(&format!("all that rsyslog is for, {input}"), PATIENCE, || {
        let text = fixture.root(&format!("cat /run/e2e-rsyslog-{input}"))?;
        let number = |line: &str| {
            let rest = line.strip_prefix("rsyslog sac ")?.split_once(" number=\"")?.1;
            rest.split_once('"')?.0.parse::<u64>().ok()
        };
        let set: BTreeSet<_> = text.lines().filter_map(number).collect();
        Ok(all.is_subset(&set).then_some(()))
    })
}

/// Promise: over TLS a receiver whose certificate is from another authority, or for another name, gets nothing, and the journal says why.
fn a_receiver_that_is_somebody_else(fixture: &Fixture) -> anyhow::Result<()> {
    const DOWN: &str = "systemctl stop e2e-rsyslog 2>/dev/null || true";
    fixture.root(CERTIFICATES)?;
    fixture.root_ssh().stdin(RSYSLOG).run("cat > /run/e2e-rsyslog.conf")?.success()?;
    fixture.root(&format!(
        "{DOWN}; systemctl reset-failed e2e-rsyslog 2>/dev/null; rm -rf /run/e2e-rsyslog-tls /var/lib/sac/sinks
        systemd-run --quiet --unit=e2e-rsyslog rsyslogd -n -f /run/e2e-rsyslog.conf -i /run/e2e-rsyslog.pid"
    ))?;
    let run = || {
        for (to, ca) in [("localhost", "unknown"), ("127.0.0.1", "ca")] {
            let begin = fixture.root("date +%s")?;
            configure(
                fixture,
                &format!(
                    "sinks: [{{name: siem, type: syslog, address: 'tls://{to}:6604', ca: /run/e2e-tls/{ca}.pem}}]\n"
                ),
            )?;
            fixture.run("alice", "true")?;
            wait_until("the reason in the journal", PATIENCE, || {
                let log =
                    fixture.root(&format!("journalctl -o cat -t sac-loader --since @{}", begin.trim()))?;
                Ok(log.contains("certificate").then_some(()))
            })?;
        }
        equal(fixture.root("cat /run/e2e-rsyslog-tls 2>/dev/null || true")?.as_str(), "", "what rsyslog got")
    };
    let result = run();
    fixture.root(DOWN)?;
    result
}

/// Promise: a configuration with a fault is refused whole, with its line; the record is kept all the same, and logins go on.
fn a_fault_in_the_configuration(fixture: &Fixture) -> anyhow::Result<()> {
    let begin = fixture.root("date +%s")?;
    configure(fixture, "sinks:\n  - {name: a, type: journald}\n  - {name: b, type: pigeon}\n")?;
    equal(fixture.run("alice", "exit 3")?.status, 3, "a login")?;
    let log = fixture.root(&format!("journalctl -o cat -t sac-loader --since @{}", begin.trim()))?;
    holds(&log, "/etc/sac/audit.yaml:3: ")?;
    wait_until("the session's record", PATIENCE, || {
        let records = records(fixture)?;
        Ok(records.iter().rev().take(3).any(|record| record["event"] == "session-closed").then_some(()))
    })
}
