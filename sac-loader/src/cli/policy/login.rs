// SPDX-License-Identifier: MIT OR Apache-2.0
//! Whose login a question is about: somebody of this machine, or somebody whom only the question knows.

use super::plain;
use crate::person::{self, PersonError};
use anyhow::{Context as _, bail};
use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use sac_policy::{Group, Login, Person, RemoteHost};

/// The number of somebody who does not exist; no policy can name it.
const NOBODY: u32 = u32::MAX;

/// Who logs in, how and when.
#[derive(clap::Args)]
pub(super) struct LoginArguments {
    /// Whose login it is
    #[arg(long, value_name = "NAME")]
    pub(super) user: Option<String>,
    /// As if they were in these groups and no others, by name or number; neither they nor the groups need exist here
    #[arg(long, value_name = "GROUP", value_delimiter = ',')]
    pub(super) groups: Vec<String>,
    /// By which PAM service they log in
    #[arg(long, default_value = "sshd")]
    service: String,
    /// From which address they log in; without it from the machine itself
    #[arg(long, value_name = "ADDRESS")]
    from: Option<String>,
    /// They have no terminal
    #[arg(long)]
    no_terminal: bool,
    /// When, such as 2026-11-25T20:00:00Z, or `2026-11-25 20:00` in the machine's time zone
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
}

impl LoginArguments {
    /// Who it is.
    pub(super) fn person(&self) -> anyhow::Result<Person> {
        let name = match (&self.user, self.groups.as_slice()) {
            (None, []) => bail!("say who it is: --user NAME, or --groups for somebody who does not exist"),
            (None, _) => return Ok(Person { name: String::new(), uid: NOBODY, groups: self.groups() }),
            (Some(name), _) => name,
        };
        match person::look_up(name.as_bytes()) {
            Ok(person) if self.groups.is_empty() => Ok(person),
            Ok(person) => Ok(Person { groups: self.groups(), ..person }),
            Err(PersonError::Unknown) if !self.groups.is_empty() => {
                let uid = name.parse().unwrap_or(NOBODY);
                Ok(Person { name: name.clone(), uid, groups: self.groups() })
            }
            Err(PersonError::Unknown) => Err(PersonError::Unknown).with_context(|| {
                format!(
                    "cannot look up the user {}; --groups asks about somebody who is not here",
                    plain(name)
                )
            }),
            Err(error) => Err(error).with_context(|| format!("cannot look up the user {}", plain(name))),
        }
    }

    /// The groups that were named; one that this machine knows has both its name and its number.
    fn groups(&self) -> Vec<Group> {
        let group = |text: &String| {
            let (name, gid) = match text.parse::<u32>() {
                Ok(gid) => (person::group_name(gid), Some(gid)),
                Err(_) => (None, person::group_id(text)),
            };
            Group { gid: gid.unwrap_or(NOBODY), name: name.unwrap_or_else(|| text.clone()) }
        };
        self.groups.iter().map(group).collect()
    }

    /// Who it is, for people.
    pub(super) fn shown(&self) -> String {
        let groups = self.groups.iter().map(|group| plain(group)).collect::<Vec<_>>().join(", ");
        match (&self.user, groups.is_empty()) {
            (Some(user), true) => plain(user),
            (Some(user), false) => format!("{} in the groups {groups}", plain(user)),
            (None, _) => format!("somebody in the groups {groups}"),
        }
    }

    /// How they log in.
    pub(super) fn login(&self) -> Login {
        let from = match self.from.as_deref() {
            None | Some("local") => RemoteHost::Local,
            Some(host) => {
                host.parse().map_or_else(|_name| RemoteHost::Name(host.to_owned()), RemoteHost::Address)
            }
        };
        Login { service: self.service.clone(), from, terminal: !self.no_terminal }
    }

    /// When.
    pub(super) fn at(&self) -> anyhow::Result<Timestamp> {
        moment(self.at.as_deref())
    }
}

/// A moment that somebody names; without a name now.
pub(super) fn moment(text: Option<&str>) -> anyhow::Result<Timestamp> {
    let Some(text) = text else { return Ok(Timestamp::now()) };
    if let Ok(at) = text.parse() {
        return Ok(at);
    }
    let clock: DateTime = text.parse().context("a time is written like `2026-11-25 20:00`")?;
    Ok(TimeZone::system().to_timestamp(clock)?)
}
