// SPDX-License-Identifier: MIT OR Apache-2.0
//! What administrators ask for: grants, their end, and thawing of sessions. Each is logged with who asked.

use super::{
    Shared, clock,
    grants::{GrantError, Wish},
    limits, lock, person,
    record::GrantRecord,
};
use crate::control::GrantInfo;
use anyhow::{Context as _, bail};
use nix::unistd::{Uid, User};
use sac_abi::SessionId;
use std::{fs, path::PathBuf};

/// `/proc/PID/loginuid` of a process that nobody logged in for; see `audit(7)`.
const NO_LOGIN: u32 = u32::MAX;

/// Who asks: whoever logged in to come to the process `pid`, which is root's.
pub(super) fn asker(pid: i32) -> String {
    let login = fs::read_to_string(format!("/proc/{pid}/loginuid")).ok();
    match login.and_then(|text| text.trim().parse::<u32>().ok()) {
        Some(NO_LOGIN) | None => "root".to_owned(),
        Some(uid) => match User::from_uid(Uid::from_raw(uid)) {
            Ok(Some(user)) => user.name,
            Ok(None) | Err(_) => format!("uid {uid}"),
        },
    }
}

/// Grants a program to a user; the user's sessions have it at once.
pub(super) fn grant(
    state: &Shared,
    by: &str,
    user: &str,
    exec: PathBuf,
    for_s: u32,
    reason: String,
) -> anyhow::Result<GrantInfo> {
    let person = person::look_up(user.as_bytes()).with_context(|| format!("cannot grant to {user}"))?;
    let wish = Wish { uid: person.uid, user: person.name, path: exec, for_s, reason, by: by.to_owned() };
    let now = clock::boot_s_short();
    let mut state = lock(state);
    let given: Result<_, GrantError> = state.grants.add(wish, now);
    let given = given?;
    log(&given, "granted", by);
    state.refresh();
    Ok(info(&given, now))
}

/// All grants that hold.
pub(super) fn grants(state: &Shared) -> Vec<GrantInfo> {
    let now = clock::boot_s_short();
    let state = lock(state);
    let holding = state.grants.list().iter().filter(|grant| grant.until_boot_s > now);
    holding.map(|grant| info(grant, now)).collect()
}

/// Takes a grant back.
pub(super) fn revoke(state: &Shared, by: &str, number: u32) -> anyhow::Result<GrantInfo> {
    let mut state = lock(state);
    let revoked = state.grants.revoke(number).context("cannot write down the grants")?;
    let Some(revoked) = revoked else {
        bail!("there is no grant {number}; `sac-loader grants` lists them");
    };
    log(&revoked, "revoked", by);
    state.refresh();
    Ok(info(&revoked, clock::boot_s_short()))
}

/// Lets the processes of a frozen session go on.
pub(super) fn thaw(state: &Shared, by: &str, session: &str) -> anyhow::Result<()> {
    let id = SessionId::parse(session);
    let found = id.and_then(|id| {
        let state = lock(state);
        let record = state.registry().session(id)?;
        Some((record.person.name.clone(), record.scope.directory.clone()))
    });
    let Some((user, directory)) = found else {
        bail!("there is no session {session}; `sac-loader list-sessions` lists them");
    };
    limits::freeze(&directory, false).with_context(|| format!("cannot thaw session {session}"))?;
    tracing::warn!(session, user, by, "session {session} of {user} thawed by {by}");
    Ok(())
}

/// The line about a grant that was given or has ended.
pub(super) fn log(grant: &GrantRecord, happened: &str, by: &str) {
    let GrantRecord { number, uid, user, path, for_s, reason, by: given_by, .. } = grant;
    let path = path.display().to_string();
    tracing::warn!(
        grant = number,
        uid,
        user,
        path,
        for_s,
        reason,
        given_by,
        happened,
        by,
        "grant {number} {happened} by {by}: {user} may execute {path} for {for_s} s ({reason}), given by {given_by}"
    );
}

fn info(grant: &GrantRecord, now_boot_s: u32) -> GrantInfo {
    let left_s = grant.until_boot_s.saturating_sub(now_boot_s);
    let until = jiff::Timestamp::now().as_second() + i64::from(left_s);
    GrantInfo {
        number: grant.number,
        user: grant.user.clone(),
        uid: grant.uid,
        exec: grant.path.display().to_string(),
        for_s: grant.for_s,
        left_s,
        until: jiff::Timestamp::from_second(until).map(|time| time.to_string()).unwrap_or_default(),
        reason: grant.reason.clone(),
        by: grant.by.clone(),
    }
}
