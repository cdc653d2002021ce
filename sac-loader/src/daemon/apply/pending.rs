// SPDX-License-Identifier: MIT OR Apache-2.0
//! New policies that are not settled yet, as they are written down: for how long they are on trial, and what a loader that starts has to
//! do about them. Nothing here looks at files or clocks.

use super::login::Marks;
use serde::{Deserialize, Serialize};

/// For how long policies can be on trial, in seconds.
pub(in crate::daemon) const CONFIRM_S: std::ops::RangeInclusive<u32> = 10..=86_400;

/// New policies that are in force and not settled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Pending {
    pub(super) phase: Phase,
    /// Who applied them.
    pub(super) by: String,
    /// For how long they are on trial; absent where they are for good.
    pub(super) confirm_s: Option<u32>,
    /// Until when, in seconds of `CLOCK_BOOTTIME`, which goes on during suspend.
    pub(super) until_boot_s: u64,
    /// The boot that this counts in.
    pub(super) boot_id: String,
    /// Digest of their files where they are tried.
    pub(super) digest: String,
    /// Which logins are older than they are.
    pub(super) marks: Marks,
}

/// How far they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Phase {
    /// They go unless somebody confirms them in time.
    Trying,
    /// They stay, and are on their way to where the policies are.
    Installing,
}

/// What has to be done about them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// The earlier policies come back, for this reason.
    RollBack(&'static str),
    /// They go to where the policies are.
    Install,
    /// Their time goes on.
    Wait,
}

impl Pending {
    /// What has to be done at a moment of a boot. A machine that was restarted has not kept the time: whoever had to do that because
    /// of the new policies must not meet them again.
    pub(super) fn next(&self, boot_id: &str, now_boot_s: u64) -> Next {
        match self.phase {
            Phase::Installing => Next::Install,
            Phase::Trying if self.boot_id != boot_id => Next::RollBack("the machine was restarted"),
            Phase::Trying if now_boot_s >= self.until_boot_s => {
                Next::RollBack("nobody confirmed them in time")
            }
            Phase::Trying => Next::Wait,
        }
    }

    /// How many seconds of the trial are left.
    pub(super) const fn left_s(&self, now_boot_s: u64) -> u64 {
        self.until_boot_s.saturating_sub(now_boot_s)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pending(phase: Phase) -> Pending {
        let [by, boot_id, digest] = ["dave", "this boot", "ab"].map(str::to_owned);
        let marks = Marks { session: 7, audit_session: 3 };
        Pending { phase, by, confirm_s: Some(60), until_boot_s: 160, boot_id, digest, marks }
    }

    #[test]
    fn a_trial_goes_on_until_its_second_and_no_longer() {
        let pending = pending(Phase::Trying);
        for (now, next, left) in [
            (100, Next::Wait, 60),
            (159, Next::Wait, 1),
            (160, Next::RollBack("nobody confirmed them in time"), 0),
            (u64::MAX, Next::RollBack("nobody confirmed them in time"), 0),
        ] {
            assert_eq!((pending.next("this boot", now), pending.left_s(now)), (next, left), "at {now}");
        }
    }

    #[test]
    fn no_trial_goes_on_in_another_boot_however_much_time_it_had() {
        assert_eq!(
            pending(Phase::Trying).next("the next one", 1),
            Next::RollBack("the machine was restarted")
        );
    }

    #[test]
    fn what_was_confirmed_is_installed_whatever_happened_meanwhile() {
        for (boot, now) in [("this boot", 100), ("this boot", 500), ("the next one", 1)] {
            assert_eq!(pending(Phase::Installing).next(boot, now), Next::Install);
        }
    }

    #[test]
    fn it_reads_back_and_nothing_can_be_missing() {
        let pending = pending(Phase::Trying);
        let text = serde_json::to_string(&pending).unwrap();
        assert_eq!(serde_json::from_str::<Pending>(&text).unwrap(), pending);
        for field in ["phase", "until_boot_s", "boot_id", "marks"] {
            let mut less: serde_json::Value = serde_json::from_str(&text).unwrap();
            less.as_object_mut().unwrap().remove(field);
            assert!(serde_json::from_value::<Pending>(less).is_err(), "{field}");
        }
    }
}
