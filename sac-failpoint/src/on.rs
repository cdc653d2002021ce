// SPDX-License-Identifier: MIT OR Apache-2.0
//! What happens at the places of a program for tests.

use crate::{DIRECTORY, Failpoint};
use rustix::process::{Signal, getpid, kill_process};
use std::{fs, io, path::Path, thread, time::Duration};

/// What happens at a place, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    /// The process ends at once, as by `kill -9`.
    Kill,
    /// The thread panics.
    Panic,
    /// It goes on later.
    Sleep(Duration),
    /// What is done there fails.
    Error,
}

/// A place where something can go wrong that has an error of its own kind, or none.
pub fn reach(place: Failpoint) {
    // To wait, or to end, is all that can happen here.
    let _no_error_here = may_fail(place);
}

/// A place where a system call may fail.
///
/// # Errors
///
/// Where a test wants one.
pub fn may_fail(place: Failpoint) -> io::Result<()> {
    match take(Path::new(DIRECTORY), place) {
        None => Ok(()),
        Some(action) => act(action, place),
    }
}

/// What is to happen at a place, if anything is; it is for whoever asks first.
fn take(directory: &Path, place: Failpoint) -> Option<Action> {
    let file = directory.join(place.name());
    let text = fs::read_to_string(&file).ok()?;
    fs::remove_file(&file).ok()?;
    action(&text)
}

/// An action as it is written; `None` for what is none.
fn action(text: &str) -> Option<Action> {
    match text.split_whitespace().collect::<Vec<_>>().as_slice() {
        ["kill"] => Some(Action::Kill),
        ["panic"] => Some(Action::Panic),
        ["error"] => Some(Action::Error),
        ["sleep", ms] => Some(Action::Sleep(Duration::from_millis(ms.parse().ok()?))),
        _ => None,
    }
}

#[expect(clippy::panic, reason = "a test asks for it")]
fn act(action: Action, place: Failpoint) -> io::Result<()> {
    match action {
        Action::Kill => {
            kill_process(getpid(), Signal::KILL)?;
            // Until the signal has come.
            loop {
                thread::park();
            }
        }
        Action::Panic => panic!("a test wants a panic at {}", place.name()),
        Action::Sleep(time) => {
            thread::sleep(time);
            Ok(())
        }
        Action::Error => Err(io::Error::other(format!("a test wants an error at {}", place.name()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_are_read_as_they_are_written() {
        for (text, wanted) in [
            ("kill\n", Some(Action::Kill)),
            ("panic", Some(Action::Panic)),
            ("error", Some(Action::Error)),
            ("sleep 250", Some(Action::Sleep(Duration::from_millis(250)))),
            ("sleep", None),
            ("sleep soon", None),
            ("", None),
            ("kill kill", None),
        ] {
            assert_eq!(action(text), wanted, "{text:?}");
        }
    }

    #[test]
    fn what_a_file_says_happens_once_and_at_its_place_alone() {
        let directory = std::env::temp_dir().join(format!("sac-failpoint-{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join(Failpoint::SessionPinned.name()), "error").unwrap();
        assert_eq!(take(&directory, Failpoint::SessionAttached), None);
        assert_eq!(take(&directory, Failpoint::SessionPinned), Some(Action::Error));
        assert_eq!(take(&directory, Failpoint::SessionPinned), None);
        fs::remove_dir(&directory).unwrap();
    }
}
