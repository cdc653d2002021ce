// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the daemon has recorded of the programs that users executed: one file for each user.

use crate::{cli::policy::plain, person};
use anyhow::{Context as _, bail};
use jiff::Timestamp;
use nix::unistd::{Group, User};
use serde::Deserialize;
use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

/// Where the daemon writes them.
pub(super) const DIRECTORY: &str = "/var/lib/sac/executed";

/// The version of the files that is understood.
const VERSION: u32 = 1;

/// What some users have executed.
#[derive(Default)]
pub(super) struct Executed {
    /// The programs, by path.
    pub(super) programs: BTreeMap<String, Seen>,
    /// How many programs the records had no room for.
    pub(super) left_out: u64,
    /// The users that there are records of, by name.
    pub(super) users: Vec<String>,
    /// Their home directories.
    pub(super) homes: Vec<PathBuf>,
}

/// When a program was executed.
#[derive(Clone, Copy)]
pub(super) struct Seen {
    pub(super) first: Timestamp,
    pub(super) last: Timestamp,
}

#[derive(Deserialize)]
struct Record {
    version: u32,
    uid: u32,
    programs: Vec<Program>,
    #[serde(default)]
    left_out: u64,
}

#[derive(Deserialize)]
struct Program {
    path: String,
    first: String,
    last: String,
}

impl Executed {
    /// What one user has executed; nothing where there is no record.
    pub(super) fn of_user(directory: &Path, name: &str) -> anyhow::Result<Self> {
        let user = User::from_name(name)?
            .with_context(|| format!("the user database has no user {}", plain(name)))?;
        let mut executed = Self::default();
        executed.add(directory, &user)?;
        Ok(executed)
    }

    /// What the members of a group have executed, whether it is their primary group or another.
    pub(super) fn of_group(directory: &Path, name: &str) -> anyhow::Result<Self> {
        let group = Group::from_name(name)?
            .with_context(|| format!("the user database has no group {}", plain(name)))?;
        let unreadable = || format!("cannot read {}", directory.display());
        let mut uids = Vec::new();
        for entry in fs::read_dir(directory).with_context(unreadable)? {
            let name = entry.with_context(unreadable)?.file_name();
            let number = name.to_str().and_then(|name| name.strip_suffix(".json"));
            uids.extend(number.and_then(|number| number.parse::<u32>().ok()));
        }
        uids.sort_unstable();
        let mut executed = Self::default();
        // Root is under no policy. Who is no longer in the user database is in no group either.
        for uid in uids.into_iter().filter(|uid| *uid != 0) {
            let Some(user) = User::from_uid(uid.into())? else { continue };
            let member = person::look_up(user.name.as_bytes())
                .with_context(|| format!("cannot look up the user {}", plain(&user.name)))?;
            if member.groups.iter().any(|of| of.gid == group.gid.as_raw()) {
                executed.add(directory, &user)?;
            }
        }
        Ok(executed)
    }

    fn add(&mut self, directory: &Path, user: &User) -> anyhow::Result<()> {
        let uid = user.uid.as_raw();
        if uid == 0 {
            bail!("no policy ever holds for root; learn from another user");
        }
        let file = directory.join(format!("{uid}.json"));
        let text = match fs::read(&file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            text => text.with_context(|| format!("cannot read {}", file.display()))?,
        };
        let record: Record = serde_json::from_slice(&text)
            .with_context(|| format!("{} is not a record of what was executed", file.display()))?;
        if record.version != VERSION {
            bail!("{} is of version {}; only {VERSION} is understood", file.display(), record.version);
        }
        if record.uid != uid {
            bail!("{} is the record of user {}; its name must say so", file.display(), record.uid);
        }
        let moment = |text: &str| text.parse::<Timestamp>();
        for Program { path, first, last } in record.programs {
            let (first, last) = moment(&first)
                .and_then(|first| Ok((first, moment(&last)?)))
                .with_context(|| format!("{} has a time that is none", file.display()))?;
            let seen = self.programs.entry(path).or_insert(Seen { first, last });
            seen.first = seen.first.min(first);
            seen.last = seen.last.max(last);
        }
        self.left_out = self.left_out.saturating_add(record.left_out);
        self.users.push(user.name.clone());
        self.homes.push(user.dir.clone());
        Ok(())
    }
}
