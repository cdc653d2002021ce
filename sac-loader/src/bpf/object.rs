// SPDX-License-Identifier: MIT OR Apache-2.0
//! The kernel half's object: embedded, given its offsets, loaded and verified.

use super::{
    btf::{BtfError, KernelBtf},
    pins::Pins,
};
use aya::{Btf, Ebpf, EbpfError, EbpfLoader, Endianness, programs::LsmCgroup, programs::ProgramError};

/// A program of the kernel half and the hook it goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hook {
    /// Name of the program in the object.
    pub(crate) program: &'static str,
    /// Name of the LSM hook, without `security_`.
    pub(crate) hook: &'static str,
}

/// What every session gets.
pub(crate) const HOOKS: [Hook; 2] = [
    Hook { program: "bprm_check_security", hook: "bprm_check_security" },
    Hook { program: "bprm_committed_creds", hook: "bprm_committed_creds" },
];

/// Makes a cgroup's storage without judging anything, so that the scope can be filled in before [`HOOKS`] are attached
/// to a cgroup that people live in already.
pub(super) const PRIMER: Hook = Hook { program: "prime", hook: "bprm_check_security" };

/// Names of the maps that are pinned.
pub(super) const MAPS: [&str; 6] = ["POLICIES", "SCOPES", "COUNTERS", "EVENTS", "HASH_KEY", "SIGHTINGS"];

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
    #[error("cannot load the program for the LSM hook `{hook}`")]
    Program {
        /// The hook.
        hook: &'static str,
        /// What the verifier said.
        source: ProgramError,
    },
    /// The object lacks a program: a build that does not fit together.
    #[error("the kernel half has no lsm_cgroup program `{0}`")]
    NoProgram(&'static str),
    /// The object lacks a map: a build that does not fit together.
    #[error("the kernel half has no map `{0}`")]
    NoMap(&'static str),
}

/// The object, as `cargo xtask build-bpf` left it.
static OBJECT: &[u8] = aya::include_bytes_aligned!(env!("SAC_BPF_OBJECT"));

/// Loads the object, and with `pins` shares its maps with earlier and later loaders.
pub(super) fn load(btf: &KernelBtf, pins: Option<&Pins>) -> Result<Ebpf, LoadError> {
    let offsets = btf.offsets()?;
    let types = Btf::parse(btf.bytes(), Endianness::default()).map_err(LoadError::Types)?;
    let mut loader = EbpfLoader::new();
    loader.btf(Some(&types));
    for (symbol, offset) in &offsets {
        loader.override_global(symbol, offset, true);
    }
    if let Some(pins) = pins {
        for name in MAPS {
            loader.map_pin_path(name, pins.map(name));
        }
    }
    let mut object = loader.load(OBJECT).map_err(LoadError::Object)?;
    for hook in HOOKS.into_iter().chain([PRIMER]) {
        let program = program(&mut object, hook)?;
        program.load(hook.hook, &types).map_err(|source| LoadError::Program { hook: hook.hook, source })?;
        let verified = program.info().ok().and_then(|info| info.verified_instruction_count());
        tracing::debug!(program = hook.program, verified_instructions = verified, "loaded");
    }
    Ok(object)
}

/// A program of the object.
pub(super) fn program(object: &mut Ebpf, hook: Hook) -> Result<&mut LsmCgroup, LoadError> {
    let found = object.program_mut(hook.program).and_then(|program| program.try_into().ok());
    found.ok_or(LoadError::NoProgram(hook.program))
}
