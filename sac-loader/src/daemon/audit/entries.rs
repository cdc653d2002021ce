// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the kernel half tells, as entries of the record.

use super::time_of;
use crate::{
    bpf::Executed,
    daemon::events::Subject,
    notice::{self, Mounts},
};
use sac_abi::{
    Action, Operation,
    activity::{Ended, Forked},
    event::{Act, Caller, Event as Reported, EventPath},
};
use sac_audit::{
    record::{Entry, Event, Execution, File, Operation as Operated, Process, Session, Severity, Verdict},
    text::Text,
};
use sac_policy::policy::Gravity;
use std::collections::BTreeMap;

/// Finds the paths of what is told by names.
pub(crate) type Paths = Mounts;

/// How grave it is, as policies say it.
pub(crate) const fn severity(gravity: Gravity) -> Severity {
    match gravity {
        Gravity::Info => Severity::Info,
        Gravity::Low => Severity::Low,
        Gravity::Medium => Severity::Medium,
        Gravity::High => Severity::High,
        Gravity::Critical => Severity::Critical,
    }
}

/// What was blocked, or would have been.
pub(crate) fn blocked(event: &Reported, subject: Option<&Subject>, paths: &mut Paths) -> Entry {
    let action = Action::from_byte(event.action);
    let cwd = notice::cwd(event, paths).map(|path| Text::from_bytes(&path));
    let process = process(&event.caller, cwd);
    let verdict = verdict(action, event.rule, subject);
    let what = match event.operation() {
        Some(Operation::Execute) if event.mapped == 0 => {
            Event::Blocked(act_of_execution(event, process, verdict))
        }
        operation => Event::Operation(operated(event, operation, process, verdict, paths)),
    };
    Entry {
        time: time_of(event.boot_ns),
        boot_ns: event.boot_ns,
        severity: subject.map_or(Severity::Medium, |subject| severity(subject.severity)),
        session: session(subject, Some(&event.caller)),
        event: what,
    }
}

/// The execution that an event is about.
pub(crate) fn act_of_execution(event: &Reported, process: Process, verdict: Verdict) -> Execution {
    let arguments: Vec<_> = event.arguments().map(Text::from_bytes).collect();
    Execution {
        process,
        file: file(&event.resolved(), event.ino, event.dev),
        typed: text(&event.executed()),
        arguments_cut: event.arguments_are_cut(),
        arguments_of_caller: !arguments.is_empty(),
        arguments,
        interpreter: None,
        environment: BTreeMap::new(),
        environment_cut: false,
        verdict,
    }
}

fn operated(
    event: &Reported,
    operation: Option<Operation>,
    process: Process,
    verdict: Verdict,
    paths: &mut Paths,
) -> Operated {
    let is_mapping = operation == Some(Operation::Execute);
    let name = match operation {
        Some(Operation::Execute) => "map",
        Some(operation) => operation.as_str(),
        None => "unknown",
    };
    let file = notice::file(event, paths).map(|(path, path_cut)| File {
        path: Text::from_bytes(&path),
        path_cut,
        inode: event.ino,
        device: device(event.dev),
    });
    Operated {
        process,
        operation: name.to_owned(),
        // Memory of no file has no path.
        file: file.filter(|file| !(is_mapping && file.path.as_bytes().is_empty())),
        address: event.address().map(|address| address.to_string()),
        act: event.act().map(|act| Act::as_str(act).to_owned()),
        count: 1,
        verdict,
    }
}

