// SPDX-License-Identifier: MIT OR Apache-2.0
//! A PAM configuration, a log socket and a cgroup of a test's own, and pamtester among them.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(dead_code, reason = "each test binary uses a part of it")]

use crate::fake_loader::own_uid;
use crate::module;
use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const SERVICE: &str = "sac-test";

/// A directory with everything that one login meets.
pub(crate) struct Stage {
    directory: tempfile::TempDir,
    log: UnixDatagram,
}

/// A login that is about to be made.
pub(crate) struct Rehearsal<'a> {
    stage: &'a Stage,
    binds: Vec<(PathBuf, &'static str)>,
    /// A program, with its arguments, that runs pamtester.
    wrapper: Vec<String>,
}

/// What became of a login.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) success: bool,
    /// Standard output and standard error of pamtester.
    pub(crate) messages: String,
    /// What the module wrote to syslog, in order.
    pub(crate) log: Vec<LogLine>,
    pub(crate) took: Duration,
}

#[derive(Debug)]
pub(crate) struct LogLine {
    pub(crate) priority: u32,
    pub(crate) message: String,
}

impl Stage {
    pub(crate) fn new() -> Self {
        // Not the usual TMPDIR: its path may be too long for a socket.
        let directory = tempfile::tempdir_in("/tmp").unwrap();
        fs::create_dir(directory.path().join("pam.d")).unwrap();
        // The name that it is installed by; libpam puts it before each line of the log.
        symlink(module::shared_object(), directory.path().join("pam_sac.so")).unwrap();
        let log = UnixDatagram::bind(directory.path().join("log")).unwrap();
        log.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        Self { directory, log }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Where the loader is expected.
    pub(crate) fn socket(&self) -> PathBuf {
        self.path("sock")
    }

    /// The module as a PAM configuration names it.
    pub(crate) fn module(&self) -> String {
        self.path("pam_sac.so").display().to_string()
    }

    /// The module's line for sessions, with `args` more.
    pub(crate) fn session_line(&self, args: &str) -> String {
        format!("session required {} socket={} {args}\n", self.module(), self.socket().display())
    }

    /// Prepares a login through this stack.
    pub(crate) fn stack(&self, stack: &str) -> Rehearsal<'_> {
        fs::write(self.path("pam.d").join(SERVICE), stack).unwrap();
        Rehearsal { stage: self, binds: Vec::new(), wrapper: Vec::new() }
    }

    /// Prepares a login through a session stack of the module alone.
    pub(crate) fn line(&self, args: &str) -> Rehearsal<'_> {
        self.stack(&self.session_line(args))
    }

    /// Opens and closes a session of `user` through the module alone.
    pub(crate) fn session(&self, args: &str, user: &str) -> Outcome {
        self.line(args).pamtester(&[], user, &["open_session", "close_session"])
    }

    /// Runs a command to its end and takes what comes to the log meanwhile: whoever writes to it waits for room.
    fn run(&self, command: &mut Command) -> (Output, Vec<LogLine>) {
        let is_over = AtomicBool::new(false);
        thread::scope(|scope| {
            let log = scope.spawn(|| self.take_log(&is_over));
            let output = command.output();
            is_over.store(true, Ordering::Release);
            let log = log.join().unwrap();
            (output.unwrap_or_else(|error| panic!("bwrap: {error}; install bubblewrap")), log)
        })
    }

    fn take_log(&self, is_over: &AtomicBool) -> Vec<LogLine> {
        let mut lines = Vec::new();
        let mut buffer = [0; 8192];
        loop {
            // Asked before: what was written until then is there by now.
            let was_over = is_over.load(Ordering::Acquire);
            match self.log.recv(&mut buffer) {
                Ok(bytes) => lines.extend(LogLine::read(&buffer[..bytes])),
                Err(_nothing) if was_over => return lines,
                Err(_nothing_yet) => {}
            }
        }
    }
}

