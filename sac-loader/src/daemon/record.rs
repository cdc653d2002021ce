// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the daemon writes down of sessions and users, to find it again after a restart.
//!
//! One JSON file each, replaced as a whole. They describe what the kernel holds; where they disagree, the kernel is right.

use sac_abi::{
    SessionId,
    scope::{Recording, SCOPE_POLICIES},
};
use sac_failpoint::{Failpoint, may_fail};
use sac_policy::{Login, RemoteHost};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{
    fs, io,
    net::IpAddr,
    path::{Path, PathBuf},
};

/// A session.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct SessionRecord {
    /// Its number.
    pub(super) id: u64,
    pub(super) person: PersonRecord,
    /// PAM service that opened it.
    pub(super) service: String,
    /// Remote host, empty for a local login.
    pub(super) from: String,
    /// Terminal as PAM named it.
    pub(super) tty: String,
    /// When it was opened, in milliseconds since 1970.
    pub(super) since_ms: i64,
    /// When that was, in seconds of `CLOCK_BOOTTIME`; earlier versions did not write it down.
    #[serde(default)]
    pub(super) opened_boot_s: Option<u64>,
    /// The kernel's login uid of the login service; there is none where no login led to it.
    #[serde(default)]
    pub(super) login_uid: Option<u32>,
    /// The audit system's number of that login.
    #[serde(default)]
    pub(super) audit_session: Option<u32>,
    /// How many lost events are recorded as such.
    #[serde(default)]
    pub(super) lost_told: u64,
    pub(super) scope: ScopeRecord,
}

/// A user's slice.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct UserRecord {
    pub(super) person: PersonRecord,
    pub(super) scope: ScopeRecord,
}

/// A cgroup under a policy.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ScopeRecord {
    pub(super) directory: PathBuf,
    pub(super) cgroup_id: u64,
    /// Names of the policies that hold. Of a session the first holds without a terminal; a second one, if there is one, on
    /// a terminal. Of a user's slice all of them hold at once.
    pub(super) policies: Vec<String>,
    /// Their slots, as in [`sac_abi::scope::Scope::slots`].
    pub(super) slots: [u32; SCOPE_POLICIES],
    /// How much is recorded, as in [`Recording::to_bits`]; earlier versions did not write it down.
    #[serde(default = "everything")]
    pub(super) recording: u8,
}

fn everything() -> u8 {
    Recording::EVERYTHING.to_bits()
}

/// A grant.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct GrantRecord {
    /// Its number, unique until the machine restarts.
    pub(super) number: u32,
    /// Whom it is for.
    pub(super) uid: u32,
    pub(super) user: String,
    /// The program.
    pub(super) path: PathBuf,
    /// When it ends, in seconds of `CLOCK_BOOTTIME`.
    pub(super) until_boot_s: u32,
    /// How long it was for, in seconds.
    pub(super) for_s: u32,
    /// Why.
    pub(super) reason: String,
    /// Who gave it: the login uid of whoever asked.
    pub(super) by: String,
}

/// A person, as the name service described them when they came.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct PersonRecord {
    pub(super) name: String,
    pub(super) uid: u32,
    /// Number and name of each group.
    pub(super) groups: Vec<(u32, String)>,
}

impl SessionRecord {
    /// How the person logged in, as policies see it. Whether there is a terminal is the kernel half's to see: sshd asks for the
    /// session before it knows.
    pub(super) fn login(&self, terminal: bool) -> Login {
        Login { service: self.service.clone(), from: remote_host(&self.from), terminal }
    }

    /// The session, as each of its records has it.
    pub(super) fn in_record(&self) -> sac_audit::record::Session {
        sac_audit::record::Session {
            id: self.session().map_or_else(|| self.id.to_string(), |id| id.to_string()),
            sequence: 0,
            user: self.person.name.clone(),
            uid: self.person.uid,
            service: self.service.clone(),
            from: self.from.clone(),
            login_uid: self.login_uid,
            audit_session: self.audit_session,
        }
    }

    /// The session's id.
    pub(super) fn session(&self) -> Option<SessionId> {
        SessionId::from_number(self.id)
    }
}

