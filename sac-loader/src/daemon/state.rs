// SPDX-License-Identifier: MIT OR Apache-2.0
//! The daemon's state, and what happens to it: policies come, scopes end, a restarted daemon finds its sessions again.
//!
//! Opening is in [`super::open`].

use super::{
    apply::Apply,
    audit::Recorder,
    clock::Wake,
    events::Subject,
    grants::Grants,
    metrics::Counted,
    place::{session_scope, user_scope},
    placements::Placements,
    policies::{Policies, PoliciesError},
    record::{Records, ScopeRecord, SessionRecord, UserRecord},
    registry::{Owner, Registry},
    strikes::Windows,
    watch::Watcher,
};
use crate::{
    bpf::{Enforcement, EnforcementError, EventReader, Left},
    cgroup::{self, Cgroup},
};
use anyhow::Context as _;
use jiff::Timestamp;
use sac_abi::{
    SessionId,
    scope::{Counters, Scope},
};
use sac_audit::record::{Event, Severity, Totals};
use sac_failpoint::{Failpoint, reach};
use sac_policy::HostFiles;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    time::Instant,
};

/// The anchor keeps the programs and their hooks between sessions; nobody ever lives in it.
pub(super) const ANCHOR: &str = "sac-anchor";

/// Whether policies that are loaded have the rules of those in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rules {
    /// They are what they are.
    New,
    /// Only their files have moved: what has stood at denied paths stays denied.
    Same,
}

/// Everything the daemon knows.
pub(crate) struct State {
    pub(super) enforcement: Enforcement,
    pub(super) policies: Policies,
    pub(super) grants: Grants,
    pub(super) registry: Registry,
    /// What the sessions in it are under, by the policies in force.
    pub(super) placements: Placements,
    pub(super) watcher: Watcher,
    pub(super) session_records: Records,
    pub(super) user_records: Records,
    pub(super) last_session: SessionId,
    /// Cgroups with people in them that are under a policy and of which nothing is written down, by their ids.
    pub(super) strays: BTreeMap<u64, PathBuf>,
    /// Sessions whose first process is on its way into its cgroup.
    pub(super) entering: BTreeSet<SessionId>,
    pub(super) strikes: Windows,
    /// Where it is told what happens.
    pub(super) recorder: Recorder,
    /// What is counted for metrics.
    pub(super) counted: Counted,
    /// The timekeeper's bell.
    pub(super) wake: Wake,
    /// The moment that everybody was last placed for.
    pub(super) placed_at: Timestamp,
    /// Whether it was said that bpffs is not where it was.
    pub(super) pins_are_lost: bool,
    /// When that was last tried.
    pub(super) refreshed: Option<Instant>,
    policy_directory: PathBuf,
    /// New policies that are not settled.
    pub(super) apply: Apply,
}

impl State {
    /// The state of a daemon that knows nobody yet.
    pub(super) fn new(
        mut enforcement: Enforcement,
        policy_directory: PathBuf,
        recorder: Recorder,
        counted: Counted,
    ) -> anyhow::Result<Self> {
        let directory = Path::new(cgroup::ROOT).join(ANCHOR);
        let anchor = if directory.exists() { Cgroup::open(&directory) } else { Cgroup::create(&directory) };
        let anchor = anchor.with_context(|| format!("cannot make the cgroup {}", directory.display()))?;
        enforcement.attach_to_machine()?;
        reach(Failpoint::StartMachine);
        enforcement.hold_anchor(anchor)?;
        enforcement.set_loader(std::process::id())?;
        Ok(Self {
            enforcement,
            policies: Policies::default(),
            grants: Grants::open(&Path::new(super::RUN_DIRECTORY).join("grants.json"))
                .context("reading /run/sac/grants.json; remove it to go on without the grants in it")?,
            registry: Registry::default(),
            placements: Placements::default(),
            watcher: Watcher::new().context("watching cgroups")?,
            session_records: Records::open("sessions").context("preparing /run/sac")?,
            user_records: Records::open("users").context("preparing /run/sac")?,
            last_session: SessionId::new(0, 0),
            strays: BTreeMap::new(),
            entering: BTreeSet::new(),
            strikes: Windows::default(),
            recorder,
            counted,
            wake: Wake::new().context("preparing the clock")?,
            placed_at: Timestamp::now(),
            pins_are_lost: false,
            refreshed: None,
            apply: Apply::new(&policy_directory),
            policy_directory,
        })
    }

