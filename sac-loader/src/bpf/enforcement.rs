// SPDX-License-Identifier: MIT OR Apache-2.0
//! Programs on cgroups: the one place that attaches, counts and detaches.
//!
//! Invariant: a cgroup that this module has attached to denies until its scope is filled in, and an attachment that is
//! pinned goes on without the loader.

mod anchor;
mod scopes;

pub(crate) use scopes::{Attachment, Begin, Left};

use super::{
    btf::KernelBtf,
    events::{EventReader, Ring},
    hooks::{self, Hook},
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
    maps::{Array, HashMap, Map, MapData, MapError},
    programs::{ProgramError, links::FdLink},
};
use sac_abi::{HashKey, RuleKey, hash::KernelHashKey, rule::Operations};
use std::{
    collections::BTreeSet,
    fs, io,
    os::fd::{AsFd as _, AsRawFd as _},
    path::{Path, PathBuf},
};

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
    /// What the machine has the programs for.
    judged: Operations,
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
            judged: Operations::NONE,
            anchor: None,
        })
    }

    /// Attaches what the machine gets, once; to be called before there is anybody under a policy. Without pins that is everything. With
    /// them it is what the scopes of an earlier loader need: what one of the same build has attached of that stays, and what one of
    /// another build has attached goes when its successor is there.
    ///
    /// # Errors
    ///
    /// Where the kernel refuses.
    pub(crate) fn attach_to_machine(&mut self) -> Result<(), EnforcementError> {
        let Some(pins) = &self.pins else {
            self.machine = machine::attach(&mut self.kernel_half)?;
            self.judged = Operations::ALL;
            return Ok(());
        };
        let operations = self.judged_in_scopes()?;
        machine::attach_for(&mut self.kernel_half, pins, operations, None)?;
        machine::detach_others(&self.kernel_half, pins, operations)?;
        self.judged = operations;
        Ok(())
    }

    /// Sees to it that the machine has the programs that judge these operations, besides those that it has. Each costs everybody a little
    /// who does what it judges, so they are there only where a policy says something about it.
    ///
    /// # Errors
    ///
    /// Where the kernel refuses.
    pub(crate) fn judge(&mut self, operations: Operations) -> Result<(), EnforcementError> {
        if self.judged.has_all(operations) {
            return Ok(());
        }
        if let Some(pins) = &self.pins {
            machine::attach_for(&mut self.kernel_half, pins, operations, Some(self.judged))?;
        }
        self.judged = self.judged.and(operations);
        Ok(())
    }

    /// Takes off the machine the programs that judge neither these operations nor any that a scope is judged for.
    ///
    /// # Errors
    ///
    /// Where a pin cannot be removed.
    pub(crate) fn judge_no_more_than(&mut self, operations: Operations) -> Result<(), EnforcementError> {
        let Some(pins) = self.pins.as_ref().filter(|_| !operations.has_all(self.judged)) else {
            return Ok(());
        };
        let operations = operations.and(self.judged_in_scopes()?);
        machine::detach_others(&self.kernel_half, pins, operations)?;
        self.judged = self.judged.in_common(operations);
        Ok(())
    }

    /// What scopes say that their policies judge.
    fn judged_in_scopes(&self) -> Result<Operations, EnforcementError> {
        let mut operations = Operations::NONE;
        for scope in self.by_cgroup.iter() {
            let (_, pod::Scope(scope)) = scope.map_err(map_error("read", BY_CGROUP))?;
            operations = operations.and(scope.operations());
        }
        Ok(operations)
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
        let mut ring = |name| match self.kernel_half.take_map(name)? {
            Map::RingBuf(map) => Ring::of_map(map).map_err(map_error("open", name)),
            _another_kind => Err(LoadError::NoMap(name).into()),
        };
        Ok(EventReader::new(ring("EVENTS")?, ring("ACTIVITY")?))
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
}

/// The key in the map, drawn if there is none yet: an earlier loader's programs and policies go on with theirs.
fn hash_key(map: &mut Map) -> Result<HashKey, EnforcementError> {
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
