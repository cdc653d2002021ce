// SPDX-License-Identifier: MIT OR Apache-2.0
//! Scopes: what is attached to a cgroup, what is written of it, and what an earlier loader has left there.

use super::{BY_CGROUP, Enforcement, EnforcementError, map_error, pin, unlink};
use crate::{
    bpf::{
        hooks::{self, Hook, PRIMER},
        links, pod,
    },
    cgroup::Cgroup,
};
use aya::{
    maps::{MapData, MapError, cgroup_storage::CgroupStorageKey},
    programs::links::FdLink,
};
use sac_abi::scope::{Counters, Scope};
use sac_failpoint::{Failpoint, may_fail, reach};
use std::{collections::BTreeSet, fs, io, path::Path};

/// `BPF_LSM_CGROUP` of `enum bpf_attach_type`, part of the key of cgroup storage.
const ATTACH_TYPE: u32 = 43;

/// The attachments of one cgroup. Dropping it detaches what is not pinned.
#[derive(Debug)]
pub(crate) struct Attachment {
    /// Empty where the attachments are pinned: the pins hold them.
    _links: Vec<FdLink>,
}

/// What an earlier loader has left of the attachments of a cgroup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Left {
    /// Programs of this build, everywhere.
    Ours,
    /// All that there has to be, some of it of another build.
    OfAnotherBuild,
    /// Not all that there has to be.
    Nothing,
}

/// Who is in a new session first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Begin {
    /// A login service as root, this process, which goes on setting up: see [`Counters::SETTING_UP`].
    WithLoginService(u32),
    /// Whoever the policy is for.
    WithUser,
}

impl Enforcement {
    /// Puts an empty cgroup, in which nobody is yet, under a policy.
    ///
    /// # Errors
    ///
    /// Where the kernel refuses; the cgroup then has no attachment, or denies everything.
    pub(crate) fn attach_session(
        &mut self,
        cgroup: &Cgroup,
        scope: Scope,
        begin: Begin,
    ) -> Result<Attachment, EnforcementError> {
        let counters = match begin {
            Begin::WithLoginService(process) => Counters::opening(process),
            Begin::WithUser => Counters::default(),
        };
        self.set_counters(cgroup.id(), counters)?;
        reach(Failpoint::SessionCounters);
        let links = self.attach_all(cgroup, scope)?;
        reach(Failpoint::SessionAttached);
        self.write_scope(scope)?;
        self.keep(cgroup, links)
    }

    /// Puts a user's slice, in which people may be at work, under a policy. They never see a moment without a scope.
    ///
    /// # Errors
    ///
    /// As for [`Enforcement::attach_session`].
    pub(crate) fn attach_user(
        &mut self,
        slice: &Cgroup,
        scope: Scope,
    ) -> Result<Attachment, EnforcementError> {
        self.set_counters(slice.id(), Counters::default())?;
        self.attach_live(slice, scope)
    }

    /// Attaches again to a cgroup: its pins were lost, for instance because somebody removed them, or hold programs of another build, which
    /// go when ours are there.
    ///
    /// # Errors
    ///
    /// As for [`Enforcement::attach_session`].
    pub(crate) fn attach_again(&mut self, cgroup: &Cgroup, scope: Scope) -> Result<(), EnforcementError> {
        self.set_counters(cgroup.id(), self.counters(cgroup.id()))?;
        self.attach_live(cgroup, scope).map(drop)
    }

    /// Attaches where people are at work: the scope is there before anything can ask for it.
    fn attach_live(&mut self, cgroup: &Cgroup, scope: Scope) -> Result<Attachment, EnforcementError> {
        let _primer = self.attach(PRIMER, cgroup)?;
        self.write_scope(scope)?;
        let links = self.attach_all(cgroup, scope)?;
        self.keep(cgroup, links)
    }

    /// What an earlier loader has left of the attachments of a cgroup.
    ///
    /// # Errors
    ///
    /// Where a pin cannot be opened.
    pub(crate) fn left_on(&mut self, cgroup_id: u64) -> Result<Left, EnforcementError> {
        // Where nothing is known of the scope all of it is missed.
        let judges_opens = self.by_cgroup.get(&cgroup_id, 0).map_or(true, |scope| scope.0.judges_opens());
        let mut all = Left::Ours;
        for hook in hooks::of_scope(judges_opens) {
            match self.left_of(hook, cgroup_id)? {
                Left::Nothing => return Ok(Left::Nothing),
                Left::OfAnotherBuild => all = Left::OfAnotherBuild,
                Left::Ours => {}
            }
        }
        Ok(all)
    }

