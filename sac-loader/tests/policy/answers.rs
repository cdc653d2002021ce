// SPDX-License-Identifier: MIT OR Apache-2.0
//! Answers for programs, and about people who do not exist.

use super::{POLICY, RICH, directory, holds, policy};
use serde_json::{Value, json};

const GROUP: &str = "policy: group
applies_to: {groups: [no-such-group, 4242]}
priority: 5
message: Ask ops@example.org
programs:
  default: deny
  allow:
    - /usr/bin/ls
    - {path: /usr/bin/id, args: [-u, \"*\", \"**\"], override: true}
files:
  deny: [{tree: /srv/records, operations: [delete, write], severity: high}]
connections:
  deny: [{to: 10.0.0.0/8, ports: [22, 8000-8999]}]
";

fn asked(arguments: &[&str]) -> (i32, Value) {
    let directory = directory(&[("some.yaml", POLICY), ("rich.yaml", RICH), ("group.yaml", GROUP)]);
    let all = [&arguments[..1], &["--json", "--policies", "."], &arguments[1..]].concat();
    let (code, out, err) = policy(directory.path(), &all);
    assert_eq!(err, "", "{out}");
    (code, serde_json::from_str(&out).unwrap())
}

#[test]
fn explain_answers_programs_with_all_that_it_tells_people() {
    let at = ["--at", "2026-11-28T12:00:00Z"];
    let (code, said) = asked(&[&["explain", "--user", "nobody"], &at[..], &["/usr/bin/env"]].concat());
    assert_eq!(code, 3);
    for (key, wanted) in [
        ("user", json!("nobody")),
        ("at", json!("2026-11-28T12:00:00Z")),
        ("allowed", json!(false)),
        ("policy", json!("some")),
        ("policy_file", json!("./some.yaml")),
        ("because", json!("it names the user nobody")),
        ("new_logins", json!("allow")),
        ("other_policies", json!([{"policy": "rich", "because": "it holds at other times"}])),
        ("request", json!("execute /usr/bin/env")),
        ("action", json!("deny")),
        ("decided_by", json!("rule")),
        ("severity", json!("medium")),
        ("messages", json!([])),
    ] {
        assert_eq!(said[key], wanted, "{key} of {said:#}");
    }
    assert_eq!((&said["rule"]["number"], &said["rule"]["line"]), (&json!(1), &json!(6)));
    let deciding: Vec<_> =
        said["steps"].as_array().unwrap().iter().filter(|step| step["decides"] == true).collect();
    assert_eq!(deciding.len(), 1, "{said:#}");
    let (code, said) = asked(&[&["explain", "--user", "nobody"], &at[..], &["/usr/bin/ls"]].concat());
    assert_eq!((code, &said["allowed"], &said["decided_by"]), (0, &json!(true), &json!("default")));
    assert_eq!(said["rule"], Value::Null);
}

const MORE: &str = "policy: more
applies_to: {groups: [no-such-group]}
action: deny
programs: {untrusted: deny, execmem: audit}
files:
  deny: [{path: /usr/bin/env, operations: [read]}]
";

#[test]
fn renaming_and_the_origins_of_programs_are_told() {
    let directory = directory(&[("more.yaml", MORE)]);
    let group = ["--groups", "no-such-group"];
    let ask = |arguments: &[&str]| {
        let all = [&arguments[..1], &["--policies", "."], &group[..], &arguments[1..]].concat();
        policy(directory.path(), &all)
    };
    let (code, out, err) = ask(&["explain", "--operation", "rename", "/usr/bin/env"]);
    assert_eq!(code, 3, "{err}");
    holds(
        &out,
        "Verdict  `deny` by rule 3 (./more.yaml:6): it is the rule that denies this, as `read` of what is moved",
    );
    holds(&out, "the operation `write`: what is moved could be written at its new place");
    holds(
        &ask(&["explain", "--operation", "rename", "/usr/bin"]).1,
        "would lead nowhere without it  <- decides",
    );
    let (code, out, _) = ask(&["explain", "/usr/bin/env"]);
    assert_eq!(code, 0);
    holds(&out, "who could have written it: administrators, as far as its owner and mode tell");
    let (_, out, _) = ask(&["show"]);
    holds(&out, "  1. execute untrusted programs: deny (./more.yaml:4)");
    holds(&out, "  2. execute executable memory that comes from no file: audit (./more.yaml:4)");
    let (_, out, _) = ask(&["show", "--json"]);
    let said: Value = serde_json::from_str(&out).unwrap();
    let rules = said["rules"].as_array().unwrap();
    assert_eq!((&rules[0]["untrusted"], &rules[0]["action"]), (&json!(true), &json!("deny")));
    assert_eq!((&rules[1]["execmem"], &rules[1]["action"]), (&json!(true), &json!("audit")));
    let changed = MORE.replace("untrusted: deny", "untrusted: audit").replace(", execmem: audit", "");
    std::fs::write(directory.path().join("new"), changed).unwrap();
    let (_, out, _) = policy(directory.path(), &["diff", "more.yaml", "new"]);
    holds(&out, "changed rule: execute untrusted programs: deny -> audit");
    holds(&out, "removed rule: execute executable memory that comes from no file: audit");
}

const ROOT: &str = "policy: root
applies_to: {groups: [no-such-group]}
action: deny
confined_root: true
programs:
  deny: [{sha256: E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855, action: kill}]
";

#[test]
fn root_in_a_session_and_the_content_of_programs_are_told() {
    let directory = directory(&[("root.yaml", ROOT)]);
    let empty = directory.path().join("empty");
    std::fs::write(&empty, "").unwrap();
    let ask = |arguments: &[&str]| {
        let all =
            [&arguments[..1], &["--policies", "root.yaml", "--groups", "no-such-group"], &arguments[1..]]
                .concat();
        policy(directory.path(), &all)
    };
    let (code, out, err) = ask(&["explain", "--operation", "write", "/sys/kernel/x"]);
    assert_eq!(code, 0, "{err}");
    holds(&out, "`allow` by default: no rule holds for this; root may not: `deny` by rule 1 (root.yaml:4)");
    holds(&out, "root in the session: it is denied to root: rule 1 (root.yaml:4), `deny` for");
    let (_, out, _) = ask(&["explain", "--json", "--operation", "write", "/sys/kernel/x"]);
    let said: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&said["allowed"], &said["decided_by"]), (&json!(true), &json!("default")));
    let last = said["steps"].as_array().unwrap().last().unwrap();
    assert_eq!((&last["looked_at"], &last["rule"]["line"]), (&json!("root in the session"), &json!(4)));
    let (code, out, err) = ask(&["explain", empty.to_str().unwrap()]);
    assert_eq!(code, 3, "{err}");
    holds(&out, "`kill` by rule 2 (root.yaml:6)");
    holds(&out, "its content: rule 2 (root.yaml:6), `kill` for programs whose SHA-256 is e3b0c442");
    assert_eq!(ask(&["explain", "/usr/bin/env"]).0, 0);
    let (_, _, err) = ask(&["explain", "--operation", "administer", "/usr/bin/env"]);
    holds(&err, "--operation is one of execute, delete");
    let (_, out, _) = ask(&["show"]);
    holds(
        &out,
        "  1. administer what root could free itself of the policy with (confined_root): deny (root.yaml:4)",
    );
    holds(&out, "  2. execute programs whose SHA-256 is e3b0c442");
    let (_, out, _) = ask(&["show", "--json"]);
    let said: Value = serde_json::from_str(&out).unwrap();
    let rules = said["rules"].as_array().unwrap();
    assert_eq!((&rules[0]["confined_root"], &rules[0]["operations"]), (&json!(true), &json!(["administer"])));
    assert!(rules[1]["sha256"].as_str().unwrap().starts_with("e3b0c442"), "{out}");
    std::fs::write(directory.path().join("new"), ROOT.replace("confined_root: true", "")).unwrap();
    let (_, out, _) = policy(directory.path(), &["diff", "root.yaml", "new"]);
    holds(
        &out,
        "removed rule: administer what root could free itself of the policy with (confined_root): deny",
    );
}

