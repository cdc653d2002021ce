// SPDX-License-Identifier: MIT OR Apache-2.0
//! Whether logins come to SAC: the module, and its line in the stacks through which sessions are opened.
//!
//! A stack without the line is advice, because enforcement for logins is somebody's decision. A line that cannot do what
//! it is there for is a failure.

mod stack;

use super::{Check, Host};
use crate::logins::Exempt;
use stack::{Entry, session_stack};

/// The services that open sessions for people, by the names of their PAM files.
const SERVICES: [&str; 9] = ["sshd", "login", "su", "su-l", "sudo", "sudo-i", "cron", "atd", "systemd-user"];

const MODULE: &str = "pam_sac.so";
const SYSTEMD: &str = "pam_systemd.so";

/// Where libpam looks for modules on the distributions that we know; the first one there is this machine's.
const MODULE_DIRECTORIES: [&str; 7] = [
    "/usr/lib/x86_64-linux-gnu/security",
    "/usr/lib/aarch64-linux-gnu/security",
    "/lib/x86_64-linux-gnu/security",
    "/lib/aarch64-linux-gnu/security",
    "/usr/lib64/security",
    "/lib64/security",
    "/usr/lib/security",
];

const PAM_AUTH_UPDATE: &str = "/usr/sbin/pam-auth-update";

/// Whether any login of this machine comes to SAC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Logins {
    /// No stack names the module.
    Untouched,
    /// At least one does.
    AskTheLoader,
}

/// What the stacks of this machine's services say of who comes to SAC.
#[derive(Debug, Default)]
pub(crate) struct Stacks {
    /// Whom they let in without.
    pub(crate) exempt: Exempt,
    asking: Vec<&'static str>,
}

impl Stacks {
    /// Reads them. One that cannot be read lets nobody in.
    pub(crate) fn read(host: &Host) -> Self {
        let mut stacks = Self::default();
        for service in SERVICES {
            let stack = session_stack(host, service).ok().flatten().unwrap_or_default();
            let mut entries = stack.iter().filter(|entry| entry.is(MODULE)).peekable();
            stacks.asking.extend(entries.peek().map(|_| service));
            entries.flat_map(|entry| &entry.arguments).for_each(|argument| stacks.exempt.add(argument));
        }
        stacks
    }

    /// Whether the sessions of a login service, by the name of its program, come to SAC.
    pub(crate) fn bring(&self, program: &str) -> bool {
        // Since OpenSSH 9.8 sessions have a program of their own.
        self.asking.contains(&if program == "sshd-session" { "sshd" } else { program })
    }
}

/// The module, then each service that this machine has; and whether one of them names the module.
pub(super) fn checks(host: &Host) -> (Vec<Check>, Logins) {
    let mut named_by = Vec::new();
    let mut services = Vec::new();
    for service in SERVICES {
        let name = format!("PAM {service}");
        match session_stack(host, service) {
            Ok(None) => {}
            Ok(Some(stack)) => {
                if stack.iter().any(|entry| entry.is(MODULE)) {
                    named_by.push(service);
                }
                services.push(judge(host, &name, service, &stack));
            }
            Err(fault) => {
                let help = "mend it: libpam refuses every login through this service";
                services.push(Check::fail(&name, fault.to_string(), help));
            }
        }
    }
    if services.is_empty() {
        let help = "SAC holds logins that go through PAM; `sac-loader run` works without";
        services.push(Check::advice("PAM", "no service that opens sessions has a file in /etc/pam.d", help));
    }
    services.insert(0, module(host, &named_by));
    let logins = if named_by.is_empty() { Logins::Untouched } else { Logins::AskTheLoader };
    (services, logins)
}

