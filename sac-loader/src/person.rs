// SPDX-License-Identifier: MIT OR Apache-2.0
//! Who somebody is, by the machine's own user database. The name service may hang, so nobody holds a lock here.

use nix::unistd::{Group, User, getgrouplist};
use sac_policy::Person;
use std::ffi::CString;

/// Why a person could not be looked up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PersonError {
    /// The database has no such user.
    #[error("the user database has no user of this name")]
    Unknown,
    /// The name cannot be one.
    #[error("the user name is not one")]
    Name,
    /// The name service failed.
    #[error("the name service failed")]
    Service(#[from] nix::Error),
}

/// Looks up a user and all groups that the user is in.
///
/// # Errors
///
/// Where there is no such user, or the name service does not answer.
pub(crate) fn look_up(name: &[u8]) -> Result<Person, PersonError> {
    let name = std::str::from_utf8(name).map_err(|_not_text| PersonError::Name)?;
    let c_name = CString::new(name).map_err(|_nul| PersonError::Name)?;
    let user = User::from_name(name)?.ok_or(PersonError::Unknown)?;
    let mut groups = Vec::new();
    for gid in getgrouplist(&c_name, user.gid)? {
        // A group without a name can still be meant by its number.
        let name = Group::from_gid(gid)?.map_or_else(|| gid.to_string(), |group| group.name);
        groups.push(sac_policy::Group { gid: gid.as_raw(), name });
    }
    Ok(Person { name: user.name, uid: user.uid.as_raw(), groups })
}

/// The name of the group with this number; `None` where there is none or the name service fails.
pub(crate) fn group_name(gid: u32) -> Option<String> {
    Some(Group::from_gid(gid.into()).ok()??.name)
}

/// The number of the group with this name; `None` where there is none or the name service fails.
pub(crate) fn group_id(name: &str) -> Option<u32> {
    Some(Group::from_name(name).ok()??.gid.as_raw())
}

/// The user of this number, and their login shell; `None` where there is none or the name service fails.
pub(crate) fn look_up_uid(uid: u32) -> Option<(Person, std::path::PathBuf)> {
    let user = User::from_uid(uid.into()).ok()??;
    let person = look_up(user.name.as_bytes()).ok()?;
    Some((person, user.shell))
}
