// SPDX-License-Identifier: MIT OR Apache-2.0
//! The one way in which xtask runs another program as a step of its work.
//!
//! A step has a title. Its full output goes to `target/xtask/log/TITLE.log`; on the terminal stands one line when it ends,
//! and a sign of life while it takes long. A step that fails shows the last lines of its log and where the log is.
//! Interactive programs and the guests' own processes are not steps and are started elsewhere.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

#[cfg(test)]
mod tests;

/// After this time without an end, and again after each such time, a running step says that it is alive.
const SIGN_OF_LIFE: Duration = Duration::from_secs(20);
/// A step shorter than this prints nothing when it succeeds.
const WORTH_A_LINE: Duration = Duration::from_millis(800);
/// How many lines of a failed step's log are shown.
const TAIL_LINES: usize = 40;

/// Whether the terminal also shows a step's output as it comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Show {
    /// Only in the log; the tail is shown on failure.
    Log,
    /// In the log and, line by line, on stderr.
    Live,
}

/// Prints one line about progress on stderr.
#[expect(clippy::print_stderr, reason = "progress of a command line tool belongs on stderr")]
pub fn note(line: &str) {
    eprintln!("xtask: {line}");
}

/// Runs a step to its end.
///
/// # Errors
/// When the program cannot be started or does not succeed; the message holds the tail of its output.
pub fn run(title: &str, command: &mut Command) -> Result<()> {
    run_logged(title, command, Show::Log).map(drop)
}

/// Runs a step to its end and returns the path of its log.
///
/// # Errors
/// As [`run`].
pub fn run_logged(title: &str, command: &mut Command, show: Show) -> Result<PathBuf> {
    let (log, status) = run_any(title, command, show)?;
    if status.success() {
        return Ok(log);
    }
    let text = String::from_utf8_lossy(&fs::read(&log).unwrap_or_default()).into_owned();
    let shown = if show == Show::Live { String::new() } else { format!("\n{}", tail(&text, TAIL_LINES)) };
    bail!("{title} failed ({status}){shown}\nfull output: {}", log.display())
}

/// Runs a step to its end whatever its status; for steps of which a failure is not the end (tests).
///
/// # Errors
/// When the program cannot be started, or its log cannot be written.
pub fn run_any(title: &str, command: &mut Command, show: Show) -> Result<(PathBuf, ExitStatus)> {
    let (path, log) = open_log(title, command)?;
    command.stdin(Stdio::null());
    let start = Instant::now();
    let status = match show {
        Show::Log => {
            command.stdout(log.try_clone()?).stderr(log);
            let mut child = spawn(title, command)?;
            wait_with_sign_of_life(title, &mut child)?
        }
        Show::Live => {
            // One pipe for both streams keeps their order, and the readers of the log see it as the terminal did.
            let (reader, writer) = io::pipe()?;
            command.stdout(writer.try_clone()?).stderr(writer);
            let mut child = spawn(title, command)?;
            // The command still holds the write ends; without this the reader would never see the end.
            command.stdout(Stdio::null()).stderr(Stdio::null());
            let copier = thread::spawn(move || copy_lines(reader, log));
            let status = child.wait()?;
            copier.join().map_err(|_panic| anyhow::anyhow!("the copier of {title}'s output panicked"))??;
            status
        }
    };
    let took = start.elapsed();
    if took > WORTH_A_LINE || !status.success() {
        let verdict = if status.success() { "done" } else { "FAILED" };
        note(&format!("{title}: {verdict} ({:.1} s)", took.as_secs_f64()));
    }
    Ok((path, status))
}

/// Runs a short program and returns what it wrote to stdout.
///
/// # Errors
/// As [`run`]; also when the output is not UTF-8.
pub fn capture(title: &str, command: &mut Command) -> Result<String> {
    let output = command.stdin(Stdio::null()).output().with_context(|| starting(title, command))?;
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr);
        bail!("{title} failed ({})\n{}", output.status, tail(&stderr, TAIL_LINES))
    }
    String::from_utf8(output.stdout).with_context(|| format!("{title}: output is not UTF-8"))
}

/// The last `count` lines of a text.
pub fn tail(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines.get(lines.len().saturating_sub(count)..).unwrap_or_default().join("\n")
}

fn open_log(title: &str, command: &Command) -> Result<(PathBuf, File)> {
    let dir = crate::workspace::target("xtask/log");
    fs::create_dir_all(&dir).with_context(|| format!("creating {}", dir.display()))?;
    let path = dir.join(file_name(title));
    // A step that ran under sudo left a file that only root can write; the folder is its user's.
    if path.exists() {
        fs::remove_file(&path).with_context(|| format!("removing {}", path.display()))?;
    }
    let mut log = File::create(&path).with_context(|| format!("creating {}", path.display()))?;
    writeln!(log, "$ {command:?}")?;
    Ok((path, log))
}

/// The log's file name: the title with everything else than letters, digits and dots made a dash.
fn file_name(title: &str) -> String {
    let slug: String =
        title.chars().map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' }).collect();
    format!("{slug}.log")
}

fn spawn(title: &str, command: &mut Command) -> Result<Child> {
    command.spawn().with_context(|| starting(title, command))
}

fn starting(title: &str, command: &Command) -> String {
    format!("{title}: starting {}", Path::new(command.get_program()).display())
}

fn wait_with_sign_of_life(title: &str, child: &mut Child) -> Result<ExitStatus> {
    let start = Instant::now();
    let mut next_sign = SIGN_OF_LIFE;
    loop {
        if let Some(status) = child.try_wait().with_context(|| format!("waiting for {title}"))? {
            return Ok(status);
        }
        if start.elapsed() > next_sign {
            note(&format!("{title}: still running ({} s)", start.elapsed().as_secs()));
            next_sign += SIGN_OF_LIFE;
        }
        thread::sleep(Duration::from_millis(20));
    }
}

fn copy_lines(reader: impl Read, mut log: File) -> io::Result<()> {
    let mut reader = BufReader::new(reader);
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line)? > 0 {
        log.write_all(&line)?;
        io::stderr().write_all(&line)?;
        line.clear();
    }
    Ok(())
}