    /// The directory of policies.
    pub(super) fn policy_directory(&self) -> &Path {
        &self.policy_directory
    }

    /// Writes all records anew.
    pub(super) fn write_records(&self) {
        for (id, session) in self.registry.sessions() {
            report(self.session_records.write(&id.to_string(), session));
        }
        for user in self.registry.users() {
            report(self.user_records.write(&user.person.uid.to_string(), user));
        }
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
        if let Some(left_s) = self.apply.left_s() {
            let directory = self.policy_directory.display();
            tracing::warn!(left_s, "what is in {directory} is not loaded while other policies are on trial");
            return;
        }
        if let Err(error) = self.reload() {
            match self.policies.set() {
                Some(_) => {
                    tracing::error!(
                        "the policies were refused, the ones before stay in force: {}",
                        error.first_faults()
                    )
                }
                None => tracing::error!(
                    "the policies were refused, logins are refused until they load: {}",
                    error.first_faults()
                ),
            }
        }
    }

    /// Loads the policies; all sessions move to them, each at once. Where anything is wrong all stays as it was.
    ///
    /// # Errors
    ///
    /// What is wrong, and where other policies are on trial.
    pub(super) fn reload(&mut self) -> Result<usize, PoliciesError> {
        if let Some(left_s) = self.apply.left_s() {
            return Err(PoliciesError::OnTrial { left_s });
        }
        let directory = self.policy_directory.clone();
        self.load_from(&directory, Rules::New)?;
        Ok(self.policies.count())
    }

    /// The same with the policies of any directory; gives their digest.
    ///
    /// # Errors
    ///
    /// What is wrong with them.
    pub(super) fn load_from(&mut self, directory: &Path, rules: Rules) -> Result<String, PoliciesError> {
        // Each program is looked at once, for the check and for the kernel: to look is most of the work.
        let files = HostFiles::new(crate::sys::file_generation);
        let read = Policies::read(directory, &files, &mut self.enforcement);
        let (set, memory) = read.inspect_err(|error| self.tell_of_refusal(error))?;
        let is_the_same = self.policies.set().is_some_and(|present| **present == *set);
        let before = self.policies.memory.clone();
        if !is_the_same && rules == Rules::New {
            self.policies.memory = memory;
        }
        if let Err(error) = self.put_in_force(&set, &files) {
            self.policies.memory = before;
            let error = PoliciesError::from(error);
            self.tell_of_refusal(&error);
            return Err(error);
        }
        let policies = set.policies().iter().map(|policy| policy.name.clone()).collect();
        drop((files, before));
        crate::sys::give_back_memory();
        let digest = set.digest().to_owned();
        let loaded = Event::PolicyLoaded { policies, digest: digest.clone() };
        self.recorder.tell(None, Severity::Info, loaded);
        let count = self.policies.count();
        tracing::info!(policies = count, "{count} policies in force");
        Ok(digest)
    }

    /// Puts a refusal on record.
    pub(super) fn tell_of_refusal(&self, error: &PoliciesError) {
        let reason = error.first_faults();
        self.recorder.tell(None, Severity::High, Event::PolicyRefused { reason });
    }

    /// Finds the sessions of an earlier daemon again, and clears away what ended meanwhile.
    pub(super) fn adopt(&mut self) -> anyhow::Result<()> {
        for record in self.session_records.read::<SessionRecord>()? {
            let Some(id) = record.session() else { continue };
            self.last_session = self.last_session.max(id);
            let watch = self.adopt_scope(&record.scope, session_scope(&record))?;
            let policies = record.scope.policies.clone();
            self.recorder.tell(Some(record.in_record()), Severity::Info, Event::SessionAdopted { policies });
            self.registry.insert_session(id, record, watch);
            self.settle(Owner::Session(id));
            reach(Failpoint::StartAdopted);
        }
        for record in self.user_records.read::<UserRecord>()? {
            let uid = record.person.uid;
            let watch = self.adopt_scope(&record.scope, user_scope(&record))?;
            self.registry.insert_user(record, watch);
            self.settle(Owner::User(uid));
        }
        self.clear_away()?;
        self.enforcement.forget_other_versions().context("removing what another version of SAC pinned")
    }

