// SPDX-License-Identifier: MIT OR Apache-2.0
//! Objects that classes share.

use super::Identity;
use crate::record::{Event, Execution, File, Process, Record, Session};
use crate::sink::facts::process;
use crate::sink::fields::words;
use crate::text::Text;
use serde_json::{Value as Json, json};
use std::net::IpAddr;

pub(super) fn product(identity: &Identity) -> Json {
    json!({"name": "Server Access Control", "vendor_name": "SAC", "version": identity.version})
}

/// The machine, as a server.
pub(super) fn device(record: &Record) -> Json {
    json!({
        "hostname": record.host,
        "type_id": 1,
        "type": "Server",
        "boot_uid": record.boot_id,
        "os": {"name": "Linux", "type": "Linux", "type_id": 200},
    })
}

/// Whose session it is, and the process that did something.
pub(super) fn actor(record: &Record) -> Option<Json> {
    let mut actor = json!({});
    if let Some(session) = &record.entry.session {
        actor["user"] = session_user(session);
        actor["session"] = self::session(session);
    }
    if let Some(process) = process(&record.entry.event) {
        actor["process"] = of_process(process, record.entry.session.as_ref());
    }
    actor.as_object().is_some_and(|actor| !actor.is_empty()).then_some(actor)
}

/// What acted where no session did: the loader.
pub(super) fn loader(identity: &Identity) -> Json {
    json!({"app_name": "sac-loader", "process": {"pid": identity.pid, "name": "sac-loader"}})
}

pub(super) fn session_user(session: &Session) -> Json {
    user(&session.user, Some(session.uid))
}

pub(super) fn user(name: &str, uid: Option<u32>) -> Json {
    match uid {
        Some(uid) => json!({"name": name, "uid": uid.to_string()}),
        None => json!({"name": name}),
    }
}

pub(super) fn session(session: &Session) -> Json {
    let mut object = json!({"uid": session.id, "is_remote": !session.from.is_empty()});
    if let Some(audit_session) = session.audit_session {
        object["uid_alt"] = json!(audit_session.to_string());
    }
    object
}

/// Where somebody came from.
pub(super) fn endpoint(host: &str) -> Json {
    let key = if host.parse::<IpAddr>().is_ok() { "ip" } else { "hostname" };
    json!({(key): host})
}

fn of_process(process: &Process, session: Option<&Session>) -> Json {
    let Process { pid, parent_pid, uid, euid, comm, cwd, .. } = process;
    let mut object = json!({
        "pid": pid,
        "name": shown(comm),
        "parent_process": {"pid": parent_pid},
        "user": {"uid": uid.to_string()},
        "euid": euid,
    });
    if let Some(login_uid) = session.and_then(|session| session.login_uid) {
        object["auid"] = json!(login_uid);
    }
    if let Some(cwd) = cwd {
        object["working_directory"] = json!(shown(cwd));
    }
    object
}

/// The program that was started, in the process that started it.
pub(super) fn launched(execution: &Execution, session: Option<&Session>) -> Json {
    let Execution { process, file, arguments, environment, .. } = execution;
    let mut object = of_process(process, session);
    object["name"] = json!(name(&file.path));
    object["path"] = json!(shown(&file.path));
    object["file"] = self::file(file, FileKind::Executable);
    object["cmd_line"] = json!(words(arguments));
    if !environment.is_empty() {
        let variables: Vec<Json> =
            environment.iter().map(|(name, value)| json!({"name": name, "value": shown(value)})).collect();
        object["environment_variables"] = json!(variables);
    }
    object
}

/// What kind of file it is, as far as the event says.
#[derive(Clone, Copy)]
pub(super) enum FileKind {
    Executable,
    Unknown,
}

pub(super) fn file(file: &File, kind: FileKind) -> Json {
    let type_id = match kind {
        FileKind::Executable => 8,
        FileKind::Unknown => 0,
    };
    json!({
        "name": name(&file.path),
        "path": shown(&file.path),
        "type_id": type_id,
        "uid": format!("{}:{}", file.device, file.inode),
    })
}

/// The last part of a path.
fn name(path: &Text) -> String {
    let path = shown(path);
    let name = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    if name.is_empty() { path.clone() } else { name.to_owned() }
}

pub(super) fn shown(text: &Text) -> String {
    text.to_string()
}

/// The process of events that know no more than its id.
pub(super) fn bare_process(event: &Event) -> Json {
    match event {
        Event::Forked { pid, parent_pid, comm } => {
            json!({"pid": pid, "name": shown(comm), "parent_process": {"pid": parent_pid, "name": shown(comm)}})
        }
        Event::Ended { pid, .. } | Event::Unlabelled { pid, .. } | Event::SessionOpened { pid, .. } => {
            json!({"pid": pid})
        }
        _ => json!({}),
    }
}