#[test]
fn explain_knows_when_there_is_no_policy() {
    let (code, said) = asked(&["explain", "--user", "daemon", "/usr/bin/env"]);
    assert_eq!((code, &said["policy"], &said["allowed"]), (3, &Value::Null, &json!(false)));
    assert_eq!(said["new_logins"], "refuse");
    let (code, said) = asked(&["explain", "--user", "root", "/usr/bin/env"]);
    assert_eq!((code, &said["policy"], &said["allowed"]), (0, &Value::Null, &json!(true)));
    assert_eq!(asked(&["show", "--user", "root"]), (0, Value::Null));
}

#[test]
fn somebody_who_does_not_exist_is_in_the_groups_that_are_named() {
    let directory = directory(&[("some.yaml", POLICY), ("group.yaml", GROUP)]);
    let ask = |who: &[&str], path: &str| {
        policy(directory.path(), &[&["explain", "--policies", "."], who, &[path]].concat())
    };
    let (code, out, err) = ask(&["--groups", "other,no-such-group"], "/usr/bin/df");
    assert_eq!(code, 3, "{err}");
    holds(&out, "Policy   group, because it names the group no-such-group (./group.yaml)");
    assert_eq!(ask(&["--groups", "no-such-group"], "/usr/bin/ls").0, 0);
    holds(&ask(&["--groups", "4242"], "/usr/bin/df").1, "because it names the group 4242");
    let (code, out, _) = ask(&["--groups", "other"], "/usr/bin/ls");
    assert_eq!(code, 3);
    holds(&out, "Policy   none is for this login of somebody in the groups other, so it is refused");
    // A name makes them somebody whom policies can name, too, whether they exist or not.
    let named = POLICY.replace("[nobody]", "[not-here-yet]");
    std::fs::write(directory.path().join("named.yaml"), named.replace("policy: some", "policy: named"))
        .unwrap();
    let (_, out, _) = ask(&["--user", "not-here-yet", "--groups", "other"], "/usr/bin/env");
    holds(&out, "Policy   named, because it names the user not-here-yet");
    let (code, _, err) = ask(&["--user", "not-here-yet"], "/usr/bin/env");
    assert_eq!(code, 1);
    holds(&err, "--groups asks about somebody who is not here");
    // The groups that somebody is really in do not count then.
    let nogroup = GROUP.replace("no-such-group", "nogroup").replace("policy: group", "policy: nogroup");
    std::fs::write(directory.path().join("nogroup.yaml"), nogroup.replace("priority: 5", "priority: 6"))
        .unwrap();
    holds(
        &ask(&["--user", "nobody"], "/usr/bin/ls").1,
        "Policy   nogroup, because it names the group nogroup",
    );
    holds(&ask(&["--user", "nobody", "--groups", "other"], "/usr/bin/ls").1, "Policy   some, because");
    let (code, _, err) = ask(&[], "/usr/bin/ls");
    assert_eq!(code, 1);
    holds(&err, "say who it is: --user NAME, or --groups");
    holds(
        &ask(&["--user", "root", "--groups", "no-such-group"], "/usr/bin/df").1,
        "No policy ever holds for root",
    );
}