/// What was executed.
pub(crate) fn executed(executed: &Executed, subject: Option<&Subject>) -> Entry {
    let execution = &executed.execution;
    let head = execution.head;
    let text = |text: &[u8]| Text::from_bytes(text);
    let arguments = executed.arguments.iter().map(|argument| text(argument)).collect();
    let cwd = (!executed.cwd.bytes.is_empty()).then(|| text(&executed.cwd.bytes));
    Entry {
        time: time_of(head.boot_ns),
        boot_ns: head.boot_ns,
        severity: Severity::Info,
        session: session(subject, Some(&execution.caller)),
        event: Event::Executed(Execution {
            process: process(&execution.caller, cwd),
            file: File {
                path: text(&executed.path.bytes),
                path_cut: executed.path.cut,
                inode: execution.ino,
                device: device(execution.dev),
            },
            typed: text(&executed.typed.bytes),
            interpreter: executed.interpreter.as_ref().map(|interpreter| text(&interpreter.bytes)),
            arguments,
            arguments_cut: executed.arguments_cut,
            arguments_of_caller: false,
            environment: environment(&executed.environment, subject),
            environment_cut: executed.environment_cut,
            verdict: verdict(Action::from_byte(head.action), head.rule, subject),
        }),
    }
}

/// The variables that the policy asks for.
fn environment(all: &[Box<[u8]>], subject: Option<&Subject>) -> BTreeMap<String, Text> {
    let Some(subject) = subject else { return BTreeMap::new() };
    let wanted = |variable: &[u8]| {
        let (name, value) = std::str::from_utf8(variable).ok()?.split_once('=')?;
        subject.environment.iter().any(|asked| asked == name).then(|| (name.to_owned(), Text::from(value)))
    };
    all.iter().filter_map(|variable| wanted(variable)).collect()
}

/// The end of a process.
pub(crate) fn ended(ended: &Ended, subject: Option<&Subject>) -> Entry {
    let event = Event::Ended {
        pid: ended.tgid,
        code: ended.code(),
        signal: ended.signal(),
        run_time_ns: ended.run_time_ns,
    };
    let boot_ns = ended.head.boot_ns;
    Entry {
        time: time_of(boot_ns),
        boot_ns,
        severity: Severity::Info,
        session: session(subject, None),
        event,
    }
}

/// A new process.
pub(crate) fn forked(forked: &Forked, subject: Option<&Subject>) -> Entry {
    let event = Event::Forked { pid: forked.tgid, parent_pid: forked.parent_tgid, comm: comm(&forked.comm) };
    let boot_ns = forked.head.boot_ns;
    Entry {
        time: time_of(boot_ns),
        boot_ns,
        severity: Severity::Info,
        session: session(subject, None),
        event,
    }
}

/// The session, with what the kernel says of this process's login: sudo opens a login of its own.
fn session(subject: Option<&Subject>, caller: Option<&Caller>) -> Option<Session> {
    let session = subject?.record.clone();
    let Some(caller) = caller else { return Some(session) };
    Some(Session {
        login_uid: caller.login_uid().or(session.login_uid),
        audit_session: caller.audit_session().or(session.audit_session),
        ..session
    })
}

fn process(caller: &Caller, cwd: Option<Text>) -> Process {
    Process {
        pid: caller.tgid,
        parent_pid: caller.parent_tgid,
        uid: caller.uid,
        euid: caller.euid,
        comm: comm(&caller.comm),
        cwd,
        tty: notice::terminal_name(caller.tty_major, caller.tty_minor),
    }
}

fn verdict(action: Action, rule: u32, subject: Option<&Subject>) -> Verdict {
    Verdict {
        action: action.as_str().to_owned(),
        rule: subject.map_or_else(|| format!("rule {rule}"), |subject| subject.rule.clone()),
        policy: subject.and_then(|subject| subject.policy.clone()),
    }
}

fn file(path: &EventPath<'_>, inode: u64, dev: u32) -> File {
    File { path: text(path), path_cut: path.cut, inode, device: device(dev) }
}

/// A path that could not be read at all is not an empty one.
fn text(path: &EventPath<'_>) -> Text {
    if path.bytes.is_empty() && path.cut { Text::Unreadable } else { Text::from_bytes(path.bytes) }
}

/// `major:minor`, as `/proc/self/mountinfo` has it.
fn device(dev: u32) -> String {
    format!("{}:{}", dev >> 20, dev & 0xf_ffff)
}

/// The name of a thread, which ends with a NUL where it is shorter than there is room.
fn comm(name: &[u8; 16]) -> Text {
    Text::from_bytes(name.split(|byte| *byte == 0).next().unwrap_or_default())
}

#[cfg(test)]
mod tests;
