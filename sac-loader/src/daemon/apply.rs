// SPDX-License-Identifier: MIT OR Apache-2.0
//! New policies that an administrator applies: checked, in force at once, and, where that was asked for, taken back by the loader
//! itself unless somebody who has logged in since confirms them.
//!
//! What is on trial is loaded from a directory of the loader's own ([`store`]), and the directory of policies stays as it was, so
//! that whatever happens (a loader that is killed, a machine that is reset) leads back to the earlier policies. How long it
//! goes on is written down ([`pending`]); who can confirm is told by [`login`]. Meanwhile nothing else is loaded.

mod login;
mod pending;
mod store;

pub(super) use login::{Asker, NotNew};

use super::{
    clock,
    policies::PoliciesError,
    state::{Rules, State},
};
use crate::control::{Applied, FileChanges, PendingInfo, PolicyStatus};
use login::{Inside, Marks};
use pending::{CONFIRM_S, Next, Pending, Phase};
use sac_audit::record::{Event, Severity, Step};
use sac_policy::{Source, Sources, Trust};
use std::{fs, io, path::Path};
use store::{Changes, DIRECTORY, Store};

/// How long until what could not be done is tried again, in seconds.
const AGAIN_S: u64 = 5;

/// By whom things are done that nobody asks for, as records have it.
const NOBODY: &str = "sac";

/// What is there of new policies.
pub(super) struct Apply {
    store: Store,
    pending: Option<Pending>,
    boot_id: String,
    /// When what has failed is tried again, in seconds of `CLOCK_BOOTTIME`.
    again_boot_s: u64,
}

