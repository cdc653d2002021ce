// SPDX-License-Identifier: MIT OR Apache-2.0
//! The daemon's state, and what happens to it: policies come, scopes end, a restarted daemon finds its sessions again.
//!
//! Opening is in [`super::open`].

use super::{
    events::Subject,
    policies::{Published, withdraw},
    record::{Records, ScopeRecord, SessionRecord, UserRecord},
    registry::{Owner, Registry},
    watch::Watcher,
};
use crate::{
    bpf::{Enforcement, EnforcementError, EventReader, slots::Slot},
    cgroup::{self, Cgroup},
};
use anyhow::Context as _;
use sac_abi::{
    SessionId,
    scope::{Counters, Scope},
};
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

/// The anchor keeps the programs and their hooks between sessions; nobody ever lives in it.
pub(super) const ANCHOR: &str = "sac-anchor";

/// Everything the daemon knows.
pub(crate) struct State {
    pub(super) enforcement: Enforcement,
    pub(super) policies: Option<Published>,
    pub(super) registry: Registry,
    pub(super) watcher: Watcher,
    pub(super) session_records: Records,
    pub(super) user_records: Records,
    pub(super) last_session: SessionId,
    policy_directory: PathBuf,
}

impl State {
    /// The state of a daemon that knows nobody yet.
    pub(super) fn new(mut enforcement: Enforcement, policy_directory: PathBuf) -> anyhow::Result<Self> {
        let directory = Path::new(cgroup::ROOT).join(ANCHOR);
        let anchor = if directory.exists() { Cgroup::open(&directory) } else { Cgroup::create(&directory) };
        let anchor = anchor.with_context(|| format!("cannot make the cgroup {}", directory.display()))?;
        enforcement.hold_anchor(&anchor)?;
        Ok(Self {
            enforcement,
            policies: None,
            registry: Registry::default(),
            watcher: Watcher::new().context("watching cgroups")?,
            session_records: Records::open("sessions").context("preparing /run/sac")?,
            user_records: Records::open("users").context("preparing /run/sac")?,
            last_session: SessionId::new(0, 0),
            policy_directory,
        })
    }

    /// Where cgroups are watched.
    pub(super) fn watcher(&self) -> Watcher {
        self.watcher.clone()
    }

    /// The reader of events.
    pub(super) fn take_events(&mut self) -> Result<EventReader, EnforcementError> {
        self.enforcement.take_events()
    }

    /// Who is in.
    pub(crate) fn registry(&self) -> &Registry {
        &self.registry
    }

    /// What was counted in a session.
    pub(crate) fn counters(&self, cgroup_id: u64) -> Counters {
        self.enforcement.counters(cgroup_id)
    }

    /// Loads the policies and says in the log how that went.
    pub(super) fn load_policies(&mut self) {
        if let Err(error) = self.reload() {
            match self.policies {
                Some(_) => {
                    tracing::error!("the policies were refused, the ones before stay in force: {error:#}")
                }
                None => tracing::error!(
                    "the policies were refused, logins are refused until they load: {error:#}"
                ),
            }
        }
    }

    /// Loads the policies; all sessions move to them, each at once. Where anything is wrong all stays as it was.
    ///
    /// # Errors
    ///
    /// What is wrong.
    pub(crate) fn reload(&mut self) -> anyhow::Result<usize> {
        let published = Published::load(&self.policy_directory, &mut self.enforcement)?;
        let count = published.count();
        self.move_everyone(&published);
        self.policies = Some(published);
        self.withdraw_unused()?;
        tracing::info!(policies = count, "{count} policies in force");
        Ok(count)
    }

