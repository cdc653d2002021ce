// SPDX-License-Identifier: MIT OR Apache-2.0
//! Entries as they stand in a line of the record.

use super::*;
use crate::{
    daemon::events::tests::alice,
    notice::attempt::tests::{about, address, administration, event, execution, mapped},
};
use sac_abi::event::Form;
use serde_json::{Value, json};

/// The entry of an event of alice's that was denied, without what all have.
fn denied(mut event: Reported) -> Value {
    event.action = Action::Deny as u8;
    (event.ino, event.dev) = (77, 8 << 20 | 1);
    serde_json::to_value(blocked(&event, Some(&alice()), &mut Paths::default())).unwrap()
}

#[test]
fn a_blocked_execution_has_its_path_its_arguments_and_its_rule() {
    let mut df = execution();
    df.arguments[..6].copy_from_slice(b"df\0-h\0");
    df.arguments_len = 6;
    (df.caller.tty_major, df.caller.tty_minor) = (136, 3);
    let entry = denied(df);
    assert_eq!(entry["event"], "blocked");
    assert_eq!(entry["severity"], "high");
    assert_eq!(entry["file"], json!({"path": "/usr/bin/df", "inode": 77, "device": "8:1"}));
    assert_eq!((&entry["typed"], &entry["arguments"]), (&json!("./df"), &json!(["df", "-h"])));
    assert_eq!(entry["arguments_of_caller"], true);
    assert_eq!((&entry["process"]["comm"], &entry["process"]["tty"]), (&json!("rm"), &json!("pts/3")));
    let verdict = json!({"action": "deny", "rule": "/p.yaml:6", "policy": "developers"});
    assert_eq!(entry["verdict"], verdict);
    let session = &entry["session"];
    assert_eq!(
        (&session["user"], &session["service"], &session["from"]),
        (&json!("alice"), &json!("sshd"), &json!("192.0.2.7"))
    );
}

#[test]
fn what_could_not_be_read_is_not_empty() {
    let unreadable = Reported { executed_len: -14, resolved_len: -36, ..execution() };
    let entry = denied(unreadable);
    assert_eq!(entry["typed"], Value::Null);
    assert_eq!((&entry["file"]["path"], &entry["file"]["path_cut"]), (&Value::Null, &json!(true)));
}

#[test]
fn operations_say_what_they_are_about() {
    let names = about(&event(Operation::Delete), Form::Names, b"b\0kept\0");
    let delete = denied(names);
    assert_eq!((&delete["event"], &delete["operation"]), (&json!("operation"), &json!("delete")));
    assert_eq!(delete["file"]["path"], "(device 8:1)/kept/b");
    let connect = denied(about(&event(Operation::Connect), Form::Address, &address()));
    assert_eq!((&connect["operation"], &connect["address"]), (&json!("connect"), &json!("192.0.2.7:443")));
    assert_eq!(connect["file"], Value::Null);
    let act = denied(administration(1));
    assert_eq!(act["operation"], "administer");
    assert!(act["act"].as_str().is_some_and(|act| !act.is_empty()));
    let mapping = denied(mapped(about(&event(Operation::Execute), Form::Path, b"/usr/bin/df\0")));
    assert_eq!((&mapping["operation"], &mapping["file"]["path"]), (&json!("map"), &json!("/usr/bin/df")));
    let memory = denied(mapped(about(&event(Operation::Execute), Form::Names, b"")));
    assert_eq!((&memory["operation"], &memory["file"]), (&json!("map"), &Value::Null));
}

#[test]
fn logins_of_the_process_come_before_those_of_the_session() {
    let mut by_sudo = execution();
    (by_sudo.caller.login_uid, by_sudo.caller.audit_session) = (1001, u32::MAX);
    let session = &denied(by_sudo)["session"];
    assert_eq!((&session["login_uid"], &session["audit_session"]), (&json!(1001), &json!(3)));
}

#[test]
fn of_the_environment_there_is_what_the_policy_asks_for() {
    let all = [&b"LANG=C=1"[..], b"SECRET=x", b"LANGUAGE=de", b"LANG", b"\xff=1"].map(Box::from);
    let kept = environment(&all, Some(&alice()));
    assert_eq!(kept, BTreeMap::from([("LANG".to_owned(), Text::from("C=1"))]));
    assert!(environment(&all, None).is_empty());
}
