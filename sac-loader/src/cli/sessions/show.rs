// SPDX-License-Identifier: MIT OR Apache-2.0
//! `sac-loader sessions show`: all that is known of a session.

use crate::{
    cli::list_sessions::local_time,
    control::{GrantInfo, Holds, PolicyInfo, ProcessInfo, Request, SessionDetails, SessionInfo, ask},
};
use comfy_table::{Cell, CellAlignment, ContentArrangement, Table, presets};
use jiff::SignedDuration;
use sac_audit::text::Text;
use std::{
    fmt::Write as _,
    io::{self, Write as _},
    process::ExitCode,
};

/// What `sessions show` takes.
#[derive(clap::Args)]
pub(in crate::cli) struct ShowArguments {
    /// The session's id
    session: String,
    /// Print a JSON object for programs
    #[arg(long)]
    json: bool,
}

/// Shows a session.
pub(super) fn run(arguments: &ShowArguments) -> anyhow::Result<ExitCode> {
    let details: SessionDetails = ask(Request::ShowSession { session: arguments.session.clone() })?;
    let mut out = io::stdout().lock();
    if arguments.json {
        serde_json::to_writer_pretty(&mut out, &details)?;
        writeln!(out)?;
    } else {
        write!(out, "{}\n{}", facts(&details), processes(&details.tree))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What there is to say besides the processes, one line each.
fn facts(details: &SessionDetails) -> String {
    let SessionDetails { session, age_s, login_uid, audit_session, policies, grants, .. } = details;
    let SessionInfo { executed, blocked, events_lost, .. } = session;
    let number = |number: Option<u32>| number.map_or_else(|| "none".to_owned(), |number| number.to_string());
    let since = local_time(&session.since);
    let mut text = String::new();
    let mut line = |name: &str, value: &str| {
        // Writing to a string cannot fail.
        let _infallible = writeln!(text, "{name:10}{value}");
    };
    line("Session", &format!("{}, open since {since} ({})", session.id, in_words(*age_s)));
    line("User", &format!("{} (uid {}), groups {}", session.user, session.uid, session.groups.join(", ")));
    line("Login", &login(session));
    line("Audit", &format!("login uid {}, audit session {}", number(*login_uid), number(*audit_session)));
    for policy in policies {
        line("Policy", &policy_line(policy));
        line("Limits", &limits(policy));
        line("Strikes", &strikes(policy));
    }
    let mut granted: Vec<_> = grants.iter().map(grant_line).collect();
    if granted.is_empty() {
        granted.push("none".to_owned());
    }
    let names = ["Grants"].into_iter().chain(std::iter::repeat(""));
    names.zip(&granted).for_each(|(name, grant)| line(name, grant));
    line("Frozen", if session.frozen { "yes; `sac-loader thaw` lets it go on" } else { "no" });
    line("Counted", &format!("{executed} executed, {blocked} blocked, {events_lost} events lost"));
    line("Cgroup", &session.cgroup);
    text
}

fn login(session: &SessionInfo) -> String {
    let from = if session.from.is_empty() { "this machine" } else { &session.from };
    let tty =
        if session.tty.is_empty() { "without a terminal".to_owned() } else { format!("on {}", session.tty) };
    format!("by {} from {from}, {tty}", session.service)
}

fn policy_line(policy: &PolicyInfo) -> String {
    let file = if policy.file.is_empty() { "not in force any more" } else { &policy.file };
    let holds = match policy.holds {
        Holds::Everywhere => "",
        Holds::WithoutTerminal => ", for what has no terminal",
        Holds::OnTerminal => ", for what runs on a terminal",
    };
    format!("{} ({file}){holds}", policy.name)
}

fn limits(policy: &PolicyInfo) -> String {
    let limits = &policy.limits;
    let parts = [
        limits.session_length_s.map(|time| format!("ends after {}", in_words(time))),
        limits.idle_s.map(|time| format!("ends when idle for {}", in_words(time))),
        limits.processes.map(|most| format!("{most} processes")),
        limits.sessions.map(|most| format!("{most} sessions of its user")),
    ];
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    if parts.is_empty() { "none".to_owned() } else { parts.join(", ") }
}

fn strikes(policy: &PolicyInfo) -> String {
    policy.strikes.as_ref().map_or_else(
        || "none".to_owned(),
        |of| format!("{} of {} within {}, then {}", of.count, of.blocked, in_words(of.within_s), of.then),
    )
}

fn grant_line(grant: &GrantInfo) -> String {
    let GrantInfo { number, exec, until, reason, by, .. } = grant;
    format!("{number}: {exec} until {}, by {by}: {reason}", local_time(until))
}

fn in_words(seconds: u64) -> String {
    format!("{:#}", SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX)))
}

/// Processes as a table, whose last column is the tree.
pub(in crate::cli) fn processes(tree: &[ProcessInfo]) -> String {
    /// What is deeper is shown no deeper, for the sake of its command line.
    const DEPTH_MAX: usize = 32;
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(["PID", "PPID", "UID", "STARTED", "COMMAND"]);
    for process in tree {
        let indent = "  ".repeat(process.depth.min(DEPTH_MAX));
        let right = |number: &dyn ToString| Cell::new(number.to_string()).set_alignment(CellAlignment::Right);
        table.add_row([
            right(&process.pid),
            right(&process.parent_pid),
            right(&process.uid),
            Cell::new(local_time(&process.started)),
            Cell::new(format!("{indent}{}", command(process))),
        ]);
    }
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 2));
        if index < 3 {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    format!("{}\n", table.trim_fmt())
}

/// A command line as it can be shown on one line; in parentheses, as `ps` does it, the name of a process that has none to show.
pub(in crate::cli) fn command(process: &ProcessInfo) -> String {
    let cut = if process.command_cut { " …" } else { "" };
    match &process.command {
        Some(arguments) => arguments.iter().map(quoted).collect::<Vec<_>>().join(" ") + cut,
        None => format!("({})", process.name),
    }
}

/// An argument, so that it can be told from the next one.
fn quoted(argument: &Text) -> String {
    let shown = argument.to_string();
    let is_plain = !shown.is_empty() && !shown.contains(|c: char| c.is_whitespace() || "'\"\\".contains(c));
    if is_plain { shown } else { format!("'{}'", shown.replace('\'', "'\\''")) }
}

#[cfg(test)]
mod tests;