    /// Puts every session and every user's slice under its policy of a new set.
    fn move_everyone(&mut self, published: &Published) {
        for session in self.registry.sessions_mut() {
            let record = session;
            let Some(chosen) = published.choose(&(&record.person).into()) else {
                tracing::warn!(
                    user = record.person.name,
                    "no policy is for this user any more; the session keeps its own"
                );
                continue;
            };
            let scope = Scope::session(chosen.slot.number(), record.scope.cgroup_id);
            if move_scope(&mut self.enforcement, &mut record.scope, scope, &chosen.policy.name)
                && let Some(id) = record.session()
            {
                report(self.session_records.write(&id.to_string(), record));
            }
        }
        for user in self.registry.users_mut() {
            let record = user;
            let Some(chosen) = published.choose(&(&record.person).into()) else { continue };
            let scope = Scope::user(chosen.slot.number(), record.scope.cgroup_id, super::open::SESSION_LEVEL);
            if move_scope(&mut self.enforcement, &mut record.scope, scope, &chosen.policy.name) {
                report(self.user_records.write(&record.person.uid.to_string(), record));
            }
        }
    }

    /// Empties the slots that neither the set in force nor anybody's scope names.
    fn withdraw_unused(&mut self) -> Result<(), EnforcementError> {
        let used: BTreeSet<u32> =
            self.registry.slots().chain(self.policies.iter().flat_map(Published::slots)).collect();
        let unused: Vec<Slot> = self
            .enforcement
            .slots()
            .used()?
            .into_iter()
            .filter(|slot| !used.contains(&slot.number()))
            .collect();
        withdraw(&mut self.enforcement, unused.into_iter());
        Ok(())
    }

    /// Finds the sessions of an earlier daemon again, and clears away what ended meanwhile.
    pub(super) fn adopt(&mut self) -> anyhow::Result<()> {
        for record in self.session_records.read::<SessionRecord>()? {
            let Some(id) = record.session() else { continue };
            self.last_session = self.last_session.max(id);
            let watch =
                self.adopt_scope(&record.scope, Scope::session(record.scope.slot, record.scope.cgroup_id))?;
            self.registry.insert_session(id, record, watch);
            self.settle(Owner::Session(id));
        }
        for record in self.user_records.read::<UserRecord>()? {
            let uid = record.person.uid;
            let level = super::open::SESSION_LEVEL;
            let watch = self
                .adopt_scope(&record.scope, Scope::user(record.scope.slot, record.scope.cgroup_id, level))?;
            self.registry.insert_user(record, watch);
            self.settle(Owner::User(uid));
        }
        for cgroup_id in self.enforcement.pinned_scopes()? {
            if !self.registry.knows_cgroup(cgroup_id) {
                tracing::info!(cgroup_id, "removing attachments that no session has");
                self.enforcement.release(cgroup_id)?;
            }
        }
        Ok(())
    }

    /// Takes a scope over that an earlier daemon made; `None` where its cgroup has gone.
    fn adopt_scope(&mut self, record: &ScopeRecord, scope: Scope) -> anyhow::Result<Option<i32>> {
        let Ok(cgroup) = Cgroup::open(&record.directory) else { return Ok(None) };
        if cgroup.id() != record.cgroup_id {
            return Ok(None);
        }
        if !self.enforcement.is_attached(record.cgroup_id)? {
            tracing::warn!(cgroup = %record.directory.display(), "attachments were missing; attaching again");
            self.enforcement.attach_again(&cgroup, scope)?;
        }
        Ok(Some(self.watcher.add(&record.directory)?))
    }

    /// Looks whether an owner's cgroup has come to its end, and clears it away; `true` where nothing is left to do.
    pub(super) fn settle(&mut self, owner: Owner) -> bool {
        match owner {
            Owner::Session(id) => self.settle_session(id),
            Owner::User(uid) => self.settle_user(uid),
        }
    }

