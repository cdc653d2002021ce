// SPDX-License-Identifier: MIT OR Apache-2.0
//! Events in words.

use super::*;
use sac_abi::event::EVENT_VERSION;

/// An event of the process 12, `rm`, about nothing.
pub(crate) fn event(operation: Operation) -> Event {
    let mut bytes = vec![0; size_of::<Event>()];
    bytes[..2].copy_from_slice(&EVENT_VERSION.to_ne_bytes());
    let mut event = Event::from_bytes(&bytes).unwrap();
    event.operation = operation as u16;
    event.caller.tgid = 12;
    event.caller.comm[..2].copy_from_slice(b"rm");
    event
}

/// The same event about what `bytes` say.
pub(crate) fn about(event: &Event, form: Form, bytes: &[u8]) -> Event {
    let mut event = *event;
    event.form = form as u8;
    event.resolved[..bytes.len()].copy_from_slice(bytes);
    event.resolved_len = i32::try_from(bytes.len()).unwrap();
    event
}

/// The same event, as one about a mapping.
pub(crate) fn mapped(mut event: Event) -> Event {
    event.mapped = 1;
    event
}

/// An act of root's.
pub(crate) fn administration(act: u8) -> Event {
    Event { form: Form::Act as u8, mapped: act, ..event(Operation::Administer) }
}

/// What the kernel half writes about 192.0.2.7:443.
pub(crate) fn address() -> Vec<u8> {
    [&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 7], &443_u16.to_ne_bytes()[..]].concat()
}

/// An execution of /usr/bin/df as `./df`.
pub(crate) fn execution() -> Event {
    let mut event = about(&event(Operation::Execute), Form::Path, b"/usr/bin/df\0");
    event.executed[..5].copy_from_slice(b"./df\0");
    event.executed_len = 5;
    event
}

/// Checks operation, outcome and name.
#[track_caller]
fn check(event: &Event, operation: &str, outcome: &str, named: &str) -> Attempt {
    let attempt = Attempt::of(event, &mut Mounts::default());
    assert_eq!(attempt.operation(), operation);
    assert_eq!(attempt.outcome("blocked"), outcome);
    assert_eq!(attempt.named(), named);
    attempt
}

#[test]
fn an_execution_is_the_program() {
    let attempt = check(&execution(), "execute", "/usr/bin/df blocked", "./df");
    assert!(attempt.is_execution());
    assert_eq!((attempt.path(), attempt.executed()), (Some("/usr/bin/df"), Some("./df")));
}

#[test]
fn a_mapping_is_told_from_an_execution() {
    let event = mapped(about(&event(Operation::Execute), Form::Path, b"/usr/bin/df\0"));
    let attempt = check(&event, "execute", "/usr/bin/df: mapping blocked", "mapping of /usr/bin/df");
    assert!(!attempt.is_execution());
    assert_eq!((attempt.path(), attempt.executed()), (Some("/usr/bin/df"), None));
    // There is a file, but the kernel does not tell its path.
    let unreadable = Event { resolved_len: -36, ..event };
    check(&unreadable, "execute", "…: mapping blocked", "mapping of …");
}

#[test]
fn a_mapping_of_nothing_is_memory() {
    for form in [0, Form::Path as u8, Form::Names as u8] {
        let event = Event { form, ..mapped(event(Operation::Execute)) };
        let attempt = check(&event, "execute", "executable memory blocked", "executable memory");
        assert_eq!(attempt.path(), None);
    }
}

#[test]
fn files_are_named_by_their_place() {
    // No mount can have the greatest device number.
    let event = Event { dev: u32::MAX, ..about(&event(Operation::Delete), Form::Names, b"a\nb\0records\0") };
    check(
        &event,
        "delete",
        r"(device 4095:1048575)/records/a\nb: delete blocked",
        r"delete of (device 4095:1048575)/records/a\nb",
    );
    let cut = Event { executed_len: 1, ..event };
    check(&cut, "delete", r"…/records/a\nb: delete blocked", r"delete of …/records/a\nb");
}

#[test]
fn connections_have_addresses() {
    let event = event(Operation::Connect);
    let attempt = check(
        &about(&event, Form::Address, &address()),
        "connect",
        "connection to 192.0.2.7:443 blocked",
        "connection to 192.0.2.7:443",
    );
    assert_eq!((attempt.path(), attempt.address()), (None, Some("192.0.2.7:443")));
    check(&event, "connect", "connection to an unknown address blocked", "connection to an unknown address");
}

#[test]
fn what_root_tries_is_said_in_words() {
    let attempt = check(&administration(Act::Bpf as u8), "administer", "using BPF blocked", "using BPF");
    assert!(!attempt.is_execution());
    assert_eq!((attempt.path(), attempt.address(), attempt.act()), (None, None, Some("using BPF")));
    // Of another version.
    check(&administration(99), "administer", "something unknown blocked", "something unknown");
}

#[test]
fn an_operation_of_another_version_is_told() {
    let mut event = about(&event(Operation::Read), Form::Path, b"/a\0");
    event.operation = 99;
    check(&event, "unknown operation", "/a: unknown operation blocked", "unknown operation of /a");
}

#[test]
fn the_name_of_a_thread_is_the_users() {
    let mut event = event(Operation::Read);
    assert_eq!(comm(&event), "rm");
    event.caller.comm = *b"\x1b[2Jaaaaaaaaaaaa";
    assert_eq!(comm(&event), "\\u{1b}[2Jaaaaaaaaaaaa");
}
