// SPDX-License-Identifier: MIT OR Apache-2.0
//! `sac-loader policy`, run as a user runs it, over policies in a temporary directory.
#![expect(clippy::unwrap_used, reason = "a test")]

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
        command.current_dir(directory).arg("policy").args(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

fn holds(text: &str, wanted: &str) {
    assert!(text.contains(wanted), "no {wanted:?} in\n{text}");
}

#[test]
fn check_shows_faults_lint_and_assertions_in_one_pass() {
    let failing = POLICY.replace("allowed: [/usr/bin/ls]", "allowed: [/usr/bin/env]");
    let directory = directory(&[("good.yaml", POLICY), ("failing.yaml", &failing)]);
    let (code, out, err) = policy(directory.path(), &["check", "good.yaml"]);
    assert_eq!(code, 0, "{err}");
    holds(&out, "1 policy, ");
    holds(&err, "SAC123");
    assert_eq!(policy(directory.path(), &["check", "--strict", "good.yaml"]).0, 1);
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
