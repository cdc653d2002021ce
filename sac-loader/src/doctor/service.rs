// SPDX-License-Identifier: MIT OR Apache-2.0
//! What runs beside the kernel: sshd's settings, policies, the daemon.

use super::{Check, Host, pam::Logins};
use crate::control::{Answer, Request, SOCKET_PATH as CONTROL_SOCKET, SessionInfo};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};
use sac_abi::pam::SOCKET_PATH as PAM_SOCKET;
use sac_policy::{Faults, Loaded, PolicySet, Severity, Trust};
use std::{
    io::{self, Read as _, Write as _},
    os::{fd::OwnedFd, unix::net::UnixStream},
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

/// Where the daemon's policies are.
pub(super) const POLICIES: &str = "/etc/sac/policies";

/// Where sshd is; the first that is there is asked.
const SSHD: [&str; 3] = ["/usr/sbin/sshd", "/usr/bin/sshd", "/usr/local/sbin/sshd"];

/// How long the daemon may take to answer; it has nothing to do but look into its tables.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// Whether sshd opens PAM sessions. `None` where there is no sshd.
pub(super) fn sshd(host: &Host) -> Option<Check> {
    const NAME: &str = "sshd";
    let program = SSHD.map(|path| host.at(path)).into_iter().find(|path| path.is_file())?;
    let shown = program.display();
    let ask = format!("`{shown} -T` must say `usepam yes`");
    let asked = Command::new(&program).arg("-T").stdin(Stdio::null()).output();
    let output = match asked {
        Ok(output) => output,
        Err(error) => return Some(Check::advice(NAME, format!("cannot run {shown}: {error}"), ask)),
    };
    Some(match uses_pam(&String::from_utf8_lossy(&output.stdout)) {
        Some(true) => Check::ok(NAME, "UsePAM yes"),
        Some(false) => Check::advice(
            NAME,
            "UsePAM no: ssh logins open no PAM session, and no policy holds them",
            "write `UsePAM yes` into /etc/ssh/sshd_config, then restart sshd",
        ),
        None => {
            let said = String::from_utf8_lossy(&output.stderr);
            let said = said.lines().next().unwrap_or("nothing").to_owned();
            Check::advice(NAME, format!("cannot tell whether it uses PAM; {shown} -T says: {said}"), ask)
        }
    })
}

/// What `sshd -T` says of `UsePAM`.
pub(super) fn uses_pam(settings: &str) -> Option<bool> {
    settings.lines().find_map(|line| match line.split_ascii_whitespace().collect::<Vec<_>>()[..] {
        [name, value] if name.eq_ignore_ascii_case("usepam") => Some(value.eq_ignore_ascii_case("yes")),
        _ => None,
    })
}

/// Whether the daemon's policies can be used.
pub(super) fn policies(host: &Host) -> Check {
    policies_from(&host.at(POLICIES), Trust::ROOT)
}

fn policies_from(directory: &Path, trust: Trust) -> Check {
    const NAME: &str = "policies";
    let counted =
        |count: usize, one: &str, many: &str| format!("{count} {}", if count == 1 { one } else { many });
    match PolicySet::load_dir_of(directory, trust) {
        Ok(Loaded { set, warnings, .. }) => {
            let policies = counted(set.policies().len(), "policy", "policies");
            let found = format!("{policies} in {}", directory.display());
            if warnings.is_empty() {
                return Check::ok(NAME, found);
            }
            let warnings = counted(warnings.count(Severity::Warning), "warning", "warnings");
            Check::advice(NAME, format!("{found}, {warnings}"), "see sac-loader policy check")
        }
        Err(faults) => Check::fail(NAME, first_error(&faults), "see all of it with sac-loader policy check"),
    }
}

/// The first error, with its place.
fn first_error(faults: &Faults) -> String {
    let first = faults.iter().find(|fault| fault.code().severity() == Severity::Error);
    first.map_or_else(
        || faults.to_string(),
        |fault| match fault.place().span {
            Some(span) => {
                format!("{}:{}: {}", fault.place().source.path().display(), span.line, fault.message())
            }
            None => fault.message().to_owned(),
        },
    )
}

/// Whether the daemon listens for the PAM module.
pub(super) fn pam_socket(host: &Host, logins: Logins) -> Check {
    const NAME: &str = "socket for PAM";
    match connect_to(&host.at(PAM_SOCKET), SocketType::SEQPACKET) {
        Ok(_connected) => Check::ok(NAME, format!("{PAM_SOCKET} takes connections")),
        Err(error) => match logins {
            Logins::Untouched => not_running(NAME, PAM_SOCKET, &error),
            Logins::AskTheLoader => Check::fail(
                NAME,
                format!("nobody listens at {PAM_SOCKET}, and logins ask there: {error}"),
                "start the daemon, or nobody but root gets in: systemctl start sac-loader",
            ),
        },
    }
}

/// Whether the daemon answers.
pub(super) fn control_socket(host: &Host) -> Check {
    const NAME: &str = "daemon";
    let stream = match connect_to(&host.at(CONTROL_SOCKET), SocketType::STREAM) {
        Ok(stream) => UnixStream::from(stream),
        Err(error) => return not_running(NAME, CONTROL_SOCKET, &error),
    };
    match count_sessions(stream) {
        Ok(sessions) => Check::ok(NAME, format!("answers at {CONTROL_SOCKET} (open sessions: {sessions})")),
        Err(error) => Check::advice(
            NAME,
            format!("takes connections at {CONTROL_SOCKET} and does not answer: {error}"),
            "see journalctl -u sac-loader; then systemctl restart sac-loader",
        ),
    }
}

fn not_running(name: &str, socket: &str, error: &io::Error) -> Check {
    Check::advice(
        name,
        format!("nobody listens at {socket}: {error}"),
        "not running: systemctl start sac-loader",
    )
}

/// Connects without waiting for a place in the socket's queue.
fn connect_to(path: &Path, kind: SocketType) -> io::Result<OwnedFd> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(AddressFamily::UNIX, kind, flags, None)?;
    connect(&socket, &SocketAddrUnix::new(path)?)?;
    Ok(socket)
}

fn count_sessions(mut stream: UnixStream) -> io::Result<usize> {
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(ANSWER_TIMEOUT))?;
    stream.set_write_timeout(Some(ANSWER_TIMEOUT))?;
    let mut request = serde_json::to_vec(&Request::ListSessions {})?;
    request.push(b'\n');
    stream.write_all(&request)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    match serde_json::from_slice::<Answer<Vec<SessionInfo>>>(&answer)? {
        Answer::Ok(sessions) => Ok(sessions.len()),
        Answer::Error(reason) => Err(io::Error::other(reason)),
    }
}

#[cfg(test)]
mod tests;