    fn left_of(&mut self, hook: Hook, cgroup_id: u64) -> Result<Left, EnforcementError> {
        let Some(pins) = &self.pins else { return Ok(Left::Nothing) };
        let directory = pins.scope(cgroup_id);
        self.pinned_at(hook, &directory, cgroup_id)
    }

    /// What is pinned in a directory of pins for a hook of a cgroup.
    pub(super) fn pinned_at(
        &mut self,
        hook: Hook,
        directory: &Path,
        cgroup_id: u64,
    ) -> Result<Left, EnforcementError> {
        let path = directory.join(hook.hook);
        if !path.exists() {
            return Ok(Left::Nothing);
        }
        let link = links::pinned_link(&path).map_err(|source| EnforcementError::Pinned { path, source })?;
        if link.cgroup_id != cgroup_id {
            return Ok(Left::Nothing);
        }
        let ours = self.kernel_half.program_id(hook)?;
        Ok(if link.program_id == ours { Left::Ours } else { Left::OfAnotherBuild })
    }

    /// Ids of the cgroups that an earlier loader left attachments, scopes or counters of.
    ///
    /// # Errors
    ///
    /// Where bpffs or the map cannot be read.
    pub(crate) fn pinned_scopes(&self) -> Result<BTreeSet<u64>, EnforcementError> {
        let Some(pins) = &self.pins else { return Ok(BTreeSet::new()) };
        let attached = pins.scope_ids().map_err(EnforcementError::Pins)?;
        let scopes = self.by_cgroup.keys().map(|id| id.map_err(map_error("read", BY_CGROUP)));
        let counters = self.counters.keys().map(|id| id.map_err(map_error("read", "COUNTERS")));
        attached.into_iter().map(Ok).chain(scopes).chain(counters).collect()
    }

    /// The slots of a cgroup's scope, for those of which nothing else is known.
    pub(crate) fn slots_of(&self, cgroup_id: u64) -> Vec<u32> {
        let scope = self.by_cgroup.get(&cgroup_id, 0);
        scope.map_or_else(
            |_unknown| Vec::new(),
            |scope| scope.0.slots.into_iter().filter(|slot| *slot != 0).collect(),
        )
    }

    /// Replaces the scope of a cgroup with pinned attachments, whose directory is `directory`; sessions in it move to the new policy at
    /// once, and get or lose the program for files that are opened.
    ///
    /// # Errors
    ///
    /// Where the cgroup has gone, or the kernel refuses the program.
    pub(crate) fn set_scope(&mut self, scope: Scope, directory: &Path) -> Result<(), EnforcementError> {
        let judges_opens = self.slots.about(&scope.slots).judges_opens;
        // Before anybody is under a policy that wants it.
        if judges_opens && self.left_of(hooks::OPENING, scope.cgroup)? != Left::Ours {
            let gone = |source| EnforcementError::Gone { cgroup: directory.to_owned(), source };
            let cgroup = Cgroup::open(directory).map_err(gone)?;
            if cgroup.id() != scope.cgroup {
                return Err(gone(io::Error::other("another one has its name")));
            }
            let link = self.attach(hooks::OPENING, &cgroup)?;
            reach(Failpoint::ScopeOpening);
            self.pin_hook(scope.cgroup, hooks::OPENING, link)?;
        }
        self.write_scope(scope)?;
        match &self.pins {
            Some(pins) if !judges_opens => unlink(&pins.scope(scope.cgroup).join(hooks::OPENING.hook)),
            _ => Ok(()),
        }
    }

    fn write_scope(&mut self, scope: Scope) -> Result<(), EnforcementError> {
        let about = self.slots.about(&scope.slots);
        // The loader alone writes scopes, so nothing comes between this and the insertion.
        let present = self.scope(scope.cgroup)?;
        let judges_twice = about.has_conditions || present.judges_twice();
        let scope = scope
            .judging_twice(judges_twice)
            .judging_opens(about.judges_opens)
            .judging(about.operations)
            .sifting(about.sifted);
        self.set_by_cgroup(scope)?;
        reach(Failpoint::ScopeByCgroup);
        let key = storage_key(scope.cgroup);
        self.storage()?.insert(key, pod::Scope(scope), 0).map_err(map_error("write", "SCOPES"))?;
        reach(Failpoint::ScopeSet);
        Ok(())
    }

    /// Sees to it that machine-wide programs find the scope that a cgroup's own programs have: a loader that was killed may have
    /// written one and not the other.
    ///
    /// # Errors
    ///
    /// Where the cgroup has gone.
    pub(crate) fn align_scope(&mut self, cgroup_id: u64) -> Result<(), EnforcementError> {
        let scope = self.scope(cgroup_id)?;
        // Nobody is in a cgroup whose scope was never filled in.
        if scope.layer().is_none() { Ok(()) } else { self.set_by_cgroup(scope) }
    }

