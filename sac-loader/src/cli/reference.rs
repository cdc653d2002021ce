// SPDX-License-Identifier: MIT OR Apache-2.0
//! `sac-loader reference`: the command line as Markdown. The page of the manual is made of it when the package is built, so
//! that each option is described in one place, which is where it is declared.

use clap::{Arg, Command};
use std::{
    fmt::Write as _,
    io::{self, Write as _},
    process::ExitCode,
};

/// What is there besides the commands.
const MORE: &str = "
## Permissions

| Who | What |
|---|---|
| root | Everything |
| Members of the group `sac-audit` | What looks at open sessions and at the record and changes nothing: `list-sessions`, `sessions list`, `sessions show`, `grants`, `policy status`, `top`, `events`, `tree`, `report`, `audit verify` |
| Everybody | What needs no service: `policy check`, `policy diff` and the like, for files that they can read |

The kernel says which groups somebody is in who asks, as they were when the command was started: whoever has just been made a
member has to log in again. The service looks the group up when it starts, with `reload`, and on SIGHUP.

`kill-session`, `freeze` and `thaw` tell the session's user why, on the session's terminals, and the log who asked for it. What a user
runs outside of sessions, by a manager of their own, is not in a session and goes on.

`policy apply --confirm` puts policies on trial; `/usr/share/doc/sac/lockout.md` says how that goes, who can confirm, and what to do who is
locked out.

`top` is for a terminal, which it gives back however it ends. It asks the service once a second and reads the record meanwhile; where the
service does not answer, it shows what the record says and says so.

`events`, `tree`, `report` and `audit verify` read the record's files and need no service: they work on a copy elsewhere as well, with
`--directory`.

## Exit status

| Code | Meaning |
|---|---|
| 0 | It is done; with a question, the answer is yes |
| 1 | It could not be done, not for all processes of a session, or a check failed |
| 2 | The command line is wrong |
| 3 | `policy explain`, `policy show`: it is denied, or no policy holds |

`policy diff` exits with 0 where nothing differs, 1 where something does, and 2 where it cannot tell; `audit verify` with 0 where the
record is sound, 1 where it is not, and 2 where it cannot be read; `run` with the code of
the command that it ran.

## Files

| Path | What it is |
|---|---|
| `/etc/sac/policies/*.yaml` | The policies, see sac-policy(5) |
| `/etc/sac/examples/` | Policies to begin with |
| `/usr/share/sac/sac-policy.schema.json` | The JSON Schema of policies, for editors |
| `/run/sac/` | Sockets, records of open sessions, and grants |
| `/var/log/sac/` | The record, see `/usr/share/doc/sac/audit.md` |
| `/usr/share/sac/sac-record.schema.json` | The JSON Schema of a line of the record |
| `/var/lib/sac/executed/` | What people have executed, for `policy learn` |
| `/var/lib/sac/apply/before/` | The policies that were in force before the last `policy apply` |
| `/var/lib/sac/apply/new/` | Policies that are on trial |
| `/sys/fs/bpf/sac/` | What is in the kernel; it holds without the service, too |

## Environment

| Variable | Meaning |
|---|---|
| `NO_COLOR` | Nothing is coloured if it is set |
| `TZ` | The time zone in which times are shown and read |
| `SSH_CONNECTION` | From where whoever runs `policy check` has logged in, for its warning of who would be locked out |
| `SUDO_UID` | Who that is, where the kernel does not know it |
";

/// Prints the reference.
pub(super) fn run(command: Command) -> anyhow::Result<ExitCode> {
    io::stdout().write_all(reference(command).as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

/// All commands that are not hidden, with their arguments.
fn reference(mut command: Command) -> String {
    command.build();
    let name = command.get_name().to_owned();
    let mut text = format!("# {name}\n\n{}.\n\n## Commands\n", about(&command));
    commands(&command, &name, &mut text);
    text + MORE
}

/// The commands below one, each after its parents' names.
fn commands(parent: &Command, path: &str, text: &mut String) {
    let shown = |command: &&Command| !command.is_hide_set() && command.get_name() != "help";
    for command in parent.get_subcommands().filter(shown) {
        let path = format!("{path} {}", command.get_name());
        if command.has_subcommands() {
            commands(command, &path, text);
            continue;
        }
        let usage = command.clone().render_usage().to_string();
        let usage = usage.trim_start_matches("Usage: ").split_whitespace().collect::<Vec<_>>().join(" ");
        let rows: String = command.get_arguments().filter(|argument| is_shown(argument)).map(row).collect();
        // Writing to a string cannot fail.
        let _infallible = write!(text, "\n### {path}\n\n`{usage}`\n\n{}.\n", about(command));
        if !rows.is_empty() {
            let _infallible = write!(text, "\n| Option | Meaning |\n|---|---|\n{rows}");
        }
    }
}

fn about(command: &Command) -> String {
    command.get_long_about().or_else(|| command.get_about()).map(ToString::to_string).unwrap_or_default()
}

/// Not hidden, and not the same for all commands.
fn is_shown(argument: &Arg) -> bool {
    !argument.is_hide_set() && !argument.is_global_set() && argument.get_id() != "help"
}

fn row(argument: &Arg) -> String {
    let help = argument.get_long_help().or_else(|| argument.get_help()).map(ToString::to_string);
    let defaults: Vec<_> =
        argument.get_default_values().iter().map(|value| value.to_string_lossy().into_owned()).collect();
    let default = match defaults.as_slice() {
        [] => String::new(),
        _ if !argument.get_action().takes_values() => String::new(),
        values => format!("; without it `{}`", values.join(" ")),
    };
    // A bar would end the cell, and so would a line.
    let cell = |text: &str| text.replace('\n', " ").replace('|', "\\|");
    let (name, help) = (cell(&argument.to_string()), cell(&help.unwrap_or_default()));
    format!("| `{name}` | {help}{default} |\n")
}
