// SPDX-License-Identifier: MIT OR Apache-2.0
//! Warnings about whole policies.

use super::*;
use crate::compile::Situation;
use crate::files::fake::FakeFiles;
use crate::policy::fake::policy;
use crate::policy::{Logins, Mode};
use std::path::Path;

fn files() -> FakeFiles {
    FakeFiles::default()
        .directory("/etc", 4)
        .directory("/etc/sac", 5)
        .directory("/etc/sac/policies", 6)
        .directory("/opt", 2)
        .program("/opt/a", 7)
        .program("/bin/ctl", 8)
        .program("/bin/sh", 9)
        .program("/usr/bin/sudo", 10)
        .program("/usr/bin/busybox", 11)
        .link("/bin/vi", "/usr/bin/busybox")
        .script("/bin/backup", 12, "#!/bin/sh -e\n")
        .link("/srv", "/opt")
}

/// The warnings about a policy but for the one that each deny list gets.
fn codes(policy: &Policy) -> Vec<Code> {
    let faults = lint(policy, &files());
    assert!(faults.iter().all(|fault| !fault.help_text().is_empty()));
    faults.iter().map(crate::Fault::code).filter(|code| *code != Code::DenyListCarriers).collect()
}

#[track_caller]
fn check(rules: &str, expected: &[Code]) {
    assert_eq!(codes(&policy(rules)), expected, "{rules}");
}

#[test]
fn one_name_of_several_is_told() {
    check("kill /opt/a", &[]);
    check("kill /bin/vi", &[Code::SeveralNames]);
    let linked = files().program("/opt/b", 7);
    let faults = lint(&policy("kill /opt/b"), &linked);
    assert!(faults.iter().any(|fault| fault.message() == "`/opt/b` is one of 2 names of one file"));
}

#[test]
fn arguments_can_be_put_in_other_words() {
    check("kill /bin/ctl any -exec -delete", &[Code::ArgumentsInOtherWords]);
    check("kill /bin/ctl any stop", &[]);
    check("kill /bin/ctl args stop *", &[Code::ArgumentsInOtherWords]);
    check("kill /bin/ctl args * **", &[]);
    let listed = Policy { default: Action::Deny, ..policy("allow /bin/ctl args --status") };
    assert_eq!(codes(&listed), []);
}

#[test]
fn arguments_of_a_script_cannot_be_looked_at() {
    check("kill /bin/backup any now", &[Code::ArgumentsOfScript]);
    let listed = Policy { default: Action::Deny, ..policy("allow /bin/backup args now") };
    assert_eq!(codes(&listed), [Code::ArgumentsOfScript]);
    check("kill /bin/backup", &[]);
}

#[test]
fn what_is_denied_by_arguments_is_killed() {
    check("deny /bin/ctl any stop", &[Code::ArgumentsKill]);
    check("audit /bin/ctl any stop", &[]);
}

#[test]
fn an_override_by_arguments_is_not_for_other_rules() {
    check("kill /bin/ctl any stop\nallow! /bin/ctl args stop nginx", &[Code::OverrideByArguments]);
}

#[test]
fn rules_that_never_decide_are_told() {
    let never = &[Code::NeverDecides][..];
    let inheriting = |rules| {
        let mut policy = policy(rules);
        policy.rules[0].source =
            std::sync::Arc::new(crate::Source::new("/etc/sac/policies/base.yaml", rules));
        policy
    };
    assert_eq!(codes(&inheriting("allow /opt/a")), never);
    assert_eq!(codes(&inheriting("allow! /opt/a")), []);
    assert_eq!(codes(&Policy { default: Action::Deny, ..inheriting("allow /opt/a") }), []);
    // An override on the same subject, or around it.
    check("kill /opt/a\nallow! /opt/a", never);
    check("kill /opt/a\nallow! tree:/srv", never);
    check("kill dir:/opt\nallow! tree:/opt", never);
    // A tree that denies anyway.
    check("kill tree:/opt\nkill /opt/a", never);
    check("kill tree:/opt\nkill /srv/a", never);
    check("kill tree:/opt\ndeny /opt/not-there", never);
    check("kill tree:/opt\nkill /opt/a any x", never);
    check("kill tree:/\nkill tree:/opt", &[]);
    check("deny tree:/opt\nkill /opt/a", &[]);
    check("kill tree:/opt\nkill /bin/sh", &[]);
    // The tree itself is not in itself.
    check("kill write tree:/opt\nkill write /opt", &[]);
}

#[test]
fn a_rule_with_words_of_its_own_decides_what_is_said() {
    let mut policy = policy("kill tree:/opt\nkill /opt/a");
    policy.rules[1].message = Some("no".to_owned());
    assert_eq!(codes(&policy), []);
}

fn lockout(policy: &Policy, administers: bool) -> Vec<String> {
    let situation =
        Situation { at: jiff::Timestamp::UNIX_EPOCH, key: sac_abi::HashKey::default(), grants: Vec::new() };
    let person = Affected { name: "alice", shell: Path::new("/bin/sh"), administers };
    let faults = lint_lockout(policy, person, &files(), &situation);
    assert!(faults.iter().all(|fault| fault.code() == Code::LockOut && !fault.help_text().is_empty()));
    faults.iter().map(|fault| fault.message().to_owned()).collect()
}

#[test]
fn who_could_not_log_in_is_told() {
    let none: [&str; 0] = [];
    assert_eq!(lockout(&policy("kill /opt/a"), true), none);
    let refusing = Policy { logins: Logins::Refuse, ..policy("") };
    assert_eq!(lockout(&refusing, false), ["`alice` could not log in any more"]);
    assert_eq!(
        lockout(&policy("kill /bin/sh"), false),
        ["`alice` could not run `/bin/sh`, their login shell"]
    );
    let listed = Policy { default: Action::Deny, ..policy("allow /bin/sh") };
    assert_eq!(lockout(&listed, false), none);
    assert_eq!(
        lockout(&listed, true),
        ["`alice` could not run `/usr/bin/sudo`, with which they become root"]
    );
    assert_eq!(lockout(&Policy { mode: Mode::Audit, ..listed }, true), none);
    // As root in the session they could not take it back.
    let confined = policy("deny administer confined_root");
    assert_eq!(lockout(&confined, false), none);
    assert_eq!(lockout(&confined, true), ["`alice` could not change the policies in `/etc/sac/policies`"]);
    assert_eq!(lockout(&Policy { mode: Mode::Audit, ..confined }, true), none);
    // What is denied to all is denied to them, and told once.
    let both = policy("deny write tree:/etc/sac\ndeny administer confined_root");
    assert_eq!(lockout(&both, true).len(), 1);
    assert_eq!(lockout(&policy("deny write tree:/etc/sac"), true), lockout(&both, true));
    let excepted = policy("deny administer confined_root\nallow! write tree:/etc/sac");
    assert_eq!(lockout(&excepted, true), none);
}
