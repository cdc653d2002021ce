// SPDX-License-Identifier: MIT OR Apache-2.0
//! The kernel half's object: embedded, given its offsets, loaded and verified.

use super::{
    btf::{BtfError, KernelBtf},
    hooks::{self, HOOKS, Hook, TRACEPOINTS},
    pins::Pins,
};
use aya::{
    Btf, Ebpf, EbpfError, EbpfLoader, Endianness,
    maps::{Map, MapInfo},
    pin::PinError,
    programs::{BtfTracePoint, Lsm, LsmCgroup, Program, ProgramError, ProgramInfo},
};
use sac_abi::rule::Operations;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    io,
    path::Path,
};

/// Names of the maps that are pinned.
pub(super) const MAPS: [&str; 12] = [
    "POLICIES",
    "SCOPES",
    "SCOPES_BY_CGROUP",
    "COUNTERS",
    "EVENTS",
    "ACTIVITY",
    "ENDED",
    "HASH_KEY",
    "SIGHTINGS",
    "SIEVE",
    "LABELS",
    "LOADER",
];

/// Why the kernel half did not load.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoadError {
    /// The kernel's structs are not those that SAC knows.
    #[error(transparent)]
    Btf(#[from] BtfError),
    /// aya does not understand the kernel's BTF.
    #[error("cannot use the kernel's BTF")]
    Types(#[source] aya::BtfError),
    /// The object or its maps were refused.
    #[error("cannot create the maps of the kernel half; sac-loader needs root and a kernel of 6.1 or later")]
    Object(#[source] EbpfError),
    /// The kernel refused a program.
    #[error("cannot load the program for the hook `{hook}`")]
    Program {
        /// The hook.
        hook: &'static str,
        /// What the verifier said.
        source: ProgramError,
    },
    /// A verified program could not be pinned.
    #[error("cannot pin the program for the hook `{hook}`")]
    Pin {
        /// The hook.
        hook: &'static str,
        /// Why not.
        source: PinError,
    },
    /// Pins that were just made are not there, or hold something else.
    #[error("the programs that were pinned cannot be found again; does another loader run?")]
    NotPinned,
    /// The directory of pinned programs could not be made or cleared.
    #[error("cannot prepare the directory of pinned programs")]
    PinDirectory(#[source] io::Error),
    /// The object lacks a program: a build that does not fit together.
    #[error("the kernel half has no program `{0}`, or one of another kind")]
    NoProgram(&'static str),
    /// The object lacks a map: a build that does not fit together.
    #[error("the kernel half has no map `{0}`")]
    NoMap(&'static str),
}

/// The object, as `cargo xtask build-bpf` left it.
static OBJECT: &[u8] = aya::include_bytes_aligned!(env!("SAC_BPF_OBJECT"));

/// The object in the kernel.
pub(super) struct KernelHalf {
    /// With the programs, unless those are pinned.
    object: Option<Ebpf>,
    /// The programs by their pins, this loader's or those of an earlier one of the same build.
    pinned: BTreeMap<&'static str, Program>,
    maps: BTreeMap<&'static str, Map>,
    machine: Vec<Hook>,
}

impl KernelHalf {
    /// What the machine gets, once, for this kernel.
    pub(super) fn machine_hooks(&self) -> &[Hook] {
        &self.machine
    }

    /// Whether programs can be judged by their content on this kernel.
    pub(super) fn tells_contents(&self) -> bool {
        self.machine.contains(&hooks::CONTENT)
    }

    /// A program for cgroups.
    pub(super) fn program(&mut self, hook: Hook) -> Result<&mut LsmCgroup, LoadError> {
        self.any(hook)?.try_into().map_err(|_other_kind| LoadError::NoProgram(hook.program))
    }

    /// A program for the machine.
    pub(super) fn machine_program(&mut self, hook: Hook) -> Result<&mut Lsm, LoadError> {
        self.any(hook)?.try_into().map_err(|_other_kind| LoadError::NoProgram(hook.program))
    }

    /// A program on a tracepoint.
    pub(super) fn tracepoint_program(&mut self, hook: Hook) -> Result<&mut BtfTracePoint, LoadError> {
        self.any(hook)?.try_into().map_err(|_other_kind| LoadError::NoProgram(hook.program))
    }

    /// A program of whatever kind, by whomever it was loaded.
    fn any(&mut self, hook: Hook) -> Result<&mut Program, LoadError> {
        if let Some(program) = self.pinned.get_mut(hook.program) {
            return Ok(program);
        }
        let program = self.object.as_mut().and_then(|object| object.program_mut(hook.program));
        program.ok_or(LoadError::NoProgram(hook.program))
    }

    /// The kernel's number of a program.
    pub(super) fn program_id(&mut self, hook: Hook) -> Result<u32, LoadError> {
        let refused = |source| LoadError::Program { hook: hook.hook, source };
        Ok(self.any(hook)?.info().map_err(refused)?.id())
    }

    /// What the kernel says of a program.
    pub(super) fn info(&self, hook: Hook) -> Option<ProgramInfo> {
        match self.pinned.get(hook.program) {
            Some(program) => program.info().ok(),
            None => self.object.as_ref()?.program(hook.program)?.info().ok(),
        }
    }

    /// Does without the programs that judge nothing but other operations than these.
    pub(super) fn restrict_to(&mut self, operations: Operations) {
        self.machine.retain(|hook| hook.is_for(operations));
    }

    /// Has the kernel verify everything that this kernel gets.
    pub(super) fn verify(&mut self, types: &Btf) -> Result<(), LoadError> {
        let refused = |hook: Hook| move |source| LoadError::Program { hook: hook.hook, source };
        for hook in hooks::of_cgroups() {
            self.program(hook)?.load(hook.hook, types).map_err(refused(hook))?;
            goes_on();
        }
        for hook in self.machine.clone() {
            self.machine_program(hook)?.load(hook.hook, types).map_err(refused(hook))?;
            goes_on();
        }
        for tracepoint in TRACEPOINTS {
            self.tracepoint_program(tracepoint)?.load(tracepoint.hook, types).map_err(refused(tracepoint))?;
        }
        Ok(())
    }

    /// A map, in place.
    pub(super) fn map_mut(&mut self, name: &'static str) -> Result<&mut Map, LoadError> {
        self.maps.get_mut(name).ok_or(LoadError::NoMap(name))
    }

    /// A map, whose owner the caller becomes.
    pub(super) fn take_map(&mut self, name: &'static str) -> Result<Map, LoadError> {
        self.maps.remove(name).ok_or(LoadError::NoMap(name))
    }
}

/// Loads the object. With `pins` it shares its maps with earlier and later loaders, and its programs with those of the same build.
pub(super) fn load(btf: &KernelBtf, pins: Option<&Pins>) -> Result<KernelHalf, LoadError> {
    let (mut kernel_half, types) = open(btf, pins)?;
    let Some(pins) = pins else {
        kernel_half.verify(&types)?;
        return Ok(kernel_half);
    };
    let pinned = match pinned_programs(pins, &kernel_half.machine) {
        Some(of_an_earlier_loader) => of_an_earlier_loader,
        None => {
            kernel_half.verify(&types)?;
            pin_programs(&mut kernel_half, pins)?;
            pinned_programs(pins, &kernel_half.machine).ok_or(LoadError::NotPinned)?
        }
    };
    // With all that aya knows of the programs it takes more memory than everything that the loader keeps.
    Ok(KernelHalf { object: None, pinned, ..kernel_half })
}

/// Makes the object's maps. No program has been verified yet.
pub(super) fn open(btf: &KernelBtf, pins: Option<&Pins>) -> Result<(KernelHalf, Btf), LoadError> {
    let offsets = btf.offsets()?;
    // Also where the programs are pinned already: what a kernel lacks is said by its name.
    btf.hook_ids(HOOKS.map(|hook| hook.hook))?;
    let machine = hooks::machine_hooks(btf)?;
    let types = Btf::parse(btf.bytes(), Endianness::default()).map_err(LoadError::Types)?;
    let mut loader = EbpfLoader::new();
    // aya makes maps of task storage and pins them, and has no type to read them with.
    loader.btf(Some(&types)).allow_unsupported_maps();
    for (symbol, offset) in &offsets {
        loader.override_global(symbol, offset, true);
    }
    if let Some(pins) = pins {
        for name in MAPS {
            loader.map_pin_path(name, pins.map(name));
        }
    }
    let mut object = loader.load(OBJECT).map_err(LoadError::Object)?;
    let maps = MAPS.iter().filter_map(|name| Some((*name, object.take_map(name)?))).collect();
    Ok((KernelHalf { object: Some(object), pinned: BTreeMap::new(), maps, machine }, types))
}

/// Tells builds of the kernel half apart. What is pinned goes with the running kernel, so that needs no telling apart.
fn build() -> u64 {
    let mut hasher = DefaultHasher::new();
    OBJECT.hash(&mut hasher);
    hasher.finish()
}

/// The programs that a loader of this build has pinned: all, or none where one is missing or works on other maps than those
/// that are pinned now.
fn pinned_programs(pins: &Pins, machine: &[Hook]) -> Option<BTreeMap<&'static str, Program>> {
    let maps: Vec<u32> =
        MAPS.iter().map(|name| Some(MapInfo::from_pin(pins.map(name)).ok()?.id())).collect::<Option<_>>()?;
    let directory = pins.programs(build());
    let mut works_on = BTreeSet::new();
    let mut programs = BTreeMap::new();
    for hook in hooks::of_cgroups() {
        let program = LsmCgroup::from_pin(directory.join(hook.program)).ok()?;
        programs.insert(hook.program, Program::LsmCgroup(program));
    }
    for hook in machine {
        let program = Lsm::from_pin(directory.join(hook.program)).ok()?;
        programs.insert(hook.program, Program::Lsm(program));
    }
    for tracepoint in TRACEPOINTS {
        let program = BtfTracePoint::from_pin(directory.join(tracepoint.program)).ok()?;
        programs.insert(tracepoint.program, Program::BtfTracePoint(program));
    }
    for program in programs.values() {
        works_on.extend(program.info().ok()?.map_ids().ok()??);
    }
    maps.iter().all(|id| works_on.contains(id)).then_some(programs)
}

/// Tells a service manager that waits for the start that it goes on: where a processor is slow and shared, verifying all programs takes
/// longer than a loader that hangs may take. Without a service manager nobody hears it.
fn goes_on() {
    const ANOTHER_US: u32 = 30_000_000;
    let _nobody = sd_notify::notify(&[sd_notify::NotifyState::ExtendTimeoutUsec(ANOTHER_US)]);
}

/// Pins the programs, in the place of those of other builds. What is attached of those stays attached.
fn pin_programs(kernel_half: &mut KernelHalf, pins: &Pins) -> Result<(), LoadError> {
    let directory = pins.programs(build());
    let of_builds = directory.parent().unwrap_or(Path::new(""));
    match fs::remove_dir_all(of_builds) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(LoadError::PinDirectory(error)),
        _ => {}
    }
    fs::create_dir_all(&directory).map_err(LoadError::PinDirectory)?;
    for hook in hooks::of_cgroups().chain(kernel_half.machine.clone()).chain(TRACEPOINTS) {
        let pinned = kernel_half.any(hook)?.pin(directory.join(hook.program));
        pinned.map_err(|source| LoadError::Pin { hook: hook.hook, source })?;
    }
    Ok(())
}
