// SPDX-License-Identifier: MIT OR Apache-2.0
//! How rules are named in the log, and what its lines say.

use super::*;
use crate::notice::attempt::tests::{about, address, administration, event, execution, mapped};
use sac_abi::event::{Act, Caller, Form};
use sac_policy::{PolicySet, Source};

const POLICY: &str =
    "policy: p\napplies_to: everyone\nprograms:\n  deny:\n    - /usr/bin/df\n    - /usr/bin/wget\n";

#[test]
fn a_rule_is_named_by_file_and_line() {
    let set = PolicySet::from_sources(vec![Source::new("/etc/sac/policies/p.yaml", POLICY)]).unwrap().set;
    let policy = set.get("p");
    assert_eq!(rule_name(policy, 2), "/etc/sac/policies/p.yaml:6");
    assert_eq!(rule_name(policy, 0), "/etc/sac/policies/p.yaml: default");
    assert_eq!(rule_name(policy, 9), "/etc/sac/policies/p.yaml: rule 9");
    assert_eq!(rule_name(policy, Verdict::RULE_NO_POLICY), "no policy");
    assert_eq!(rule_name(None, Verdict::RULE_UNREADABLE_PATH), "unreadable path");
    assert_eq!(
        rule_name(policy, Verdict::RULE_ARGUMENTS_OF_MAPPING),
        "conditions on the arguments of what is mapped, not executed"
    );
    assert_eq!(rule_name(None, 3), "rule 3 of a policy that is not in force any more");
}

pub(in crate::daemon) fn alice() -> Subject {
    Subject {
        user: "alice".to_owned(),
        uid: 1000,
        session: SessionId::from_number(7),
        directory: PathBuf::new(),
        rule: "/p.yaml:6".to_owned(),
        policy: Some("developers".to_owned()),
        environment: vec!["LANG".to_owned()],
        record: sac_audit::record::Session {
            id: "7".to_owned(),
            sequence: 0,
            user: "alice".to_owned(),
            uid: 1000,
            service: "sshd".to_owned(),
            from: "192.0.2.7".to_owned(),
            login_uid: Some(1000),
            audit_session: Some(3),
        },
        messages: Vec::new(),
        severity: Gravity::High,
        strikes: None,
    }
}

/// Checks the line about an event of alice's.
#[track_caller]
fn says(event: &Event, action: Action, expected: &str) {
    let line = Line::new(event, action, Some(&alice()), &mut Mounts::default());
    let session = alice().session.unwrap().to_string();
    assert_eq!(line.text(event), expected.replace("SESSION", &session));
}

#[test]
fn executions_are_told_as_they_were_called() {
    says(
        &execution(),
        Action::Kill,
        "/usr/bin/df blocked: user alice, session SESSION, PID 12, executed as ./df, kill by /p.yaml:6",
    );
    says(
        &execution(),
        Action::Audit,
        "/usr/bin/df would have been blocked: user alice, session SESSION, PID 12, executed as ./df, audit by /p.yaml:6",
    );
}

#[test]
fn what_programs_do_is_told_by_their_names() {
    let delete = about(&event(Operation::Delete), Form::Path, b"/srv/records/a\0");
    says(
        &delete,
        Action::Deny,
        "/srv/records/a: delete blocked: user alice, session SESSION, PID 12, by rm, deny by /p.yaml:6",
    );
    says(
        &about(&event(Operation::Connect), Form::Address, &address()),
        Action::Audit,
        "connection to 192.0.2.7:443 would have been blocked: user alice, session SESSION, PID 12, by rm, audit by /p.yaml:6",
    );
    says(
        &administration(Act::Bpf as u8),
        Action::Deny,
        "using BPF blocked: user alice, session SESSION, PID 12, by rm, deny by /p.yaml:6",
    );
    says(
        &mapped(event(Operation::Execute)),
        Action::Deny,
        "executable memory blocked: user alice, session SESSION, PID 12, by rm, deny by /p.yaml:6",
    );
}

#[test]
fn repetitions_are_told_without_the_process() {
    let delete = about(&event(Operation::Delete), Form::Path, b"/a\0");
    let another = Event { caller: Caller { tgid: 13, ..delete.caller }, ..delete };
    let line = |event| Line::new(event, Action::Deny, None, &mut Mounts::default());
    assert_eq!(line(&delete), line(&another));
    assert_ne!(line(&delete), Line::new(&delete, Action::Audit, None, &mut Mounts::default()));
    assert_eq!(
        line(&delete).text_of_more(90),
        "90 more: /a: delete blocked: user uid 0, session none, deny by rule 0"
    );
}

#[test]
fn notices_are_for_those_whom_no_program_tells() {
    let message = ["Ask the helpdesk.".to_owned()];
    let attempt = |event: &Event| Attempt::of(event, &mut Mounts::default());
    let (memory, act) =
        (attempt(&mapped(event(Operation::Execute))), attempt(&administration(Act::Mount as u8)));
    assert!(is_worth_a_notice(&memory, Action::Kill, &[]));
    assert!(is_worth_a_notice(&memory, Action::Deny, &message));
    assert!(!is_worth_a_notice(&memory, Action::Deny, &[]));
    assert!(is_worth_a_notice(&act, Action::Deny, &[]));
}