    /// Clears away what nothing is written down of: cgroups that nobody has entered, and what the kernel keeps of those that have ended.
    /// One with people in it stays under its policy.
    fn clear_away(&mut self) -> anyhow::Result<()> {
        let cgroups = cgroup::below(Path::new(cgroup::ROOT)).context("looking for cgroups of sessions")?;
        let known = |id: &u64| self.registry.knows_cgroup(*id);
        let unknown: BTreeSet<u64> =
            self.enforcement.pinned_scopes()?.into_iter().filter(|id| !known(id)).collect();
        let is_session = |path: &Path| {
            path.file_name()
                .and_then(|name| name.to_str())
                .is_some_and(|name| name != ANCHOR && super::is_ours(name))
        };
        let empty = cgroups.iter().filter(|(id, path)| is_session(path) && !known(id));
        for (_, path) in empty {
            // One that somebody is in stays.
            if cgroup::remove(path).is_ok() {
                tracing::info!(cgroup = %path.display(), "removed the cgroup of a session that did not open");
            }
        }
        let cgroups: BTreeMap<u64, PathBuf> = cgroups.into_iter().collect();
        for cgroup_id in unknown {
            match cgroups
                .get(&cgroup_id)
                .filter(|path| !matches!(cgroup::is_populated(path), Ok(None | Some(false))))
            {
                Some(path) => {
                    let what = format!("nothing is written down any more of who is in {}", path.display());
                    tracing::error!("{what}; it stays under its policy until it ends");
                    self.recorder.tell(None, Severity::Critical, Event::Tamper { what });
                    self.strays.insert(cgroup_id, path.clone());
                }
                None => {
                    tracing::info!(cgroup_id, "removing what is left of a session that is none any more");
                    self.enforcement.release(cgroup_id)?;
                }
            }
        }
        Ok(())
    }

    /// Lets go of those cgroups without a record that have ended, or have one now.
    pub(super) fn settle_strays(&mut self) {
        let strays = std::mem::take(&mut self.strays);
        for (cgroup_id, path) in strays {
            if self.registry.knows_cgroup(cgroup_id) {
                continue;
            }
            if !matches!(cgroup::is_populated(&path), Ok(None | Some(false))) {
                self.strays.insert(cgroup_id, path);
                continue;
            }
            if super::is_ours(&path.file_name().unwrap_or_default().to_string_lossy())
                && let Err(error) = cgroup::remove(&path)
            {
                tracing::warn!(cgroup = %path.display(), %error, "a cgroup stays");
            }
            if let Err(error) = self.enforcement.release(cgroup_id) {
                tracing::error!(cgroup_id, %error, "something of an ended session stays in the kernel");
            }
        }
    }

    /// Slots that somebody is under, also where nothing is written down of them.
    pub(super) fn used_slots(&self) -> BTreeSet<u32> {
        let strays = self.strays.keys().flat_map(|cgroup_id| self.enforcement.slots_of(*cgroup_id));
        self.registry.slots().chain(strays).collect()
    }

