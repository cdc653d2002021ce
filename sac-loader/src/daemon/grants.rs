// SPDX-License-Identifier: MIT OR Apache-2.0
//! Grants: a program that somebody may execute for a while, whatever their policy says.
//!
//! Their end is a moment of `CLOCK_BOOTTIME`, so neither a clock that is set nor suspend moves it. They are in one file, which is
//! replaced as a whole: a restarted daemon finds them again, and a reboot ends all of them. The kernel half ends each by itself.

use super::record::GrantRecord;
use sac_failpoint::{Failpoint, may_fail};
use serde::{Deserialize, Serialize};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Most grants at a time.
pub(super) const GRANTS_MAX: usize = 1024;

/// Longest grant, in seconds: 30 days.
pub(super) const GRANT_SECONDS_MAX: u32 = 30 * 86_400;

/// Longest reason, in bytes.
const REASON_BYTES_MAX: usize = 512;

/// Somebody's wish for a grant.
#[derive(Clone, Debug)]
pub(super) struct Wish {
    pub(super) uid: u32,
    pub(super) user: String,
    pub(super) path: PathBuf,
    pub(super) for_s: u32,
    pub(super) reason: String,
    /// Who gives it.
    pub(super) by: String,
}

/// Why there is no grant.
#[derive(Debug, thiserror::Error)]
pub(super) enum GrantError {
    /// Root needs none.
    #[error("root is under no policy and needs no grant")]
    Root,
    /// The path cannot be meant.
    #[error("{0} is not an absolute path; write it from `/` on")]
    Relative(PathBuf),
    /// Nothing to execute stands there.
    #[error("there is no file at {0}; grants are for programs that are there")]
    Missing(PathBuf),
    /// It would be too long, or nothing.
    #[error("a grant is for 1 second to 30 days")]
    Length,
    /// The reason cannot be logged.
    #[error("the reason must be one line of 1 to 512 bytes without control characters")]
    Reason,
    /// There are too many.
    #[error("there are {GRANTS_MAX} grants already; revoke some with `sac-loader revoke`")]
    TooMany,
    /// All numbers have been given.
    #[error("all numbers for grants are used up until the machine restarts")]
    Numbers,
    /// It could not be written down.
    #[error("cannot write down the grants")]
    Write(#[from] io::Error),
}

/// All grants.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Grants {
    /// The last number that was given.
    last: u32,
    grants: Vec<GrantRecord>,
    #[serde(skip)]
    file: PathBuf,
}

impl Grants {
    /// Reads what an earlier daemon wrote. A file that cannot be read is an error: its numbers would be given again.
    ///
    /// # Errors
    ///
    /// Where there is a file that is not ours.
    pub(super) fn open(file: &Path) -> io::Result<Self> {
        let read = match fs::read(file) {
            Ok(bytes) => serde_json::from_slice(&bytes)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::default(),
            Err(error) => return Err(error),
        };
        Ok(Self { file: file.to_owned(), ..read })
    }

    /// The grants, also those that have ended and were not cleared away yet.
    pub(super) fn list(&self) -> &[GrantRecord] {
        &self.grants
    }

    /// Grants a wish.
    ///
    /// # Errors
    ///
    /// Where it cannot be granted or written down; nothing has changed then.
    pub(super) fn add(&mut self, wish: Wish, now_boot_s: u32) -> Result<GrantRecord, GrantError> {
        check(&wish)?;
        if self.grants.len() >= GRANTS_MAX {
            return Err(GrantError::TooMany);
        }
        let number = self.last.checked_add(1).ok_or(GrantError::Numbers)?;
        let Wish { uid, user, path, for_s, reason, by } = wish;
        let until_boot_s = now_boot_s.checked_add(for_s).ok_or(GrantError::Length)?;
        let grant = GrantRecord { number, uid, user, path, until_boot_s, for_s, reason, by };
        let mut grants = self.grants.clone();
        grants.push(grant.clone());
        self.store(number, grants)?;
        Ok(grant)
    }

    /// Takes a grant back; `None` where there is none of this number.
    ///
    /// # Errors
    ///
    /// Where that cannot be written down; the grant stays then.
    pub(super) fn revoke(&mut self, number: u32) -> io::Result<Option<GrantRecord>> {
        let Some(index) = self.grants.iter().position(|grant| grant.number == number) else {
            return Ok(None);
        };
        let mut grants = self.grants.clone();
        let revoked = grants.remove(index);
        self.store(self.last, grants)?;
        Ok(Some(revoked))
    }

    /// Clears away what has ended; gives it.
    ///
    /// # Errors
    ///
    /// Where that cannot be written down; then it is still there the next time.
    pub(super) fn expire(&mut self, now_boot_s: u32) -> io::Result<Vec<GrantRecord>> {
        let (ended, grants): (Vec<_>, Vec<_>) =
            self.grants.iter().cloned().partition(|grant| grant.until_boot_s <= now_boot_s);
        if !ended.is_empty() {
            self.store(self.last, grants)?;
        }
        Ok(ended)
    }

    /// When the next one ends.
    pub(super) fn next_end_boot_s(&self) -> Option<u32> {
        self.grants.iter().map(|grant| grant.until_boot_s).min()
    }

    fn store(&mut self, last: u32, grants: Vec<GrantRecord>) -> io::Result<()> {
        let next = Self { last, grants, file: self.file.clone() };
        let new = self.file.with_extension("new");
        fs::write(&new, serde_json::to_vec(&next)?)?;
        may_fail(Failpoint::GrantWritten)?;
        fs::rename(&new, &self.file)?;
        *self = next;
        Ok(())
    }
}

fn check(wish: &Wish) -> Result<(), GrantError> {
    if wish.uid == 0 {
        return Err(GrantError::Root);
    }
    if !wish.path.is_absolute() {
        return Err(GrantError::Relative(wish.path.clone()));
    }
    if !wish.path.is_file() {
        return Err(GrantError::Missing(wish.path.clone()));
    }
    if !(1..=GRANT_SECONDS_MAX).contains(&wish.for_s) {
        return Err(GrantError::Length);
    }
    check_reason(&wish.reason)
}

/// Whether a reason says something, and can be logged and shown.
///
/// # Errors
///
/// [`GrantError::Reason`] where it cannot.
pub(super) fn check_reason(reason: &str) -> Result<(), GrantError> {
    let reason = reason.trim();
    if reason.is_empty() || reason.len() > REASON_BYTES_MAX || reason.chars().any(char::is_control) {
        return Err(GrantError::Reason);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
