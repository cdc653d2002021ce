// SPDX-License-Identifier: MIT OR Apache-2.0
//! Programs that carry others: who may run one of them can do what a denied program does, without running it.
//!
//! Programs that only start others (`find -exec`, `xargs`, `env`, an editor's `:!`) are in the table, too: what they start is
//! judged like everything else, so they get around no list of what may run, but they do start copies.

use super::{allows, executes};
use crate::code::Code;
use crate::fault::{Fault, Faults, quoted_path};
use crate::files::Files;
use crate::policy::{Policy, Rule, Subject};
use sac_abi::Action;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// How a program carries others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// It has many programs in it.
    Contains,
    /// It runs code that it is given.
    Interprets,
    /// It brings a program into memory without executing its file.
    Loads,
    /// What it starts may run where the policy does not hold.
    Leaves,
    /// It takes over other processes.
    Controls,
    /// It is a shell: with nothing else allowed it can do little.
    Shell,
    /// It executes other programs, which are judged.
    Starts,
}

/// A program, or several of one kind.
struct Carrier {
    names: &'static [&'static str],
    way: Way,
    /// What it does.
    does: &'static str,
    /// What to allow in its place.
    instead: &'static str,
}

const CARRIERS: &[Carrier] = &[
    Carrier {
        names: &["busybox", "toybox", "coreutils", "uutils"],
        way: Way::Contains,
        does: "has many programs in it, and which one it is it learns from its arguments",
        instead: "allow the programs that are meant as files of their own",
    },
    Carrier {
        names: &[
            "python", "pypy", "perl", "ruby", "node", "nodejs", "deno", "bun", "php", "lua", "luajit",
            "tclsh", "wish", "expect", "guile", "java", "jshell", "groovy", "R", "Rscript", "octave",
            "julia", "erl", "ghci", "ocaml", "racket", "sbcl", "raku",
        ],
        way: Way::Interprets,
        does: "runs whatever code it is given, for instance with `-c` or `-e`",
        instead: "allow it only with `args` that name the script, which its users cannot write",
    },
    Carrier {
        names: &["awk", "gawk", "mawk", "nawk", "sed", "bc", "sqlite", "psql", "mysql", "mariadb", "m4"],
        way: Way::Interprets,
        does: "runs scripts that it is given, and these can write files or start programs",
        instead: "allow it only with `args` that are needed",
    },
    Carrier {
        names: &["vim", "vi", "view", "vimdiff", "rvim", "nvim", "ex", "emacs", "gdb", "lldb"],
        way: Way::Interprets,
        does: "has a language of its own or Python, in which any program can be written",
        instead: "allow an editor without one, such as `rnano`, or `sudoedit`",
    },
    Carrier {
        names: &["ld", "ld-linux", "ld-linux-x", "ld-linux-aarch", "ld-musl-x", "ld-musl-aarch"],
        way: Way::Loads,
        does: "runs a program that is named in its arguments without executing the program's file",
        instead: "remove it from the list; programs start without it being allowed",
    },
    Carrier {
        names: &[
            "sudo",
            "su",
            "doas",
            "pkexec",
            "runuser",
            "systemd-run",
            "run0",
            "machinectl",
            "nsenter",
            "at",
            "batch",
            "crontab",
            "docker",
            "podman",
            "ctr",
            "lxc",
            "lxc-attach",
            "sg",
            "newgrp",
        ],
        way: Way::Leaves,
        does: "starts programs as somebody else or outside of the session, where another policy or none holds",
        instead: "allow it only with `args` for the commands that are needed",
    },
    Carrier {
        names: &["strace", "ltrace", "perf", "bpftrace", "rr", "reptyr"],
        way: Way::Controls,
        does: "can take over or watch other processes",
        instead: "leave it to administrators",
    },
    Carrier {
        names: &["sh", "bash", "rbash", "dash", "zsh", "ksh", "mksh", "fish", "tcsh", "csh", "pwsh", "nu"],
        way: Way::Shell,
        does: "runs scripts, and its built-in commands can read and write files",
        instead: "allow it as the login shell only",
    },
    Carrier {
        names: &[
            "find",
            "fd",
            "xargs",
            "parallel",
            "env",
            "timeout",
            "nice",
            "ionice",
            "chrt",
            "taskset",
            "nohup",
            "setsid",
            "stdbuf",
            "time",
            "flock",
            "watch",
            "script",
            "screen",
            "tmux",
            "less",
            "more",
            "most",
            "man",
            "tar",
            "rsync",
            "ssh",
            "scp",
            "sftp",
            "git",
            "make",
            "zip",
            "unshare",
            "chroot",
            "setpriv",
            "capsh",
            "tcpdump",
            "socat",
            "nc",
            "mail",
            "journalctl",
            "systemctl",
            "apt",
            "apt-get",
            "dpkg",
            "rpm",
            "dnf",
            "snap",
            "pip",
            "npm",
            "cargo",
            "gcc",
            "cc",
            "nmap",
            "start-stop-daemon",
        ],
        way: Way::Starts,
        does: "starts other programs, for instance with `-exec`, `--checkpoint-action`, `-e`, `ProxyCommand`, a hook or a pager",
        instead: "nothing; what it starts is judged, too",
    },
];

/// Whether a file with this name has many programs in it.
pub(super) fn is_many_in_one(name: &str) -> bool {
    carrier(name).is_some_and(|carrier| carrier.way == Way::Contains)
}