    /// Takes a scope over that an earlier daemon made; `None` where its cgroup has gone.
    fn adopt_scope(&mut self, record: &ScopeRecord, scope: Scope) -> anyhow::Result<Option<i32>> {
        record.slots.iter().for_each(|slot| self.enforcement.slots().skip(*slot));
        let id = cgroup::id_at(&record.directory).context("looking for the cgroup of a session")?;
        if id != Some(record.cgroup_id) {
            return Ok(None);
        }
        // It may go at any time.
        let Ok(cgroup) = Cgroup::open(&record.directory) else { return Ok(None) };
        match self.enforcement.left_on(record.cgroup_id)? {
            Left::Ours => {
                // That fails where the cgroup goes just now, which its end will settle.
                if let Err(error) = self.enforcement.align_scope(record.cgroup_id) {
                    tracing::warn!(cgroup = %record.directory.display(), %error, "cannot look at a scope again");
                }
            }
            // Those go on where ours cannot be attached.
            Left::OfAnotherBuild => match self.enforcement.attach_again(&cgroup, scope) {
                Ok(()) => {
                    tracing::info!(cgroup = %record.directory.display(), "programs of another build replaced")
                }
                Err(error) => {
                    tracing::error!(cgroup = %record.directory.display(), %error, "programs of another build stay");
                }
            },
            Left::Nothing => {
                let what = format!("programs were not attached to {} any more", record.directory.display());
                self.recorder.tell(None, Severity::Critical, Event::Tamper { what });
                tracing::warn!(cgroup = %record.directory.display(), "attachments were missing; attaching again");
                self.enforcement.attach_again(&cgroup, scope)?;
            }
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
            Err(error) => {
                // Somebody may be in it still: to let go of it now could be to let go of them.
                tracing::warn!(session = %id, %error, "cannot tell whether session {id} has ended: {error}");
                return false;
            }
        }
        // A cgroup of the same name that is not the session's is left alone.
        let is_ours = match cgroup::id_at(&scope.directory) {
            Ok(there) => there == Some(scope.cgroup_id),
            Err(error) => {
                tracing::warn!(session = %id, %error, "cannot tell whether session {id} has ended: {error}");
                return false;
            }
        };
        if is_ours && cgroup::remove(&scope.directory).is_err() {
            return false;
        }
        reach(Failpoint::ClosingCgroup);
        let Counters { executed, blocked, events_lost, .. } = self.counters(scope.cgroup_id);
        let user = &session.person.name;
        tracing::info!(
            session = %id, user, executed, blocked, events_lost,
            "session {id} of {user} closed: {executed} executed, {blocked} blocked, {events_lost} events lost"
        );
        self.recorder.tell(
            Some(session.in_record()),
            Severity::Info,
            Event::SessionClosed {
                totals: Totals { executed, blocked, events_lost },
                duration_ms: u64::try_from(Timestamp::now().as_millisecond() - session.since_ms).unwrap_or(0),
            },
        );
        reach(Failpoint::ClosingTold);
        let (scope, uid) = (session.scope.clone(), session.person.uid);
        let watch = self.registry.remove_session(id);
        self.placements.remove(id);
        self.strikes.forget(id);
        report(self.session_records.remove(&id.to_string()));
        reach(Failpoint::ClosingForgotten);
        self.release(&scope, watch);
        self.place_user(uid);
        true
    }

    fn settle_user(&mut self, uid: u32) -> bool {
        let Some(user) = self.registry.user(uid) else { return true };
        let scope = user.scope.clone();
        match cgroup::id_at(&scope.directory) {
            Ok(Some(there)) if there == scope.cgroup_id => {
                // systemd keeps an empty slice for a while; only one with people in it can be left alone.
                return matches!(cgroup::is_populated(&scope.directory), Ok(Some(true)));
            }
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(uid, %error, "cannot tell whether the slice of uid {uid} has gone: {error}");
                return false;
            }
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
    }

    /// Whom an event is about, and under which rule.
    pub(super) fn subject(&self, cgroup_id: u64, slot: u32, rule: u32) -> Option<Subject> {
        let (person, session, directory, record) = match self.registry.owner_of_cgroup(cgroup_id) {
            Some(Owner::User(uid)) => {
                let user = self.registry.user(uid)?;
                (&user.person, None, &user.scope.directory, user.in_record())
            }
            Some(Owner::Session(id)) => {
                let session = self.registry.session(id)?;
                (&session.person, Some(id), &session.scope.directory, session.in_record())
            }
            None => {
                let session = self.registry.ended(cgroup_id)?;
                (&session.person, session.session(), &session.scope.directory, session.in_record())
            }
        };
        let policy = self.policies.in_slot(slot);
        let of_rule = policy.and_then(|policy| policy.rule(rule));
        let messages =
            [of_rule.and_then(|rule| rule.message.clone()), policy.and_then(|policy| policy.message.clone())];
        let severity = of_rule.and_then(|rule| rule.severity).or(policy.map(|policy| policy.severity));
        Some(Subject {
            user: person.name.clone(),
            uid: person.uid,
            session,
            directory: directory.clone(),
            rule: super::events::rule_name(policy, rule),
            policy: policy.map(|policy| policy.name.clone()),
            environment: policy.map(|policy| policy.environment.clone()).unwrap_or_default(),
            record,
            messages: messages.into_iter().flatten().collect(),
            severity: severity.unwrap_or_default(),
            strikes: policy.and_then(|policy| policy.strikes.clone()),
        })
    }
}

/// A record that cannot be written costs a restarted daemon the session's name, not its policy.
pub(super) fn report(written: std::io::Result<()>) {
    if let Err(error) = written {
        tracing::error!(%error, "cannot write a session's record");
    }
}