    /// The scope in cgroup storage.
    fn scope(&mut self, cgroup_id: u64) -> Result<Scope, EnforcementError> {
        let found = self.storage()?.get(storage_key(cgroup_id), 0).map_err(map_error("read", "SCOPES"))?;
        Ok(found.0)
    }

    #[expect(deprecated, reason = "the successor of cgroup storage needs kernel 6.2")]
    fn storage(&mut self) -> Result<aya::maps::CgroupStorage<&mut MapData, pod::Scope>, EnforcementError> {
        let map = self.kernel_half.map_mut("SCOPES")?;
        aya::maps::CgroupStorage::try_from(map).map_err(map_error("open", "SCOPES"))
    }

    fn set_by_cgroup(&mut self, scope: Scope) -> Result<(), EnforcementError> {
        // The programs that look there have to be there.
        self.judge(scope.operations())?;
        self.by_cgroup.insert(scope.cgroup, pod::Scope(scope), 0).map_err(map_error("write", BY_CGROUP))
    }

    /// What was counted in a cgroup; zeros where nothing is known of it.
    pub(crate) fn counters(&self, cgroup_id: u64) -> Counters {
        self.counters.get(&cgroup_id, 0).map_or_else(|_unknown| Counters::default(), |counters| counters.0)
    }

    /// Removes all that is left of a cgroup: pins, scope and counters. Detaches, where the cgroup still exists.
    ///
    /// # Errors
    ///
    /// Where a pin cannot be removed.
    pub(crate) fn release(&mut self, cgroup_id: u64) -> Result<(), EnforcementError> {
        missing_is_fine(self.by_cgroup.remove(&cgroup_id)).map_err(map_error("delete from", BY_CGROUP))?;
        missing_is_fine(self.counters.remove(&cgroup_id)).map_err(map_error("delete from", "COUNTERS"))?;
        let Some(pins) = &self.pins else { return Ok(()) };
        reach(Failpoint::ClosingUnmapped);
        let path = pins.scope(cgroup_id);
        match fs::remove_dir_all(&path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                Err(EnforcementError::Pinned { path, source })
            }
            _ => Ok(()),
        }
    }
    /// Attaches all that a scope gets.
    fn attach_all(&mut self, cgroup: &Cgroup, scope: Scope) -> Result<Vec<(Hook, FdLink)>, EnforcementError> {
        let judges_opens = self.slots.about(&scope.slots).judges_opens;
        hooks::of_scope(judges_opens).map(|hook| Ok((hook, self.attach(hook, cgroup)?))).collect()
    }

    /// Pins the links of a cgroup, or holds them where nothing is pinned.
    fn keep(&self, cgroup: &Cgroup, links: Vec<(Hook, FdLink)>) -> Result<Attachment, EnforcementError> {
        let Some(pins) = &self.pins else {
            return Ok(Attachment { _links: links.into_iter().map(|(_, link)| link).collect() });
        };
        fs::create_dir_all(pins.scope(cgroup.id())).map_err(EnforcementError::Pins)?;
        for (hook, link) in links {
            self.pin_hook(cgroup.id(), hook, link)?;
        }
        Ok(Attachment { _links: Vec::new() })
    }

    /// Pins a link in the place of what an earlier loader has pinned there, which is detached by that.
    fn pin_hook(&self, cgroup_id: u64, hook: Hook, link: FdLink) -> Result<(), EnforcementError> {
        let Some(pins) = &self.pins else { return Ok(()) };
        let path = pins.scope(cgroup_id).join(hook.hook);
        unlink(&path)?;
        may_fail(Failpoint::ScopeHalfPinned).map_err(EnforcementError::Pins)?;
        pin(link, path)
    }

    fn set_counters(&mut self, cgroup_id: u64, counters: Counters) -> Result<(), EnforcementError> {
        self.counters.insert(cgroup_id, pod::Counters(counters), 0).map_err(map_error("write", "COUNTERS"))
    }
}

const fn storage_key(cgroup_id: u64) -> CgroupStorageKey {
    CgroupStorageKey::new(cgroup_id, ATTACH_TYPE)
}

fn missing_is_fine(removed: Result<(), MapError>) -> Result<(), MapError> {
    match removed {
        Err(MapError::KeyNotFound) => Ok(()),
        Err(MapError::SyscallError(call)) if call.io_error.raw_os_error() == Some(libc::ENOENT) => Ok(()),
        other => other,
    }
}
