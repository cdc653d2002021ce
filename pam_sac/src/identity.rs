// SPDX-License-Identifier: MIT OR Apache-2.0
//! Who gets in without the loader being asked: root, and whoever `exempt=` names.
//!
//! They are found out first, because they must get in when the loader is dead. In su and sudo `PAM_USER` is the target,
//! not the caller; that loosens nothing, because the process is not moved: it stays in the cgroup of the session that
//! called su, under that session's policy.
#![forbid(unsafe_code)]

use crate::args::Exempt;
use crate::text::quoted;
use std::ffi::CStr;
use std::io;

/// A user's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) uid: u32,
    /// The primary group.
    pub(crate) gid: u32,
}

/// Where names are looked up.
pub(crate) trait Names {
    /// The account of a user; `None` where there is none.
    fn account(&self, user: &CStr) -> io::Result<Option<Account>>;
    /// The number of a group; `None` where there is none.
    fn group(&self, group: &CStr) -> io::Result<Option<u32>>;
    /// All groups of a user, the primary one among them.
    fn groups_of(&self, user: &CStr, account: Account) -> io::Result<Vec<u32>>;
}

/// How a user stands to SAC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing<'a> {
    /// Every name with uid 0; never under a policy.
    Root,
    /// Named by this entry of `exempt=`.
    Exempt(&'a Exempt),
    /// The loader decides.
    Ordinary,
}

/// Finds out how `user` stands. Whatever cannot be looked up makes nobody exempt; it is a warning.
pub(crate) fn standing<'a>(
    names: &dyn Names,
    user: &CStr,
    exempt: &'a [Exempt],
    warnings: &mut Vec<String>,
) -> Standing<'a> {
    let account = names.account(user).unwrap_or_else(|error| {
        warnings.push(format!("cannot look up user {}: {error}", quoted(user.to_bytes())));
        None
    });
    if account.is_some_and(|account| account.uid == 0) {
        return Standing::Root;
    }
    let by_name = exempt.iter().find(|entry| matches!(entry, Exempt::User(name) if name.as_c_str() == user));
    if let Some(entry) = by_name {
        return Standing::Exempt(entry);
    }
    let groups: Vec<_> = exempt.iter().filter(|entry| matches!(entry, Exempt::Group(_))).collect();
    let Some(account) = account.filter(|_| !groups.is_empty()) else {
        return Standing::Ordinary;
    };
    match exempt_group(names, user, account, &groups, warnings) {
        Some(entry) => Standing::Exempt(entry),
        None => Standing::Ordinary,
    }
}

fn exempt_group<'a>(
    names: &dyn Names,
    user: &CStr,
    account: Account,
    entries: &[&'a Exempt],
    warnings: &mut Vec<String>,
) -> Option<&'a Exempt> {
    let memberships = names.groups_of(user, account).unwrap_or_else(|error| {
        warnings.push(format!("cannot look up the groups of user {}: {error}", quoted(user.to_bytes())));
        vec![account.gid]
    });
    entries.iter().copied().find(|entry| {
        let Exempt::Group(name) = entry else { return false };
        match names.group(name) {
            Ok(Some(gid)) => memberships.contains(&gid),
            Ok(None) => {
                warnings.push(format!(
                    "exempt= names the group {}, which does not exist",
                    quoted(name.to_bytes())
                ));
                false
            }
            Err(error) => {
                warnings.push(format!("cannot look up group {}: {error}", quoted(name.to_bytes())));
                false
            }
        }
    })
}

#[cfg(test)]
mod tests;
