// SPDX-License-Identifier: MIT OR Apache-2.0
//! Programs on cgroups: the one place that attaches, counts and detaches.
//!
//! Invariant: a cgroup that this module has attached to denies until its scope is filled in, and an attachment that is
//! pinned goes on without the loader.

use super::{
    btf::KernelBtf,
    events::EventReader,
    hooks::{self, Hook, PRIMER},
    links,
    lsm::{self, NoBpfLsm},
    machine::{self, MachineError},
    object::{self, KernelHalf, LoadError},
    pins::Pins,
    pod,
    sieve::SharedSieve,
    slots::{About, PolicySlots},
};
use crate::cgroup::Cgroup;
use aya::{
    maps::{Array, HashMap, MapData, MapError, cgroup_storage::CgroupStorageKey},
    programs::{ProgramError, links::FdLink},
};
use sac_abi::{
    HashKey, RuleKey,
    hash::KernelHashKey,
    scope::{Counters, Scope},
};
use sac_failpoint::{Failpoint, may_fail, reach};
use std::{
    collections::BTreeSet,
    fs, io,
    os::fd::{AsFd as _, AsRawFd as _},
    path::{Path, PathBuf},
};

/// `BPF_LSM_CGROUP` of `enum bpf_attach_type`, part of the key of cgroup storage.
const ATTACH_TYPE: u32 = 43;

/// The map of scopes by the ids of their cgroups.
const BY_CGROUP: &str = "SCOPES_BY_CGROUP";

/// The map with the daemon's process id.
const LOADER: &str = "LOADER";

/// The map with what texts are hashed with.
const HASH_KEY: &str = "HASH_KEY";