    fn settle_session(&mut self, id: SessionId) -> bool {
        let Some(session) = self.registry.session(id) else { return true };
        let scope = &session.scope;
        match cgroup::is_populated(&scope.directory) {
            Ok(Some(true)) => return true,
            Ok(_) => {}
            Err(error) => tracing::warn!(session = %id, %error, "cannot tell whether the session has ended"),
        }
        // A cgroup of the same name that is not the session's is left alone.
        let is_ours = Cgroup::open(&scope.directory).is_ok_and(|cgroup| cgroup.id() == scope.cgroup_id);
        if is_ours && cgroup::remove(&scope.directory).is_err() {
            return false;
        }
        let Counters { executed, blocked, events_lost, .. } = self.counters(scope.cgroup_id);
        let user = &session.person.name;
        tracing::info!(
            session = %id, user, executed, blocked, events_lost,
            "session {id} of {user} closed: {executed} executed, {blocked} blocked, {events_lost} events lost"
        );
        let scope = session.scope.clone();
        let watch = self.registry.remove_session(id);
        report(self.session_records.remove(&id.to_string()));
        self.release(&scope, watch);
        true
    }

    fn settle_user(&mut self, uid: u32) -> bool {
        let Some(user) = self.registry.user(uid) else { return true };
        let scope = user.scope.clone();
        if Cgroup::open(&scope.directory).is_ok_and(|cgroup| cgroup.id() == scope.cgroup_id) {
            // systemd keeps an empty slice for a while; only one with people in it can be left alone.
            return matches!(cgroup::is_populated(&scope.directory), Ok(Some(true)));
        }
        self.forget_user(uid, &scope);
        true
    }

    /// Lets go of a user's slice.
    pub(super) fn forget_user(&mut self, uid: u32, scope: &ScopeRecord) {
        let watch = self.registry.remove_user(uid);
        report(self.user_records.remove(&uid.to_string()));
        self.release(scope, watch);
    }

    /// Removes what the kernel keeps of a cgroup that has ended.
    fn release(&mut self, scope: &ScopeRecord, watch: Option<i32>) {
        if let Some(watch) = watch {
            self.watcher.remove(watch);
        }
        if let Err(error) = self.enforcement.release(scope.cgroup_id) {
            tracing::error!(cgroup_id = scope.cgroup_id, %error, "something of an ended session stays in the kernel");
        }
        let in_force = self.policies.as_ref().is_some_and(|policies| policies.in_slot(scope.slot).is_some());
        if !in_force && let Err(error) = self.withdraw_unused() {
            tracing::warn!(%error, "cannot clear unused policies");
        }
    }

    /// Whom an event is about, and under which rule.
    pub(super) fn subject(&self, cgroup_id: u64, slot: u32, rule: u32) -> Option<Subject> {
        let (person, session, directory) = match self.registry.owner_of_cgroup(cgroup_id) {
            Some(Owner::User(uid)) => {
                let user = self.registry.user(uid)?;
                (&user.person, None, &user.scope.directory)
            }
            Some(Owner::Session(id)) => {
                let session = self.registry.session(id)?;
                (&session.person, Some(id), &session.scope.directory)
            }
            None => {
                let session = self.registry.ended(cgroup_id)?;
                (&session.person, session.session(), &session.scope.directory)
            }
        };
        let policy = self.policies.as_ref().and_then(|policies| policies.in_slot(slot));
        Some(Subject {
            user: person.name.clone(),
            uid: person.uid,
            session,
            directory: directory.clone(),
            rule: super::events::rule_name(policy, rule),
        })
    }
}

/// Moves a scope to another policy; `false` where it has gone meanwhile, which its end will settle.
fn move_scope(enforcement: &mut Enforcement, record: &mut ScopeRecord, scope: Scope, policy: &str) -> bool {
    if let Err(error) = enforcement.set_scope(scope) {
        tracing::warn!(cgroup = %record.directory.display(), %error, "cannot move to the new policy");
        return false;
    }
    record.slot = scope.slot;
    policy.clone_into(&mut record.policy);
    true
}

/// A record that cannot be written costs a restarted daemon the session's name, not its policy.
pub(super) fn report(written: std::io::Result<()>) {
    if let Err(error) = written {
        tracing::error!(%error, "cannot write a session's record");
    }
}
