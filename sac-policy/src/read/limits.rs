// SPDX-License-Identifier: MIT OR Apache-2.0
//! `limits` and `strikes`: what a session may use up, and how often it may try.

use super::Reader;
use super::language::{BLOCKED_MAX, LIMITS, PROCESSES_MAX, SESSIONS_MAX, STRIKE_ACTIONS, STRIKES};
use crate::policy::{Limits, StrikeAction, Strikes};
use crate::yaml::Node;
use std::time::Duration;

/// How long before its end a session is told, unless the policy says otherwise.
const WARNING: Duration = Duration::from_secs(5 * 60);

impl Reader<'_> {
    pub(super) fn limits(&mut self, node: &Node) -> Limits {
        let Some([processes, sessions, length, idle, warning]) = self.fields(node, &LIMITS, "`limits`")
        else {
            return Limits::default();
        };
        let limits = Limits {
            processes: processes.and_then(|node| self.count(node, PROCESSES_MAX, "a number of processes")),
            sessions: sessions.and_then(|node| self.count(node, SESSIONS_MAX, "a number of sessions")),
            session_length: length.and_then(|node| self.duration(node)),
            idle: idle.and_then(|node| self.duration(node)),
            warning: warning.and_then(|node| self.duration(node)).unwrap_or(WARNING),
        };
        let longest = limits.session_length.max(limits.idle);
        if let Some(node) = warning
            && longest.is_some_and(|longest| limits.warning >= longest)
        {
            let message = "the warning would come before the session begins".to_owned();
            self.not_a_time(node, message, "make `warning` shorter than `session_length` and `idle`");
        }
        limits
    }

    pub(super) fn strikes(&mut self, node: &Node) -> Option<Strikes> {
        let [blocked, within, then] = self.fields(node, &STRIKES, "`strikes`")?;
        let all = "write all three: `{blocked: 5, within: 10m, then: end}`";
        for (value, key) in [(blocked, "blocked"), (within, "within"), (then, "then")] {
            if value.is_none() {
                self.missing(node, key, all);
            }
        }
        let blocked = blocked.and_then(|node| self.count(node, BLOCKED_MAX, "a number of attempts"));
        let within = within.and_then(|node| self.duration(node));
        let actions = [StrikeAction::Notify, StrikeAction::Freeze, StrikeAction::End];
        let then =
            then.and_then(|node| self.word(node, &STRIKE_ACTIONS, actions, "what strikes can lead to"));
        Some(Strikes { blocked: blocked?, within: within?, then: then? })
    }
}
