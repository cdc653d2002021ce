// SPDX-License-Identifier: MIT OR Apache-2.0
//! Opening: from who logs in to a cgroup under that person's policy.

use super::{
    Shared, clock, limits, lock,
    person::{self, PersonError},
    place::{Placement, session_scope, user_scope},
    record::{PersonRecord, ScopeRecord, SessionRecord, UserRecord, remote_host},
    state::State,
};
use crate::{
    bpf::{Begin, EnforcementError},
    cgroup::{Cgroup, CgroupPath, UserSlice, is_populated},
    logins,
};
use sac_abi::{SessionId, pam::OpenRequest};
use sac_audit::record::{Event, Severity};
use sac_failpoint::{Failpoint, reach};
use sac_policy::{
    Person,
    policy::{Limits, Logins},
};
use std::{
    io,
    path::PathBuf,
    sync::{Arc, PoisonError},
    time::Instant,
};

/// The level of session cgroups below a user's slice, the root being 0: user.slice, user-UID.slice, session-N.scope, ours.
pub(super) const SESSION_LEVEL: u32 = 4;

/// What came of a request.
#[derive(Debug)]
pub(super) enum Opened {
    /// A new session; the caller is to enter its cgroup.
    Session { id: SessionId, directory: PathBuf },
    /// The caller lives in a session already.
    Nested(SessionId),
    /// The user's slice holds the caller.
    Covered,
    /// Root is never under a policy.
    Exempt,
}