/// Why something could not be enforced.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EnforcementError {
    /// The kernel does not call BPF programs.
    #[error(transparent)]
    Lsm(#[from] NoBpfLsm),
    /// The kernel half did not load.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// A machine-wide attachment failed.
    #[error(transparent)]
    Machine(#[from] MachineError),
    /// A directory for pins could not be made.
    #[error("cannot prepare bpffs; is it mounted at /sys/fs/bpf?")]
    Pins(#[source] io::Error),
    /// The kernel refused an attachment.
    #[error("cannot attach the LSM hook `{hook}` to {cgroup}{}", slots_hint(source))]
    Attach {
        /// The hook.
        hook: &'static str,
        /// The cgroup's directory.
        cgroup: PathBuf,
        /// What the kernel said.
        source: ProgramError,
    },
    /// An attachment could not be pinned.
    #[error("cannot pin an attachment at {path}")]
    Pin {
        /// Where.
        path: PathBuf,
        /// Why not.
        source: aya::pin::PinError,
    },
    /// A pinned attachment could not be read or removed.
    #[error("cannot use the pin {path}")]
    Pinned {
        /// Where.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A cgroup is not there any more.
    #[error("cannot open the cgroup {cgroup}")]
    Gone {
        /// Its directory.
        cgroup: PathBuf,
        /// What was said.
        source: io::Error,
    },
    /// A policy has rules that this kernel cannot keep.
    #[error(
        "this kernel cannot tell a program's content (no CONFIG_IMA); remove `sha256` rules, or use another kernel"
    )]
    NoContents,
    /// The kernel gave no random numbers.
    #[error("cannot draw a random key")]
    Random(#[source] io::Error),
    /// A map operation failed.
    #[error("cannot {operation} the map `{map}`")]
    Map {
        /// What was tried.
        operation: &'static str,
        /// The map.
        map: &'static str,
        /// What the kernel said.
        source: MapError,
    },
}

/// The 11th hook with cgroup programs loads, and fails only here, with `EINVAL`.
fn slots_hint(error: &ProgramError) -> &'static str {
    match error {
        ProgramError::SyscallError(call) if call.io_error.raw_os_error() == Some(libc::EINVAL) => {
            "; all ten hooks that can hold cgroup programs may be taken (see `sac-loader doctor`)"
        }
        _ => "",
    }
}

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

/// The loaded kernel half.
pub(crate) struct Enforcement {
    kernel_half: KernelHalf,
    pins: Option<Pins>,
    slots: PolicySlots,
    counters: HashMap<MapData, u64, pod::Counters>,
    /// Scopes as the machine-wide programs find them; those of cgroups have theirs in cgroup storage.
    by_cgroup: HashMap<MapData, u64, pod::Scope>,
    /// The process id of the daemon, which a session's root may send no signals to.
    loader: Array<MapData, u32>,
    hash_key: HashKey,
    /// The machine-wide attachments; empty where they are pinned.
    machine: Vec<FdLink>,
    /// The empty cgroup that holds hooks, once there is one.
    anchor: Option<Cgroup>,
}

impl Enforcement {
    /// Loads the kernel half. With `pins` its maps, and all that is attached later, outlive this process.
    ///
    /// # Errors
    ///
    /// Any reason for which this kernel cannot enforce.
    pub(crate) fn load(btf: &KernelBtf, pins: Option<Pins>) -> Result<Self, EnforcementError> {
        lsm::check(Path::new(lsm::ACTIVE))?;
        Self::of(object::load(btf, pins.as_ref())?, pins)
    }

    /// Loads as much of the kernel half as one policy needs, which goes with this process; `rules` gives the policy's rules. What judges
    /// files and connections takes the kernel longest to verify.
    ///
    /// # Errors
    ///
    /// As above, and those of `rules`.
    pub(crate) fn load_for(
        btf: &KernelBtf,
        rules: impl FnOnce(HashKey) -> anyhow::Result<Vec<(RuleKey, u64)>>,
    ) -> anyhow::Result<(Self, Vec<(RuleKey, u64)>)> {
        lsm::check(Path::new(lsm::ACTIVE)).map_err(EnforcementError::from)?;
        let (mut kernel_half, types) = object::open(btf, None).map_err(EnforcementError::from)?;
        let key = hash_key(kernel_half.map_mut(HASH_KEY).map_err(EnforcementError::from)?)?;
        let rules = rules(key)?;
        kernel_half.restrict_to(About::policy(&rules).operations);
        // Before maps are taken away, which programs refer to.
        kernel_half.verify(&types).map_err(EnforcementError::from)?;
        Ok((Self::of(kernel_half, None)?, rules))
    }

    fn of(mut kernel_half: KernelHalf, pins: Option<Pins>) -> Result<Self, EnforcementError> {
        let sieve = SharedSieve::new(kernel_half.take_map("SIEVE")?)?;
        let policies = kernel_half.take_map("POLICIES")?;
        let slots = PolicySlots::new(policies, sieve, kernel_half.tells_contents())?;
        let counters =
            HashMap::try_from(kernel_half.take_map("COUNTERS")?).map_err(map_error("open", "COUNTERS"))?;
        let by_cgroup = HashMap::try_from(kernel_half.take_map(BY_CGROUP)?);
        let by_cgroup = by_cgroup.map_err(map_error("open", BY_CGROUP))?;
        let loader = Array::try_from(kernel_half.take_map(LOADER)?).map_err(map_error("open", LOADER))?;
        let hash_key = hash_key(kernel_half.map_mut(HASH_KEY)?)?;
        Ok(Self {
            kernel_half,
            pins,
            slots,
            counters,
            by_cgroup,
            loader,
            hash_key,
            machine: Vec::new(),
            anchor: None,
        })
    }

    /// Attaches what the machine gets, once; to be called before there is anybody under a policy. With pins, what an earlier loader
    /// of the same build has attached stays, and what one of another build has attached goes when its successor is there.
    ///
    /// # Errors
    ///
    /// Where the kernel refuses.
    pub(crate) fn attach_to_machine(&mut self) -> Result<(), EnforcementError> {
        self.machine = machine::attach(&mut self.kernel_half, self.pins.as_ref())?;
        Ok(())
    }

    /// Has the kernel half protect the process `pid` as the loader from root in sessions; 0 is none.
    ///
    /// # Errors
    ///
    /// Where the map cannot be written.
    pub(crate) fn set_loader(&mut self, pid: u32) -> Result<(), EnforcementError> {
        self.loader.set(0, pid, 0).map_err(map_error("write", LOADER))
    }

    /// How many instructions the verifier went through for each program; 0 where the kernel does not tell.
    pub(crate) fn verified_instructions(&self) -> Vec<(&'static str, u32)> {
        let counted = |hook: Hook| {
            let count = self.kernel_half.info(hook)?.verified_instruction_count().unwrap_or(0);
            Some((hook.program, count))
        };
        hooks::of_cgroups()
            .chain(self.kernel_half.machine_hooks().iter().copied())
            .chain(hooks::TRACEPOINTS)
            .filter_map(counted)
            .collect()
    }

    /// How many begins and ends of processes, at most, the kernel has told nobody of since the programs were loaded: those for which it ran
    /// neither of the two programs of a tracepoint.
    pub(crate) fn passed_by(&self) -> u64 {
        let missed = |hook: Hook| {
            let program = self.kernel_half.info(hook)?.fd().ok()?;
            let path = format!("/proc/self/fdinfo/{}", program.as_fd().as_raw_fd());
            let text = fs::read_to_string(path).ok()?;
            // Since 5.12; see `bpf_prog_show_fdinfo` (kernel/bpf/syscall.c).
            text.lines().find_map(|line| line.strip_prefix("recursion_misses:")?.trim().parse::<u64>().ok())
        };
        let tracepoints: BTreeSet<_> = hooks::TRACEPOINTS.iter().map(|hook| hook.hook).collect();
        let both = |tracepoint: &&str| {
            let programs = hooks::TRACEPOINTS.into_iter().filter(|hook| hook.hook == *tracepoint);
            programs.map(|hook| missed(hook).unwrap_or(0)).min().unwrap_or(0)
        };
        tracepoints.iter().map(both).sum()
    }

    /// The kernel's numbers of the programs that [`Enforcement::passed_by`] counts for.
    pub(crate) fn tracepoint_programs(&mut self) -> Vec<u32> {
        hooks::TRACEPOINTS.into_iter().filter_map(|hook| self.kernel_half.program_id(hook).ok()).collect()
    }

    /// What the kernel half hashes texts with.
    pub(crate) fn hash_key(&self) -> HashKey {
        self.hash_key
    }

    /// The policies' slots.
    pub(crate) fn slots(&mut self) -> &mut PolicySlots {
        &mut self.slots
    }

    /// The reader of events; there is one.
    ///
    /// # Errors
    ///
    /// Where it has been taken before.
    pub(crate) fn take_events(&mut self) -> Result<EventReader, EnforcementError> {
        let events = self.kernel_half.take_map("EVENTS")?.try_into().map_err(map_error("open", "EVENTS"))?;
        let activity =
            self.kernel_half.take_map("ACTIVITY")?.try_into().map_err(map_error("open", "ACTIVITY"))?;
        Ok(EventReader::new(events, activity))
    }

    /// Attaches to `anchor`, an empty cgroup, and stays there: building a hook's trampoline is the expensive part of a
    /// first attachment, and the anchor keeps it, and the hook's slot, between sessions. See also [`Enforcement::hold_opening`].
    ///
    /// # Errors
    ///
    /// Where the kernel refuses.
    pub(crate) fn hold_anchor(&mut self, anchor: Cgroup) -> Result<(), EnforcementError> {
        for hook in hooks::of_scope(false) {
            self.hold(hook, &anchor)?;
        }
        self.anchor = Some(anchor);
        Ok(())
    }

    /// Has the anchor hold the hook of files that are opened as well, or not: it costs everybody on the machine who opens a file a little, also
    /// where nobody has the program.
    ///
    /// # Errors
    ///
    /// Where the kernel refuses.
    pub(crate) fn hold_opening(&mut self, holds: bool) -> Result<(), EnforcementError> {
        let (Some(pins), Some(id)) = (self.pins.clone(), self.anchor.as_ref().map(Cgroup::id)) else {
            return Ok(());
        };
        if !holds {
            return unlink(&pins.anchor().join(hooks::OPENING.hook));
        }
        if self.pinned_at(hooks::OPENING, &pins.anchor(), id)? == Left::Ours {
            return Ok(());
        }
        let Some(anchor) = self.anchor.take() else { return Ok(()) };
        let held = self.hold(hooks::OPENING, &anchor);
        self.anchor = Some(anchor);
        held
    }

    /// Attaches to the anchor, in the place of what an earlier loader has pinned there.
    fn hold(&mut self, hook: Hook, anchor: &Cgroup) -> Result<(), EnforcementError> {
        let Some(pins) = self.pins.clone() else { return Ok(()) };
        let link = self.attach(hook, anchor)?;
        let path = pins.anchor().join(hook.hook);
        unlink(&path)?;
        reach(Failpoint::StartAnchor);
        pin(link, path)
    }

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
    fn pinned_at(&mut self, hook: Hook, directory: &Path, cgroup_id: u64) -> Result<Left, EnforcementError> {
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

    /// Whether what is pinned can be found where it was pinned.
    pub(crate) fn pins_are_in_place(&self) -> bool {
        self.pins.as_ref().is_none_or(Pins::are_in_place)
    }

    /// Pins everything again where bpffs has been mounted anew.
    ///
    /// # Errors
    ///
    /// Where it has not, or something cannot be pinned.
    pub(crate) fn pin_again(&mut self) -> Result<(), EnforcementError> {
        self.pins.as_mut().map_or(Ok(()), Pins::pin_again).map_err(EnforcementError::Pins)
    }

    /// Detaches what loaders with another layout of maps left, once everybody is under ours.
    ///
    /// # Errors
    ///
    /// Where a pin cannot be removed.
    pub(crate) fn forget_other_versions(&self) -> Result<(), EnforcementError> {
        self.pins.as_ref().map_or(Ok(()), |pins| pins.remove_other_versions().map_err(EnforcementError::Pins))
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

    fn attach(&mut self, hook: Hook, cgroup: &Cgroup) -> Result<FdLink, EnforcementError> {
        let refused = |source| EnforcementError::Attach {
            hook: hook.hook,
            cgroup: cgroup.directory().to_owned(),
            source,
        };
        let program = self.kernel_half.program(hook)?;
        let id = program.attach(cgroup.fd()).map_err(refused)?;
        Ok(program.take_link(id).map_err(refused)?.into())
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

/// The key in the map, drawn if there is none yet: an earlier loader's programs and policies go on with theirs.
fn hash_key(map: &mut aya::maps::Map) -> Result<HashKey, EnforcementError> {
    let mut map = Array::<_, pod::HashKey>::try_from(map).map_err(map_error("open", HASH_KEY))?;
    let pod::HashKey(present) = map.get(&0, 0).map_err(map_error("read", HASH_KEY))?;
    if present != KernelHashKey::default() {
        return Ok(present.key);
    }
    let drawn = crate::sys::random_words().map_err(EnforcementError::Random)?;
    let key = HashKey { k0: drawn[0], k1: drawn[1] };
    map.set(0, pod::HashKey(KernelHashKey { key, zero: 0 }), 0).map_err(map_error("write", HASH_KEY))?;
    Ok(key)
}

fn pin(link: FdLink, path: PathBuf) -> Result<(), EnforcementError> {
    // aya's `PinnedLink` closes its descriptor when it goes; the pin stays.
    link.pin(&path).map(drop).map_err(|source| EnforcementError::Pin { path, source })
}

/// Removes a pin that an earlier loader left.
fn unlink(path: &Path) -> Result<(), EnforcementError> {
    match fs::remove_file(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(EnforcementError::Pinned { path: path.to_owned(), source })
        }
        _ => Ok(()),
    }
}

pub(super) fn map_error(operation: &'static str, map: &'static str) -> impl Fn(MapError) -> EnforcementError {
    move |source| EnforcementError::Map { operation, map, source }
}
