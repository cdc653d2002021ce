// SPDX-License-Identifier: MIT OR Apache-2.0
//! The registry finds what it was given, and nothing of what has gone.

use super::*;
use crate::daemon::record::{PersonRecord, ScopeRecord};

fn session(number: u64, cgroup_id: u64) -> (SessionId, SessionRecord) {
    let person = PersonRecord { name: "alice".to_owned(), uid: 1000, groups: Vec::new() };
    let directory = format!("/sys/fs/cgroup/user.slice/session-{number}.scope/sac").into();
    let policies = vec!["developers".to_owned()];
    let scope = ScopeRecord { directory, cgroup_id, policies, slots: [4, 0], recording: 1 };
    let record = SessionRecord {
        id: number,
        person,
        service: "sshd".to_owned(),
        from: String::new(),
        tty: String::new(),
        since_ms: 0,
        opened_boot_s: None,
        login_uid: None,
        audit_session: None,
        lost_told: 0,
        scope,
    };
    (SessionId::from_number(number).unwrap(), record)
}

#[test]
fn a_session_is_found_by_its_cgroup_and_its_watch() {
    let mut registry = Registry::default();
    let (id, record) = session(7, 70);
    registry.insert_session(id, record, Some(3));
    assert_eq!(registry.owner_of_cgroup(70), Some(Owner::Session(id)));
    assert_eq!(registry.owner_of_watch(3), Some(Owner::Session(id)));
    assert_eq!(registry.slots().collect::<Vec<_>>(), [4]);
}

#[test]
fn a_process_is_in_the_session_whose_cgroup_it_is_below() {
    let mut registry = Registry::default();
    let (id, record) = session(7, 70);
    registry.insert_session(id, record, None);
    let at = |path: &str| registry.session_at(Path::new(path));
    assert_eq!(at("/sys/fs/cgroup/user.slice/session-7.scope/sac"), Some(id));
    assert_eq!(at("/sys/fs/cgroup/user.slice/session-7.scope/sac/nested"), Some(id));
    assert_eq!(at("/sys/fs/cgroup/user.slice/session-7.scope"), None);
    assert_eq!(at("/sys/fs/cgroup/user.slice/session-7.scope/sack"), None);
}

#[test]
fn a_session_that_ended_is_only_remembered_for_its_last_events() {
    let mut registry = Registry::default();
    let (id, record) = session(7, 70);
    registry.insert_session(id, record, Some(3));
    assert_eq!(registry.remove_session(id), Some(3));
    assert_eq!(registry.remove_session(id), None);
    assert_eq!(registry.owner_of_cgroup(70), None);
    assert_eq!(registry.owner_of_watch(3), None);
    assert!(registry.session(id).is_none() && registry.slots().next().is_none());
    assert_eq!(registry.ended(70).map(|session| session.id), Some(7));
}

#[test]
fn memory_of_ended_sessions_is_bounded() {
    let mut registry = Registry::default();
    for number in 1..=ENDED_MAX as u64 + 10 {
        let (id, record) = session(number, number);
        registry.insert_session(id, record, None);
        registry.remove_session(id);
    }
    assert_eq!(registry.ended.len(), ENDED_MAX);
    assert!(registry.ended(1).is_none() && registry.ended(ENDED_MAX as u64 + 10).is_some());
}
