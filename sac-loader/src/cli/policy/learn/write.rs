// SPDX-License-Identifier: MIT OR Apache-2.0
//! The text of a learned policy.

use super::{
    Whom,
    executed::{Executed, Seen},
};
use crate::cli::policy::{counted, plain};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use sac_abi::hash::TEXT_BYTES_MAX as PATH_BYTES_MAX;
use std::{
    collections::BTreeMap,
    fmt::{self, Write},
    path::{Path, PathBuf},
};

/// Where anybody can write, or a session's own user.
const WRITABLE: [&str; 4] = ["/tmp", "/var/tmp", "/dev/shm", "/run/user"];

/// Where home directories are.
const HOMES: [&str; 3] = ["/home", "/root", "/var/home"];

/// Where the system's own programs are. System accounts have such directories for a home.
const SYSTEM: [&str; 4] = ["/usr", "/bin", "/sbin", "/lib"];

/// What becomes of a path.
enum Fate {
    Allowed,
    /// It stands there as a comment, for this reason.
    Doubtful(&'static str),
    /// No rule can name it, for this reason.
    LeftOut(&'static str),
}

/// The policy.
pub(super) fn policy(
    name: &str,
    whom: Whom<'_>,
    executed: &Executed,
    since: Option<Timestamp>,
    now: Timestamp,
) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _infallible = write_policy(&mut text, name, whom, executed, since, now);
    text
}

fn write_policy(
    out: &mut String,
    name: &str,
    whom: Whom<'_>,
    executed: &Executed,
    since: Option<Timestamp>,
    now: Timestamp,
) -> fmt::Result {
    let (key, noun, who) = match whom {
        Whom::User(user) => ("users", "the user", user),
        Whom::Group(group) => ("groups", "the group", group),
    };
    let today = date(now);
    writeln!(out, "# Learned on {today} from what was executed. A human must review it before it is used:")?;
    writeln!(
        out,
        "# that somebody executed a program does not mean that they should. Read the whole list, remove what"
    )?;
    writeln!(out, "# is not needed, run `sac-loader policy check` on it, and watch it in audit mode.")?;
    let users: Vec<_> = executed.users.iter().map(|user| plain(user)).collect();
    writeln!(out, "# Learned from: {}", users.join(", "))?;
    if let Some(since) = since {
        writeln!(out, "# Only what was executed since {}, or up to an hour before.", date(since))?;
    }
    if executed.left_out > 0 {
        writeln!(out, "# The list is not complete: the records had no room for {} more.", executed.left_out)?;
    }
    writeln!(out, "policy: {}", quoted(name))?;
    writeln!(out, "description: {}", quoted(&format!("What {noun} {who} executed until {today}")))?;
    writeln!(out, "applies_to: {{{key}: [{}]}}", quoted(who))?;
    writeln!(out, "# Blocks nothing and records what it would block. With `enforce` it blocks.")?;
    writeln!(out, "mode: audit")?;
    writeln!(out, "action: deny")?;
    writeln!(out, "programs:\n  default: deny")?;
    let fate = |path: &str| fate(path, &executed.homes);
    let any = executed.programs.keys().any(|path| matches!(fate(path), Fate::Allowed));
    writeln!(out, "  allow:{}", if any { "" } else { " []" })?;
    for (directory, programs) in by_directory(executed) {
        let count = counted(programs.len(), "program", "programs");
        writeln!(out, "    # In {}: {count}", plain(&directory.to_string_lossy()))?;
        for (path, seen) in programs {
            let last = date(seen.last);
            match fate(path) {
                Fate::Allowed => writeln!(out, "    - {}  # last seen {last}", quoted(path))?,
                Fate::Doubtful(because) => {
                    writeln!(out, "    # - {}  # last seen {last}; {because}", quoted(path))?;
                }
                Fate::LeftOut(because) => {
                    let shown: String = plain(path).chars().take(PATH_BYTES_MAX).collect();
                    writeln!(out, "    # left out, last seen {last}: {because}: {shown}")?;
                }
            }
        }
    }
    Ok(())
}

fn by_directory(executed: &Executed) -> BTreeMap<&Path, Vec<(&str, Seen)>> {
    let mut directories: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (path, seen) in &executed.programs {
        let directory = Path::new(path).parent().unwrap_or(Path::new("/"));
        directories.entry(directory).or_default().push((path.as_str(), *seen));
    }
    directories
}

fn fate(path: &str, homes: &[PathBuf]) -> Fate {
    let below =
        |directories: &[&str]| directories.iter().any(|directory| Path::new(path).starts_with(directory));
    let in_own_home = homes.iter().any(|home| {
        let is_home = home.parent().is_some() && !SYSTEM.iter().any(|system| home.starts_with(system));
        is_home && Path::new(path).starts_with(home)
    });
    // `plain` leaves alone what shows as itself.
    if plain(path) != path {
        Fate::LeftOut("it has a control character or one that does not show")
    } else if path.len() > PATH_BYTES_MAX {
        Fate::LeftOut("the path is too long for a rule")
    } else if !path
        .strip_prefix('/')
        .is_some_and(|path| path.split('/').all(|part| !matches!(part, "" | "." | "..")))
    {
        Fate::LeftOut("it is no whole path")
    } else if below(&WRITABLE) {
        Fate::Doubtful("users can write there, so that it would allow whatever they put there")
    } else if in_own_home || below(&HOMES) {
        Fate::Doubtful("it is in a home directory, whose owner can put anything there")
    } else {
        Fate::Allowed
    }
}

/// A text as YAML takes it for one, whatever is in it.
fn quoted(text: &str) -> String {
    let is_simple = |character: char| character.is_ascii_alphanumeric() || "/._-+".contains(character);
    // What begins with a slash is neither a number nor a word such as `yes`.
    if text.starts_with('/') && text.chars().all(is_simple) {
        return text.to_owned();
    }
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            character if character.is_control() => quoted.push('?'),
            character => quoted.push(character),
        }
    }
    quoted.push('"');
    quoted
}

fn date(at: Timestamp) -> Date {
    TimeZone::system().to_datetime(at).date()
}
