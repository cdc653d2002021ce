// SPDX-License-Identifier: MIT OR Apache-2.0
//! Who is in: sessions and users' slices, and how to find them by cgroup and by inotify watch.

use super::record::{SessionRecord, UserRecord};
use crate::bpf::Attachment;
use sac_abi::SessionId;
use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
};

/// A session that is open.
pub(super) struct Session {
    pub(super) record: SessionRecord,
    pub(super) attachment: Option<Attachment>,
}

/// A user's slice under a policy.
pub(super) struct UserScope {
    pub(super) record: UserRecord,
    pub(super) attachment: Option<Attachment>,
}

/// Whose cgroup something is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Owner {
    /// A session's.
    Session(SessionId),
    /// A user's slice.
    User(u32),
}

/// The registry.
#[derive(Default)]
pub(crate) struct Registry {
    sessions: BTreeMap<SessionId, Session>,
    users: BTreeMap<u32, UserScope>,
    by_cgroup: HashMap<u64, Owner>,
    by_watch: HashMap<i32, Owner>,
}

impl Registry {
    pub(super) fn insert_session(&mut self, id: SessionId, session: Session, watch: i32) {
        self.index(Owner::Session(id), session.record.scope.cgroup_id, watch);
        self.sessions.insert(id, session);
    }

    pub(super) fn insert_user(&mut self, user: UserScope, watch: i32) {
        let uid = user.record.person.uid;
        self.index(Owner::User(uid), user.record.scope.cgroup_id, watch);
        self.users.insert(uid, user);
    }

    fn index(&mut self, owner: Owner, cgroup_id: u64, watch: i32) {
        self.by_cgroup.insert(cgroup_id, owner);
        self.by_watch.insert(watch, owner);
    }

    pub(super) fn remove_session(&mut self, id: SessionId) -> Option<Session> {
        self.forget(Owner::Session(id));
        self.sessions.remove(&id)
    }

    pub(super) fn remove_user(&mut self, uid: u32) -> Option<UserScope> {
        self.forget(Owner::User(uid));
        self.users.remove(&uid)
    }

    fn forget(&mut self, owner: Owner) {
        self.by_cgroup.retain(|_, of| *of != owner);
        self.by_watch.retain(|_, of| *of != owner);
    }

    /// The open sessions, oldest first.
    pub(super) fn sessions(&self) -> impl Iterator<Item = (SessionId, &Session)> {
        self.sessions.iter().map(|(id, session)| (*id, session))
    }

    pub(super) fn sessions_mut(&mut self) -> impl Iterator<Item = &mut Session> {
        self.sessions.values_mut()
    }

    pub(super) fn users_mut(&mut self) -> impl Iterator<Item = &mut UserScope> {
        self.users.values_mut()
    }

    pub(super) fn session(&self, id: SessionId) -> Option<&Session> {
        self.sessions.get(&id)
    }

    pub(super) fn user(&self, uid: u32) -> Option<&UserScope> {
        self.users.get(&uid)
    }

    /// Everyone.
    pub(super) fn owners(&self) -> impl Iterator<Item = Owner> + '_ {
        self.sessions.keys().copied().map(Owner::Session).chain(self.users.keys().copied().map(Owner::User))
    }

    /// Slots that somebody is under.
    pub(super) fn slots(&self) -> impl Iterator<Item = u32> + '_ {
        let sessions = self.sessions.values().map(|session| session.record.scope.slot);
        sessions.chain(self.users.values().map(|user| user.record.scope.slot))
    }

    /// Ids of all cgroups that are under a policy.
    pub(super) fn knows_cgroup(&self, cgroup_id: u64) -> bool {
        self.by_cgroup.contains_key(&cgroup_id)
    }

    /// Whose cgroup this is.
    pub(super) fn owner_of_cgroup(&self, cgroup_id: u64) -> Option<Owner> {
        self.by_cgroup.get(&cgroup_id).copied()
    }

    /// Whose cgroup a watch is on.
    pub(super) fn owner_of_watch(&self, watch: i32) -> Option<Owner> {
        self.by_watch.get(&watch).copied()
    }

    /// The session that a process lives in, by the directory of its cgroup.
    pub(super) fn session_at(&self, directory: &Path) -> Option<SessionId> {
        let inside =
            |(_, session): &(&SessionId, &Session)| directory.starts_with(&session.record.scope.directory);
        self.sessions.iter().find(inside).map(|(id, _)| *id)
    }
}
