// SPDX-License-Identifier: MIT OR Apache-2.0
//! Grants that administrators give, and their end. Each is logged with who asked.

use super::{
    Shared,
    audit::Recorder,
    clock,
    grants::{GrantError, Wish},
    lock, person,
    record::GrantRecord,
};
use crate::{control::GrantInfo, logins};
use anyhow::{Context as _, bail};
use sac_audit::{
    record::{Event, Grant, Severity},
    text::Text,
};
use sac_failpoint::{Failpoint, reach};
use std::{os::unix::ffi::OsStrExt as _, path::PathBuf, time::Duration};

/// How long a command waits for the name service.
const PATIENCE: Duration = Duration::from_secs(5);

/// Who asks: whoever logged in to come to the process `pid`, which is root's.
pub(super) fn asker(pid: i32) -> String {
    match logins::login_uid(pid) {
        None => "root".to_owned(),
        Some(uid) => {
            person::user_name_while(uid, person::within(PATIENCE)).unwrap_or_else(|| format!("uid {uid}"))
        }
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
    let person = person::look_up_while(user.as_bytes(), person::within(PATIENCE));
    let person = person.with_context(|| format!("cannot grant to {user}"))?;
    let wish = Wish { uid: person.uid, user: person.name, path: exec, for_s, reason, by: by.to_owned() };
    let now = clock::boot_s_short();
    let mut state = lock(state);
    let given: Result<_, GrantError> = state.grants.add(wish, now);
    let given = given?;
    reach(Failpoint::GrantGiven);
    log(&given, "granted", by);
    state.recorder.tell(None, Severity::Low, Event::Granted(in_record(&given)));
    state.refresh();
    Ok(info(&given, now))
}

/// All grants that hold.
pub(super) fn grants(state: &Shared) -> Vec<GrantInfo> {
    holding(lock(state).grants.list(), |_| true)
}

/// Those of these grants that hold and are `wanted`.
pub(super) fn holding(grants: &[GrantRecord], wanted: impl Fn(&GrantRecord) -> bool) -> Vec<GrantInfo> {
    let now = clock::boot_s_short();
    let holding = grants.iter().filter(|grant| grant.until_boot_s > now && wanted(grant));
    holding.map(|grant| info(grant, now)).collect()
}

/// Takes a grant back.
pub(super) fn revoke(state: &Shared, by: &str, number: u32) -> anyhow::Result<GrantInfo> {
    let mut state = lock(state);
    let revoked = state.grants.revoke(number).context("cannot write down the grants")?;
    let Some(revoked) = revoked else {
        bail!("there is no grant {number}; `sac-loader grants` lists them");
    };
    reach(Failpoint::GrantRevoked);
    log(&revoked, "revoked", by);
    tell_end(&state.recorder, &revoked, true);
    state.refresh();
    Ok(info(&revoked, clock::boot_s_short()))
}

/// Tells of a grant that has ended.
pub(super) fn tell_end(recorder: &Recorder, grant: &GrantRecord, revoked: bool) {
    recorder.tell(None, Severity::Low, Event::GrantEnded { grant: in_record(grant), revoked });
}

/// A grant, as records have it.
fn in_record(grant: &GrantRecord) -> Grant {
    Grant {
        grant: grant.number,
        user: grant.user.clone(),
        program: Text::from_bytes(grant.path.as_os_str().as_bytes()),
        for_s: grant.for_s,
        reason: grant.reason.clone(),
        by: grant.by.clone(),
    }
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
