// SPDX-License-Identifier: MIT OR Apache-2.0
//! Logging in to a guest with the real OpenSSH client, each time with a connection of its own unless asked otherwise.

use std::ffi::{OsStr, OsString};
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// How long a remote command may take unless told otherwise. A login to an emulated machine takes 1 to 3 s by itself; verifying the kernel
/// half has taken a minute where three of them shared two slow processors.
const DEADLINE: Duration = Duration::from_secs(180);

/// What a program left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// The exit status; 128 + N for a local program that signal N ended. ssh gives 255 for its own failures.
    pub status: i32,
    /// Standard output; bytes that are not UTF-8 are replaced.
    pub stdout: String,
    /// Standard error, likewise.
    pub stderr: String,
}

impl Output {
    /// Returns stdout of a program that succeeded.
    ///
    /// # Errors
    /// When the status is not 0; the message holds both streams.
    pub fn success(self) -> Result<String> {
        if self.status != 0 {
            bail!("exit status {}\nstdout: {}\nstderr: {}", self.status, self.stdout, self.stderr)
        }
        Ok(self.stdout)
    }
}

/// One ssh call, built step by step.
#[derive(Debug, Clone)]
pub struct Ssh {
    arguments: Vec<OsString>,
    destination: String,
    stdin: Vec<u8>,
    deadline: Duration,
}

impl Ssh {
    pub(super) fn new(arguments: Vec<OsString>, user: &str) -> Self {
        Self { arguments, destination: format!("{user}@127.0.0.1"), stdin: Vec::new(), deadline: DEADLINE }
    }

    /// Asks for a terminal although stdin is none (`-tt`).
    #[must_use]
    pub fn tty(self) -> Self {
        self.arg("-tt")
    }

    /// Adds an argument of ssh before the destination, like `-N` or `-oControlMaster=yes`.
    #[must_use]
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.arguments.push(argument.as_ref().to_owned());
        self
    }

    /// What the remote command reads.
    #[must_use]
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = bytes.into();
        self
    }

    /// How long the call may take, connection included (180 s unless this is called).
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// The call as a command that has not been started; for calls that live on while a test goes on. An empty `remote` asks
    /// for the login shell.
    pub fn command(&self, remote: &str) -> Command {
        let mut command = Command::new("ssh");
        command.args(&self.arguments).arg(&self.destination);
        if !remote.is_empty() {
            command.arg("--").arg(remote);
        }
        command
    }

    /// Runs a command line in the user's shell on the guest.
    ///
    /// # Errors
    /// When ssh cannot be started or the deadline passes. A failing remote command is no error: see [`Output::status`].
    pub fn run(&self, remote: &str) -> Result<Output> {
        let what = format!("ssh {} {remote}", self.destination);
        run_within(&what, &mut self.command(remote), &self.stdin, self.deadline)
    }
}

/// The arguments with which ssh, scp and sftp reach a guest, without a port: its option differs between them.
pub(super) fn client_arguments(private_key: &Path) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = vec!["-F".into(), "none".into(), "-i".into(), private_key.into()];
    let options = [
        "IdentitiesOnly=yes",
        "StrictHostKeyChecking=no",
        "UserKnownHostsFile=/dev/null",
        "LogLevel=ERROR",
        "BatchMode=yes",
        "ConnectTimeout=30",
        // What stands against quantum computers takes an emulated processor 0.6 s more, of 1.5 s for a whole login.
        "KexAlgorithms=curve25519-sha256",
    ];
    arguments.extend(options.iter().map(|option| OsString::from(format!("-o{option}"))));
    arguments
}

/// Runs a program to its end, feeding it `stdin`, and kills it when the deadline passes.
pub(super) fn run_within(
    what: &str,
    command: &mut Command,
    stdin: &[u8],
    deadline: Duration,
) -> Result<Output> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().with_context(|| format!("starting {what}"))?;
    let feeder = child.stdin.take().map(|mut pipe| {
        let bytes = stdin.to_vec();
        // A program that ends without reading breaks the pipe: that is its right.
        thread::spawn(move || pipe.write_all(&bytes).ok())
    });
    let stdout = collect(child.stdout.take());
    let stderr = collect(child.stderr.take());
    let status = wait(what, &mut child, deadline)?;
    if let Some(feeder) = feeder {
        feeder.join().ok();
    }
    use std::os::unix::process::ExitStatusExt;
    let status = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0));
    Ok(Output { status, stdout: text(stdout), stderr: text(stderr) })
}

fn wait(what: &str, child: &mut Child, deadline: Duration) -> Result<std::process::ExitStatus> {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait().with_context(|| format!("waiting for {what}"))? {
            return Ok(status);
        }
        if start.elapsed() > deadline {
            child.kill().ok();
            child.wait().ok();
            bail!("{what} did not end within {} s", deadline.as_secs())
        }
        thread::sleep(Duration::from_millis(10));
    }
}

type Collector = JoinHandle<Vec<u8>>;

fn collect(pipe: Option<impl Read + Send + 'static>) -> Option<Collector> {
    pipe.map(|mut pipe| {
        thread::spawn(move || {
            let mut bytes = Vec::new();
            // What came before a read error is kept: it is shown with the failure.
            pipe.read_to_end(&mut bytes).ok();
            bytes
        })
    })
}

fn text(collector: Option<Collector>) -> String {
    let bytes = collector.and_then(|collector| collector.join().ok()).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}
