// SPDX-License-Identifier: MIT OR Apache-2.0
//! `cargo xtask demo`: what SAC does, as a transcript of real logins.
//!
//! In a guest three people are in at the same time, by ssh, each under a policy of their own. On this machine (`--host`) the
//! same commands run under the same policies by `sac-loader run`, which touches neither PAM nor anybody's login.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;

use crate::guest::{Guest, Kernel, Ssh, wait_until};
use crate::{build_bpf, dist, process, setup, vm, workspace};

/// What the demonstration runs on.
#[derive(Debug, Args)]
pub struct Options {
    /// Kernel of the guest: 6.1, 6.12 or 7.x
    #[arg(long, default_value = "6.1", conflicts_with = "host")]
    kernel: Kernel,
    /// Use this machine, where its kernel can; needs root
    #[arg(long)]
    host: bool,
}

/// Somebody who logs in.
struct Person {
    name: &'static str,
    who: &'static str,
    /// The policy that will hold, and its file for `--host`.
    policy: &'static str,
    commands: &'static [&'static str],
}

const PEOPLE: [Person; 3] = [
    Person {
        name: "alice",
        who: "a developer: df is denied, and whoever tries it is killed",
        policy: "developers",
        commands: &[
            "uptime -p",
            "df /",
            "ln -sf /usr/bin/df hello && ./hello",
            "shopt -s expand_aliases; alias hi=df\nhi",
            "printf '#!/bin/bash\\ndf\\necho the script goes on\\n' > test1.sh; chmod +x test1.sh",
            "printf '#!/bin/bash\\n./test1.sh\\n' > test2.sh; chmod +x test2.sh; ./test2.sh",
            "printf '#!/bin/bash\\nfor word in \"$@\"; do command+=\"${word:0:1}\"; done\\n$command\\n' > test3.sh; chmod +x test3.sh",
            "./test3.sh delta foxtrot",
            "lsblk",
        ],
    },
    Person {
        name: "bob",
        who: "a database administrator: df is allowed, wget is not",
        policy: "dba",
        commands: &["df /", "wget --version"],
    },
    Person {
        name: "carol",
        who: "has no policy of her own: the default one denies df, and lets it fail instead of killing",
        policy: "default",
        commands: &["df /", "uptime -p"],
    },
];

/// The policy for everyone else; the ones for developers and dba are the examples in `policies/`.
const DEFAULT_POLICY: &str = "policy: default
description: Everyone else may not look at disks either
applies_to: everyone
action: deny
programs:
  deny:
    - /usr/bin/df
";

/// Shows it.
///
/// # Errors
/// When something cannot be built, booted or logged in to.
pub fn run(options: &Options) -> Result<ExitCode> {
    if options.host { on_this_machine() } else { in_a_guest(options.kernel) }
}

fn in_a_guest(kernel: Kernel) -> Result<ExitCode> {
    let deb = dist::run()?;
    let guest = vm::up(kernel)?;
    vm::install(&guest, &deb)?;
    put_policies(&guest)?;

    title("Three policies, one for each of three people");
    show(guest.ssh("root"), "root", &["head -n 20 /etc/sac/policies/*.yaml | grep -v '#'"])?;
    process::note("logging in as alice, bob and carol, who all stay in");
    let sockets = tempfile::tempdir().context("making a directory for ssh's sockets")?;
    let inside = PEOPLE.iter().map(|person| Inside::log_in(&guest, sockets.path(), person.name));
    let inside = inside.collect::<Result<Vec<_>>>()?;
    for (person, inside) in PEOPLE.iter().zip(&inside) {
        title(&format!("{}, {}", person.name, person.who));
        show(inside.channel(&guest), person.name, person.commands)?;
    }
    title("root sees who is in, and what was blocked");
    let blocked = "journalctl -u sac-loader --no-pager -o cat -g blocked: | tail -n 9";
    show(
        guest.ssh("root"),
        "root",
        &["sac-loader list-sessions", blocked, "df /", "sac-loader doctor --prove"],
    )?;

    title("Try it yourself");
    print(&format!(
        "cargo xtask vm shell alice --kernel {kernel}      the password for su and the console is the user's name\n\
         cargo xtask vm ssh root --kernel {kernel} -- sac-loader list-sessions\n\
         cargo xtask vm down --kernel {kernel}             ends the guest\n"
    ));
    Ok(ExitCode::SUCCESS)
}