/// Why a login is refused.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    /// The user is not known.
    #[error("cannot look up the user")]
    Person(#[from] PersonError),
    /// The request holds what is no text.
    #[error("the request's {0} is not text")]
    NotText(&'static str),
    /// Where the caller is cannot be found out.
    #[error("cannot find the caller's cgroup")]
    Caller(#[source] io::Error),
    /// No set of policies has loaded.
    #[error("no policies are in force, because they do not load; see `sac-loader policy check`")]
    NoPolicies,
    /// The set has none for this person.
    #[error("no policy is for user {0}; one with `applies_to: everyone` is for all who have no other")]
    NoPolicy(String),
    /// The policy says so.
    #[error("policy {0} refuses logins")]
    Logins(String),
    /// There are as many already as there may be.
    #[error("user {user} has as many sessions open ({open}) as policy {policy} allows ({most})")]
    Sessions {
        /// Who.
        user: String,
        /// Open ones.
        open: usize,
        /// As many as there may be.
        most: u32,
        /// The policy.
        policy: String,
    },
    /// The limit on processes could not be set.
    #[error("cannot limit the processes of the session, as policy {policy} wants")]
    Processes {
        /// The policy.
        policy: String,
        /// What the system said.
        source: io::Error,
    },
    /// The cgroup could not be made.
    #[error("cannot make the session's cgroup {path}")]
    Cgroup {
        /// Its directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It could not be written down, so the next loader would not know of it.
    #[error("cannot write down in /run/sac who is in; is there room?")]
    Record(#[source] io::Error),
    /// The kernel does not enforce.
    #[error(transparent)]
    Enforcement(#[from] EnforcementError),
}

/// Answers a request of the process `pid`, which root's PAM stack runs in, while it `is_wanted`.
pub(super) fn open(
    state: &Shared,
    pid: i32,
    request: &OpenRequest<'_>,
    is_wanted: impl Fn() -> bool,
) -> Result<Opened, Refusal> {
    let person = person::look_up_while(request.user, is_wanted)?;
    let is_root = person.uid == 0;
    let here = CgroupPath::of_process(pid).map_err(Refusal::Caller);
    if is_root {
        let service = request.service.escape_ascii();
        // Whoever becomes root in a session stays in it, and under its policy.
        let session = here.ok().and_then(|here| lock(state).registry.session_at(&here.directory()));
        match session {
            Some(session) => {
                lock(state).tell_of_identity(session, &Login::new(request, person)?, pid);
                tracing::info!(%session, "root by {service} stays in session {session}");
            }
            None => tracing::info!("root logs in by {service}, under no policy"),
        }
        return Ok(Opened::Exempt);
    }
    let here = here?;
    let login = Login::new(request, person)?;
    let mut state = lock(state);
    if let Some(session) = state.registry.session_at(&here.directory()) {
        tracing::info!(%session, user = login.person.name, service = login.service, "{} by {} stays in session {session}", login.person.name, login.service);
        state.tell_of_identity(session, &login, pid);
        return Ok(Opened::Nested(session));
    }
    if let Some(slice) = here.user_slice() {
        if slice.uid == login.person.uid {
            state.cover_user(&slice, &login.person)?;
        }
        // What a user's manager starts stays in its own tree, which the user may rearrange, and under the slice's policy.
        if here.is_in_user_manager() && state.registry.user(slice.uid).is_some() {
            return Ok(Opened::Covered);
        }
    }
    state.open_session(&here, login, pid)
}

/// Who logs in, and how.
struct Login {
    person: Person,
    service: String,
    tty: String,
    from: String,
}

impl Login {
    /// How a user's manager comes up.
    fn of_user_manager(person: Person) -> Self {
        let service = super::place::USER_MANAGER.to_owned();
        Self { person, service, tty: String::new(), from: String::new() }
    }

    fn new(request: &OpenRequest<'_>, person: Person) -> Result<Self, Refusal> {
        let text = |bytes: &[u8], what| {
            let text = std::str::from_utf8(bytes).map_err(|_not_text| Refusal::NotText(what))?;
            if text.chars().any(char::is_control) { Err(Refusal::NotText(what)) } else { Ok(text.to_owned()) }
        };
        Ok(Self {
            person,
            service: text(request.service, "service")?,
            tty: text(request.tty, "terminal")?,
            from: text(request.rhost, "remote host")?,
        })
    }
}

impl State {
    /// Puts a person's slice under the person's policy; nothing to do where it is already.
    pub(super) fn cover_user(&mut self, slice: &UserSlice, person: &Person) -> Result<(), Refusal> {
        let refused = |source| Refusal::Cgroup { path: slice.directory.clone(), source };
        let cgroup = Cgroup::open(&slice.directory).map_err(refused)?;
        if let Some(user) = self.registry.user(slice.uid) {
            if user.scope.cgroup_id == cgroup.id() {
                return Ok(());
            }
            // The slice of an earlier stay.
            let earlier = user.scope.clone();
            self.forget_user(slice.uid, &earlier);
        }
        // Until a session is open; then the slice gets that one's policies as well. It may be that none is for the user's manager.
        let manager = Login::of_user_manager(person.clone());
        let placement = match self.policies_for(&manager) {
            Ok(placement) => placement,
            Err(Refusal::NoPolicy(_)) => Placement::new(),
            Err(refusal) => return Err(refusal),
        };
        let scope = self.scope_record(&cgroup, &placement);
        let record = UserRecord { person: PersonRecord::from(person), scope };
        self.enforcement.attach_user(&cgroup, user_scope(&record))?;
        reach(Failpoint::SlicePinned);
        let watch = self.watcher.add(cgroup.directory()).map_err(refused)?;
        // The next loader takes programs off a slice that it does not know of, so whoever would be in one is not let in.
        if let Err(error) = self.user_records.write(&slice.uid.to_string(), &record) {
            self.watcher.remove(watch);
            self.enforcement.release(cgroup.id())?;
            return Err(Refusal::Record(error));
        }
        self.registry.insert_user(record, Some(watch));
        Ok(())
    }

    /// Makes a session for the login service `service`: its cgroup stands under its policy before anyone is inside.
    fn open_session(&mut self, here: &CgroupPath, login: Login, service: i32) -> Result<Opened, Refusal> {
        let placement = self.policies_for(&login)?;
        let (decides, limits) = self.admit(&placement, &login)?;
        let policy = placement.iter().map(|variant| variant.policy.as_str()).collect::<Vec<_>>().join(", ");
        let id = self.next_session();
        let directory = here.directory().join(format!("sac-{id}"));
        let refused = |source| Refusal::Cgroup { path: directory.clone(), source };
        let cgroup = Cgroup::create(&directory).map_err(refused)?;
        reach(Failpoint::SessionCgroup);
        if let Some(most) = limits.processes
            && let Err(source) = limits::limit_processes(&directory, Some(most))
        {
            self.undo(&cgroup);
            return Err(Refusal::Processes { policy: decides, source });
        }
        let record = SessionRecord {
            id: id.get(),
            person: PersonRecord::from(&login.person),
            service: login.service.clone(),
            from: login.from.clone(),
            tty: login.tty,
            since_ms: jiff::Timestamp::now().as_millisecond(),
            opened_boot_s: Some(clock::boot_s()),
            login_uid: logins::login_uid(service),
            audit_session: logins::audit_session(service),
            lost_told: 0,
            scope: self.scope_record(&cgroup, &placement),
        };
        // The kernel's process ids are not negative.
        let begin = Begin::WithLoginService(service.unsigned_abs());
        let started = Instant::now();
        let opened = self.enforcement.attach_session(&cgroup, session_scope(&record), begin);
        self.counted.lock().unwrap_or_else(PoisonError::into_inner).attached(started.elapsed());
        let watched = opened
            .map_err(Refusal::from)
            .and_then(|_pinned| self.watcher.add(cgroup.directory()).map_err(refused));
        let watch = watched.inspect_err(|_refused| self.undo(&cgroup))?;
        reach(Failpoint::SessionPinned);
        // The next loader takes programs off a cgroup that it does not know of, so nobody is to be in one.
        if let Err(error) = self.session_records.write(&id.to_string(), &record) {
            self.watcher.remove(watch);
            self.undo(&cgroup);
            return Err(Refusal::Record(error));
        }
        reach(Failpoint::SessionWritten);
        let user = &login.person.name;
        tracing::info!(
            session = %id, user, policy, service = login.service, from = login.from,
            "session {id} opened: {user} by {} from {}, policy {policy}", login.service, place(&login.from)
        );
        self.recorder.tell(
            Some(record.in_record()),
            Severity::Info,
            Event::SessionOpened {
                policies: record.scope.policies.clone(),
                tty: record.tty.clone(),
                groups: login.person.groups.iter().map(|group| group.name.clone()).collect(),
                cgroup: directory.display().to_string(),
                pid: service.unsigned_abs(),
            },
        );
        self.registry.insert_session(id, record, Some(watch));
        self.placements.put(id, login.person.uid, placement);
        self.entering.insert(id);
        self.place_user(login.person.uid);
        self.wake.ring();
        Ok(Opened::Session { id, directory })
    }

    /// Tells that somebody in a session has become `login`.
    fn tell_of_identity(&self, session: SessionId, login: &Login, pid: i32) {
        let event = Event::IdentityChanged {
            by: login.service.clone(),
            to_user: login.person.name.clone(),
            to_uid: login.person.uid,
            pid: pid.unsigned_abs(),
        };
        let session = self.registry.session(session).map(SessionRecord::in_record);
        self.recorder.tell(session, Severity::Low, event);
    }

    /// Whether a session may be opened, by the policy that can be known to hold: sshd asks before it has a terminal. Gives that
    /// policy's name and its limits.
    fn admit(&self, placement: &Placement, login: &Login) -> Result<(String, Limits), Refusal> {
        let on_terminal = !matches!(login.tty.as_str(), "" | "ssh" | "cron");
        let variant = placement.get(usize::from(on_terminal)).or(placement.first());
        let Some(policy) = variant.and_then(|variant| self.policies.get(&variant.policy)) else {
            return Err(Refusal::NoPolicies);
        };
        if policy.logins == Logins::Refuse {
            return Err(Refusal::Logins(policy.name.clone()));
        }
        // To count them takes a look at each.
        if let Some(most) = policy.limits.sessions {
            let open = self.open_sessions_of(login.person.uid);
            if u32::try_from(open).unwrap_or(u32::MAX) >= most {
                let (user, policy) = (login.person.name.clone(), policy.name.clone());
                return Err(Refusal::Sessions { user, open, most, policy });
            }
        }
        Ok((policy.name.clone(), policy.limits.clone()))
    }

    /// How many sessions somebody has open. One that has ended, and is about to be cleared away, is none.
    fn open_sessions_of(&self, uid: u32) -> usize {
        let is_open = |session: &&SessionRecord| {
            session.session().is_some_and(|id| self.entering.contains(&id))
                || !matches!(is_populated(&session.scope.directory), Ok(None | Some(false)))
        };
        self.registry.sessions_of(uid).filter(is_open).count()
    }

    /// Clears away a cgroup that nobody has entered.
    fn undo(&mut self, cgroup: &Cgroup) {
        if let Err(error) = self.enforcement.release(cgroup.id()) {
            tracing::error!(%error, "cannot undo a session that did not open");
        }
        if let Err(error) = crate::cgroup::remove(cgroup.directory()) {
            tracing::error!(%error, cgroup = %cgroup.directory().display(), "cannot remove a cgroup");
        }
    }

    /// The policies for a login, all of them in the kernel.
    fn policies_for(&mut self, login: &Login) -> Result<Placement, Refusal> {
        let set = self.policies.set().map(Arc::clone).ok_or(Refusal::NoPolicies)?;
        let at = jiff::Timestamp::now();
        let as_policies_see_it = sac_policy::Login {
            service: login.service.clone(),
            from: remote_host(&login.from),
            terminal: false,
        };
        let placement = self.placement_of_login(&set, &login.person, &as_policies_see_it, at);
        let placement = placement.ok_or_else(|| Refusal::NoPolicy(login.person.name.clone()))?;
        for variant in &placement {
            self.publish(variant)?;
        }
        Ok(placement)
    }

    fn scope_record(&self, cgroup: &Cgroup, placement: &Placement) -> ScopeRecord {
        ScopeRecord {
            directory: cgroup.directory().to_owned(),
            cgroup_id: cgroup.id(),
            policies: placement.iter().map(|variant| variant.policy.clone()).collect(),
            slots: self.slots_of(placement),
            recording: self.recording_of(placement).to_bits(),
        }
    }

    /// An id that no session of this machine has had, as long as its clock goes forward; if it does not, the ids do.
    fn next_session(&mut self) -> SessionId {
        let now = u32::try_from(jiff::Timestamp::now().as_second()).unwrap_or(0);
        self.last_session = self.last_session.next().max(SessionId::new(now, 0));
        self.last_session
    }
}

/// Where somebody comes from, for people.
fn place(from: &str) -> &str {
    if from.is_empty() { "this machine" } else { from }
}
