// SPDX-License-Identifier: MIT OR Apache-2.0
//! `sac-loader policy diff`: what new policies change.

use super::{POLICY, RICH, directory, holds, policy};
use std::fs;

#[test]
fn diff_tells_what_policies_say_and_not_how_they_are_written() {
    let moved = "# moved\npolicy: some\naction: deny\napplies_to: {users: [nobody]}
programs:
  deny:
    - {path: /usr/bin/id, args: [-u]}
    - path: /usr/bin/env
tests: {allowed: [/usr/bin/ls], denied: [/usr/bin/env]}
";
    let changed = "policy: some\naction: kill\napplies_to: {users: [nobody]}
programs:
  deny:
    - {path: /usr/bin/env, action: audit}
    - {path: /usr/bin/id, args: [-g]}
tests: {allowed: [/usr/bin/ls, /usr/bin/env]}
";
    let directory = directory(&[
        ("old.yaml", POLICY),
        ("moved.yaml", moved),
        ("changed.yaml", changed),
        ("broken.yaml", "a"),
    ]);
    fs::create_dir(directory.path().join("all")).unwrap();
    fs::write(directory.path().join("all/changed.yaml"), changed).unwrap();
    fs::write(directory.path().join("all/rich.yaml"), RICH).unwrap();
    let diff = |old: &str, new: &str| policy(directory.path(), &["diff", old, new]);
    assert_eq!(diff("old.yaml", "moved.yaml"), (0, String::new(), String::new()));
    let (code, out, err) = diff("old.yaml", "all");
    assert_eq!(code, 1, "{err}");
    holds(&out, "added policy rich (all/rich.yaml)\nchanged policy some\n  action: deny -> kill\n");
    holds(&out, "  tests: execute /usr/bin/ls allowed, execute /usr/bin/env denied -> ");
    holds(&out, "  changed rule: execute /usr/bin/env: deny -> audit\n");
    holds(&out, "  removed rule: execute /usr/bin/id with the arguments `-u`: deny\n");
    holds(&out, "  added rule: execute /usr/bin/id with the arguments `-g`: kill\n");
    fs::create_dir(directory.path().join("one")).unwrap();
    fs::write(directory.path().join("one/changed.yaml"), changed).unwrap();
    holds(&diff("all", "one").1, "removed policy rich (all/rich.yaml)\n");
    assert_eq!(diff("old.yaml", "broken.yaml").0, 2);
    assert_eq!(diff("missing.yaml", "old.yaml").0, 2);
}

#[test]
fn one_file_is_compared_as_if_it_were_put_into_the_directory() {
    let baseline = "rule_set: baseline\nprograms: {deny: [/usr/bin/env]}\n";
    let old = "policy: some\napplies_to: {users: [nobody]}\ninherits: [baseline]\n";
    let new = "policy: some\napplies_to: {users: [nobody]}\ninherits: [baseline]\nprograms: {deny: [/usr/bin/id]}\n";
    let directory = directory(&[("some.yaml", new)]);
    let all = directory.path().join("all");
    fs::create_dir(&all).unwrap();
    for (name, text) in
        [("baseline.yaml", baseline), ("some.yaml", old), ("rich.yaml", RICH), (".x.yaml", "a")]
    {
        fs::write(all.join(name), text).unwrap();
    }
    let (code, out, err) = policy(directory.path(), &["diff", "all", "some.yaml"]);
    assert_eq!(
        (code, out.as_str()),
        (1, "changed policy some\n  added rule: execute /usr/bin/id: kill\n"),
        "{err}"
    );
    // Under another name it would stand beside the one that it is to replace.
    fs::rename(directory.path().join("some.yaml"), directory.path().join("other.yaml")).unwrap();
    let (code, out, err) = policy(directory.path(), &["diff", "all", "other.yaml"]);
    assert_eq!((code, out.as_str()), (2, ""));
    holds(&err, "SAC013");
}

#[test]
fn without_the_new_policies_it_says_what_it_needs() {
    let directory = directory(&[("broken.yaml", "a")]);
    let (code, out, err) = policy(directory.path(), &["diff"]);
    assert_eq!((code, out.as_str()), (2, ""));
    holds(
        &err,
        "name the new policies, a file or a directory, to compare them with those in /etc/sac/policies",
    );
    // With one argument it is the new one.
    let (code, _, err) = policy(directory.path(), &["diff", "broken.yaml"]);
    assert_eq!(code, 2);
    holds(&err, "broken.yaml:1:1");
    assert_eq!(policy(directory.path(), &["diff", "a", "b", "c"]).0, 2);
}
