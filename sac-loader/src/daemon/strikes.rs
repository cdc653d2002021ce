// SPDX-License-Identifier: MIT OR Apache-2.0
//! Strikes: how often something was blocked in a session lately.
//!
//! Bounded: of each open session as many moments are kept as its policy counts, which is at most 10,000.

use sac_abi::SessionId;
use sac_policy::policy::Strikes;
use std::collections::{BTreeMap, VecDeque};

/// What was blocked in the open sessions.
#[derive(Debug, Default)]
pub(super) struct Windows(BTreeMap<SessionId, VecDeque<u64>>);

impl Windows {
    /// Notes a blocked attempt, `at_ns` after boot. `true` where it is the one too many; counting begins anew then.
    pub(super) fn strike(&mut self, session: SessionId, at_ns: u64, strikes: &Strikes) -> bool {
        let within_ns = u64::try_from(strikes.within.as_nanos()).unwrap_or(u64::MAX);
        let window = self.0.entry(session).or_default();
        window.retain(|moment| at_ns.saturating_sub(*moment) < within_ns);
        window.push_back(at_ns);
        let reached = window.len() >= usize::try_from(strikes.blocked).unwrap_or(usize::MAX);
        if reached {
            window.clear();
        }
        reached
    }

    /// How many there are at this moment.
    pub(super) fn count(&self, session: SessionId, now_ns: u64, strikes: &Strikes) -> usize {
        let within_ns = u64::try_from(strikes.within.as_nanos()).unwrap_or(u64::MAX);
        let moments = self.0.get(&session).into_iter().flatten();
        moments.filter(|moment| now_ns.saturating_sub(**moment) < within_ns).count()
    }

    /// Forgets a session that has ended.
    pub(super) fn forget(&mut self, session: SessionId) {
        self.0.remove(&session);
    }
}

#[cfg(test)]
mod tests;
