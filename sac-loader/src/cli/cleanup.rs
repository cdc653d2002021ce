// SPDX-License-Identifier: MIT OR Apache-2.0
//! `sac-loader cleanup`: nothing of SAC stays in the kernel. For the package's removal; sessions lose their policies.

use crate::{bpf::Pins, cgroup, daemon};
use anyhow::Context as _;
use std::process::ExitCode;

/// Removes pins, empty cgroups and records.
pub(super) fn run() -> anyhow::Result<ExitCode> {
    Pins::remove_all().context("removing what is pinned in bpffs")?;
    daemon::remove_cgroups(std::path::Path::new(cgroup::ROOT)).context("removing cgroups")?;
    daemon::remove_records().context("removing records")?;
    Ok(ExitCode::SUCCESS)
}