/// The carrier that a file name stands for: `python3.11` is `python`, `vim.basic` is `vim`.
fn carrier(name: &str) -> Option<&'static Carrier> {
    let stem = name.split('.').next().unwrap_or(name);
    let stem = if stem.starts_with("ld-") { stem.split("86").next().unwrap_or(stem) } else { stem };
    let stem = stem.trim_end_matches(|character: char| character.is_ascii_digit());
    CARRIERS.iter().find(|carrier| carrier.names.contains(&name) || carrier.names.contains(&stem))
}

/// The carrier that stands at a path, by its name there or by its own.
fn carrier_at(files: &impl Files, path: &Path) -> Option<&'static Carrier> {
    let of = |path: &Path| carrier(&path.file_name()?.to_string_lossy());
    files.resolve(path).ok().and_then(|found| of(&found.canonical)).or_else(|| of(path))
}

pub(super) fn lint(policy: &Policy, files: &impl Files, faults: &mut Faults) {
    if policy.default == Action::Allow {
        deny_list(policy, files, faults);
    } else {
        allow_list(policy, files, faults);
    }
}

/// Warns of allowed programs that carry what is not allowed.
fn allow_list(policy: &Policy, files: &impl Files, faults: &mut Faults) {
    // A rule with arguments allows what was looked at.
    let allowing =
        policy.rules.iter().filter(|rule| executes(rule) && allows(rule) && rule.arguments.is_none());
    for rule in allowing {
        match &rule.subject {
            Subject::Path(path) => {
                if let Some(carrier) = carrier_at(files, path).filter(|carrier| carries(carrier)) {
                    let message = format!("{} {}", quoted_path(path), carrier.does);
                    let fault = Fault::new(Code::CarriedProgram, rule.place(), message);
                    faults.push(
                        fault.help(format!("what is not allowed can be done with it; {}", carrier.instead)),
                    );
                }
            }
            Subject::Directory(directory) | Subject::Tree(directory) => {
                let found = present(files, directory, carries);
                if !found.is_empty() {
                    let message =
                        format!("among what is in {} are {}", quoted_path(directory), listed(&found));
                    let help = "what is not allowed can be done with them; allow the programs one by one, or deny these";
                    faults.push(Fault::new(Code::CarriedProgram, rule.place(), message).help(help));
                }
            }
            // What else there is allows nothing.
            _ => {}
        }
    }
}

/// Whether a program gets around a list of what may run.
fn carries(carrier: &Carrier) -> bool {
    !matches!(carrier.way, Way::Shell | Way::Starts)
}

/// Warns, once, that a deny list keeps nobody from doing what is denied.
fn deny_list(policy: &Policy, files: &impl Files, faults: &mut Faults) {
    let denies = |rule: &&Rule| {
        executes(rule)
            && rule.action.blocks()
            && !matches!(rule.subject, Subject::Untrusted | Subject::ExecutableMemory)
    };
    let Some(rule) = policy.rules.iter().find(denies) else {
        return;
    };
    let file = |path: &Path| files.resolve(path).ok().map(|found| found.canonical);
    let denied: HashSet<PathBuf> =
        policy.rules.iter().filter(denies).filter_map(|rule| file(rule.subject.path()?)).collect();
    let directory = Path::new("/usr/bin");
    let mut seen = HashSet::new();
    let mut found = present(files, directory, |carrier| carrier.way != Way::Starts);
    // Several names of one program are one way, and a program that is denied is none.
    found.retain(|name| {
        file(&directory.join(name)).is_some_and(|file| !denied.contains(&file) && seen.insert(file))
    });
    // What somebody has brought is untrusted.
    let no_copies =
        policy.rules.iter().any(|rule| rule.subject == Subject::Untrusted && rule.action.blocks());
    let copy = if no_copies { "" } else { ", and so can a copy of it" };
    let message = match found.as_slice() {
        [] if no_copies => return,
        [] => "who can bring a copy of a denied program can do what it does".to_owned(),
        [only] => format!("`{only}` can do what a denied program does{copy}"),
        [first, second, ..] => format!(
            "{} programs here, such as `{first}` and `{second}`, can do what a denied one does{copy}",
            found.len()
        ),
    };
    let help = "this is so with every deny list: it prevents mistakes and shows attempts; to keep people out, write `default: deny` and allow what is needed";
    faults.push(Fault::new(Code::DenyListCarriers, rule.place(), message).help(help));
}

/// The carriers that are directly in a directory, as far as they are ones that are asked for.
fn present(files: &impl Files, directory: &Path, wanted: fn(&Carrier) -> bool) -> Vec<String> {
    let names = CARRIERS.iter().filter(|carrier| wanted(carrier)).flat_map(|carrier| carrier.names);
    let versions = names.flat_map(|name| [(*name).to_owned(), format!("{name}3")]);
    versions.filter(|name| files.resolve(&directory.join(name)).is_ok()).collect()
}

/// Some names, for a sentence.
fn listed(names: &[String]) -> String {
    const SHOWN_MAX: usize = 5;
    let shown: Vec<_> = names.iter().take(SHOWN_MAX).map(|name| format!("`{name}`")).collect();
    let more = names.len().saturating_sub(SHOWN_MAX);
    if more > 0 { format!("{} and {more} more", shown.join(", ")) } else { shown.join(", ") }
}

#[cfg(test)]
mod tests;