/// Whether the module is where libpam looks. Where a stack names it and it is missing, nobody gets in.
fn module(host: &Host, named_by: &[&str]) -> Check {
    const NAME: &str = "PAM module";
    let files = MODULE_DIRECTORIES.map(|directory| format!("{directory}/{MODULE}"));
    if let Some(found) = files.iter().find(|file| host.at(file).is_file()) {
        return Check::ok(NAME, found);
    }
    let here = MODULE_DIRECTORIES.iter().find(|directory| host.at(directory).is_dir());
    let here = here.unwrap_or(&MODULE_DIRECTORIES[0]);
    let found = format!("no {MODULE} in {here}");
    let help = format!("install the package `sac`, or {MODULE} in {here}");
    if named_by.is_empty() {
        Check::advice(NAME, found, help)
    } else {
        let found = format!("{found}, but these name it and refuse every session: {}", named_by.join(", "));
        Check::fail(NAME, found, help)
    }
}

/// Whether the stack brings its sessions to SAC.
fn judge(host: &Host, name: &str, service: &str, stack: &[Entry]) -> Check {
    let Some(position) = stack.iter().position(|entry| entry.is(MODULE)) else {
        return Check::advice(name, format!("no line with {MODULE}"), how_to_enable(host, stack));
    };
    let entry = &stack[position];
    let systemd = stack.iter().rposition(|entry| entry.is(SYSTEMD)).map(|at| (at, &stack[at]));
    // The user manager stays in its own service whatever pam_systemd.so does, and the policy on the user's slice holds it.
    let systemd = systemd.filter(|_| service != "systemd-user");
    if let Some((_, later)) = systemd.filter(|(at, _)| *at > position) {
        return Check::fail(
            name,
            format!("{}: {MODULE} stands before {SYSTEMD} ({})", entry.place, later.place),
            format!(
                "move the line behind that of {SYSTEMD}, which takes the session out of its cgroup again"
            ),
        );
    }
    if !refuses(&entry.control) {
        return Check::fail(
            name,
            format!("{}: a refusal is ignored under the control `{}`", entry.place, entry.control),
            "write `required` in its place",
        );
    }
    if fails_open(entry) {
        return Check::advice(
            name,
            format!(
                "{}: `fail=open` lets sessions go on without a policy when sac-loader is down",
                entry.place
            ),
            "use `fail=closed`, and `exempt=` for the accounts that must always get in",
        );
    }
    if let Some(skips) = stack[..position].iter().find(|before| may_skip(before, entry)) {
        return Check::advice(
            name,
            format!("{}: {MODULE} is left out where {} succeeds first", entry.place, skips.place),
            format!("move the line with {MODULE} before the `sufficient` one"),
        );
    }
    let behind = if systemd.is_some() { format!(", after {SYSTEMD}") } else { String::new() };
    Check::ok(name, format!("{MODULE} at {}{behind}", entry.place))
}

fn how_to_enable(host: &Host, stack: &[Entry]) -> &'static str {
    let shares = |entry: &Entry| entry.place.file.to_string_lossy().starts_with("/etc/pam.d/common-session");
    if host.at(PAM_AUTH_UPDATE).is_file() && stack.iter().any(shares) {
        "not enabled yet: pam-auth-update --enable sac"
    } else {
        "not enabled yet: add `session required pam_sac.so` as the last session line, after pam_systemd.so"
    }
}

/// Whether a failure under this control fails the stack (pam.d(5)).
fn refuses(control: &str) -> bool {
    let Some(values) = control.strip_prefix('[') else {
        return ["required", "requisite"].iter().any(|word| control.eq_ignore_ascii_case(word));
    };
    let default = values
        .trim_end_matches(']')
        .split_whitespace()
        .rev()
        .find_map(|value| value.split_once('=').filter(|(of, _)| of.eq_ignore_ascii_case("default")));
    default.is_some_and(|(_, action)| ["bad", "die"].iter().any(|word| action.eq_ignore_ascii_case(word)))
}

/// The last one holds, as in the module.
fn fails_open(entry: &Entry) -> bool {
    let mode = entry.arguments.iter().rev().find_map(|argument| argument.strip_prefix("fail="));
    mode == Some("open")
}

/// Whether a success of `before` ends the stack that `entry` is in.
fn may_skip(before: &Entry, entry: &Entry) -> bool {
    before.control.eq_ignore_ascii_case("sufficient") && before.substack_level <= entry.substack_level
}

#[cfg(test)]
mod tests;
