// SPDX-License-Identifier: MIT OR Apache-2.0
//! Metrics for Prometheus, where `audit.yaml` asks for them.

use super::{Shared, lock};
use sac_audit::{
    config::MetricsAddress,
    sink::metrics::{Metrics, serve},
};
use std::{
    fs, io,
    net::TcpListener,
    os::unix::{fs::FileTypeExt as _, net::UnixListener},
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

/// What is counted, shared by those who count.
pub(super) type Counted = Arc<Mutex<Metrics>>;

/// How long one request may take: the next one waits for it.
const REQUEST: Duration = Duration::from_secs(2);

/// How long nothing is accepted after a failure, such as no descriptor.
const ACCEPT_AGAIN: Duration = Duration::from_secs(1);

/// Serves metrics from a thread of its own. They are served or not: nothing depends on it.
///
/// # Errors
///
/// Where the address cannot be had, or there is no thread.
pub(super) fn start(address: &MetricsAddress, state: &Shared, counted: &Counted) -> io::Result<()> {
    let (state, counted) = (Arc::clone(state), Arc::clone(counted));
    let text = move || {
        let sessions = lock(&state).registry().sessions().count();
        let mut metrics = counted.lock().unwrap_or_else(PoisonError::into_inner).clone();
        metrics.sessions = sessions.try_into().unwrap_or(u64::MAX);
        metrics.text()
    };
    let thread = thread::Builder::new().name("metrics".to_owned());
    match address {
        MetricsAddress::Unix(path) => {
            let socket = bind(path)?;
            thread.spawn(move || answer(|| socket.accept().map(|(stream, _)| stream), text))?
        }
        MetricsAddress::Loopback(address) => {
            let socket = TcpListener::bind(address)?;
            thread.spawn(move || answer(|| socket.accept().map(|(stream, _)| stream), text))?
        }
    };
    Ok(())
}

/// A socket in place of one that an earlier daemon left.
fn bind(path: &Path) -> io::Result<UnixListener> {
    match fs::symlink_metadata(path) {
        Ok(status) if status.file_type().is_socket() => fs::remove_file(path)?,
        _ => {}
    }
    UnixListener::bind(path)
}

/// Answers one request after the other.
fn answer<S: serve::Timed>(mut accept: impl FnMut() -> io::Result<S>, text: impl Fn() -> String) {
    loop {
        match accept() {
            // Who asked and has gone does not matter.
            Ok(mut stream) => drop(serve::serve(&mut stream, REQUEST, &text)),
            Err(error) => {
                tracing::warn!(%error, "metrics cannot be served for the moment");
                thread::sleep(ACCEPT_AGAIN);
            }
        }
    }
}
