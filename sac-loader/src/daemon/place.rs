// SPDX-License-Identifier: MIT OR Apache-2.0
//! Who is under which policies, now: the one place that decides it and moves scopes.
//!
//! A session is under the policy for its person and login; on a terminal it may be another one than without. What runs in a
//! user's slice outside of sessions is under all policies of the user's open sessions at once, and with no session open
//! under the one for the service `systemd-user`: nobody gets more from their user manager than from a session.

use super::{
    placements::Placements,
    policies::{Now, SharedSet, Variant},
    record::{GrantRecord, ScopeRecord, SessionRecord, UserRecord},
    state::{State, report},
};
use crate::bpf::{EnforcementError, slots::Slot};
use jiff::Timestamp;
use sac_abi::{
    SessionId,
    rule::Operations,
    scope::{Recording, SCOPE_POLICIES, Scope},
};
use sac_audit::record::{Event, Severity};
use sac_failpoint::{Failpoint, reach};
use sac_policy::{Grant, HostFiles, Login, Person, Policy, RemoteHost, policy::Audit};
use std::{collections::BTreeSet, sync::Arc};

/// The PAM service that starts users' managers.
pub(super) const USER_MANAGER: &str = "systemd-user";

/// The policies that hold in one scope.
pub(super) type Placement = Vec<Variant>;

impl State {
    /// Puts a set of policies in force, as it is at this moment and with what `files` says, and moves every scope to what it is
    /// under now.
    ///
    /// # Errors
    ///
    /// Where the kernel has no memory for it; all stays as it was then.
    pub(super) fn put_in_force(
        &mut self,
        set: &SharedSet,
        files: &HostFiles,
    ) -> Result<(), EnforcementError> {
        self.look_for_pins();
        let at = Timestamp::now();
        let mut placements = Placements::default();
        for (id, session) in self.registry.sessions() {
            match self.placement_of_session(set, session, at) {
                Some(placement) => placements.put(id, session.person.uid, placement),
                None => {
                    let user = &session.person.name;
                    tracing::warn!(session = %id, user, "no policy is for this login of {user} any more; session {id} keeps its own");
                }
            }
        }
        let users: Vec<_> = self
            .registry
            .users()
            .map(|user| {
                let placement = self.placement_of_user(set, &placements, &(&user.person).into(), at);
                (user.person.uid, placement)
            })
            .collect();
        let of_users = users.iter().map(|(_, placement)| placement);
        let needed: BTreeSet<Variant> = placements
            .sessions()
            .map(|(_, placement)| placement)
            .chain(of_users)
            .flatten()
            .cloned()
            .collect();
        let judges_opening = set.policies().iter().any(Policy::judges_opening);
        let operations =
            set.policies().iter().map(Policy::operations).fold(Operations::NONE, Operations::and);
        // Before a policy is in force that wants it: others may have taken the hook.
        if judges_opening {
            self.enforcement.hold_opening(true)?;
        }
        // No login has to wait for these.
        self.enforcement.judge(operations)?;
        let grants_of = |uid| grants_of(self.grants.list(), uid);
        let now = Now { at, files, grants_of: &grants_of };
        self.policies.replace(set, &needed, &now, &mut self.enforcement)?;
        reach(Failpoint::PoliciesReplaced);
        for (id, placement) in placements.sessions() {
            self.move_session(id, placement);
        }
        self.placements = placements;
        for (uid, placement) in users {
            self.move_user(uid, &placement);
        }
        reach(Failpoint::EverybodyMoved);
        self.settle_strays();
        let used = self.used_slots();
        self.policies.withdraw_unused(&used, &mut self.enforcement);
        if !judges_opening && let Err(error) = self.enforcement.hold_opening(false) {
            tracing::warn!(%error, "the hook of files that are opened stays taken although no policy wants it");
        }
        if let Err(error) = self.enforcement.judge_no_more_than(operations) {
            tracing::warn!(%error, "programs stay that judge what no policy says anything about");
        }
        self.placed_at = at;
        self.wake.ring();
        Ok(())
    }

