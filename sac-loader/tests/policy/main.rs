// SPDX-License-Identifier: MIT OR Apache-2.0
//! `sac-loader policy`, run as a user runs it, over policies in a temporary directory.
#![expect(clippy::unwrap_used, reason = "a test")]

mod answers;
mod apply;
mod changes;
mod lockout;

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};
use tempfile::TempDir;

const POLICY: &str = "policy: some
applies_to: {users: [nobody]}
action: deny
programs:
  deny:
    - /usr/bin/env
    - path: /usr/bin/id
      args: [-u]
tests:
  allowed: [/usr/bin/ls]
  denied: [/usr/bin/env]
";

fn directory(policies: &[(&str, &str)]) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in policies {
        fs::write(directory.path().join(name), text).unwrap();
    }
    directory
}

/// Runs `sac-loader policy`; gives the exit code, standard output and standard error.
fn policy(directory: &Path, arguments: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sac-loader"));
    let Output { status, stdout, stderr } =
        command.current_dir(directory).env("TZ", "UTC").arg("policy").args(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

fn holds(text: &str, wanted: &str) {
    assert!(text.contains(wanted), "no {wanted:?} in\n{text}");
}

#[test]
fn check_shows_faults_lint_and_assertions_in_one_pass() {
    let failing = POLICY.replace("allowed: [/usr/bin/ls]", "allowed: [/usr/bin/env]");
    let plain =
        "policy: plain\napplies_to: {users: [nobody]}\nprograms: {deny: [/usr/bin/env, /usr/bin/id]}\n";
    let directory = directory(&[("good.yaml", POLICY), ("failing.yaml", &failing), ("plain.yaml", plain)]);
    let (code, out, err) = policy(directory.path(), &["check", "good.yaml"]);
    assert_eq!(code, 0, "{err}");
    holds(&out, "1 policy, ");
    holds(&err, "SAC123");
    // A rule with arguments kills where it says `deny`, which can be mended; that a deny list is one cannot.
    assert_eq!(policy(directory.path(), &["check", "--strict", "good.yaml"]).0, 1);
    let (code, out, err) = policy(directory.path(), &["check", "--strict", "plain.yaml"]);
    assert_eq!((code, out.as_str()), (0, "1 policy, 1 warning\n"), "{err}");
    assert_eq!(err.matches("warning[SAC123]").count(), 1, "{err}");
    let (code, out, err) = policy(directory.path(), &["check", "failing.yaml"]);
    assert_eq!((code, out.as_str()), (1, ""));
    holds(&err, "SAC060");
    holds(&err, "SAC123");
    let (code, out, _) = policy(directory.path(), &["check", "--json", "failing.yaml"]);
    assert_eq!(code, 1);
    let list: Vec<serde_json::Value> = serde_json::from_str(&out).unwrap();
    let failed = list.iter().find(|fault| fault["code"] == "SAC060").unwrap();
    assert_eq!((&failed["severity"], &failed["line"]), (&"error".into(), &10.into()));
}

#[test]
fn explain_says_which_policy_and_rule_and_exits_with_3_where_it_is_denied() {
    let other = "policy: other\napplies_to: everyone\n";
    let directory = directory(&[("some.yaml", POLICY), ("other.yaml", other)]);
    let ask = |user: &str, path: &str| {
        policy(directory.path(), &["explain", "--user", user, "--policies", ".", path])
    };
    let (code, out, err) = ask("nobody", "/usr/bin/env");
    assert_eq!(code, 3, "{err}");
    holds(&out, "Policy   some, because it names the user nobody");
    holds(&out, "not other: it names the person less closely");
    holds(&out, "`deny` by rule 1 (./some.yaml:6)");
    assert_eq!(ask("nobody", "/usr/bin/ls").0, 0);
    assert_eq!(ask("daemon", "/usr/bin/env").0, 0);
    let (code, _, err) = ask("nobody-of-this-name", "/usr/bin/env");
    assert_eq!(code, 1);
    holds(&err, "the user database has no user of this name");
}

#[test]
fn a_batch_is_answered_line_by_line() {
    let requests = "{\"exec\":\"/usr/bin/env\"}\n{\"exec\":\"/usr/bin/ls\"}\n{\"exec\":\"/usr/bin/id\",\"args\":[\"-u\"]}\n";
    let directory = directory(&[("some.yaml", POLICY), ("requests", requests)]);
    let (code, out, err) =
        policy(directory.path(), &["explain", "--policies", "some.yaml", "--batch", "requests"]);
    assert_eq!(code, 0, "{err}");
    let answers: Vec<serde_json::Value> =
        out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let said: Vec<_> =
        answers.iter().map(|answer| (answer["action"].as_str().unwrap(), &answer["rule"])).collect();
    assert_eq!(said, [("deny", &1.into()), ("allow", &0.into()), ("kill", &2.into())]);
    assert_eq!(answers[0]["line"], 6);
}

#[test]
fn test_tells_each_assertion_and_schema_is_json() {
    let failing = POLICY.replace("denied: [/usr/bin/env]", "denied: [/usr/bin/ls]");
    let directory = directory(&[("good.yaml", POLICY), ("failing.yaml", &failing)]);
    let (code, out, _) = policy(directory.path(), &["test", "good.yaml"]);
    assert_eq!(code, 0);
    holds(&out, "ok      some: execute /usr/bin/env must be denied\n2 passed, 0 failed\n");
    let (code, out, _) = policy(directory.path(), &["test", "failing.yaml"]);
    assert_eq!(code, 1);
    holds(&out, "FAILED  some: execute /usr/bin/ls must be denied; `allow` by default");
    let (code, out, _) = policy(directory.path(), &["schema"]);
    assert_eq!(code, 0);
    assert!(serde_json::from_str::<serde_json::Value>(&out).unwrap().is_object());
}

/// A record of what user 65534, `nobody`, executed.
fn record(programs: &[(&str, &str)]) -> String {
    let program = |(path, last): &(&str, &str)| serde_json::json!({"path": path, "first": "2026-01-01T00:00:00Z", "last": last});
    let programs: Vec<_> = programs.iter().map(program).collect();
    serde_json::json!({"version": 1, "user": "nobody", "uid": 65534, "programs": programs, "left_out": 3})
        .to_string()
}

#[test]
fn what_is_learned_is_a_policy_without_what_users_can_write() {
    let long = format!("/opt/{}", "x".repeat(255));
    let programs = [
        ("/usr/bin/ls", "2026-11-20T12:00:00Z"),
        ("/usr/bin/old", "2026-02-20T12:00:00Z"),
        // Half an hour before: it may have been executed again since, and is reported once an hour.
        ("/usr/bin/edge", "2026-05-31T23:30:00Z"),
        ("/usr/bin/past", "2026-05-31T22:30:00Z"),
        ("/opt/my \"tools\"/a: #b\\", "2026-11-20T12:00:00Z"),
        ("/home/nobody/bin/x", "2026-11-20T12:00:00Z"),
        ("/nonexistent/y", "2026-11-20T12:00:00Z"),
        ("/dev/shm/z", "2026-11-20T12:00:00Z"),
        ("/usr/bin/evil\n    - /usr/bin/injected", "2026-11-20T12:00:00Z"),
        ("/memfd/../x", "2026-11-20T12:00:00Z"),
        (&long, "2026-11-20T12:00:00Z"),
    ];
    let directory = directory(&[("65534.json", &record(&programs)), ("0.json", "{}"), ("other", "")]);
    let learn = |arguments: &[&str]| {
        let all = ["learn", "--from-directory", ".", "--since", "2026-06-01"];
        policy(directory.path(), &[&all[..], arguments].concat())
    };
    let (code, out, err) = learn(&["--user", "nobody"]);
    assert_eq!(code, 0, "{err}");
    holds(&out, "A human must review it");
    holds(&out, "had no room for 3 more");
    holds(
        &out,
        "    # In /usr/bin: 2 programs\n    - /usr/bin/edge  # last seen 2026-05-31\n    - /usr/bin/ls  # last seen 2026-11-20\n",
    );
    holds(&out, "    # - /home/nobody/bin/x  # last seen 2026-11-20; it is in a home directory");
    let source = sac_policy::Source::new("learned.yaml", out.as_str());
    let loaded = sac_policy::PolicySet::from_sources(vec![source]).unwrap();
    let learned = loaded.set.get("learned-nobody").unwrap();
    assert_eq!(learned.mode, sac_policy::policy::Mode::Audit);
    assert_eq!(learned.default, sac_abi::Action::Deny);
    let allowed: Vec<_> = learned.rules.iter().map(|rule| rule.subject.to_string()).collect();
    assert_eq!(allowed, ["/opt/my \"tools\"/a: #b\\", "/usr/bin/edge", "/usr/bin/ls"]);

    let (code, _, err) = learn(&["--group", "nogroup", "--name", "all", "--output", "all.yaml"]);
    assert_eq!(code, 0, "{err}");
    assert_eq!(policy(directory.path(), &["check", "all.yaml"]).0, 0);
    holds(
        &fs::read_to_string(directory.path().join("all.yaml")).unwrap(),
        "applies_to: {groups: [\"nogroup\"]}",
    );
    assert_eq!(learn(&["--group", "nogroup", "--output", "all.yaml"]).0, 1, "it is there already");
    assert_eq!(learn(&["--user", "nobody", "--name", "no name"]).0, 1);
    let recent = ["learn", "--from-directory", ".", "--since", "1s", "--user", "nobody"];
    let (code, _, err) = policy(directory.path(), &recent);
    assert_eq!(code, 1);
    holds(&err, "choose an earlier time for --since");
    holds(&learn(&["--user", "daemon"]).2, "has no record that daemon executed anything");
    holds(&learn(&["--user", "root"]).2, "no policy ever holds for root");
}

const RICH: &str = "policy: rich
applies_to: {users: [nobody], from: [local, 10.0.0.0/8], when: {days: [mon-fri], hours: 09:00-18:00, timezone: UTC}}
mode: audit
limits: {processes: 20, idle: 1h30m}
strikes: {blocked: 5, within: 10m, then: end}
programs:
  deny:
    - {tree: /srv/games, severity: high, when: {hours: 22:00-06:00, timezone: UTC}}
    - {path: /usr/bin/find, args_any: [-exec, -delete]}
";

#[test]
fn show_says_everything_about_a_policy_and_why_it_holds() {
    let directory = directory(&[("some.yaml", POLICY), ("rich.yaml", RICH)]);
    let show =
        |arguments: &[&str]| policy(directory.path(), &[&["show", "--policies", "."], arguments].concat());
    // A Wednesday.
    let (code, out, err) = show(&["--user", "nobody", "--at", "2026-11-25T12:00:00Z"]);
    assert_eq!(code, 0, "{err}");
    holds(&out, "Policy   rich, because it names the user nobody");
    holds(&out, "not some: it has fewer conditions on the login");
    holds(&out, "users nobody; from the machine itself, 10.0.0.0/8; on Monday, Tuesday, ");
    holds(&out, "20 processes in a session, it ends when idle for 1h30m, warning 5m before");
    holds(&out, "5 blocked within 10m: end");
    holds(
        &out,
        "  1. execute all below /srv/games: kill, from 22:00 to 06:00 (UTC), severity high; not now (./rich.yaml:8)",
    );
    holds(&out, "  2. execute /usr/bin/find with any argument of: -exec, -delete: kill (./rich.yaml:9)");
    let at = "2026-11-25T18:00:00Z".parse::<jiff::Timestamp>().unwrap();
    let clock = jiff::tz::TimeZone::system().to_datetime(at);
    holds(&out, &format!("It next changes at {} {}", clock.date(), clock.time()));
    // On another day, or from elsewhere, it is the other one.
    let (_, out, _) = show(&["--user", "nobody", "--at", "2026-11-28T12:00:00Z"]);
    holds(&out, "Policy   some, because");
    holds(&show(&["--user", "nobody", "--from", "192.0.2.1"]).1, "Policy   some, because");
    let (code, out, _) = show(&["--policy", "some"]);
    assert_eq!(code, 0);
    holds(&out, "with the arguments `-u`: deny");
    holds(&out, "It never changes with the time");
    assert_eq!(show(&["--user", "daemon"]).0, 3);
    holds(&show(&["--policy", "other"]).2, "there is no policy other");
}
