// SPDX-License-Identifier: MIT OR Apache-2.0
//! The socket that the command line asks at.

use super::{Shared, give, lock, record::SessionRecord};
use crate::{
    cgroup,
    control::{Answer, REQUEST_BYTES_MAX, Reloaded, Request, SOCKET_PATH, SessionInfo, TIMEOUT},
    notice,
};
use anyhow::Context as _;
use sac_abi::scope::Counters;
use serde::Serialize;
use std::{
    fs,
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    os::unix::net::{UnixListener, UnixStream},
    thread,
    time::Duration,
};

/// Makes the socket, in place of one that an earlier daemon left.
pub(super) fn bind() -> anyhow::Result<UnixListener> {
    match fs::remove_file(SOCKET_PATH) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error).context(SOCKET_PATH),
        _ => {}
    }
    UnixListener::bind(SOCKET_PATH).context(SOCKET_PATH)
}

/// Serves one connection after the other, until accepting them fails. Only root can connect, and root can wait.
pub(super) fn serve(state: &Shared, socket: &UnixListener) -> io::Result<()> {
    loop {
        let served = socket.accept().and_then(|(stream, _)| serve_one(state, stream));
        if let Err(error) = served {
            tracing::warn!(%error, "a control request was not answered");
            // Where descriptors are exhausted this must not become a busy loop.
            thread::sleep(Duration::from_millis(10));
        }
    }
}

fn serve_one(state: &Shared, mut stream: UnixStream) -> io::Result<()> {
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    let peer = rustix::net::sockopt::socket_peercred(&stream)?;
    let answer = if peer.uid.as_raw() == 0 {
        let mut line = Vec::new();
        BufReader::new((&stream).take(REQUEST_BYTES_MAX as u64)).read_until(b'\n', &mut line)?;
        answer(state, peer.pid.as_raw_nonzero().get(), &line)?
    } else {
        json(&Answer::<()>::Error("only root may ask".to_owned()))?
    };
    stream.write_all(&answer)
}

fn answer(state: &Shared, pid: i32, line: &[u8]) -> io::Result<Vec<u8>> {
    match serde_json::from_slice(line) {
        Ok(Request::ListSessions {}) => json(&Answer::Ok(list_sessions(state))),
        Ok(Request::Reload {}) => json(&match lock(state).reload() {
            Ok(policies) => Answer::Ok(Reloaded { policies }),
            Err(error) => {
                tracing::error!("the policies were refused: {}", error.first_faults());
                Answer::Error(format!("the policies were refused, nothing changed: {error:#}"))
            }
        }),
        Ok(Request::Grant { user, exec, for_s, reason }) => {
            result(give::grant(state, &give::asker(pid), &user, exec, for_s, reason))
        }
        Ok(Request::Grants {}) => json(&Answer::Ok(give::grants(state))),
        Ok(Request::Revoke { number }) => result(give::revoke(state, &give::asker(pid), number)),
        Ok(Request::Thaw { session }) => result(give::thaw(state, &give::asker(pid), &session)),
        Err(error) => json(&Answer::<()>::Error(format!("not a request: {error}"))),
    }
}

fn result<T: Serialize>(result: anyhow::Result<T>) -> io::Result<Vec<u8>> {
    json(&result.map_or_else(|error| Answer::Error(format!("{error:#}")), Answer::Ok))
}

fn json(answer: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut text = serde_json::to_vec(answer)?;
    text.push(b'\n');
    Ok(text)
}

/// What is looked up outside of the daemon's memory is looked up after the lock is given back.
fn list_sessions(state: &Shared) -> Vec<SessionInfo> {
    let known: Vec<(String, SessionRecord, Counters)> = {
        let state = lock(state);
        let sessions = state.registry().sessions();
        sessions
            .map(|(id, session)| {
                let counters = state.counters(session.scope.cgroup_id);
                (id.to_string(), session.clone(), counters)
            })
            .collect()
    };
    known.into_iter().map(|(id, record, counters)| session_info(id, record, counters)).collect()
}

fn session_info(id: String, record: SessionRecord, counters: Counters) -> SessionInfo {
    let processes = cgroup::processes(&record.scope.directory).unwrap_or_default();
    // sshd sets the terminal up after PAM, and calls it "ssh" until then.
    let tty =
        processes.iter().find_map(|pid| terminal_of(*pid)).unwrap_or_else(|| match record.tty.as_str() {
            "ssh" => String::new(),
            named => named.strip_prefix("/dev/").unwrap_or(named).to_owned(),
        });
    SessionInfo {
        id,
        policy: policy(&record, !tty.is_empty()),
        user: record.person.name,
        uid: record.person.uid,
        groups: record.person.groups.into_iter().map(|(_, name)| name).collect(),
        service: record.service,
        from: record.from,
        tty,
        since: jiff::Timestamp::from_millisecond(record.since_ms)
            .map(|time| time.to_string())
            .unwrap_or_default(),
        processes: processes.len(),
        executed: counters.executed,
        blocked: counters.blocked,
        events_lost: counters.events_lost,
        frozen: fs::read_to_string(record.scope.directory.join("cgroup.freeze"))
            .is_ok_and(|text| text.trim() == "1"),
        cgroup: record.scope.directory.display().to_string(),
    }
}

/// The policy that holds in a session, which may depend on whether it has a terminal.
fn policy(record: &SessionRecord, on_terminal: bool) -> String {
    let policies = &record.scope.policies;
    policies.get(usize::from(on_terminal)).or(policies.first()).cloned().unwrap_or_default()
}

/// The controlling terminal of a process, without `/dev/`.
fn terminal_of(pid: i32) -> Option<String> {
    let path = notice::terminal_of_process(pid)?;
    Some(path.strip_prefix("/dev").unwrap_or(&path).display().to_string())
}
