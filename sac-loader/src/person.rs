// SPDX-License-Identifier: MIT OR Apache-2.0
//! Who somebody is, by the machine's own user database. The name service may hang, so nobody holds a lock here.
//!
//! What hangs cannot be called off. Whoever may not wait for ever asks on a thread of its own and leaves it behind; how many such
//! threads there can be is bounded, and while there are so many nobody is asked.

use nix::unistd::{Group, Uid, User, getgrouplist};
use sac_policy::Person;
use std::{
    ffi::CString,
    sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc::{RecvTimeoutError, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

/// So many questions wait for an answer at most.
const QUESTIONS_MAX: usize = 64;

/// How often is looked whether an answer is still wanted.
const LOOK_EACH: Duration = Duration::from_millis(100);

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
    /// It has not answered.
    #[error("the name service does not answer; is a directory service down?")]
    NoAnswer,
}

/// One of [`QUESTIONS_MAX`], given back however its thread ends.
struct Question;

/// How many there are.
static QUESTIONS: AtomicUsize = AtomicUsize::new(0);

impl Question {
    /// `None` where there are as many as there may be.
    fn begin() -> Option<Self> {
        let before = QUESTIONS.fetch_add(1, Ordering::AcqRel);
        let question = Self;
        // One too many is given back here.
        (before < QUESTIONS_MAX).then_some(question)
    }
}

impl Drop for Question {
    fn drop(&mut self) {
        QUESTIONS.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Asks the name service for as long as its answer is wanted.
///
/// # Errors
///
/// Where it does not answer in that time, or so many wait already that it is not asked.
fn ask<T: Send + 'static>(
    is_wanted: impl Fn() -> bool,
    question: impl FnOnce() -> T + Send + 'static,
) -> Result<T, PersonError> {
    let (sender, receiver) = sync_channel(1);
    let place = Question::begin().ok_or(PersonError::NoAnswer)?;
    let run = move || {
        let _place = place;
        // Nobody may be waiting any more.
        let _gone = sender.try_send(question());
    };
    let started = thread::Builder::new().name("names".to_owned()).spawn(run);
    started.map_err(|_no_thread| PersonError::NoAnswer)?;
    loop {
        match receiver.recv_timeout(LOOK_EACH) {
            Ok(answer) => return Ok(answer),
            Err(RecvTimeoutError::Timeout) if is_wanted() => {}
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                return Err(PersonError::NoAnswer);
            }
        }
    }
}

/// For who waits so long.
pub(crate) fn within(patience: Duration) -> impl Fn() -> bool {
    let begin = Instant::now();
    move || begin.elapsed() < patience
}

/// As [`look_up`], for as long as the answer is wanted.
///
/// # Errors
///
/// As [`look_up`], and where there is no answer in that time.
pub(crate) fn look_up_while(name: &[u8], is_wanted: impl Fn() -> bool) -> Result<Person, PersonError> {
    let name = name.to_owned();
    ask(is_wanted, move || look_up(&name))?
}

/// The name of the user of this number; `None` where there is none, or no answer for as long as one is wanted.
pub(crate) fn user_name_while(uid: u32, is_wanted: impl Fn() -> bool) -> Option<String> {
    Some(ask(is_wanted, move || User::from_uid(Uid::from_raw(uid))).ok()?.ok()??.name)
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[test]
    fn who_waits_for_a_name_service_that_hangs_goes_on() {
        let (release, held) = mpsc::channel::<()>();
        let begin = Instant::now();
        let answer = ask(within(Duration::from_millis(200)), move || held.recv());
        assert!(matches!(answer, Err(PersonError::NoAnswer)));
        assert!(begin.elapsed() < Duration::from_secs(10));
        drop(release);
        assert!(matches!(ask(within(Duration::from_secs(60)), || 7), Ok(7)));
    }

    #[test]
    fn a_question_that_panics_is_no_answer() {
        let answer =
            ask(within(Duration::from_secs(60)), || -> u8 { panic!("a fault of a name service's module") });
        assert!(matches!(answer, Err(PersonError::NoAnswer)));
    }
}
