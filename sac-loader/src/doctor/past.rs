// SPDX-License-Identifier: MIT OR Apache-2.0
//! Ways past SAC that are in use: login services that open no PAM sessions with us, and people who came by them.

use super::{Check, Host, Stacks, service};
use crate::{
    logins::{Process, Processes},
    person,
};
use sac_policy::{Person, PolicySet, Trust};
use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

const NAME: &str = "logins past SAC";

/// Login services that know nothing of PAM sessions, or are mostly built without.
const WITHOUT_PAM: [&str; 4] = ["dropbear", "in.telnetd", "telnetd", "mosh-server"];

/// How many logins are shown.
const SHOWN_MAX: usize = 10;

/// What runs to find something out that no file says.
struct Sources<'s> {
    /// What `sshd -T` with these arguments says of `UsePAM`, by the process that listens.
    uses_pam: &'s dyn Fn(&Path, &[String]) -> Option<bool>,
    /// Who has a user id.
    person: &'s dyn Fn(u32) -> Option<Person>,
}

/// Looks for all of it.
pub(super) fn checks(host: &Host) -> Vec<Check> {
    let uses_pam = |program: &Path, arguments: &[String]| {
        let asked = Command::new(program).arg("-T").args(arguments).stdin(Stdio::null()).output().ok()?;
        service::uses_pam(&String::from_utf8_lossy(&asked.stdout))
    };
    let person = |uid| person::look_up_uid(uid).map(|(person, _shell)| person);
    let set = PolicySet::load_dir_of(&host.at(service::POLICIES), Trust::ROOT).ok().map(|loaded| loaded.set);
    checks_with(host, set.as_ref(), &Sources { uses_pam: &uses_pam, person: &person })
}

/// `set` is missing where it does not load, which another check says.
fn checks_with(host: &Host, set: Option<&PolicySet>, sources: &Sources<'_>) -> Vec<Check> {
    let processes = match Processes::read(&host.at("/proc")) {
        Ok(processes) => processes,
        Err(error) => {
            return vec![Check::advice(NAME, format!("/proc: {error}"), "mount procfs at /proc")];
        }
    };
    let mut checks: Vec<Check> = services(&processes)
        .into_iter()
        .filter_map(|process| judge_service(&processes, process, sources))
        .collect();
    if let Some(set) = set {
        checks.extend(unlabelled(host, &processes, set, sources));
    }
    if checks.is_empty() {
        let people = if set.is_some() { "none" } else { "not looked for without policies" };
        checks.push(Check::ok(NAME, format!("{people}; no login service that opens no PAM sessions")));
    }
    checks
}

/// The login services that were not started by another process of the same program.
fn services(processes: &Processes) -> Vec<&Process> {
    let is_service = |name: &str| name == "sshd" || WITHOUT_PAM.contains(&name);
    let is_first = |process: &&Process| {
        let program = processes.program(process);
        let parent = processes.get(process.parent).map(|parent| processes.program(parent));
        is_service(&program) && parent != Some(program)
    };
    processes.iter().filter(is_first).collect()
}

/// What is wrong with a login service; `None` where nothing is.
fn judge_service(processes: &Processes, process: &Process, sources: &Sources<'_>) -> Option<Check> {
    let (pid, program) = (process.pid, processes.program(process));
    if WITHOUT_PAM.contains(&program.as_str()) {
        // Of a session that SAC has, it is one of that session's programs.
        if process.uid != 0 {
            return None;
        }
        let help = "stop it, or have people log in by a service that opens PAM sessions with pam_sac.so";
        return Some(Check::advice(
            NAME,
            format!("{program} (PID {pid}) lets people in under no policy"),
            help,
        ));
    }
    let arguments = listener(&fs::read(processes.file(pid, "cmdline")).ok()?)?;
    if is_elsewhere(processes, pid) {
        let help = "let people log in to the machine, not to a container; the processes of one are in none of SAC's sessions";
        return Some(Check::advice(NAME, format!("sshd of a container (PID {pid})"), help));
    }
    if arguments.is_empty() {
        // The one that the check of sshd is about.
        return None;
    }
    let shown = arguments.join(" ");
    match (sources.uses_pam)(&processes.file(pid, "exe"), &arguments) {
        Some(true) => None,
        Some(false) => Some(Check::advice(
            NAME,
            format!("sshd {shown} (PID {pid}): UsePAM no, so its logins are under no policy"),
            "write `UsePAM yes` into its configuration, then restart it",
        )),
        None => Some(Check::advice(
            NAME,
            format!("cannot tell whether sshd {shown} (PID {pid}) uses PAM"),
            format!("`sshd -T {shown}` must say `usepam yes`"),
        )),
    }
}

