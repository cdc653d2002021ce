// SPDX-License-Identifier: MIT OR Apache-2.0
//! Whether the kernel calls BPF programs on LSM hooks at all. Where it does not they load and attach all the same, and judge nothing.

use std::{fs, path::Path};

/// The active security modules, where securityfs is mounted.
pub(super) const ACTIVE: &str = "/sys/kernel/security/lsm";

/// The kernel was booted without the BPF LSM.
#[derive(Debug, thiserror::Error)]
#[error(
    "the kernel's BPF LSM is not active, so no program would be asked; boot with `lsm={active},bpf`, see `sac-loader doctor`"
)]
pub(crate) struct NoBpfLsm {
    /// The modules that are.
    active: String,
}

/// Looks at the list of active modules. Where there is none to be seen nothing is said; `sac-loader doctor` says that.
///
/// # Errors
///
/// Where `bpf` is not in it.
pub(super) fn check(list: &Path) -> Result<(), NoBpfLsm> {
    let Ok(active) = fs::read_to_string(list) else { return Ok(()) };
    let active = active.trim().to_owned();
    if active.split(',').any(|module| module == "bpf") { Ok(()) } else { Err(NoBpfLsm { active }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_that_would_ask_no_program_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let list = directory.path().join("lsm");
        assert!(check(&list).is_ok());
        fs::write(&list, "lockdown,capability,bpf").unwrap();
        assert!(check(&list).is_ok());
        fs::write(&list, "capability,bpfish\n").unwrap();
        assert!(check(&list).unwrap_err().to_string().contains("`lsm=capability,bpfish,bpf`"));
    }
}