    /// Looks again at everything that is in force: programs may have been replaced, an hour may have struck, people may have changed groups.
    pub(super) fn refresh(&mut self) {
        self.refreshed = Some(std::time::Instant::now());
        let Some(set) = self.policies.set().map(Arc::clone) else { return };
        if let Err(error) = self.put_in_force(&set, &HostFiles::new(crate::sys::file_generation)) {
            tracing::error!(%error, "cannot bring the policies up to date; they stay as they were");
        }
        crate::sys::give_back_memory();
    }

    /// Where what is pinned cannot be found any more, says so once, and pins it again as soon as there is somewhere to pin it.
    fn look_for_pins(&mut self) {
        if self.enforcement.pins_are_in_place() {
            self.pins_are_lost = false;
            return;
        }
        if !std::mem::replace(&mut self.pins_are_lost, true) {
            let what = "bpffs was unmounted or covered, with all that holds sessions".to_owned();
            tracing::error!(
                "{what}; they stay under their policies while this loader runs. Mount bpffs at /sys/fs/bpf"
            );
            self.recorder.tell(None, Severity::Critical, Event::Tamper { what });
        }
        match self.enforcement.pin_again() {
            Ok(()) => {
                self.pins_are_lost = false;
                tracing::warn!("bpffs is mounted again, and what holds sessions is pinned there again");
            }
            Err(error) => tracing::debug!(%error, "nothing can be pinned yet"),
        }
    }

    /// Moves a user's slice to what it is under now that a session has come or gone.
    pub(super) fn place_user(&mut self, uid: u32) {
        let Some(set) = self.policies.set().map(Arc::clone) else { return };
        let Some(user) = self.registry.user(uid) else { return };
        let person = Person::from(&user.person);
        let placement = self.placement_of_user(&set, &self.placements, &person, Timestamp::now());
        for variant in &placement {
            if let Err(error) = self.publish(variant) {
                tracing::error!(%error, "cannot put the slice of {} under its policies; it may do nothing", person.name);
            }
        }
        self.move_user(uid, &placement);
    }

    /// Sees to it that a variant is in the kernel.
    pub(super) fn publish(&mut self, variant: &Variant) -> Result<Option<Slot>, EnforcementError> {
        let grants_of = |uid| grants_of(self.grants.list(), uid);
        let files = HostFiles::new(crate::sys::file_generation);
        let now = Now { at: Timestamp::now(), files: &files, grants_of: &grants_of };
        self.policies.ensure(variant, &now, &mut self.enforcement)
    }

    /// What a login is under: without a terminal, and if that is something else also on one. `None` where no policy is for it.
    pub(super) fn placement_of_login(
        &self,
        set: &SharedSet,
        person: &Person,
        login: &Login,
        at: Timestamp,
    ) -> Option<Placement> {
        let chosen = |terminal| {
            let login = Login { terminal, ..login.clone() };
            let policy = set.choose(person, &login, at).winner?.policy;
            Some(self.variant(&policy.name, person.uid))
        };
        let (without, on) = (chosen(false)?, chosen(true)?);
        Some(if without == on { vec![without] } else { vec![without, on] })
    }

    fn placement_of_session(
        &self,
        set: &SharedSet,
        session: &SessionRecord,
        at: Timestamp,
    ) -> Option<Placement> {
        self.placement_of_login(set, &(&session.person).into(), &session.login(false), at)
    }

    fn placement_of_user(
        &self,
        set: &SharedSet,
        of_sessions: &Placements,
        person: &Person,
        at: Timestamp,
    ) -> Placement {
        let of_sessions = of_sessions.of_person(person.uid);
        if !of_sessions.is_empty() {
            return of_sessions;
        }
        let manager = Login { service: USER_MANAGER.to_owned(), from: RemoteHost::Local, terminal: false };
        let chosen = set.choose(person, &manager, at).winner;
        chosen.map(|found| self.variant(&found.policy.name, person.uid)).into_iter().collect()
    }

    fn variant(&self, policy: &str, uid: u32) -> Variant {
        let has_grants = self.grants.list().iter().any(|grant| grant.uid == uid);
        Variant { policy: policy.to_owned(), grants_of: has_grants.then_some(uid) }
    }

