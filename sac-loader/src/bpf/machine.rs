// SPDX-License-Identifier: MIT OR Apache-2.0
//! Machine-wide attachments: each program once, for everybody.
//!
//! The kernel attaches an LSM program of this kind only once, and says `EBUSY` to a second time. So what hangs at a pin is looked at
//! before anything is attached: a program of ours stays there, and one of another build goes when ours is in its place,
//! so that at no moment there is none.
//!
//! Tracepoints take programs more than once, so for a moment two may be there. The kernel half sees to it that what one has told of the
//! other one does not (`sac_abi::scope::Label::told`).

use super::{
    hooks::{Hook, TRACEPOINTS},
    object::{KernelHalf, LoadError},
    pins::Pins,
};
use aya::programs::{
    ProgramError,
    links::{FdLink, LinkError, PinnedLink},
};
use sac_abi::rule::Operations;
use sac_failpoint::{Failpoint, reach};
use std::{
    fs, io,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

/// Why something could not be attached to the machine.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MachineError {
    /// The object lacks the program.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The kernel refused.
    #[error("cannot attach the program for the hook `{hook}` to the machine")]
    Attach {
        /// The hook.
        hook: &'static str,
        /// What the kernel said.
        source: ProgramError,
    },
    /// The kernel does not say which program is at a pin.
    #[error("cannot see which program {path} holds")]
    Look {
        /// The pin.
        path: PathBuf,
        /// What the kernel said.
        source: LinkError,
    },
    /// An attachment could not be pinned.
    #[error("cannot pin an attachment at {path}")]
    Pin {
        /// Where.
        path: PathBuf,
        /// Why not.
        source: aya::pin::PinError,
    },
    /// A pin could not be put in its place or removed.
    #[error("cannot replace the pin {path}")]
    Replace {
        /// The pin.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// Attaches everything that is for the machine, without pins: gives the attachments.
pub(super) fn attach(kernel_half: &mut KernelHalf) -> Result<Vec<FdLink>, MachineError> {
    hooks_for(kernel_half, Operations::ALL).into_iter().map(|hook| link(kernel_half, hook)).collect()
}

/// Attaches what the machine gets where these operations are judged, and pins it. Where it has what it gets for those in `present` that is
/// left alone.
pub(super) fn attach_for(
    kernel_half: &mut KernelHalf,
    pins: &Pins,
    operations: Operations,
    present: Option<Operations>,
) -> Result<(), MachineError> {
    let is_present = |hook: &Hook| present.is_some_and(|present| hook.is_for(present));
    let hooks = hooks_for(kernel_half, operations);
    hooks
        .into_iter()
        .filter(|hook| !is_present(hook))
        .try_for_each(|hook| attach_pinned(kernel_half, hook, pins))
}

/// Detaches what the machine does not get where no other operations than these are judged, and what another build left that this one
/// does not attach.
pub(super) fn detach_others(
    kernel_half: &KernelHalf,
    pins: &Pins,
    operations: Operations,
) -> Result<(), MachineError> {
    remove_others(&hooks_for(kernel_half, operations), &pins.machine())
}

fn hooks_for(kernel_half: &KernelHalf, operations: Operations) -> Vec<Hook> {
    let all = kernel_half.machine_hooks().iter().copied().chain(TRACEPOINTS);
    all.filter(|hook| hook.is_for(operations)).collect()
}

/// Removes all pins but those for these programs.
fn remove_others(hooks: &[Hook], directory: &Path) -> Result<(), MachineError> {
    let refused = |source| MachineError::Replace { path: directory.to_owned(), source };
    for entry in fs::read_dir(directory).map_err(refused)? {
        let entry = entry.map_err(refused)?;
        if !hooks.iter().any(|hook| entry.file_name() == hook.program) {
            remove(&entry.path())?;
        }
    }
    Ok(())
}

/// For how long a program that was detached may still be taken for attached.
const DETACHED_WITHIN: Duration = Duration::from_secs(5);

fn link(kernel_half: &mut KernelHalf, hook: Hook) -> Result<FdLink, MachineError> {
    when_let_go(|| try_link(kernel_half, hook))
}

/// Attaches, where need be again and again: what a removed pin held goes when the kernel gets to it (`bpf_free_inode`, after a grace period
/// of RCU; `bpf_link_put`).
fn when_let_go<T>(mut attach: impl FnMut() -> Result<T, MachineError>) -> Result<T, MachineError> {
    let give_up = Instant::now() + DETACHED_WITHIN;
    loop {
        match attach() {
            Err(error) if is_busy(&error) && Instant::now() < give_up => {
                thread::sleep(Duration::from_millis(5));
            }
            attached => return attached,
        }
    }
}

fn try_link(kernel_half: &mut KernelHalf, hook: Hook) -> Result<FdLink, MachineError> {
    let refused = |source| MachineError::Attach { hook: hook.hook, source };
    if TRACEPOINTS.contains(&hook) {
        let program = kernel_half.tracepoint_program(hook)?;
        let id = program.attach().map_err(refused)?;
        return Ok(program.take_link(id).map_err(refused)?.into());
    }
    let program = kernel_half.machine_program(hook)?;
    let id = program.attach().map_err(refused)?;
    Ok(program.take_link(id).map_err(refused)?.into())
}

fn is_busy(error: &MachineError) -> bool {
    matches!(error, MachineError::Attach { source: ProgramError::SyscallError(call), .. }
        if call.io_error.raw_os_error() == Some(libc::EBUSY))
}

/// Sees to it that the pin for this hook holds our program.
fn attach_pinned(kernel_half: &mut KernelHalf, hook: Hook, pins: &Pins) -> Result<(), MachineError> {
    // bpffs has no names with dots in them.
    let (place, new) =
        (pins.machine().join(hook.program), pins.machine().join(format!("new-{}", hook.program)));
    let ours = kernel_half.program_id(hook)?;
    let next = next(ours, pinned_program(&place)?, pinned_program(&new)?);
    match next {
        Next::Stays => return remove(&new),
        Next::Move => {}
        Next::Attach => {
            remove(&new)?;
            let pinned = link(kernel_half, hook)?.pin(&new);
            // The descriptor is closed here; the pin holds the attachment.
            pinned.map(drop).map_err(|source| MachineError::Pin { path: new.clone(), source })?;
        }
    }
    fs::rename(&new, &place).map_err(|source| MachineError::Replace { path: place, source })?;
    reach(Failpoint::MachineJudging);
    Ok(())
}

/// What is to be done about a pin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// Nothing: it holds our program.
    Stays,
    /// A loader was killed before it had moved the new pin to its place.
    Move,
    /// Our program is attached nowhere.
    Attach,
}

/// By the id of our program, and of those that the pin and the new pin hold.
fn next(ours: u32, place: Option<u32>, new: Option<u32>) -> Next {
    if place == Some(ours) {
        Next::Stays
    } else if new == Some(ours) {
        Next::Move
    } else {
        Next::Attach
    }
}

/// The id of the program whose attachment is pinned at `path`; `None` where there is no such pin.
fn pinned_program(path: &Path) -> Result<Option<u32>, MachineError> {
    if !path.exists() {
        return Ok(None);
    }
    let look = |source| MachineError::Look { path: path.to_owned(), source };
    let link = FdLink::from(PinnedLink::from_pin(path).map_err(look)?);
    Ok(Some(link.info().map_err(look)?.program_id()))
}

fn remove(path: &Path) -> Result<(), MachineError> {
    match fs::remove_file(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(MachineError::Replace { path: path.to_owned(), source })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aya::sys::SyscallError;

    #[test]
    fn pins_for_programs_of_another_build_go() {
        // A hook may have more than one program.
        let directory = tempfile::tempdir().unwrap();
        for name in ["of_that_hook", "new-of_that_hook", "inode_create"] {
            fs::write(directory.path().join(name), "").unwrap();
        }
        let hook = Hook { program: "of_that_hook", hook: "inode_create" };
        remove_others(&[hook], directory.path()).unwrap();
        let left: Vec<_> =
            fs::read_dir(directory.path()).unwrap().map(|of| of.unwrap().file_name()).collect();
        assert_eq!(left, ["of_that_hook"]);
    }

    #[test]
    fn a_program_that_is_just_let_go_is_attached_again() {
        let refused = |code| {
            let io_error = io::Error::from_raw_os_error(code);
            let call = SyscallError { call: "bpf_raw_tracepoint_open", io_error };
            MachineError::Attach { hook: "inode_unlink", source: call.into() }
        };
        let mut times = 0;
        let attached = when_let_go(|| {
            times += 1;
            if times < 4 { Err(refused(libc::EBUSY)) } else { Ok(()) }
        });
        assert!(attached.is_ok());
        assert_eq!(times, 4);
        let mut times = 0;
        let denied: Result<(), _> = when_let_go(|| {
            times += 1;
            Err(refused(libc::EPERM))
        });
        assert!(denied.is_err());
        assert_eq!(times, 1);
    }

    #[test]
    fn a_program_is_never_attached_twice() {
        for new in [None, Some(7), Some(8)] {
            assert_eq!(next(7, Some(7), new), Next::Stays);
        }
        for place in [None, Some(6)] {
            assert_eq!(next(7, place, Some(7)), Next::Move);
            assert_eq!(next(7, place, Some(8)), Next::Attach);
            assert_eq!(next(7, place, None), Next::Attach);
        }
    }
}
