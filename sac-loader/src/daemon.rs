// SPDX-License-Identifier: MIT OR Apache-2.0
//! The resident daemon: policies in the kernel, sessions opened for the PAM module and ended with their last process.
//!
//! Each source of work has a thread: PAM connections, control connections, events, ends of cgroups, the clock, changes of
//! files, of people, and of who may look. What they share is one [`State`] behind one lock, held only for work that cannot hang; the name service is asked before. The daemon is
//! in nobody's way: verdicts are the kernel's, and a daemon that is gone loosens nothing.

mod apply;
mod audit;
mod clock;
mod control_socket;
mod events;
mod follow;
mod give;
mod grants;
mod intervene;
mod limits;
mod memory;
mod metrics;
mod open;
mod pam_socket;
use crate::person;
mod place;
mod placements;
mod policies;
mod record;
mod registry;
mod show;
mod sightings;
mod sinks;
mod state;
mod strikes;
mod unlabelled;
mod watch;

#[cfg(fuzzing)]
pub use {control_socket::fuzzing::control, events::fuzzing::events};

use crate::{
    bpf::{Enforcement, KernelBtf, Pins},
    cgroup, control,
    notice::Deliverer,
};
use anyhow::Context as _;
use audit::{Keeper, Recorder};
use control_socket::{Access, Control};
use metrics::Counted;
use nix::sys::signal::{SigSet, Signal};
use sac_abi::SessionId;
use sac_audit::{
    record::{Event, Severity},
    sink::open::CURSORS,
};
use sac_failpoint::{Failpoint, reach};
use show::CommandLines;
use sightings::Sightings;
use sinks::{Progress, Sinks};
use state::State;
use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

/// Where the daemon keeps what it must find again after a restart; gone with a reboot, as sessions are.
const RUN_DIRECTORY: &str = "/run/sac";

/// How long writing the last records may take.
const LAST_RECORDS: Duration = Duration::from_secs(3);

/// What the daemon is started with.
pub(crate) struct Settings {
    /// The directory of policies.
    pub(crate) policies: PathBuf,
    /// The kernel's BTF.
    pub(crate) btf: PathBuf,
}

/// The state, shared by the daemon's threads.
type Shared = Arc<Mutex<State>>;

/// Takes the lock. A thread that panicked while it held it has at worst left one session's bookkeeping undone, which is
/// no reason to refuse all others.
fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs the daemon until it is told to stop. Sessions and their policies stay.
pub(crate) fn run(settings: Settings) -> anyhow::Result<()> {
    // Files and sockets of the daemon are root's alone.
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    let signals = SigSet::from_iter([Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP]);
    signals.thread_block().context("blocking signals")?;
    // Its heap is small, and would be kept in pieces of 2 MiB. Where that cannot be said it only takes more memory.
    let _more_memory = rustix::thread::disable_transparent_huge_pages(true);
    crate::sys::share_one_heap();

    let btf = KernelBtf::read(&settings.btf)?;
    let pins = Pins::open().context("cannot prepare bpffs; is it mounted at /sys/fs/bpf?")?;
    let enforcement = Enforcement::load(&btf, Some(pins))?;
    drop(btf);
    reach(Failpoint::StartLoaded);
    let (recorder, inbox) = Recorder::new().context("preparing the record")?;
    let (config, redactor) = audit::configured()?;
    let (progress, counted) = (Arc::<Progress>::default(), Counted::default());
    let (record, written) =
        Keeper::new(&config, redactor, inbox, Arc::clone(&progress), Arc::clone(&counted));
    let mut state = State::new(enforcement, settings.policies, recorder.clone(), Arc::clone(&counted))?;
    let events = state.take_events()?;
    state.adopt()?;
    reach(Failpoint::StartCleared);
    state.begin_policies();
    let ended = state.watcher();
    let pam = pam_socket::bind()?;
    let control = control_socket::bind()?;

    let wake = state.wake.clone();
    let notices = Deliverer::start().context("starting the thread for notices")?;
    let sightings = Arc::new(Mutex::new(Sightings::new(Path::new(sightings::DIRECTORY))));
    let (bell, rung) = follow::bell();
    let (access, look_up) = Access::for_root();
    let access = Arc::new(access);

    let state = Arc::new(Mutex::new(state));
    let (tell, seen) = (notices.clone(), Arc::clone(&sightings));
    start("events", &state, move |state| events::follow(&state, events, &tell, &seen, record))?;
    let (seen, tell) = (Arc::clone(&sightings), notices.clone());
    start("clock", &state, move |state| clock::keep(&state, &wake, &tell, &seen))?;
    start("files", &state, move |state| follow::files(&state, &bell))?;
    start("people", &state, move |state| follow::people(&state, &rung))?;
    start("cgroups", &state, move |state| watch::follow(&state, &ended))?;
    start("pam", &state, move |state| pam_socket::serve(&state, &pam))?;
    let who = Arc::clone(&access);
    start("readers", &state, move |_state| who.follow(Path::new(control::SOCKET_PATH), &look_up))?;
    let who = Arc::clone(&access);
    start("control", &state, move |state| {
        let answers = Control { state, notices, access: who, command_lines: CommandLines::default() };
        control_socket::serve(answers, &control)
    })?;
    let (directory, cursors) = (&config.record.directory, Path::new(CURSORS));
    let sinks = Sinks::start(config.sinks, directory, cursors, &progress, &recorder, &counted)
        .context("starting the threads of sinks")?;
    if let Some(address) = &config.metrics
        && let Err(error) = metrics::start(address, &state, &counted)
    {
        tracing::error!(%error, "metrics are not served at {address}: {error}");
    }
    crate::sys::give_back_memory();
    reach(Failpoint::StartReady);
    sd_notify::notify(&[sd_notify::NotifyState::Ready]).context("telling systemd")?;
    let sessions = lock(&state).registry().sessions().count();
    tracing::info!(sessions, "ready; {sessions} sessions were found open");
    let (version, sessions) = (env!("CARGO_PKG_VERSION").to_owned(), sessions.try_into().unwrap_or(u64::MAX));
    recorder.tell(None, Severity::Info, Event::LoaderStarted { version, sessions });
    wait_for_end(&signals, &state, &access)?;
    recorder.tell(None, Severity::Info, Event::LoaderStopped {});
    if written.recv_timeout(LAST_RECORDS).is_err() {
        tracing::error!("the last records may not be written");
    }
    sinks.finish();
    // The number may become somebody else's.
    lock(&state).enforcement.set_loader(0)?;
    clock::flush(&sightings);
    Ok(())
}