    fn move_session(&mut self, id: SessionId, placement: &Placement) {
        let (slots, recording) = (self.slots_of(placement), self.recording_of(placement));
        let Some(session) = self.registry.session_mut(id) else { return };
        let from_policies = session.scope.policies.clone();
        if !place(&mut session.scope, placement, slots, recording) {
            return;
        }
        let (scope, record) = (session_scope(session), session.clone());
        self.set_scope(&record.scope, scope);
        reach(Failpoint::SessionMoved);
        let to_policies = record.scope.policies.clone();
        let event = Event::PolicyChanged { from_policies, to_policies };
        self.recorder.tell(Some(record.in_record()), Severity::Info, event);
        report(self.session_records.write(&id.to_string(), &record));
    }

    fn move_user(&mut self, uid: u32, placement: &Placement) {
        let (slots, recording) = (self.slots_of(placement), self.recording_of(placement));
        let Some(user) = self.registry.user_mut(uid) else { return };
        if !place(&mut user.scope, placement, slots, recording) {
            return;
        }
        let (scope, record) = (user_scope(user), user.clone());
        self.set_scope(&record.scope, scope);
        report(self.user_records.write(&uid.to_string(), &record));
    }

    /// How much is recorded under a placement: as much as any of its policies asks for.
    pub(super) fn recording_of(&self, placement: &Placement) -> Recording {
        let policies = || placement.iter().filter_map(|variant| self.policies.get(&variant.policy));
        // Where nothing is known, everything is recorded.
        let mut recording = match policies().map(|policy| policy.audit).max().unwrap_or_default() {
            Audit::Blocked => Recording::BLOCKED,
            Audit::Full => Recording::EVERYTHING,
            Audit::Strict => Recording::EVERYTHING.strict(),
        };
        if policies().any(|policy| !policy.environment.is_empty()) {
            recording = recording.with_environment();
        }
        recording
    }

    /// The slots of a placement. Where there are none, or more than a scope has room for, everything is closed.
    pub(super) fn slots_of(&self, placement: &Placement) -> [u32; SCOPE_POLICIES] {
        let mut slots = [0; SCOPE_POLICIES];
        if placement.is_empty() || placement.len() > slots.len() {
            return [Slot::CLOSED.number(), 0];
        }
        for (slot, variant) in slots.iter_mut().zip(placement) {
            *slot = self.policies.slot(variant).unwrap_or(Slot::CLOSED.number());
        }
        slots
    }

    /// Where that fails the cgroup has gone meanwhile, which its end will settle; otherwise whoever is in it stays under the old policy, and when
    /// that is withdrawn may do nothing any more.
    fn set_scope(&mut self, record: &ScopeRecord, scope: Scope) {
        if let Err(error) = self.enforcement.set_scope(scope, &record.directory) {
            tracing::warn!(cgroup = %record.directory.display(), %error, "cannot move to the new policy");
        }
    }
}

/// Notes a placement; `false` where nothing has changed.
fn place(
    record: &mut ScopeRecord,
    placement: &Placement,
    slots: [u32; SCOPE_POLICIES],
    recording: Recording,
) -> bool {
    let policies: Vec<String> = placement.iter().map(|variant| variant.policy.clone()).collect();
    let recording = recording.to_bits();
    if record.slots == slots && record.policies == policies && record.recording == recording {
        return false;
    }
    record.recording = recording;
    record.slots = slots;
    record.policies = policies;
    true
}

/// The scope of a session's cgroup.
pub(super) fn session_scope(record: &SessionRecord) -> Scope {
    let [slot, on_terminal] = record.scope.slots;
    Scope::session_on_terminal(slot, on_terminal, record.scope.cgroup_id, record.person.uid)
        .recording(Recording::from_bits(record.scope.recording))
}

/// The scope of a user's slice.
pub(super) fn user_scope(record: &UserRecord) -> Scope {
    Scope::user(record.scope.slots, record.scope.cgroup_id, super::open::SESSION_LEVEL, record.person.uid)
        .recording(Recording::from_bits(record.scope.recording))
}

fn grants_of(grants: &[GrantRecord], uid: u32) -> Vec<Grant> {
    let mine = grants.iter().filter(|grant| grant.uid == uid);
    mine.map(|grant| Grant {
        number: grant.number,
        path: grant.path.clone(),
        until_boot_s: grant.until_boot_s,
    })
    .collect()
}
