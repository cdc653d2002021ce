// SPDX-License-Identifier: MIT OR Apache-2.0
//! Who is in: sessions and users' slices, and how to find them by cgroup and by inotify watch.

use super::record::{PersonRecord, SessionRecord, UserRecord};
use sac_abi::SessionId;
use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    path::{Path, PathBuf},
};

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
    sessions: BTreeMap<SessionId, SessionRecord>,
    users: BTreeMap<u32, UserRecord>,
    by_cgroup: HashMap<u64, Owner>,
    by_directory: HashMap<PathBuf, SessionId>,
    by_watch: HashMap<i32, Owner>,
    watches: HashMap<Owner, i32>,
    /// Sessions that ended lately: their last events may still be on the way.
    ended: VecDeque<SessionRecord>,
}

/// How many ended sessions are remembered.
const ENDED_MAX: usize = 256;

impl Registry {
    pub(super) fn insert_session(&mut self, id: SessionId, session: SessionRecord, watch: Option<i32>) {
        self.index(Owner::Session(id), session.scope.cgroup_id, watch);
        self.by_directory.insert(session.scope.directory.clone(), id);
        self.sessions.insert(id, session);
    }

    pub(super) fn insert_user(&mut self, user: UserRecord, watch: Option<i32>) {
        let uid = user.person.uid;
        self.index(Owner::User(uid), user.scope.cgroup_id, watch);
        self.users.insert(uid, user);
    }

    fn index(&mut self, owner: Owner, cgroup_id: u64, watch: Option<i32>) {
        self.by_cgroup.insert(cgroup_id, owner);
        self.by_watch.extend(watch.map(|watch| (watch, owner)));
        self.watches.extend(watch.map(|watch| (owner, watch)));
    }

    /// Forgets a session; gives its watch.
    pub(super) fn remove_session(&mut self, id: SessionId) -> Option<i32> {
        let session = self.sessions.remove(&id)?;
        let cgroup_id = session.scope.cgroup_id;
        self.by_directory.remove(&session.scope.directory);
        self.ended.truncate(ENDED_MAX - 1);
        self.ended.push_front(session);
        self.unindex(Owner::Session(id), cgroup_id)
    }

    /// Forgets a user's slice; gives its watch.
    pub(super) fn remove_user(&mut self, uid: u32) -> Option<i32> {
        let cgroup_id = self.users.remove(&uid)?.scope.cgroup_id;
        self.unindex(Owner::User(uid), cgroup_id)
    }

    fn unindex(&mut self, owner: Owner, cgroup_id: u64) -> Option<i32> {
        self.by_cgroup.remove(&cgroup_id);
        let watch = self.watches.remove(&owner)?;
        self.by_watch.remove(&watch);
        Some(watch)
    }

    /// The open sessions, oldest first.
    pub(super) fn sessions(&self) -> impl Iterator<Item = (SessionId, &SessionRecord)> {
        self.sessions.iter().map(|(id, session)| (*id, session))
    }

    /// The users whose slices are under a policy.
    pub(super) fn users(&self) -> impl Iterator<Item = &UserRecord> {
        self.users.values()
    }

    pub(super) fn session_mut(&mut self, id: SessionId) -> Option<&mut SessionRecord> {
        self.sessions.get_mut(&id)
    }

    pub(super) fn user_mut(&mut self, uid: u32) -> Option<&mut UserRecord> {
        self.users.get_mut(&uid)
    }

    /// Takes over how a person is described now.
    pub(super) fn update_person(&mut self, person: &PersonRecord) {
        let sessions = self.sessions.values_mut().map(|session| &mut session.person);
        let everybody = sessions.chain(self.users.values_mut().map(|user| &mut user.person));
        everybody.filter(|known| known.uid == person.uid).for_each(|known| known.clone_from(person));
    }

    /// The open sessions of one user.
    pub(super) fn sessions_of(&self, uid: u32) -> impl Iterator<Item = &SessionRecord> {
        self.sessions.values().filter(move |session| session.person.uid == uid)
    }

    pub(super) fn session(&self, id: SessionId) -> Option<&SessionRecord> {
        self.sessions.get(&id)
    }

    /// A session that ended lately.
    pub(super) fn ended(&self, cgroup_id: u64) -> Option<&SessionRecord> {
        self.ended.iter().find(|session| session.scope.cgroup_id == cgroup_id)
    }

    pub(super) fn user(&self, uid: u32) -> Option<&UserRecord> {
        self.users.get(&uid)
    }

    /// Everyone.
    pub(super) fn owners(&self) -> impl Iterator<Item = Owner> + '_ {
        self.sessions.keys().copied().map(Owner::Session).chain(self.users.keys().copied().map(Owner::User))
    }

    /// Slots that somebody is under.
    pub(super) fn slots(&self) -> impl Iterator<Item = u32> + '_ {
        let sessions = self.sessions.values().flat_map(|session| session.scope.slots);
        sessions.chain(self.users.values().flat_map(|user| user.scope.slots)).filter(|slot| *slot != 0)
    }

    /// The directories of all cgroups that are under a policy.
    pub(super) fn directories(&self) -> impl Iterator<Item = &Path> {
        let sessions = self.sessions.values().map(|session| &session.scope);
        sessions.chain(self.users.values().map(|user| &user.scope)).map(|scope| scope.directory.as_path())
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
        directory.ancestors().find_map(|above| self.by_directory.get(above)).copied()
    }
}

#[cfg(test)]
mod tests;
