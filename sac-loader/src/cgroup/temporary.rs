// SPDX-License-Identifier: MIT OR Apache-2.0
//! Cgroups that are there for one command only.

use super::{Cgroup, CgroupPath};
use anyhow::Context as _;
use std::{fs, thread, time::Duration};

/// How long the processes of a cgroup that is killed may take to go.
const END_TIMEOUT: Duration = Duration::from_secs(2);

/// How often it is looked whether they are gone.
const END_POLL: Duration = Duration::from_millis(10);

/// A cgroup that goes, with all that is in it, when this does.
#[derive(Debug)]
pub(crate) struct TemporaryCgroup(Cgroup);

impl TemporaryCgroup {
    /// Makes one beneath the cgroup of this process, named after `purpose` and this process.
    ///
    /// # Errors
    ///
    /// Where this process may not make cgroups, or is in none of version 2.
    pub(crate) fn create(purpose: &str) -> anyhow::Result<Self> {
        let pid = std::process::id();
        let here = CgroupPath::of_process(i32::try_from(pid).context("reading the process id")?)?.directory();
        let directory = here.join(format!("sac-{purpose}-{pid}"));
        let made = Cgroup::create(&directory);
        Ok(Self(
            made.with_context(|| format!("cannot make the cgroup {}; are you root?", directory.display()))?,
        ))
    }

    /// The cgroup.
    pub(crate) const fn cgroup(&self) -> &Cgroup {
        &self.0
    }
}

impl Drop for TemporaryCgroup {
    fn drop(&mut self) {
        let directory = self.0.directory();
        // The kernel tells nobody whether the kill is complete but by the cgroup's becoming empty.
        let _killed = fs::write(directory.join("cgroup.kill"), "1");
        for _ in 0..END_TIMEOUT.as_millis() / END_POLL.as_millis() {
            if super::remove(directory).is_ok() {
                return;
            }
            thread::sleep(END_POLL);
        }
    }
}