#[test]
fn show_gives_programs_the_whole_policy_in_the_words_of_the_language() {
    let (code, said) = asked(&["show", "--groups", "no-such-group"]);
    assert_eq!(code, 0);
    assert_eq!(
        (&said["name"], &said["because"]),
        (&json!("group"), &json!("it names the group no-such-group"))
    );
    assert_eq!((&said["programs_default"], &said["connections_default"]), (&json!("deny"), &json!("allow")));
    assert_eq!(said["applies_to"]["groups"], json!(["no-such-group", "4242"]));
    let rules = said["rules"].as_array().unwrap();
    assert_eq!((&rules[0]["path"], &rules[0]["action"]), (&json!("/usr/bin/ls"), &json!("allow")));
    assert_eq!((&rules[1]["args"], &rules[1]["override"]), (&json!(["-u", "*", "**"]), &json!(true)));
    assert_eq!(
        (&rules[2]["tree"], &rules[2]["operations"]),
        (&json!("/srv/records"), &json!(["delete", "write"]))
    );
    assert_eq!(rules[2]["severity"], "high");
    assert_eq!((&rules[3]["to"], &rules[3]["ports"]), (&json!("10.0.0.0/8"), &json!(["22", "8000-8999"])));
    assert_eq!(said["next_change"], Value::Null);

    let (_, said) = asked(&["show", "--policy", "rich", "--at", "2026-11-25T12:00:00Z"]);
    assert_eq!((&said["mode"], &said["limits"]["idle"]), (&json!("audit"), &json!("1h30m")));
    assert_eq!(said["strikes"], json!({"blocked": 5, "within": "10m", "then": "end"}));
    let when = json!({"days": ["mon", "tue", "wed", "thu", "fri"], "hours": "09:00-18:00", "from": null, "until": null, "timezone": "UTC"});
    assert_eq!(
        (&said["applies_to"]["when"], &said["applies_to"]["from"]),
        (&when, &json!(["local", "10.0.0.0/8"]))
    );
    assert_eq!(
        (&said["rules"][0]["holds_now"], &said["rules"][1]["holds_now"]),
        (&json!(false), &json!(true))
    );
    assert_eq!(said["rules"][1]["args_any"], json!(["-exec", "-delete"]));
    assert_eq!(said["next_change"], "2026-11-25T18:00:00Z");
    let (_, said) = asked(&["show", "--policy", "some"]);
    assert_eq!(
        said["tests"],
        json!([
            {"must_be": "allowed", "exec": "/usr/bin/ls", "args": null},
            {"must_be": "denied", "exec": "/usr/bin/env", "args": null},
        ])
    );
}
