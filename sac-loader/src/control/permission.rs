// SPDX-License-Identifier: MIT OR Apache-2.0
//! Who may ask what: the one place that says which permission a request needs.

use super::Request;

/// The group whose members may look. The package makes it; where it is missing only root may.
pub(crate) const READERS: &str = "sac-audit";

/// What somebody may do. Whoever may do more may do less.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Permission {
    /// See what is going on: root, and members of [`READERS`].
    Look,
    /// Change something: root alone.
    Change,
}

impl Request {
    /// The permission that it needs. All requests are named, so that a new one cannot be forgotten.
    pub(crate) const fn needs(&self) -> Permission {
        match self {
            Self::ListSessions {} | Self::ShowSession { .. } | Self::Grants {} | Self::PolicyStatus {} => {
                Permission::Look
            }
            Self::Reload {}
            | Self::ApplyPolicies { .. }
            | Self::ConfirmPolicies {}
            | Self::RollBackPolicies {}
            | Self::Grant { .. }
            | Self::Revoke { .. }
            | Self::KillSession { .. }
            | Self::Freeze { .. }
            | Self::Thaw { .. } => Permission::Change,
        }
    }
}
