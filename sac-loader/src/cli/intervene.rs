// SPDX-License-Identifier: MIT OR Apache-2.0
//! `sac-loader kill-session`, `freeze` and `thaw`: what administrators do to a session.

use super::sessions::processes;
use crate::control::{Controlled, Request, ask};
use sac_audit::record::Control;
use std::{io, process::ExitCode};

/// What `kill-session` and `freeze` take.
#[derive(clap::Args)]
pub(super) struct InterveneArguments {
    /// The session's id
    session: String,
    /// Why, for the user and for the log
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Print a JSON object for programs
    #[arg(long)]
    json: bool,
}

/// What `thaw` takes.
#[derive(clap::Args)]
pub(super) struct ThawArguments {
    /// The session's id
    session: String,
    /// Why, for the user and for the log
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Print a JSON object for programs
    #[arg(long)]
    json: bool,
}

/// Kills a session.
pub(super) fn kill(arguments: InterveneArguments) -> anyhow::Result<ExitCode> {
    let InterveneArguments { session, reason, json } = arguments;
    tell(&ask(Request::KillSession { session, reason })?, json, io::stdout().lock())
}

/// Freezes a session.
pub(super) fn freeze(arguments: InterveneArguments) -> anyhow::Result<ExitCode> {
    let InterveneArguments { session, reason, json } = arguments;
    tell(&ask(Request::Freeze { session, reason })?, json, io::stdout().lock())
}

/// Lets a session go on.
pub(super) fn thaw(arguments: ThawArguments) -> anyhow::Result<ExitCode> {
    let ThawArguments { session, reason, json } = arguments;
    tell(&ask(Request::Thaw { session, reason })?, json, io::stdout().lock())
}

/// Tells what was done; it is a failure where processes have not followed.
fn tell(done: &Controlled, json: bool, mut out: impl io::Write) -> anyhow::Result<ExitCode> {
    if json {
        serde_json::to_writer_pretty(&mut out, done)?;
        writeln!(out)?;
    } else {
        out.write_all(words(done).as_bytes())?;
    }
    Ok(if done.left.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(super::FAILED) })
}

fn words(done: &Controlled) -> String {
    let Controlled { session, user, processes: count, left, .. } = done;
    let processes_were = if *count == 1 { "1 process".to_owned() } else { format!("{count} processes") };
    let (happened, failed) = match done.action {
        Control::Killed => ("was killed", "are there still"),
        Control::Frozen => ("stands still", "have not all stopped"),
        Control::Thawed => ("goes on", "do not all go on"),
    };
    if left.is_empty() {
        return format!("session {session} of {user} {happened}: {processes_were}\n");
    }
    format!("session {session} of {user}: after 5 seconds these {failed}\n{}", processes(left))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::ProcessInfo;

    fn killed(left: Vec<ProcessInfo>) -> Controlled {
        let [session, user, by, reason] = ["3b0kq7e000", "bob", "alice", "why"].map(str::to_owned);
        Controlled { session, user, action: Control::Killed, by, reason, processes: 3, left }
    }

    #[test]
    fn what_was_done_is_one_line() {
        assert_eq!(words(&killed(Vec::new())), "session 3b0kq7e000 of bob was killed: 3 processes\n");
        let one = Controlled { processes: 1, action: Control::Thawed, ..killed(Vec::new()) };
        assert_eq!(words(&one), "session 3b0kq7e000 of bob goes on: 1 process\n");
    }

    #[test]
    fn who_is_left_is_named_and_makes_it_a_failure() {
        let [started, name] = ["not a time", "stuck"].map(str::to_owned);
        let (command, command_cut) = (None, false);
        let left =
            ProcessInfo { pid: 7, parent_pid: 1, depth: 0, uid: 1000, started, name, command, command_cut };
        let text = words(&killed(vec![left.clone()]));
        assert!(
            text.contains("after 5 seconds these are there still\n") && text.contains("(stuck)"),
            "{text}"
        );
        let code = |left| {
            let mut out = Vec::new();
            let code = tell(&killed(left), true, &mut out).unwrap();
            assert_eq!(serde_json::from_slice::<Controlled>(&out).unwrap().processes, 3);
            format!("{code:?}")
        };
        assert_eq!(code(Vec::new()), format!("{:?}", ExitCode::SUCCESS));
        assert_eq!(code(vec![left]), format!("{:?}", ExitCode::from(crate::cli::FAILED)));
    }
}
