// SPDX-License-Identifier: MIT OR Apache-2.0
//! A session that a test talks to while it is open: it sends lines and waits for what comes back.
//!
//! What was shown is kept whole, so that a test can also say what never came.

use anyhow::{Context as _, bail};
use std::{
    io::{Read, Write as _},
    process::{Child, ChildStdin, Stdio},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};
use xtask::guest::{Ssh, wait_until};

/// How long an answer may take. Two emulated processors run a guest, and the host may be busy.
const PATIENCE: Duration = Duration::from_secs(60);

/// An open session. It ends with this value: its input closes, then its client goes.
pub(crate) struct Dialogue {
    child: Child,
    input: Option<ChildStdin>,
    out: Shown,
    err: Shown,
}

impl Dialogue {
    /// A session in which `remote` runs, or the login shell where that is empty; nobody waits for anything yet.
    pub(crate) fn start(ssh: &Ssh, remote: &str) -> anyhow::Result<Self> {
        let mut command = ssh.command(remote);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().context("starting ssh")?;
        let input = child.stdin.take();
        let out = Shown::follow(child.stdout.take().context("ssh has no output")?);
        let err = Shown::follow(child.stderr.take().context("ssh has no standard error")?);
        Ok(Self { child, input, out, err })
    }

    /// A shell on a terminal that neither echoes what is sent nor prompts, in the folder that each test finds empty.
    pub(crate) fn shell_on_terminal(ssh: Ssh) -> anyhow::Result<Self> {
        let mut shell = Self::start(&ssh.tty(), "")?;
        // Readline would echo by itself whatever the terminal is told; the mark is put together so that no echo of the line
        // has it.
        shell.send("set +o emacs; PS1=; PS2=; stty -echo; cd ~/e2e; m=qui; echo ${m}et")?;
        shell.shows("quiet")?;
        Ok(shell)
    }

    /// A shell without a terminal, as scripts use it, in the folder that each test finds empty.
    pub(crate) fn shell(ssh: &Ssh) -> anyhow::Result<Self> {
        let mut shell = Self::start(ssh, "cd ~/e2e; exec bash -s")?;
        shell.send("echo ready")?;
        shell.shows("ready")?;
        Ok(shell)
    }

    /// Sends a line.
    pub(crate) fn send(&mut self, line: &str) -> anyhow::Result<()> {
        let input = self.input.as_mut().context("the session's input is closed")?;
        input.write_all(format!("{line}\n").as_bytes()).context("sending to the session")
    }

    /// Waits for text on standard output, which is also all that a terminal shows.
    pub(crate) fn shows(&self, wanted: &str) -> anyhow::Result<()> {
        self.wait_for(&format!("{wanted:?} in the output"), || self.output().contains(wanted))
    }

    /// Waits for a condition on what was shown.
    pub(crate) fn wait_for(&self, what: &str, condition: impl Fn() -> bool) -> anyhow::Result<()> {
        self.wait_within(PATIENCE, what, condition)
    }

    fn wait_within(
        &self,
        patience: Duration,
        what: &str,
        condition: impl Fn() -> bool,
    ) -> anyhow::Result<()> {
        let came = wait_until(what, patience, || Ok(condition().then_some(())));
        came.with_context(|| format!("output:\n{}\nstandard error:\n{}", self.output(), self.errors()))
    }

    /// Sends a command line and waits until it has ended, for its exit status. `mark` is used once in a session.
    pub(crate) fn status(&mut self, mark: &str, command: &str) -> anyhow::Result<i32> {
        self.ask(mark, command)?;
        self.answer(mark).with_context(|| format!("at {command}"))
    }

    /// The same of a command that may take so long.
    pub(crate) fn status_within(
        &mut self,
        patience: Duration,
        mark: &str,
        command: &str,
    ) -> anyhow::Result<i32> {
        self.ask(mark, command)?;
        self.answer_within(patience, mark).with_context(|| format!("at {command}"))
    }

    /// Sends a command line whose exit status [`Dialogue::answer`] gives.
    pub(crate) fn ask(&mut self, mark: &str, command: &str) -> anyhow::Result<()> {
        // A terminal that echoes shows the mark with its quotes.
        self.send(&format!("{command}\necho \"{mark}\"=$?."))
    }

    /// Waits for the exit status of what was asked with this mark.
    pub(crate) fn answer(&self, mark: &str) -> anyhow::Result<i32> {
        self.answer_within(PATIENCE, mark)
    }

    fn answer_within(&self, patience: Duration, mark: &str) -> anyhow::Result<i32> {
        let begin = format!("{mark}=");
        let number = || {
            let output = self.output();
            let (number, _) = output.split_once(&begin)?.1.split_once('.')?;
            Some(number.to_owned())
        };
        self.wait_within(patience, &format!("the end of {mark}"), || number().is_some())?;
        number().and_then(|number| number.parse().ok()).with_context(|| self.output())
    }

    /// All of standard output so far.
    pub(crate) fn output(&self) -> String {
        self.out.text()
    }

    /// All of standard error so far.
    pub(crate) fn errors(&self) -> String {
        self.err.text()
    }

    /// Says that no more comes, and waits for the session's end.
    pub(crate) fn end(mut self) -> anyhow::Result<i32> {
        drop(self.input.take());
        let status = wait_until("the end of the session", PATIENCE, || Ok(self.child.try_wait()?))
            .with_context(|| self.output())?;
        let Some(code) = status.code() else { bail!("ssh ended with {status}") };
        Ok(code)
    }

    /// Cuts the connection.
    pub(crate) fn cut(mut self) -> anyhow::Result<()> {
        self.child.kill().context("ending ssh")?;
        self.child.wait().context("waiting for ssh").map(drop)
    }
}

impl Drop for Dialogue {
    fn drop(&mut self) {
        drop(self.input.take());
        // It may have ended by itself.
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// What a stream has shown.
#[derive(Clone, Default)]
struct Shown(Arc<Mutex<Vec<u8>>>);

impl Shown {
    fn follow(mut stream: impl Read + Send + 'static) -> Self {
        let shown = Self::default();
        let ours = shown.clone();
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = stream.read(&mut buffer) {
                ours.bytes().extend(buffer.iter().take(count));
            }
        });
        shown
    }

    fn bytes(&self) -> MutexGuard<'_, Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes()).into_owned()
    }
}
