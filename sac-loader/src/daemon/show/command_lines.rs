// SPDX-License-Identifier: MIT OR Apache-2.0
//! Command lines of users' processes, read so that no process can keep the daemon waiting.
//!
//! To read `/proc/PID/cmdline` is to read the process's own memory, and that may be a file on a file system of the user's own making,
//! which need not answer. So a thread reads, and whoever asks waits for it only so long. A thread that is kept waiting is left
//! alone; the process that it waits for is not asked again, and of such threads there are only so many.

use sac_audit::text::Text;
use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read as _},
    sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc},
    thread,
    time::{Duration, Instant},
};

/// Longest command line that is read, in bytes.
const BYTES_MAX: usize = 4096;

/// How long all of a session's may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// A process that takes longer for one command line keeps it to itself.
const TOO_LONG: Duration = Duration::from_millis(200);

/// Threads that may be reading, or waiting for processes, at a time.
const THREADS_MAX: usize = 32;

/// A command line, and whether there is more of it.
pub(super) type CommandLine = (Vec<Text>, bool);

/// Reads command lines.
#[derive(Clone)]
pub(in crate::daemon) struct CommandLines {
    read: fn(i32) -> io::Result<Vec<u8>>,
    patience: Duration,
    reading: Arc<Mutex<Reading>>,
}

/// What is being read just now.
#[derive(Default)]
struct Reading {
    threads: usize,
    since: BTreeMap<i32, Instant>,
}

impl Default for CommandLines {
    fn default() -> Self {
        Self { read, patience: PATIENCE, reading: Arc::default() }
    }
}

impl CommandLines {
    /// For tests on a machine that has much else to do.
    #[cfg(test)]
    pub(super) fn patient() -> Self {
        Self { patience: Duration::from_secs(60), ..Self::default() }
    }

    /// The command lines of these processes, as far as they can be read in time.
    pub(super) fn read(&self, pids: Vec<i32>) -> BTreeMap<i32, CommandLine> {
        let mut found = BTreeMap::new();
        let deadline = Instant::now() + self.patience;
        let Some(thread) = Thread::take(&self.reading) else {
            tracing::warn!(
                "processes keep their command lines from being read, so that no more are read for now"
            );
            return found;
        };
        let (sender, receiver) = mpsc::channel();
        let read = self.read;
        let run = move || {
            for pid in pids {
                let Some(line) = thread.read(pid, read) else { continue };
                if sender.send((pid, line)).is_err() {
                    // Nobody waits any more.
                    return;
                }
            }
        };
        if let Err(error) = thread::Builder::new().name("command lines".to_owned()).spawn(run) {
            tracing::warn!(%error, "no thread to read command lines");
            return found;
        }
        while let Ok((pid, line)) = receiver.recv_timeout(deadline.saturating_duration_since(Instant::now()))
        {
            found.extend(line.ok().map(|line| (pid, split(&line))));
        }
        found
    }
}

/// One of [`THREADS_MAX`].
struct Thread(Arc<Mutex<Reading>>);

impl Thread {
    fn take(reading: &Arc<Mutex<Reading>>) -> Option<Self> {
        let mut all = lock(reading);
        if all.threads >= THREADS_MAX {
            return None;
        }
        all.threads += 1;
        Some(Self(Arc::clone(reading)))
    }

    /// Reads one; `None` where another thread is waiting for the process already.
    fn read(&self, pid: i32, read: fn(i32) -> io::Result<Vec<u8>>) -> Option<io::Result<Vec<u8>>> {
        let since = *lock(&self.0).since.entry(pid).or_insert_with(Instant::now);
        if since.elapsed() > TOO_LONG {
            return None;
        }
        let line = read(pid);
        lock(&self.0).since.remove(&pid);
        Some(line)
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        lock(&self.0).threads -= 1;
    }
}

fn lock(reading: &Mutex<Reading>) -> MutexGuard<'_, Reading> {
    reading.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One byte more than is shown tells whether there is more.
fn read(pid: i32) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(format!("/proc/{pid}/cmdline"))?.take(BYTES_MAX as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The arguments, each of which ends with a NUL. Who writes over them, as sshd does to tell what it is, fills the rest up with more NULs,
/// so that empty arguments at the end cannot be told from none.
fn split(line: &[u8]) -> CommandLine {
    let is_cut = line.len() > BYTES_MAX;
    let shown = line.get(..BYTES_MAX).unwrap_or(line);
    let Some(end) = shown.iter().rposition(|byte| *byte != 0) else { return (Vec::new(), is_cut) };
    let shown = shown.get(..=end).unwrap_or_default();
    (shown.split(|byte| *byte == 0).map(Text::from_bytes).collect(), is_cut)
}

#[cfg(test)]
mod tests;
