// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which class an event is of, and what that class asks for.

use super::objects::{self, FileKind};
use crate::record::{Control, Event, Execution, Grant, Operation, Record};
use crate::sink::{format::Identity, message};
use serde_json::{Map, Value as Json, json};

/// A class, what was done in its terms, and its own attributes.
pub(super) struct Class {
    pub(super) name: &'static str,
    pub(super) uid: u32,
    pub(super) category: u32,
    pub(super) activity: u32,
    pub(super) activity_name: &'static str,
    pub(super) attributes: Map<String, Json>,
}

/// Makes a [`Class`] of its name and number, the activity's number and name, and attributes.
fn class(
    (name, uid): (&'static str, u32),
    (activity, activity_name): (u32, &'static str),
    attributes: Json,
) -> Class {
    let attributes = match attributes {
        Json::Object(attributes) => attributes,
        _ => Map::new(),
    };
    // The thousands of a class's number are its category.
    Class { name, uid, category: uid / 1000, activity, activity_name, attributes }
}

const FILE_ACTIVITY: (&str, u32) = ("File System Activity", 1001);
const KERNEL_ACTIVITY: (&str, u32) = ("Kernel Activity", 1003);
const MODULE_ACTIVITY: (&str, u32) = ("Module Activity", 1005);
const PROCESS_ACTIVITY: (&str, u32) = ("Process Activity", 1007);
const EVENT_LOG_ACTIVITY: (&str, u32) = ("Event Log Activity", 1008);
const DETECTION_FINDING: (&str, u32) = ("Detection Finding", 2004);
const AUTHENTICATION: (&str, u32) = ("Authentication", 3002);
const ENTITY_MANAGEMENT: (&str, u32) = ("Entity Management", 3004);
const USER_ACCESS_MANAGEMENT: (&str, u32) = ("User Access Management", 3005);
const NETWORK_ACTIVITY: (&str, u32) = ("Network Activity", 4001);
const APPLICATION_LIFECYCLE: (&str, u32) = ("Application Lifecycle", 6002);

/// An activity that the class has no number for.
const fn other(name: &'static str) -> (u32, &'static str) {
    (99, name)
}

pub(super) fn of(record: &Record, identity: &Identity) -> Class {
    let session = record.entry.session.as_ref();
    match &record.entry.event {
        Event::Executed(execution) | Event::Blocked(execution) => launched(record, execution),
        Event::Forked { .. } => class(
            PROCESS_ACTIVITY,
            (1, "Launch"),
            json!({
                "actor": with_process(record, identity),
                "process": objects::bare_process(&record.entry.event),
                "launch_type_id": 2,
                "launch_type": "Fork",
            }),
        ),
        Event::Ended { code, .. } => {
            let mut attributes = json!({
                "actor": with_process(record, identity),
                "process": objects::bare_process(&record.entry.event),
            });
            if let Some(code) = code {
                attributes["exit_code"] = json!(code);
            }
            class(PROCESS_ACTIVITY, (2, "Terminate"), attributes)
        }
        Event::Operation(operation) => operated(operation),
        Event::SessionOpened { .. }
        | Event::SessionClosed { .. }
        | Event::SessionRefused { .. }
        | Event::SessionAdopted { .. }
        | Event::IdentityChanged { .. }
        | Event::SessionControlled { .. } => authentication(record),
        Event::Granted(grant) => access(grant, (1, "Assign Privileges")),
        Event::GrantEnded { grant, .. } => access(grant, (2, "Revoke Privileges")),
        Event::PolicyLoaded { .. }
        | Event::PolicyRefused { .. }
        | Event::PolicyChanged { .. }
        | Event::PolicyApplied { .. } => policy(record),
        Event::Tamper { what } => found(record, what),
        Event::Unlabelled { user, .. } => {
            let mut class = found(record, "somebody logged in past SAC");
            class.attributes.insert(
                "actor".to_owned(),
                json!({"user": objects::user(user, None), "process": objects::bare_process(&record.entry.event)}),
            );
            class
        }
        Event::LoaderStarted { .. } => lifecycle(identity, (3, "Start")),
        Event::LoaderStopped {} => lifecycle(identity, (4, "Stop")),
        Event::EventsLost { count, by } => {
            log(identity, other("Lost"), json!({"count": count, "status_detail": format!("lost by {by}")}))
        }
        Event::ChainRepaired { file, .. } => log(
            identity,
            other("Repaired"),
            json!({"status_detail": format!("the end of {file} was moved aside")}),
        ),
        Event::RecordsRemoved { from_number, to_number, .. } => log(
            identity,
            other("Removed"),
            json!({"status_detail": format!("records {from_number} to {to_number} are removed as the oldest")}),
        ),
        Event::Checkpoint {} => log(
            identity,
            other("Checkpoint"),
            json!({"status_detail": session.map_or("", |session| session.id.as_str())}),
        ),
    }
}

fn launched(record: &Record, execution: &Execution) -> Class {
    let process = objects::launched(execution, record.entry.session.as_ref());
    let attributes = json!({"process": process, "launch_type_id": 3, "launch_type": "Exec"});
    class(PROCESS_ACTIVITY, (1, "Launch"), attributes)
}

/// The actor of an event that knows a process by its id only.
fn with_process(record: &Record, identity: &Identity) -> Json {
    let mut actor = objects::actor(record).unwrap_or_else(|| objects::loader(identity));
    let process = objects::bare_process(&record.entry.event);
    actor["process"] = process.get("parent_process").cloned().unwrap_or(process);
    actor
}

fn operated(operation: &Operation) -> Class {
    let count = operation.count;
    if let Some(act) = &operation.act {
        let kernel = json!({"name": act, "type_id": 99, "type": "Other"});
        return class(KERNEL_ACTIVITY, (4, "Invoke"), json!({"kernel": kernel, "count": count}));
    }
    if let Some(address) = &operation.address {
        return connected(address, count);
    }
    let file = operation.file.clone().unwrap_or_default();
    if operation.operation == "map" {
        let module = json!({
            "file": objects::file(&file, FileKind::Executable),
            "load_type_id": 4,
            "load_type": "Mapped",
        });
        return class(MODULE_ACTIVITY, (1, "Load"), json!({"module": module, "count": count}));
    }
    let activity = match operation.operation.as_str() {
        "create" => (1, "Create"),
        "read" => (2, "Read"),
        "write" => (3, "Update"),
        "delete" => (4, "Delete"),
        "rename" => (5, "Rename"),
        _ => other("Other"),
    };
    let file = objects::file(&file, FileKind::Unknown);
    class(FILE_ACTIVITY, activity, json!({"file": file, "count": count}))
}

fn connected(address: &str, count: u64) -> Class {
    let endpoint = match address.parse::<std::net::SocketAddr>() {
        Ok(address) => json!({"ip": address.ip().to_string(), "port": address.port()}),
        Err(_no_address) => json!({"name": address}),
    };
    class(NETWORK_ACTIVITY, (1, "Open"), json!({"dst_endpoint": endpoint, "count": count}))
}

fn authentication(record: &Record) -> Class {
    let session = record.entry.session.as_ref();
    let mut attributes = session.map_or_else(
        || json!({"user": objects::user("unknown", None), "service": {"name": "sac"}}),
        |session| {
            json!({
                "user": objects::session_user(session),
                "session": objects::session(session),
                "service": {"name": session.service},
            })
        },
    );
    let mut from = session.map(|session| session.from.clone()).unwrap_or_default();
    let activity = match &record.entry.event {
        Event::SessionOpened { groups, tty, .. } => {
            let groups: Vec<Json> = groups.iter().map(|group| json!({"name": group})).collect();
            attributes["user"]["groups"] = json!(groups);
            if session.is_some() && !tty.is_empty() {
                attributes["session"]["terminal"] = json!(tty);
            }
            succeeded(&mut attributes);
            (1, "Logon")
        }
        Event::SessionClosed { duration_ms, .. } => {
            attributes["duration"] = json!(duration_ms);
            succeeded(&mut attributes);
            (2, "Logoff")
        }
        Event::SessionRefused { user, service, from: host, reason } => {
            attributes["user"] = objects::user(&objects::shown(user), None);
            attributes["service"] = json!({"name": objects::shown(service)});
            attributes["status_detail"] = json!(reason);
            from = objects::shown(host);
            (1, "Logon")
        }
        Event::IdentityChanged { by, to_user, to_uid, .. } => {
            attributes["user"] = objects::user(to_user, Some(*to_uid));
            attributes["service"] = json!({"name": by});
            succeeded(&mut attributes);
            (7, "Account Switch")
        }
        Event::SessionControlled { action: Control::Killed, reason, .. } => {
            attributes["status_detail"] = json!(reason);
            (2, "Logoff")
        }
        Event::SessionControlled { action, reason, .. } => {
            attributes["status_detail"] = json!(reason);
            other(if *action == Control::Frozen { "Freeze" } else { "Thaw" })
        }
        _ => other("Adopt"),
    };
    if !from.is_empty() {
        attributes["src_endpoint"] = objects::endpoint(&from);
    }
    class(AUTHENTICATION, activity, attributes)
}

fn succeeded(attributes: &mut Json) {
    attributes["status_id"] = json!(1);
    attributes["status"] = json!("Success");
}

fn access(grant: &Grant, activity: (u32, &'static str)) -> Class {
    let attributes = json!({
        "user": objects::user(&grant.user, None),
        "privileges": [format!("execute {}", grant.program)],
        "actor": {"user": objects::user(&grant.by, None)},
        "status_detail": grant.reason,
    });
    class(USER_ACCESS_MANAGEMENT, activity, attributes)
}

fn policy(record: &Record) -> Class {
    let event = &record.entry.event;
    let (names, activity, detail) = match event {
        Event::PolicyLoaded { policies, digest } => (policies.join(", "), (10, "Activate"), digest.clone()),
        Event::PolicyChanged { to_policies, .. } => (to_policies.join(", "), (3, "Update"), String::new()),
        Event::PolicyRefused { reason } => (String::new(), (3, "Update"), reason.clone()),
        Event::PolicyApplied { .. } => (String::new(), (3, "Update"), message(record)),
        event => (String::new(), other("Other"), event.name().to_owned()),
    };
    let name = if names.is_empty() { "policies".to_owned() } else { names };
    let is_refused = matches!(event, Event::PolicyRefused { .. });
    let (status_id, status) = if is_refused { (2, "Failure") } else { (1, "Success") };
    let attributes = json!({
        "entity": {"name": name, "type_id": 5, "type": "Policy"},
        "status_id": status_id,
        "status": status,
        "status_detail": detail,
    });
    class(ENTITY_MANAGEMENT, activity, attributes)
}

fn found(record: &Record, title: &str) -> Class {
    let uid = format!("{}:{}", record.host, record.number);
    let finding = json!({"uid": uid, "title": title, "types": [record.entry.event.name()]});
    class(DETECTION_FINDING, (1, "Create"), json!({"finding_info": finding, "is_alert": true}))
}

fn lifecycle(identity: &Identity, activity: (u32, &'static str)) -> Class {
    class(APPLICATION_LIFECYCLE, activity, json!({"app": objects::product(identity)}))
}

fn log(identity: &Identity, activity: (u32, &'static str), mut attributes: Json) -> Class {
    attributes["log_name"] = json!("sac");
    attributes["actor"] = objects::loader(identity);
    class(EVENT_LOG_ACTIVITY, activity, attributes)
}