/// Why something could not be done with new policies.
#[derive(Debug, thiserror::Error)]
pub(super) enum ApplyError {
    /// One set after the other.
    #[error("policies that {by} applied are not settled yet; `sac-loader policy status` shows them")]
    Pending {
        /// Who applied them.
        by: String,
    },
    /// There is nothing to confirm, or to take back.
    #[error("no policies are waiting to be confirmed")]
    NothingPending,
    /// They stay already.
    #[error("the policies are confirmed already, and are being installed")]
    Confirmed,
    /// The time is over.
    #[error("the time is over; the earlier policies come back")]
    Late,
    /// They are in force already.
    #[error(
        "these policies are in force already, so there is nothing to go back to; write the new ones into another directory, and name it"
    )]
    NothingNew,
    /// What would come back is not there.
    #[error(
        "the policies in {0} are not those in force, so they could not come back; see `sac-loader policy check`, and `sac-loader reload`"
    )]
    NothingBefore(String),
    /// Somebody's edits would be lost.
    #[error(
        "files in {0} were changed since the policies were applied, and would be overwritten; roll back, and apply again"
    )]
    Edited(String),
    /// Too short, or too long.
    #[error("policies can be on trial for {first} to {last} seconds", first = CONFIRM_S.start(), last = CONFIRM_S.end())]
    Time,
    /// The login shows nothing.
    #[error(transparent)]
    NotNew(NotNew),
    /// They cannot be in force.
    #[error("the policies were refused, nothing changed")]
    Policies(#[from] PoliciesError),
    /// Something could not be written or read.
    #[error("{what}")]
    Files {
        /// What was tried.
        what: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

fn failed(what: &'static str) -> impl Fn(io::Error) -> ApplyError {
    move |source| ApplyError::Files { what, source }
}

impl Apply {
    /// Policies in `target`, without new ones.
    pub(super) fn new(target: &Path) -> Self {
        let boot_id = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        Self {
            store: Store::new(Path::new(DIRECTORY), target, Trust::ROOT),
            pending: None,
            boot_id: boot_id.trim().to_owned(),
            again_boot_s: 0,
        }
    }

    /// For how many seconds new policies are on trial yet; 0 where they only have to be installed.
    pub(super) fn left_s(&self) -> Option<u64> {
        self.pending.as_ref().map(|pending| pending.left_s(clock::boot_s()))
    }

    /// When something is to be done by itself, in seconds of `CLOCK_BOOTTIME`.
    pub(super) fn next_boot_s(&self) -> Option<u64> {
        self.pending.as_ref().map(|pending| pending.until_boot_s.max(self.again_boot_s))
    }

    /// What people are told of it.
    fn info(&self) -> Option<PendingInfo> {
        let pending = self.pending.as_ref()?;
        let left_s = pending.left_s(clock::boot_s());
        let until = jiff::Timestamp::now().as_second().saturating_add_unsigned(left_s);
        Some(PendingInfo {
            by: pending.by.clone(),
            digest: pending.digest.clone(),
            confirm_s: pending.confirm_s,
            left_s,
            until: jiff::Timestamp::from_second(until).map(|time| time.to_string()).unwrap_or_default(),
        })
    }

    /// The earlier policies hold, or the new ones are where they belong.
    fn settled(&mut self) {
        self.pending = None;
        if let Err(error) = self.store.clear() {
            // It is found again by the next loader, which comes to the same end.
            tracing::error!(%error, "cannot write down that new policies are settled");
        }
    }
}

impl State {
    /// Loads the policies when the loader starts: those that are on trial as long as they are, else those that are there.
    pub(super) fn begin_policies(&mut self) {
        self.apply.pending = self.apply.store.read().unwrap_or_else(|error| {
            tracing::error!(%error, "cannot read which policies are on trial; they are taken back");
            None
        });
        let Some(pending) = &self.apply.pending else { return self.load_policies() };
        let left_s = pending.left_s(clock::boot_s());
        match pending.next(&self.apply.boot_id, clock::boot_s()) {
            Next::RollBack(reason) => self.take_back_by_itself(reason),
            Next::Install => {
                if self.load_from(&self.apply.store.new_policies(), Rules::New).is_err() {
                    // Another version of the loader may say no. What is there of them is where it belongs.
                    self.apply.settled();
                    self.load_policies();
                }
            }
            Next::Wait => match self.load_from(&self.apply.store.new_policies(), Rules::New) {
                Ok(_digest) => tracing::warn!(
                    left_s,
                    "policies that were applied are not settled; {left_s} s of their trial are left"
                ),
                Err(_told) => self.take_back_by_itself("they do not load any more"),
            },
        }
    }

    /// Applies the policies in `directory`: for good, or for so many seconds.
    ///
    /// # Errors
    ///
    /// What is wrong with them, or with the moment; nothing has changed then.
    pub(super) fn apply_policies(
        &mut self,
        directory: &Path,
        confirm_s: Option<u32>,
        by: &str,
    ) -> Result<Applied, ApplyError> {
        if let Some(pending) = &self.apply.pending {
            return Err(ApplyError::Pending { by: pending.by.clone() });
        }
        if confirm_s.is_some_and(|time| !CONFIRM_S.contains(&time)) {
            return Err(ApplyError::Time);
        }
        let refused = |state: &Self, faults| {
            let error = PoliciesError::Faults(faults);
            state.tell_of_refusal(&error);
            error
        };
        let new = Sources::of_dir(directory, Trust::ROOT).map_err(|faults| refused(self, faults))?;
        new.clone().check().map_err(|faults| refused(self, faults))?;
        // Where those before cannot be read there are none to keep, and no trial.
        let present = self.apply.store.present().ok();
        let before = present.as_ref().map(Sources::files).unwrap_or_default();
        let holds = present.clone().is_some_and(|present| self.holds(present));
        let changes = Changes::between(before, new.files());
        match (holds, confirm_s) {
            (false, Some(_)) => {
                return Err(ApplyError::NothingBefore(self.policy_directory().display().to_string()));
            }
            (true, Some(_)) if changes.is_empty() => return Err(ApplyError::NothingNew),
            (true, None) if changes.is_empty() => return Ok(self.applied(changes)),
            _ => {}
        }
        self.try_out(new.files(), before, confirm_s, by)?;
        if confirm_s.is_none() {
            self.install()?;
        }
        self.wake.ring();
        Ok(self.applied(changes))
    }

    /// Whether these are the policies in force.
    fn holds(&self, present: Sources) -> bool {
        present.check().is_ok_and(|loaded| self.policies.set().is_some_and(|set| **set == loaded.set))
    }

    /// Keeps new policies, puts them in force, and writes that down.
    fn try_out(
        &mut self,
        new: &[Source],
        before: &[Source],
        confirm_s: Option<u32>,
        by: &str,
    ) -> Result<(), ApplyError> {
        self.apply.store.stage(new, before).map_err(failed("cannot keep the new policies"))?;
        let digest = self.load_from(&self.apply.store.new_policies(), Rules::New)?;
        // What logs in from here on does so under them.
        let kept = Marks::now(self.last_session)
            .map_err(failed("cannot see which logins are open"))
            .and_then(|marks| {
                let pending = Pending {
                    phase: if confirm_s.is_some() { Phase::Trying } else { Phase::Installing },
                    by: by.to_owned(),
                    confirm_s,
                    until_boot_s: clock::boot_s() + u64::from(confirm_s.unwrap_or(0)),
                    boot_id: self.apply.boot_id.clone(),
                    digest: digest.clone(),
                    marks,
                };
                self.apply
                    .store
                    .write(&pending)
                    .map_err(failed("cannot write down that they are on trial"))?;
                Ok(pending)
            });
        match kept {
            Ok(pending) => self.apply.pending = Some(pending),
            Err(error) => {
                // Nothing would take them back.
                let directory = self.policy_directory().to_owned();
                self.load_from(&directory, Rules::New)?;
                self.apply.settled();
                return Err(error);
            }
        }
        self.tell_of_step(
            if confirm_s.is_some() { Step::Tried } else { Step::Installed },
            by,
            &digest,
            confirm_s,
            None,
        );
        Ok(())
    }

    fn applied(&self, changes: Changes) -> Applied {
        let Changes { added, changed, removed } = changes;
        Applied {
            policies: self.policies.count(),
            files: FileChanges { added, changed, removed },
            pending: self.apply.info(),
        }
    }

    /// What is in force, and whether it stays.
    pub(super) fn policy_status(&self) -> PolicyStatus {
        let set = self.policies.set();
        let directory = match self.apply.pending {
            Some(_) => self.apply.store.new_policies(),
            None => self.policy_directory().to_owned(),
        };
        PolicyStatus {
            policies: set
                .map(|set| set.policies().iter().map(|policy| policy.name.clone()).collect())
                .unwrap_or_default(),
            directory: directory.display().to_string(),
            pending: self.apply.info(),
        }
    }

    /// Keeps the policies that are on trial, for somebody who has logged in since.
    ///
    /// # Errors
    ///
    /// Why not; the trial goes on then.
    pub(super) fn confirm_policies(&mut self, asker: &Asker, by: &str) -> Result<usize, ApplyError> {
        let pending = self.apply.pending.clone().ok_or(ApplyError::NothingPending)?;
        match pending.next(&self.apply.boot_id, clock::boot_s()) {
            Next::Install => return Err(ApplyError::Confirmed),
            Next::RollBack(_) => return Err(ApplyError::Late),
            Next::Wait => {}
        }
        let inside = asker.directory.as_ref().and_then(|directory| self.registry.session_at(directory));
        let inside = inside.and_then(|id| {
            self.registry.session(id).map(|session| Inside { id, service: session.service.as_str() })
        });
        pending.marks.judge(asker, inside).map_err(|error| {
            tracing::warn!(by, %error, "{by} cannot confirm the new policies: {error}");
            ApplyError::NotNew(error)
        })?;
        if !self.apply.store.is_untouched() {
            return Err(ApplyError::Edited(self.policy_directory().display().to_string()));
        }
        // Whatever can fail fails while the earlier ones can come back.
        self.apply.store.prepare().map_err(failed("cannot install the policies; they stay on trial"))?;
        let confirmed = Pending { phase: Phase::Installing, until_boot_s: clock::boot_s(), ..pending };
        self.apply.store.write(&confirmed).map_err(failed("cannot write down that they are confirmed"))?;
        self.tell_of_step(Step::Confirmed, by, &confirmed.digest, None, None);
        self.apply.pending = Some(confirmed);
        self.install()?;
        Ok(self.policies.count())
    }

    /// Puts the policies in force where the policies are. They hold already, so none of what a session is under changes.
    fn install(&mut self) -> Result<(), ApplyError> {
        let store = &self.apply.store;
        let installed = store.prepare().and_then(|prepared| store.commit(&prepared));
        installed.map_err(|source| {
            self.apply.again_boot_s = clock::boot_s() + AGAIN_S;
            ApplyError::Files { what: "the policies hold, and are installed as soon as they can be", source }
        })?;
        let directory = self.policy_directory().to_owned();
        let loaded = self.load_from(&directory, Rules::Same);
        self.apply.settled();
        loaded.map(drop).map_err(ApplyError::from)
    }

    /// Takes policies back that are on trial.
    ///
    /// # Errors
    ///
    /// Where there are none, or the earlier ones cannot be in force either; the trial goes on then.
    pub(super) fn roll_back_policies(&mut self, by: &str, reason: &str) -> Result<usize, ApplyError> {
        let pending = self.apply.pending.clone().ok_or(ApplyError::NothingPending)?;
        if pending.phase == Phase::Installing {
            return Err(ApplyError::Confirmed);
        }
        let directory = self.policy_directory().to_owned();
        if let Err(error) = self.load_from(&directory, Rules::New) {
            // They were edited meanwhile.
            let kept = self.apply.store.policies_before();
            tracing::error!(
                "the policies in {} cannot come back, those of before, in {}, do: {}",
                directory.display(),
                kept.display(),
                error.first_faults()
            );
            self.load_from(&kept, Rules::New)?;
        }
        self.apply.settled();
        let Pending { digest, confirm_s, by: applied_by, .. } = pending;
        self.tell_of_step(Step::RolledBack, by, &digest, confirm_s, Some(reason.to_owned()));
        tracing::error!("policies that {applied_by} applied were taken back by {by}: {reason}");
        Ok(self.policies.count())
    }

    /// The same without anybody's asking. What fails is tried again.
    fn take_back_by_itself(&mut self, reason: &str) {
        if let Err(error) = self.roll_back_policies(NOBODY, reason) {
            self.apply.again_boot_s = clock::boot_s() + AGAIN_S;
            tracing::error!(
                "cannot take back policies that were applied, trying again: {:#}",
                anyhow::Error::from(error)
            );
        }
    }

    /// Does what has come due of new policies.
    pub(super) fn pass_policies(&mut self) {
        let now = clock::boot_s();
        let Some(pending) = &self.apply.pending else { return };
        if now < self.apply.again_boot_s {
            return;
        }
        match pending.next(&self.apply.boot_id, now) {
            Next::Wait => {}
            Next::RollBack(reason) => self.take_back_by_itself(reason),
            Next::Install => {
                if let Err(error) = self.install() {
                    tracing::error!("{:#}", anyhow::Error::from(error));
                }
            }
        }
    }

    fn tell_of_step(
        &self,
        step: Step,
        by: &str,
        digest: &str,
        confirm_s: Option<u32>,
        reason: Option<String>,
    ) {
        let severity = if step == Step::RolledBack { Severity::Medium } else { Severity::Low };
        let what = match step {
            Step::Installed => "installed",
            Step::Tried => "on trial",
            Step::Confirmed => "confirmed",
            Step::RolledBack => "taken back",
        };
        tracing::warn!(by, digest, "new policies: {what}, by {by}");
        let (by, digest) = (by.to_owned(), digest.to_owned());
        self.recorder.tell(None, severity, Event::PolicyApplied { step, by, digest, confirm_s, reason });
    }
}