impl UserRecord {
    /// What runs under the user's own manager, outside of sessions, as its records have it.
    pub(super) fn in_record(&self) -> sac_audit::record::Session {
        sac_audit::record::Session {
            id: format!("user-{}", self.person.uid),
            sequence: 0,
            user: self.person.name.clone(),
            uid: self.person.uid,
            service: super::place::USER_MANAGER.to_owned(),
            from: String::new(),
            login_uid: None,
            audit_session: None,
        }
    }
}

/// What PAM calls the remote host: an address, where the login service does not look names up.
pub(super) fn remote_host(rhost: &str) -> RemoteHost {
    // A link-local address may come with its interface behind `%`.
    let address = rhost.split('%').next().unwrap_or_default();
    match (rhost, address.parse::<IpAddr>()) {
        ("", _) => RemoteHost::Local,
        (_, Ok(address)) => RemoteHost::Address(address.to_canonical()),
        (name, Err(_)) => RemoteHost::Name(name.to_owned()),
    }
}

impl From<&sac_policy::Person> for PersonRecord {
    fn from(person: &sac_policy::Person) -> Self {
        let groups = person.groups.iter().map(|group| (group.gid, group.name.clone())).collect();
        Self { name: person.name.clone(), uid: person.uid, groups }
    }
}

impl From<&PersonRecord> for sac_policy::Person {
    fn from(record: &PersonRecord) -> Self {
        let group = |(gid, name): &(u32, String)| sac_policy::Group { gid: *gid, name: name.clone() };
        Self { name: record.name.clone(), uid: record.uid, groups: record.groups.iter().map(group).collect() }
    }
}

/// A directory of records.
#[derive(Clone, Debug)]
pub(super) struct Records(PathBuf);

impl Records {
    /// Opens the directory `name` below the daemon's own.
    pub(super) fn open(name: &str) -> io::Result<Self> {
        let directory = Path::new(super::RUN_DIRECTORY).join(name);
        fs::create_dir_all(&directory)?;
        Ok(Self(directory))
    }

    /// Writes a record, in place of an earlier one of that name.
    pub(super) fn write(&self, name: &str, record: &impl Serialize) -> io::Result<()> {
        let new = self.0.join(format!(".{name}.new"));
        let written =
            fs::write(&new, serde_json::to_vec(record)?).and_then(|()| may_fail(Failpoint::RecordWritten));
        let written = written.and_then(|()| fs::rename(&new, self.0.join(name)));
        written.inspect_err(|_failed| {
            // Where there is no room, half of a file would take some.
            let _gone = fs::remove_file(&new);
        })
    }

    /// Removes a record; one that is not there is removed already.
    pub(super) fn remove(&self, name: &str) -> io::Result<()> {
        match fs::remove_file(self.0.join(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Reads all records. One that cannot be read is named and left out: the kernel holds what it described all the same. One that
    /// a loader was writing when it ended was never one.
    pub(super) fn read<T: DeserializeOwned>(&self) -> io::Result<Vec<T>> {
        let mut records = Vec::new();
        for entry in fs::read_dir(&self.0)? {
            let path = entry?.path();
            if path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b".")) {
                fs::remove_file(&path)?;
                continue;
            }
            let read = fs::read(&path).and_then(|bytes| Ok(serde_json::from_slice(&bytes)?));
            match read {
                Ok(record) => records.push(record),
                Err(error) => {
                    tracing::warn!(path = %path.display(), %error, "left out a record that cannot be read")
                }
            }
        }
        Ok(records)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_loader_was_writing_when_it_ended_is_no_record_and_goes() {
        let directory = tempfile::tempdir().unwrap();
        let records = Records(directory.path().to_owned());
        records.write("1000", &7_u32).unwrap();
        fs::write(directory.path().join(".1000.new"), "8").unwrap();
        fs::write(directory.path().join(".1001.new"), "{").unwrap();
        assert_eq!(records.read::<u32>().unwrap(), [7]);
        let left: Vec<_> =
            fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["1000"]);
    }

    #[test]
    fn what_cannot_be_written_leaves_the_record_before_and_nothing_else() {
        let directory = tempfile::tempdir().unwrap();
        let records = Records(directory.path().to_owned());
        records.write("1000", &7_u32).unwrap();
        // A directory in the place of the new file is as good as no room.
        fs::create_dir(directory.path().join(".1000.new")).unwrap();
        assert!(records.write("1000", &8_u32).is_err());
        fs::remove_dir(directory.path().join(".1000.new")).unwrap();
        assert_eq!(records.read::<u32>().unwrap(), [7]);
    }
}