impl LogLine {
    /// A line of the module's; `None` for one of somebody else's.
    fn read(line: &[u8]) -> Option<Self> {
        let line = String::from_utf8_lossy(line).into_owned();
        let (priority, rest) = line.strip_prefix('<').and_then(|rest| rest.split_once('>')).unwrap();
        // Between them stand the time and pamtester's name.
        let message = rest[rest.find(" pam_sac(")?..].trim_matches(['\0', '\n', ' ']).to_owned();
        Some(Self { priority: priority.parse().unwrap(), message })
    }
}

impl Rehearsal<'_> {
    /// Lets the login see the hierarchy of `cgroup` where a machine without cgroup v1 has it.
    pub(crate) fn in_cgroup_of(mut self, cgroup: &Cgroup) -> Self {
        self.binds.push((cgroup.mount_point.clone(), "/sys/fs/cgroup"));
        self
    }

    /// Lets this program, with its arguments, run pamtester.
    pub(crate) fn under(mut self, wrapper: &[&str]) -> Self {
        self.wrapper = wrapper.iter().map(|&word| word.to_owned()).collect();
        self
    }

    pub(crate) fn pamtester(self, options: &[&str], user: &str, operations: &[&str]) -> Outcome {
        let mut bwrap = Command::new("bwrap");
        bwrap.args(["--die-with-parent", "--bind", "/", "/", "--dev", "/dev"]);
        if own_uid() != 0 {
            // Whoever runs the tests is root in there, and so is the fake loader, seen from there.
            bwrap.args(["--unshare-user", "--uid", "0", "--gid", "0"]);
        }
        bwrap.arg("--bind").arg(self.stage.path("pam.d")).arg("/etc/pam.d");
        bwrap.arg("--bind").arg(self.stage.path("log")).arg("/dev/log");
        for (from, to) in &self.binds {
            bwrap.arg("--bind").arg(from).arg(to);
        }
        bwrap.args(&self.wrapper).arg("pamtester").args(options).args([SERVICE, user]).args(operations);
        let started = Instant::now();
        let (output, log) = self.stage.run(&mut bwrap);
        let took = started.elapsed();
        let messages = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        // Without this, a tool that is missing would pass for a refused login.
        assert!(!messages.contains("execvp"), "{messages}; install pamtester");
        assert!(!messages.contains("bwrap: "), "bwrap cannot make its namespaces here: {messages}");
        assert!(
            messages.contains("pamtester: "),
            "pamtester said nothing that it usually says: {messages:?}"
        );
        Outcome { success: output.status.success(), messages, log, took }
    }
}

/// An empty cgroup of the unified hierarchy; it is removed in the end.
pub(crate) struct Cgroup {
    mount_point: PathBuf,
    name: String,
}

impl Cgroup {
    pub(crate) fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let mount_point = unified_mount_point();
        let name = format!("sac-test-{}-{number}", std::process::id());
        let directory = mount_point.join(&name);
        fs::create_dir(&directory).unwrap_or_else(|error| panic!("mkdir {}: {error}", directory.display()));
        Self { mount_point, name }
    }

    /// As `/proc/self/cgroup` shows it.
    pub(crate) fn path(&self) -> String {
        format!("/{}", self.name)
    }

    /// Its directory as the login sees it.
    pub(crate) fn directory_inside(&self) -> String {
        format!("/sys/fs/cgroup/{}", self.name)
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        let directory = self.mount_point.join(&self.name);
        // What a failed test left inside makes this fail; the panic of that test says more.
        if let Err(error) = fs::remove_dir(&directory) {
            assert!(std::thread::panicking(), "rmdir {}: {error}", directory.display());
        }
    }
}

/// Where this machine has cgroup2; some have it beside version 1.
fn unified_mount_point() -> PathBuf {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap();
    let mount = mounts.lines().find_map(|line| {
        let mut fields = line.split(' ');
        let (mount_point, kind) = (fields.nth(1)?, fields.next()?);
        (kind == "cgroup2").then(|| Path::new(mount_point).to_path_buf())
    });
    mount.unwrap_or_else(|| panic!("no cgroup2 is mounted; mount -t cgroup2 none /sys/fs/cgroup"))
}