/// Held by each of the daemon's threads. None of them has a reason to end, by a panic either. Without one of them the daemon would be half
/// of itself; systemd starts a whole one.
struct Whole;

impl Drop for Whole {
    fn drop(&mut self) {
        std::process::abort();
    }
}

fn start(
    name: &str,
    state: &Shared,
    work: impl FnOnce(Shared) -> std::io::Result<()> + Send + 'static,
) -> anyhow::Result<()> {
    let state = Arc::clone(state);
    let run = move || {
        let _whole = Whole;
        if let Err(error) = work(state) {
            tracing::error!(%error, "a thread of the daemon failed; leaving, to be started again");
        }
    };
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(run)
        .with_context(|| format!("starting the thread {name}"))?;
    Ok(())
}

/// Removes the cgroups of ended sessions and the anchor below `directory`. One that somebody is in stays.
pub(crate) fn remove_cgroups(directory: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(directory)?.flatten() {
        let path = entry.path();
        if !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            continue;
        }
        if entry.file_name().to_str().is_some_and(is_ours) {
            if let Err(error) = cgroup::remove(&path) {
                tracing::warn!(cgroup = %path.display(), %error, "a cgroup stays");
            }
        } else {
            // A cgroup that goes while we look is none of ours.
            remove_cgroups(&path).or_else(cgroup::gone_is_fine)?;
        }
    }
    Ok(())
}

/// Whether a cgroup's name is one that the daemon gives.
fn is_ours(name: &str) -> bool {
    name == state::ANCHOR || name.strip_prefix("sac-").is_some_and(|id| SessionId::parse(id).is_some())
}

/// Removes the records of all sessions.
pub(crate) fn remove_records() -> std::io::Result<()> {
    for name in ["sessions", "users"] {
        match fs::remove_dir_all(Path::new(RUN_DIRECTORY).join(name)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

fn wait_for_end(signals: &SigSet, state: &Shared, access: &Access) -> anyhow::Result<()> {
    loop {
        match signals.wait().context("waiting for a signal")? {
            Signal::SIGHUP => {
                access.look_again();
                lock(state).load_policies();
            }
            signal => {
                tracing::info!("{signal}: stopping; sessions stay under their policies");
                return Ok(());
            }
        }
    }
}