fn put_policies(guest: &Guest) -> Result<()> {
    let examples = workspace::root().join("policies/examples");
    for name in ["developers.yaml", "dba.yaml"] {
        guest.put(&examples.join(name), "/etc/sac/policies/")?;
    }
    let write = "cat > /etc/sac/policies/default.yaml; chmod 644 /etc/sac/policies/*; sac-loader reload";
    guest.ssh("root").stdin(DEFAULT_POLICY).run(write)?.success().context("loading the policies")?;
    Ok(())
}

/// A login that stays, on a terminal. Further channels go through the same connection, and so are the same session.
struct Inside {
    child: Child,
    user: &'static str,
    socket: PathBuf,
}

impl Inside {
    fn log_in(guest: &Guest, sockets: &Path, user: &'static str) -> Result<Self> {
        let socket = sockets.join(user);
        let ssh = guest.ssh(user).tty().arg("-oControlMaster=yes").arg(control_path(&socket));
        let mut ssh = ssh.command("exec sleep 600");
        let child = ssh.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let inside = Self { child: child.context("starting ssh")?, user, socket };
        let listed = format!("sac-loader list-sessions | grep -qw {user}");
        wait_until(&format!("{user} to be in"), Duration::from_secs(60), || {
            Ok((guest.ssh("root").run(&listed)?.status == 0).then_some(()))
        })?;
        Ok(inside)
    }

    fn channel(&self, guest: &Guest) -> Ssh {
        guest.ssh(self.user).tty().arg(control_path(&self.socket))
    }
}

fn control_path(socket: &Path) -> String {
    format!("-oControlPath={}", socket.display())
}

impl Drop for Inside {
    fn drop(&mut self) {
        // It may have ended by itself.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Runs commands in one shell of `user` and shows them with a prompt. A pause behind each gives the notice, which comes from
/// the loader, time to arrive before the next prompt.
fn show(ssh: Ssh, user: &str, commands: &[&str]) -> Result<()> {
    let script = script(&format!("{user}@sac-guest"), commands);
    let output = ssh.run(&format!("exec bash -c {}", quote(&script)))?;
    print(&output.stdout.replace('\r', ""));
    print(&output.stderr);
    Ok(())
}

/// A script for bash that runs the commands, each behind a prompt.
fn script(prompt: &str, commands: &[&str]) -> String {
    let sign = if prompt.starts_with("root") { '#' } else { '$' };
    let steps: String = commands
        .iter()
        .map(|command| {
            let shown = command.replace('\n', "; ");
            format!("printf '%s\\n' {}\n{command}\nsleep 0.4\n", quote(&format!("{prompt}:~{sign} {shown}")))
        })
        .collect();
    format!("cd\n{steps}")
}

/// Quotes a word for a shell.
fn quote(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\\''"))
}

fn on_this_machine() -> Result<ExitCode> {
    setup::for_build()?;
    build_bpf::run()?;
    let mut build = Command::new("cargo");
    build.args(["build", "--release", "--package", "sac-loader"]).current_dir(workspace::root());
    process::run("build sac-loader", &mut build)?;
    let loader = workspace::cargo_target().join("release/sac-loader");

    title("Can this machine do it?");
    let doctor = Command::new(&loader).args(["doctor", "--prove"]).status().context("starting sac-loader")?;
    if !doctor.success() {
        process::note(
            "this machine cannot confine sessions, for the reasons above; `cargo xtask demo` uses a guest instead",
        );
        return Ok(ExitCode::FAILURE);
    }
    let place = workspace::target("demo");
    fs::create_dir_all(&place).with_context(|| format!("creating {}", place.display()))?;
    let default = place.join("default.yaml");
    fs::write(&default, DEFAULT_POLICY).with_context(|| format!("writing {}", default.display()))?;
    for person in &PEOPLE {
        title(&format!("Like {}, {}", person.name, person.who));
        let example = workspace::root().join(format!("policies/examples/{}.yaml", person.policy));
        let policy = if example.exists() { example } else { default.clone() };
        let mut run = Command::new(&loader);
        run.arg("run").arg("--policy").arg(policy).args(["--", "bash", "-c"]);
        run.arg(script("you", person.commands));
        run.env("HOME", &place).status().context("starting sac-loader")?;
    }
    title("Try it yourself");
    print("sac-loader run --policy policies/examples/developers.yaml -- bash\n");
    Ok(ExitCode::SUCCESS)
}

fn title(text: &str) {
    print(&format!("\n=== {text} ===\n\n"));
}

#[expect(clippy::print_stdout, reason = "the transcript is the verb's data")]
fn print(text: &str) {
    print!("{text}");
}