/// What decides on the configuration among the arguments of an sshd that listens; `None` for one that does not.
fn listener(cmdline: &[u8]) -> Option<Vec<String>> {
    let text = String::from_utf8_lossy(cmdline);
    // sshd writes a text of its own over its arguments: `sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups`.
    let words: Vec<&str> = match text.strip_prefix("sshd: ") {
        Some(title) => title.split_once(" [listener]")?.0.split_whitespace().collect(),
        None => text.split_terminator('\0').filter(|word| !word.is_empty()).collect(),
    };
    let mut rest = words.into_iter().skip(1);
    let mut arguments = Vec::new();
    while let Some(word) = rest.next() {
        match word {
            // A process of one connection.
            "-R" | "-i" => return None,
            "-f" | "-o" => arguments.extend([word.to_owned(), rest.next()?.to_owned()]),
            _ if word.starts_with("-f") || word.starts_with("-o") => arguments.push(word.to_owned()),
            // Their values may look like anything.
            "-b" | "-C" | "-c" | "-E" | "-g" | "-h" | "-k" | "-p" | "-u" => drop(rest.next()),
            _ => {}
        }
    }
    Some(arguments)
}

/// Whether a process has other mounts than PID 1: its files are a container's.
fn is_elsewhere(processes: &Processes, pid: i32) -> bool {
    let mounts = |pid| fs::read_link(processes.file(pid, "ns/mnt")).ok();
    matches!((mounts(pid), mounts(1)), (Some(one), Some(other)) if one != other)
}

/// People who are in under no policy.
fn unlabelled(host: &Host, processes: &Processes, set: &PolicySet, sources: &Sources<'_>) -> Option<Check> {
    let scopes = pinned_scopes(host);
    let is_covered = |cgroup: &Path| {
        let directory =
            host.at(Path::new(crate::cgroup::ROOT).join(cgroup.strip_prefix("/").unwrap_or(cgroup)));
        directory.ancestors().any(|above| fs::metadata(above).is_ok_and(|of| scopes.contains(&of.ino())))
    };
    let exempt = Stacks::read(host).exempt;
    let mut found = Vec::new();
    for login in processes.uncovered(&is_covered) {
        let person = (sources.person)(login.process.uid);
        let person = person.filter(|person| !set.matches(person).is_empty() && !exempt.has(person));
        found.extend(person.map(|person| login.of(&person.name)));
    }
    if found.is_empty() {
        return None;
    }
    let more = match found.len().saturating_sub(SHOWN_MAX) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    found.truncate(SHOWN_MAX);
    let found = format!("under no policy: {}{more}", found.join("; "));
    let help = "they came before SAC, or by what opens no PAM session with pam_sac.so; `unlabelled: deny` in their policy has them killed";
    Some(Check::advice(NAME, found, help))
}

/// The ids of all cgroups that have attachments. Names say nothing: whoever has a cgroup of their own may call it as they like.
fn pinned_scopes(host: &Host) -> BTreeSet<u64> {
    let entries = |directory: PathBuf| fs::read_dir(directory).into_iter().flatten().flatten();
    let versions = entries(host.at("/sys/fs/bpf/sac")).map(|version| version.path().join("scopes"));
    versions.flat_map(entries).filter_map(|scope| scope.file_name().to_str()?.parse().ok()).collect()
}

#[cfg(test)]
mod tests;
