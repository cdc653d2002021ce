// SPDX-License-Identifier: MIT OR Apache-2.0
//! The running kernel's own description of its structs (BTF), as far as member offsets need it.
//!
//! Reads types, follows anonymous structs and unions, and gives a member's byte offset and size. It is not a general BTF
//! library: no deduplication, no split BTF, of functions only their ids and how many parameters they have. Format: Documentation/bpf/btf.rst of the kernel.

mod parse;

use parse::{Kind, Type, Types};
use sac_abi::layout::{MEMBERS, Member};
use std::path::{Path, PathBuf};

/// Where the kernel shows its BTF.
pub(crate) const VMLINUX: &str = "/sys/kernel/btf/vmlinux";

/// Why the kernel's structs could not be resolved.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BtfError {
    /// The file cannot be read.
    #[error("cannot read the kernel's BTF {path}; the kernel needs CONFIG_DEBUG_INFO_BTF=y")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is not BTF.
    #[error("{path} is not the BTF of a kernel: {fault}")]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        fault: &'static str,
    },
    /// A struct is not there.
    #[error("this kernel has no `struct {container}`, which SAC reads `{member}` from")]
    NoStruct {
        /// The struct.
        container: &'static str,
        /// The member that is wanted of it.
        member: &'static str,
    },
    /// A member is not there.
    #[error("this kernel's `struct {container}` has no member `{member}`, which SAC reads")]
    NoMember {
        /// The struct.
        container: &'static str,
        /// The member.
        member: &'static str,
    },
    /// A member is not what the kernel half expects.
    #[error("`{container}.{member}` has {found_bytes} bytes in this kernel, and SAC reads {expected_bytes}")]
    Size {
        /// The struct.
        container: &'static str,
        /// The member.
        member: &'static str,
        /// What the kernel has.
        found_bytes: u32,
        /// What the kernel half reads.
        expected_bytes: u32,
    },
    /// A hook is not there.
    #[error("this kernel has no LSM hook `{hook}`, which SAC attaches to; it needs CONFIG_BPF_LSM=y")]
    NoHook {
        /// The hook, without `security_`.
        hook: &'static str,
    },
    /// A hook is not one of those that SAC has programs for.
    #[error("this kernel's LSM hook `{hook}` has {found} parameters, which SAC has no program for")]
    HookParameters {
        /// The hook, without `security_`.
        hook: &'static str,
        /// How many parameters it has.
        found: u32,
    },
}

/// A kernel's BTF, read once.
pub(crate) struct KernelBtf {
    path: PathBuf,
    bytes: Vec<u8>,
}

impl KernelBtf {
    /// Reads the BTF at `path`, [`VMLINUX`] for the running kernel.
    ///
    /// # Errors
    ///
    /// [`BtfError::Read`].
    pub(crate) fn read(path: &Path) -> Result<Self, BtfError> {
        let bytes = std::fs::read(path).map_err(|source| BtfError::Read { path: path.to_owned(), source })?;
        Ok(Self { path: path.to_owned(), bytes })
    }

    /// The bytes, for aya.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The offset of each member that the kernel half reads, with the name of the constant that receives it.
    ///
    /// # Errors
    ///
    /// Any [`BtfError`] but `Read` and those about hooks.
    pub(crate) fn offsets(&self) -> Result<Vec<(&'static str, u32)>, BtfError> {
        let types = self.types()?;
        MEMBERS.iter().map(|member| Ok((member.symbol, offset(&types, member)?))).collect()
    }

    /// The ids by which the kernel knows these hooks, in their order.
    ///
    /// # Errors
    ///
    /// [`BtfError::Format`] and [`BtfError::NoHook`].
    pub(crate) fn hook_ids(
        &self,
        hooks: impl IntoIterator<Item = &'static str>,
    ) -> Result<Vec<u32>, BtfError> {
        let types = self.types()?;
        let id = |hook| types.function_named(&function_of(hook)).ok_or(BtfError::NoHook { hook });
        hooks.into_iter().map(id).collect()
    }

    /// How many parameters these hooks have, in their order; `None` for a hook that is not there.
    ///
    /// # Errors
    ///
    /// [`BtfError::Format`].
    pub(crate) fn hook_parameters(
        &self,
        hooks: impl IntoIterator<Item = &'static str>,
    ) -> Result<Vec<Option<u32>>, BtfError> {
        let types = self.types()?;
        let count = |hook| types.parameters(types.function_named(&function_of(hook))?);
        Ok(hooks.into_iter().map(count).collect())
    }

    /// Whether the kernel has a function of this name.
    ///
    /// # Errors
    ///
    /// [`BtfError::Format`].
    pub(crate) fn has_function(&self, name: &str) -> Result<bool, BtfError> {
        Ok(self.types()?.function_named(name).is_some())
    }

    fn types(&self) -> Result<Types<'_>, BtfError> {
        Types::parse(&self.bytes).map_err(|fault| BtfError::Format { path: self.path.clone(), fault })
    }
}

/// What programs for a hook are attached to (kernel/bpf/bpf_lsm.c).
fn function_of(hook: &str) -> String {
    format!("bpf_lsm_{hook}")
}

/// The byte offset of `member`.
fn offset(types: &Types<'_>, member: &Member) -> Result<u32, BtfError> {
    let Member { container, member: name, size_bytes, .. } = *member;
    let structure = types.struct_named(container).ok_or(BtfError::NoStruct { container, member: name })?;
    let mut visits = VISITS_MAX;
    let found =
        find(types, structure, name, &mut visits).ok_or(BtfError::NoMember { container, member: name })?;
    if found.size_bytes != size_bytes {
        return Err(BtfError::Size {
            container,
            member: name,
            found_bytes: found.size_bytes,
            expected_bytes: size_bytes,
        });
    }
    Ok(found.offset_bytes)
}

/// How many structs one search looks into. The kernel's have a few anonymous ones inside; damaged BTF can have loops.
const VISITS_MAX: u32 = 256;

struct Found {
    offset_bytes: u32,
    size_bytes: u32,
}

/// Looks for a member, also inside of anonymous members. Bit fields are not found: no code here reads one.
fn find(types: &Types<'_>, structure: Type<'_>, name: &str, visits: &mut u32) -> Option<Found> {
    *visits = visits.checked_sub(1)?;
    structure.members().find_map(|member| {
        let offset_bytes = member.offset_bytes()?;
        let target = types.resolve(member.type_id)?;
        if types.name(member.name_offset) == name.as_bytes() {
            return Some(Found { offset_bytes, size_bytes: types.size_bytes(target)? });
        }
        let anonymous = types.name(member.name_offset).is_empty() && target.kind == Kind::Structure;
        let inner = anonymous.then(|| find(types, target, name, visits)).flatten()?;
        Some(Found { offset_bytes: offset_bytes.checked_add(inner.offset_bytes)?, ..inner })
    })
}

#[cfg(test)]
pub(crate) mod tests;
